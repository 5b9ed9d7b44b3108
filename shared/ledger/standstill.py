"""An import that does not move any more, marked as failed by a person. Everything runs in the caller's transaction.

Nothing is wrong with its rows: what is in production stays, and every row that was not gone through is unprocessed and handed
back. What a stage has in hand at that moment is left to it, and counts as it comes out; whatever comes later finds nothing open.
"""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.ledger.completion import close_if_finished
from shared.ledger.release import release_chunks
from shared.states import OPEN, ChunkState, ImportStatus, sql_list

STANDSTILL = "not_moved"
"""Code of the error of an import that was marked as failed because it had not moved."""

AFTER = timedelta(minutes=30)
"""How long nothing of an import has to have moved for that."""

LAST_MOVED = """
    greatest(i.updated_at, (SELECT max(greatest(c.staged_at, c.validated_at, c.committed_at))
                              FROM imports.import_chunks c WHERE c.import_id = i.id))
"""
"""When anything of the import `i` moved last. SQL."""

WAITS_FOR_SOMEBODY = f"""
    (i.status = '{ImportStatus.PREVIEWING}' AND i.cancelled_at IS NULL AND i.parsed_at IS NOT NULL
     AND (i.error IS NOT NULL
          OR NOT EXISTS (SELECT FROM imports.import_chunks c
                          WHERE c.import_id = i.id AND c.state = '{ChunkState.STAGED}')))
"""
"""Whether the import `i` is held and only a person can go on with it. SQL."""

_LOCK = text("SELECT id FROM imports.imports WHERE id = :id FOR NO KEY UPDATE")
_FOUND = text(
    f"""
    SELECT i.status, {WAITS_FOR_SOMEBODY} AS waits, clock_timestamp() - {LAST_MOVED} AS still
      FROM imports.imports i WHERE i.id = :id
    """  # noqa: S608 - our own words
)
_FAIL = text(
    f"""
    UPDATE imports.imports
       SET error = coalesce(error, CAST(:error AS jsonb)),
           parsed_at = coalesce(parsed_at, clock_timestamp()),
           status = CASE status WHEN '{ImportStatus.PREVIEWING}' THEN '{ImportStatus.IMPORTING}' ELSE status END,
           updated_at = clock_timestamp()
     WHERE id = :id AND status IN ({sql_list(OPEN)})
    """  # noqa: S608 - our own words
)


@dataclass(frozen=True)
class MarkedFailed:
    """The import is marked as failed. `ended`: it has ended with that; else it does with the last chunk a stage has in hand."""

    ended: bool


@dataclass(frozen=True)
class StillMoves:
    """The import has moved so short a time ago, waits for a person, or has ended: nothing was done, and why."""

    status: ImportStatus
    why: str


StandstillOutcome: TypeAlias = MarkedFailed | StillMoves


async def mark_failed(conn: AsyncConnection, import_id: UUID, *, by: str) -> StandstillOutcome | None:
    """Mark an import as failed that has not moved for `AFTER`; None when this connection sees no such import.

    Under the import's lock, so that it either moves or is marked. `by` is who says so.
    """
    if (await conn.execute(_LOCK, {"id": import_id})).first() is None:
        return None
    found = (await conn.execute(_FOUND, {"id": import_id})).one()
    if (why := _why_not(found.status, found.still, waits=found.waits)) is not None:
        return StillMoves(ImportStatus(found.status), why)
    minutes = int(found.still.total_seconds() // 60)
    message = (
        f"It had not moved for {minutes:,} minutes, and {by} marked it as failed. What is imported stays; every other row is "
        "handed back as it is"
    )
    await conn.execute(_FAIL, {"id": import_id, "error": json.dumps({"code": STANDSTILL, "message": message})})
    await release_chunks(conn, import_id)
    ended = await close_if_finished(conn, import_id)
    return MarkedFailed(ended=ended)


def _why_not(status: str, still: timedelta, *, waits: bool) -> str | None:
    if status not in OPEN:
        return "It has ended"
    if waits:
        return "It waits for somebody to start it; cancel it instead"
    if still < AFTER:
        minutes = int(still.total_seconds() // 60)
        return (
            f"It moved {minutes} minutes ago; an import can be marked as failed when nothing of it has moved for "
            f"{int(AFTER.total_seconds() // 60)}"
        )
    return None
