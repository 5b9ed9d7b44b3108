"""How long whoever asks waits for an answer to begin, whatever is waited for on our side.

A server that is frozen takes what is sent to it, and its system confirms that: no timeout of a connection notices. Nor can what
waits for it be ended at once, for a connection is let go of in order. So it is left behind, and ends when it can.
"""

import asyncio
import time
from collections.abc import Awaitable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.who.bodies import is_streamed
from services.gateway.who.same_site import SAFE

LONGEST_SECONDS, LONGEST_UPLOAD_SECONDS = 25.0, 60.0
"""Longer than anybody may ask to be kept waiting (`wait`), and than a file waits for a piece of memory."""


class NoAnswer(TimeoutError):
    """Nothing had been answered within the time. As any server that is away, it is a reason to try again."""


class Patience:
    """Ends the wait for an answer that does not begin in time. One that has begun takes the time it takes.

    While more is waited for of whoever asks, the time does not run; how long that may be is not decided here. What changes
    something goes on: it happens as a whole or not at all, and to ask again finds out. What only looks is ended.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        longest_seconds: float = LONGEST_SECONDS,
        longest_upload_seconds: float = LONGEST_UPLOAD_SECONDS,
    ) -> None:
        self._app = app
        self._longest, self._longest_upload = longest_seconds, longest_upload_seconds
        self._left_behind: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does.

        Raises:
            NoAnswer: it did not begin to.
        """
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        longest = self._longest_upload if is_streamed(scope["method"], scope["path"]) else self._longest
        waiting = _Waiting(receive, send)
        task = asyncio.create_task(_awaited(self._app(scope, waiting.receive, waiting.send)))
        try:
            if not await waiting.answered(task, longest):
                self._leave(task, ending=scope["method"] in SAFE)
                raise NoAnswer(f"no answer within {longest:g} s")
            await task
        except asyncio.CancelledError:
            task.cancel()
            raise

    def _leave(self, task: "asyncio.Task[None]", *, ending: bool) -> None:
        self._left_behind.add(task)
        task.add_done_callback(self._forget)
        if ending:
            task.cancel()

    def _forget(self, task: "asyncio.Task[None]") -> None:
        self._left_behind.discard(task)
        if not task.cancelled():
            # Whoever asked has been told; what came of it is nobody's any more.
            task.exception()


class _Waiting:
    """Who asks, while an answer is waited for."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self._begun, self._given_up = asyncio.Event(), False
        self._since: float | None = time.monotonic()

    async def receive(self) -> Message:
        """What comes next of who asks."""
        self._since = None
        try:
            return await self._receive()
        finally:
            self._since = time.monotonic()

    async def send(self, message: Message) -> None:
        """A part of the answer; nobody's, when it comes too late."""
        if not self._given_up:
            self._begun.set()
            await self._send(message)

    async def answered(self, task: "asyncio.Task[None]", longest: float) -> bool:
        """Wait until the answer begins, or the task is over; False when it has taken longer than that."""
        beginning = asyncio.create_task(self._begun.wait())
        try:
            while not task.done() and not self._begun.is_set():
                left = longest if self._since is None else self._since + longest - time.monotonic()
                self._given_up = left <= 0
                if self._given_up:
                    return False
                await asyncio.wait({task, beginning}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        finally:
            beginning.cancel()
        return True


async def _awaited(answering: Awaitable[None]) -> None:
    await answering
