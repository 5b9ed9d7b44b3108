"""`/v1/imports/{id}/rows`, `/errors`, `/changes`: by page, each of which costs what the first one does."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.gateway import problems
from services.gateway.asking import Viewer, Ways
from services.gateway.cursors import hand_out, list_name, take_back
from services.gateway.imports.rows import rows_of
from services.gateway.imports.transactions import reading
from services.gateway.people import tenant_of
from shared.api.limits import MOST_ROWS
from shared.api.rows import Change, ChangePage, ErrorPage, RowError, RowPage
from shared.intake.changes import Place, list_changes
from shared.intake.reports import list_errors
from shared.ledger.registration import is_import_of
from shared.states import RowStatus

router = APIRouter(prefix="/v1/imports", tags=["rows"])

_LAST_ROW = 2**31 - 1
_REFUSALS = problems.of(401, 403, 404, 422)
Cursor = Annotated[str | None, Query(max_length=3_000, description="The `next` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=MOST_ROWS)]


@router.get("/{import_id}/rows", operation_id="list_rows", responses=_REFUSALS)
async def list_rows(
    ways: Ways,
    person: Viewer,
    import_id: UUID,
    status: RowStatus | None = None,
    after: Annotated[
        int, Query(ge=0, le=_LAST_ROW, description="Begin behind this row: a page's `next`, or any row number.")
    ] = 0,
    limit: Limit = 50,
) -> RowPage:
    """The rows of the file, of one status or of all, with their errors and what becomes of them."""
    async with reading(ways, person) as conn:
        page = await rows_of(conn, import_id, status=status, after=after, limit=limit)
    if page is None:
        raise problems.unknown("import")
    return page


@router.get("/{import_id}/errors", operation_id="list_errors", responses=_REFUSALS)
async def list_errors_(
    ways: Ways, person: Viewer, import_id: UUID, after: Cursor = None, limit: Limit = 50
) -> ErrorPage:
    """Every error of every row, in the order of the file."""
    name = list_name("errors", {"import": import_id})
    row, position = (0, -1) if after is None else take_back(name, after, int, int)
    async with reading(ways, person) as conn:
        if not await is_import_of(conn, tenant_of(person), import_id):
            raise problems.unknown("import")
        found = await list_errors(conn, import_id, after=(row, position), limit=limit + 1)
    following = hand_out(name, *found[limit - 1][0]) if len(found) > limit else None
    items = tuple(RowError.model_validate(error, from_attributes=True) for _, error in found[:limit])
    return ErrorPage(items=items, next=following)


@router.get("/{import_id}/changes", operation_id="list_changes", responses=_REFUSALS)
async def list_changes_(
    ways: Ways, person: Viewer, import_id: UUID, after: Cursor = None, limit: Limit = 50
) -> ChangePage:
    """What it has changed of records that were there before, then what it is to change: each field, before and after."""
    name = list_name("changes", {"import": import_id})
    place = None if after is None else Place(*take_back(name, after, int, int, int, str, UUID))
    async with reading(ways, person) as conn:
        if not await is_import_of(conn, tenant_of(person), import_id):
            raise problems.unknown("import")
        found = await list_changes(conn, import_id, after=place, limit=limit + 1)
    following = hand_out(name, *found[limit - 1][0]) if len(found) > limit else None
    items = tuple(Change.model_validate(change, from_attributes=True) for _, change in found[:limit])
    return ChangePage(items=items, next=following)
