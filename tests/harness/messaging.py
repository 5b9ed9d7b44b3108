"""Fakes of what delivery needs. They pass the same contract tests as the real things: tests/contract/messaging."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.events import Event, topic_of


@dataclass
class MemoryLedger:
    """A ledger that waits for some events. `failures` is how often each of them has failed so far."""

    waiting: list[Event] = field(default_factory=list)
    failures: list[Event] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)

    async def count_failure(self, event: Event) -> int | None:
        if event not in self.waiting:
            return None
        self.failures.append(event)
        return self.failures.count(event)

    async def give_up(self, event: Event, reference: str) -> None:
        self.given_up.append(reference)
        self.waiting = [known for known in self.waiting if _key(known) != _key(event)]


@dataclass
class MemoryPublisher:
    """A broker that keeps what it is sent: (topic, key, body, headers)."""

    records: list[tuple[str, bytes | None, bytes, dict[str, str]]] = field(default_factory=list)

    async def publish(self, topic: str, key: bytes | None, body: bytes, headers: Sequence[tuple[str, bytes]]) -> None:
        self.records.append((topic, key, body, {name: value.decode() for name, value in headers}))


def _key(event: Event) -> tuple[object, ...]:
    return (event.tenant_id, event.import_key, topic_of(event).name, event.part, event.of_epoch)
