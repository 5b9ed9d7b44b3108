"""Chunks that are decided again: what they were decided against is not there any more when they are to be committed."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.events import RowsStaged
from shared.ledger.staged_rows import forget_validated
from shared.messaging import outbox
from shared.states import ChunkState

MOST_DECISIONS = 8
"""How often a chunk is decided again before the groups at fault are handed back: others may change the same for ever."""

_STAGE_AGAIN = text(
    f"""
    UPDATE imports.import_chunks c
       SET state = '{ChunkState.STAGED}', failed = 0, notices = '[]'::jsonb, validated_at = NULL,
           decided = c.decided + 1
      FROM imports.imports i
     WHERE c.import_id = :id AND c.chunk_no = :chunk AND c.state = '{ChunkState.VALIDATED}' AND i.id = c.import_id
    RETURNING c.tenant_id, c.import_id, i.entity_type, i.mode, c.chunk_no, c.first_row, c.last_row, c.row_count, c.epoch,
              i.traceparent
    """  # noqa: S608 - our own words
)


async def decide_again(
    conn: AsyncConnection, import_id: UUID, chunk_no: int, *, traceparent: str | None = None
) -> bool:
    """Give a validated chunk, of which nothing is committed, back to the validator; False when it is not validated.

    What was found out about it is forgotten, and it is announced as on its first way. That is no failure of anybody: no
    attempt is counted. The caller settles the event it acts on.
    """
    staged = (await conn.execute(_STAGE_AGAIN, {"id": import_id, "chunk": chunk_no})).mappings().one_or_none()
    if staged is None:
        return False
    event = {name: value for name, value in staged.items() if name != "traceparent"}
    await forget_validated(conn, import_id, [chunk_no])
    await outbox.append(conn, RowsStaged(**event), traceparent=staged["traceparent"] or traceparent)
    return True
