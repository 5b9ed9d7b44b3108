"""The keeper's rounds."""

import asyncio
import secrets
from dataclasses import dataclass

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from services.keeper import repository
from services.keeper.settings import KeeperSettings
from shared.db.transaction import tenant_transaction
from shared.events import TOPICS
from shared.ledger import give_up
from shared.messaging.kafka import Kafka, apply_topics
from shared.messaging.lag import topic_lag
from shared.observability import metrics

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Rounds:
    """What is looked after every few seconds. Each round may fail by itself and is taken again."""

    engine: AsyncEngine
    kafka: Kafka
    settings: KeeperSettings

    async def keep_topics(self) -> None:
        """Create topics that were deleted; what they held comes again from the outbox."""
        while True:
            if created := await apply_topics(self.kafka):
                log.warning("topics.created", topics=created)
            await asyncio.sleep(self.settings.interval_seconds)

    async def end_stuck_work(self) -> None:
        """Give up what no process gets through, so that its import ends with a reason."""
        while True:
            async with self.engine.connect() as conn:
                stuck = await repository.stuck_events(
                    conn, publishes=self.settings.stuck_publishes, age=self.settings.stuck_after
                )
            for found in stuck:
                await self._give_up(found)
            await asyncio.sleep(self.settings.interval_seconds)

    async def _give_up(self, found: repository.StuckEvent) -> None:
        topic = next(topic for topic in TOPICS if topic.name == found.topic)
        event = topic.event.model_validate_json(found.body)
        reference = f"W-{secrets.token_hex(4).upper()}"
        async with tenant_transaction(self.engine, event.tenant_id) as conn:
            await give_up(conn, event, reference)
        log.error("work.given_up", topic=found.topic, import_id=event.import_key, reference=reference)

    async def publish_gauges(self) -> None:
        """Keep the gauges that operators watch."""
        while True:
            async with self.engine.connect() as conn:
                gauges = await repository.ledger_gauges(conn)
            metrics.IMPORTS_OPEN.set(gauges.open_imports)
            metrics.OLDEST_OPEN_SECONDS.set(gauges.oldest_seconds)
            for topic in TOPICS:
                metrics.OUTBOX_EVENTS.labels(topic=topic.name, state="waiting").set(gauges.waiting.get(topic.name, 0))
                metrics.OUTBOX_EVENTS.labels(topic=topic.name, state="in_flight").set(
                    gauges.in_flight.get(topic.name, 0)
                )
            for lag in await topic_lag(self.kafka):
                metrics.TOPIC_LAG.labels(topic=lag.topic, group=lag.group).set(lag.lag)
            await asyncio.sleep(self.settings.interval_seconds)
