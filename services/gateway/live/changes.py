"""Changes of imports, as Postgres announces them (0005_live.sql): one connection a process listens for all who wait.

What is announced are ids. Whoever is told reads anew what it shows, as the tenant it shows it to. Nothing is promised of a
single announcement: two may come as one, and one may come for nothing.
"""

import asyncio
import contextlib
import itertools
import secrets
import time
from collections import defaultdict
from collections.abc import AsyncGenerator
from uuid import UUID

import asyncpg
import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.db.engine import connect_directly

log = structlog.get_logger(__name__)

CHANNEL = "winnow_imports"

_NOTIFY = text("SELECT pg_notify(:channel, :payload)")
# What this process says to itself, to know that it hears. No tenant's name begins so.
_ECHO = "?"
_Key = tuple[str | None, str | None]
_AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, SQLAlchemyError, TimeoutError)


class Live:
    """Tells whoever waits that an import has changed.

    While nothing can be heard (the connection is lost, or a pooler in between passes nothing on) everybody is told every
    `poll` seconds that something may have.
    """

    def __init__(
        self, engine: AsyncEngine, *, at_most_every: float = 0.5, poll: float = 2.0, check: float = 20.0
    ) -> None:
        """`engine` is the database as any role. Who waits is told once in `at_most_every` seconds at most."""
        self._engine = engine
        self._at_most_every = at_most_every
        self._poll = poll
        self._check = check
        self._waiting: defaultdict[_Key, set[asyncio.Event]] = defaultdict(set)
        self._announced = itertools.count(1)
        self._told: dict[_Key, int] = {}
        self._listening = False
        self._echo: tuple[str, asyncio.Event] | None = None

    @property
    def listening(self) -> bool:
        """Whether announcements are heard at this moment."""
        return self._listening

    @property
    def waiting(self) -> int:
        """How many wait for a change."""
        return sum(len(events) for events in self._waiting.values())

    def told(self, tenant: str, import_id: UUID) -> int:
        """A number that is another one after each announcement of an import that somebody waits for."""
        return self._told.get((tenant, str(import_id)), 0)

    async def changes(
        self, tenant: str | None, import_id: UUID | None = None, *, at_least_every: float | None = None
    ) -> AsyncGenerator[bool]:
        """Once at once; then whenever an import of the tenant (this import; of all tenants, with None) may have changed.

        With `at_least_every`, also when so many seconds have passed without: then what it says is false. Ends when whoever
        iterates does.
        """
        key = (tenant, None if import_id is None else str(import_id))
        changed, may_have = asyncio.Event(), True
        self._waiting[key].add(changed)
        self._told.setdefault(key, next(self._announced))
        try:
            while True:
                changed.clear()
                told = time.monotonic()
                yield may_have
                # Let what belongs together come together.
                await asyncio.sleep(max(0.0, told + self._at_most_every - time.monotonic()))
                may_have = await self._changed(changed, at_least_every)
        finally:
            self._waiting[key].discard(changed)
            if not self._waiting[key]:
                del self._waiting[key]
                self._told.pop(key, None)

    async def _changed(self, changed: asyncio.Event, at_least_every: float | None) -> bool:
        """Wait for a change, or for the time to pass; whether there may have been one."""
        deadline = None if at_least_every is None else time.monotonic() + at_least_every
        while not changed.is_set():
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                return False
            # Also while it listens it looks up now and then: it may have gone deaf meanwhile.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._poll if left is None else min(left, self._poll)):
                    await changed.wait()
            if not self._listening:
                return True
        return True

    async def run(self) -> None:
        """Listen until cancelled. A connection that is lost, or hears nothing, is made anew."""
        while True:
            try:
                await self._listen()
            except _AWAY as error:
                log.warning("live.deaf", error=repr(error))
            self._listening = False
            self._wake_all()
            await asyncio.sleep(1)

    async def _listen(self) -> None:
        connection = await connect_directly(self._engine, name="winnow-gateway-live")
        try:
            gone = asyncio.Event()
            connection.add_termination_listener(lambda _connection: gone.set())
            await connection.add_listener(CHANNEL, self._heard)
            while not gone.is_set():
                await self._hear_itself(gone)
                if not self._listening:
                    self._listening = True
                    # What happened before was not heard.
                    self._wake_all()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._check):
                        await gone.wait()
        finally:
            connection.terminate()

    async def _hear_itself(self, gone: asyncio.Event) -> None:
        """Announce something by another connection, and hear it.

        Raises:
            TimeoutError: it is not heard.
        """
        echo = asyncio.Event()
        self._echo = (f"{_ECHO}{secrets.token_hex(8)}", echo)
        async with self._engine.begin() as conn:
            await conn.execute(_NOTIFY, {"channel": CHANNEL, "payload": self._echo[0]})
        async with asyncio.timeout(self._check / 2):
            heard, lost = asyncio.ensure_future(echo.wait()), asyncio.ensure_future(gone.wait())
            try:
                await asyncio.wait({heard, lost}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                heard.cancel()
                lost.cancel()

    def _heard(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        if not isinstance(payload, str):
            return
        if payload.startswith(_ECHO):
            if self._echo is not None and self._echo[0] == payload:
                self._echo[1].set()
            return
        tenant, _, import_id = payload.partition(":")
        for key in ((tenant, import_id), (tenant, None), (None, None)):
            if waiting := self._waiting.get(key):
                self._told[key] = next(self._announced)
                for changed in waiting:
                    changed.set()

    def _wake_all(self) -> None:
        for key, events in self._waiting.items():
            self._told[key] = next(self._announced)
            for changed in events:
                changed.set()
