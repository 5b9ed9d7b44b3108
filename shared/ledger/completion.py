"""How an import ends: once, by one guarded change, with numbers that are the sums of its chunks."""

import json
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.events import FailureNotice, ImportCompleted
from shared.ledger import identity
from shared.ledger.release import release_chunks
from shared.messaging import outbox
from shared.states import OPEN, OPEN_CHUNKS, ChunkState, ImportStatus, sql_list

_LOCK = text(
    """
    SELECT id, status, parsed_at, cancelled_at, error, notices, traceparent FROM imports.imports WHERE id = :id FOR NO KEY UPDATE
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
    SELECT state, row_count, created, updated, skipped, failed, summary, notices
      FROM imports.import_chunks WHERE import_id = :id ORDER BY chunk_no
    """
)
_CLOSE = text(
    f"""
    UPDATE imports.imports
       SET status = :status, completed_at = clock_timestamp(), updated_at = clock_timestamp(),
           worked_seconds = worked_seconds
               + coalesce(extract(epoch FROM clock_timestamp() - coalesce(resumed_at, started_at)), 0),
           total_rows = greatest(total_rows, :total), created_rows = :created, updated_rows = :updated,
           skipped_rows = :skipped, failed_rows = :failed,
           unprocessed_rows = greatest(total_rows, :total) - :processed,
           summary = CAST(:summary AS jsonb), notices = CAST(:notices AS jsonb),
           has_exportable_failures = :failed > 0
     WHERE id = :id AND status IN ({sql_list(OPEN)})
    RETURNING tenant_id, user_id, entity_type, mode, status, file_name, total_rows, created_rows, updated_rows,
              skipped_rows, failed_rows, unprocessed_rows, summary, has_exportable_failures, error,
              started_at, completed_at, object_key, idempotency_key, event_id, event_source
    """  # noqa: S608 - our own words
)
_FAIL = text(
    f"""
    UPDATE imports.imports
       SET error = CAST(:error AS jsonb), parsed_at = clock_timestamp(),
           status = CASE status WHEN '{ImportStatus.PREVIEWING}' THEN '{ImportStatus.IMPORTING}' ELSE status END,
           updated_at = clock_timestamp()
     WHERE id = :id AND status IN ({sql_list(OPEN)}) AND error IS NULL AND cancelled_at IS NULL AND parsed_at IS NULL
    RETURNING status
    """  # noqa: S608 - our own words
)


async def close_if_finished(conn: AsyncConnection, import_id: UUID, *, traceparent: str | None = None) -> bool:
    """End the import if its file is read to the end and no chunk is open any more; whether this call ended it.

    Locks the import, so of two transactions that finish the last two chunks at once the second sees the first.
    Call it last in a transaction: every other chunk of the import waits for this one's commit from here on. What is
    announced goes on in the trace of the event the import came by; in `traceparent` when the ledger knows of none.
    """
    current = (await conn.execute(_LOCK, {"id": import_id})).one_or_none()
    if current is None or current.status not in OPEN or current.parsed_at is None:
        return False
    if current.status == ImportStatus.PREVIEWING and current.error is not None and current.cancelled_at is None:
        # Its rows wait for another interpretation.
        return False
    if (await conn.execute(_OPEN_CHUNKS, {"id": import_id})).scalar_one():
        return False
    chunks = (await conn.execute(_CHUNKS, {"id": import_id})).all()
    failed = sum(chunk.failed for chunk in chunks)
    status = _status(cancelled=current.cancelled_at is not None, error=current.error is not None, failed=failed)
    closed = await conn.execute(
        _CLOSE,
        {
            "id": import_id,
            "status": status,
            "total": sum(chunk.row_count for chunk in chunks),
            "processed": sum(chunk.row_count for chunk in chunks if chunk.state != ChunkState.CANCELLED),
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
    await outbox.append(conn, completed({**ended, "id": import_id}), traceparent=current.traceparent or traceparent)
    return True


def completed(known: Mapping[str, Any] | RowMapping) -> ImportCompleted:
    """The event that says how an import ended, in the ledger's words. `known` are columns of its row, by name."""
    otherwise = {
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
    to its end, has ended already, or is cancelled, is left as it is.
    """
    found = (await conn.execute(_LOCK, {"id": import_id})).one_or_none()
    error = json.dumps({"code": code, "message": message})
    failed = (await conn.execute(_FAIL, {"id": import_id, "error": error})).first() is not None
    if failed and found is not None and found.status == ImportStatus.PREVIEWING:
        await release_chunks(conn, import_id)
    await close_if_finished(conn, import_id)


def _status(*, cancelled: bool, error: bool, failed: int) -> ImportStatus:
    if error:
        return ImportStatus.FAILED
    if cancelled:
        return ImportStatus.CANCELLED
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
