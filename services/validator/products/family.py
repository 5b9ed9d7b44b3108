"""What the validator does with a chunk of products."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from services.validator.outcomes import Decided, Duplicate
from services.validator.products import repository
from services.validator.products.categories import Categories
from services.validator.products.product import Known
from services.validator.products.records import outcome_of, staged_records
from services.validator.products.rules import Named, References, check, named
from services.validator.rows import Groups
from shared.entities.columns import Columns


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What a chunk is checked against beside its own file."""

    known: Known
    categories: Categories


class Products:
    """Products in mode `create`. The category tree is read once: only migrations change it."""

    def __init__(self) -> None:
        self._categories: Categories | None = None

    def needs(self, groups: Groups) -> Named:
        """Every handle, barcode and SKU the rows give."""
        return named(groups)

    async def look_up(self, conn: AsyncConnection, tenant_id: str, import_id: UUID, needs: Named) -> Catalogue:
        """Which of them the tenant's catalogue has, and the category tree."""
        known = await repository.read_known(conn, tenant_id, import_id, needs)
        if self._categories is None:
            self._categories = await repository.read_categories(conn)
        return Catalogue(known, self._categories)

    def decide(
        self,
        groups: Groups,
        columns: Columns,
        known: Catalogue,
        duplicates: Sequence[Duplicate],
        mode: str,  # noqa: ARG002 - there is one mode
    ) -> Decided:
        """A product for every group that is good in every row."""
        checked = check(groups, columns, References(known.known, known.categories, duplicates))
        return Decided(
            outcomes=[outcome_of(product) for product in checked.products],
            records=staged_records(checked.products, new_id=uuid7),
            notices=checked.notices,
        )
