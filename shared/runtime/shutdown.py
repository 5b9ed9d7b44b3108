"""How a process ends when it is told to: in order, within its grace period whatever hangs, at once when told twice."""

import asyncio
import os
import signal
import threading
import time
from types import FrameType


class Shutdown:
    """The end of this process.

    The first SIGTERM or SIGINT sets `told`, and from then on the process has `grace` seconds. After them it ends even
    when its event loop, a thread or a server it talks to hangs: nothing is lost by that, for an event is acknowledged
    after its effect, and what was begun in a transaction is rolled back.
    """

    def __init__(self, grace: float) -> None:
        self.told = asyncio.Event()
        self._grace = grace
        self._deadline: float | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def listen(self) -> None:
        """Take signals from here on. Before there is a loop nothing has been begun, and a signal ends the process."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._signalled)

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Have `told` set in this loop."""
        self._loop = loop

    def begin(self, code: int) -> None:
        """Let the grace period begin; when it is over, the process ends with this code. Again is harmless."""
        if self._deadline is None:
            self._deadline = time.monotonic() + self._grace
            # A thread and not the loop: what hangs may be the loop itself, or a thread that Python would wait for.
            last = threading.Timer(self._grace, os._exit, (code,))
            last.daemon = True
            last.start()

    @property
    def left(self) -> float:
        """Seconds of the grace period that are left."""
        return self._grace if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    def _signalled(self, _number: int, _frame: FrameType | None) -> None:
        if self._loop is None or self._deadline is not None:
            os._exit(0)
        self.begin(0)
        self._loop.call_soon_threadsafe(self.told.set)
