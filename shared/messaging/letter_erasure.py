"""Dead letters of one tenant, erased. Kafka deletes no single record: what is kept is written anew, and what was before goes."""

import re
from collections.abc import Sequence
from typing import TypeAlias

import orjson
from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete
from aiokafka.structs import ConsumerRecord

from shared.events import TOPICS, Topic
from shared.messaging.dead_letters import Publisher, everything, partitions_of, redriven_by
from shared.messaging.envelope import read_headers, wire_headers
from shared.messaging.kafka import Kafka, admin_client, reading_client

Record: TypeAlias = "ConsumerRecord[bytes | None, bytes | None]"
_PART_OF_A_NAME = "[A-Za-z0-9._-]"


class LetterErasure:
    """Erases from the dead-letter topics. Needs to be alone: two at once would write anew what the other erases."""

    def __init__(self, kafka: Kafka, publisher: Publisher) -> None:
        self._kafka = kafka
        self._publisher = publisher

    async def erase(self, tenant_id: str) -> int:
        """Erase every letter of a tenant; how many there were.

        Others' letters that wait get a new id; those that were sent again, which no list shows, go. One that arrives meanwhile
        is left. A letter nobody can read is the tenant's when its name is in it. Ended in between, it can be repeated: a
        letter that stays may then be on the list twice, and acting twice is harmless.
        """
        return sum([await self._erase_from(topic, tenant_id) for topic in TOPICS])

    async def _erase_from(self, topic: Topic, tenant_id: str) -> int:
        async with reading_client(self._kafka) as consumer:
            partitions = [
                TopicPartition(topic.dead_letter, number) for number in await partitions_of(consumer, topic.dead_letter)
            ]
            # Before they are read: what comes after is nobody's to delete.
            ends = await consumer.end_offsets(partitions) if partitions else {}
            records: list[Record] = [
                record
                async for record in everything(consumer, topic.dead_letter)
                if record.offset < ends[TopicPartition(record.topic, record.partition)]
            ]
        doomed = [record for record in records if belongs_to(record, tenant_id)]
        if not doomed:
            return 0
        for record in _waiting(records, doomed):
            headers = wire_headers(read_headers(record.headers))
            await self._publisher.publish(topic.dead_letter, record.key, record.value or b"", headers)
        async with admin_client(self._kafka) as admin:
            await admin.delete_records({partition: RecordsToDelete(end) for partition, end in ends.items()})
        return len(doomed)


def belongs_to(record: Record, tenant_id: str) -> bool:
    """Whether a dead letter is about a tenant: by what it says, else by the tenant's name anywhere in it."""
    body = record.value or b""
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        said = None
    if isinstance(said, dict) and isinstance(said.get("tenant_id"), str):
        return bool(said["tenant_id"] == tenant_id)
    text = b"\n".join([body, record.key or b"", *(value or b"" for _name, value in record.headers)])
    name = re.escape(tenant_id)
    return re.search(f"(?<!{_PART_OF_A_NAME}){name}(?!{_PART_OF_A_NAME})", text.decode("utf-8", "replace")) is not None


def _waiting(records: Sequence[Record], doomed: Sequence[Record]) -> list[Record]:
    """The letters that stay on the list."""
    redriven = {redriven_by(read_headers(record.headers)) for record in records}
    gone = {(record.partition, record.offset) for record in doomed}
    return [
        record
        for record in records
        if (record.partition, record.offset) not in gone
        and redriven_by(read_headers(record.headers)) is None
        and f"{record.topic}:{record.partition}:{record.offset}" not in redriven
    ]
