"""One process of a stage, put together: consume, relay, answer for its health, stop cleanly."""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog
from faststream.asgi import AsgiFastStream, AsgiResponse, get
from faststream.asgi.types import ASGIApp, Scope
from faststream.kafka import KafkaBroker, KafkaMessage
from prometheus_client import make_asgi_app
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.db.engine import create_engine
from shared.events import Topic
from shared.ledger.failures import PostgresFailureLedger
from shared.messaging.dead_letters import DeadLetterWriter
from shared.messaging.delivery import Courier, Handler, Refuse, refuse_nothing
from shared.messaging.envelope import Delivery, read_headers
from shared.messaging.kafka import BrokerPublisher, apply_topics, create_broker, subscribe
from shared.messaging.relay import Relay
from shared.observability.health import Health
from shared.observability.logs import configure_logs
from shared.settings import ServiceSettings

log = structlog.get_logger(__name__)

Job = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Stage:
    """What one process kind does: the topic it consumes with its handler, and the topics it relays.

    `jobs` run beside it for as long as the process lives. A stage without a topic only runs its jobs and relays.
    """

    name: str
    relays: Sequence[Topic]
    topic: Topic | None = None
    handler: Handler | None = None
    refuse: Refuse = refuse_nothing
    jobs: Sequence[Job] = ()


@dataclass(frozen=True)
class Resources:
    """What a stage's wiring is given to build its handler with."""

    engine: AsyncEngine
    health: Health


def run_stage(settings: ServiceSettings, name: str, wire: Callable[[Resources], Stage]) -> None:
    """Run a stage until it is told to stop (SIGTERM, SIGINT). The one entry point of every service process."""
    configure_logs(name, settings.log_level)
    tune_garbage_collection()
    engine = create_engine(
        settings.database_url.get_secret_value(),
        connections=settings.database_connections,
        name=f"winnow-{name}",
    )
    health = Health(patience=settings.patience_seconds)
    stage = wire(Resources(engine, health))
    app = build_app(settings, stage, engine, health)
    asyncio.run(
        app.run(
            run_extra_options={
                "host": settings.http_host,
                "port": str(settings.http_port),
                "log_config": None,
                "access_log": "false",
            }
        )
    )


def tune_garbage_collection() -> None:
    """Look for reference cycles less often: a chunk is a hundred thousand small objects and no cycles.

    With the default of 700 objects, the collector takes a third of the time the rules need.
    """
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def build_app(settings: ServiceSettings, stage: Stage, engine: AsyncEngine, health: Health) -> AsgiFastStream:
    """The stage as an application: Kafka consumer, outbox relay, /livez, /readyz and /metrics."""
    broker = create_broker(settings.kafka_bootstrap, client_id=f"winnow-{stage.name}")
    publisher = BrokerPublisher(broker)
    relay_engine = create_engine(
        settings.relay_database_url.get_secret_value(), connections=2, name=f"winnow-{stage.name}-relay"
    )
    relay = Relay(relay_engine, publisher, stage.relays, settings.relay_limits)
    if stage.topic is not None and stage.handler is not None:
        courier = Courier(
            stage.topic,
            stage.handler,
            ledger=PostgresFailureLedger(engine),
            dead_letters=DeadLetterWriter(publisher),
            health=health,
            refuse=stage.refuse,
            retries=settings.retry_limits,
            budget=settings.budget_limits,
        )
        _consume(broker, stage.topic, courier, replica=settings.replica)
    tasks: list[asyncio.Task[None]] = []

    async def prepare() -> None:
        await _until_reachable(settings.kafka_bootstrap)

    async def begin() -> None:
        tasks.append(asyncio.create_task(relay.run(), name="relay"))
        tasks.extend(asyncio.create_task(_forever(job), name="job") for job in stage.jobs)
        health.start()
        log.info("stage.started")

    async def end() -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await engine.dispose()
        await relay_engine.dispose()
        log.info("stage.stopped_cleanly")

    return AsgiFastStream(
        broker,
        asgi_routes=[
            ("/livez", _answers(lambda: health.not_alive)),
            ("/readyz", _answers(lambda: health.not_ready)),
            ("/metrics", make_asgi_app()),
        ],
        on_startup=[prepare],
        after_startup=[begin],
        after_shutdown=[end],
    )


def _consume(broker: KafkaBroker, topic: Topic, courier: Courier, *, replica: str | None) -> None:
    async def raw(message: KafkaMessage) -> bytes:
        # Decoding is the courier's: FastStream's own fails before anything could be dead-lettered.
        return bytes(message.body)

    async def receive(message: KafkaMessage) -> None:
        record = message.raw_message
        assert not isinstance(record, tuple)
        await courier.deliver(
            Delivery(
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
                body=record.value or b"",
                key=record.key,
                headers=read_headers(record.headers),
            )
        )
        try:
            await message.ack()
        except Exception as error:  # noqa: BLE001 - whatever it was, the record comes again and is known then
            log.warning("event.not_acknowledged", error=repr(error))

    subscribe(broker, topic, replica=replica)(receive, decoder=raw)


async def _until_reachable(bootstrap: str) -> None:
    """Wait for Kafka, and for the topics to be there."""
    while True:
        try:
            await apply_topics(bootstrap)
        except Exception as error:  # noqa: BLE001 - a process that starts before its broker waits for it
            log.warning("kafka.away", error=repr(error))
            await asyncio.sleep(1)
        else:
            return


async def _forever(job: Job) -> None:
    """Run a job that is meant to last; one that fails is logged and begun again."""
    while True:
        try:
            await job()
        except Exception:
            log.exception("job.failed")
        await asyncio.sleep(1)


def _answers(problem: Callable[[], str | None]) -> ASGIApp:
    @get(include_in_schema=False)
    async def answer(_scope: Scope) -> AsgiResponse:
        said = problem()
        return AsgiResponse((said or "ok").encode(), status_code=503 if said else 200)

    return answer


@contextlib.asynccontextmanager
async def connected_publisher(bootstrap: str, *, client_id: str) -> AsyncIterator[BrokerPublisher]:
    """A publisher for a command that publishes a few records and ends."""
    broker = create_broker(bootstrap, client_id=client_id)
    await broker.connect()
    try:
        yield BrokerPublisher(broker)
    finally:
        await broker.stop()
