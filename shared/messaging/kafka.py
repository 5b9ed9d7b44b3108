"""The one place that knows how our Kafka clients are set up, and why each default is overridden."""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.subscriber.usecase import DefaultSubscriber

from shared.events import TOPICS, Topic

# A record of the largest size a broker takes by default has to fit its dead-letter topic with its context headers.
LARGEST_DEAD_LETTER = 2 * 1024 * 1024

# A file of a million rows is parsed in one delivery of minutes; within this time the group keeps waiting for us.
# Heartbeats go on meanwhile, so a process that dies is still noticed within the session timeout.
_LONGEST_DELIVERY_MS = 2 * 60 * 60 * 1000
_SESSION_MS = 10_000


def create_broker(bootstrap: str, *, client_id: str) -> KafkaBroker:
    """A broker whose producer is idempotent and confirmed by all replicas; not yet connected."""
    return KafkaBroker(
        bootstrap.split(","),
        client_id=client_id,
        acks="all",
        enable_idempotence=True,
        max_request_size=LARGEST_DEAD_LETTER,
        request_timeout_ms=15_000,
        retry_backoff_ms=200,
        # A topic that was deleted and made again is found within seconds.
        metadata_max_age_ms=10_000,
        allow_auto_create_topics=False,
        # Not FastStream's own logger, which writes lines of another shape than ours.
        logger=logging.getLogger("winnow.faststream"),
        log_level=logging.DEBUG,
        graceful_timeout=20,
    )


def subscribe(broker: KafkaBroker, topic: Topic, *, replica: str | None) -> DefaultSubscriber:
    """A subscriber of a topic for its stage's group.

    * manual acknowledgement: FastStream's default commits before the handler has run, and its other policies
      either commit what raised or redeliver it in a spin;
    * from the earliest record: the default, latest, skips what was published while no consumer group existed;
    * static membership where the replica has a name: one that was killed and comes back within the session
      timeout gets its partitions back without a rebalance.
    """
    assert topic.group is not None
    subscriber = broker.subscriber(
        topic.name,
        group_id=topic.group,
        group_instance_id=f"{topic.group}-{replica}" if replica else None,
        ack_policy=AckPolicy.MANUAL,
        auto_offset_reset="earliest",
        max_poll_interval_ms=_LONGEST_DELIVERY_MS,
        session_timeout_ms=_SESSION_MS,
        heartbeat_interval_ms=2_000,
        rebalance_timeout_ms=_SESSION_MS,
        # The broker answers at once when there is something; this is how long an empty answer may take.
        fetch_max_wait_ms=1_000,
    )
    assert isinstance(subscriber, DefaultSubscriber)
    return subscriber


class BrokerPublisher:
    """Publishes records as they are, through a connected broker."""

    def __init__(self, broker: KafkaBroker) -> None:
        self._broker = broker

    async def publish(self, topic: str, key: bytes | None, body: bytes, headers: Sequence[tuple[str, bytes]]) -> None:
        """Return when all in-sync replicas have the record."""
        await self._broker.publish(body, topic, key=key, headers={name: value.decode() for name, value in headers})


async def apply_topics(bootstrap: str, *, replication: int = 1) -> list[str]:
    """Create the topics that are missing, dead-letter ones included; the names of those created."""
    roomy = {"max.message.bytes": str(LARGEST_DEAD_LETTER)}
    wanted = [
        each
        for topic in TOPICS
        for each in (
            NewTopic(topic.name, topic.partitions, replication),
            NewTopic(topic.dead_letter, 1, replication, topic_configs=roomy),
        )
    ]
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap.split(","), request_timeout_ms=15_000)
    await admin.start()
    try:
        there = set(await admin.list_topics())
        missing = [topic for topic in wanted if topic.name not in there]
        if missing:
            answer = await admin.create_topics(missing)
            for name, code, *_rest in answer.topic_errors:
                error = for_code(code)
                if code and error is not TopicAlreadyExistsError:
                    raise error(f"topic {name} could not be created")
    finally:
        await admin.close()
    return [topic.name for topic in missing]


@asynccontextmanager
async def connected_publisher(bootstrap: str, *, client_id: str) -> AsyncIterator[BrokerPublisher]:
    """A publisher for a command that publishes a few records and ends."""
    broker = create_broker(bootstrap, client_id=client_id)
    await broker.connect()
    try:
        yield BrokerPublisher(broker)
    finally:
        await broker.stop()
