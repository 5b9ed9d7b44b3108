"""The parser's side of the reading process: it is listened to, and whatever becomes of it is a refusal."""

import asyncio
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol
from uuid import UUID

import orjson

from services.parser.reading import frames
from services.parser.reading.limits import Limits
from services.parser.reading.readers import Reader, Readers, TemplateGone
from services.parser.refusals import FileRefused, ReaderKilled

_LAST_WORDS = 1 << 16
_EVERY_ATTEMPT = "ends every attempt at reading it"


@dataclass(frozen=True)
class FileOrigin:
    """The import whose correction file the file says it is; said before anything else of the file is looked at."""

    import_id: UUID


@dataclass(frozen=True)
class FileLayout:
    """What the file was found to be, and what its columns mean."""

    headings: list[str]
    fields: dict[str, int]
    notices: list[dict[str, Any]]
    detected: dict[str, Any]


@dataclass(frozen=True)
class FileEnd:
    """The file is read to its end."""

    rows: int
    notices: list[dict[str, Any]]


@dataclass(frozen=True)
class BeyondLimit:
    """A limit is reached: the rows that follow are not imported, and read only to be handed back."""

    code: str
    message: str


@dataclass(frozen=True)
class ReadRequest:
    """A file to be read, as the sender and we know it.

    `parent` is how its parent was read, of a correction file; `own` are the tenant's own fields and settings.
    """

    path: Path
    name: str
    entity_type: str
    mode: str
    options: Mapping[str, Any]
    parent: Mapping[str, Any] | None = None
    own: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class FileLook:
    """What the first rows of a file look like.

    `known` of `headings` headings are known of `entity_type`, None where none is of any; `modes` are those for which they are
    enough, and where there is none, `refusal` says why (code, message). `origin` is the import whose correction file it is.
    """

    entity_type: str | None
    known: int
    headings: int
    sheet: str | None
    heading_row: int | None
    modes: list[str]
    refusal: tuple[str, str] | None
    origin: UUID | None


Said = FileOrigin | FileLayout | bytes | BeyondLimit | FileEnd
"""What a reading gives: where the file came from when it says so, its layout, payloads of rows (`frames.read_rows`), its end.

Between rows, once at most, that a limit is reached.
"""


class _Process(Protocol):
    @property
    def stdout(self) -> asyncio.StreamReader | None: ...
    @property
    def stderr(self) -> asyncio.StreamReader | None: ...
    async def wait(self) -> int: ...


@asynccontextmanager
async def reading(
    request: ReadRequest, limits: Limits, *, silence: float, readers: Readers | None = None
) -> AsyncIterator[AsyncIterator[Said]]:
    """Read a file in a process of its own; the process is gone when the block ends, however it ends.

    The process is slowed down by whoever listens slowly, and killed when it says nothing for `silence` seconds. Without
    `readers` it takes a few tenths of a second to begin.

    Raises:
        FileRefused: from the iteration; the file cannot be read, or killed its reader.
        ReaderKilled: something from outside killed the reader before it began.
        NoReader: there can be no process that reads it.
    """
    told = {**asdict(request), "path": str(request.path), "limits": asdict(limits)}
    async with _process(told, request.name, readers) as process:
        yield _listen(process, request.name, limits, silence)


async def look_at(
    path: Path,
    name: str,
    limits: Limits,
    *,
    silence: float,
    own: Mapping[str, Sequence[Mapping[str, Any]]] = MappingProxyType({}),
    readers: Readers | None = None,
) -> FileLook:
    """Have the first rows of a file read in a process of its own, as `reading` does.

    `own` are the tenant's own fields, by entity type.

    Raises:
        FileRefused, ReaderKilled, NoReader: as there.
    """
    told = {"look": True, "path": str(path), "name": name, "limits": asdict(limits), "own": dict(own)}
    async with _process(told, name, readers) as process:
        try:
            async with asyncio.timeout(silence):
                said = await _next(process, name, limits)
        except TimeoutError:
            raise _too_slow(name, silence) from None
        if not isinstance(said, FileLook):
            raise _died(name, _EVERY_ATTEMPT)
        return said


@asynccontextmanager
async def _process(told: Mapping[str, Any], name: str, readers: Readers | None) -> AsyncIterator[Reader]:
    """A reading process that was told what to do; gone when the block ends."""
    async with AsyncExitStack() as stack:
        if readers is None:
            readers = Readers()
            stack.push_async_callback(readers.close)
        try:
            process = await readers.start()
        except TemplateGone as gone:
            raise _killed(name) from gone
        stack.push_async_callback(process.end)
        process.request(orjson.dumps(told) + b"\n")
        yield process


async def _listen(process: _Process, name: str, limits: Limits, silence: float) -> AsyncIterator[Said]:
    said: Said | None = None
    while not isinstance(said, FileEnd):
        try:
            async with asyncio.timeout(silence):
                heard = await _next(process, name, limits)
        except TimeoutError:
            raise _too_slow(name, silence) from None
        if isinstance(heard, FileLook):
            raise _died(name, _EVERY_ATTEMPT)
        said = heard
        yield said


async def _next(process: _Process, name: str, limits: Limits) -> Said | FileLook:
    assert process.stdout is not None
    try:
        length, kind = frames.read_header(await process.stdout.readexactly(frames.HEADER))
        payload = await process.stdout.readexactly(length)
    except asyncio.IncompleteReadError as error:
        raise await _death(process, name, limits) from error
    except frames.BrokenFrame as error:
        raise _died(name, _EVERY_ATTEMPT) from error
    if kind == frames.ROWS:
        return payload
    try:
        said = orjson.loads(payload)
        if kind == frames.REFUSED:
            refused = FileRefused(said["code"], said["message"])
        elif kind == frames.BEYOND:
            return BeyondLimit(**said)
        elif kind == frames.ORIGIN:
            return FileOrigin(UUID(said))
        elif kind == frames.LOOK:
            return _look(said)
        else:
            return FileEnd(**said) if kind == frames.END else FileLayout(**said)
    except (ValueError, TypeError, KeyError) as error:
        raise _died(name, _EVERY_ATTEMPT) from error
    raise refused


def _look(said: Mapping[str, Any]) -> FileLook:
    refusal, origin = said["refusal"], said["origin"]
    return FileLook(
        **{
            **said,
            "refusal": None if refusal is None else (str(refusal[0]), str(refusal[1])),
            "origin": None if origin is None else UUID(origin),
        }
    )


async def _death(process: _Process, name: str, limits: Limits) -> FileRefused:
    """Why the reader died, for a person. It did nothing but read this file."""
    assert process.stderr is not None
    end = b""
    while piece := await process.stderr.read(_LAST_WORDS):
        end = (end + piece)[-_LAST_WORDS:]
    last_words = end.decode("utf-8", "replace")
    code = await process.wait()
    if code == -signal.SIGXCPU:
        return _too_slow(name, limits.cpu_seconds)
    if code == -signal.SIGKILL:
        return _killed(name)
    if "MemoryError" in last_words or "memory allocation" in last_words or code == -signal.SIGABRT:
        what = f"needs more than {limits.address_space // (1024 * 1024)} MB of memory to be read"
    else:
        what = _EVERY_ATTEMPT
    return _died(name, what)


def _killed(name: str) -> ReaderKilled:
    return ReaderKilled(
        "reader_killed",
        f'The process that reads "{name}" was killed again and again, most likely because the machine has too little memory '
        f"for it. Split the file into several, and send those; if smaller files end like this too, tell whoever runs Winnow",
    )


def _died(name: str, what: str) -> FileRefused:
    return FileRefused(
        "reader_died",
        f'"{name}" {what}, which a healthy file of this size does not. Copy the rows into a new workbook, or save it as CSV '
        f"UTF-8, and send that",
    )


def _too_slow(name: str, seconds: float) -> FileRefused:
    return FileRefused(
        "reader_too_slow",
        f'"{name}" was given up after {seconds:.0f} seconds of reading. Copy the rows into a new workbook, or split it into '
        f"several files, and send that",
    )
