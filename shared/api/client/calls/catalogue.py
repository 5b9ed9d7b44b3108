"""What a catalogue knows by name, and what it does not."""

from uuid import UUID

from shared.api.catalogue import UnmatchedCategories, ValuePage
from shared.api.client.calls.asking import Asking, part


class CatalogueCalls(Asking):
    """The tenant's catalogue."""

    async def list_values(
        self,
        kind: str,
        *,
        q: str | None = None,
        attribute: str | None = None,
        after: str | None = None,
        limit: int | None = None,
    ) -> ValuePage:
        """Names of one kind; of `attribute_values` those of one attribute."""
        return await self._get(
            ValuePage, f"/v1/catalogue/{part(kind)}", q=q, attribute=attribute, after=after, limit=limit
        )

    async def list_unmatched_categories(self, *, import_id: UUID, limit: int | None = None) -> UnmatchedCategories:
        """Categories that rows of an import name and nobody knows, with those that are nearest."""
        return await self._get(UnmatchedCategories, "/v1/unmatched-categories", import_id=import_id, limit=limit)
