"""What is denied: a line in the log each, without what was shown, and the way to a login for pages."""

from urllib.parse import urlencode, urlsplit

import structlog
from fastapi import Request, Response
from starlette.responses import JSONResponse, RedirectResponse

from services.gateway.people import Person

log = structlog.get_logger(__name__)

_HOME = "/import"

NOT_MEANT = (
    "This did not come from a page of this session. Open the page again and repeat what you did; nothing was changed."
)
PROVIDER_AWAY = (
    "Who you are cannot be checked at the moment: the sign-in provider does not answer. Running imports go on; try again "
    "in a moment."
)


def unregistered(person: Person) -> str:
    """What is told to somebody whose tenant is not registered."""
    return (
        f'The tenant of your login, "{person.tenant}", is not registered with Winnow. Whoever runs Winnow registers a tenant '
        "once; until then nothing is done for it."
    )


class SignInFirst(Exception):
    """A page was asked for by somebody who is not signed in."""

    def __init__(self, afterwards: str) -> None:
        super().__init__(afterwards)
        self.afterwards = afterwards


def denied(request: Request, status: int, reason: str, person: Person | None = None) -> None:
    """Note that a request was denied. The route's own pattern stands for its address: some addresses are secrets."""
    route = request.scope.get("route")
    log.warning(
        "access.denied",
        status=status,
        reason=reason,
        method=request.method,
        route=getattr(route, "path", None),
        **({} if person is None else {"tenant": person.tenant, "user": person.user, "via": person.via}),
    )


def sign_in_first(request: Request) -> SignInFirst:
    """What to raise for a page that needs a login: it is shown after signing in, or the page that the form was on."""
    if request.method in {"GET", "HEAD"}:
        query = f"?{request.url.query}" if request.url.query else ""
        return SignInFirst(request.url.path + query)
    came_from = urlsplit(request.headers.get("referer", ""))
    here = came_from.netloc == request.url.netloc and came_from.path.startswith("/")
    return SignInFirst(came_from.path if here else _HOME)


async def to_sign_in(request: Request, first: Exception) -> Response:
    """The answer to who is not signed in: the sign-in page, for a page; for a part of one, the same said to the browser."""
    assert isinstance(first, SignInFirst)
    address = f"/sign-in?{urlencode({'next': first.afterwards})}"
    if "hx-request" in request.headers:
        return Response(status_code=401, headers={"HX-Redirect": address})
    if "text/event-stream" in request.headers.get("accept", ""):
        return JSONResponse({"detail": "Nobody is signed in (any more)."}, 401)
    return RedirectResponse(address, 303)
