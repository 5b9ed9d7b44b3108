"""What became of an import, or what would: reasons, preview, entities, repairs, how it was read."""

from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import APIRouter, Query

from services.gateway import problems
from services.gateway.asking import Viewer, Ways
from services.gateway.imports import results as found
from services.gateway.imports.transactions import reading
from shared.api.limits import MOST_CHANGES, MOST_NAMES
from shared.api.results import EntitiesMade, Preview, Reading, Reasons, Repairs

router = APIRouter(prefix="/v1/imports", tags=["results"])

T = TypeVar("T")
_REFUSALS = problems.of(401, 403, 404, 422)


@router.get("/{import_id}/reasons", operation_id="get_reasons", responses=_REFUSALS)
async def get_reasons(ways: Ways, person: Viewer, import_id: UUID) -> Reasons:
    """Why rows were not imported: errors by kind and column, the most frequent first, each with an example."""
    async with reading(ways, person) as conn:
        return _known(await found.reasons_of(conn, import_id))


@router.get("/{import_id}/preview", operation_id="get_preview", responses=_REFUSALS)
async def get_preview(
    ways: Ways,
    person: Viewer,
    import_id: UUID,
    changes: Annotated[int, Query(ge=0, le=MOST_CHANGES, description="So many changes, the first ones.")] = 20,
) -> Preview:
    """What an import comes to, counted before it does anything; of one that has ended, what it came to."""
    async with reading(ways, person) as conn:
        return _known(await found.preview_of(conn, import_id, changes=changes))


@router.get("/{import_id}/entities", operation_id="get_entities", responses=_REFUSALS)
async def get_entities(
    ways: Ways,
    person: Viewer,
    import_id: UUID,
    names: Annotated[int, Query(ge=0, le=MOST_NAMES, description="So many names of each kind.")] = 50,
) -> EntitiesMade:
    """What the import made on the way: manufacturers, seasons, tags and the like, by kind."""
    async with reading(ways, person) as conn:
        return _known(await found.entities_of(conn, import_id, names=names))


@router.get("/{import_id}/repairs", operation_id="get_repairs", responses=_REFUSALS)
async def get_repairs(ways: Ways, person: Viewer, import_id: UUID) -> Repairs:
    """What was repaired since of the rows that were handed back, and through whose files."""
    async with reading(ways, person) as conn:
        return _known(await found.repairs_of(conn, import_id))


@router.get("/{import_id}/reading", operation_id="get_reading", responses=_REFUSALS)
async def get_reading(ways: Ways, person: Viewer, import_id: UUID) -> Reading:
    """How the file was read: what was decided, and which column went where."""
    async with reading(ways, person) as conn:
        return _known(await found.reading_of(conn, import_id))


def _known(said: T | None) -> T:
    if said is None:
        raise problems.unknown("import")
    return said
