"""What Kafka is told of how far a stage is: at once, or together with what is done soon after."""

import asyncio
import contextlib
from typing import Protocol

import structlog
from aiokafka import TopicPartition

log = structlog.get_logger(__name__)

_GATHERS = 0.1
"""Seconds in which offsets become one commit. The first of them does not wait."""


class Consumer(Protocol):
    """What is needed of a Kafka consumer."""

    def assignment(self) -> set[TopicPartition]:
        """The partitions it has now."""

    async def commit(self, offsets: dict[TopicPartition, int]) -> None:
        """Return when the group's coordinator knows these."""


class Acknowledgements:
    """Commits offsets of one consumer, and never one before everything below it is done with.

    A commit costs the broker and us as much as the event itself. What is done and not yet committed when the process dies
    comes again, like all that was in hand, and is known then.
    """

    def __init__(self) -> None:
        self._waiting: dict[TopicPartition, int] = {}
        self._consumer: Consumer | None = None
        self._committing: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    def note(self, consumer: Consumer, partition: TopicPartition, offset: int) -> None:
        """A partition is done with up to this offset."""
        self._consumer = consumer
        self._waiting[partition] = offset
        if self._committing is None or self._committing.done():
            self._committing = asyncio.create_task(self._commit(), name="acknowledge")

    async def close(self) -> None:
        """Commit at once what waits, and return when that is done."""
        self._closing.set()
        if self._committing is not None:
            await asyncio.wait({self._committing})

    async def _commit(self) -> None:
        while self._waiting:
            assert self._consumer is not None
            waiting, self._waiting = self._waiting, {}
            try:
                # Of a partition that went to another consumer the events come again there; here, it would refuse them all.
                mine = waiting.keys() & self._consumer.assignment()
                if mine:
                    await self._consumer.commit({partition: waiting[partition] for partition in mine})
            except Exception as error:  # noqa: BLE001 - whatever it was, the records come again and are known then
                log.warning("event.not_acknowledged", error=repr(error))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_GATHERS):
                    await self._closing.wait()
