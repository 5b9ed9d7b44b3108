"""What is under way over all tenants, in ids and numbers: from the ledger and the outbox, as `winnow_operator` sees them.

Nothing of it goes through imports that have ended long ago: what is open has an index, and so has what ended lately.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.intake.pace import CHECKED, HANDED_BACK, IMPORTED, READ
from shared.ledger.standstill import AFTER, LAST_MOVED, WAITS_FOR_SOMEBODY
from shared.states import OPEN, PROCESSED_CHUNKS, ChunkState, ImportStatus, sql_list

MINUTES = 15
"""So many minutes back the stages' work is counted."""

STILL = timedelta(minutes=10)
"""An import of which nothing has moved for so long is listed as one that stands still."""

MOST_STUCK = 100
STAGE_TOPICS: Mapping[str, str] = {
    READ: "file-uploaded",
    CHECKED: "rows-staged",
    IMPORTED: "rows-validated",
    HANDED_BACK: "import-completed",
}
"""What each stage consumes."""

_OUTBOX = text(
    """
    SELECT topic, count(*) FILTER (WHERE published_at IS NULL) AS waiting,
           count(*) FILTER (WHERE published_at IS NOT NULL) AS in_flight,
           extract(epoch FROM clock_timestamp() - min(created_at)) AS oldest
      FROM imports.outbox GROUP BY topic
    """
)
_RUNNING = text(
    f"""
    SELECT count(*) AS imports, count(DISTINCT tenant_id) AS tenants FROM imports.imports i
     WHERE i.completed_at IS NULL AND i.status IN ({sql_list(OPEN)}) AND NOT {WAITS_FOR_SOMEBODY}
    """  # noqa: S608 - our own words
)
# By minute, 0 the last one. Chunks of imports that are open, or have ended meanwhile.
_LATELY = f"""
    lately AS MATERIALIZED (
        SELECT id, parsed_at, completed_at FROM imports.imports WHERE completed_at IS NULL
        UNION ALL
        SELECT id, parsed_at, completed_at FROM imports.imports
         WHERE completed_at > now() - CAST(:span AS interval)
           AND (staged_removed_at IS NULL OR rows_removed_at IS NULL OR upload_removed_at IS NULL OR results_removed_at IS NULL)
    ), chunks AS MATERIALIZED (
        SELECT c.validated_at, c.committed_at, c.row_count, c.state
          FROM lately l JOIN imports.import_chunks c ON c.import_id = l.id
         WHERE greatest(c.validated_at, c.committed_at) > now() - CAST(:span AS interval)
    ), done AS (
        SELECT '{READ}' AS stage, parsed_at AS at, 0 AS rows FROM lately WHERE parsed_at > now() - CAST(:span AS interval)
        UNION ALL
        SELECT '{CHECKED}', validated_at, 0 FROM chunks WHERE validated_at > now() - CAST(:span AS interval)
        UNION ALL
        SELECT '{IMPORTED}', committed_at, row_count FROM chunks
         WHERE committed_at > now() - CAST(:span AS interval) AND state IN ({sql_list(PROCESSED_CHUNKS)})
        UNION ALL
        SELECT '{HANDED_BACK}', completed_at, 0 FROM lately WHERE completed_at > now() - CAST(:span AS interval)
    )
"""  # noqa: S608 - our own words
_DONE = text(
    f"""
    WITH {_LATELY}
    SELECT stage, CAST(floor(extract(epoch FROM now() - at) / 60) AS integer) AS minute, count(*) AS times, sum(rows) AS rows
      FROM done WHERE at <= now() GROUP BY 1, 2
    """  # noqa: S608 - our own words
)
_STUCK = text(
    f"""
    SELECT i.id, i.tenant_id, i.status, i.entity_type, i.mode, moved.at AS since,
           extract(epoch FROM clock_timestamp() - moved.at) AS still, i.parsed_at IS NOT NULL AS is_read,
           greatest(i.total_rows, c.rows) AS total, c.committed, c.chunks, c.done, c.unchecked
      FROM imports.imports i
     CROSS JOIN LATERAL (SELECT {LAST_MOVED} AS at) moved
     CROSS JOIN LATERAL (
           SELECT count(*) AS chunks, coalesce(sum(row_count), 0) AS rows,
                  count(*) FILTER (WHERE state IN ({sql_list(PROCESSED_CHUNKS)})) AS done,
                  count(*) FILTER (WHERE state = '{ChunkState.STAGED}') AS unchecked,
                  coalesce(sum(row_count) FILTER (WHERE state IN ({sql_list(PROCESSED_CHUNKS)})), 0) AS committed
             FROM imports.import_chunks WHERE import_id = i.id) c
     WHERE i.completed_at IS NULL AND i.status IN ({sql_list(OPEN)}) AND i.updated_at < clock_timestamp() - CAST(:still AS interval)
       AND moved.at < clock_timestamp() - CAST(:still AS interval) AND NOT {WAITS_FOR_SOMEBODY}
     ORDER BY moved.at LIMIT :limit
    """  # noqa: S608 - our own words
)


@dataclass(frozen=True)
class OutboxLag:
    """Events of one topic that nobody has acted on yet; `oldest` is the age of the oldest, in seconds."""

    waiting: int
    in_flight: int
    oldest: float | None


@dataclass(frozen=True)
class StageWork:
    """What a stage has done: by minute, the oldest first, the last one last; rows in the last minute."""

    by_minute: tuple[int, ...]
    rows_last_minute: int

    @property
    def per_second(self) -> float:
        """In the last minute."""
        return self.by_minute[-1] / 60


@dataclass(frozen=True)
class StandingImport:
    """An import of which nothing moves, and at which stage."""

    id: UUID
    tenant_id: str
    status: ImportStatus
    entity_type: str
    mode: str
    stands_at: str
    since: datetime
    quiet_seconds: int
    total_rows: int
    committed_rows: int
    chunks: int
    chunks_done: int

    @property
    def may_fail(self) -> bool:
        """Whether it may be marked as failed."""
        return self.quiet_seconds >= AFTER.total_seconds()


@dataclass(frozen=True)
class UnderWay:
    """All of it at one moment."""

    running_imports: int
    running_tenants: int
    outbox: Mapping[str, OutboxLag]
    work: Mapping[str, StageWork]
    stuck: Sequence[StandingImport]


async def read_under_way(conn: AsyncConnection) -> UnderWay:
    """What is under way. The connection is of `winnow_operator`."""
    running = (await conn.execute(_RUNNING)).one()
    outbox = {
        row.topic: OutboxLag(row.waiting, row.in_flight, None if row.oldest is None else float(row.oldest))
        for row in await conn.execute(_OUTBOX)
    }
    done = (await conn.execute(_DONE, {"span": timedelta(minutes=MINUTES)})).all()
    stuck = await conn.execute(_STUCK, {"still": STILL, "limit": MOST_STUCK})
    return UnderWay(
        running.imports,
        running.tenants,
        outbox,
        {stage: _work(stage, done) for stage in STAGE_TOPICS},
        [_standing(row) for row in stuck],
    )


def _work(stage: str, done: Sequence[Any]) -> StageWork:
    times = {row.minute: row.times for row in done if row.stage == stage}
    rows = next((int(row.rows) for row in done if row.stage == stage and row.minute == 0), 0)
    return StageWork(tuple(int(times.get(minute, 0)) for minute in reversed(range(MINUTES))), rows)


def _standing(row: Any) -> StandingImport:
    at = READ if not row.is_read else CHECKED if row.unchecked else IMPORTED
    return StandingImport(
        id=row.id,
        tenant_id=row.tenant_id,
        status=ImportStatus(row.status),
        entity_type=row.entity_type,
        mode=row.mode,
        stands_at=at,
        since=row.since,
        quiet_seconds=int(row.still),
        total_rows=int(row.total),
        committed_rows=int(row.committed),
        chunks=row.chunks,
        chunks_done=row.done,
    )
