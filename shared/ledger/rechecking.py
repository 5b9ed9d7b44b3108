"""Rows of a held import that are validated again: a person has changed what some of their cells are read as.

Only the chunks that have such a cell go back to the validator, and the waves behind them, which were decided after them. One
that a validator has in hand at that moment was read as it was before: its `revision` is another by then, so what came of it is
not written, and whoever had it announces the chunk again.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.entities.replacements import NOTHING_REPLACED, Replacements
from shared.events import RowsStaged
from shared.ledger.staged_rows import forget_validated
from shared.ledger.waves import announce_next_preview, announce_next_wave
from shared.messaging import outbox
from shared.states import OPEN_CHUNKS, ChunkState, ImportStatus, sql_list

_REPLACED = text(
    """
    SELECT column_index, value, replacement FROM imports.replacements
     WHERE import_id = :id AND (CAST(:columns AS integer[]) IS NULL OR column_index = ANY(CAST(:columns AS integer[])))
    """
)
_STAGE_AGAIN = text(
    f"""
    UPDATE imports.import_chunks c
       SET state = '{ChunkState.STAGED}', failed = 0, notices = '[]'::jsonb, validated_at = NULL, revision = c.revision + 1
      FROM imports.imports i
     WHERE c.import_id = :id AND i.id = c.import_id AND c.state IN ({sql_list(OPEN_CHUNKS)})
       AND (c.chunk_no = ANY(CAST(:chunks AS integer[])) OR c.wave > 0 AND c.chunk_no > :first)
    RETURNING c.tenant_id, c.import_id, i.entity_type, i.mode, c.chunk_no, c.first_row, c.last_row, c.row_count, c.epoch,
              c.wave, i.traceparent
    """  # noqa: S608 - our own words
)
_FORGET_EVENTS = text(
    """
    DELETE FROM imports.outbox
     WHERE import_id = :id AND topic = 'rows-staged' AND chunk_no = ANY(CAST(:chunks AS integer[]))
    """
)
_STILL_STAGED = text(
    f"""
    SELECT c.tenant_id, c.import_id, i.entity_type, i.mode, c.chunk_no, c.first_row, c.last_row, c.row_count, c.epoch,
           c.wave, i.traceparent
      FROM imports.import_chunks c JOIN imports.imports i ON i.id = c.import_id
     WHERE c.import_id = :id AND c.chunk_no = :chunk AND c.state = '{ChunkState.STAGED}' AND c.epoch = i.epoch
       AND i.status = '{ImportStatus.PREVIEWING}' AND i.cancelled_at IS NULL AND i.guided_step IS NOT NULL
    """  # noqa: S608 - our own words
)


async def read_replacements(
    conn: AsyncConnection, import_id: UUID, columns: Sequence[int] | None = None
) -> Replacements:
    """What values of a guided import are read as, of these columns or of all."""
    said = {"id": import_id, "columns": None if columns is None else list(columns)}
    return Replacements([tuple(row) for row in await conn.execute(_REPLACED, said)]) or NOTHING_REPLACED


async def validate_again(conn: AsyncConnection, import_id: UUID, chunks: Sequence[int]) -> int:
    """Give chunks of a held import back to the validator, with every wave behind the first; how many rows they have.

    The caller holds the import's lock.
    """
    if not chunks:
        return 0
    again = {"id": import_id, "chunks": list(chunks), "first": min(chunks)}
    staged = (await conn.execute(_STAGE_AGAIN, again)).mappings().all()
    await forget_validated(conn, import_id, [chunk["chunk_no"] for chunk in staged])
    waves = [chunk["chunk_no"] for chunk in staged if chunk["wave"]]
    # Each is announced in its turn.
    await conn.execute(_FORGET_EVENTS, {"id": import_id, "chunks": waves})
    for chunk in staged:
        if not chunk["wave"]:
            await _announce(conn, chunk)
    await announce_next_wave(conn, import_id)
    return sum(chunk["row_count"] for chunk in staged)


async def announce_if_staged(conn: AsyncConnection, import_id: UUID, chunk_no: int) -> None:
    """Announce a chunk of a guided import that was changed while somebody had it in hand.

    Last in the transaction that settles an event of the chunk and writes nothing of it; nothing is done where it does not wait
    for a validator.
    """
    found = (await conn.execute(_STILL_STAGED, {"id": import_id, "chunk": chunk_no})).mappings().one_or_none()
    if found is None:
        return
    if found["wave"]:
        await announce_next_preview(conn, import_id)
    else:
        await _announce(conn, found)


async def _announce(conn: AsyncConnection, chunk: Any) -> None:
    said = {name: value for name, value in chunk.items() if name not in {"wave", "traceparent"}}
    await outbox.append(conn, RowsStaged(**said), traceparent=chunk["traceparent"])
