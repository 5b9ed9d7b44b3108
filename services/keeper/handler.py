"""The keeper's rounds."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from services.keeper import lost_work, repository
from services.keeper.settings import KeeperSettings
from shared.db.transaction import tenant_transaction
from shared.events import TOPICS
from shared.ledger import give_up
from shared.messaging.failures import FailureKind, kind_of
from shared.messaging.kafka import Kafka, apply_topics
from shared.messaging.lag import topic_lag
from shared.observability import metrics

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Rounds:
    """What is looked after every few seconds: each method is one round. One may fail by itself, and is made again."""

    engine: AsyncEngine
    kafka: Kafka
    settings: KeeperSettings

    async def keep_topics(self) -> None:
        """Create topics that were deleted; what they held comes again from the outbox."""
        if created := await apply_topics(self.kafka):
            log.warning("topics.created", topics=created)

    async def end_stuck_work(self) -> None:
        """Give up what no process gets through, so that its import ends with a reason."""
        async with self.engine.connect() as conn:
            stuck = await repository.stuck_events(
                conn, publishes=self.settings.stuck_publishes, age=self.settings.stuck_after
            )
        for found in stuck:
            async with _by_itself(topic=found.topic, outbox_id=str(found.id)):
                await self._give_up(found)

    async def resume_lost_work(self) -> None:
        """Announce again what is open in the ledger and in nobody's hands: no row of the outbox is about it.

        Every step from one state to the next writes both in one transaction, so there is none unless somebody took a row
        off the outbox by hand, or an event was passed over.
        """
        async with self.engine.connect() as conn:
            lost = await lost_work.find(conn, age=self.settings.lost_after)
        for found in lost:
            async with _by_itself(import_id=str(found.import_id), chunk=found.chunk_no):
                async with tenant_transaction(self.engine, found.tenant_id) as conn:
                    await lost_work.resume(conn, found)
                log.error("work.resumed", kind=found.kind, import_id=str(found.import_id), chunk=found.chunk_no)

    async def _give_up(self, found: repository.StuckEvent) -> None:
        topic = next(topic for topic in TOPICS if topic.name == found.topic)
        event = topic.event.model_validate_json(found.body)
        reference = f"W-{secrets.token_hex(4).upper()}"
        async with tenant_transaction(self.engine, event.tenant_id) as conn:
            await give_up(conn, event, reference)
        log.error("work.given_up", topic=found.topic, import_id=event.import_key, reference=reference)

    async def publish_gauges(self) -> None:
        """Keep the gauges that operators watch."""
        async with self.engine.connect() as conn:
            gauges = await repository.ledger_gauges(conn)
        metrics.IMPORTS_OPEN.set(gauges.open_imports)
        metrics.OLDEST_OPEN_SECONDS.set(gauges.oldest_seconds)
        for topic in TOPICS:
            metrics.OUTBOX_EVENTS.labels(topic=topic.name, state="waiting").set(gauges.waiting.get(topic.name, 0))
            metrics.OUTBOX_EVENTS.labels(topic=topic.name, state="in_flight").set(gauges.in_flight.get(topic.name, 0))
        for lag in await topic_lag(self.kafka):
            metrics.TOPIC_LAG.labels(topic=lag.topic, group=lag.group).set(lag.lag)


@asynccontextmanager
async def _by_itself(**of: object) -> AsyncIterator[None]:
    """Let one thing that cannot be done be in no other's way; that a server is away ends the round."""
    try:
        yield
    except Exception as error:
        if kind_of(error) is FailureKind.TRANSIENT:
            raise
        log.exception("work.failed", **of)


def every(seconds: float, take: Callable[[], Awaitable[object]]) -> Callable[[], Awaitable[None]]:
    """A job that makes a round again and again, so many seconds apart."""

    async def job() -> None:
        while True:
            await take()
            await asyncio.sleep(seconds)

    return job
