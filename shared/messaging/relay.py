"""From the outbox to Kafka: at once after commit, fair between tenants, repeated until acted on."""

import asyncio
import contextlib
import math
import random
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol
from uuid import UUID

import structlog
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.db.listening import listen
from shared.events import Topic
from shared.messaging.envelope import wire_headers
from shared.messaging.failures import FailureKind, Transient, kind_of
from shared.messaging.limits import RelayLimits
from shared.messaging.outbox import CHANNEL
from shared.observability import metrics

log = structlog.get_logger(__name__)

# How often another relay's claim is waited out before what is left waits for the next poll.
_TRIES = 20
# Seconds in which events that come close together become one batch. The first of them does not wait.
_GATHERS = 0.05


class Producer(Protocol):
    """What the relay needs of a Kafka producer."""

    async def publish(self, topic: str, key: bytes, body: bytes, headers: Sequence[tuple[str, bytes]]) -> None:
        """Return when the broker has the record for good."""


# One relay at a time claims of a topic, so that the window is a limit and not a hope. Nobody waits for it: whoever
# claims may be frozen, and then Postgres ends its transaction, which is one of milliseconds, after these times. A claim
# that a crash of Postgres makes undone is made again, so nobody waits until it is on disk.
_TURN = text(
    """
    SELECT pg_try_advisory_xact_lock(hashtextextended('winnow-relay:' || :topic, 0)),
           set_config('synchronous_commit', 'off', true),
           set_config('idle_in_transaction_session_timeout', '5s', true), set_config('lock_timeout', '5s', true),
           set_config('statement_timeout', '15s', true)
    """
)
# What is claimed has a next attempt and is not published: should nobody confirm it, it is due again at that time. New
# work goes to tenants in turn: every tenant's first waiting event before any tenant's second.
_CLAIM = text(
    """
    WITH in_flight AS (
        SELECT tenant_id, count(*) AS events
          FROM imports.outbox
         WHERE topic = :topic AND (published_at IS NOT NULL OR next_attempt_at > now())
         GROUP BY tenant_id
    ), waiting AS (
        SELECT o.id, o.created_at,
               row_number() OVER (PARTITION BY o.tenant_id ORDER BY o.created_at, o.chunk_no)
                   + coalesce(f.events, 0) AS turn
          FROM imports.outbox o LEFT JOIN in_flight f USING (tenant_id)
         WHERE o.topic = :topic AND o.published_at IS NULL
           AND (o.next_attempt_at IS NULL OR o.next_attempt_at <= now())
    ), due AS (
        SELECT id, turn, created_at FROM waiting WHERE turn <= :window
        UNION ALL
        SELECT id, 0, created_at FROM imports.outbox
         WHERE topic = :topic AND published_at IS NOT NULL AND next_attempt_at <= now()
    ), picked AS (
        SELECT o.id, due.turn, due.created_at
          FROM imports.outbox o JOIN due USING (id)
         ORDER BY due.turn, due.created_at
         LIMIT :batch
           FOR UPDATE OF o SKIP LOCKED
    )
    UPDATE imports.outbox o
       SET next_attempt_at = now() + CAST(:claim AS interval)
      FROM picked WHERE o.id = picked.id
    RETURNING o.id, o.key, o.headers, o.body, o.attempts, picked.turn, picked.created_at
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
_RELEASE = text(
    """
    UPDATE imports.outbox SET next_attempt_at = CASE WHEN published_at IS NOT NULL THEN now() END WHERE id = ANY(:ids)
    """
)
_FINISHED = text("DELETE FROM imports.outbox WHERE id = ANY(:ids)")


class TopicBusy(Transient):
    """Another relay is claiming of this topic at this moment."""


class Relay:
    """Publishes what waits in the outbox for some topics. Any number may run at once, in any process.

    `engine` must connect as a role that sees the outbox of every tenant (`winnow_relay`), and nothing else. `report` is
    told of what is relayed why it is not, and None when it is again.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        producer: Producer,
        topics: Sequence[Topic],
        limits: RelayLimits,
        *,
        report: Callable[[str, str | None], None] = lambda _what, _problem: None,
    ) -> None:
        self._engine = engine
        self._report = report
        self._producer = producer
        self._topics = {topic.name: topic for topic in topics}
        self._limits = limits
        self._awake = asyncio.Event()
        self._woken: set[str] = set()

    async def run(self) -> None:
        """Relay until cancelled. Whatever is away is waited for."""
        listening = asyncio.create_task(self._listen() if self._limits.listen else asyncio.sleep(0))
        try:
            looked_everywhere = -math.inf
            while True:
                woken, self._woken = self._woken, set()
                self._awake.clear()
                if time.monotonic() - looked_everywhere >= self._limits.poll.total_seconds():
                    looked_everywhere, woken = time.monotonic(), set(self._topics)
                for name in sorted(woken):
                    await self.drain(self._topics[name])
                await asyncio.sleep(_GATHERS)
                with contextlib.suppress(TimeoutError):
                    # Not `wait_for`, which can swallow a cancellation (Python 3.11).
                    async with asyncio.timeout(self._limits.poll.total_seconds()):
                        await self._awake.wait()
        finally:
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await listening

    async def drain(self, topic: Topic) -> None:
        """Publish all that may go out on a topic now."""
        for _attempt in range(_TRIES):
            try:
                while await self.relay_once(topic) == self._limits.batch:
                    pass
            except TopicBusy:
                # It may have looked before the event was there that woke us.
                await asyncio.sleep(random.uniform(0.01, 0.05))  # noqa: S311 - jitter, not a secret
            except Exception as error:
                expected = kind_of(error) is FailureKind.TRANSIENT
                log.warning("relay.failed", topic=topic.name, error=repr(error)[:500], exc_info=not expected)
                self._report(
                    _relay_of(topic), f"{topic.name} is not relayed: {type(error).__name__}: {str(error)[:200]}"
                )
                await asyncio.sleep(random.uniform(0.2, 1.0))  # noqa: S311 - jitter, not a secret
                return
            else:
                self._report(_relay_of(topic), None)
                return

    async def relay_once(self, topic: Topic) -> int:
        """Publish one batch; how many events it had.

        No transaction is open and no lock is held while the broker is waited for. An event is confirmed after the broker
        has it, so a crash in between publishes again, never not at all.

        Raises:
            TopicBusy: another relay is claiming of this topic.
        """
        rows = await self._claim(topic)
        if not rows:
            return 0
        taken: list[UUID] = []
        try:
            await self._publish(topic, rows, taken)
        finally:
            left = [row.id for row in rows if row.id not in taken]
            await self._confirm(topic, taken, left)
        for row in rows:
            metrics.EVENTS_PUBLISHED.labels(topic=topic.name, again=str(row.attempts > 0).lower()).inc()
        return len(rows)

    async def _claim(self, topic: Topic) -> Sequence[Row[Any]]:
        limits = self._limits
        async with self._engine.begin() as conn:
            if not (await conn.execute(_TURN, {"topic": topic.name})).one()[0]:
                raise TopicBusy
            claimed = await conn.execute(
                _CLAIM,
                {"topic": topic.name, "window": limits.window, "batch": limits.batch, "claim": limits.claim},
            )
            return sorted(claimed.all(), key=lambda row: (row.turn, row.created_at))

    async def _publish(self, topic: Topic, rows: Sequence[Row[Any]], taken: list[UUID]) -> None:
        """Publish all of them at once; those the broker has are in `taken`, whatever becomes of the others."""

        async def publish(row: Row[Any]) -> None:
            await self._producer.publish(topic.name, row.key.encode(), row.body, wire_headers(row.headers))
            taken.append(row.id)

        # Longer than the claim lasts there is nothing to wait for: the event is another relay's then. What is let go of
        # is let go of before that.
        async with asyncio.timeout(self._limits.claim.total_seconds() * 0.8):
            outcomes = await asyncio.gather(*(publish(row) for row in rows), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome

    async def _confirm(self, topic: Topic, taken: Sequence[UUID], left: Sequence[UUID]) -> None:
        """Say what is published, and let go of what is not. One statement each: nothing of it can be left open."""
        async with self._engine.connect() as connection:
            conn = await connection.execution_options(isolation_level="AUTOCOMMIT")
            if taken and topic.group is None:
                await conn.execute(_FINISHED, {"ids": taken})
            elif taken:
                await conn.execute(
                    _PUBLISHED,
                    {"ids": taken, "first": self._limits.reemit_after, "cap": self._limits.reemit_cap},
                )
            if left:
                await conn.execute(_RELEASE, {"ids": left})

    async def _listen(self) -> None:
        """Wake the relay when a transaction that touched the outbox has committed."""
        await listen(self._engine, CHANNEL, self._heard, name="winnow-relay", begun=self._wake_all)

    def _wake_all(self) -> None:
        for name in self._topics:
            self._heard(name)

    def _heard(self, name: str) -> None:
        if name in self._topics:
            self._woken.add(name)
            self._awake.set()


def _relay_of(topic: Topic) -> str:
    return f"relay of {topic.name}"
