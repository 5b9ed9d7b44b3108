"""Readers of many files are forked from one process, and have nothing in common but what that has loaded."""

import asyncio
import os
import resource
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from deploy.local.stack import PROJECT
from services.parser.reading import readers as readers_module
from services.parser.reading.limits import Limits
from services.parser.reading.readers import Readers
from services.parser.reading.sandbox import FileEnd, FileLayout, ReadRequest, reading
from services.parser.refusals import FileRefused, ReaderKilled
from tests.harness.files import catalogue, text_file, workbook

LIMITS = Limits()
PARSER = """
import asyncio, sys
from pathlib import Path
from services.parser.reading.limits import Limits
from services.parser.reading.readers import Readers
from services.parser.reading.sandbox import ReadRequest, reading

async def main():
    request = ReadRequest(Path(sys.argv[1]), "shirts.csv", "products", "create", {})
    async with reading(request, Limits(), silence=60, readers=Readers()):
        print("reading", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.fixture
async def readers() -> AsyncIterator[Readers]:
    started = Readers()
    yield started
    await started.close()


@pytest.fixture
def never(tmp_path: Path) -> Path:
    """A file that is there and can never be read: whoever opens it waits."""
    path = tmp_path / "never"
    os.mkfifo(path)
    return path


def request(path: Path) -> ReadRequest:
    return ReadRequest(path, "shirts.csv", "products", "create", {})


async def rows_of(path: Path, readers: Readers, *, limits: Limits = LIMITS) -> int:
    async with reading(request(path), limits, silence=30, readers=readers) as heard:
        said = [part async for part in heard]
    assert isinstance(said[0], FileLayout)
    assert isinstance(said[-1], FileEnd)
    return said[-1].rows


def template() -> psutil.Process:
    (found,) = [each for each in psutil.Process().children() if "services.parser.reading.template" in each.cmdline()]
    return found


def reader() -> psutil.Process:
    (found,) = template().children()
    return found


def descriptors_of(process: psutil.Process) -> list[Path]:
    return sorted(Path(f"/proc/{process.pid}/fd").iterdir())


def descriptors(process: psutil.Process) -> list[str]:
    return [each.name for each in descriptors_of(process)]


async def eventually(what: str, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.02)


async def test_every_file_has_a_process_of_its_own_forked_from_the_same_one(readers: Readers, never: Path) -> None:
    seen = []
    for _ in range(2):
        async with reading(request(never), LIMITS, silence=30, readers=readers):
            await eventually("it leads a session", lambda: os.getsid(reader().pid) == reader().pid)
            seen.append((reader().pid, template().pid))
    (first, warm), (second, still_warm) = seen
    assert first != second
    assert warm == still_warm


async def test_a_reader_has_no_descriptor_but_its_own_three_although_others_read_at_the_same_time(
    readers: Readers, never: Path
) -> None:
    async with (
        reading(request(never), LIMITS, silence=30, readers=readers),
        reading(request(never), LIMITS, silence=30, readers=readers),
    ):
        for process in template().children():
            await eventually("only three", lambda process=process: descriptors(process) == ["0", "1", "2"])  # type: ignore[misc]
        ends = [set(map(Path.readlink, descriptors_of(each))) for each in template().children()]
    assert len(ends[0]) == len(ends[1]) == 3
    assert not ends[0] & ends[1]


async def test_a_reader_has_the_limits_of_its_file_whatever_the_file_before_had(readers: Readers, never: Path) -> None:
    found = []
    for seconds in (77, 99, 33):
        limits = replace(LIMITS, cpu_seconds=seconds, address_space=seconds * 8 * 1024 * 1024)
        async with reading(request(never), limits, silence=30, readers=readers):
            # It can be opened for writing once the reader has opened it, and so after it has limited itself.
            file = await asyncio.to_thread(never.open, "wb")
            found.append((reader().rlimit(resource.RLIMIT_CPU)[0], reader().rlimit(resource.RLIMIT_AS)[0] >> 23))
            file.close()
    assert found == [(77, 77), (99, 99), (33, 33)]
    assert template().rlimit(resource.RLIMIT_CPU)[0] == resource.RLIM_INFINITY


async def test_a_file_that_ends_its_reader_leaves_nothing_to_the_next(readers: Readers, tmp_path: Path) -> None:
    huge = tmp_path / "huge"
    huge.write_bytes(b"Product Title," + b"a" * 60_000_000)
    good = text_file(tmp_path / "good", catalogue(30, variants=1))
    memory = 0
    for _ in range(2):
        with pytest.raises(FileRefused, match="needs more than 128 MB of memory"):
            await rows_of(huge, readers, limits=replace(LIMITS, address_space=128 * 1024 * 1024))
        assert await rows_of(good, readers) == 30
        before, memory = memory, template().memory_info().rss
    assert memory - before < 1_000_000, "what readers read is not in the process they are forked from"


async def test_many_files_leave_neither_descriptors_nor_processes(readers: Readers, tmp_path: Path) -> None:
    path = workbook(tmp_path / "file", catalogue(3))
    await rows_of(path, readers)
    before = {each: len(descriptors(each)) for each in (psutil.Process(), template())}
    await asyncio.gather(*(rows_of(path, readers) for _ in range(20)))
    await eventually(
        "no more than before", lambda: all(len(descriptors(each)) <= count for each, count in before.items())
    )
    assert template().children() == []


async def test_what_readers_are_forked_from_is_killed_while_they_read(
    readers: Readers, never: Path, tmp_path: Path
) -> None:
    async with reading(request(never), LIMITS, silence=30, readers=readers) as heard:
        orphan = reader()
        template().kill()
        with pytest.raises(ReaderKilled):
            await anext(heard)
    await eventually("the reader is gone too", lambda: not orphan.is_running())
    assert await rows_of(text_file(tmp_path / "file", catalogue(3, variants=1)), readers) == 3


async def test_what_readers_are_forked_from_is_killed_while_nobody_reads(readers: Readers, tmp_path: Path) -> None:
    path = text_file(tmp_path / "file", catalogue(3, variants=1))
    await rows_of(path, readers)
    first = template()
    first.kill()
    await eventually("it is dead", lambda: first.status() == psutil.STATUS_ZOMBIE)
    assert await rows_of(path, readers) == 3


async def test_nobody_waits_for_a_frozen_process_to_fork(
    readers: Readers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers_module, "_ANSWERS_WITHIN", 0.3)
    path = text_file(tmp_path / "file", catalogue(3, variants=1))
    await rows_of(path, readers)
    frozen = template()
    frozen.suspend()
    with pytest.raises(ReaderKilled):
        await rows_of(path, readers)
    assert not frozen.is_running()
    assert await rows_of(path, readers) == 3


async def test_nobody_waits_for_it_to_say_how_a_reader_has_ended(
    readers: Readers, never: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers_module, "_ANSWERS_WITHIN", 0.3)
    async with reading(request(never), LIMITS, silence=30, readers=readers):
        process, frozen = reader(), template()
        frozen.suspend()
    await eventually("both are gone", lambda: not process.is_running() and not frozen.is_running())


async def test_it_is_there_before_the_first_file_and_that_it_has_died_is_noticed(readers: Readers) -> None:
    warm = asyncio.create_task(readers.keep_warm())
    await eventually("it has loaded all", lambda: readers._template is not None)
    template().kill()
    async with asyncio.timeout(20):
        await warm


async def test_a_parser_that_is_killed_leaves_neither_readers_nor_what_they_are_forked_from(never: Path) -> None:
    parser = await asyncio.to_thread(
        subprocess.Popen, [sys.executable, "-c", PARSER, str(never)], cwd=PROJECT, stdout=subprocess.PIPE
    )
    assert parser.stdout is not None
    assert await asyncio.to_thread(parser.stdout.readline) == b"reading\n"
    family = psutil.Process(parser.pid).children(recursive=True)
    assert len(family) == 2
    parser.kill()
    await asyncio.to_thread(parser.wait)
    parser.stdout.close()
    await eventually("all are gone", lambda: not any(each.is_running() for each in family))
