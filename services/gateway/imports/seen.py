"""An import, as it is seen: all that the ledger has of it, in the words of the API."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.gateway.imports.relatives import Since, href_of, read_relatives, read_since, read_undo_times
from services.gateway.imports.standing import actions_of, standing_of, undo_of
from services.gateway.imports.transactions import reading
from services.gateway.people import Person
from services.gateway.problems import unknown
from services.gateway.resources import Gateway
from shared.api.guided import Guided
from shared.api.imports import (
    FailureReason,
    FileKind,
    HandedBack,
    Import,
    ImportSummary,
    Links,
    Notice,
    ReadAs,
    Stage,
)
from shared.intake.pace import Pace, percent_of, read_pace
from shared.ledger import ImportProgress, read_import, read_imports
from shared.ledger.quarantine import NO_FILES
from shared.ledger.undo import DAYS
from shared.states import GuidedStep

_SAME = (
    *("id", "file_name", "file_size", "entity_type", "mode", "status", "ended", "hold", "user_id", "created_at"),
    *("started_at", "completed_at", "total_rows", "created_rows", "updated_rows", "skipped_rows", "failed_rows"),
    *("unprocessed_rows", "parent_import_id", "undoes_import_id", "undone_by"),
)
_ALSO_SAME = (
    *("epoch", "file_sha256", "idempotency_key", "object_key", "upload_event_id", "upload_event_source"),
    *("traceparent", "parsed_at", "read_at", "cancelled_at", "dismissed_at", "read_to_row", "worked_seconds"),
    *("summary", "rows_expired_at", "upload_removed_at", "results_removed_at"),
)
_FILES: tuple[tuple[FileKind, str, str, str], ...] = (
    ("corrections", "correction_object_key", "failed_rows", "corrections"),
    ("failed_rows", "failed_rows_object_key", "failed_rows", "failed-rows"),
    ("unprocessed_rows", "unprocessed_object_key", "unprocessed_rows", "unprocessed-rows"),
)


async def seen(conn: AsyncConnection, import_id: UUID) -> Import | None:
    """An import; None when this connection sees none of this id."""
    progress = await read_import(conn, import_id)
    if progress is None:
        return None
    pace = await read_pace(conn, progress)
    since = (await read_since(conn, [import_id]))[import_id]
    parent, children = await read_relatives(conn, import_id, progress.parent_import_id)
    undo = undo_of(progress, since, await read_undo_times(conn, import_id, days=DAYS))
    standing = standing_of(progress, since)
    said: dict[str, Any] = {
        **_summary(progress, since),
        **{name: getattr(progress, name) for name in _ALSO_SAME},
        **_stages(progress, pace),
        "parent": parent,
        "children": children,
        "undo": undo,
        "actions": actions_of(progress, standing, undo, quiet_seconds=pace.quiet_seconds),
        "notices": [Notice(**notice) for notice in progress.notices],
        "read_as": _read_as(progress),
        "is_final": progress.files_ready,
        "links": _links(progress.id),
    }
    unnamed = Import(**said, version="")
    return unnamed.model_copy(update={"version": version_of(unnamed)})


async def the_import(ways: Gateway, person: Person, import_id: UUID) -> Import:
    """An import of who asks.

    Raises:
        Refused: their tenant has none of this id.
    """
    found = await import_if_there(ways, person, import_id)
    if found is None:
        raise unknown("import")
    return found


async def import_if_there(ways: Gateway, person: Person, import_id: UUID) -> Import | None:
    """An import of who asks; None when their tenant has none of this id."""
    async with reading(ways, person) as conn:
        return await seen(conn, import_id)


async def summaries(conn: AsyncConnection, ids: Sequence[UUID]) -> list[ImportSummary]:
    """Those of these imports that this connection sees, in the order they are named."""
    progresses = {progress.id: progress for progress in await read_imports(conn, ids)}
    since = await read_since(conn, list(progresses))
    return [ImportSummary(**_summary(progresses[found], since[found])) for found in ids if found in progresses]


def version_of(said: Import) -> str:
    """What names all that is said of an import: another text when any of it is another."""
    return hashlib.blake2b(said.model_dump_json(exclude={"version"}).encode(), digest_size=12).hexdigest()


def _summary(progress: ImportProgress, since: Since) -> dict[str, Any]:
    handed_back = progress.failed_rows + progress.unprocessed_rows if progress.ended else 0
    # A chunk that was given up and then taken up again has no failed rows any more.
    repaired = min(since.repaired, handed_back)
    return {
        **{name: getattr(progress, name) for name in _SAME},
        "standing": standing_of(progress, since),
        "guided": _guided(progress),
        "percent": percent_of(progress),
        "repaired_rows": repaired,
        "open_rows": handed_back - repaired,
        "error": _error(progress.error),
        "files": tuple(_files(progress)),
        "href": href_of(progress.id),
    }


def _stages(progress: ImportProgress, pace: Pace) -> dict[str, Any]:
    return {
        "staged_rows": progress.stages.staged_rows,
        "validated_rows": progress.stages.validated_rows,
        "committed_rows": progress.stages.committed_rows,
        "invalid_rows": progress.stages.invalid_rows,
        "stages": tuple(Stage.model_validate(stage, from_attributes=True) for stage in pace.stages),
        "rows_per_second": pace.rows_per_second,
        "eta_seconds": pace.eta_seconds,
        "quiet_seconds": pace.quiet_seconds,
        "stands_at": pace.stands_at,
    }


def _guided(progress: ImportProgress) -> Guided | None:
    if progress.guided_step is None or not progress.hold or progress.ended:
        return None
    return Guided(
        step=GuidedStep(progress.guided_step),
        is_read=progress.read_at is not None,
        undecided_rows=progress.total_rows - progress.stages.validated_rows,
    )


def _error(said: Mapping[str, str] | None) -> FailureReason | None:
    if said is None:
        return None
    message = said.get("message", "")
    if NO_FILES in said:
        message = f"{message}. {said[NO_FILES]}"
    return FailureReason(code=said.get("code", "unknown"), message=message)


def _files(progress: ImportProgress) -> list[HandedBack]:
    if progress.results_removed_at is not None:
        return []
    found = []
    for kind, column, rows, path in _FILES:
        key = getattr(progress, column)
        if key is not None:
            found.append(
                HandedBack(
                    kind=kind,
                    file_name=key.rpartition("/")[2],
                    rows=getattr(progress, rows),
                    size=progress.result_sizes.get(kind),
                    href=f"{href_of(progress.id)}/{path}",
                )
            )
    return found


def _read_as(progress: ImportProgress) -> ReadAs | None:
    layout = progress.layout
    if layout is None:
        return None
    return ReadAs(
        sheet=layout.get("sheet"),
        heading_row=layout.get("heading_row"),
        encoding=layout.get("encoding"),
        delimiter=layout.get("delimiter"),
        columns=len(layout.get("samples", ())),
        guesses=sum(1 for decision in layout.get("decisions", ()) if decision.get("how") == "guessed"),
    )


def _links(import_id: UUID) -> Links:
    base = href_of(import_id)
    return Links(**{name: f"{base}/{name}" for name in Links.model_fields})
