"""The one place that knows how our Kafka clients are set up, and why each default is overridden."""

import logging
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import InvalidReplicationFactorError, TopicAlreadyExistsError, for_code
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.security import parse_security
from faststream.kafka.subscriber.usecase import DefaultSubscriber
from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

from shared.connections import KafkaConnection
from shared.events import TOPICS, Topic
from shared.messaging.failures import Transient

# A record of the largest size a broker takes by default has to fit its dead-letter topic with its context headers.
LARGEST_DEAD_LETTER = 2 * 1024 * 1024

# A file of a million rows is parsed in one delivery of minutes; within this time the group keeps waiting for us.
# Heartbeats go on meanwhile, so a process that dies is still noticed within the session timeout.
_LONGEST_DELIVERY_MS = 2 * 60 * 60 * 1000
_SESSION_MS = 10_000
_COMMITTED: Literal["read_committed"] = "read_committed"


# More replicas than this keep no event that these would lose.
_REPLICAS = 3

Kafka = KafkaConnection | str
"""How a cluster is reached; host:port alone is one without TLS where nobody logs in."""


class TopicsMissing(Transient):
    """Topics are missing and cannot be made, here or yet: {which, and why}."""


def create_broker(kafka: Kafka, *, client_id: str) -> KafkaBroker:
    """A broker whose producer is idempotent and confirmed by all replicas, unless told otherwise; not yet connected."""
    connection = connection_of(kafka)
    everybody = connection.acks == "all"
    return KafkaBroker(
        connection.servers,
        client_id=client_id,
        security=_security(connection),
        acks="all" if everybody else 1,
        enable_idempotence=everybody,
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


def subscribe(broker: KafkaBroker, topic: Topic, *, replica: str | None, group: str | None = None) -> DefaultSubscriber:
    """A subscriber of a topic for its stage's group, or for another of ours that reads it.

    * manual acknowledgement: FastStream's default commits before the handler has run, and its other policies
      either commit what raised or redeliver it in a spin;
    * from the earliest record: the default, latest, skips what was published while no consumer group existed;
    * what a sender's transaction published once that is committed, and never when it is aborted: the default reads all;
    * static membership where the replica has a name: one that was killed and comes back within the session
      timeout gets its partitions back without a rebalance.
    """
    group = group or topic.group
    assert group in topic.groups
    subscriber = broker.subscriber(
        topic.name,
        group_id=group,
        group_instance_id=f"{group}-{replica}" if replica else None,
        ack_policy=AckPolicy.MANUAL,
        auto_offset_reset="earliest",
        isolation_level=_COMMITTED,
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


async def ensure_topics(kafka: Kafka) -> list[str]:
    """See that the topics are there: make those that are missing, where services may; the names of those made.

    Raises:
        TopicsMissing: some are missing, and services may not make any.
    """
    connection = connection_of(kafka)
    if connection.may_create_topics:
        return await apply_topics(connection)
    async with admin_client(connection) as admin:
        there = set(await admin.list_topics())
    if missing := [name for topic in TOPICS for name in (topic.name, topic.dead_letter) if name not in there]:
        raise TopicsMissing(
            f"Topics are missing ({', '.join(missing)}), and services may not make them here: winnow topics apply"
        )
    return []


async def apply_topics(kafka: Kafka, *, replication: int | None = None) -> list[str]:
    """Create the topics that are missing, dead-letter ones included; the names of those created.

    `replication` goes before what the connection says. A topic that is there is left as it is.
    """
    connection = connection_of(kafka)
    async with admin_client(connection) as admin:
        there = set(await admin.list_topics())
        missing = [name for topic in TOPICS for name in (topic.name, topic.dead_letter) if name not in there]
        if missing:
            brokers = len((await admin.describe_cluster())["brokers"])
            wanted = declared_topics(connection, brokers=brokers, replication=replication)
            answer = await admin.create_topics([topic for topic in wanted if topic.name in missing])
            for name, code, *why in answer.topic_errors:
                _check_made(name, code, next(iter(why), None) or "no reason is given")
    return missing


def _check_made(topic: str, code: int, why: str) -> None:
    error = for_code(code)
    if code == 0 or error is TopicAlreadyExistsError:
        return
    if error is InvalidReplicationFactorError:
        # A cluster that is starting has fewer brokers than it will have.
        raise TopicsMissing(f"Topic {topic} cannot be made yet: {why}")
    raise error(f"topic {topic} could not be created: {why}")


def declared_topics(connection: KafkaConnection, *, brokers: int, replication: int | None = None) -> list[NewTopic]:
    """All topics as they are made in a cluster of so many brokers."""
    replicas = replication or connection.replication or max(1, min(_REPLICAS, brokers))
    insync = min(replicas, connection.min_insync or max(1, replicas - 1))
    kept = {"min.insync.replicas": str(insync)}
    roomy = {**kept, "max.message.bytes": str(LARGEST_DEAD_LETTER)}
    return [
        each
        for topic in TOPICS
        for each in (
            NewTopic(topic.name, topic.partitions, replicas, topic_configs=kept),
            NewTopic(topic.dead_letter, 1, replicas, topic_configs=roomy),
        )
    ]


@asynccontextmanager
async def connected_publisher(kafka: Kafka, *, client_id: str) -> AsyncIterator[BrokerPublisher]:
    """A publisher for a command that publishes a few records and ends."""
    broker = create_broker(kafka, client_id=client_id)
    await broker.connect()
    try:
        yield BrokerPublisher(broker)
    finally:
        await broker.stop()


@asynccontextmanager
async def admin_client(kafka: Kafka) -> AsyncIterator[AIOKafkaAdminClient]:
    """A connected client for topics and groups."""
    admin = AIOKafkaAdminClient(**client_arguments(kafka), request_timeout_ms=15_000)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


@asynccontextmanager
async def reading_client(kafka: Kafka) -> AsyncIterator[AIOKafkaConsumer]:
    """A connected client of no group that reads what it is told to and commits nothing.

    It sees what stages see: ends of partitions are before the first transaction that is open.
    """
    consumer = AIOKafkaConsumer(
        **client_arguments(kafka), enable_auto_commit=False, auto_offset_reset="earliest", isolation_level=_COMMITTED
    )
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()


def connection_of(kafka: Kafka) -> KafkaConnection:
    """The connection that is meant."""
    return KafkaConnection(kafka) if isinstance(kafka, str) else kafka


def client_arguments(kafka: Kafka) -> dict[str, Any]:
    """What a client is told that is not FastStream's: the same in its own words."""
    connection = connection_of(kafka)
    return {"bootstrap_servers": connection.servers, **parse_security(_security(connection))}


_LOGINS: dict[str, Callable[..., BaseSecurity]] = {
    "PLAIN": SASLPlaintext,
    "SCRAM-SHA-256": SASLScram256,
    "SCRAM-SHA-512": SASLScram512,
}


def _security(connection: KafkaConnection) -> BaseSecurity | None:
    context = _tls(connection) if connection.tls else None
    if connection.sasl_mechanism is None:
        return None if context is None else BaseSecurity(ssl_context=context)
    login = _LOGINS[connection.sasl_mechanism]
    return login(connection.username or "", connection.password or "", ssl_context=context, use_ssl=connection.tls)


def _tls(connection: KafkaConnection) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=connection.ca_file)
    if connection.certificate_file is not None:
        context.load_cert_chain(connection.certificate_file, connection.key_file, connection.key_password)
    return context
