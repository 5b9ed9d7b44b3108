"""One event through one handler: retried, dead-lettered or quarantined, and then done with.

`Courier.deliver` returns only when the event needs no further delivery: its effect is committed, or the ledger and
the dead-letter topic say what became of it. The caller acknowledges after that, so a crash at any instant leads to
another delivery and never to a lost event.
"""

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol, cast

import structlog

from shared.events import Event, Topic
from shared.messaging.budget import DeadLetterBudget
from shared.messaging.dead_letters import Cause, DeadLetterWriter
from shared.messaging.envelope import Delivery, UnreadableEvent, open_envelope
from shared.messaging.failures import FailureKind, kind_of
from shared.messaging.limits import BudgetLimits, RetryLimits
from shared.observability import metrics
from shared.observability.health import Health

log = structlog.get_logger(__name__)


class Handler(Protocol):
    """What a stage does with an event. Nothing in it knows how events are delivered."""

    async def __call__(self, event: Any, delivery: Delivery, /) -> None:
        """Act on the event. Acting on it twice has the effect of acting once."""


class FailureLedger(Protocol):
    """Where failed attempts are counted and work is given up."""

    async def count_failure(self, event: Event) -> int | None:
        """Count a failed attempt at this very event; how many there were, None when the ledger does not wait for it."""

    async def give_up(self, event: Event, reference: str) -> None:
        """Report the rows the event was about as failed, with the reference; the import still ends."""


class Ending(Exception):
    """The process ends: the event was not acted on and is to be delivered again."""


Refuse = Callable[[Mapping[str, Any], str, Delivery], Awaitable[bool]]


async def refuse_nothing(_raw: Mapping[str, Any], _problem: str, _delivery: Delivery) -> bool:
    """For stages whose events only we publish: an unreadable one has no import to fail."""
    return False


class Courier:
    """Delivers the events of one topic to one handler; how many at once is its caller's to say."""

    def __init__(
        self,
        topic: Topic,
        handler: Handler,
        *,
        ledger: FailureLedger,
        dead_letters: DeadLetterWriter,
        health: Health,
        group: str | None = None,
        refuse: Refuse = refuse_nothing,
        retries: RetryLimits | None = None,
        budget: BudgetLimits | None = None,
        ending: asyncio.Event | None = None,
    ) -> None:
        self._ending = ending or asyncio.Event()
        self._topic = topic
        self._group = cast("str", group or topic.group)
        self._handler = handler
        self._ledger = ledger
        self._dead_letters = dead_letters
        self._health = health
        self._refuse = refuse
        self._retries = retries or RetryLimits()
        limits = budget or BudgetLimits()
        # Anybody can publish rubbish on a public topic; that must not stop the stage for everybody else.
        self._budget = DeadLetterBudget(replace(limits, tenants=max(2, limits.tenants)) if topic.is_public else limits)

    async def deliver(self, delivery: Delivery) -> bool:
        """See the event through; whether it was acted on, and not given up.

        Returns when it needs no further delivery; once the budget is spent, not before the process ends.

        Raises:
            Ending: the process ends, and the event waited for something or was not begun.
        """
        if self._ending.is_set():
            raise Ending
        await self._stop_when_spent()
        began = time.perf_counter()
        self._health.busy()
        with structlog.contextvars.bound_contextvars(
            topic=delivery.topic, event_id=delivery.event_id, traceparent=delivery.traceparent
        ):
            try:
                outcome = await self._retry_while_unavailable(lambda: self._attempt(delivery))
            finally:
                self._health.idle()
            metrics.EVENTS_HANDLED.labels(topic=self._topic.name, outcome=outcome).inc()
            metrics.HANDLING_SECONDS.labels(topic=self._topic.name).observe(time.perf_counter() - began)
        return outcome == "done"

    async def _attempt(self, delivery: Delivery) -> str:
        try:
            event = open_envelope(self._topic, delivery)
        except UnreadableEvent as unreadable:
            return await self._unreadable(delivery, unreadable)
        with structlog.contextvars.bound_contextvars(
            tenant=event.tenant_id,
            import_id=event.import_key,
            **({"chunk": event.part} if event.part else {}),
        ):
            failures = 0
            while True:
                try:
                    await self._handler(event, delivery)
                except Exception as error:
                    kind = kind_of(error)
                    if kind is FailureKind.TRANSIENT:
                        raise
                    if kind is FailureKind.POISON:
                        return await self._poison(event, delivery, error)
                    known = await self._ledger.count_failure(event)
                    failures = known or failures + 1
                    if failures >= self._retries.bug_attempts:
                        await self._quarantine(event, delivery, error, failures)
                        return "bug"
                    log.exception("event.failed", attempt=failures)
                    if known == self._retries.bug_attempts - 1 > 1:
                        # The last attempt is no hurry, and others need not wait for it: it comes from the outbox.
                        return "held"
                    metrics.EVENTS_RETRIED.labels(topic=self._topic.name, kind="bug").inc()
                    await self._pause(self._retries.pause(failures))
                else:
                    self._budget.acted_on()
                    return "done"

    async def _retry_while_unavailable(self, step: Callable[[], Awaitable[str]]) -> str:
        """Take a step, again and again while what it needs is away.

        What comes out of a step for another reason comes from giving an event up. It is held as well, in the open: an
        event that can neither be acted on nor given up must not be passed over.
        """
        attempt = 0
        while True:
            try:
                return await step()
            except Ending:
                raise
            except Exception as error:
                attempt += 1
                foreseen = kind_of(error) is FailureKind.TRANSIENT
                self._health.degrade(f"{type(error).__name__}: {str(error)[:200]}")
                metrics.EVENTS_RETRIED.labels(topic=self._topic.name, kind="transient" if foreseen else "bug").inc()
                log.log(
                    logging.WARNING if foreseen else logging.ERROR,
                    "event.waiting" if foreseen else "event.cannot_be_given_up",
                    attempt=attempt,
                    error=repr(error)[:500],
                    exc_info=None if foreseen else error,
                )
                await self._pause(self._retries.pause(attempt))

    async def _unreadable(self, delivery: Delivery, unreadable: UnreadableEvent) -> str:
        if unreadable.raw is not None and await self._refuse(unreadable.raw, unreadable.problem, delivery):
            log.warning("event.refused", problem=unreadable.problem)
            return "refused"
        cause = Cause(error=UnreadableEvent.__name__, message=unreadable.problem, attempt=1)
        await self._dead_letter(delivery, cause)
        if not self._topic.is_public:
            self._budget.dead_lettered()
        return "poison"

    async def _poison(self, event: Event, delivery: Delivery, error: BaseException) -> str:
        """Pass over an event that makes no sense here.

        One that the ledger waits for is ours, and may make sense to a process of another release: it is held, which is
        to say that it comes again from the outbox, ever later. When it has made no sense to anybody it is given up.
        """
        attempts = await self._ledger.count_failure(event)
        if attempts is None:
            log.error("event.poison", error=repr(error))
            await self._dead_letter(delivery, Cause(error=type(error).__name__, message=str(error), attempt=1))
            if not self._topic.is_public:
                self._budget.dead_lettered(event.tenant_id)
            return "poison"
        if attempts < self._retries.poison_attempts:
            log.error("event.held", error=repr(error), attempt=attempts)
            return "held"
        await self._quarantine(event, delivery, error, attempts)
        return "poison"

    async def _quarantine(self, event: Event, delivery: Delivery, error: BaseException, attempt: int) -> None:
        reference = f"W-{secrets.token_hex(4).upper()}"
        log.error("event.quarantined", reference=reference, attempt=attempt, exc_info=error)
        # Dead-lettered first: if this process dies in between, the attempt is made and counted once more.
        await self._dead_letter(
            delivery,
            Cause(error=type(error).__name__, message=str(error), attempt=attempt, reference=reference),
        )
        await self._ledger.give_up(event, reference)
        self._budget.dead_lettered(event.tenant_id)

    async def _dead_letter(self, delivery: Delivery, cause: Cause) -> None:
        await self._dead_letters.write(delivery, cause, stage=self._group)

    async def _stop_when_spent(self) -> None:
        if (why := self._budget.spent) is None:
            return
        self._health.stop(
            f"stopped: {why}; nothing more is taken from {self._topic.name} by this process. Look at them with "
            f"`winnow dead-letters list`, fix the cause, restart the stage, then `winnow dead-letters redrive`"
        )
        log.critical("stage.stopped", why=why)
        await self._pause(None)

    async def _pause(self, seconds: float | None) -> None:
        """Wait (None: for good), but not longer than the process lives."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ending.wait()
                raise Ending
