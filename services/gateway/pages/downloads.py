"""What is downloaded from pages: what came back of an import, a template to fill in, an example to try things out with."""

import asyncio
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path
from fastapi.responses import RedirectResponse, Response

from services.gateway.asking import PageViewer, Ways
from services.gateway.imports.files import headers_of
from services.gateway.imports.links import link_to
from services.gateway.pages import example, example_people

router = APIRouter(include_in_schema=False)


@router.get("/imports/{import_id}/corrections")
async def corrections(import_id: UUID, person: PageViewer, ways: Ways) -> RedirectResponse:
    """To the workbook with the failed rows: a link that is good for a minute."""
    return await link_to(ways, person, import_id, "corrections")


@router.get("/imports/{import_id}/failed-rows")
async def failed_rows(import_id: UUID, person: PageViewer, ways: Ways) -> RedirectResponse:
    """The same as CSV."""
    return await link_to(ways, person, import_id, "failed_rows")


@router.get("/imports/{import_id}/unprocessed-rows")
async def unprocessed_rows(import_id: UUID, person: PageViewer, ways: Ways) -> RedirectResponse:
    """To the rows that the import did not come to."""
    return await link_to(ways, person, import_id, "unprocessed_rows")


@router.get("/templates/example.xlsx")
async def example_file(_person: PageViewer) -> Response:
    """A file with three mistakes."""
    content = await asyncio.to_thread(example.example_workbook)
    return Response(content, headers=headers_of(example.FILE_NAME, len(content)))


@router.get("/templates/example-people.xlsx")
async def example_people_file(_person: PageViewer) -> Response:
    """People, with companies that are made on the way, and a few mistakes."""
    content = await asyncio.to_thread(example_people.example_people)
    return Response(content, headers=headers_of(example_people.FILE_NAME, len(content)))


@router.get("/templates/{entity_type}.xlsx")
async def template(
    _person: PageViewer, entity_type: Annotated[str, Path(pattern=r"^[a-z_]{1,32}$")]
) -> RedirectResponse:
    """To an empty workbook to fill in."""
    return RedirectResponse(f"/v1/templates/{entity_type}.xlsx", 303)
