"""What every page has round it: how many imports wait for who looks, and the choice of light or dark."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form
from fastapi.responses import RedirectResponse

from services.gateway.asking import Ways
from services.gateway.pages.rendering import THEME_COOKIE, THEMES

router = APIRouter(include_in_schema=False)

_A_YEAR = 31_536_000


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
    split = urlsplit(address.replace("\\", "/"))
    is_ours = address.startswith("/") and not split.scheme and not split.netloc and address.isprintable()
    return address if is_ours else otherwise
