"""How an import ends: once, by one guarded change, with numbers that are the sums of its chunks."""

import json
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.events import FailureNotice, ImportCompleted
from shared.ledger import identity
from shared.ledger.origins import note_origins
from shared.ledger.release import release_chunks
from shared.ledger.waves import announce_next_wave
from shared.messaging import outbox
from shared.states import OPEN, OPEN_CHUNKS, PROCESSED_CHUNKS, ChunkState, ImportStatus, sql_list

_LOCK = text(
    """
    SELECT id, status, parsed_at, cancelled_at, error, notices, total_rows, traceparent
      FROM imports.imports WHERE id = :id FOR NO KEY UPDATE
    """
)
_OPEN_CHUNKS = text(
    f"""
    SELECT EXISTS (SELECT FROM imports.import_chunks
                    WHERE import_id = :id AND state IN ({sql_list(OPEN_CHUNKS)}))
    """  # noqa: S608 - our own words
)
_CHUNKS = text(
    """
    SELECT state, last_row, row_count, created, updated, skipped, failed, summary, notices
      FROM imports.import_chunks WHERE import_id = :id ORDER BY chunk_no
    """
)
# Of an import that was cancelled when its rows were to be cut again: some of them, or all, are in no chunk.
_UNCUT_ROWS = text(
    f"""
    SELECT count(*) FROM imports.raw_rows r
     WHERE r.import_id = :id AND r.group_row > 0
       AND NOT EXISTS (SELECT FROM imports.import_chunks c
                        WHERE c.import_id = :id AND c.chunk_no = r.chunk_no AND c.state IN ({sql_list(PROCESSED_CHUNKS)}))
    """  # noqa: S608 - our own words
)
_CLOSE = text(
    f"""
    UPDATE imports.imports
       SET status = :status, completed_at = clock_timestamp(), updated_at = clock_timestamp(),
           worked_seconds = worked_seconds
               + coalesce(extract(epoch FROM clock_timestamp() - coalesce(resumed_at, started_at)), 0),
           total_rows = CAST(:processed AS integer) + CAST(:unprocessed AS integer), created_rows = :created, updated_rows = :updated,
           skipped_rows = :skipped, failed_rows = :failed, unprocessed_rows = :unprocessed,
           has_exportable_unprocessed = CAST(:unprocessed AS integer) > 0 AND undoes_import_id IS NULL,
           read_to_row = CASE WHEN read_at IS NULL THEN CAST(:read_to_row AS integer) END,
           summary = CAST(:summary AS jsonb), notices = CAST(:notices AS jsonb),
           has_exportable_failures = CAST(:failed AS integer) > 0 AND undoes_import_id IS NULL, notice_due = true
     WHERE id = :id AND status IN ({sql_list(OPEN)})
    RETURNING tenant_id, user_id, entity_type, mode, status, file_name, total_rows, created_rows, updated_rows,
              skipped_rows, failed_rows, unprocessed_rows, summary, has_exportable_failures, error,
              has_exportable_unprocessed, read_to_row, started_at, completed_at, object_key, idempotency_key, event_id,
              event_source
    """  # noqa: S608 - our own words
)
_FAIL = text(
    f"""
    UPDATE imports.imports
       SET error = coalesce(error, CAST(:error AS jsonb)), parsed_at = clock_timestamp(),
           status = CASE status WHEN '{ImportStatus.PREVIEWING}' THEN '{ImportStatus.IMPORTING}' ELSE status END,
           updated_at = clock_timestamp()
     WHERE id = :id AND status IN ({sql_list(OPEN)}) AND cancelled_at IS NULL AND parsed_at IS NULL
       AND (error IS NULL OR read_at IS NULL OR CAST(:ends AS boolean))
    RETURNING status, read_at IS NOT NULL AS is_read
    """  # noqa: S608 - our own words
)
_EXTENT = text(
    f"""
    SELECT coalesce(max(last_row), 0) AS last_row,
           min(first_row) FILTER (WHERE state = '{ChunkState.CANCELLED}') AS first_left,
           coalesce(sum(row_count) FILTER (WHERE state = '{ChunkState.CANCELLED}'), 0) AS left_rows
      FROM imports.import_chunks WHERE import_id = :id
    """  # noqa: S608 - our own words
)
_SAY_MORE = text(
    """
    UPDATE imports.imports
       SET error = jsonb_set(error, '{message}', to_jsonb(concat_ws('. ', error ->> 'message', CAST(:said AS text))))
     WHERE id = :id
    """
)


async def close_if_finished(conn: AsyncConnection, import_id: UUID, *, traceparent: str | None = None) -> bool:
    """End the import if its file is read to the end and no chunk is open any more; whether this call ended it.

    A wave that waited for what has ended with this transaction is announced.

    Locks the import, so of two transactions that finish the last two chunks at once the second sees the first.
    Call it last in a transaction: every other chunk of the import waits for this one's commit from here on. What is
    announced goes on in the trace of the event the import came by; in `traceparent` when the ledger knows of none.
    """
    current = (await conn.execute(_LOCK, {"id": import_id})).one_or_none()
    if current is None or current.status not in OPEN:
        return False
    await announce_next_wave(conn, import_id)
    if current.parsed_at is None:
        return False
    if current.status == ImportStatus.PREVIEWING and current.error is not None and current.cancelled_at is None:
        # Its rows wait for another interpretation.
        return False
    if (await conn.execute(_OPEN_CHUNKS, {"id": import_id})).scalar_one():
        return False
    chunks = (await conn.execute(_CHUNKS, {"id": import_id})).all()
    failed = sum(chunk.failed for chunk in chunks)
    processed = sum(chunk.row_count for chunk in chunks if chunk.state != ChunkState.CANCELLED)
    unprocessed = max(current.total_rows, sum(chunk.row_count for chunk in chunks)) - processed
    if current.cancelled_at is not None and current.total_rows > sum(chunk.row_count for chunk in chunks):
        unprocessed = int((await conn.execute(_UNCUT_ROWS, {"id": import_id})).scalar_one())
    status = _status(cancelled=current.cancelled_at is not None, error=current.error is not None, failed=failed)
    closed = await conn.execute(
        _CLOSE,
        {
            "id": import_id,
            "status": status,
            "processed": processed,
            "unprocessed": unprocessed,
            "read_to_row": max((chunk.last_row for chunk in chunks), default=0),
            "created": sum(chunk.created for chunk in chunks),
            "updated": sum(chunk.updated for chunk in chunks),
            "skipped": sum(chunk.skipped for chunk in chunks),
            "failed": failed,
            "summary": json.dumps(add_summaries(chunk.summary for chunk in chunks)),
            "notices": json.dumps(
                [notice for notice in current.notices or () if not notice.get("of_rows")]
                + merge_notices(chunk.notices for chunk in chunks)
            ),
        },
    )
    ended = closed.mappings().one()
    await note_origins(conn, import_id)
    await outbox.append(conn, completed({**ended, "id": import_id}), traceparent=current.traceparent or traceparent)
    return True


def completed(known: Mapping[str, Any] | RowMapping) -> ImportCompleted:
    """The event that says how an import ended, in the ledger's words. `known` are columns of its row, by name.

    Of one that was dismissed since, it says how it ended before.
    """
    status = known["status"]
    if status == ImportStatus.DISMISSED:
        cancelled = known["cancelled_at"] is not None
        status = _status(cancelled=cancelled, error=known["error"] is not None, failed=known["failed_rows"])
    otherwise = {
        "status": status,
        "import_id": known["id"],
        "error": FailureNotice(**known["error"]) if known["error"] else None,
        "idempotency_key": identity.given(known["idempotency_key"]),
        "upload_event_id": known["event_id"],
        "upload_event_source": known["event_source"],
    }
    same = {name: known[name] for name in ImportCompleted.model_fields if name not in otherwise}
    return ImportCompleted(**otherwise, **same)


async def fail_import(conn: AsyncConnection, import_id: UUID, code: str, message: str) -> None:
    """End reading the import with a reason its sender can act on.

    Chunks that were staged before are still validated and committed; the import is closed as failed with the last of them.
    Of a held import, which nobody has started, nothing is committed: its rows are unprocessed. An import that is read
    to its end, has ended already, or is cancelled, is left as it is; one that was broken off for another reason ends with
    that one. The message goes on with how many rows are handed back as they are, and how far the file was read when that
    is not its end.
    """
    await _end_reading(conn, import_id, json.dumps({"code": code, "message": message}))


async def end_broken_off(conn: AsyncConnection, import_id: UUID) -> None:
    """End reading an import that was broken off, as failed for the reason it was broken off for; see `fail_import`."""
    await _end_reading(conn, import_id, None)


async def _end_reading(conn: AsyncConnection, import_id: UUID, error: str | None) -> None:
    found = (await conn.execute(_LOCK, {"id": import_id})).one_or_none()
    failed = (await conn.execute(_FAIL, {"id": import_id, "error": error, "ends": error is None})).one_or_none()
    if failed is not None and found is not None:
        if found.status == ImportStatus.PREVIEWING:
            await release_chunks(conn, import_id)
        extent = (await conn.execute(_EXTENT, {"id": import_id})).one()
        if said := _how_far(extent, is_read=failed.is_read):
            await conn.execute(_SAY_MORE, {"id": import_id, "said": said})
    await close_if_finished(conn, import_id)


def _how_far(extent: Any, *, is_read: bool) -> str:
    """What became of rows that are not imported; empty when nothing was read."""
    said = []
    if extent.left_rows:
        rows, are = ("1 row", "is") if extent.left_rows == 1 else (f"{extent.left_rows:,} rows", "are")
        said.append(f"From row {extent.first_left:,} on, {rows} {are} not imported and {are} handed back")
    if extent.last_row and not is_read:
        last = f"row {extent.last_row:,}"
        said.append(
            f"The file was read up to {last}; what follows {last} could not be read and is counted in no number"
        )
    return ". ".join(said)


def _status(*, cancelled: bool, error: bool, failed: int) -> ImportStatus:
    if cancelled:
        # Also with an error, which then says why: nobody started it in time.
        return ImportStatus.CANCELLED
    if error:
        return ImportStatus.FAILED
    return ImportStatus.COMPLETED_WITH_FAILURES if failed else ImportStatus.COMPLETED


def add_summaries(summaries: Iterable[Mapping[str, Any] | None]) -> dict[str, Any]:
    """Sum trees of counts leaf by leaf."""
    total: dict[str, Any] = {}
    for summary in summaries:
        for name, value in (summary or {}).items():
            if isinstance(value, Mapping):
                total[name] = add_summaries([total.get(name), value])
            else:
                total[name] = total.get(name, 0) + value
    return total


def merge_notices(notices: Iterable[Iterable[Mapping[str, Any]] | None]) -> list[dict[str, Any]]:
    """Notices of rows about one thing in one column are one, with their counts added and what the first says kept."""
    merged: dict[tuple[Any, Any], dict[str, Any]] = {}
    for notice in (notice for chunk in notices for notice in chunk or ()):
        same = notice.get("code"), notice.get("column")
        if same in merged:
            merged[same]["count"] = merged[same].get("count", 1) + notice.get("count", 1)
        else:
            merged[same] = {**notice, "of_rows": True}
    return list(merged.values())
