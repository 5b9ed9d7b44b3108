"""Imports that take another one back: an entry of the history of their own, run through the same stages chunk by chunk.

What the import made is removed, what it changed gets back what it was. Which rows that are is decided when a chunk is
validated, from the records themselves: a record that was changed since is refused by name, and the rest is undone.
"""

from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from shared.entities import ENTITY_TYPES
from shared.events import RowsStaged
from shared.messaging import outbox
from shared.states import ENDED, OPEN, UNDO, ChunkState, ImportStatus, sql_list

DAYS = 7
"""How long after its end an import can be undone; for less where what it did is not kept for so long (`WINNOW_KEEP_ROWS`)."""

_LOCK = text("SELECT id FROM imports.imports WHERE id = :id FOR NO KEY UPDATE")
# After the lock: whoever had it before us has begun by now, or has not.
_FOUND = text(
    f"""
    SELECT i.id, i.tenant_id, i.entity_type, i.mode, i.status, i.file_name, i.traceparent,
           i.created_rows + i.updated_rows AS changed_rows,
           i.rows_expired_at IS NOT NULL OR i.rows_removed_at IS NOT NULL AS is_forgotten,
           i.completed_at < clock_timestamp() - make_interval(days => :days) AS is_over,
           (SELECT u.id FROM imports.imports u
             WHERE u.tenant_id = i.tenant_id AND u.undoes_import_id = i.id AND u.status IN ({sql_list(OPEN)})
             LIMIT 1) AS undone_by
      FROM imports.imports i WHERE i.id = :id
    """  # noqa: S608 - our own words
)
_REGISTER = text(
    f"""
    INSERT INTO imports.imports
           (id, tenant_id, user_id, entity_type, mode, status, file_name, object_key, headers, column_mappings, layout,
            own, total_rows, read_at, parsed_at, started_at, undoes_import_id)
    SELECT :new, tenant_id, :user, entity_type, '{UNDO}', '{ImportStatus.IMPORTING}', file_name, object_key, headers,
           column_mappings, layout, own, created_rows + updated_rows,
           clock_timestamp(), clock_timestamp(), clock_timestamp(), id
      FROM imports.imports WHERE id = :id
    """  # noqa: S608 - our own words
)
_CUT = text(
    f"""
    INSERT INTO imports.import_chunks
           (import_id, chunk_no, tenant_id, first_row, last_row, row_count, state)
    SELECT :new, chunk_no, tenant_id, first_row, last_row, created + updated, '{ChunkState.STAGED}'
      FROM imports.import_chunks
     WHERE import_id = :id AND state = '{ChunkState.COMMITTED}' AND created + updated > 0
    RETURNING chunk_no, first_row, last_row, row_count, epoch
    """  # noqa: S608 - our own words
)


@dataclass(frozen=True)
class Undoing:
    """The import `id` takes the other one back: so many rows, in so many chunks."""

    id: UUID
    rows: int
    chunks: int


@dataclass(frozen=True)
class NotUndone:
    """Nothing was begun, and why, in words; `status` is that of the import."""

    status: ImportStatus
    why: str


UndoOutcome: TypeAlias = Undoing | NotUndone


async def undo_import(conn: AsyncConnection, import_id: UUID, *, user_id: str) -> UndoOutcome | None:
    """Begin to take an import back; None when this connection sees no such import.

    Under the import's lock: of two calls at once the second finds the first. What is refused can be asked for again
    once what is in the way is gone, so an import may be undone more than once; what is undone already is not there.
    """
    if (await conn.execute(_LOCK, {"id": import_id})).first() is None:
        return None
    found = (await conn.execute(_FOUND, {"id": import_id, "days": DAYS})).mappings().one()
    status = ImportStatus(found["status"])
    if why := _not_undoable(found, status):
        return NotUndone(status, why)
    new = uuid7()
    values = {"new": new, "id": import_id, "user": user_id}
    await conn.execute(_REGISTER, values)
    chunks = (await conn.execute(_CUT, values)).all()
    for chunk in sorted(chunks, key=lambda chunk: chunk.chunk_no):
        event = RowsStaged(
            tenant_id=found["tenant_id"],
            import_id=new,
            entity_type=found["entity_type"],
            mode=UNDO,
            **chunk._asdict(),
        )
        await outbox.append(conn, event, traceparent=found["traceparent"])
    return Undoing(new, sum(chunk.row_count for chunk in chunks), len(chunks))


def _not_undoable(row: RowMapping, status: ImportStatus) -> str:
    entity = ENTITY_TYPES.get(row["entity_type"])
    whys = (
        (entity is None or not entity.can_be_undone, f"imports of {row['entity_type']} never can be"),
        (row["mode"] == UNDO, "it takes another import back, and cannot be taken back itself"),
        (status not in ENDED, "it has not ended; cancel it first"),
        (row["undone_by"] is not None, f"import {row['undone_by']} is undoing it"),
        (row["is_forgotten"], "what it did is not kept any longer"),
        (row["is_over"], f"it ended more than {DAYS} days ago"),
        (not row["changed_rows"], "it changed nothing"),
    )
    return next((why for holds, why in whys if holds), "")
