"""What every page has round it: how many imports wait for who looks and may start them, and the choice of light or dark."""

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse
from sqlalchemy import text

from services.gateway.asking import Ways, someone
from services.gateway.imports.transactions import reading
from services.gateway.pages.rendering import THEME_COOKIE, THEMES
from services.gateway.people import Person, Role
from services.gateway.who.denials import sign_in_first
from shared.states import ChunkState, GuidedStep, ImportStatus

router = APIRouter(include_in_schema=False)

Someone = Annotated[Person | None, Depends(someone)]

# Held, and its columns are to be mapped, or it is read to its end and checked to its end.
_WAITING = text(
    f"""
    SELECT count(*) FROM imports.imports i
     WHERE i.completed_at IS NULL AND i.status = '{ImportStatus.PREVIEWING}' AND i.cancelled_at IS NULL
       AND (i.guided_step = '{GuidedStep.MAP}' AND i.read_at IS NOT NULL
            OR i.parsed_at IS NOT NULL
       AND NOT EXISTS (SELECT FROM imports.import_chunks c WHERE c.import_id = i.id AND c.state = '{ChunkState.STAGED}'))
    """  # noqa: S608 - our own words
)


async def _surround(request: Request, person: Someone, ways: Ways) -> None:
    request.state.person = person
    if person is not None and person.may(Role.IMPORTER):
        async with reading(ways, person) as conn:
            request.state.waiting = (await conn.execute(_WAITING)).scalar_one()


SHELL = Depends(_surround)
"""What the routes of a page depend on (`APIRouter(dependencies=[SHELL])`): who looks, and how many imports wait for them to start."""

_A_YEAR = 31_536_000


@router.get("/")
async def home(request: Request, person: Someone) -> RedirectResponse:
    """To the page that who comes can do most on."""
    if person is None:
        raise sign_in_first(request)
    if person.may(Role.IMPORTER):
        return RedirectResponse("/import", 303)
    return RedirectResponse("/history" if person.may(Role.VIEWER) else "/operations", 303)


@router.post("/theme")
async def choose_theme(
    ways: Ways,
    theme: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/",  # noqa: A002 - the form's name
) -> RedirectResponse:
    """Keep the choice in a cookie of this browser, and go back to the page. Open to everybody: it says nothing about anyone."""
    answer = RedirectResponse(local(next), 303)
    if theme in THEMES:
        answer.set_cookie(THEME_COOKIE, theme, max_age=_A_YEAR, samesite="lax", secure=ways.over_tls)
    return answer


def local(address: str, otherwise: str = "/import") -> str:
    """An address of this site, so that no form leads elsewhere; `otherwise` for every other one."""
    # As browsers read it: a backslash is a slash, and after two of them, or more, comes another site.
    is_ours = re.match(r"/(?![/\\])", address) is not None and address.isprintable()
    return address if is_ours else otherwise
