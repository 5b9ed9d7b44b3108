"""From the table of deliveries to those they are for: a few at once, each by one process at a time, until delivered or given up."""

import asyncio
import contextlib
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notifier import repository
from services.notifier.mail import Mailer
from services.notifier.outcomes import Delivered, GivenUp, Missed, Outcome
from services.notifier.post import Post
from services.notifier.repository import Claimed
from services.notifier.settings import NotifierSettings
from shared.db.transaction import tenant_transaction
from shared.messaging.failures import FailureKind, kind_of
from shared.observability import metrics
from shared.states import DeliveryKind
from shared.webhooks.signing import signed_headers

log = structlog.get_logger(__name__)

# Before the lease is over: what cannot be written down by then is somebody else's.
_MARGIN = 2.0
# Of the grace period of a process that is told to end.
_LEAVING = 3.0
# Of the time between two tries: receivers that came back are not all asked in one instant.
_JITTER = 0.1


@dataclass
class Sender:
    """Sends what is due, for as long as `run` runs. Any number may run at once.

    A delivery is leased, never locked: nothing is open while a receiver is waited for. Whoever dies between sending and
    writing down leaves it to be sent again, under the same id, when its lease is over.
    """

    engine: AsyncEngine
    post: Post
    mailer: Mailer | None
    settings: NotifierSettings
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    _in_hand: set["asyncio.Task[None]"] = field(default_factory=set)

    def wake(self) -> None:
        """There is something to send."""
        self.woken.set()

    async def run(self) -> None:
        """Send until cancelled. Whatever is away is waited for."""
        try:
            while True:
                self.woken.clear()
                if room := self.settings.at_once - len(self._in_hand):
                    for claimed in await self._claim(room):
                        self._begin(claimed)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self.settings.poll_seconds):
                        await self.woken.wait()
        finally:
            # What is in hand is sent to its end where that is soon: cut off, it would be sent once more.
            if self._in_hand:
                await asyncio.wait(self._in_hand, timeout=_LEAVING)
            for task in self._in_hand:
                task.cancel()

    async def publish_gauges(self) -> None:
        """Keep the gauges that operators watch."""
        async with self.engine.connect() as conn:
            waiting = await repository.waiting(conn)
        for kind in DeliveryKind:
            number, oldest = waiting.get(kind, (0, 0.0))
            metrics.DELIVERIES_WAITING.labels(kind=kind).set(number)
            metrics.OLDEST_DELIVERY_SECONDS.labels(kind=kind).set(oldest)

    async def _claim(self, room: int) -> Sequence[Claimed]:
        try:
            async with self.engine.begin() as conn:
                return await repository.claim(
                    conn,
                    room=room,
                    each=self.settings.at_once_each,
                    of_tenant=self.settings.at_once_tenant,
                    lease=timedelta(seconds=self.settings.lease_seconds),
                )
        except Exception as error:
            # What is in hand is sent to its end meanwhile.
            if kind_of(error) is not FailureKind.TRANSIENT:
                raise
            log.warning("deliveries.not_looked_for", error=repr(error)[:500])
            return ()

    def _begin(self, claimed: Claimed) -> None:
        task = asyncio.create_task(self._see_through(claimed, time.monotonic() + self.settings.lease_seconds - _MARGIN))
        self._in_hand.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._in_hand.discard(task)
        # There is room for another, and another of the same webhook may be due.
        self.woken.set()

    async def _see_through(self, claimed: Claimed, until: float) -> None:
        with structlog.contextvars.bound_contextvars(
            tenant=claimed.tenant_id, delivery=str(claimed.id), kind=claimed.kind.value
        ):
            try:
                outcome = await self._send(claimed)
                await self._write_down(claimed, outcome, until)
            except Exception:
                # The lease ends, and it is tried again.
                log.exception("delivery.not_seen_through")

    async def _send(self, claimed: Claimed) -> Outcome:
        if claimed.kind is DeliveryKind.EMAIL:
            if self.mailer is None or claimed.recipient is None:
                return Missed("There is no mail server by the settings")
            return await self.mailer.send(claimed.id, claimed.recipient, claimed.body)
        assert claimed.webhook_id is not None
        async with tenant_transaction(self.engine, claimed.tenant_id) as conn:
            webhook = await repository.read_webhook(conn, claimed.webhook_id, overlap=self.settings.rotation_overlap)
        if webhook is None or not webhook.active:
            return GivenUp("The webhook is not active")
        body = claimed.body.encode()
        headers = signed_headers(
            self.settings.signing_key.get_secret_value(),
            webhook.id,
            webhook.versions,
            delivery_id=claimed.id,
            at=datetime.now(UTC),
            body=body,
        )
        return await self.post.send(webhook.url, body, headers)

    async def _write_down(self, claimed: Claimed, outcome: Outcome, until: float) -> None:
        """Write down what a try came to, again while the database is away and the delivery is in hand."""
        pause = self._pause(claimed, outcome)
        while True:
            try:
                written = await self._settle(claimed, outcome, pause)
            except Exception as error:
                if kind_of(error) is not FailureKind.TRANSIENT or time.monotonic() >= until:
                    raise
                log.warning("delivery.not_written_down", error=repr(error)[:500])
                await asyncio.sleep(0.5)
            else:
                break
        name = _name(outcome, pause) if written else "overtaken"
        metrics.DELIVERIES.labels(kind=claimed.kind, outcome=name).inc()
        log.info(
            "delivery.tried",
            outcome=name,
            webhook=None if claimed.webhook_id is None else str(claimed.webhook_id),
            status=outcome.status,
            tries=claimed.tries,
            problem=None if isinstance(outcome, Delivered) else outcome.problem,
        )

    async def _settle(self, claimed: Claimed, outcome: Outcome, pause: timedelta | None) -> bool:
        async with tenant_transaction(self.engine, claimed.tenant_id) as conn:
            if not await repository.settle(conn, claimed, outcome, pause):
                return False
            if (webhook := claimed.webhook_id) is None:
                return True
            if isinstance(outcome, Delivered):
                await repository.webhook_works(conn, webhook)
                return True
            since = await repository.webhook_fails(conn, webhook, disable_after=self.settings.disable_after)
            why = None
            if isinstance(outcome, GivenUp) and outcome.gone:
                why = outcome.problem
            elif since is not None:
                why = f"every try since {since.astimezone(UTC):%Y-%m-%d %H:%M} UTC has failed; the last: {outcome.problem}"
            disabled = why is not None and await repository.disable_webhook(conn, webhook, why)
        if disabled:
            metrics.WEBHOOKS_DISABLED.inc()
            log.warning("webhook.disabled", webhook=str(webhook), why=why)
        return True

    def _pause(self, claimed: Claimed, outcome: Outcome) -> timedelta | None:
        pauses = self.settings.retry_after_seconds
        if not isinstance(outcome, Missed) or claimed.step >= len(pauses):
            return None
        pause = pauses[claimed.step] * (1 + random.uniform(0, _JITTER))  # noqa: S311 - jitter, not a secret
        return timedelta(seconds=max(pause, outcome.not_before))


def _name(outcome: Outcome, pause: timedelta | None) -> str:
    if isinstance(outcome, Delivered):
        return "delivered"
    return "missed" if pause is not None else "given_up"
