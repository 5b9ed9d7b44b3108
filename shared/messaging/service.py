"""One process of a stage, put together: consume, relay, answer for its health, stop cleanly."""

import asyncio
import contextlib
import gc
import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import structlog
import uvicorn
from faststream.asgi import AsgiResponse
from faststream.asgi.types import ASGIApp, Receive, Scope, Send
from faststream.kafka import KafkaBroker, KafkaMessage
from prometheus_client import make_asgi_app
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.db.engine import create_engine
from shared.events import Topic
from shared.ledger.failures import PostgresFailureLedger
from shared.messaging.background import Background
from shared.messaging.dead_letters import DeadLetterWriter
from shared.messaging.delivery import Courier, Handler, Refuse, refuse_nothing
from shared.messaging.envelope import Delivery, read_headers
from shared.messaging.failures import FailureKind, kind_of
from shared.messaging.kafka import BrokerPublisher, apply_topics, create_broker, subscribe
from shared.messaging.relay import Relay, RelayLimits
from shared.observability.health import Health
from shared.observability.logs import configure_logs
from shared.settings import ServiceSettings

log = structlog.get_logger(__name__)

Job = Callable[[], Awaitable[None]]

_UNHURRIED = timedelta(seconds=5)


@dataclass(frozen=True)
class Stage:
    """What one process kind does: the topic it consumes with its handler, and the topics it relays.

    Topics are relayed as soon as there is something to relay or, not `relay_at_once`, every few seconds.

    `accept` takes an event over into the ledger, where its effect would be long in coming: after it the event is
    acknowledged, and handled in the background, `slots` at a time.
    `jobs` run beside it for as long as the process lives. A stage without a topic only runs its jobs and relays.
    """

    name: str
    relays: Sequence[Topic]
    relay_at_once: bool = True
    topic: Topic | None = None
    handler: Handler | None = None
    accept: Handler | None = None
    slots: int = 1
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
    # What uvicorn does with a signal after it has stopped is raise it again; without a handler that is a death by it.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: None)
    asyncio.run(_Process(settings, stage, engine, health).run())


def tune_garbage_collection() -> None:
    """Look for reference cycles less often: a chunk is a hundred thousand small objects and no cycles.

    With the default of 700 objects, the collector takes a third of the time the rules need.
    """
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


class _Process:
    """The stage at work: Kafka consumer, outbox relay, jobs, and a server for /livez, /readyz and /metrics.

    The server answers from the first moment, also while Kafka is waited for.
    """

    def __init__(self, settings: ServiceSettings, stage: Stage, engine: AsyncEngine, health: Health) -> None:
        self._settings = settings
        self._stage = stage
        self._engine = engine
        self._health = health
        self._broker = create_broker(settings.kafka_bootstrap, client_id=f"winnow-{stage.name}")
        publisher = BrokerPublisher(self._broker)
        self._relay_engine = create_engine(
            settings.relay_database_url.get_secret_value(), connections=2, name=f"winnow-{stage.name}-relay"
        )
        self._relay = Relay(self._relay_engine, publisher, stage.relays, _limits(settings, stage))
        self._background: Background | None = None
        if stage.topic is not None and stage.handler is not None:

            def courier(topic: Topic, handler: Handler) -> Courier:
                return Courier(
                    topic,
                    handler,
                    ledger=PostgresFailureLedger(engine),
                    dead_letters=DeadLetterWriter(publisher),
                    health=health,
                    refuse=stage.refuse,
                    retries=settings.retry_limits,
                    budget=settings.budget_limits,
                )

            first = courier(stage.topic, stage.accept or stage.handler)
            if stage.accept is not None:
                self._background = Background(courier(stage.topic, stage.handler).deliver, stage.slots)
            _consume(self._broker, stage.topic, first, self._background, replica=settings.replica)

    async def run(self) -> None:
        """Work until a signal ends the server.

        Raises:
            Exception: what ended the work, when no signal did.
        """
        server = uvicorn.Server(
            uvicorn.Config(
                _health_app(self._health),
                host=self._settings.http_host,
                port=self._settings.http_port,
                lifespan="off",
                log_config=None,
                log_level=logging.WARNING,
                access_log=False,
            )
        )
        work = asyncio.create_task(self._work())
        work.add_done_callback(lambda _done: setattr(server, "should_exit", True))
        try:
            await server.serve()
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            if self._background is not None:
                await self._background.close()
            with contextlib.suppress(Exception):
                await self._broker.stop()
            await self._engine.dispose()
            await self._relay_engine.dispose()
            log.info("stage.stopped")
        if not work.cancelled() and (error := work.exception()) is not None:
            raise error

    async def _work(self) -> None:
        await self._connect()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._relay.run(), name="relay")
            for job in self._stage.jobs:
                tasks.create_task(_forever(job), name="job")
            self._health.start()
            log.info("stage.started")

    async def _connect(self) -> None:
        """Wait for Kafka, see that the topics are there, and consume."""
        while True:
            try:
                await apply_topics(self._settings.kafka_bootstrap)
                await self._broker.start()
            except Exception as error:
                if kind_of(error) is not FailureKind.TRANSIENT:
                    raise
                log.warning("kafka.away", error=repr(error))
                await asyncio.sleep(1)
            else:
                return


def _limits(settings: ServiceSettings, stage: Stage) -> RelayLimits:
    limits = settings.relay_limits
    return limits if stage.relay_at_once else replace(limits, listen=False, poll=_UNHURRIED)


def _consume(
    broker: KafkaBroker, topic: Topic, courier: Courier, background: Background | None, *, replica: str | None
) -> None:
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
        acted_on = await courier.deliver(delivery)
        try:
            await message.ack()
        except Exception as error:  # noqa: BLE001 - whatever it was, the record comes again and is known then
            log.warning("event.not_acknowledged", error=repr(error))
        if background is not None and acted_on:
            await background.submit(delivery)

    subscribe(broker, topic, replica=replica)(receive, parser=parsed, decoder=raw)


async def _forever(job: Job) -> None:
    """Run a job that is meant to last; one that fails is logged and begun again."""
    while True:
        try:
            await job()
        except Exception:
            log.exception("job.failed")
        await asyncio.sleep(1)


def _health_app(health: Health) -> ASGIApp:
    metrics = make_asgi_app()
    problems = {"/livez": lambda: health.not_alive, "/readyz": lambda: health.not_ready}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].rstrip("/")
        if path == "/metrics":
            await metrics(scope, receive, send)
        elif (problem := problems.get(path)) is None:
            await AsgiResponse(b"there is /livez, /readyz and /metrics", status_code=404)(scope, receive, send)
        else:
            said = problem()
            await AsgiResponse((said or "ok").encode(), status_code=503 if said else 200)(scope, receive, send)

    return app


@contextlib.asynccontextmanager
async def connected_publisher(bootstrap: str, *, client_id: str) -> AsyncIterator[BrokerPublisher]:
    """A publisher for a command that publishes a few records and ends."""
    broker = create_broker(bootstrap, client_id=client_id)
    await broker.connect()
    try:
        yield BrokerPublisher(broker)
    finally:
        await broker.stop()
