"""Waves: chunks of followers, whose rows go on with what rows above them began, announced one after another.

What a follower means depends on what the rows above made of its record. So a chunk of followers is staged behind every
chunk it follows, and is announced when every chunk before it has ended, however that ended; of a held import, of which nothing ends
before it is started, when every chunk before it is validated. The first chunk that has not come so far waits for none, so
there always is one that a stage can act on. What waits holds no place in the outbox.

Whether a chunk is to be announced is read from the ledger alone, and to announce it twice is harmless: whoever brings a
chunk to where others wait for it, or stages one that waits, asks here, under a lock that two cannot have at once.
"""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.events import RowsStaged
from shared.messaging import outbox
from shared.states import OPEN_CHUNKS, READING, ChunkState, ImportStatus, sql_list

IS_WAITED_FOR = f"""
    (w.state = '{ChunkState.STAGED}' OR w.state = '{ChunkState.VALIDATED}' AND i.status <> '{ImportStatus.PREVIEWING}')
"""
"""Whether a wave that comes after chunk `w` of import `i` waits for it."""

# In the order of the key, so that it ends with the first row.
_NEXT = text(
    f"""
    SELECT i.tenant_id, i.id AS import_id, i.entity_type, i.mode, i.traceparent,
           c.chunk_no, c.first_row, c.last_row, c.row_count, c.epoch
      FROM imports.imports i
     CROSS JOIN LATERAL (
           SELECT * FROM imports.import_chunks w
            WHERE w.import_id = i.id AND w.state IN ({sql_list(OPEN_CHUNKS)}) AND {IS_WAITED_FOR}
            ORDER BY w.chunk_no LIMIT 1) c
     WHERE i.id = :id AND i.status IN ({sql_list(READING)}) AND i.cancelled_at IS NULL
       AND c.wave > 0 AND c.state = '{ChunkState.STAGED}'
       AND NOT EXISTS (SELECT FROM imports.outbox o
                        WHERE o.import_id = c.import_id AND o.topic = 'rows-staged' AND o.chunk_no = c.chunk_no
                          AND o.epoch = c.epoch)
    """  # noqa: S608 - our own words
)
_TURN = text(
    f"""
    SELECT chunk_no FROM imports.import_chunks
     WHERE import_id = :id AND wave > 0 AND state = '{ChunkState.STAGED}' ORDER BY chunk_no LIMIT 1 FOR UPDATE
    """  # noqa: S608 - our own words
)


async def announce_next_wave(conn: AsyncConnection, import_id: UUID) -> None:
    """Announce the next wave to the validator if nothing is left that it waits for. The caller holds the import's lock.

    Of an import that is cancelled, or not imported any more, none is announced.
    """
    found = (await conn.execute(_NEXT, {"id": import_id})).mappings().one_or_none()
    if found is not None:
        said = dict(found)
        traceparent = said.pop("traceparent")
        await outbox.append(conn, RowsStaged(**said), traceparent=traceparent)


async def announce_next_preview(conn: AsyncConnection, import_id: UUID) -> None:
    """The same, last in the transaction that validated a chunk of a held import, whose lock it shares with others.

    Of two that validate the last two chunks before a wave, the second finds what the first did.
    """
    if (await conn.execute(_TURN, {"id": import_id})).first() is not None:
        await announce_next_wave(conn, import_id)
