"""What relay and dead letters may rely on of a publisher: the fake of the unit tests, and the real one on Kafka."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import cast
from uuid import uuid4

import confluent_kafka
import pytest

from deploy.local.stack import Stack
from shared.messaging.dead_letters import Publisher
from shared.messaging.envelope import read_headers
from shared.messaging.kafka import connected_publisher
from tests.harness.messaging import MemoryPublisher

TOPIC = "corrections-exported.dead-letter"  # one partition: what was published first is read first
Record = tuple[bytes | None, bytes, dict[str, str]]


@dataclass(frozen=True)
class Subject:
    """A publisher, and a way to read what it has published."""

    publisher: Publisher
    published: Callable[[], Sequence[Record]]


@pytest.fixture(params=["memory", "kafka"])
def real(request: pytest.FixtureRequest) -> Stack | None:
    """The servers, for the real one only."""
    return None if request.param == "memory" else request.getfixturevalue("stack")


@pytest.fixture
async def subject(real: Stack | None) -> AsyncIterator[Subject]:
    if real is None:
        memory = MemoryPublisher()
        yield Subject(memory, lambda: [record[1:] for record in memory.records if record[0] == TOPIC])
        return
    bootstrap = real.endpoints.kafka_bootstrap
    begin = _end(bootstrap)
    async with connected_publisher(bootstrap, client_id="contract") as publisher:
        yield Subject(publisher, lambda: _read(bootstrap, begin))


def _consumer(bootstrap: str) -> confluent_kafka.Consumer:
    return confluent_kafka.Consumer({"bootstrap.servers": bootstrap, "group.id": f"contract-{uuid4()}"})


def _end(bootstrap: str) -> int:
    consumer = _consumer(bootstrap)
    end = consumer.get_watermark_offsets(confluent_kafka.TopicPartition(TOPIC, 0), timeout=10)
    consumer.close()
    assert end is not None
    return int(end[1])


def _read(bootstrap: str, begin: int) -> list[Record]:
    end = _end(bootstrap)
    consumer = _consumer(bootstrap)
    consumer.assign([confluent_kafka.TopicPartition(TOPIC, 0, begin)])
    records: list[Record] = []
    while len(records) < end - begin:
        message = consumer.poll(10)
        assert message is not None
        assert message.error() is None
        headers = read_headers(cast("list[tuple[str, bytes | None]]", message.headers() or []))
        records.append((message.key(), message.value() or b"", headers))
    consumer.close()
    return records


async def test_a_record_is_there_as_it_was_given_once_publishing_has_returned(subject: Subject) -> None:
    await subject.publisher.publish(TOPIC, b"k:1", b'{"a": "\xc3\xa9"}', [("ce_id", b"1"), ("who", "Zoë".encode())])
    ((key, body, headers),) = subject.published()
    assert (key, body) == (b"k:1", b'{"a": "\xc3\xa9"}')
    assert headers.items() >= {"ce_id": "1", "who": "Zoë"}.items()


async def test_bytes_that_are_no_text_are_kept(subject: Subject) -> None:
    await subject.publisher.publish(TOPIC, None, b"\x00\xff", [])
    ((key, body, _headers),) = subject.published()
    assert (key, body) == (None, b"\x00\xff")


async def test_nothing_is_a_body_too(subject: Subject) -> None:
    await subject.publisher.publish(TOPIC, b"k", b"", [("mark", b"1")])
    ((_key, body, headers),) = subject.published()
    assert body == b""
    assert headers["mark"] == "1"


async def test_records_are_in_the_order_they_were_published_in_and_none_is_merged(subject: Subject) -> None:
    for number in (1, 2, 2, 3):
        await subject.publisher.publish(TOPIC, b"k", str(number).encode(), [])
    assert [body for _key, body, _headers in subject.published()] == [b"1", b"2", b"2", b"3"]
