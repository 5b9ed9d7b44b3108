"""Imports that wait for a person: started once, or cancelled. Everything runs in the caller's transaction.

A held import is read, mapped and validated like any other; its chunks stay `validated` and nothing announces them. So
there is no second validator, and what a preview shows is what a start commits. Waves were validated against what is only
going to be in production; when it is there, they are validated again.

What the stages owe to it:

* the parser begins a held import as `previewing` instead of `importing`, and stages nothing once `parsed_at` is set;
* the validator, in the transaction that validates a chunk of a held import, locks the import's row FOR SHARE first, and
  announces the chunk only when the import is `importing`;
* validator and committer, finding the import of an open chunk cancelled (`cancelled_at`), call `release_chunks` and
  `close_if_finished` instead of acting: a chunk that was in somebody's hands was passed over by the cancellation;
* the validator announces the next wave when it has validated what that waits for (`announce_next_preview`);
* the committer acts on imports that are `importing` and on no others.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.events import RowsValidated
from shared.ledger.completion import close_if_finished
from shared.ledger.release import release_chunks
from shared.ledger.repeats import imported_before
from shared.ledger.staged_rows import forget_validated
from shared.ledger.waves import announce_next_wave
from shared.messaging import outbox
from shared.states import OPEN, ChunkState, ImportStatus, sql_list

_LOCK = text(
    """
    SELECT tenant_id, entity_type, mode, status, hold, parsed_at, error, epoch, traceparent, file_name, file_sha256,
           parent_import_id, options
      FROM imports.imports WHERE id = :id FOR NO KEY UPDATE
    """
)
_CHUNKS = text(
    """
    SELECT chunk_no, state, first_row, last_row, row_count, validated_at, epoch, wave
      FROM imports.import_chunks WHERE import_id = :id ORDER BY chunk_no
    """
)
# What a person took to decide is no time the import was worked on; on the guided path they decide all along.
_START = text(
    f"""
    UPDATE imports.imports
       SET status = '{ImportStatus.IMPORTING}', hold = false, resumed_at = clock_timestamp(), updated_at = clock_timestamp(),
           worked_seconds = worked_seconds + CASE WHEN guided_step IS NULL THEN greatest(0, extract(epoch FROM
               coalesce((SELECT max(validated_at) FROM imports.import_chunks WHERE import_id = :id), parsed_at)
               - coalesce(resumed_at, started_at))) ELSE 0 END
     WHERE id = :id AND status = '{ImportStatus.PREVIEWING}'
    RETURNING id
    """  # noqa: S608 - our own words
)
_DECIDE_AGAIN = text(
    f"""
    UPDATE imports.import_chunks
       SET state = '{ChunkState.STAGED}', failed = 0, notices = '[]'::jsonb, validated_at = NULL
     WHERE import_id = :id AND chunk_no = ANY(CAST(:chunks AS integer[])) AND state = '{ChunkState.VALIDATED}'
    """  # noqa: S608 - our own words
)
_REFUSE = text(
    f"""
    UPDATE imports.imports
       SET error = CAST(:error AS jsonb), parsed_at = clock_timestamp(), updated_at = clock_timestamp()
     WHERE id = :id AND epoch = :epoch AND status = '{ImportStatus.PREVIEWING}' AND cancelled_at IS NULL
       AND parsed_at IS NULL
    RETURNING id
    """  # noqa: S608 - our own words
)
_CANCEL = text(
    f"""
    UPDATE imports.imports
       SET cancelled_at = clock_timestamp(), error = NULL, parsed_at = coalesce(parsed_at, clock_timestamp()),
           resumed_at = CASE WHEN status = '{ImportStatus.PREVIEWING}' THEN clock_timestamp() ELSE resumed_at END,
           updated_at = clock_timestamp()
     WHERE id = :id AND status IN ({sql_list(OPEN)}) AND cancelled_at IS NULL
       AND (error IS NULL OR status = '{ImportStatus.PREVIEWING}')
    RETURNING id
    """  # noqa: S608 - our own words
)
_ABANDON = text(
    f"""
    UPDATE imports.imports
       SET cancelled_at = clock_timestamp(), error = CAST(:error AS jsonb),
           parsed_at = coalesce(parsed_at, clock_timestamp()), resumed_at = clock_timestamp(),
           updated_at = clock_timestamp()
     WHERE id = :id AND status = '{ImportStatus.PREVIEWING}' AND cancelled_at IS NULL
    RETURNING id
    """  # noqa: S608 - our own words
)

UNMAPPED = {
    "code": "unmapped",
    "message": "Nobody has said yet what its columns mean. Map them, go on to its values, and start it then",
}
"""The error of an import on the guided path while its rows wait for a mapping."""

ABANDONED = "abandoned"
"""Code of the error of an import that was held, and that nobody started in time."""


@dataclass(frozen=True)
class Started:
    """This call started the import: so many of its chunks are on their way to the committer."""

    chunks: int


@dataclass(frozen=True)
class NotReady:
    """The import is still being read or validated: so many chunks wait, of those there are so far."""

    reading: bool
    waiting_chunks: int
    chunks: int


@dataclass(frozen=True)
class NotHeld:
    """There is nothing to start: the import is not held, was started before, or has ended."""

    status: ImportStatus


@dataclass(frozen=True)
class NotImportable:
    """The rows cannot be cut by the mapping chosen last, or the file was imported meanwhile; the message says why.

    Choose another mapping, or cancel.
    """

    message: str


StartOutcome: TypeAlias = Started | NotReady | NotHeld | NotImportable


async def start_import(
    conn: AsyncConnection, import_id: UUID, *, traceparent: str | None = None
) -> StartOutcome | None:
    """Let a held import commit what was validated; None when this connection sees no such import.

    One guarded change under the import's lock: a second start finds it started, and does nothing.
    """
    found = (await conn.execute(_LOCK, {"id": import_id})).one_or_none()
    if found is None:
        return None
    if (outcome := _not_held(found)) is not None:
        return outcome
    chunks = (await conn.execute(_CHUNKS, {"id": import_id})).all()
    waiting = sum(1 for chunk in chunks if chunk.state == ChunkState.STAGED)
    if found.parsed_at is None or waiting:
        return NotReady(reading=found.parsed_at is None, waiting_chunks=waiting, chunks=len(chunks))
    if (repeated := await _repeated(conn, import_id, found)) is not None:
        return repeated
    assert (await conn.execute(_START, {"id": import_id})).first() is not None
    validated = [chunk for chunk in chunks if chunk.state == ChunkState.VALIDATED]
    await _decide_again(conn, import_id, [chunk.chunk_no for chunk in validated if chunk.wave])
    for chunk in validated:
        if chunk.wave:
            continue
        event = RowsValidated(
            tenant_id=found.tenant_id,
            import_id=import_id,
            entity_type=found.entity_type,
            mode=found.mode,
            chunk_no=chunk.chunk_no,
            first_row=chunk.first_row,
            last_row=chunk.last_row,
            row_count=chunk.row_count,
            epoch=chunk.epoch,
        )
        await outbox.append(conn, event, traceparent=found.traceparent or traceparent)
    await announce_next_wave(conn, import_id)
    return Started(len(validated))


async def _decide_again(conn: AsyncConnection, import_id: UUID, chunks: Sequence[int]) -> None:
    """Take back what was decided of waves, for it to be decided against what is committed by then."""
    await forget_validated(conn, import_id, chunks)
    await conn.execute(_DECIDE_AGAIN, {"id": import_id, "chunks": chunks})


def _not_held(found: Row[Any]) -> StartOutcome | None:
    """Why an import is not one that could be started, whatever its chunks are; None for one that could."""
    if found.status == ImportStatus.UPLOADING and found.hold:
        return NotReady(reading=True, waiting_chunks=0, chunks=0)
    if found.status != ImportStatus.PREVIEWING:
        return NotHeld(ImportStatus(found.status))
    return None if found.error is None else NotImportable(found.error["message"])


async def _repeated(conn: AsyncConnection, import_id: UUID, found: Row[Any]) -> NotImportable | None:
    """Why it is not started whose file has been imported otherwise while it was held; None where it has not."""
    if found.parent_import_id is not None or found.options.get("allow_repeat") or found.file_sha256 is None:
        return None
    before = await imported_before(
        conn, tenant_id=found.tenant_id, entity_type=found.entity_type, sha256=found.file_sha256, own=import_id
    )
    return None if before is None else NotImportable(before.refusal(found.file_name, option="the option allow_repeat"))


async def refuse_interpretation(conn: AsyncConnection, import_id: UUID, *, epoch: int, code: str, message: str) -> bool:
    """Say that the rows of a held import cannot be cut as they were last interpreted; False when it has another by now.

    The import stays held: its rows are there, and another mapping may fit them. It cannot be started before.
    """
    error = {"code": code, "message": message}
    refused = await conn.execute(_REFUSE, {"id": import_id, "epoch": epoch, "error": json.dumps(error)})
    if refused.first() is None:
        return False
    await release_chunks(conn, import_id)
    return True


async def cancel_import(conn: AsyncConnection, import_id: UUID, *, traceparent: str | None = None) -> bool:
    """Stop an import that has not ended; False when there is none of this id, or it has ended or is ending.

    What is committed stays; every other row is counted as unprocessed. It ends with this call unless a stage has a
    chunk of it in hand: then with that chunk.
    """
    if (await conn.execute(_CANCEL, {"id": import_id})).first() is None:
        return False
    await release_chunks(conn, import_id)
    await close_if_finished(conn, import_id, traceparent=traceparent)
    return True


async def abandon_import(conn: AsyncConnection, import_id: UUID, message: str) -> bool:
    """Cancel a held import nobody has started, and say why; False when it is not held any more.

    As with every cancelled import, its rows are unprocessed, and handed back.
    """
    error = {"code": ABANDONED, "message": message}
    if (await conn.execute(_ABANDON, {"id": import_id, "error": json.dumps(error)})).first() is None:
        return False
    await release_chunks(conn, import_id)
    await close_if_finished(conn, import_id)
    return True
