"""What the committer does with a run of products."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.committer.moves import InSteps, Step
from services.committer.products.conflicts import read_conflicts
from services.committer.products.graph import MAKE_ENTITIES, MOVES, SET_ASIDE
from services.committer.refusals import Conflict
from services.committer.written import Written
from shared.db.catalog import product_variants, products
from shared.entities.scope import ChunkScope


class Products(InSteps):
    """Products are made, with the entities they name."""

    steps: Sequence[Step] = (*MAKE_ENTITIES, *MOVES)
    """The entities first, then owners before what they own."""

    def written(self, counts: Sequence[int]) -> Written:
        """Rows of variants are rows of the file."""
        made = dict(zip((step.name for step in MAKE_ENTITIES), counts, strict=False))
        moved = dict(zip((step.name for step in MOVES), counts[len(MAKE_ENTITIES) :], strict=True))
        return Written(moved[product_variants.name], moved, {name: count for name, count in made.items() if count})

    async def conflicts(self, conn: AsyncConnection, scope: ChunkScope) -> Sequence[Conflict]:
        """Handles, barcodes and SKUs that production has."""
        return await read_conflicts(conn, scope)

    async def set_aside(self, conn: AsyncConnection, scope: ChunkScope, groups: Sequence[int]) -> None:
        """In every table a product has rows in."""
        for statement in SET_ASIDE:
            await conn.execute(statement, {**scope._asdict(), "groups": groups})

    def summary(self, written: Written) -> dict[str, Any]:
        """Products, variants, and the entities that were made on the way."""
        return {
            "products": {"created": written.records.get(products.name, 0)},
            "variants": {"created": written.records.get(product_variants.name, 0)},
            "entities": {name: {"created": count} for name, count in sorted(written.entities.items())},
        }
