"""What became of an import, or what would: for the API and the pages alike."""

from dataclasses import asdict
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.gateway.imports.seen import seen
from shared.api import results
from shared.api.imports import Import
from shared.entities.reasons import title_of
from shared.intake.preview import preview
from shared.intake.reading import read_reading
from shared.intake.repairs import read_repairs
from shared.intake.reports import group_errors, read_entities_made
from shared.ledger import ImportProgress, read_import
from shared.states import ImportStatus


async def reasons_of(conn: AsyncConnection, import_id: UUID) -> results.Reasons | None:
    """Why rows were not imported; None when this connection sees no such import."""
    progress = await read_import(conn, import_id)
    if progress is None:
        return None
    groups = await group_errors(conn, import_id)
    items = tuple(
        results.Reason(
            code=group.code,
            title=title_of(group.code),
            heading=group.heading,
            errors=group.count,
            example=group.example,
            row=group.row,
        )
        for group in groups
    )
    waiting = 0 if progress.ended else progress.stages.invalid_rows
    return results.Reasons(
        items=items, errors=sum(group.count for group in groups), handed_back_rows=progress.failed_rows + waiting
    )


async def preview_of(conn: AsyncConnection, import_id: UUID, *, changes: int) -> results.Preview | None:
    """What an import comes to; None when this connection sees no such import."""
    progress = await read_import(conn, import_id)
    found = await preview(conn, import_id, changes=changes)
    if progress is None or found is None:
        return None
    return results.Preview.model_validate({**asdict(found), "ready": _is_ready(progress)})


async def with_preview(conn: AsyncConnection, import_id: UUID) -> tuple[Import, results.Preview] | None:
    """An import with what it comes to, without its changes; None when this connection sees no such import."""
    imp, found = await seen(conn, import_id), await preview_of(conn, import_id, changes=0)
    return None if imp is None or found is None else (imp, found)


def _is_ready(progress: ImportProgress) -> bool:
    return (
        progress.status == ImportStatus.PREVIEWING
        and progress.error is None
        and progress.cancelled_at is None
        and progress.parsed_at is not None
        and progress.stages.validated_rows >= progress.total_rows
    )


async def entities_of(conn: AsyncConnection, import_id: UUID, *, names: int) -> results.EntitiesMade | None:
    """The entities it made on the way, so many names of each kind; None when this connection sees no such import."""
    progress = await read_import(conn, import_id)
    if progress is None:
        return None
    counts = {kind: int(said.get("created", 0)) for kind, said in progress.summary.get("entities", {}).items()}
    made = await read_entities_made(conn, import_id, limit=names) if counts else {}
    kinds = sorted({*counts, *made})
    return results.EntitiesMade(
        items=tuple(
            results.EntitiesOfKind(
                kind=kind, count=max(counts.get(kind, 0), len(made.get(kind, ()))), names=tuple(made.get(kind, ()))
            )
            for kind in kinds
        )
    )


async def repairs_of(conn: AsyncConnection, import_id: UUID) -> results.Repairs | None:
    """What was repaired of it, through whose files; None when this connection sees no such import."""
    if await read_import(conn, import_id) is None:
        return None
    return results.Repairs.model_validate(await read_repairs(conn, import_id), from_attributes=True)


async def reading_of(conn: AsyncConnection, import_id: UUID) -> results.Reading | None:
    """How its file was read; None when this connection sees no such import."""
    if await read_import(conn, import_id) is None:
        return None
    found = await read_reading(conn, import_id)
    if found is None:
        return results.Reading(decisions=(), columns=())
    return results.Reading.model_validate(found, from_attributes=True)
