"""How the gateway refuses: every refusal, and every failure of its own, is a problem (RFC 9457) with its kind.

A route raises `Refused`; what FastAPI refuses by itself (a wrong path, method, form or value) is said the same way. What
nobody foresaw is logged with a reference, and the reference is all that is told. Under `/v1` a problem is JSON; elsewhere
it is a page.
"""

import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.api.problems import BY_SLUG, KINDS, MEDIA_TYPE, FieldProblem, Problem
from shared.messaging.failures import FailureKind, kind_of

log = structlog.get_logger(__name__)

_API = "/v1"
_RETRY_SECONDS = 5
_BY_STATUS = {
    status: next(kind.slug for kind in KINDS if kind.status == status) for status in {kind.status for kind in KINDS}
}
_BY_STATUS[HTTPStatus.BAD_REQUEST], _BY_STATUS[HTTPStatus.SERVICE_UNAVAILABLE] = "malformed", "unavailable"
_SAID = {
    HTTPStatus.NOT_FOUND: "There is nothing at this address.",
    HTTPStatus.BAD_REQUEST: "The request cannot be read.",
}
_MOST_ERRORS = 50

Draw = Callable[[Request, Problem], Awaitable[Response]]
"""Draws a problem as a page."""


class Refused(Exception):
    """What was asked for is not done: {detail}."""

    def __init__(
        self,
        slug: str,
        detail: str,
        *,
        errors: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        **also: Any,
    ) -> None:
        super().__init__(detail)
        self.kind = BY_SLUG[slug]
        self.detail = detail
        self.errors = tuple(FieldProblem(field=field, message=message) for field, message in errors)
        self.headers = dict(headers or {})
        self.also = also

    def problem(self, instance: str) -> Problem:
        """The same, as it is answered at this address."""
        return Problem(
            type=self.kind.type,
            title=self.kind.title,
            status=self.kind.status,
            detail=self.detail,
            instance=instance,
            errors=self.errors or None,
            **self.also,
        )


def unknown(what: str) -> Refused:
    """There is no such thing, or it is another tenant's: nobody is told which."""
    return Refused("not-found", f"There is no such {what}.")


def invalid(field: str, message: str) -> Refused:
    """One field of the request is not right."""
    return Refused("invalid", f"{field}: {message}", errors=[(field, message)])


def of(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route documents of its refusals (`responses=`); those that every route has are among them."""
    found: dict[int | str, dict[str, Any]] = {}
    for status in sorted({*statuses, *_ANYWHERE}):
        kinds = [kind for kind in KINDS if kind.status == status]
        found[status] = {
            "description": " ".join(f"{kind.title} (`{kind.slug}`)." for kind in kinds),
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    return found


_ANYWHERE = (HTTPStatus.BAD_REQUEST, HTTPStatus.TOO_MANY_REQUESTS, 500, HTTPStatus.SERVICE_UNAVAILABLE)


def reference() -> str:
    """A name for one failure, short enough to be read out."""
    return f"W-{secrets.token_hex(4).upper()}"


def install(app: FastAPI, *, draw: Draw | None = None) -> None:
    """Have an application refuse so. `draw` draws the problems of pages; without, they are JSON as well."""

    async def answer(request: Request, refused: Refused) -> Response:
        problem = refused.problem(request.url.path)
        if draw is not None and not is_api(request.url.path):
            response = await draw(request, problem)
            response.headers.update(refused.headers)
            return response
        return JSONResponse(problem.as_json(), problem.status, headers=refused.headers, media_type=MEDIA_TYPE)

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refused)
        return await answer(request, error)

    async def framework(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return await answer(request, _of_framework(request, error))

    async def validation(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return await answer(request, _of_validation(error))

    app.add_exception_handler(Refused, refused)
    app.add_exception_handler(HTTPException, framework)
    app.add_exception_handler(RequestValidationError, validation)
    app.add_middleware(_Unforeseen, answer=answer)


def is_api(path: str) -> bool:
    """Whether an address is the API's."""
    return path == _API or path.startswith(f"{_API}/")


def _of_framework(request: Request, error: HTTPException) -> Refused:
    slug = _BY_STATUS.get(
        error.status_code, "malformed" if error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR else "internal"
    )
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (error.headers or {}).get("Allow", "")
        detail = f"{request.method} is not possible here; {allowed or 'nothing'} is."
    elif error.detail and error.detail != HTTPStatus(error.status_code).phrase:
        detail = str(error.detail)
    else:
        detail = _SAID.get(HTTPStatus(error.status_code), BY_SLUG[slug].about)
    return Refused(slug, detail, headers=error.headers)


def _of_validation(error: RequestValidationError) -> Refused:
    problems = [(_path(each["loc"]), _message(each)) for each in error.errors()[:_MOST_ERRORS]]
    if any(each["type"] == "json_invalid" for each in error.errors()):
        return Refused("malformed", "The body is not JSON.")
    said = "; ".join(f"{field}: {message}" for field, message in problems[:3])
    return Refused("invalid", f"{said}." if said else "Something in the request is not right.", errors=problems)


def _path(place: Sequence[int | str]) -> str:
    """`body.options.sheet` is `options.sheet` to whoever wrote it; a header, a query and a path are their own."""
    return ".".join(str(part) for part in place[1:]) or str(place[0])


def _message(said: Mapping[str, Any]) -> str:
    # What was sent is not repeated: it may be a secret, and it may be long.
    message = str(said["msg"])
    return message[:1].lower() + message[1:]


def unforeseen(error: BaseException, *, method: str, path: str) -> Refused:
    """What is told of a failure of ours; what it was is in the log, under the same reference."""
    name = reference()
    if kind_of(error) is FailureKind.TRANSIENT:
        log.warning("request.server_away", reference=name, method=method, path=path, error=repr(error))
        return Refused(
            "unavailable",
            f"Something that is needed for this cannot be reached just now. Your data is safe. Try again; reference {name}.",
            headers={"Retry-After": str(_RETRY_SECONDS)},
            reference=name,
        )
    log.error("request.failed", reference=name, method=method, path=path, exc_info=error)
    return Refused(
        "internal",
        f"Something broke on our side. Your data is safe, and running imports go on. Quote reference {name}.",
        reference=name,
    )


class _Unforeseen:
    """Answers for what nobody foresaw. Not a handler of `Exception`, which the framework raises again when it has answered."""

    def __init__(self, app: ASGIApp, answer: Callable[[Request, Refused], Awaitable[Response]]) -> None:
        self._app = app
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def noting(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except Exception as error:  # noqa: BLE001 - logged with its reference
            refused = unforeseen(error, method=scope["method"], path=_address(scope))
            if begun:
                # Too late for another answer: the connection is cut, so that nobody takes a part for the whole.
                raise _CutOff(refused.detail) from None
            response = await self._answer(Request(scope, receive), refused)
            await response(scope, receive, send)


def _address(scope: Scope) -> str:
    """What the log calls an address: the route's own pattern, for some addresses are secrets; its first part before there is one."""
    pattern = getattr(scope.get("route"), "path", None)
    return str(pattern) if pattern else "/".join(scope["path"].split("/")[:3])


class _CutOff(Exception):
    """An answer that had begun could not be given to its end: {what was logged}."""
