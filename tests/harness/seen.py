"""Imports as the gateway sees them, made up: for tests of what is shown of them."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from shared.api.imports import Import, Links, Stage, StageName, StageState, Undo
from shared.intake.reports import ReportedError
from shared.intake.rows import ImportRow, RowPage
from shared.states import ImportStatus, RowStatus, Standing

AT = datetime(2026, 11, 25, 15, 20, tzinfo=UTC)
ID = UUID("0199c5a4-7c1e-7b3a-9a55-2f7e6d0c41f3")
HREF = f"/v1/imports/{ID}"
PLACES = ("rows", "errors", "reasons", "changes", "preview", "entities", "repairs", "reading", "columns", "events")


def an_import(**said: Any) -> Import:
    """One that has ended with failures, but for what is said of it."""
    fields: dict[str, Any] = {
        "id": ID,
        "file_name": "autumn-catalogue.xlsx",
        "file_size": 1_400_000,
        "entity_type": "products",
        "mode": "create",
        "status": ImportStatus.COMPLETED_WITH_FAILURES,
        "standing": Standing.COMPLETED_WITH_FAILURES,
        "ended": True,
        "hold": False,
        "user_id": "mara",
        "created_at": AT,
        "started_at": AT,
        "completed_at": AT,
        "percent": 100,
        "total_rows": 6_012,
        "created_rows": 5_878,
        "updated_rows": 0,
        "skipped_rows": 0,
        "failed_rows": 134,
        "unprocessed_rows": 0,
        "repaired_rows": 0,
        "open_rows": 134,
        "parent_import_id": None,
        "undoes_import_id": None,
        "undone_by": None,
        "error": None,
        "files": (),
        "href": HREF,
        "version": "1",
        "epoch": 1,
        "file_sha256": "9f2c" * 16,
        "idempotency_key": None,
        "object_key": "nordlys/uploads/a/autumn-catalogue.xlsx",
        "upload_event_id": None,
        "upload_event_source": None,
        "traceparent": None,
        "read_at": AT,
        "parsed_at": AT,
        "cancelled_at": None,
        "dismissed_at": None,
        "read_to_row": None,
        "worked_seconds": 1.9,
        "staged_rows": 6_012,
        "validated_rows": 6_012,
        "committed_rows": 6_012,
        "invalid_rows": 0,
        "stages": (),
        "rows_per_second": 3_160.0,
        "eta_seconds": None,
        "quiet_seconds": None,
        "stands_at": None,
        "is_final": True,
        "parent": None,
        "children": (),
        "undo": Undo(possible=True, until=AT, why_not=None),
        "actions": (),
        "notices": (),
        "summary": {"products": {"created": 1_958}, "variants": {"created": 5_878}},
        "read_as": None,
        "rows_expired_at": None,
        "upload_removed_at": None,
        "results_removed_at": None,
        "links": Links(**{place: f"{HREF}/{place}" for place in PLACES}),
    }
    return Import(**{**fields, **said})


def running(**said: Any) -> Import:
    """One that is importing, 62 % of it done."""
    fields: dict[str, Any] = {
        "file_name": "spring-2027.xlsx",
        "status": ImportStatus.IMPORTING,
        "standing": Standing.IMPORTING,
        "ended": False,
        "is_final": False,
        "completed_at": None,
        "percent": 62,
        "total_rows": 100_000,
        "created_rows": 60_713,
        "failed_rows": 1_287,
        "unprocessed_rows": 38_000,
        "open_rows": 0,
        "staged_rows": 100_000,
        "validated_rows": 86_000,
        "committed_rows": 62_000,
        "stages": (
            stage("read", "done", 100_000, 0, 14_300.0, 7.0),
            stage("checked", "moving", 86_000, 14_000, 10_900.0, 8.0),
            stage("imported", "moving", 62_000, 24_000, 7_530.0, 8.0),
            stage("handed_back", "waiting", 0, 1_287),
        ),
        "rows_per_second": 7_530.0,
        "eta_seconds": 10,
        "quiet_seconds": 0,
        "undo": Undo(possible=False, until=None, why_not="It has not ended"),
        "actions": ("cancel",),
    }
    return an_import(**{**fields, **said})


def stage(
    name: StageName, state: StageState, rows: int, waiting: int, rate: float | None = None, seconds: float | None = None
) -> Stage:
    """One stage of an import."""
    return Stage(name=name, state=state, rows=rows, waiting=waiting, rows_per_second=rate, seconds=seconds)


def failed_row(number: int, cells: tuple[str, ...], *errors: tuple[str | None, str, str], group: int = 0) -> ImportRow:
    """A failed row; each error is a heading, a code and a message. Without any it waits for others of its group."""
    said = tuple(ReportedError(number, heading, code, message) for heading, code, message in errors)
    return ImportRow(number, group or number, RowStatus.FAILED, None, cells, said, ())


def failed_rows(headings: tuple[str, ...], *rows: ImportRow, more_from: int | None = None) -> RowPage:
    """A page of failed rows."""
    return RowPage(headings, rows, more_from)
