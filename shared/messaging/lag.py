"""How far behind the stages are, as the broker knows it."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.protocol.admin import DescribeGroupsRequest_v0, DescribeGroupsRequest_v1
from aiokafka.protocol.api import Request
from aiokafka.structs import OffsetAndMetadata

from shared.events import TOPICS
from shared.messaging.kafka import Kafka, admin_client, reading_client

_ATTEMPTS, _PAUSE = 50, 0.2
# A partition that is behind by more offsets than this has records that wait; by fewer, they are counted.
_COUNTED = 200
_COUNT_SECONDS = 5.0


@dataclass(frozen=True)
class TopicLag:
    """One topic and the group that consumes it; `lag` counts records the group has not committed.

    `nobodys` are offsets among those with no record for any group: the marker that ends a transaction, and what an aborted
    one had published. Nobody commits them, so the last of a partition would count for ever. Where a partition is far
    behind they are not looked for.
    """

    topic: str
    group: str
    partitions: int
    end: int
    committed: int
    nobodys: int = 0

    @property
    def lag(self) -> int:
        """Records published and not yet acknowledged."""
        return self.end - self.committed - self.nobodys


class _DescribeGroups(Request[DescribeGroupsRequest_v0 | DescribeGroupsRequest_v1]):  # type: ignore[misc] # the client has no types
    """Not the client's own, which asks in the newest version and reads the answer as if it were an older one."""

    API_KEY = 15

    def __init__(self, groups: Sequence[str]) -> None:
        self._groups = list(groups)

    def build(
        self, request_struct_class: type[DescribeGroupsRequest_v0 | DescribeGroupsRequest_v1]
    ) -> DescribeGroupsRequest_v0 | DescribeGroupsRequest_v1:
        """The request of a version."""
        return request_struct_class(self._groups)


async def group_members(kafka: Kafka) -> dict[str, int]:
    """How many processes each stage's group has; 0 of one that nobody is in."""
    groups = [topic.group for topic in TOPICS if topic.group is not None]
    async with admin_client(kafka) as admin:
        found = dict.fromkeys(groups, 0)
        for group in groups:
            coordinator = await admin.find_coordinator(group)
            answer = await admin._send_request(_DescribeGroups([group]), coordinator)  # noqa: SLF001 - see the request
            for _, name, _, _, _, members, *_ in answer.groups:
                found[name] = len(members)
        return found


async def topic_lag(kafka: Kafka) -> list[TopicLag]:
    """The lag of every stage. A topic that does not exist is left out."""
    async with admin_client(kafka) as admin, reading_client(kafka) as consumer:
        described = {topic["topic"]: topic for topic in await admin.describe_topics()}
        return [
            await _lag_of(admin, consumer, topic.name, group, len(described[topic.name]["partitions"]))
            for topic in TOPICS
            if topic.name in described
            for group in topic.groups
        ]


async def _lag_of(
    admin: AIOKafkaAdminClient, consumer: AIOKafkaConsumer, topic: str, group: str, partitions: int
) -> TopicLag:
    all_partitions = [TopicPartition(topic, number) for number in range(partitions)]
    starts = await consumer.beginning_offsets(all_partitions)
    ends = await consumer.end_offsets(all_partitions)
    offsets = await _offsets(admin, group)
    committed = {
        partition: min(max(offsets[partition].offset, starts[partition]), ends[partition])
        if partition in offsets
        else starts[partition]
        for partition in all_partitions
    }
    few = {partition: ends[partition] for partition in ends if 0 < ends[partition] - committed[partition] <= _COUNTED}
    nobodys = await _nobodys(consumer, {partition: committed[partition] for partition in few}, few)
    return TopicLag(topic, group, partitions, sum(ends.values()), sum(committed.values()), nobodys)


async def _nobodys(
    consumer: AIOKafkaConsumer, starts: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]
) -> int:
    """How many offsets of these ranges have no record; of a range that is not read in time, none."""
    if not starts:
        return 0
    consumer.assign(list(starts))
    for partition, start in starts.items():
        consumer.seek(partition, start)
    records = dict.fromkeys(starts, 0)
    left = set(starts)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_COUNT_SECONDS):
            while left:
                fetched = await consumer.getmany(*left, timeout_ms=200)
                for partition, found in fetched.items():
                    records[partition] += sum(record.offset < ends[partition] for record in found)
                left = {partition for partition in left if await consumer.position(partition) < ends[partition]}
    return sum(
        ends[partition] - starts[partition] - records[partition] for partition in starts if partition not in left
    )


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
