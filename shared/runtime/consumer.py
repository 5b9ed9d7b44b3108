"""Records from Kafka to the courier: acknowledged after what they ask for is done, never before."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any, cast

from aiokafka import TopicPartition
from faststream.kafka import KafkaBroker, KafkaMessage

from shared.events import Topic
from shared.messaging.delivery import Courier, Ending
from shared.messaging.envelope import Delivery, read_headers
from shared.messaging.kafka import subscribe
from shared.runtime.acknowledgements import Acknowledgements, Consumer
from shared.runtime.background import Background
from shared.runtime.lanes import Lanes, Offsets, tenant_of


def consume(
    broker: KafkaBroker,
    topic: Topic,
    courier: Courier,
    *,
    background: Background | None,
    lanes: Lanes,
    acknowledgements: Acknowledgements,
    replica: str | None,
    group: str | None = None,
) -> None:
    """Have every record of a topic delivered by `courier` in `lanes`; what it took over is then worked on in `background`."""
    offsets = Offsets()

    async def parsed(record: Any, original: Callable[[Any], Awaitable[KafkaMessage]]) -> KafkaMessage:
        # Headers are ours to read: FastStream drops a record with one that is no UTF-8 or null, acknowledged and
        # unseen, and answers to whatever topic `reply_to` names.
        message = await original(replace(record, headers=()))
        message.raw_message = record
        return message

    async def raw(message: KafkaMessage) -> bytes:
        # Decoding is the courier's: FastStream's own fails before anything could be dead-lettered.
        return bytes(message.body)

    async def receive(message: KafkaMessage) -> None:
        record = message.raw_message
        assert not isinstance(record, tuple)
        delivery = Delivery(
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            body=record.value or b"",
            key=record.key,
            headers=read_headers(record.headers),
        )
        offsets.begin(delivery)
        await lanes.submit(tenant_of(delivery), partial(act, delivery, message))

    async def act(delivery: Delivery, message: KafkaMessage) -> None:
        try:
            acted_on = await courier.deliver(delivery)
        except Ending:
            # Not acknowledged: it comes again, to whoever has the partition then.
            return
        if (done := offsets.end(delivery)) is not None:
            consumer = cast("Consumer", message.consumer)
            acknowledgements.note(consumer, TopicPartition(delivery.topic, delivery.partition), done)
        if background is not None and acted_on:
            await background.submit(delivery)

    subscribe(broker, topic, replica=replica, group=group)(receive, parser=parsed, decoder=raw)
