"""Files that are handed back: a signed link each, good for a minute, and only with a login of the same tenant."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query
from fastapi.responses import RedirectResponse, StreamingResponse

from services.gateway import problems
from services.gateway.asking import Viewer, Ways
from services.gateway.imports import files, links
from services.gateway.imports.transactions import reading
from services.gateway.people import tenant_of

router = APIRouter(tags=["files"])

_LINKED: dict[int | str, dict[str, Any]] = {
    303: {
        "description": "The file is at `Location`, for 60 s and for logins of the same tenant.",
        "headers": {"Location": {"schema": {"type": "string"}, "description": "/v1/files/{token}"}},
    },
    **problems.of(401, 403, 404, 409, 410, 422),
}


@router.get(
    "/v1/imports/{import_id}/corrections",
    operation_id="get_corrections",
    status_code=303,
    response_class=RedirectResponse,
    responses=_LINKED,
)
async def get_corrections(
    ways: Ways,
    person: Viewer,
    import_id: UUID,
    format: Annotated[  # noqa: A002 - the parameter's name
        Literal["xlsx", "csv"], Query(description="A workbook with the bad cells red, or the failed rows as CSV.")
    ] = "xlsx",
) -> RedirectResponse:
    """The failed rows, each mistake marked: repaired and sent again, only these rows are imported."""
    return await links.link_to(ways, person, import_id, "corrections" if format == "xlsx" else "failed_rows")


@router.get(
    "/v1/imports/{import_id}/failed-rows",
    operation_id="get_failed_rows",
    status_code=303,
    response_class=RedirectResponse,
    responses=_LINKED,
)
async def get_failed_rows(ways: Ways, person: Viewer, import_id: UUID) -> RedirectResponse:
    """The failed rows as CSV, with the reason beside each."""
    return await links.link_to(ways, person, import_id, "failed_rows")


@router.get(
    "/v1/imports/{import_id}/unprocessed-rows",
    operation_id="get_unprocessed_rows",
    status_code=303,
    response_class=RedirectResponse,
    responses=_LINKED,
)
async def get_unprocessed_rows(ways: Ways, person: Viewer, import_id: UUID) -> RedirectResponse:
    """The rows that the import did not come to, as they came."""
    return await links.link_to(ways, person, import_id, "unprocessed_rows")


@router.get(
    "/v1/files/{token}",
    operation_id="download_file",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "The file.",
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        },
        **problems.of(401, 403, 404, 409, 410, 422),
    },
)
async def download_file(
    ways: Ways, person: Viewer, token: Annotated[str, Path(min_length=1, max_length=1_000)]
) -> StreamingResponse:
    """A file that is handed back, by its signed link."""
    import_id, kind = links.verify(ways, token, tenant_of(person))
    async with reading(ways, person) as conn:
        file = await files.find_file(conn, import_id, kind)
    return await files.handed_out(ways, file)
