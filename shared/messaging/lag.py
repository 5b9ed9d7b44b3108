"""How far behind the stages are, as the broker knows it."""

import asyncio
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata

from shared.events import TOPICS
from shared.messaging.kafka import Kafka, admin_client, reading_client

_ATTEMPTS, _PAUSE = 50, 0.2


@dataclass(frozen=True)
class TopicLag:
    """One topic and the group that consumes it; `lag` counts records the group has not committed."""

    topic: str
    group: str
    partitions: int
    end: int
    committed: int

    @property
    def lag(self) -> int:
        """Records published and not yet acknowledged."""
        return self.end - self.committed


async def topic_lag(kafka: Kafka) -> list[TopicLag]:
    """The lag of every stage. A topic that does not exist is left out."""
    async with admin_client(kafka) as admin, reading_client(kafka) as consumer:
        described = {topic["topic"]: topic for topic in await admin.describe_topics()}
        return [
            await _lag_of(admin, consumer, topic.name, topic.group, len(described[topic.name]["partitions"]))
            for topic in TOPICS
            if topic.group is not None and topic.name in described
        ]


async def _lag_of(
    admin: AIOKafkaAdminClient, consumer: AIOKafkaConsumer, topic: str, group: str, partitions: int
) -> TopicLag:
    all_partitions = [TopicPartition(topic, number) for number in range(partitions)]
    starts = await consumer.beginning_offsets(all_partitions)
    ends = await consumer.end_offsets(all_partitions)
    offsets = await _offsets(admin, group)
    committed = sum(
        min(max(offsets[partition].offset, starts[partition]), ends[partition])
        if partition in offsets
        else starts[partition]
        for partition in all_partitions
    )
    return TopicLag(topic, group, partitions, sum(ends.values()), committed)


async def _offsets(admin: AIOKafkaAdminClient, group: str) -> dict[TopicPartition, OffsetAndMetadata]:
    """What a group has committed. A broker that nobody has consumed from yet takes seconds to find who keeps that."""
    for _ in range(_ATTEMPTS):
        try:
            return dict(await admin.list_consumer_group_offsets(group))
        except KafkaError as error:
            if not error.retriable:
                raise
        await asyncio.sleep(_PAUSE)
    return dict(await admin.list_consumer_group_offsets(group))
