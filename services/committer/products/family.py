"""What the committer does with a run of products."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.committer.in_steps import InSteps
from services.committer.moves import Plan, Step, identities
from services.committer.products.changes import (
    CHANGES,
    PRODUCTS_CHANGED,
    PRODUCTS_REMOVED,
    ROWS_OF_PRODUCTS,
    VARIANTS_CHANGED,
    VARIANTS_REMOVED,
)
from services.committer.products.conflicts import read_conflicts
from services.committer.products.graph import MAKE_ENTITIES, MOVES, SET_ASIDE
from services.committer.products.targets import lock_targets, what_is_staged
from services.committer.products.unused import remove_unused
from services.committer.refusals import Conflict
from services.committer.written import Written
from shared.db import catalog
from shared.db.catalog import product_variants, products
from shared.entities.products import PRODUCTS
from shared.entities.scope import ChunkScope
from shared.states import Action

_ENTITIES = tuple(entity.name for entity in catalog.ENTITIES)
_RECORDS = tuple(table.name for table in catalog.IMPORTED)


class Products(InSteps):
    """Products are made and changed, with the entities they name."""

    steps: Sequence[Step] = (*MAKE_ENTITIES, *MOVES)
    """The entities first, then owners before what they own."""

    identities = identities(products, PRODUCTS.by_identifier) | identities(product_variants, PRODUCTS.by_identifier)

    async def plan(self, conn: AsyncConnection, scope: ChunkScope, actions: Collection[Action]) -> Plan:
        """All steps that make products; where some are changed or left alone, the steps for which something is staged."""
        if set(actions) <= {Action.CREATE}:
            return Plan(self.steps)
        stale = await lock_targets(conn, scope, actions)
        there = await what_is_staged(conn, scope, actions)
        return Plan([step for step in CHANGES if step.needs & there], stale)

    def written(self, counts: Mapping[str, int]) -> Written:
        """Rows of variants are rows of the file; so is one that changed its product alone."""
        made = {name: counts[name] for name in _RECORDS if name in counts}
        changed = {
            products.name: counts.get(PRODUCTS_CHANGED, 0),
            product_variants.name: counts.get(VARIANTS_CHANGED, 0),
        }
        removed = {
            products.name: counts.get(PRODUCTS_REMOVED, 0),
            product_variants.name: counts.get(VARIANTS_REMOVED, 0),
        }
        rows = sum(kind.get(product_variants.name, 0) for kind in (made, changed, removed))
        entities = {name: counts[name] for name in _ENTITIES if counts.get(name)}
        return Written(rows + counts.get(ROWS_OF_PRODUCTS, 0), made, entities, changed, removed)

    async def conflicts(self, conn: AsyncConnection, scope: ChunkScope) -> Sequence[Conflict]:
        """Handles, barcodes and SKUs that production has."""
        return await read_conflicts(conn, scope)

    async def set_aside(self, conn: AsyncConnection, scope: ChunkScope, groups: Sequence[int]) -> None:
        """In every table a product has rows in."""
        for statement in SET_ASIDE:
            await conn.execute(statement, {**scope._asdict(), "groups": groups})

    async def remove_unused(self, conn: AsyncConnection, tenant_id: str, import_id: UUID) -> int:
        """The entities that its rows named."""
        return await remove_unused(conn, tenant_id, import_id)

    def summary(self, written: Written, *, of_changes: bool) -> dict[str, Any]:
        """Products, variants, and the entities that were made on the way."""

        def counted(table: str) -> dict[str, int]:
            changed = written.changed.get(table, 0)
            updated = {"updated": changed} if of_changes or changed else {}
            removed = {"removed": written.removed[table]} if written.removed.get(table) else {}
            return {"created": written.records.get(table, 0), **updated, **removed}

        return {
            "products": counted(products.name),
            "variants": counted(product_variants.name),
            "entities": {name: {"created": count} for name, count in sorted(written.entities.items())},
        }
