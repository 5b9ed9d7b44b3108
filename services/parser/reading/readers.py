"""The reading processes of a parser: each is forked for one file from a process that has loaded everything already."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Literal

import structlog

from services.parser.reading.template import DESCRIPTORS
from shared.messaging.failures import Transient

log = structlog.get_logger(__name__)

_ROOT = Path(__file__).parents[3]
# Seconds. Whoever takes longer is frozen, and nobody waits for that.
_STARTED_WITHIN, _ANSWERS_WITHIN = 60.0, 10.0
_BUFFER = 1 << 20
_KILLED = -9


class NoReader(Transient):
    """No process can be started that reads files: {why}. It is no file's doing."""


class TemplateGone(Exception):
    """What readers are forked from has died, or does not answer."""


class Reader:
    """One reading process: what it says, and how it ends."""

    def __init__(self, pipes: "_Pipes", template: "_Template", pid: int) -> None:
        self.pid = pid
        self.stdout = pipes.stdout
        self.stderr = pipes.stderr
        self._pipes = pipes
        self._template = template
        self._code: int | None = None

    def request(self, told: bytes) -> None:
        """Say what is to be read."""
        self._pipes.stdin.write(told)
        self._pipes.stdin.write_eof()

    async def wait(self) -> int:
        """How it ended, when it has: its exit code, or minus the signal that killed it."""
        if self._code is None:
            try:
                async with asyncio.timeout(_ANSWERS_WITHIN):
                    said = await self._pipes.line()
            except TimeoutError:
                log.warning("reader.template_silent")
                await self._template.end()
                said = ""
            # Without a word its template has died, and it with that.
            self._code = int(said.removeprefix("exit ")) if said.startswith("exit ") else _KILLED
        return self._code

    async def end(self) -> None:
        """Have it killed, if it lives; returns when it is gone."""
        self._pipes.hang_up()
        await self.wait()
        self._pipes.close()


class Readers:
    """Starts readers, and the process they are forked from when there is none, or none that answers."""

    def __init__(self) -> None:
        self._template: _Template | None = None
        self._starting = asyncio.Lock()

    async def keep_warm(self) -> None:
        """Have a process to fork from before the first file comes; returns when it has died."""
        template = await self._living()
        await template.ended.wait()
        log.warning("reader.template_ended")

    async def start(self) -> Reader:
        """A reader that waits for its request.

        Raises:
            TemplateGone: it died, or what it was to be forked from did; the next one is forked from another.
            NoReader: none can be started.
        """
        template = await self._living()
        try:
            return await template.fork()
        except TemplateGone as gone:
            log.warning("reader.template_gone", error=repr(gone))
            # Its readers go with it.
            await template.end()
            raise

    async def close(self) -> None:
        """End every reader, and what they are forked from."""
        if self._template is not None:
            await self._template.end()

    async def _living(self) -> "_Template":
        async with self._starting:
            if self._template is None or not self._template.lives:
                if self._template is not None:
                    await self._template.end()
                self._template = await _Template.started()
            return self._template


class _Template:
    """A process that readers are forked from; see `services.parser.reading.template`."""

    def __init__(self, process: "subprocess.Popen[bytes]", control: socket.socket) -> None:
        self.ended = asyncio.Event()
        self._process = process
        self._control = control

    @property
    def lives(self) -> bool:
        return not self.ended.is_set() and self._process.poll() is None

    @classmethod
    async def started(cls) -> "_Template":
        """One that is ready.

        Raises:
            NoReader: it is not.
        """
        control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            # By this thread, which lives as long as the parser: the process dies with the thread that started it. Not by
            # asyncio, which would hold it against the end of the loop.
            process = subprocess.Popen(  # noqa: ASYNC220, S603 - returns at once; our own words
                [sys.executable, "-m", "services.parser.reading.template", str(theirs.fileno()), str(os.getpid())],
                cwd=_ROOT,
                env={"LC_ALL": "C.UTF-8", "MALLOC_ARENA_MAX": "1"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        control.setblocking(False)
        template = cls(process, control)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_STARTED_WITHIN):
                ready = await loop.sock_recv(control, 16)
        except BaseException as error:
            await template.end()
            if isinstance(error, OSError):
                raise NoReader(f"what readers are forked from did not start: {error!r}") from error
            raise
        if not ready:
            await template.end()
            raise NoReader(f"what readers are forked from ended at its start ({process.returncode})")
        # It says nothing more: what can be read is that it has hung up.
        loop.add_reader(control, template._died)
        return template

    async def fork(self) -> Reader:
        """A reader.

        Raises:
            TemplateGone: nobody answers.
            NoReader: there can be no further process.
        """
        pipes = _Pipes()
        try:
            await pipes.open(self._control)
            return Reader(pipes, self, await _forked(pipes))
        except BaseException:
            pipes.close()
            raise

    async def end(self) -> None:
        """Kill it, and with it its readers. Ending it twice is harmless."""
        self._died()
        self._control.close()
        self._process.kill()
        await asyncio.to_thread(self._process.wait)

    def _died(self) -> None:
        if self._control.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self._control)
        self.ended.set()


class _Pipes:
    """What is between the parser and one reader, and the lifeline to what that is forked from."""

    stdin: asyncio.WriteTransport
    stdout: asyncio.StreamReader
    stderr: asyncio.StreamReader

    def __init__(self) -> None:
        self._open: list[asyncio.BaseTransport] = []

    async def open(self, control: socket.socket) -> None:
        """Open everything, and send the other ends.

        Raises:
            TemplateGone: to nobody.
            OSError: there can be no more descriptors.
        """
        with contextlib.ExitStack() as theirs:
            lifeline, far = socket.socketpair()
            theirs.enter_context(far)
            self._told, self._lifeline = await asyncio.open_connection(sock=lifeline)
            self._open.append(self._lifeline.transport)
            read, write = _pipe(theirs, ours="write")
            loop = asyncio.get_running_loop()
            self.stdin, _ = await loop.connect_write_pipe(asyncio.Protocol, os.fdopen(write, "wb", buffering=0))
            self._open.append(self.stdin)
            given = [far.fileno(), read]
            self.stdout, write = await self._listening_to(theirs)
            given.append(write)
            self.stderr, write = await self._listening_to(theirs)
            given.append(write)
            assert len(given) == DESCRIPTORS
            try:
                socket.send_fds(control, [b"read"], given)
            except OSError as error:
                raise TemplateGone(repr(error)) from error

    async def line(self) -> str:
        """What is said next on the lifeline; empty when nothing is any more."""
        try:
            return (await self._told.readline()).decode().strip()
        except ConnectionError:
            return ""

    def hang_up(self) -> None:
        """Let go of the lifeline on our side; what has been said can still be read."""
        with contextlib.suppress(OSError):
            self._lifeline.write_eof()

    def close(self) -> None:
        """Close all of it."""
        for transport in self._open:
            transport.close()

    async def _listening_to(self, theirs: contextlib.ExitStack) -> tuple[asyncio.StreamReader, int]:
        read, write = _pipe(theirs, ours="read")
        reader = asyncio.StreamReader(limit=_BUFFER)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(read, "rb", buffering=0)
        )
        self._open.append(transport)
        return reader, write


async def _forked(pipes: _Pipes) -> int:
    """The id of the process that is at the other end."""
    try:
        async with asyncio.timeout(_ANSWERS_WITHIN):
            said = await pipes.line()
    except TimeoutError:
        raise TemplateGone("it does not answer") from None
    if said.startswith("error "):
        raise NoReader(f"no reader can be forked: {os.strerror(int(said.removeprefix('error ')))}")
    if not said:
        raise TemplateGone("it has died")
    return int(said.removeprefix("pid "))


def _pipe(theirs: contextlib.ExitStack, *, ours: Literal["read", "write"]) -> tuple[int, int]:
    """A pipe, of which the end that is not ours is closed in the end."""
    read, write = os.pipe()
    theirs.callback(os.close, write if ours == "read" else read)
    return read, write
