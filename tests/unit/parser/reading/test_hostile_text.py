"""Text files made to cost much: whatever there is in them, the parser stays small and the reader within its share.

Run with `-s` to see what each takes.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from services.parser.reading.limits import Limits
from services.parser.reading.sandbox import ReadRequest, reading
from services.parser.refusals import FileRefused

HEADINGS = b"Product Title,Product Handle,SKU,Description,Grams Weight\n"
LIMITS = Limits()
MOST_GROWTH = 64 * 1024 * 1024

Maker = Callable[[], bytes]

MAKERS: dict[str, Maker] = {
    "letters without end": lambda: HEADINGS + b"\xe9a" * 2_000_000,
    "letters of UTF-8 without end": lambda: HEADINGS + "é".encode() * 2_000_000,
    "a cell without end": lambda: HEADINGS + b"x" * 20_000_000,
    "blank lines": lambda: HEADINGS + b"\n" * 5_000_000,
    "lines of blanks": lambda: HEADINGS + b"    \n" * 200_000,
    "lines of separators": lambda: HEADINGS + b",,,,,,,,,,,,,,,,\n" * 60_000,
    "separators without end": lambda: HEADINGS + b"," * 5_000_000,
    "a quotation mark that is never closed": lambda: HEADINGS + b'"a,b,c\n' + b"x,y,z,w,1\n" * 80_000,
    "a quotation mark that is opened in every line": lambda: HEADINGS + b'"a","b\n' * 50_000,
    "quotation marks alone": lambda: HEADINGS + b'"' * 5_000_001,
    "marks that swallow every other row": lambda: HEADINGS + b'a,b,c,"d,1\nx,y,z,w",1\n' * 10_000,
    "a cell of a million lines": lambda: HEADINGS + b'"' + b"a\n" * 100_000 + b'",b,c,d,1\n',
    "headings without end": lambda: b",".join([HEADINGS.strip(), *[b"h" * 10_000] * 150]) + b"\na,b,c,d,1\n",
    "headings of a million columns": lambda: HEADINGS.strip() + b",h" * 200_000 + b"\na,b,c,d,1\n",
    "bytes of nothing": lambda: HEADINGS + b"\x00" * 10_000_000,
    "bytes of every kind": lambda: HEADINGS + bytes(range(256)) * 20_000,
    "halves of UTF-16": lambda: b"\xff\xfe" + HEADINGS.decode().encode("utf-16-le") + b"\x00\xd8" * 2_000_000,
    "strays in UTF-8": lambda: HEADINGS + "é,é,é,é\n".encode() * 20_000 + b"\xe9,b,c,d\n" * 20_000,
    "numbers of two readings": lambda: HEADINGS + b'a,b,c,d,"1,250"\n' * 50_000,
    "texts marked for spreadsheets": lambda: HEADINGS + b'="' * 2_000_000 + b"\n",
    "a number without end": lambda: HEADINGS + b"a,b,c,d," + b"1'" * 2_000_000 + b"\n",
    "old line ends": lambda: HEADINGS.replace(b"\n", b"\r") + b"a,b,c,d,1\r" * 50_000,
    "a separator that is named": lambda: b"sep=" + b"," * 5_000_000,
    "ends of files": lambda: HEADINGS + b"\x1a" * 1_000_000,
}


class Peak:
    """The most memory that processes have had: this one, and its reader while it lives."""

    def __init__(self) -> None:
        self.reader = 0
        self._before = psutil.Process().memory_info().rss
        self._most = self._before
        self._is_over = threading.Event()

    @property
    def growth(self) -> int:
        """By how much this process has grown."""
        return self._most - self._before

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Look at both until the block ends."""
        watching = threading.Thread(target=self._watch)
        watching.start()
        try:
            yield
        finally:
            self._is_over.set()
            watching.join()

    def _watch(self) -> None:
        me = psutil.Process()
        while not self._is_over.wait(0.01):
            self._most = max(self._most, me.memory_info().rss)
            for child in me.children():
                try:
                    self.reader = max(self.reader, child.memory_info().rss)
                except psutil.Error:
                    continue


async def outcome(path: Path) -> tuple[str, int]:
    """How the file ended, and how many bytes of rows were heard."""
    heard = 0
    try:
        async with reading(ReadRequest(path, path.name, "products", "create", {}), LIMITS, silence=120.0) as said:
            async for part in said:
                heard += len(part) if isinstance(part, bytes) else 0
    except FileRefused as refused:
        return refused.code, heard
    return "read", heard


@pytest.mark.parametrize("kind", MAKERS)
def test_a_file_made_to_cost_much_costs_the_parser_little(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "shirts.csv"
    path.write_bytes(MAKERS[kind]())
    peak = Peak()
    began = time.monotonic()
    with peak.watched():
        ended, heard = asyncio.run(outcome(path))
    print(  # noqa: T201 - what it takes is what the test is for
        f"\n{kind}: {path.stat().st_size / 1e6:.1f} MB, {ended}, {heard / 1e6:.1f} MB of rows, {time.monotonic() - began:.1f} s, "
        f"reader {peak.reader / 1e6:.0f} MB, parser +{peak.growth / 1e6:.0f} MB"
    )
    assert ended != "reader_died" or kind.endswith("without end"), ended
    assert peak.growth < MOST_GROWTH
    assert peak.reader <= LIMITS.address_space
