"""What was told of imports, to webhooks and by e-mail, removed by age."""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

BATCH = 5_000
"""Deliveries one transaction removes at most."""

_OLD = "settled_at IS NOT NULL AND settled_at < now() - CAST(:age AS interval)"
_COUNT = text(f"SELECT count(*) FROM gateway.deliveries WHERE {_OLD}")  # noqa: S608 - our own words
_REMOVE = text(
    f"""
    DELETE FROM gateway.deliveries
     WHERE id = ANY(ARRAY(SELECT id FROM gateway.deliveries WHERE {_OLD} LIMIT {BATCH})) AND {_OLD}
    """  # noqa: S608 - our own words
)


async def count_deliveries(engine: AsyncEngine, age: timedelta) -> int:
    """How many were settled that long ago, of every tenant."""
    async with engine.connect() as conn:
        return int((await conn.execute(_COUNT, {"age": age})).scalar_one())


async def remove_deliveries(
    engine: AsyncEngine, age: timedelta, *, beat: Callable[[], None], report: Callable[[int], None]
) -> None:
    """Remove them, a batch in a transaction; `report` is told of each that is committed. One that is sent again stays."""
    while True:
        beat()
        async with engine.begin() as conn:
            removed = (await conn.execute(_REMOVE, {"age": age})).rowcount
        report(removed)
        if removed < BATCH:
            return
