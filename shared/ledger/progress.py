"""How far imports are, from the same numbers they are closed with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.ledger import identity
from shared.ledger.quarantine import EXPORT_FAILED, NO_FILES
from shared.periods import roughly
from shared.states import ENDED, PROCESSED_CHUNKS, ChunkState, sql_list


@dataclass(frozen=True)
class StageProgress:
    """Rows that have passed each stage so far."""

    staged_rows: int
    validated_rows: int
    committed_rows: int
    invalid_rows: int = 0
    """Of those that are validated and not committed yet: rows that will be handed back."""


@dataclass(frozen=True)
class ImportProgress:
    """One import as its users know it. Counts are final when `ended`, and of what is done so far before.

    `idempotency_key` is the sender's own, None when it was derived; it, what the upload event was called and the trace it
    travels in are what the sender knows the import by. `read_to_row` is None when the file was read to its end, or is still
    read; else what follows that row is in no count. `hold` while nothing may be committed before a start;
    `undoes_import_id` is the one it takes back, `undone_by` the last that takes it back;
    `worked_seconds` is the time it was worked on up to its end,
    without what a person took to decide (of one on the guided path, since its start) and without the pause before it was
    taken up again. What was removed since, because
    its time was over, has the moment: the rows with their errors, the file that was sent, those that were handed back.
    `result_sizes` are the bytes of the latter by kind, where they are known.
    """

    id: UUID
    tenant_id: str
    user_id: str
    entity_type: str
    mode: str
    status: str
    file_name: str
    object_key: str
    file_size: int | None
    file_sha256: str | None
    total_rows: int
    created_rows: int
    updated_rows: int
    skipped_rows: int
    failed_rows: int
    unprocessed_rows: int
    summary: Mapping[str, Any]
    layout: Mapping[str, Any] | None
    notices: Sequence[Mapping[str, Any]]
    has_exportable_failures: bool
    correction_object_key: str | None
    failed_rows_object_key: str | None
    has_exportable_unprocessed: bool
    unprocessed_object_key: str | None
    read_to_row: int | None
    parent_import_id: UUID | None
    undoes_import_id: UUID | None
    undone_by: UUID | None
    error: Mapping[str, str] | None
    parsed_at: datetime | None
    started_at: datetime | None
    completed_at: datetime | None
    created_at: datetime
    epoch: int
    hold: bool
    read_at: datetime | None
    cancelled_at: datetime | None
    worked_seconds: float
    stages: StageProgress
    idempotency_key: str | None = None
    upload_event_id: str | None = None
    upload_event_source: str | None = None
    traceparent: str | None = None
    dismissed_at: datetime | None = None
    rows_expired_at: datetime | None = None
    upload_removed_at: datetime | None = None
    results_removed_at: datetime | None = None
    result_sizes: Mapping[str, int] = field(default_factory=dict)
    guided_step: str | None = None

    @property
    def ended(self) -> bool:
        """Whether the numbers are final."""
        return self.status in ENDED

    @property
    def files_ready(self) -> bool:
        """Whether everything that is handed back lies in storage."""
        return self.ended and not self.awaits_files

    @property
    def awaits_files(self) -> bool:
        """Whether rows are still to be handed back, failed or unprocessed; not when that was given up."""
        given_up = self.error is not None and (self.error.get("code") == EXPORT_FAILED or NO_FILES in self.error)
        failed = self.has_exportable_failures and self.correction_object_key is None
        unprocessed = self.has_exportable_unprocessed and self.unprocessed_object_key is None
        return (failed or unprocessed) and not given_up and self.rows_expired_at is None

    def kept_for(self, gone: datetime | None) -> str | None:
        """For how long something was kept that is gone since then, in words; None when it is there."""
        if gone is None or self.completed_at is None:
            return None
        return roughly(gone - self.completed_at)


_PROCESSED = sql_list(PROCESSED_CHUNKS)
_COLUMNS = """
    SELECT i.id, i.tenant_id, i.user_id, i.entity_type, i.mode, i.status, i.file_name, i.object_key, i.file_size,
           i.file_sha256, i.layout, i.notices, i.has_exportable_failures, i.correction_object_key,
           i.failed_rows_object_key, i.has_exportable_unprocessed, i.unprocessed_object_key, i.read_to_row,
           i.parent_import_id, i.undoes_import_id,
           (SELECT u.id FROM imports.imports u WHERE u.undoes_import_id = i.id ORDER BY u.id DESC LIMIT 1) AS undone_by,
           i.idempotency_key, i.event_id AS upload_event_id, i.event_source AS upload_event_source,
           i.traceparent, i.error, i.parsed_at, i.started_at, i.completed_at,
           i.created_at, i.summary, i.epoch, i.hold, i.read_at, i.cancelled_at, i.worked_seconds, i.dismissed_at,
           i.rows_expired_at, i.upload_removed_at, i.results_removed_at, i.result_sizes, i.guided_step,
           CASE WHEN i.completed_at IS NULL THEN greatest(i.total_rows, c.staged) ELSE i.total_rows END AS total_rows,
           CASE WHEN i.completed_at IS NULL THEN c.created ELSE i.created_rows END AS created_rows,
           CASE WHEN i.completed_at IS NULL THEN c.updated ELSE i.updated_rows END AS updated_rows,
           CASE WHEN i.completed_at IS NULL THEN c.skipped ELSE i.skipped_rows END AS skipped_rows,
           CASE WHEN i.completed_at IS NULL THEN c.failed ELSE i.failed_rows END AS failed_rows,
           CASE WHEN i.completed_at IS NULL THEN greatest(i.total_rows, c.staged) - c.committed
                ELSE i.unprocessed_rows END AS unprocessed_rows,
           c.staged, c.validated, c.committed, c.invalid
"""
_CHUNKS = f"""
     CROSS JOIN LATERAL (
           SELECT coalesce(sum(row_count), 0) AS staged,
                  coalesce(sum(row_count) FILTER (WHERE state <> '{ChunkState.STAGED}'), 0) AS validated,
                  coalesce(sum(row_count) FILTER (WHERE state IN ({_PROCESSED})), 0) AS committed,
                  coalesce(sum(failed) FILTER (WHERE state = '{ChunkState.VALIDATED}'), 0) AS invalid,
                  coalesce(sum(created), 0) AS created, coalesce(sum(updated), 0) AS updated,
                  coalesce(sum(skipped), 0) AS skipped,
                  coalesce(sum(failed) FILTER (WHERE state IN ({_PROCESSED})), 0) AS failed
             FROM imports.import_chunks WHERE import_id = i.id) c
"""  # noqa: S608 - our own words
_ONE = text(f"{_COLUMNS} FROM imports.imports i {_CHUNKS} WHERE i.id = :id")
# One by one: a tenant is thought to have as many imports as the average one, and all of a large one's would be gone through.
_SOME = text(
    f"""{_COLUMNS} FROM unnest(CAST(:ids AS uuid[])) AS wanted (id)
     CROSS JOIN LATERAL (SELECT * FROM imports.imports WHERE id = wanted.id OFFSET 0) i {_CHUNKS}
     ORDER BY i.created_at DESC, i.id DESC"""  # noqa: S608 - our own words
)


async def read_import(conn: AsyncConnection, import_id: UUID) -> ImportProgress | None:
    """One import; None when there is none of that id that this connection may see."""
    row = (await conn.execute(_ONE, {"id": import_id})).mappings().one_or_none()
    return None if row is None else _progress(row)


async def read_imports(conn: AsyncConnection, ids: Sequence[UUID]) -> list[ImportProgress]:
    """Those of these imports that this connection may see, newest first."""
    rows = await conn.execute(_SOME, {"ids": list(ids)})
    return [_progress(row) for row in rows.mappings()]


def _progress(row: RowMapping) -> ImportProgress:
    fields: dict[str, Any] = {str(name): value for name, value in row.items()}
    stages = StageProgress(
        staged_rows=int(fields.pop("staged")),
        validated_rows=int(fields.pop("validated")),
        committed_rows=int(fields.pop("committed")),
        invalid_rows=int(fields.pop("invalid")),
    )
    counts = {name: int(fields[name]) for name in fields if name.endswith("_rows") and fields[name] is not None}
    seconds = float(fields.pop("worked_seconds"))
    fields["idempotency_key"] = identity.given(fields["idempotency_key"])
    return ImportProgress(**{**fields, **counts}, worked_seconds=seconds, stages=stages)
