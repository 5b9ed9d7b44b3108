"""Deliveries of several tenants side by side: a tenant's large chunk does not hold up what others have small.

Each tenant has a lane, in which one delivery is acted on at a time and in the order they came; so many lanes move at once,
in turn. What is held here is not acknowledged, so whatever ends the process, it comes again.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

import orjson
import structlog

from shared.messaging.envelope import Delivery

log = structlog.get_logger(__name__)

_HELD = 32
"""Deliveries that wait for their turn here; beyond them Kafka keeps what comes."""

Act = Callable[[], Awaitable[None]]


def tenant_of(delivery: Delivery) -> str:
    """Whose an event is; those that cannot be read are all one sender's."""
    try:
        said = orjson.loads(delivery.body)
    except orjson.JSONDecodeError:
        return ""
    return str(said.get("tenant_id", "")) if isinstance(said, dict) else ""


class Lanes:
    """Acts on what is submitted, at most `at_once` tenants' at a time and one of each."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._room = asyncio.Semaphore(_HELD)
        self._waiting: dict[str, deque[Act]] = {}
        self._moving: dict[str, asyncio.Task[None]] = {}
        self._closed = False

    async def submit(self, tenant: str, act: Act) -> None:
        """Have something done when it is the tenant's turn; returns at once while there is room. Once closed, it is dropped."""
        await self._room.acquire()
        if self._closed:
            self._room.release()
            return
        self._waiting.setdefault(tenant, deque()).append(act)
        self._move()

    async def close(self) -> None:
        """Begin nothing more, and return when what was begun is done."""
        self._closed = True
        self._waiting.clear()
        # Whoever waits for room is told at once.
        self._room.release()
        await asyncio.gather(*self._moving.values(), return_exceptions=True)

    def _move(self) -> None:
        for tenant in [tenant for tenant in self._waiting if tenant not in self._moving]:
            if len(self._moving) >= self._at_once:
                return
            acts = self._waiting.pop(tenant)
            act = acts.popleft()
            if acts:
                # Behind all others that wait.
                self._waiting[tenant] = acts
            self._moving[tenant] = asyncio.create_task(self._run(tenant, act))

    async def _run(self, tenant: str, act: Act) -> None:
        try:
            await act()
        except Exception:
            # It was not acknowledged, so it comes again.
            log.exception("event.not_delivered")
        finally:
            self._room.release()
            del self._moving[tenant]
            self._move()


class Offsets:
    """How far each partition has been acted on without a gap, when deliveries end in another order than they came."""

    def __init__(self) -> None:
        self._begun: dict[int, dict[int, bool]] = {}

    def begin(self, delivery: Delivery) -> None:
        """A delivery is in hand."""
        self._begun.setdefault(delivery.partition, {})[delivery.offset] = False

    def end(self, delivery: Delivery) -> int | None:
        """A delivery needs no other; the offset up to which its partition is done with now, None when it is as before."""
        begun = self._begun.get(delivery.partition, {})
        if delivery.offset in begun:
            begun[delivery.offset] = True
        done = None
        while begun and (first := next(iter(begun))) is not None and begun[first]:
            del begun[first]
            done = first + 1
        return done
