"""What stands in front of Postgres elsewhere: TLS, and a pooler that hands out transactions.

The server of the local stack is built without TLS, and a pooler of the system would have to be installed. Both speak
Postgres's protocol (version 3) as far as our clients use it, and are stricter than the real ones where that shows more.
"""

import asyncio
import contextlib
import ssl
import struct
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

_TLS_WANTED, _GSS_WANTED, _CANCEL = 80877103, 80877104, 80877102
# What PgBouncer takes in the first message without being told to.
_KNOWN = {
    "user",
    "database",
    "application_name",
    "client_encoding",
    "datestyle",
    "timezone",
    "standard_conforming_strings",
}

_Session = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


@asynccontextmanager
async def tls_front(server_port: int, context: ssl.SSLContext) -> AsyncIterator[int]:
    """A port that speaks TLS, and nothing else, for the server behind it."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            code, _ = await _startup(reader)
            if code != _TLS_WANTED:
                writer.write(_error("28000", "no entry for this host without encryption"))
                await writer.drain()
                return
            writer.write(b"S")
            await writer.start_tls(context)
            upstream_reader, upstream = await asyncio.open_connection("127.0.0.1", server_port)
            try:
                await _both(_copied(reader, upstream), _copied(upstream_reader, writer))
            finally:
                upstream.close()

    async with _serving(serve) as port:
        yield port


@dataclass
class TransactionPooler:
    """Each transaction gets the server connection that has been idle for longest: rarely the one before.

    `passwords` are those the roles have at the server; clients are let in without.
    """

    server_port: int
    size: int = 4
    transactions: int = 0
    _free: dict[tuple[str, str], deque["_Server"]] = field(default_factory=lambda: defaultdict(deque))
    _room: dict[tuple[str, str], asyncio.Semaphore] = field(default_factory=dict)
    _opened: list["_Server"] = field(default_factory=list)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[int]:
        """Its port."""
        async with _serving(self._serve) as port:
            yield port
        for server in self._opened:
            server.writer.transport.abort()
        await _closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            code, told = await _startup(reader)
            while code in {_TLS_WANTED, _GSS_WANTED}:
                writer.write(b"N")
                code, told = await _startup(reader)
            if code != _CANCEL:
                await self._session(reader, writer, told)

    async def _session(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, told: Mapping[str, str]
    ) -> None:
        if unknown := sorted(told.keys() - _KNOWN):
            writer.write(_error("08P01", f"unsupported startup parameter: {unknown[0]}"))
            await writer.drain()
            return
        key = (told["user"], told.get("database", told["user"]))
        first = await self._acquire(key)
        writer.write(b"R" + struct.pack("!II", 8, 0) + first.greeting + b"Z" + struct.pack("!I", 5) + b"I")
        self._release(key, first)
        server: _Server | None = None
        answers: asyncio.Task[None] | None = None
        try:
            while True:
                kind, message = await _message(reader)
                if kind == b"X":
                    return
                if answers is not None and answers.done():
                    answers.result()
                    server = answers = None
                if server is None:
                    server = await self._acquire(key)
                    answers = asyncio.create_task(self._answer(key, server, writer))
                server.asked += kind in {b"Q", b"S", b"F"}
                server.writer.write(message)
                await server.writer.drain()
        finally:
            if answers is not None and not answers.done():
                # Whoever leaves in the middle of a transaction takes the connection along.
                answers.cancel()
                assert server is not None
                server.writer.close()
                self._room[key].release()

    async def _answer(self, key: tuple[str, str], server: "_Server", writer: asyncio.StreamWriter) -> None:
        """Hand on what the server says until the transaction has ended and nothing more is asked."""
        while True:
            kind, message = await _message(server.reader)
            if kind == b"Z":
                server.asked -= 1
                if server.asked == 0 and message[-1:] == b"I":
                    # Free before the client hears of it: it may ask for the next one at once.
                    self.transactions += 1
                    self._release(key, server)
                    writer.write(message)
                    return
            writer.write(message)
            await writer.drain()

    async def _acquire(self, key: tuple[str, str]) -> "_Server":
        room = self._room.setdefault(key, asyncio.Semaphore(self.size))
        await room.acquire()
        if sum(server.key == key for server in self._opened) < self.size or not self._free[key]:
            server = await _Server.connected(self.server_port, key)
            self._opened.append(server)
            return server
        return self._free[key].popleft()

    def _release(self, key: tuple[str, str], server: "_Server") -> None:
        self._free[key].append(server)
        self._room[key].release()


@dataclass
class _Server:
    """A connection to the server, which lets us in without a password."""

    key: tuple[str, str]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    greeting: bytes
    asked: int = 0

    @classmethod
    async def connected(cls, port: int, key: tuple[str, str]) -> "_Server":
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(TRUSTED, 0))
        told = b"".join(part.encode() + b"\0" for part in ("user", key[0], "database", key[1]))
        writer.write(struct.pack("!II", len(told) + 9, 196608) + told + b"\0")
        greeting = b""
        while True:
            kind, message = await _message(reader)
            assert kind != b"E", message
            if kind == b"Z":
                return cls(key, reader, writer, greeting)
            if kind in {b"S", b"K"}:
                greeting += message


TRUSTED = "127.0.0.2"
"""Where the pooler comes from; the server has to let all roles in from there."""


@asynccontextmanager
async def _serving(serve: _Session) -> AsyncIterator[int]:
    sessions: set[asyncio.Task[None]] = set()

    async def session(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        finally:
            writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(session(reader, writer))
        sessions.add(task)
        task.add_done_callback(sessions.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(sessions):
            task.cancel()
        await asyncio.gather(*sessions, return_exceptions=True)
        await _closed()


async def _closed() -> None:
    """Let the loop close what it was told to close: it does so in its next turns."""
    for _ in range(3):
        await asyncio.sleep(0)


async def _startup(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    (length,) = struct.unpack("!I", await reader.readexactly(4))
    body = await reader.readexactly(length - 4)
    (code,) = struct.unpack("!I", body[:4])
    parts = body[4:].rstrip(b"\0").decode().split("\0") if code == 196608 else []
    return code, {
        name.lower() if name != "TimeZone" else "timezone": said
        for name, said in zip(parts[::2], parts[1::2], strict=False)
    }


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readexactly(5)
    (length,) = struct.unpack("!I", head[1:])
    return head[:1], head + await reader.readexactly(length - 4)


def _error(state: str, said: str) -> bytes:
    fields = b"".join(
        kind + text.encode() + b"\0" for kind, text in ((b"S", "FATAL"), (b"V", "FATAL"), (b"C", state), (b"M", said))
    )
    return b"E" + struct.pack("!I", len(fields) + 5) + fields + b"\0"


async def _copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


async def _both(*copying: Coroutine[Any, Any, None]) -> None:
    """Until one of them ends."""
    tasks = [asyncio.create_task(each) for each in copying]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
