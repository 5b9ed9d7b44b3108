"""How long whoever asks waits for an answer to begin, whatever is waited for on our side.

A server that is frozen takes what is sent to it, and its system confirms that: no timeout of a connection notices. Nor can what
waits for it be ended at once, for a connection is let go of in order. So it is left behind, and ends when it can.
"""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.who.bodies import is_streamed
from services.gateway.who.same_site import SAFE

LONGEST_SECONDS = 25.0
"""Longer than anybody may ask to be kept waiting (`wait`), and than a body may take to arrive."""


class NoAnswer(TimeoutError):
    """Nothing had been answered within the time. As any server that is away, it is a reason to try again."""


class Patience:
    """Ends the wait for an answer that does not begin in time. One that has begun takes the time it takes, as uploads do.

    What changes something goes on: it happens as a whole or not at all, and to ask again finds out. What only looks is ended.
    """

    def __init__(self, app: ASGIApp, *, longest_seconds: float = LONGEST_SECONDS) -> None:
        self._app = app
        self._longest_seconds = longest_seconds
        self._left_behind: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does.

        Raises:
            NoAnswer: it did not begin to.
        """
        if scope["type"] != "http" or is_streamed(scope["method"], scope["path"]):
            await self._app(scope, receive, send)
            return
        begun, given_up = asyncio.Event(), False

        async def sending(message: Message) -> None:
            if given_up:
                return
            begun.set()
            await send(message)

        async def answering() -> None:
            await self._app(scope, receive, sending)

        task, beginning = asyncio.create_task(answering()), asyncio.create_task(begun.wait())
        try:
            await asyncio.wait({task, beginning}, timeout=self._longest_seconds, return_when=asyncio.FIRST_COMPLETED)
            if not task.done() and not begun.is_set():
                given_up = True
                self._leave(task, ending=scope["method"] in SAFE)
                raise NoAnswer(f"no answer within {self._longest_seconds:g} s")
            await task
        except asyncio.CancelledError:
            task.cancel()
            raise
        finally:
            beginning.cancel()

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
