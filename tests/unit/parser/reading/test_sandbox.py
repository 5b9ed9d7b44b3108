import asyncio
import os
import resource
import signal
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from services.parser.formats.records import MOST_FIELD
from services.parser.mapping.interpretation import KeyedRow
from services.parser.reading.frames import END, LAYOUT, REFUSED, frame, json_frame, read_rows
from services.parser.reading.limits import Limits
from services.parser.reading.sandbox import BeyondLimit, FileEnd, FileLayout, ReadRequest, _listen, reading
from services.parser.refusals import FileRefused
from shared.entities import PRODUCTS
from tests.harness.files import HEADINGS, catalogue, text_file, workbook

LIMITS = Limits()
SILENCE = 30.0


def request(path: Path, **options: str | None) -> ReadRequest:
    return ReadRequest(path, "shirts.xlsx", "products", "create", options)


async def parts(path: Path, limits: Limits) -> list[object]:
    """What is said after the layout, in its order: numbers of rows, a limit's code, the rows in all."""
    found: list[object] = []
    async with reading(request(path), limits, silence=SILENCE) as heard:
        try:
            async for said in heard:
                if isinstance(said, bytes):
                    found += [row.row for row in read_rows(said)]
                elif isinstance(said, BeyondLimit):
                    found.append(said.code)
                elif isinstance(said, FileEnd):
                    found.append(f"{said.rows} rows")
        except FileRefused as refused:
            found.append(f"ended: {refused.code}")
    return found


async def outcome(
    path: Path, *, limits: Limits = LIMITS, silence: float = SILENCE
) -> tuple[FileLayout, list[KeyedRow], FileEnd]:
    layouts: list[FileLayout] = []
    rows: list[KeyedRow] = []
    ends: list[FileEnd] = []
    async with reading(request(path), limits, silence=silence) as heard:
        async for said in heard:
            if isinstance(said, FileLayout):
                layouts.append(said)
            elif isinstance(said, FileEnd):
                ends.append(said)
            elif isinstance(said, BeyondLimit):
                raise FileRefused(said.code, said.message)
            elif isinstance(said, bytes):
                rows.extend(read_rows(said))
    (layout,), (end,) = layouts, ends
    return layout, rows, end


def keys_of(rows: Sequence[KeyedRow]) -> list[tuple[int, object]]:
    return [(row.row, row.keys) for row in rows]


async def refusal(path: Path, *, limits: Limits = LIMITS, silence: float = SILENCE) -> FileRefused:
    with pytest.raises(FileRefused) as refused:
        await outcome(path, limits=limits, silence=silence)
    assert '"shirts.xlsx"' in refused.value.message
    return refused.value


def reader() -> psutil.Process:
    """The reading process of this test."""
    (template,) = [each for each in psutil.Process().children() if "services.parser.reading.template" in each.cmdline()]
    (process,) = template.children()
    return process


@pytest.fixture
def never(tmp_path: Path) -> Path:
    """A file that is there and can never be read: whoever opens it waits."""
    path = tmp_path / "never"
    os.mkfifo(path)
    return path


async def test_a_workbook_is_read_to_its_end(tmp_path: Path) -> None:
    layout, rows, end = await outcome(workbook(tmp_path / "file", catalogue(2, variants=2)))
    assert layout.headings == HEADINGS
    assert layout.fields["sku"] == HEADINGS.index("SKU")
    assert layout.detected["sheet"] == "Products"
    assert keys_of(rows) == [
        (1, None),
        (2, ["shirt-1", "10000000100", "SKU-1-0"]),
        (3, ["", "10000000101", "SKU-1-1"]),
        (4, ["shirt-2", "10000000200", "SKU-2-0"]),
        (5, ["", "10000000201", "SKU-2-1"]),
    ]
    assert end == FileEnd(rows=4, notices=[])


async def test_a_text_file_says_the_same_as_a_workbook_of_the_same_rows(tmp_path: Path) -> None:
    products = catalogue(300)
    _, from_workbook, _ = await outcome(workbook(tmp_path / "one", products))
    layout, from_text, _ = await outcome(text_file(tmp_path / "two", products, delimiter=";"))
    # What the sender is told of it: test_decisions.
    assert {name: found for name, found in layout.detected.items() if name not in {"decisions", "samples"}} == {
        "format": "text",
        "encoding": "utf-8",
        "delimiter": ";",
        "decimals": {
            str(HEADINGS.index("kgCO2e Carbon Footprint")): {"sign": "point", "decided": True, "contested": False},
            **{
                str(HEADINGS.index(heading)): {"sign": "point", "decided": False, "contested": False}
                for heading in ("Liters Water Used", "Grams Weight", "Percentages")
            },
        },
        "swallowed": [],
        "heading_row": 1,
        "example_rows": [],
        "blank_headings": [],
        "handed_back": False,
    }
    assert keys_of(from_text) == keys_of(from_workbook)


async def test_the_example_of_the_template_is_not_among_the_rows(tmp_path: Path) -> None:
    titles: list[Any] = ["Product", None, None, None, None, "Publishing", "Organization", None, None, "Variants"]
    example = list(PRODUCTS.example)
    rows: Sequence[Sequence[Any]] = [HEADINGS, example, *catalogue(1, variants=1)]
    layout, read, _ = await outcome(workbook(tmp_path / "file", rows, headings=titles))
    assert layout.detected["heading_row"] == 2
    assert [notice["code"] for notice in layout.notices] == ["example_row"]
    assert [row for row, keys in keys_of(read) if keys is not None] == [4]
    assert [row for row, keys in keys_of(read) if keys is None] == [1, 2, 3], "titles, headings and example are kept"


async def test_what_the_reader_refuses_is_refused_in_its_words(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"%PDF-1.7 whatever")
    refused = await refusal(path)
    assert refused.code == "not_a_spreadsheet"
    assert "a PDF document" in refused.message


async def test_rows_beyond_the_limit_are_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "file", catalogue(2, variants=2))
    assert (await refusal(path, limits=replace(LIMITS, rows=3))).code == "too_large"


async def test_rows_beyond_a_limit_are_read_on_as_far_as_they_can_be_kept(tmp_path: Path) -> None:
    path = text_file(tmp_path / "file", catalogue(6, variants=1))
    beyond = replace(LIMITS, rows=3)
    assert await parts(path, beyond) == [1, 2, 3, 4, "too_large", 5, 6, 7, "6 rows"]
    kept = replace(beyond, left_over_rows=2)
    assert await parts(path, kept) == [1, 2, 3, 4, "too_large", 5, 6, "ended: too_large"]
    wide = text_file(tmp_path / "wide", [*catalogue(2, variants=1), ["x"] * 201, *catalogue(2, variants=1)])
    assert await parts(wide, LIMITS) == [1, 2, 3, "too_large", 4, 5, 6, "5 rows"]
    endless = text_file(tmp_path / "endless", [*catalogue(2, variants=1), ["x"] * 16_385])
    assert await parts(endless, LIMITS) == [1, 2, 3, "ended: too_large"]


async def test_rows_before_a_damage_are_said_before_the_file_is_refused(tmp_path: Path) -> None:
    path = text_file(tmp_path / "file", catalogue(6, variants=1))
    path.write_text(path.read_text() + "x" * (MOST_FIELD + 1))
    assert await parts(path, LIMITS) == [1, 2, 3, 4, 5, 6, 7, "ended: damaged"]


async def test_a_reader_that_is_killed_is_a_refusal_with_what_to_do(never: Path) -> None:
    async with reading(request(never), LIMITS, silence=SILENCE) as heard:
        reader().kill()
        with pytest.raises(FileRefused, match="Split the file into several") as refused:
            await anext(heard)
    assert refused.value.code == "reader_killed"


async def test_a_reader_that_is_killed_half_way_is_a_refusal(tmp_path: Path) -> None:
    # More than what fits between the processes, so that the reader cannot be at its end.
    path = text_file(tmp_path / "file", catalogue(20_000, variants=1))
    async with reading(request(path), LIMITS, silence=SILENCE) as heard:
        assert isinstance(await anext(heard), FileLayout)
        assert isinstance(await anext(heard), bytes)
        reader().kill()
        with pytest.raises(FileRefused) as refused:
            async for _ in heard:
                pass
    assert refused.value.code == "reader_killed"


@pytest.mark.parametrize("with_signal", [signal.SIGSEGV, signal.SIGTERM, signal.SIGBUS])
async def test_a_reader_that_dies_of_a_file_is_a_refusal_of_the_file(never: Path, with_signal: int) -> None:
    async with reading(request(never), LIMITS, silence=SILENCE) as heard:
        reader().send_signal(with_signal)
        with pytest.raises(FileRefused, match="ends every attempt at reading it") as refused:
            await anext(heard)
    assert refused.value.code == "reader_died"


async def test_a_file_that_needs_too_much_memory_is_refused_with_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"Product Title," + b"a" * 60_000_000)
    refused = await refusal(path, limits=replace(LIMITS, address_space=128 * 1024 * 1024))
    assert refused.code == "reader_died"
    assert "needs more than 128 MB of memory" in refused.message
    assert "save it as CSV UTF-8" in refused.message


async def test_a_file_that_needs_too_much_processor_time_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("Product Title,Product Handle,SKU\n" + "Tee,tee,T-1\n" * 1_000_000)
    refused = await refusal(path, limits=replace(LIMITS, cpu_seconds=1))
    assert refused.code == "reader_too_slow"
    assert "given up after 1 seconds" in refused.message
    assert "split it into several files" in refused.message


async def test_a_reader_that_says_nothing_is_given_up(never: Path) -> None:
    refused = await refusal(never, silence=0.3)
    assert refused.code == "reader_too_slow"


async def test_nothing_is_left_running_however_the_reading_ends(tmp_path: Path, never: Path) -> None:
    before = psutil.Process().children()
    await outcome(workbook(tmp_path / "file", catalogue(1)))
    await refusal(never, silence=0.1)
    with pytest.raises(RuntimeError, match="the listener fails"):
        async with reading(request(never), LIMITS, silence=SILENCE):
            raise RuntimeError("the listener fails")
    assert psutil.Process().children() == before


async def test_the_reader_is_limited_before_it_opens_the_file(never: Path) -> None:
    limits = replace(LIMITS, address_space=512 * 1024 * 1024, cpu_seconds=77)
    async with reading(request(never), limits, silence=SILENCE):
        file = await asyncio.to_thread(never.open, "wb")
        process = reader()
        found = {
            what: process.rlimit(what)
            for what in (resource.RLIMIT_AS, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE, resource.RLIMIT_NOFILE)
        }
        processor_time, _ = process.rlimit(resource.RLIMIT_CPU)
        file.close()
    assert found == {
        resource.RLIMIT_AS: (512 * 1024 * 1024,) * 2,
        resource.RLIMIT_FSIZE: (0, 0),
        resource.RLIMIT_CORE: (0, 0),
        resource.RLIMIT_NOFILE: (64, 64),
    }
    assert processor_time == 77


async def test_whoever_reads_a_large_file_lets_others_go_first(tmp_path: Path) -> None:
    path = text_file(tmp_path / "file", catalogue(20_000, variants=1))
    async with reading(request(path), LIMITS, silence=SILENCE) as heard:
        assert isinstance(await anext(heard), FileLayout)
        for _ in range(12):
            assert isinstance(await anext(heard), bytes)
        assert reader().nice() > os.nice(0)


async def test_the_reader_knows_nothing_of_the_parsers_environment(
    never: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WINNOW_DATABASE_URL", "postgresql://winnow:secret@db/winnow")
    async with reading(request(never), LIMITS, silence=SILENCE):
        assert reader().environ().keys() == {"LC_ALL", "MALLOC_ARENA_MAX"}


@pytest.mark.parametrize(
    "said",
    [
        b"GARBAGE THAT IS NO FRAME",
        b"\xff\xff\xff\xffR",
        json_frame(LAYOUT, {"headings": []}),
        json_frame(REFUSED, ["no code"]),
        json_frame(END, None),
        frame(LAYOUT, b"{"),
    ],
    ids=["garbage", "endless", "half a layout", "no code", "no end", "half of JSON"],
)
async def test_a_reader_that_talks_nonsense_is_a_refusal_although_it_lives_on(tmp_path: Path, said: bytes) -> None:
    words = tmp_path / "words"
    words.write_bytes(said)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec("sh", "-c", f"cat {words}; exec sleep 60", stdout=pipe, stderr=pipe)
    try:
        with pytest.raises(FileRefused, match="ends every attempt at reading it") as refused:
            await anext(_listen(process, "shirts.xlsx", LIMITS, SILENCE))
        assert refused.value.code == "reader_died"
    finally:
        process.kill()
        await process.wait()
