"""What the validator does with a chunk of products."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from services.validator.asked import Asked, Undone
from services.validator.outcomes import Decided, Planned
from services.validator.products import repository
from services.validator.products.categories import Categories
from services.validator.products.foregoing import with_staged
from services.validator.products.groups import References
from services.validator.products.product import Known
from services.validator.products.records import outcome_of, staged_records
from services.validator.products.rules import Named, check, named
from services.validator.products.stored import NOTHING_STORED, Stored, StoredProduct
from services.validator.products.taken_back import take_back
from services.validator.products.traces import read_names, read_traces
from services.validator.rows import Groups
from shared.entities.columns import Columns
from shared.states import Action
from shared.values import How

NOWHERE = 0
"""The group of rows of which nothing is left: no row of a file has this number."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What a chunk is checked against beside its own file.

    `same` are the products that were applied from the very rows of a group, by its first row, and have not changed since.
    """

    known: Known
    stored: Stored
    categories: Categories
    same: Mapping[int, StoredProduct] = field(default_factory=dict)


class Products:
    """Products in every mode. The category tree is read once: only migrations change it."""

    def __init__(self) -> None:
        self._categories: Categories | None = None

    def needs(self, groups: Groups, columns: Columns, hows: Mapping[str, How]) -> Named:  # noqa: ARG002 - of other families
        """Every handle, barcode and SKU the rows give."""
        return named(groups)

    async def look_up(self, conn: AsyncConnection, tenant_id: str, asked: Asked, needs: Named) -> Catalogue:
        """What the tenant's catalogue has of them, and the category tree."""
        if self._categories is None:
            self._categories = await repository.read_categories(conn)
        if asked.mode == "create":
            known = await repository.read_known(conn, tenant_id, asked, needs)
            left_alone = known.ours | (known.handles if asked.skips_existing else frozenset())
            if not left_alone:
                return Catalogue(known, NOTHING_STORED, self._categories)
            there = Named(left_alone, needs.barcodes, needs.skus)
            return Catalogue(known, await repository.read_stored(conn, tenant_id, there), self._categories)
        same = await self._read_same(conn, tenant_id, asked, needs)
        stored = await repository.read_stored(conn, tenant_id, needs.without(same))
        if asked.wave:
            stored = await with_staged(conn, asked, needs, stored)
        by_row = {needs.sound[handle].rows[0]: product for handle, product in same.items()}
        return Catalogue(stored.known_to(asked.import_id), stored, self._categories, by_row)

    async def _read_same(
        self, conn: AsyncConnection, tenant_id: str, asked: Asked, needs: Named
    ) -> Mapping[str, StoredProduct]:
        """The products whose rows have been applied already and would change nothing, by their handles."""
        if asked.mode != "upsert" or asked.wave:
            return {}
        flagged = {duplicate.row for duplicate in asked.duplicates} | asked.alone
        digests = {
            handle: asked.digests[group.rows[0]]
            for handle, group in needs.sound.items()
            if group.rows[0] in asked.digests and flagged.isdisjoint(group.rows)
        }
        return await repository.read_same(conn, tenant_id, digests)

    def decide(self, groups: Groups, columns: Columns, known: Catalogue, asked: Asked) -> Decided:
        """What is made or changed for every group that is good in every row."""
        checked = check(groups, columns, References(known.known, known.categories, asked, known.stored, known.same))
        return Decided(
            outcomes=[outcome_of(product) for product in checked.products],
            records=staged_records(
                checked.products,
                new_id=uuid7,
                categories=known.categories,
                digests={row: digest for row, digest in asked.digests.items() if row not in checked.told},
            ),
            notices=checked.notices,
        )

    async def take_back(self, conn: AsyncConnection, tenant_id: str, undone: Undone) -> Decided:
        """What was made is removed and what was changed is as it was, but for groups of which something was changed since."""
        if self._categories is None:
            self._categories = await repository.read_categories(conn)
        traces, stored = await read_traces(conn, tenant_id, undone)
        names = await read_names(conn, tenant_id, traces.writers - {undone.import_id})
        groups = take_back(traces, stored, self._categories, undone.import_id, names)
        outcomes = [outcome_of(group) for group in groups]
        if gone := undone.row_count - sum(outcome.row_count for outcome in outcomes):
            outcomes.append(Planned(NOWHERE, gone, Action.SKIP, skips=gone))
        return Decided(outcomes, staged_records(groups, new_id=uuid7, categories=self._categories))
