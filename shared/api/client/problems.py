"""What can come in place of what was asked of a Winnow.

ApiError
├── Unreachable         nothing answered, however often it was asked
├── Unforeseen          something answered that is not what Winnow says
└── Refused             Winnow said no, and why
    ├── NotSignedIn     401: no token, or one that is not (or no longer) good
    ├── NotAllowed      403: the role of whoever asks does not do
    ├── NotFound        404, 410: there is no such thing (of the token's tenant), or no longer
    ├── Contradicts     409, 412: it does not go with what there is
    ├── TooMany         429: more was asked than is let through
    └── Unavailable     502, 503, 504: it cannot be answered just now
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx

_KIND = "application/problem+json"
_KNOWN = {"type", "title", "status", "detail", "instance", "reference", "errors"}
_LONGEST = 300


class ApiError(Exception):
    """A Winnow was asked, and what was asked for did not come."""


class Unreachable(ApiError):
    """Nothing answered at {url}: {why}."""

    def __init__(self, url: str, why: str) -> None:
        super().__init__(f"nothing answers at {url}: {why}")
        self.url = url
        self.why = why


class Unforeseen(ApiError):
    """What answered is no answer of Winnow's: {why}. Another program's address, or a proxy's page."""

    def __init__(self, url: str, why: str) -> None:
        super().__init__(f"{url} does not answer as Winnow does: {why}")
        self.url = url
        self.why = why


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one field of what was sent; None when it is about all of it."""

    field: str | None
    message: str


class Refused(ApiError):
    """Winnow said no: {detail}.

    `kind` is the last part of the problem's type, `reference` what to quote to whoever runs it, `more` what the problem says
    beside that.
    """

    def __init__(self, status: int, said: Mapping[str, Any]) -> None:
        self.status = status
        self.kind = str(said.get("type") or "about:blank").rpartition("/")[2]
        self.title = str(said.get("title") or _phrase(status))
        self.detail = str(said.get("detail") or self.title)
        self.reference = str(said["reference"]) if said.get("reference") else None
        self.errors: Sequence[FieldError] = tuple(_field_errors(said.get("errors")))
        self.more = {name: value for name, value in said.items() if name not in _KNOWN}
        super().__init__(self.detail)


class NotSignedIn(Refused):
    """Nobody is logged in: {detail}."""


class NotAllowed(Refused):
    """This login may not do that: {detail}."""


class NotFound(Refused):
    """There is no such thing: {detail}."""


class Contradicts(Refused):
    """It does not go with how things stand: {detail}."""


class TooMany(Refused):
    """More was asked than is let through: {detail}."""


class Unavailable(Refused):
    """It cannot be answered just now: {detail}."""


_CLASSES: dict[int, type[Refused]] = {
    HTTPStatus.UNAUTHORIZED: NotSignedIn,
    HTTPStatus.FORBIDDEN: NotAllowed,
    HTTPStatus.NOT_FOUND: NotFound,
    HTTPStatus.GONE: NotFound,
    HTTPStatus.CONFLICT: Contradicts,
    HTTPStatus.PRECONDITION_FAILED: Contradicts,
    HTTPStatus.TOO_MANY_REQUESTS: TooMany,
    HTTPStatus.BAD_GATEWAY: Unavailable,
    HTTPStatus.SERVICE_UNAVAILABLE: Unavailable,
    HTTPStatus.GATEWAY_TIMEOUT: Unavailable,
}


def problem_of(response: httpx.Response) -> ApiError:
    """What to raise for an answer that is none; its body has been read."""
    said = _read(response)
    kind = _CLASSES.get(response.status_code)
    if said is not None:
        return (kind or Refused)(response.status_code, said)
    if kind is not None and (kind is Unavailable or response.request.method == "HEAD"):
        # A proxy in front of it says so in its own way, and a HEAD has no body to say anything in.
        return kind(response.status_code, {})
    text = " ".join(response.text.split())[:_LONGEST] if response.is_stream_consumed else ""
    return Unforeseen(str(response.request.url), f"status {response.status_code}{f', {text}' if text else ''}")


def _read(response: httpx.Response) -> Mapping[str, Any] | None:
    if not response.headers.get("content-type", "").startswith(_KIND):
        return None
    try:
        said = json.loads(response.content)
    except ValueError:
        return None
    return said if isinstance(said, dict) else None


def _field_errors(said: object) -> list[FieldError]:
    if not isinstance(said, list):
        return []
    return [
        FieldError(None if each.get("field") is None else str(each["field"]), str(each.get("message", "")))
        for each in said
        if isinstance(each, dict)
    ]


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"status {status}"
