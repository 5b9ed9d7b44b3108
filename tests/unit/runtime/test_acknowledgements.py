"""How far a stage is, as Kafka is told."""

import asyncio

import pytest
from aiokafka import TopicPartition

from shared.runtime.acknowledgements import Acknowledgements

pytestmark = pytest.mark.asyncio

FIRST, SECOND = TopicPartition("rows-staged", 0), TopicPartition("rows-staged", 1)


class Coordinator:
    """A consumer whose commits are kept, and end when they are let."""

    def __init__(self, *, has: set[TopicPartition] | None = None) -> None:
        self.has = {FIRST, SECOND} if has is None else has
        self.committed: list[dict[TopicPartition, int]] = []
        self.begun = asyncio.Event()
        self.answers = asyncio.Event()
        self.answers.set()
        self.fails = False

    def assignment(self) -> set[TopicPartition]:
        return self.has

    async def commit(self, offsets: dict[TopicPartition, int]) -> None:
        self.begun.set()
        await self.answers.wait()
        if self.fails:
            raise ConnectionError
        self.committed.append(offsets)


async def test_the_first_offset_is_committed_at_once() -> None:
    acknowledgements, kafka = Acknowledgements(), Coordinator()
    acknowledgements.note(kafka, FIRST, 7)
    await kafka.begun.wait()
    assert kafka.committed == [{FIRST: 7}]
    await acknowledgements.close()


async def test_what_is_done_while_kafka_answers_becomes_one_commit() -> None:
    acknowledgements, kafka = Acknowledgements(), Coordinator()
    kafka.answers.clear()
    acknowledgements.note(kafka, FIRST, 7)
    await kafka.begun.wait()
    for offset in (8, 9):
        acknowledgements.note(kafka, FIRST, offset)
    acknowledgements.note(kafka, SECOND, 3)
    kafka.answers.set()
    await acknowledgements.close()
    assert kafka.committed == [{FIRST: 7}, {FIRST: 9, SECOND: 3}]


async def test_what_is_done_after_a_pause_is_committed_as_well() -> None:
    acknowledgements, kafka = Acknowledgements(), Coordinator()
    acknowledgements.note(kafka, FIRST, 7)
    await kafka.begun.wait()
    kafka.begun.clear()
    acknowledgements.note(kafka, FIRST, 8)
    await kafka.begun.wait()
    assert kafka.committed == [{FIRST: 7}, {FIRST: 8}]
    await acknowledgements.close()


async def test_a_partition_that_went_to_another_consumer_keeps_no_other_from_being_committed() -> None:
    acknowledgements, kafka = Acknowledgements(), Coordinator(has={SECOND})
    acknowledgements.note(kafka, FIRST, 7)
    acknowledgements.note(kafka, SECOND, 3)
    await acknowledgements.close()
    assert kafka.committed == [{SECOND: 3}]


async def test_a_commit_that_fails_is_passed_over_and_the_next_one_is_made() -> None:
    acknowledgements, kafka = Acknowledgements(), Coordinator()
    kafka.fails = True
    acknowledgements.note(kafka, FIRST, 7)
    await kafka.begun.wait()
    kafka.fails = False
    acknowledgements.note(kafka, FIRST, 8)
    await acknowledgements.close()
    assert kafka.committed == [{FIRST: 8}]


async def test_who_has_acknowledged_nothing_closes_at_once() -> None:
    await Acknowledgements().close()
