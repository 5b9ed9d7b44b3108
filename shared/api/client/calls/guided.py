"""Imports on the guided path."""

from uuid import UUID

from shared.api.client.calls.asking import Asking, query
from shared.api.guided import (
    Columns,
    ColumnValue,
    ColumnValuePage,
    NewFormat,
    NewMapping,
    NewReplacement,
    NewStep,
    Show,
    ValueSort,
)
from shared.api.imports import Import


class GuidedCalls(Asking):
    """What a person decides of a file before it is imported. Each does nothing the second time."""

    async def get_columns(self, import_id: UUID) -> Columns:
        """Its columns: what they are taken for, what they may be, what is missing."""
        return await self._get(Columns, f"/v1/imports/{import_id}/columns")

    async def put_mapping(self, import_id: UUID, body: NewMapping) -> Columns:
        """Say what they mean, and go on to the values."""
        return await self._send(Columns, "PUT", f"/v1/imports/{import_id}/mapping", body)

    async def list_column_values(
        self,
        import_id: UUID,
        index: int,
        *,
        show: Show | None = None,
        q: str | None = None,
        sort: ValueSort | None = None,
        after: str | None = None,
        limit: int | None = None,
    ) -> ColumnValuePage:
        """The distinct values of a column, by page."""
        path = f"/v1/imports/{import_id}/columns/{index}/values"
        return await self._get(ColumnValuePage, path, show=show, q=q, sort=sort, after=after, limit=limit)

    async def put_column_value(self, import_id: UUID, index: int, body: NewReplacement) -> ColumnValue:
        """Have a value read as another one, or skipped, in every row; with neither, as it stands."""
        return await self._send(ColumnValue, "PUT", f"/v1/imports/{import_id}/columns/{index}/values", body)

    async def delete_column_value(self, import_id: UUID, index: int, value: str) -> ColumnValue:
        """Have a value read as it stands again; a long one by `put_column_value` with neither replacement nor skip."""
        path = f"/v1/imports/{import_id}/columns/{index}/values"
        return self._read(ColumnValue, await self._requests.ask("DELETE", path, params=query({"value": value})))

    async def put_format(self, import_id: UUID, index: int, body: NewFormat) -> Columns:
        """Say how its dates or numbers are read."""
        return await self._send(Columns, "PUT", f"/v1/imports/{import_id}/columns/{index}/format", body)

    async def go_to_step(self, import_id: UUID, body: NewStep) -> Import:
        """Go to a step."""
        return await self._send(Import, "POST", f"/v1/imports/{import_id}/step", body, repeatable=True)

    async def start_over(self, import_id: UUID) -> Import:
        """Begin again with the columns."""
        return await self._send(Import, "DELETE", f"/v1/imports/{import_id}/guided")
