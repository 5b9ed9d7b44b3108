"""Pages that cannot be shown: what happened, what is safe, what to do."""

from http import HTTPStatus
from typing import NamedTuple

from fastapi import Request
from fastapi.responses import Response

from services.gateway.pages.rendering import page
from services.gateway.people import Person
from shared.api.problems import Problem


class Said(NamedTuple):
    """How a refusal is headed, with its icon, and where to go from there."""

    icon: str
    title: str
    way: str = "/import"
    way_words: str = "Go to the import page"


_HISTORY = ("/history", "Go to the history")
_SAID = {
    HTTPStatus.BAD_REQUEST: Said("x-circle", "The request cannot be read"),
    HTTPStatus.UNAUTHORIZED: Said("lock-key", "You are not signed in", "/sign-in", "Sign in"),
    HTTPStatus.FORBIDDEN: Said("lock-key", "Your login may not do that", "/", "Go back to your pages"),
    HTTPStatus.NOT_FOUND: Said("magnifying-glass", "There is nothing here", *_HISTORY),
    HTTPStatus.CONFLICT: Said("info", "That cannot be done now", *_HISTORY),
    HTTPStatus.GONE: Said("lock-key", "This link is no longer valid", *_HISTORY),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: Said("x-circle", "The file is too large"),
    HTTPStatus.TOO_MANY_REQUESTS: Said("clock", "Too much at once"),
    HTTPStatus.INTERNAL_SERVER_ERROR: Said("wifi-slash", "Something broke on our side"),
    HTTPStatus.SERVICE_UNAVAILABLE: Said("wifi-slash", "Something that is needed is away"),
}
_CSRF = Said("arrows-clockwise", "This form is out of date")
_LOOK = "You can look, not change"
_LOOK_ONLY = Said("eye", _LOOK, *_HISTORY)
_NO_IMPORT = Said("magnifying-glass", "There is no such import", *_HISTORY)
_OTHER = Said("x-circle", "That did not work")


async def draw(request: Request, problem: Problem) -> Response:
    """A problem as a page, with its status."""
    person: Person | None = getattr(request.state, "person", None)
    said = _SAID.get(HTTPStatus(problem.status), _OTHER)
    text = problem.detail
    if problem.type.endswith("/csrf"):
        said, text = _CSRF, "Nothing was changed. Go back, load the page again, and send the form once more."
    elif text.startswith(f"{_LOOK}: "):
        said, text = _LOOK_ONLY, f"{text.removeprefix(f'{_LOOK}: ').capitalize()} Ask an administrator for it."
    elif problem.status == HTTPStatus.UNPROCESSABLE_ENTITY and request.method == "GET":
        # An address that no page has, such as one of an id that is none.
        problem = problem.model_copy(update={"status": HTTPStatus.NOT_FOUND.value})
        said, text = _SAID[HTTPStatus.NOT_FOUND], "The address may have been cut off or mistyped."
    elif problem.status == HTTPStatus.NOT_FOUND and request.url.path.startswith("/imports/"):
        said, text = _NO_IMPORT, "It may have been removed, or belong to somebody else."
    if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        text = "Your data is safe and running imports go on. Try again in a moment."
    return page(request, person, "error.html", status=problem.status, said=said, text=text, problem=problem)
