"""Imports as the ledger has them, made up: what is worked out from their numbers needs no database."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from shared.ledger import ImportProgress, StageProgress
from shared.states import ImportStatus

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def before(seconds: float) -> datetime:
    """So long ago."""
    return NOW - timedelta(seconds=seconds)


def importing(*, total: int = 100_000, committed: int = 0, failed: int = 0, **said: Any) -> ImportProgress:
    """An import that is under way, begun 20 s ago; its file is read to the end unless said otherwise."""
    fields: dict[str, Any] = {
        **dict.fromkeys(
            (
                *("file_size", "file_sha256", "layout", "correction_object_key", "failed_rows_object_key"),
                *(
                    "unprocessed_object_key",
                    "read_to_row",
                    "parent_import_id",
                    "undoes_import_id",
                    "undone_by",
                    "error",
                ),
                *("completed_at", "read_at", "cancelled_at"),
            )
        ),
        "id": UUID(int=1),
        "tenant_id": "acme",
        "user_id": "ann",
        "entity_type": "products",
        "mode": "create",
        "status": ImportStatus.IMPORTING,
        "file_name": "a.csv",
        "object_key": "acme/a.csv",
        "total_rows": total,
        "created_rows": committed - failed,
        "updated_rows": 0,
        "skipped_rows": 0,
        "failed_rows": failed,
        "unprocessed_rows": total - committed,
        "summary": {},
        "notices": [],
        "has_exportable_failures": False,
        "has_exportable_unprocessed": False,
        "parsed_at": before(10),
        "started_at": before(20),
        "created_at": before(21),
        "epoch": 1,
        "hold": False,
        "worked_seconds": 0.0,
        "stages": StageProgress(total, committed, committed),
    }
    return ImportProgress(**{**fields, **said})
