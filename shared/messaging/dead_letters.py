"""Dead letters: events no stage could act on, kept on `<topic>.dead-letter`, listed, shown and sent again.

A dead letter is the original record (key, headers, body untouched) with context headers of ours. When one has been
sent again, a marker with its id is written to the same dead-letter topic; the list leaves marked ones out.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import ConsumerRecord

from shared.events import TOPICS, Topic
from shared.messaging.envelope import Delivery, read_headers, wire_headers
from shared.messaging.kafka import Kafka, reading_client

PREFIX = "winnow-dead-letter-"
_REDRIVEN = f"{PREFIX}redriven"


@dataclass(frozen=True)
class Cause:
    """Why an event was given up. `reference` is what the sender was told, when rows were quarantined with it."""

    error: str
    message: str
    attempt: int
    reference: str | None = None


@dataclass(frozen=True)
class DeadLetter:
    """One dead letter as it lies on its topic. `id` is `topic:partition:offset` of the dead letter itself."""

    id: str
    origin: Topic
    place: str
    stage: str
    cause: Cause
    at: datetime
    key: bytes | None
    headers: Mapping[str, str]
    body: bytes


class Publisher(Protocol):
    """What is needed of a Kafka producer."""

    async def publish(self, topic: str, key: bytes | None, body: bytes, headers: Sequence[tuple[str, bytes]]) -> None:
        """Return when the broker has the record for good."""


class DeadLetterWriter:
    """Puts events away that a stage cannot act on."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    async def write(self, delivery: Delivery, cause: Cause, *, stage: str) -> None:
        """Write the record with its context; returns when the broker has it."""
        context = {
            "topic": delivery.topic,
            "partition": str(delivery.partition),
            "offset": str(delivery.offset),
            "stage": stage,
            "error": cause.error,
            "message": cause.message[:2000],
            "attempt": str(cause.attempt),
            "at": datetime.now(UTC).isoformat(),
            **({"reference": cause.reference} if cause.reference else {}),
        }
        original = {name: value for name, value in delivery.headers.items() if not name.startswith(PREFIX)}
        headers = wire_headers({**original, **{f"{PREFIX}{name}": value for name, value in context.items()}})
        await self._publisher.publish(f"{delivery.topic}.dead-letter", delivery.key, delivery.body, headers)


class DeadLetters:
    """Reads the dead-letter topics and sends letters back to where they came from."""

    def __init__(self, kafka: Kafka, publisher: Publisher) -> None:
        self._kafka = kafka
        self._publisher = publisher

    async def waiting(self, topics: Sequence[Topic] = TOPICS) -> list[DeadLetter]:
        """All letters that have not been sent again, oldest first."""
        letters: dict[str, DeadLetter] = {}
        redriven: set[str] = set()
        async with reading_client(self._kafka) as consumer:
            for topic in topics:
                async for record in everything(consumer, topic.dead_letter):
                    headers = read_headers(record.headers)
                    if (sent_again := redriven_by(headers)) is not None:
                        redriven.add(sent_again)
                    else:
                        letter = _letter(topic, record, headers)
                        letters[letter.id] = letter
        return sorted(
            (letter for letter in letters.values() if letter.id not in redriven), key=lambda letter: letter.at
        )

    async def send_again(self, letter: DeadLetter) -> None:
        """Put a letter back on the topic it came from and take it off the list.

        Marked after it was sent: a crash in between leaves it on the list, and acting twice is harmless.
        """
        headers = {name: value for name, value in letter.headers.items() if not name.startswith(PREFIX)}
        await self._publisher.publish(letter.origin.name, letter.key, letter.body, wire_headers(headers))
        await self.mark(letter)

    async def mark(self, letter: DeadLetter) -> None:
        """Take a letter off the list: what it was about has been taken up again."""
        await self._publisher.publish(letter.origin.dead_letter, letter.key, b"", wire_headers({_REDRIVEN: letter.id}))


def redriven_by(headers: Mapping[str, str]) -> str | None:
    """The id of the letter that a marker takes off the list; None for a letter."""
    return headers.get(_REDRIVEN)


async def everything(
    consumer: AIOKafkaConsumer, topic: str
) -> AsyncIterator["ConsumerRecord[bytes | None, bytes | None]"]:
    """Every record a topic holds at this moment; nothing when there is no such topic."""
    partitions = [TopicPartition(topic, number) for number in await partitions_of(consumer, topic)]
    if not partitions:
        return
    consumer.assign(partitions)
    ends = await consumer.end_offsets(partitions)
    starts = await consumer.beginning_offsets(partitions)
    for partition in partitions:
        consumer.seek(partition, starts[partition])
    left = {partition for partition in partitions if starts[partition] < ends[partition]}
    while left:
        fetched = await consumer.getmany(*left, timeout_ms=1000)
        for records in fetched.values():
            for record in records:
                yield record
        left = {partition for partition in left if await consumer.position(partition) < ends[partition]}


async def partitions_of(consumer: AIOKafkaConsumer, topic: str) -> list[int]:
    """The partitions of a topic; none when there is no such topic."""
    async with asyncio.timeout(10):
        known = await consumer._client.fetch_all_metadata()  # noqa: SLF001 - see below
    # `partitions_for_topic` answers only for subscribed topics, and subscribing needs a group.
    return sorted(known.partitions_for_topic(topic) or ())


def _letter(
    topic: Topic, record: "ConsumerRecord[bytes | None, bytes | None]", headers: Mapping[str, str]
) -> DeadLetter:
    def said(name: str) -> str:
        return headers.get(f"{PREFIX}{name}", "")

    return DeadLetter(
        id=f"{record.topic}:{record.partition}:{record.offset}",
        origin=topic,
        place=f"{said('topic')}:{said('partition')}:{said('offset')}",
        stage=said("stage"),
        cause=Cause(
            error=said("error"),
            message=said("message"),
            attempt=int(said("attempt") or 0),
            reference=said("reference") or None,
        ),
        at=_moment(said("at")) or datetime.fromtimestamp(record.timestamp / 1000, UTC),
        key=record.key,
        headers=headers,
        body=record.value or b"",
    )


def _moment(text: str) -> datetime | None:
    """When it was put away, also where it has been written anew since."""
    with suppress(ValueError):
        at = datetime.fromisoformat(text)
        return at if at.tzinfo is not None else None
    return None
