"""What operators see: ids and numbers, of all tenants."""

from collections.abc import Mapping
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from shared.api.imports import Rows, StageName
from shared.api.pages import Page
from shared.api.wire import Answer, Moment
from shared.states import ImportStatus

Judgement = Literal["keeps_up", "behind", "stands_still", "unknown"]


class StageLag(Answer):
    """A stage over all tenants.

    `behind` are messages that wait for it, null when Kafka cannot be asked; `oldest_seconds` how long the oldest of its work
    waits; `done_per_second` chunks (files, of reading) in the last minute; `last_minutes` the same by minute, the oldest
    first; `clears_in_seconds` is null when it does not.
    """

    name: StageName
    topic: str
    judgement: Judgement
    behind: int | None
    partitions: int | None
    processes: int | None
    oldest_seconds: float | None
    done_per_second: float
    last_minutes: tuple[int, ...]
    clears_in_seconds: float | None
    dead_letters: int | None


class StuckImport(Answer):
    """An import of which nothing has changed for a while. `may_fail`: for so long that it may be marked as failed."""

    id: UUID
    tenant: str
    status: ImportStatus
    entity_type: str
    mode: str
    stands_at: StageName
    since: Moment
    quiet_seconds: int
    total_rows: Rows
    committed_rows: Rows
    chunks: int
    chunks_done: int
    may_fail: bool


class OutboxNumbers(Answer):
    """Events that nobody has acted on yet: handed out, and waiting for their turn."""

    in_flight: int
    waiting: int
    oldest_seconds: float | None


class Operations(Answer):
    """The state of all. `says` is a sentence of judgement; `what_to_do` what follows from it, each with its runbook."""

    judgement: Judgement
    says: str
    what_to_do: tuple[str, ...]
    running_imports: int
    running_tenants: int
    rows_per_second: float
    oldest_chunk_seconds: float | None
    oldest_chunk_stage: StageName | None
    outbox: OutboxNumbers
    dead_letters: int | None
    oldest_dead_letter_seconds: float | None
    stages: tuple[StageLag, ...]
    stuck: tuple[StuckImport, ...]


class DeadLetter(Answer):
    """An event no stage could act on: where it came from and why."""

    id: str
    topic: str
    place: str
    stage: str
    error: str
    message: str
    reference: str | None
    attempts: int
    at: Moment
    tenant: str | None
    import_id: str | None


class DeadLetterDetails(DeadLetter):
    """The same with the record as it was. What is no text is shown as far as it can be."""

    key: str | None
    headers: Mapping[str, str]
    body: str
    body_bytes: int


class DeadLetterPage(Page[DeadLetter]):
    """Those that have not been sent again, the oldest first."""


class Redriven(Answer):
    """What became of a letter that was sent again."""

    id: str
    outcome: Literal["chunk_reopened", "reading_reopened", "sent", "unreadable"]


class AllRedriven(Answer):
    """The same of each."""

    items: Annotated[tuple[Redriven, ...], Field()]
