"""Events to and from Kafka records: CloudEvents 1.0 in Kafka's binary mode (`ce_*` headers, JSON body)."""

import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import structlog
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from uuid_utils.compat import uuid7

from shared.events import Event, Topic, topic_of

log = structlog.get_logger(__name__)

SOURCE = "/winnow"
CONTENT_TYPE = "application/json"

_TRACEPARENT = re.compile("[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


class UnreadableEvent(Exception):
    """The record is not an event of its topic: {problem}. `raw` is its JSON object, when it is one."""

    def __init__(self, problem: str, raw: Mapping[str, Any] | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.raw = raw


@dataclass(frozen=True)
class Delivery:
    """One record as it came: where from, its CloudEvents context and its bytes."""

    topic: str
    partition: int
    offset: int
    body: bytes
    key: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def event_id(self) -> str | None:
        """CloudEvents `id`; None when the sender gave no CloudEvents headers."""
        return self.headers.get("ce_id")

    @property
    def source(self) -> str | None:
        """CloudEvents `source`."""
        return self.headers.get("ce_source")

    @property
    def traceparent(self) -> str | None:
        """W3C trace context the event travels in, plain or as CloudEvents' extension; None when what was sent is none."""
        sent = self.headers.get("traceparent") or self.headers.get("ce_traceparent")
        return sent if sent is not None and _TRACEPARENT.fullmatch(sent) else None

    @property
    def place(self) -> str:
        """`topic:partition:offset`, unique on a cluster."""
        return f"{self.topic}:{self.partition}:{self.offset}"


@dataclass(frozen=True)
class Envelope:
    """An event ready to be written to the outbox or to Kafka."""

    id: UUID
    topic: Topic
    key: bytes
    headers: Mapping[str, str]
    body: bytes


def seal(event: Event, *, traceparent: str | None = None) -> Envelope:
    """Put an event into its envelope; a new trace begins when none is given."""
    event_id = uuid7()
    topic = topic_of(event)
    subject = event.import_key or ""
    return Envelope(
        id=event_id,
        topic=topic,
        key=f"{subject or event_id}:{event.part}".encode(),
        headers={
            "ce_specversion": "1.0",
            "ce_id": str(event_id),
            "ce_source": SOURCE,
            "ce_type": event.ce_type,
            "ce_time": datetime.now(UTC).isoformat(),
            **({"ce_subject": subject} if subject else {}),
            "content-type": CONTENT_TYPE,
            "traceparent": traceparent or new_traceparent(),
        },
        body=event.model_dump_json(exclude_none=True).encode(),
    )


def new_traceparent() -> str:
    """A fresh, sampled W3C trace context."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def wire_headers(headers: Mapping[str, str]) -> list[tuple[str, bytes]]:
    """Headers as Kafka carries them."""
    return [(name, value.encode()) for name, value in headers.items()]


def read_headers(headers: Iterable[tuple[str, bytes | None]]) -> dict[str, str]:
    """Headers as text; bytes that are no UTF-8 are replaced, for a header is never worth losing an event."""
    return {name: (value or b"").decode("utf-8", "replace") for name, value in headers}


def open_envelope(topic: Topic, delivery: Delivery) -> Event:
    """Read the event a record carries.

    CloudEvents headers may be missing (any Kafka client can publish), but when `ce_type` is there it must be the
    topic's own: a version this process does not know is not guessed at. A field it does not know is passed over, for
    within a version fields may be added; it is named in the log, for it may be a misspelt one.

    Raises:
        UnreadableEvent: the body is no JSON object, a field is missing or wrong, or the type is another.
    """
    raw = _json_object(delivery.body)
    ce_type = delivery.headers.get("ce_type")
    if ce_type is not None and ce_type != topic.event.ce_type:
        raise UnreadableEvent(f'ce_type is "{ce_type[:80]}"; {topic.name} carries "{topic.event.ce_type}"', raw)
    try:
        event = topic.event.model_validate(raw)
    except ValidationError as error:
        raise UnreadableEvent(_problems(error), raw) from None
    if unknown := sorted(_unknown(topic.event, raw)):
        log.warning("event.unknown_fields", topic=topic.name, fields=unknown[:8])
    return event


def _unknown(model: type[BaseModel], raw: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Fields of a JSON object that are not the model's, those of objects within it included."""
    for name, value in raw.items():
        field = model.model_fields.get(name)
        if field is None:
            yield f"{path}{name[:80]}"
        elif isinstance(value, dict) and isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _unknown(field.annotation, value, f"{path}{name}.")


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        raw = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise UnreadableEvent(f"the body is not JSON: {error}") from None
    if not isinstance(raw, dict):
        raise UnreadableEvent("the body is JSON but not an object")
    return raw


_SAID_OF_PATTERNS = {
    "^[0-9a-fA-F]{64}$": "must be 64 hexadecimal digits",
    "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$": "must be 1 to 64 letters, digits, points, hyphens or underscores, and begin with a letter or digit",
    r"^[^\x00-\x1f\x7f]*$": "must be one line without control characters",
}


def _problems(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(str(part) for part in problem['loc'])}: {_plain(problem)}"
        for problem in error.errors(include_url=False, include_input=False)[:8]
    )


def _plain(problem: ErrorDetails) -> str:
    if problem["type"] == "missing":
        return "is required"
    # A pattern is for programs.
    pattern = str(problem.get("ctx", {}).get("pattern"))
    return _SAID_OF_PATTERNS.get(pattern, problem["msg"])
