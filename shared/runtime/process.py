"""One process of a stage, put together: consume, relay, answer for its health, stop cleanly."""

import asyncio
import contextlib
import gc
import logging
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
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
from shared.runtime.acknowledgements import Acknowledgements
from shared.runtime.background import Background
from shared.runtime.consumer import consume
from shared.runtime.health_server import health_app
from shared.runtime.lanes import Lanes
from shared.runtime.probes import Probe, database_probe, kafka_probe, keep_probing
from shared.runtime.settings import ServiceSettings
from shared.runtime.shutdown import Shutdown
from shared.runtime.stage import Job, Resources, Stage

log = structlog.get_logger(__name__)

_UNHURRIED = timedelta(seconds=5)
# Of the grace period, what is kept for closing connections when the work has not ended by then.
_FOR_CONNECTIONS = 2.0


def run_stage(settings: ServiceSettings, name: str, wire: Callable[[Resources], Stage]) -> None:
    """Run a stage until it is told to stop (SIGTERM, SIGINT). The one entry point of every service process."""
    shutdown = Shutdown(settings.grace_seconds)
    shutdown.listen()
    configure_logs(name, settings.log_level)
    tune_garbage_collection()
    let_others_have_turns()
    engine = create_engine(
        settings.database_url.get_secret_value(),
        connections=settings.database_connections,
        name=f"winnow-{name}",
        options=settings.database_options,
    )
    health = Health(patience=settings.patience_seconds)
    stage = wire(Resources(engine, health))
    asyncio.run(
        _Process(settings, stage, engine, health, shutdown).run(_listen(settings.http_host, settings.http_port))
    )


def _listen(host: str, port: int) -> socket.socket:
    """The socket of the health server; a port that somebody has ends the process before it has begun anything."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        log.critical(
            "health.port_taken", host=host, port=port, error=str(error), what_to_do="WINNOW_HTTP_PORT, or free it"
        )
        raise SystemExit(1) from None


def tune_garbage_collection() -> None:
    """Look for reference cycles less often: a chunk is a hundred thousand small objects and no cycles.

    With the default of 700 objects, the collector takes a third of the time the rules need.
    """
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def let_others_have_turns() -> None:
    """Have a thread that works on a large chunk let go of the interpreter every millisecond.

    Else each answer that others wait for is taken up 5 ms later, and a small file has a hundred of them.
    """
    sys.setswitchinterval(0.001)


class _Process:
    """The stage at work: Kafka consumer, outbox relay, jobs, and a server for /livez, /readyz and /metrics.

    The server answers from the first moment, also while Kafka is waited for.
    """

    def __init__(
        self, settings: ServiceSettings, stage: Stage, engine: AsyncEngine, health: Health, shutdown: Shutdown
    ) -> None:
        self._shutdown = shutdown
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
        self._relay = Relay(self._relay_engine, publisher, stage.relays, _limits(settings, stage), report=health.report)
        self._lanes = Lanes(stage.tenants_at_once)
        self._acknowledgements = Acknowledgements()
        self._background: Background | None = None
        if stage.topic is not None and stage.handler is not None:

            def courier(topic: Topic, handler: Handler) -> Courier:
                return Courier(
                    topic,
                    handler,
                    ledger=stage.failures or PostgresFailureLedger(engine),
                    dead_letters=DeadLetterWriter(publisher),
                    health=health,
                    group=stage.group,
                    refuse=stage.refuse,
                    retries=settings.retry_limits,
                    budget=settings.budget_limits,
                    ending=shutdown.told,
                )

            first = courier(stage.topic, stage.accept or stage.handler)
            if stage.accept is not None:
                self._background = Background(courier(stage.topic, stage.handler).deliver, stage.slots)
            consume(
                self._broker,
                stage.topic,
                first,
                background=self._background,
                lanes=self._lanes,
                acknowledgements=self._acknowledgements,
                replica=settings.replica,
                group=stage.group,
            )

    async def run(self, listening: socket.socket) -> None:
        """Work, and answer for it at `listening`, until told to end, and end within the grace period.

        Raises:
            Exception: what ended the work, when nobody told it to end.
        """
        self._shutdown.attach(asyncio.get_running_loop())
        server = _HealthServer(
            uvicorn.Config(
                health_app(self._health),
                lifespan="off",
                log_config=None,
                log_level=logging.WARNING,
                access_log=False,
                timeout_graceful_shutdown=1,
            )
        )
        work = asyncio.create_task(self._work(), name="work")
        serving = asyncio.create_task(server.serve([listening]), name="health")
        told = asyncio.create_task(self._shutdown.told.wait())
        await asyncio.wait({work, serving, told}, return_when=asyncio.FIRST_COMPLETED)
        self._shutdown.begin(1)
        self._shutdown.told.set()
        self._health.end()
        await self._end(work)
        server.should_exit = True
        await asyncio.wait({serving}, timeout=self._shutdown.left)
        log.info("stage.stopped")
        for task in (work, serving):
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                raise error

    async def _end(self, work: "asyncio.Task[None]") -> None:
        """End what is being done, then close the connections; neither longer than there is time."""
        for_work = max(self._shutdown.left - _FOR_CONNECTIONS, self._shutdown.left / 2)
        background = self._background
        await _within(
            for_work,
            {
                "work": _cancelled(work),
                # An event in hand is acted on to its end; one that only waits is given back.
                "broker": self._stop_consuming(),
                **({} if background is None else {"background": background.close()}),
            },
        )
        # Half of what is left, for the health server wants to end as well.
        await _within(
            self._shutdown.left / 2,
            {"database": self._engine.dispose(), "relay database": self._relay_engine.dispose()},
        )

    async def _stop_consuming(self) -> None:
        await self._lanes.close()
        await self._acknowledgements.close()
        await self._broker.stop()

    async def _work(self) -> None:
        await self._connect()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._relay.run(), name="relay")
            tasks.create_task(keep_probing(self._probes, self._health), name="probes")
            for job in self._stage.jobs:
                tasks.create_task(_forever(job), name="job")
            self._health.start()
            log.info("stage.started")

    @property
    def _probes(self) -> Mapping[str, Probe]:
        return {
            "Kafka": kafka_probe(self._broker),
            "Postgres": database_probe(self._engine),
            **self._stage.probes,
        }

    async def _connect(self) -> None:
        """Wait for Kafka, see that the topics are there, and consume."""
        while not self._shutdown.told.is_set():
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


class _HealthServer(uvicorn.Server):
    """uvicorn without its signal handlers: `Shutdown` has them."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


async def _cancelled(task: "asyncio.Task[None]") -> None:
    """Cancel a task until it is done: a cancellation can be swallowed on its way."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=0.2)


async def _within(seconds: float, steps: Mapping[str, Awaitable[None]]) -> None:
    """Take steps at the same time; those that take longer are left, and named in the log like those that fail."""
    tasks = {asyncio.ensure_future(step): name for name, step in steps.items()}
    done, left = await asyncio.wait(tasks, timeout=seconds)
    for task in done:
        if (error := task.exception()) is not None:
            log.warning("stage.stop_failed", step=tasks[task], error=repr(error))
    for task in left:
        task.cancel()
    if left:
        log.warning("stage.stop_cut_short", steps=sorted(tasks[task] for task in left), seconds=round(seconds, 1))


def _limits(settings: ServiceSettings, stage: Stage) -> RelayLimits:
    limits = settings.relay_limits
    return limits if stage.relay_at_once else replace(limits, listen=False, poll=_UNHURRIED)


async def _forever(job: Job) -> None:
    """Run a job that is meant to last; one that fails is logged and begun again."""
    while True:
        try:
            await job()
        except Exception as error:
            expected = kind_of(error) is FailureKind.TRANSIENT
            log.log(
                logging.WARNING if expected else logging.ERROR,
                "job.failed",
                error=repr(error)[:500],
                exc_info=None if expected else error,
            )
        await asyncio.sleep(1)
