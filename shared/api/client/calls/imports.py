"""Imports, and what became of them."""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import NamedTuple
from uuid import UUID

from shared.api.client import watching
from shared.api.client.calls.asking import Asking, as_json
from shared.api.imports import Import, ImportPage, NewImport
from shared.api.results import EntitiesMade, Preview, Reading, Reasons, Repairs
from shared.api.rows import ChangePage, ErrorPage, RowPage
from shared.states import ImportStatus, RowStatus


class Created(NamedTuple):
    """An import that was asked for: made now, or (`is_repeat`) before under the same key."""

    known: Import
    is_repeat: bool


class ImportCalls(Asking):
    """Imports: made, listed, watched, decided about; their rows and results."""

    async def create_import(self, body: NewImport, *, idempotency_key: str | None = None) -> Created:
        """Make an import. With a key it is asked again when it did not come through, and is the same import each time."""
        said = {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}
        response = await self._requests.ask(
            "POST",
            "/v1/imports",
            repeatable=idempotency_key is not None,
            headers={**said, "Content-Type": "application/json"},
            content=as_json(body),
        )
        return Created(self._read(Import, response), response.status_code == HTTPStatus.OK)

    async def list_imports(
        self,
        *,
        file_name: str | None = None,
        entity_type: str | None = None,
        status: Sequence[ImportStatus] = (),
        mode: str | None = None,
        user: str | None = None,
        since: datetime | None = None,
        before: datetime | None = None,
        sort: str | None = None,
        after: str | None = None,
        limit: int | None = None,
        count: bool | None = None,
    ) -> ImportPage:
        """Imports, newest first unless sorted otherwise; all that is said is true of each."""
        return await self._get(
            ImportPage,
            "/v1/imports",
            file_name=file_name,
            entity_type=entity_type,
            status=status,
            mode=mode,
            user=user,
            since=since,
            before=before,
            sort=sort,
            after=after,
            limit=limit,
            count=count,
        )

    async def recent_imports(self, *, limit: int | None = None) -> ImportPage:
        """The latest few."""
        return await self._get(ImportPage, "/v1/imports/recent", limit=limit)

    async def get_import(self, import_id: UUID) -> Import:
        """One import."""
        return await self._get(Import, f"/v1/imports/{import_id}")

    async def get_import_if_changed(self, import_id: UUID, version: str) -> Import | None:
        """One import; None when it still is of this version."""
        headers = {"If-None-Match": f'"{version}"'}
        response = await self._requests.ask("GET", f"/v1/imports/{import_id}", headers=headers)
        return None if response.status_code == HTTPStatus.NOT_MODIFIED else self._read(Import, response)

    async def watch_import(
        self, import_id: UUID, *, lost: Callable[[str], None] | None = None
    ) -> AsyncIterator[Import]:
        """An import as it changes, until nothing of it will; `lost` is told each time the connection broke."""
        async for message in watching.messages(self._requests, f"/v1/imports/{import_id}/events", lost=lost):
            yield self._parse(Import, message.data)

    # What a person decides. Each does nothing the second time, but for an undo.

    async def start_import(self, import_id: UUID) -> Import:
        """Let one that is held commit."""
        return await self._send(Import, "POST", f"/v1/imports/{import_id}/start", repeatable=True)

    async def cancel_import(self, import_id: UUID) -> Import:
        """Stop it; what is committed stays."""
        return await self._send(Import, "POST", f"/v1/imports/{import_id}/cancel", repeatable=True)

    async def dismiss_import(self, import_id: UUID) -> Import:
        """Put one with failures away."""
        return await self._send(Import, "POST", f"/v1/imports/{import_id}/dismiss", repeatable=True)

    async def undo_import(self, import_id: UUID) -> Import:
        """Take it back; the import that does."""
        return await self._send(Import, "POST", f"/v1/imports/{import_id}/undo")

    async def fail_import(self, import_id: UUID) -> Import:
        """Mark one as failed of which nothing has moved for 30 minutes."""
        return await self._send(Import, "POST", f"/v1/imports/{import_id}/fail")

    # Rows and results

    async def list_rows(
        self, import_id: UUID, *, status: RowStatus | None = None, after: int | None = None, limit: int | None = None
    ) -> RowPage:
        """Its rows, in the order of the file, behind row `after`."""
        path = f"/v1/imports/{import_id}/rows"
        return await self._get(RowPage, path, status=status, after=after, limit=limit)

    async def list_errors(self, import_id: UUID, *, after: str | None = None, limit: int | None = None) -> ErrorPage:
        """The errors of its rows, in the order of the file."""
        return await self._get(ErrorPage, f"/v1/imports/{import_id}/errors", after=after, limit=limit)

    async def list_changes(self, import_id: UUID, *, after: str | None = None, limit: int | None = None) -> ChangePage:
        """What it changes of records there are, before and after."""
        return await self._get(ChangePage, f"/v1/imports/{import_id}/changes", after=after, limit=limit)

    async def get_reasons(self, import_id: UUID) -> Reasons:
        """Its errors by kind and column, the most frequent first."""
        return await self._get(Reasons, f"/v1/imports/{import_id}/reasons")

    async def get_preview(self, import_id: UUID, *, changes: int | None = None) -> Preview:
        """What it would do, or has done, with its first changes."""
        return await self._get(Preview, f"/v1/imports/{import_id}/preview", changes=changes)

    async def get_entities(self, import_id: UUID, *, names: int | None = None) -> EntitiesMade:
        """What it made on the way, with so many names of each kind."""
        return await self._get(EntitiesMade, f"/v1/imports/{import_id}/entities", names=names)

    async def get_repairs(self, import_id: UUID) -> Repairs:
        """What has become of the rows that it handed back."""
        return await self._get(Repairs, f"/v1/imports/{import_id}/repairs")

    async def get_reading(self, import_id: UUID) -> Reading:
        """How its file was read."""
        return await self._get(Reading, f"/v1/imports/{import_id}/reading")
