"""Work that takes longer than an event should be held: a few at a time, beside the consumer.

For events the ledger has already taken over: should the process die, the outbox brings the event again, so it can be
acknowledged before the work is done, and what comes behind it on its partition need not wait.
"""

import asyncio
from collections.abc import Awaitable, Callable

from shared.messaging.delivery import Ending
from shared.messaging.envelope import Delivery


class Background:
    """Runs `work` for deliveries, at most `slots` at once."""

    def __init__(self, work: Callable[[Delivery], Awaitable[object]], slots: int) -> None:
        self._work = work
        self._free = asyncio.Semaphore(slots)
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    async def submit(self, delivery: Delivery) -> None:
        """Begin the work; returns when there was a free slot for it. Once closed, the outbox keeps it for others."""
        await self._free.acquire()
        if self._closed:
            self._free.release()
            return
        task = asyncio.create_task(self._run(delivery))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End what is being worked on, and begin nothing more. Who waits for a slot is told at once."""
        self._closed = True
        self._free.release()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, delivery: Delivery) -> None:
        try:
            await self._work(delivery)
        except Ending:
            # The outbox has the event.
            return
        finally:
            self._free.release()
