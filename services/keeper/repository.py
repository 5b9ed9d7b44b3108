"""The SQL of the keeper. It sees the ledger of every tenant, and no rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.states import ImportStatus

_STUCK = text(
    """
    SELECT id, topic, body FROM imports.outbox
     WHERE published_at IS NOT NULL AND attempts >= :publishes AND created_at < now() - CAST(:age AS interval)
     ORDER BY created_at LIMIT 50
    """
)
_OPEN = text(
    f"""
    SELECT count(*) AS imports, coalesce(extract(epoch FROM now() - min(created_at)), 0) AS oldest
      FROM imports.imports WHERE status IN ('{ImportStatus.UPLOADING}', '{ImportStatus.IMPORTING}')
    """  # noqa: S608 - our own words
)
_OUTBOX = text(
    """
    SELECT topic, count(*) FILTER (WHERE published_at IS NULL) AS waiting,
           count(*) FILTER (WHERE published_at IS NOT NULL) AS in_flight
      FROM imports.outbox GROUP BY topic
    """
)


@dataclass(frozen=True)
class StuckEvent:
    """An event that was handed out again and again and never acted on."""

    id: UUID
    topic: str
    body: bytes


@dataclass(frozen=True)
class LedgerGauges:
    """The ledger at a glance."""

    open_imports: int
    oldest_seconds: float
    waiting: dict[str, int]
    in_flight: dict[str, int]


async def stuck_events(conn: AsyncConnection, *, publishes: int, age: timedelta) -> Sequence[StuckEvent]:
    """What was published at least so often, and first that long ago, and is still not acted on."""
    rows = await conn.execute(_STUCK, {"publishes": publishes, "age": age})
    return [StuckEvent(id=row.id, topic=row.topic, body=bytes(row.body)) for row in rows]


async def ledger_gauges(conn: AsyncConnection) -> LedgerGauges:
    """Imports and events that are under way."""
    imports = (await conn.execute(_OPEN)).one()
    events = (await conn.execute(_OUTBOX)).all()
    return LedgerGauges(
        open_imports=int(imports.imports),
        oldest_seconds=float(imports.oldest),
        waiting={row.topic: row.waiting for row in events},
        in_flight={row.topic: row.in_flight for row in events},
    )
