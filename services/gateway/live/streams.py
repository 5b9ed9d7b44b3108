"""Server-sent events: the whole state at once and after each change, so that a message that is lost costs nothing."""

import contextlib
import hashlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fastapi.responses import StreamingResponse

from services.gateway.live.changes import Live
from services.gateway.people import Person
from services.gateway.problems import Refused, unforeseen

MEDIA_TYPE = "text/event-stream"
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_RETRY_MS = 3_000
_COMMENT_EVERY = 15.0
# Whoever still looks then comes again, and is asked again who it is.
_LONGEST = 600.0
_STILL = 5.0
_AWAY = "unavailable"


@dataclass(frozen=True)
class Shown:
    """What is shown at a moment: `data` of any lines, and the `id` that it keeps while it is the same.

    `ended`: it will not change any more, and the stream ends. `moves`: it also changes by time passing.
    """

    id: str
    data: str
    ended: bool = False
    moves: bool = True

    @classmethod
    def named(cls, data: str, *, ended: bool = False, moves: bool = True) -> "Shown":
        """The same of data that has no name of its own: its digest is one."""
        return cls(hashlib.sha256(data.encode()).hexdigest()[:16], data, ended=ended, moves=moves)


Look = Callable[[], Awaitable[Shown | None]]
"""Reads what is to be shown; None when there is nothing any more."""


class Streams:
    """The streams of one process. Each costs a place: there are so many for everybody, and so many for one person."""

    def __init__(self, live: Live, *, most: int, most_of_one: int) -> None:
        self._live = live
        self._most = most
        self._most_of_one = most_of_one
        self._open: Counter[tuple[str | None, str]] = Counter()

    @property
    def open(self) -> int:
        """How many are open."""
        return self._open.total()

    def stream(
        self, person: Person, look: Look, *, tenant: str | None, import_id: UUID | None = None
    ) -> StreamingResponse:
        """An answer that shows what `look` finds, at once and after each change of the import (of any of the tenant).

        Raises:
            Refused: too many are open; whoever asks polls meanwhile.
        """
        whose = (person.tenant, person.user)
        if self.open >= self._most or self._open[whose] >= self._most_of_one:
            raise Refused(
                "too-many-requests", "Too many live pages are open; ask again.", headers={"Retry-After": "10"}
            )
        return _Stream(self._events(look, tenant, import_id), lambda: self._take(whose), lambda: self._give_back(whose))

    def _take(self, whose: tuple[str | None, str]) -> None:
        self._open[whose] += 1

    def _give_back(self, whose: tuple[str | None, str]) -> None:
        self._open[whose] -= 1
        if not self._open[whose]:
            del self._open[whose]

    async def _events(self, look: Look, tenant: str | None, import_id: UUID | None) -> AsyncIterator[bytes]:
        yield f"retry: {_RETRY_MS}\n\n".encode()
        shown: Shown | None = None
        until = time.monotonic() + _LONGEST
        said = time.monotonic()
        # By time passing alone the rate, the time left, and how long nothing has moved are other ones.
        async with contextlib.aclosing(self._live.changes(tenant, import_id, at_least_every=_STILL)) as changes:
            async for may_have_changed in changes:
                last = shown
                if shown is None or may_have_changed or shown.moves:
                    try:
                        shown = await look()
                    except Exception as error:  # noqa: BLE001 - logged with its reference
                        if unforeseen(error, method="GET", path=f"live:{tenant}:{import_id}").kind.slug != _AWAY:
                            # Whoever looks comes again, and is answered like anybody else.
                            return
                    else:
                        if shown is None:
                            yield _event("gone", event="end")
                            return
                if shown is not None and (last is None or shown.id != last.id):
                    said = time.monotonic()
                    yield _event(shown.data, name=shown.id)
                elif time.monotonic() - said >= _COMMENT_EVERY - _STILL:
                    said = time.monotonic()
                    yield b": \n\n"
                if shown is not None and shown.ended:
                    yield _event("ended", event="end", name=shown.id)
                    return
                if time.monotonic() > until:
                    return


def _event(data: str, *, event: str | None = None, name: str | None = None) -> bytes:
    lines = [] if name is None else [f"id: {name}"]
    lines += [] if event is None else [f"event: {event}"]
    lines += [f"data: {line}" for line in data.splitlines() or [""]]
    return ("\n".join(lines) + "\n\n").encode()


class _Stream(StreamingResponse):
    """Holds its place from the first byte to the last, however it ends."""

    def __init__(self, events: AsyncIterator[bytes], take: Callable[[], None], give_back: Callable[[], None]) -> None:
        super().__init__(events, media_type=MEDIA_TYPE, headers=_HEADERS)
        self._take, self._give_back = take, give_back

    async def __call__(self, *asgi: Any) -> None:
        self._take()
        try:
            await super().__call__(*asgi)
        finally:
            self._give_back()
