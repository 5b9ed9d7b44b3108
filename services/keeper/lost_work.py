"""Work that is open in the ledger and that no event waits for: found by comparing the ledger with the outbox."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.events import RowsStaged, RowsValidated
from shared.ledger.completion import close_if_finished, completed
from shared.ledger.quarantine import AWAITS_FILES
from shared.ledger.registration import upload_event
from shared.ledger.waves import IS_WAITED_FOR
from shared.messaging import outbox
from shared.states import OPEN, OPEN_CHUNKS, ChunkState, ImportStatus, sql_list

# A validated chunk of a held import waits for a person, and for no event; a wave waits for the chunks before it.
_CHUNKS = f"""
    SELECT c.state AS kind, c.tenant_id, c.import_id, c.chunk_no
      FROM imports.imports i JOIN imports.import_chunks c ON c.import_id = i.id AND c.epoch = i.epoch
     WHERE i.status IN ({sql_list(OPEN)})
       AND (c.state = '{ChunkState.STAGED}'
            OR c.state = '{ChunkState.VALIDATED}' AND (i.status = '{ImportStatus.IMPORTING}' OR i.cancelled_at IS NOT NULL))
       AND (c.wave = 0 OR c.state <> '{ChunkState.STAGED}' OR i.cancelled_at IS NOT NULL
            OR NOT EXISTS (SELECT FROM imports.import_chunks w
                            WHERE w.import_id = c.import_id AND w.chunk_no < c.chunk_no AND {IS_WAITED_FOR}))
       AND greatest(c.staged_at, c.validated_at, i.updated_at) < now() - CAST(:age AS interval)
       AND NOT EXISTS (SELECT FROM imports.outbox o
                        WHERE o.import_id = c.import_id AND o.chunk_no = c.chunk_no AND o.epoch = c.epoch
                          AND o.topic = CASE c.state WHEN '{ChunkState.STAGED}' THEN 'rows-staged' ELSE 'rows-validated' END)
"""  # noqa: S608 - our own words
_READING = f"""
    SELECT 'reading' AS kind, i.tenant_id, i.id AS import_id, 0 AS chunk_no
      FROM imports.imports i
     WHERE i.status IN ({sql_list(OPEN)}) AND i.parsed_at IS NULL
       AND i.updated_at < now() - CAST(:age AS interval)
       AND NOT EXISTS (SELECT FROM imports.outbox o WHERE o.import_id = i.id AND o.topic = 'file-uploaded')
"""  # noqa: S608 - our own words
_END = f"""
    SELECT 'end' AS kind, i.tenant_id, i.id AS import_id, 0 AS chunk_no
      FROM imports.imports i
     WHERE i.status IN ({sql_list(OPEN)}) AND i.parsed_at IS NOT NULL
       AND (i.status <> '{ImportStatus.PREVIEWING}' OR i.error IS NULL OR i.cancelled_at IS NOT NULL)
       AND i.updated_at < now() - CAST(:age AS interval)
       AND NOT EXISTS (SELECT FROM imports.import_chunks c
                        WHERE c.import_id = i.id AND c.state IN ({sql_list(OPEN_CHUNKS)}))
"""  # noqa: S608 - our own words
_FILES = f"""
    SELECT 'files' AS kind, i.tenant_id, i.id AS import_id, 0 AS chunk_no
      FROM imports.imports i
     WHERE {AWAITS_FILES} AND i.rows_expired_at IS NULL
       AND i.updated_at < now() - CAST(:age AS interval)
       AND NOT EXISTS (SELECT FROM imports.outbox o WHERE o.import_id = i.id AND o.topic = 'import-completed')
"""  # noqa: S608 - our own words
_FIND = text(f"{_CHUNKS} UNION ALL {_READING} UNION ALL {_END} UNION ALL {_FILES} LIMIT 500")

_IMPORT = text("SELECT * FROM imports.imports WHERE id = :id")
_CHUNK = text("SELECT * FROM imports.import_chunks WHERE import_id = :id AND chunk_no = :chunk")


@dataclass(frozen=True)
class LostWork:
    """What is open and in nobody's hands: a chunk (`kind` is its state), the reading, the end, or the files of an import."""

    kind: str
    tenant_id: str
    import_id: UUID
    chunk_no: int


async def find(conn: AsyncConnection, *, age: timedelta) -> Sequence[LostWork]:
    """All of it that nothing has happened to for so long, of every tenant this connection sees."""
    return [LostWork(*row) for row in await conn.execute(_FIND, {"age": age})]


async def resume(conn: AsyncConnection, lost: LostWork) -> None:
    """Have somebody act on it, by its tenant's transaction. What went on meanwhile is settled by whoever gets the event."""
    of_import = (await conn.execute(_IMPORT, {"id": lost.import_id})).mappings().one_or_none()
    if of_import is None:
        return
    traceparent = of_import["traceparent"]
    if lost.kind == "end":
        await close_if_finished(conn, lost.import_id)
    elif lost.kind == "reading":
        await outbox.append(conn, upload_event(of_import), traceparent=traceparent)
    elif lost.kind == "files":
        await outbox.append(conn, completed(of_import), traceparent=traceparent)
    else:
        chunk = (await conn.execute(_CHUNK, {"id": lost.import_id, "chunk": lost.chunk_no})).mappings().one_or_none()
        if chunk is None:
            return
        event = RowsStaged if lost.kind == ChunkState.STAGED else RowsValidated
        fields = ("tenant_id", "import_id", "chunk_no", "first_row", "last_row", "row_count", "epoch")
        said: dict[str, Any] = {name: chunk[name] for name in fields}
        again = event(entity_type=of_import["entity_type"], mode=of_import["mode"], **said)
        await outbox.append(conn, again, traceparent=traceparent)
