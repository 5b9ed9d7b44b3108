"""One process of a stage, put together: consume, relay, answer for its health, stop cleanly."""

import asyncio
import contextlib
import gc
import logging
import signal
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import structlog
import uvicorn
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.db.engine import create_engine
from shared.events import Topic
from shared.ledger.failures import PostgresFailureLedger
from shared.messaging.dead_letters import DeadLetterWriter
from shared.messaging.delivery import Courier, Handler
from shared.messaging.failures import FailureKind, kind_of
from shared.messaging.kafka import BrokerPublisher, create_broker, ensure_topics
from shared.messaging.limits import RelayLimits
from shared.messaging.relay import Relay
from shared.observability.health import Health
from shared.observability.logs import configure_logs
from shared.runtime.background import Background
from shared.runtime.consumer import consume
from shared.runtime.health_server import health_app
from shared.runtime.settings import ServiceSettings
from shared.runtime.stage import Job, Resources, Stage

log = structlog.get_logger(__name__)

_UNHURRIED = timedelta(seconds=5)


def run_stage(settings: ServiceSettings, name: str, wire: Callable[[Resources], Stage]) -> None:
    """Run a stage until it is told to stop (SIGTERM, SIGINT). The one entry point of every service process."""
    configure_logs(name, settings.log_level)
    tune_garbage_collection()
    engine = create_engine(
        settings.database_url.get_secret_value(),
        connections=settings.database_connections,
        name=f"winnow-{name}",
        options=settings.database_options,
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
        self._broker = create_broker(settings.kafka, client_id=f"winnow-{stage.name}")
        publisher = BrokerPublisher(self._broker)
        self._relay_engine = create_engine(
            settings.relay_database_url.get_secret_value(),
            connections=2,
            name=f"winnow-{stage.name}-relay",
            options=settings.relay_database_options,
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
            consume(self._broker, stage.topic, first, self._background, replica=settings.replica)

    async def run(self) -> None:
        """Work until a signal ends the server.

        Raises:
            Exception: what ended the work, when no signal did.
        """
        server = uvicorn.Server(
            uvicorn.Config(
                health_app(self._health),
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
                await ensure_topics(self._settings.kafka)
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


async def _forever(job: Job) -> None:
    """Run a job that is meant to last; one that fails is logged and begun again."""
    while True:
        try:
            await job()
        except Exception:
            log.exception("job.failed")
        await asyncio.sleep(1)
