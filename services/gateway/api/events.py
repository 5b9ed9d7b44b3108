"""`/v1/imports/{id}/events`: an import as it moves, as server-sent events."""

from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from services.gateway import problems
from services.gateway.asking import Viewer, Ways
from services.gateway.imports import the_import
from services.gateway.imports.watched import watched
from services.gateway.live import Shown
from services.gateway.people import tenant_of

router = APIRouter(prefix="/v1/imports", tags=["imports"])

_MESSAGE = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "description": "The import's version."},
        "event": {"type": "string", "description": "`message`, or `end`."},
        "data": {"type": "string", "description": "The import, as JSON."},
    },
}


@router.get(
    "/{import_id}/events",
    operation_id="watch_import",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "The import as `GET /v1/imports/{import_id}` says it, at once and whenever it is another: each "
            "message has the whole of it (`data`) and its version (`id`). The last event is `end`. A comment comes every 15 s.",
            "content": {"text/event-stream": {"schema": _MESSAGE}},
        },
        **problems.of(401, 403, 404, 422),
    },
)
async def watch_import(ways: Ways, person: Viewer, import_id: UUID) -> StreamingResponse:
    """Show an import until it has ended and its files are there."""
    # A stream that begins with 404 is answered as such.
    await the_import(ways, person, import_id)

    async def look() -> Shown | None:
        return await watched(ways, person, import_id)

    return ways.streams.stream(person, look, tenant=tenant_of(person), import_id=import_id)
