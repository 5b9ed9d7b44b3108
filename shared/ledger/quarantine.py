"""Work that was given up: its rows are reported as failed with a reference, and it can be taken up again."""

import json

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.events import Event, FileUploaded, ImportCompleted, RowsStaged, RowsValidated
from shared.ledger.completion import close_if_finished, fail_import
from shared.ledger.staged_rows import forget_validated
from shared.ledger.waves import announce_next_wave
from shared.messaging import outbox
from shared.states import OPEN, OPEN_CHUNKS, READING, ChunkState, GroupStatus, ImportStatus, sql_list

EXPORT_FAILED = "export_failed"
"""Code of the error of an import that has ended and whose files could not be written."""

NO_FILES = "files"
"""Where the error of an import that failed for another reason says the same."""

AWAITS_FILES = f"""
    (i.completed_at IS NOT NULL
     AND (i.has_exportable_failures AND i.correction_object_key IS NULL
          OR i.has_exportable_unprocessed AND i.unprocessed_object_key IS NULL)
     AND coalesce(i.error ->> 'code', '') <> '{EXPORT_FAILED}' AND i.error ->> '{NO_FILES}' IS NULL)
"""
"""Whether rows of the import `i` are still to be handed back in a file, and that was not given up. SQL."""

# What the keeper has taken away cannot be gone through again; what it has not, is kept from the new end on.
_NOT_EXPIRED = "rows_expired_at IS NULL"
_KEPT_ANEW = "staged_removed_at = NULL, results_removed_at = NULL"

# An import that nobody has started yet is held again.
_TAKEN_UP = f"CASE WHEN hold THEN '{ImportStatus.PREVIEWING}' ELSE '{ImportStatus.IMPORTING}' END"

_QUARANTINE = text(
    f"""
    UPDATE imports.import_chunks
       SET state = '{ChunkState.QUARANTINED}', reference = :reference, created = 0, updated = 0, skipped = 0,
           failed = row_count, committed_at = clock_timestamp()
     WHERE import_id = :id AND chunk_no = :chunk AND epoch = :epoch AND state IN ({sql_list(OPEN_CHUNKS)})
    RETURNING first_row, last_row, (SELECT undoes_import_id FROM imports.imports WHERE id = :id) AS undone
    """  # noqa: S608 - our own words
)
# The rows of an import that takes another one back are the other's, but for those that it had handed back.
_REPORT_ROWS = text(
    """
    INSERT INTO imports.row_errors
           (tenant_id, import_id, chunk_no, row_no, group_row, position, column_index, heading, code, message)
    SELECT r.tenant_id, i.id, r.chunk_no, r.row_no, r.group_row,
           coalesce((SELECT max(e.position) + 1 FROM imports.row_errors e
                      WHERE e.import_id = i.id AND e.row_no = r.row_no), 0),
           NULL, NULL, 'internal', :message
      FROM imports.imports i
      JOIN imports.raw_rows r ON r.import_id = coalesce(i.undoes_import_id, i.id)
     WHERE i.id = :id AND r.row_no BETWEEN :first_row AND :last_row AND r.chunk_no = :chunk AND r.group_row > 0
       AND (i.undoes_import_id IS NULL
            OR r.group_row NOT IN (SELECT e.group_row FROM imports.row_errors e WHERE e.import_id = i.undoes_import_id))
    """
)
_OPEN_IMPORT_OF_OBJECT = text(
    f"""
    SELECT id FROM imports.imports
     WHERE tenant_id = :tenant AND object_key = :key AND status IN ({sql_list(OPEN)})
       AND (CAST(:id AS uuid) IS NULL OR id = :id)
    """  # noqa: S608 - our own words
)
_NO_FILES = text(
    f"""
    UPDATE imports.imports
       SET error = CASE WHEN error IS NULL THEN CAST(:error AS jsonb)
                        ELSE error || jsonb_build_object('{NO_FILES}', CAST(:error AS jsonb) ->> 'message') END,
           updated_at = clock_timestamp()
     WHERE id = :id AND completed_at IS NOT NULL
       AND (has_exportable_failures AND correction_object_key IS NULL
            OR has_exportable_unprocessed AND unprocessed_object_key IS NULL)
    """  # noqa: S608 - our own words
)
# What was staged stays staged: the file is read on from there.
_REOPEN_READING = text(
    f"""
    UPDATE imports.imports
       SET status = {_TAKEN_UP}, error = NULL, parsed_at = NULL, completed_at = NULL, total_rows = 0,
           correction_object_key = NULL, failed_rows_object_key = NULL, unprocessed_object_key = NULL,
           read_to_row = NULL, resumed_at = clock_timestamp(), updated_at = clock_timestamp(), {_KEPT_ANEW}
     WHERE tenant_id = :tenant AND (id = :id OR (CAST(:id AS uuid) IS NULL AND object_key = :key))
       AND status = '{ImportStatus.FAILED}' AND error ->> 'code' = 'internal' AND cancelled_at IS NULL
       AND {_NOT_EXPIRED} AND upload_removed_at IS NULL
    RETURNING id, entity_type, mode, traceparent
    """  # noqa: S608 - our own words
)
_REOPEN_CHUNKS = text(
    f"""
    UPDATE imports.import_chunks SET state = '{ChunkState.STAGED}', validated_at = NULL
     WHERE import_id = :id AND state = '{ChunkState.CANCELLED}'
    RETURNING chunk_no, first_row, last_row, row_count, epoch, wave
    """  # noqa: S608 - our own words
)
_REOPEN_CHUNK = text(
    f"""
    UPDATE imports.import_chunks
       SET state = :state, reference = NULL, committed_at = NULL,
           failed = CASE :state WHEN '{ChunkState.STAGED}' THEN 0
                    ELSE (SELECT coalesce(sum(g.row_count), 0) FROM staging.groups g
                           WHERE g.import_id = :id AND g.chunk_no = :chunk AND g.status = '{GroupStatus.FAILED}') END
     WHERE import_id = :id AND chunk_no = :chunk AND epoch = :epoch AND state = '{ChunkState.QUARANTINED}'
    RETURNING wave
    """  # noqa: S608 - our own words
)
_REOPEN_IMPORT = text(
    f"""
    UPDATE imports.imports
       SET status = {_TAKEN_UP}, completed_at = NULL, correction_object_key = NULL, failed_rows_object_key = NULL,
           unprocessed_object_key = NULL,
           resumed_at = CASE WHEN completed_at IS NULL THEN resumed_at ELSE clock_timestamp() END,
           updated_at = clock_timestamp(), {_KEPT_ANEW}
     WHERE id = :id AND cancelled_at IS NULL AND {_NOT_EXPIRED}
       AND status IN ('{ImportStatus.COMPLETED_WITH_FAILURES}', '{ImportStatus.FAILED}', {sql_list(READING)})
    RETURNING traceparent
    """  # noqa: S608 - our own words
)
_FORGET_REFERENCE = text(
    "DELETE FROM imports.row_errors WHERE import_id = :id AND chunk_no = :chunk AND code = 'internal'"
)


async def give_up(conn: AsyncConnection, event: Event, reference: str) -> None:
    """Give up what an event was about, so that its import still ends. The event is settled.

    The sender is told the reference and nothing of the error: that is in the log and in the dead letter.
    """
    if isinstance(event, RowsStaged | RowsValidated):
        await _quarantine_chunk(conn, event, reference)
    elif isinstance(event, FileUploaded):
        scope = {"tenant": event.tenant_id, "key": event.object_key, "id": event.import_id}
        found = await conn.execute(_OPEN_IMPORT_OF_OBJECT, scope)
        for import_id in found.scalars().all():
            await fail_import(
                conn,
                import_id,
                "internal",
                f'"{event.file_name}" could not be read because of an unexpected error on our side. Nothing is '
                f"wrong with what you did: please quote reference {reference}, or send the file again later",
            )
            await outbox.settle(conn, event.model_copy(update={"import_id": import_id}))
    elif isinstance(event, ImportCompleted):
        message = (
            f"The files with the rows that are handed back could not be written because of an unexpected error on our "
            f"side; the others are imported. Please quote reference {reference}"
        )
        error = {"code": EXPORT_FAILED, "message": message}
        await conn.execute(_NO_FILES, {"id": event.import_id, "error": json.dumps(error)})
    await outbox.settle(conn, event)


async def _quarantine_chunk(conn: AsyncConnection, event: RowsStaged | RowsValidated, reference: str) -> None:
    chunk = {"id": event.import_id, "chunk": event.chunk_no}
    quarantined = await conn.execute(_QUARANTINE, {**chunk, "epoch": event.epoch, "reference": reference})
    extent = quarantined.mappings().one_or_none()
    if extent is None:
        return
    message = (
        f"Not imported because of an unexpected error on our side, not because of what this row says: "
        f"quote reference {reference}, or send the row again later"
    )
    if extent["undone"] is not None:
        message = (
            f"Not taken back because of an unexpected error on our side: quote reference {reference}, or undo the import "
            f"again later"
        )
    rows = {"first_row": extent["first_row"], "last_row": extent["last_row"]}
    await conn.execute(_REPORT_ROWS, {**chunk, **rows, "message": message})
    await close_if_finished(conn, event.import_id)


async def reopen_reading(conn: AsyncConnection, event: FileUploaded) -> bool:
    """Let a file be read again whose reading was given up; False when none was. The event has to be sent again."""
    reopened = await conn.execute(
        _REOPEN_READING, {"tenant": event.tenant_id, "id": event.import_id, "key": event.object_key}
    )
    found = reopened.one_or_none()
    if found is None:
        return False
    # Of a held import whose reading failed, what had been staged was let go of.
    for chunk in (await conn.execute(_REOPEN_CHUNKS, {"id": found.id})).all():
        staged = {**chunk._mapping, "entity_type": found.entity_type, "mode": found.mode}  # noqa: SLF001 - SQLAlchemy's name
        if not staged.pop("wave"):
            again = RowsStaged(tenant_id=event.tenant_id, import_id=found.id, **staged)
            await outbox.append(conn, again, traceparent=found.traceparent)
    await announce_next_wave(conn, found.id)
    return True


async def reopen_chunk(conn: AsyncConnection, event: RowsStaged | RowsValidated) -> bool:
    """Take a quarantined chunk up again; False when it is not quarantined, its import was dismissed since, or its rows are gone.

    The import is open again until the chunk has been committed, then it ends again with new numbers and files.
    """
    staged = isinstance(event, RowsStaged)
    scope = {"id": event.import_id, "chunk": event.chunk_no}
    if (of_import := (await conn.execute(_REOPEN_IMPORT, {"id": event.import_id})).one_or_none()) is None:
        return False
    reopened = await conn.execute(
        _REOPEN_CHUNK, {**scope, "epoch": event.epoch, "state": ChunkState.STAGED if staged else ChunkState.VALIDATED}
    )
    if (wave := reopened.scalar_one_or_none()) is None:
        # Nothing to take up: the import, had it been closed, closes again by the same numbers.
        await close_if_finished(conn, event.import_id)
        return False
    if staged:
        await forget_validated(conn, event.import_id, [event.chunk_no])
    else:
        await conn.execute(_FORGET_REFERENCE, scope)
    if staged and wave:
        await announce_next_wave(conn, event.import_id)
    else:
        await outbox.append(conn, event, traceparent=of_import.traceparent)
    return True
