"""Whether a browser's request was meant: a cookie is sent with whatever another site has the browser do."""

import hmac
from urllib.parse import urlsplit

from starlette.formparsers import MultiPartException
from starlette.requests import Request

from services.gateway.who.bodies import is_streamed

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
FIELD, HEADER = "csrf", "X-CSRF-Token"

_PLAIN, _WITH_FILES = "application/x-www-form-urlencoded", "multipart/form-data"


class NotMeant(Exception):
    """A request that a page of ours did not make, or not one of this session. `reason` is for the log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


async def check_meant(request: Request, csrf: str, public_url: str, *, form: bool = True) -> None:
    """Let pass what changes nothing, and what a page of this session sent: it repeats the session's token.

    With the header no body is looked at; without, the form is read, and stays readable for the route. Where not `form`, one
    with files is left to the route, token and all.

    Raises:
        NotMeant: it comes from another site, or does not repeat the token.
    """
    if request.method in SAFE:
        return
    check_from_here(request, public_url)
    shown = request.headers.get(HEADER)
    if not shown:
        if not form and _is(request, _WITH_FILES):
            return
        shown = await _field(request)
    if not shown:
        raise NotMeant("csrf_missing")
    if not hmac.compare_digest(shown.encode("utf-8", "surrogatepass"), csrf.encode()):
        raise NotMeant("csrf_wrong")


def check_from_here(request: Request, public_url: str) -> None:
    """Let pass what a page of ours sent, by what the browser says of itself; old ones say nothing.

    Raises:
        NotMeant: it comes from another site.
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise NotMeant("cross_site")
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc not in {urlsplit(public_url).netloc, request.headers.get("host")}:
        raise NotMeant("origin")


async def _field(request: Request) -> str | None:
    with_files = _is(request, _WITH_FILES)
    if not (_is(request, _PLAIN) or with_files):
        return None
    if with_files and is_streamed(request.method, request.url.path):
        # Reading it here would keep the whole of it, however large.
        return None
    try:
        said = (await request.form()).get(FIELD)
    except MultiPartException as error:
        raise NotMeant("form") from error
    return said if isinstance(said, str) else None


def _is(request: Request, form: str) -> bool:
    return request.headers.get("content-type", "").lower().startswith(form)
