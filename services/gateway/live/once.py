"""What many ask for at the same moment is found out once."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Once(Generic[T]):
    """Answers that hold for so many seconds, and are shared by all who ask for the same meanwhile. Failures are not kept."""

    def __init__(self, seconds: float, *, most: int = 1_000) -> None:
        self._seconds = seconds
        self._most = most
        self._known: dict[Hashable, tuple[float, asyncio.Task[T]]] = {}

    async def of(self, key: Hashable, find: Callable[[], Awaitable[T]], *, or_older: float = 0) -> T:
        """The answer for a key: one that is there, or is being found, or is found now.

        One that is at most `or_older` seconds old will do, too: then a newer one is found meanwhile, for whoever asks next.
        """
        now = time.monotonic()
        since, task = self._known.get(key, (0.0, None))
        if task is None or now - since > self._seconds or _failed(task):
            self._forget(now)

            async def found() -> T:
                return await find()

            older, task = task, asyncio.create_task(found())
            task.add_done_callback(_failed)
            self._known[key] = (now, task)
            if older is not None and older.done() and not _failed(older) and now - since <= or_older:
                return older.result()
        # Whoever leaves does not take it from the others.
        return await asyncio.shield(task)

    def forget(self) -> None:
        """Find everything out anew from now on: something has been done to it."""
        self._known.clear()

    def _forget(self, now: float) -> None:
        old = [key for key, (since, task) in self._known.items() if task.done() and now - since > self._seconds]
        for key in old:
            del self._known[key]
        while len(self._known) >= self._most:
            del self._known[next(iter(self._known))]


def _failed(task: "asyncio.Task[object]") -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
