"""From the outbox to Kafka: at once after commit, fair between tenants, repeated until acted on."""

import asyncio
import contextlib
import random
from collections.abc import Sequence
from typing import Any, Protocol

import asyncpg
import structlog
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.db.engine import connect_directly
from shared.events import Topic
from shared.messaging.envelope import wire_headers
from shared.messaging.failures import FailureKind, kind_of
from shared.messaging.limits import RelayLimits
from shared.messaging.outbox import CHANNEL
from shared.observability import metrics

log = structlog.get_logger(__name__)


class Producer(Protocol):
    """What the relay needs of a Kafka producer."""

    async def publish(self, topic: str, key: bytes, body: bytes, headers: Sequence[tuple[str, bytes]]) -> None:
        """Return when the broker has the record for good."""


# One relay at a time claims of a topic, so that the window is a limit and not a hope. New work goes to tenants in
# turn: every tenant's first waiting event before any tenant's second.
_CLAIM = text(
    """
    WITH in_flight AS (
        SELECT tenant_id, count(*) AS events
          FROM imports.outbox
         WHERE topic = :topic AND published_at IS NOT NULL
         GROUP BY tenant_id
    ), waiting AS (
        SELECT o.id, o.created_at,
               row_number() OVER (PARTITION BY o.tenant_id ORDER BY o.created_at, o.chunk_no)
                   + coalesce(f.events, 0) AS turn
          FROM imports.outbox o LEFT JOIN in_flight f USING (tenant_id)
         WHERE o.topic = :topic AND o.published_at IS NULL
    ), due AS (
        SELECT id, turn, created_at FROM waiting WHERE turn <= :window
        UNION ALL
        SELECT id, 0, created_at FROM imports.outbox
         WHERE topic = :topic AND published_at IS NOT NULL AND next_attempt_at <= now()
    )
    SELECT o.id, o.tenant_id, o.key, o.headers, o.body, o.attempts
      FROM imports.outbox o JOIN due USING (id)
     ORDER BY due.turn, due.created_at
     LIMIT :batch
       FOR UPDATE OF o SKIP LOCKED
    """
)
_PUBLISHED = text(
    """
    UPDATE imports.outbox
       SET published_at = coalesce(published_at, now()),
           attempts = attempts + 1,
           next_attempt_at = now() + least(CAST(:cap AS interval),
                                           CAST(:first AS interval) * power(2, least(attempts, 20)))
     WHERE id = ANY(:ids)
    """
)
_FINISHED = text("DELETE FROM imports.outbox WHERE id = ANY(:ids)")
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('winnow-relay:' || :topic, 0))")


class Relay:
    """Publishes what waits in the outbox for some topics. Any number may run at once, in any process.

    `engine` must connect as a role that sees the outbox of every tenant (`winnow_relay`), and nothing else.
    """

    def __init__(self, engine: AsyncEngine, producer: Producer, topics: Sequence[Topic], limits: RelayLimits) -> None:
        self._engine = engine
        self._producer = producer
        self._topics = {topic.name: topic for topic in topics}
        self._limits = limits
        self._awake = asyncio.Event()

    async def run(self) -> None:
        """Relay until cancelled. Whatever is away is waited for."""
        listening = asyncio.create_task(self._listen() if self._limits.listen else asyncio.sleep(0))
        try:
            while True:
                self._awake.clear()
                for topic in self._topics.values():
                    await self._drain(topic)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._awake.wait(), self._limits.poll.total_seconds())
        finally:
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await listening

    async def _drain(self, topic: Topic) -> None:
        """Publish all that may go out on a topic now."""
        try:
            while await self.relay_once(topic) == self._limits.batch:
                pass
        except Exception as error:
            expected = kind_of(error) is FailureKind.TRANSIENT
            log.warning("relay.failed", topic=topic.name, error=repr(error), exc_info=not expected)
            await asyncio.sleep(random.uniform(0.2, 1.0))  # noqa: S311 - jitter, not a secret

    async def relay_once(self, topic: Topic) -> int:
        """Publish one batch; how many events it had.

        The rows are marked in the transaction that locked them and after the broker has confirmed, so a crash in
        between publishes again, never not at all.
        """
        async with self._engine.begin() as conn:
            await conn.execute(_LOCK, {"topic": topic.name})
            claimed = await conn.execute(
                _CLAIM, {"topic": topic.name, "window": self._limits.window, "batch": self._limits.batch}
            )
            rows = claimed.all()
            if not rows:
                return 0
            await asyncio.gather(*(self._publish(topic, row) for row in rows))
            ids = [row.id for row in rows]
            if topic.group is None:
                await conn.execute(_FINISHED, {"ids": ids})
            else:
                await conn.execute(
                    _PUBLISHED,
                    {"ids": ids, "first": self._limits.reemit_after, "cap": self._limits.reemit_cap},
                )
        for row in rows:
            metrics.EVENTS_PUBLISHED.labels(topic=topic.name, again=str(row.attempts > 0).lower()).inc()
        return len(rows)

    async def _publish(self, topic: Topic, row: Row[Any]) -> None:
        await self._producer.publish(topic.name, row.key.encode(), row.body, wire_headers(row.headers))

    async def _listen(self) -> None:
        """Wake the relay when a transaction that touched the outbox has committed."""
        while True:
            try:
                connection = await connect_directly(self._engine, name="winnow-relay")
                try:
                    await connection.add_listener(CHANNEL, self._heard)
                    self._awake.set()
                    gone = asyncio.Event()
                    connection.add_termination_listener(lambda _connection, gone=gone: gone.set())
                    await gone.wait()
                finally:
                    connection.terminate()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                # Polling goes on meanwhile; only the promptness is lost.
                log.warning("relay.deaf", error=repr(error))
                await asyncio.sleep(1)

    def _heard(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        if payload in self._topics:
            self._awake.set()
