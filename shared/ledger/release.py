"""Open chunks, taken out of everybody's hands: their import is cancelled, failed before it was started, or cut again."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.ledger.staged_rows import forget_validated
from shared.states import OPEN_CHUNKS, ChunkState, sql_list

# A chunk that a stage has in hand is left to it: it finds the import cancelled when it is through, or has committed.
_CANCEL_CHUNKS = text(
    f"""
    WITH free AS (
        SELECT chunk_no FROM imports.import_chunks
         WHERE import_id = :id AND state IN ({sql_list(OPEN_CHUNKS)})
         ORDER BY chunk_no FOR UPDATE SKIP LOCKED
    )
    UPDATE imports.import_chunks c
       SET state = '{ChunkState.CANCELLED}', created = 0, updated = 0, skipped = 0, failed = 0
      FROM free WHERE c.import_id = :id AND c.chunk_no = free.chunk_no
    RETURNING c.chunk_no
    """  # noqa: S608 - our own words
)
_FORGET_EVENTS = text(
    """
    DELETE FROM imports.outbox
     WHERE import_id = :id AND (chunk_no = ANY(CAST(:chunks AS integer[])) OR topic = 'file-uploaded')
    """
)


async def release_chunks(conn: AsyncConnection, import_id: UUID) -> None:
    """Let no stage act on the open chunks of an import any more: those that no transaction holds now.

    Their rows are unprocessed; what was validated of them goes. The caller holds the import's lock, or says in the same
    transaction why nothing more is to be done for it.
    """
    cancelled = list((await conn.execute(_CANCEL_CHUNKS, {"id": import_id})).scalars())
    await conn.execute(_FORGET_EVENTS, {"id": import_id, "chunks": cancelled})
    await forget_validated(conn, import_id, cancelled)
