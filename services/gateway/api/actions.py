"""What is done with an import: start, cancel, dismiss, undo, mark as failed. Each is one guarded change; twice is once."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response

from services.gateway import problems
from services.gateway.api.conditions import answer_of
from services.gateway.asking import Importer, Ways
from services.gateway.imports import acts, the_import
from shared.api.imports import Import

router = APIRouter(prefix="/v1/imports", tags=["imports"])

ImportId = Annotated[UUID, Path()]
_REFUSALS = problems.of(401, 403, 404, 409, 422)


@router.post("/{import_id}/start", operation_id="start_import", response_model=Import, responses=_REFUSALS)
async def start_import(request: Request, ways: Ways, person: Importer, import_id: ImportId) -> Response:
    """Let a held import commit what was checked. Of one that was started before, nothing is done."""
    await acts.start(ways, person, import_id)
    return answer_of(request, await the_import(ways, person, import_id))


@router.post("/{import_id}/cancel", operation_id="cancel_import", response_model=Import, responses=_REFUSALS)
async def cancel_import(request: Request, ways: Ways, person: Importer, import_id: ImportId) -> Response:
    """Stop an import that has not ended. What is in stays in; every other row is unprocessed, and handed back."""
    await acts.cancel(ways, person, import_id)
    return answer_of(request, await the_import(ways, person, import_id))


@router.post("/{import_id}/dismiss", operation_id="dismiss_import", response_model=Import, responses=_REFUSALS)
async def dismiss_import(request: Request, ways: Ways, person: Importer, import_id: ImportId) -> Response:
    """Put an import with failures away. Its numbers stay, and its files for their time."""
    await acts.dismiss(ways, person, import_id)
    return answer_of(request, await the_import(ways, person, import_id))


@router.post(
    "/{import_id}/undo",
    operation_id="undo_import",
    status_code=201,
    response_model=Import,
    responses=_REFUSALS,
)
async def undo_import(request: Request, ways: Ways, person: Importer, import_id: ImportId) -> Response:
    """Take an import back: what it made goes, what it changed is as it was. The answer is the import that does it."""
    undoing = await the_import(ways, person, await acts.undo(ways, person, import_id))
    return answer_of(request, undoing, status=201, headers={"Location": undoing.href})


@router.post("/{import_id}/fail", operation_id="fail_import", response_model=Import, responses=_REFUSALS)
async def fail_import(request: Request, ways: Ways, person: Importer, import_id: ImportId) -> Response:
    """Mark an import as failed of which nothing has moved for 30 minutes. What is in stays in; all else is handed back."""
    await acts.fail(ways, person, import_id)
    return answer_of(request, await the_import(ways, person, import_id))
