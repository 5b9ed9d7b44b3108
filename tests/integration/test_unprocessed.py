"""A file whose reading breaks off: each of its rows ends once, in production, with an error, or handed back as it came."""

import csv
import io
import zipfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from services.exporter.handler import ExportCorrections
from services.exporter.settings import ExporterSettings
from services.parser import handler as parser_handler
from services.parser.formats.records import MOST_FIELD
from services.parser.handler import ImportFile
from services.parser.reading import frames, sandbox
from services.parser.reading.frames import read_rows
from services.parser.reading.sandbox import FileLayout, ReadRequest
from services.parser.refusals import FileRefused, ReaderKilled
from services.parser.staging import ChunkStaging
from shared.db.transaction import tenant_transaction
from shared.events import ImportCompleted, UnprocessedExported
from shared.intake.mapping import MappingChanged, change_mapping
from shared.ledger import ImportProgress, cancel_import, give_up
from shared.messaging.envelope import Delivery
from tests.harness.files import HEADINGS, catalogue, product, row, text_file, workbook
from tests.harness.storage import MemoryStore
from tests.harness.world import World, assert_ledger_closes
from tests.integration.conftest import EngineOf
from tests.integration.test_parser import PLACES_OF_ALL, Killed, ParserDesk

RESULTS = "winnow-results"
SKU = HEADINGS.index("SKU")
Rows = Sequence[Sequence[Any]]


@dataclass
class Whole:
    """All stages, called one after the other, and what they hand back."""

    parser: ParserDesk
    exporter: ExportCorrections
    results: MemoryStore
    folder: Path

    async def later_stages(self) -> None:
        await self.parser.later_stages()
        for body in await self.parser._announced("import-completed"):
            await self.exporter(ImportCompleted.model_validate_json(body), Delivery("import-completed", 0, 0, body))

    async def imported(self, path: Path, handler: ImportFile | None = None, **fields: Any) -> ImportProgress:
        """A file that went through all stages."""
        import_id = await self.parser.parse(self.parser.event(path, **fields), handler=handler)
        await self.later_stages()
        return await self.ledger(import_id)

    async def ledger(self, import_id: UUID) -> ImportProgress:
        found = await self.parser.ledger(import_id)
        assert isinstance(found, ImportProgress)
        return found

    def handed_back(self, key: str | None) -> bytes:
        return b"" if key is None else self.results.objects[RESULTS, key]

    def skus(self, key: str | None) -> Counter[str]:
        """The SKUs of a CSV that was handed back, row by row."""
        records = list(csv.reader(io.StringIO(self.handed_back(key).decode("utf-8-sig"), newline="")))
        return Counter(record[SKU] for record in records[1:])

    async def in_production(self) -> Counter[str]:
        async with self.parser.world.database() as conn:
            found = await conn.execute(
                text("SELECT sku FROM catalog.product_variants WHERE tenant_id = :t"), {"t": self.parser.tenant}
            )
            return Counter(found.scalars())

    async def check(self, ended: ImportProgress, rows: Rows, *, first: int = 2) -> None:
        """Each row that was read is once in production, failed or unprocessed; the others are nowhere."""
        assert_ledger_closes(ended)
        last = ended.read_to_row if ended.read_to_row is not None else len(rows) + first - 1
        read = Counter(str(cells[SKU]) for number, cells in enumerate(rows, start=first) if number <= last)
        failed, unprocessed = self.skus(ended.failed_rows_object_key), self.skus(ended.unprocessed_object_key)
        assert (await self.in_production()) + failed + unprocessed == read
        assert (ended.total_rows, ended.failed_rows, ended.unprocessed_rows) == (
            read.total(),
            failed.total(),
            unprocessed.total(),
        )


@pytest.fixture
async def whole(engine_of: EngineOf, tenant: str, tmp_path: Path, running_world: World) -> AsyncIterator[Whole]:
    # Nothing else acts on what is announced here.
    running_world.fleet.stop()
    async with running_world.database() as conn:
        await conn.execute(text("INSERT INTO imports.tenants (tenant_id) VALUES (:t)"), {"t": tenant})
    results = MemoryStore()
    exporter = ExportCorrections(
        engine_of("winnow_exporter"), results, RESULTS, ExporterSettings(work_folder=tmp_path), beat=lambda: None
    )
    desk = ParserDesk(engine_of, tenant, tmp_path, MemoryStore(), running_world)
    yield Whole(desk, exporter, results, tmp_path)
    async with running_world.database() as conn:
        await conn.execute(text("DELETE FROM imports.outbox WHERE tenant_id = :t"), {"t": tenant})


FILE = [*catalogue(8), *product(9, variants=2, weight_g="heavy"), *catalogue(10, start=10)]
"""56 rows; rows 26 and 27 fail together."""


def endless(folder: Path) -> Path:
    """In row 37 (within product 13) there is a cell that goes on for ever."""
    path = text_file(folder / "endless.csv", FILE)
    lines = path.read_text().splitlines(keepends=True)
    lines[36] = f"{'x' * (MOST_FIELD + 1)}{lines[36]}"
    path.write_text("".join(lines))
    return path


def cut_xml(folder: Path) -> Path:
    """An undamaged archive around a sheet that ends within row 40."""
    whole = workbook(folder / "whole.xlsx", FILE)
    path = folder / "cut.xlsx"
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            part = old.read(name)
            new.writestr(name, part[: part.index(b'<row r="40"') + 60] if "sheet1" in name else part)
    return path


def cut_deflate(folder: Path) -> Path:
    """The compressed sheet is damaged midway."""
    path = workbook(folder / "deflate.xlsx", FILE)
    with zipfile.ZipFile(path) as archive:
        entry = archive.getinfo("xl/worksheets/sheet1.xml")
    content = bytearray(path.read_bytes())
    middle = entry.header_offset + 60 + entry.compress_size // 2
    content[middle : middle + 40] = bytes(40)
    path.write_bytes(bytes(content))
    return path


# The file, its rows, settings, and what comes of it: the code, and rows in all, unprocessed ones, the last that was read.
BREAKS: dict[str, tuple[Callable[[Path], Path], Rows, dict[str, Any], str, tuple[int, int, int | None]]] = {
    "a cell that goes on for ever": (endless, FILE, {}, "damaged", (35, 3, 36)),
    "a sheet that ends in a row": (cut_xml, FILE, {}, "damaged", (37, 2, 38)),
    "a compressed sheet that is damaged": (cut_deflate, FILE, {}, "damaged", (0, 0, 0)),
    "too many rows": (
        lambda folder: text_file(folder / "f.csv", FILE),
        FILE,
        {"rows": 31},
        "too_large",
        (56, 27, None),
    ),
    "far too many rows": (
        lambda folder: text_file(folder / "f.csv", FILE),
        FILE,
        {"rows": 20, "left_over_rows": 9},
        "too_large",
        (29, 11, 30),
    ),
    "a row with too many columns": (
        lambda folder: text_file(folder / "f.csv", [*FILE[:30], [*FILE[30], *["x"] * 300], *FILE[31:]]),
        FILE,
        {},
        "too_large",
        (56, 27, None),
    ),
    "a product that is too large": (
        lambda folder: text_file(folder / "f.csv", [*FILE, *product(30, variants=30), *catalogue(6, start=31)]),
        [*FILE, *product(30, variants=30), *catalogue(6, start=31)],
        {"group_rows": 12},
        "group_too_large",
        (104, 48, None),
    ),
    "a first product that is too large": (
        lambda folder: workbook(folder / "f.xlsx", [*product(30, variants=30), *FILE]),
        [*product(30, variants=30), *FILE],
        {"group_rows": 12},
        "group_too_large",
        (86, 86, None),
    ),
    "a product that is too large before a cell that goes on for ever": (
        endless,
        FILE,
        {"group_rows": 2},
        "group_too_large",
        (35, 35, 36),
    ),
}


@pytest.mark.parametrize("name", BREAKS)
async def test_each_row_of_a_file_that_breaks_off_ends_once(whole: Whole, tmp_path: Path, name: str) -> None:
    make, rows, settings, code, numbers = BREAKS[name]
    ended = await whole.imported(make(tmp_path), whole.parser.handler(**settings))
    assert ended.error is not None
    assert (ended.status, ended.error["code"]) == ("failed", code)
    assert (ended.total_rows, ended.unprocessed_rows, ended.read_to_row) == numbers
    await whole.check(ended, rows)
    said = ended.error["message"]
    if ended.unprocessed_rows:
        assert f"{ended.unprocessed_rows} rows are not imported and are handed back" in said
    if ended.read_to_row:
        assert f"what follows row {ended.read_to_row} could not be read and is counted in no number" in said
    else:
        assert "could not be read and is counted" not in said


async def test_a_file_that_can_be_read_is_counted_to_its_end_although_it_is_not_imported_to_its_end(
    whole: Whole, tmp_path: Path
) -> None:
    make, rows, settings, _, _ = BREAKS["a product that is too large"]
    ended = await whole.imported(make(tmp_path), whole.parser.handler(**settings))
    assert (ended.total_rows, ended.created_rows, ended.failed_rows) == (len(rows), 54, 2)
    assert (ended.unprocessed_rows, ended.read_to_row) == (48, None)


async def test_of_a_file_that_breaks_off_whole_groups_alone_are_imported(whole: Whole, tmp_path: Path) -> None:
    ended = await whole.imported(endless(tmp_path))
    assert ended.read_to_row == 36
    assert set(whole.skus(ended.unprocessed_object_key)) == {"SKU-12-0", "SKU-12-1", "SKU-12-2"}


async def test_nothing_is_counted_of_a_workbook_that_cannot_be_unpacked_and_it_is_said(
    whole: Whole, tmp_path: Path
) -> None:
    ended = await whole.imported(cut_deflate(tmp_path))
    assert (ended.total_rows, ended.read_to_row, ended.unprocessed_object_key) == (0, 0, None)


def _dying_reader(monkeypatch: pytest.MonkeyPatch, refusal: FileRefused, *, after: int) -> None:
    """The reading ends for this reason when so many rows were said; the pipe had some of a frame's rows only."""
    real = sandbox.reading

    def reading(request: ReadRequest, limits: Any, **more: Any) -> Any:
        return _Dying(real(request, limits, **more), refusal, after)

    monkeypatch.setattr(parser_handler, "reading", reading)


class _Dying:
    def __init__(self, real: Any, refusal: FileRefused, after: int) -> None:
        self._real, self._refusal, self._after = real, refusal, after

    async def __aenter__(self) -> Any:
        return self._parts(await self._real.__aenter__())

    async def __aexit__(self, *error: object) -> Any:
        return await self._real.__aexit__(*error)

    async def _parts(self, said: Any) -> AsyncIterator[Any]:
        async for part in said:
            if isinstance(part, FileLayout):
                yield part
            elif isinstance(part, bytes):
                rows = list(read_rows(part))[: self._after]
                cells = [read.cells.encode() for read in rows]
                index = [(read.row, len(cell), read.keys) for read, cell in zip(rows, cells, strict=True)]
                yield frames.rows_frame(index, cells)[frames.HEADER :]
                raise self._refusal


@pytest.mark.parametrize(
    "refusal",
    [
        FileRefused("reader_too_slow", '"f.csv" was given up'),
        FileRefused("reader_died", '"f.csv" needs more memory'),
        ReaderKilled("reader_killed", '"f.csv" was killed'),
    ],
    ids=lambda refusal: refusal.code,
)
@pytest.mark.parametrize("after", [0, 1, 4, 17, 35])
async def test_each_row_that_a_reader_said_before_it_died_ends_once(
    whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusal: FileRefused, after: int
) -> None:
    _dying_reader(monkeypatch, refusal, after=after + 1)
    ended = await whole.imported(text_file(tmp_path / "f.csv", FILE))
    assert ended.error is not None
    assert (ended.status, ended.error["code"], ended.total_rows) == ("failed", refusal.code, after)
    assert ended.read_to_row == (after + 1 if after else 0)
    await whole.check(ended, FILE)


def _dies_at_step(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """The process dies before its transaction of this number."""
    steps = {"left": step}
    for name in ("_stage", "break_off", "refuse", "_end_broken_off"):
        real = getattr(ChunkStaging, name)

        async def dying(self: ChunkStaging, *said: Any, _real: Any = real, **more: Any) -> Any:
            steps["left"] -= 1
            if steps["left"] == 0:
                raise Killed
            return await _real(self, *said, **more)

        monkeypatch.setattr(ChunkStaging, name, dying)


@pytest.mark.parametrize("name", BREAKS)
async def test_however_often_the_parser_is_killed_the_end_is_the_same(
    whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    make, rows, settings, code, _ = BREAKS[name]
    path = make(tmp_path)
    lives = await whole.parser.parse(
        whole.parser.event(path, options={"hold": True}), handler=whole.parser.handler(**settings)
    )
    event = whole.parser.event(path)
    assert event.import_id is not None
    handler = whole.parser.handler(**settings)
    for step in (1, 2, 1, 2, 3, 1, 2, 2, 2, 2, 2, 2, 2, 2):
        _dies_at_step(monkeypatch, step)
        try:
            await whole.parser.parse(event, handler=handler)
        except Killed:
            continue
        finally:
            monkeypatch.undo()
    await whole.parser.parse(event, handler=handler)
    await whole.later_stages()
    ended = await whole.ledger(event.import_id)
    assert ended.error is not None
    assert (ended.status, ended.error["code"]) == ("failed", code)
    await whole.check(ended, rows)
    assert await whole.parser.rows(event.import_id) == await whole.parser.rows(lives)


async def test_nothing_of_a_held_file_that_breaks_off_is_committed_and_all_of_it_is_handed_back(
    whole: Whole, tmp_path: Path
) -> None:
    make, rows, settings, _, _ = BREAKS["a product that is too large"]
    ended = await whole.imported(make(tmp_path), whole.parser.handler(**settings), options={"hold": True})
    assert (ended.status, ended.created_rows, ended.failed_rows) == ("failed", 0, 0)
    assert ended.unprocessed_rows == len(rows)
    await whole.check(ended, rows)


async def test_what_was_staged_of_a_cancelled_import_is_handed_back_and_how_far_it_was_read_is_said(
    whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = whole.parser.event(text_file(tmp_path / "f.csv", FILE))
    _dies_at_step(monkeypatch, 4)
    with pytest.raises(Killed):
        await whole.parser.parse(event)
    monkeypatch.undo()
    assert event.import_id is not None
    assert await whole.parser.as_intake(cancel_import, event.import_id)
    await whole.later_stages()
    ended = await whole.ledger(event.import_id)
    assert (ended.status, ended.read_to_row) == ("cancelled", 30)
    assert ended.unprocessed_rows == ended.total_rows == 29
    await whole.check(ended, FILE)


async def test_an_import_that_is_cancelled_while_what_is_left_over_is_kept_ends_cancelled(
    whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, rows, settings, _, _ = BREAKS["a first product that is too large"]
    event = whole.parser.event(make(tmp_path), options={"hold": True})
    _dies_at_step(monkeypatch, 3)
    with pytest.raises(Killed):
        await whole.parser.parse(event, handler=whole.parser.handler(**settings))
    monkeypatch.undo()
    assert event.import_id is not None
    assert await whole.parser.as_intake(cancel_import, event.import_id)
    await whole.parser.parse(event, handler=whole.parser.handler(**settings))
    await whole.later_stages()
    ended = await whole.ledger(event.import_id)
    assert (ended.status, ended.error) == ("cancelled", None)
    await whole.check(ended, rows)


async def test_a_reading_that_is_given_up_while_what_is_left_over_is_kept_still_ends(
    whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, rows, settings, code, _ = BREAKS["a first product that is too large"]
    event = whole.parser.event(make(tmp_path))
    _dies_at_step(monkeypatch, 3)
    with pytest.raises(Killed):
        await whole.parser.parse(event, handler=whole.parser.handler(**settings))
    monkeypatch.undo()
    async with tenant_transaction(whole.parser.engine_of("winnow_parser"), whole.parser.tenant) as conn:
        await give_up(conn, event, "W-1")
    await whole.later_stages()
    assert event.import_id is not None
    ended = await whole.ledger(event.import_id)
    assert ended.error is not None
    assert (ended.status, ended.error["code"]) == ("failed", code)
    await whole.check(ended, rows)


async def test_what_is_handed_back_unprocessed_has_the_senders_columns_and_is_imported_as_it_is(
    whole: Whole, tmp_path: Path
) -> None:
    odd = row(title="=1+1", handle="-odd", sku="@7", description='two\nlines; "quoted"', barcode="0012345678905")
    rows = [*product(1, variants=20), odd, *catalogue(3, start=2)]
    headings = [*HEADINGS, "Remarks"]
    path = text_file(tmp_path / "f.csv", [[*cells, "=2"] for cells in rows], headings=headings, delimiter=";")
    first = await whole.imported(path, whole.parser.handler(group_rows=12))
    assert (first.created_rows, first.unprocessed_rows) == (0, 30)
    content = whole.handed_back(first.unprocessed_object_key)
    records = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";"))
    assert records[0] == [*headings, "Import error"]
    why = f"Row 2 – not processed: the import failed (group_too_large) [import {first.id} row 2]"
    assert records[1][-1] == why
    assert {cell[0] for record in records[1:] for cell in record if cell} & set("=+-@\t\r") == set()

    again = tmp_path / "f-unprocessed.csv"
    again.write_bytes(content)
    second = await whole.imported(again)
    assert (second.status, second.created_rows, second.total_rows) == ("completed", 30, 30)
    stored = "SELECT p.title || p.handle || v.sku || p.description FROM catalog.products p JOIN catalog.product_variants v ON v.product_id = p.id WHERE p.tenant_id = :t AND v.sku = '@7'"
    assert await whole.parser.world.scalar(stored, t=whole.parser.tenant) == '=1+1-odd@7two\nlines; "quoted"'


async def test_a_file_of_unprocessed_rows_is_announced_once_with_its_count(whole: Whole, tmp_path: Path) -> None:
    ended = await whole.imported(endless(tmp_path))
    (body,) = await whole.parser._announced("unprocessed-exported")
    said = UnprocessedExported.model_validate_json(body)
    assert (said.unprocessed_object_key, said.unprocessed_rows) == (ended.unprocessed_object_key, 3)
    (corrections,) = await whole.parser._announced("corrections-exported")
    assert str(ended.unprocessed_object_key).encode() in corrections


async def test_that_an_import_has_ended_says_what_is_handed_back_and_how_far_its_file_was_read(
    whole: Whole, tmp_path: Path
) -> None:
    await whole.parser.parse(whole.parser.event(endless(tmp_path)))
    await whole.parser.later_stages()
    (body,) = await whole.parser._announced("import-completed")
    said = ImportCompleted.model_validate_json(body)
    assert (said.unprocessed_rows, said.has_exportable_unprocessed, said.read_to_row) == (3, True, 36)


async def test_what_a_row_says_beyond_the_last_heading_is_handed_back_behind_it(whole: Whole, tmp_path: Path) -> None:
    make, _, _, _, _ = BREAKS["a row with too many columns"]
    ended = await whole.imported(make(tmp_path))
    content = whole.handed_back(ended.unprocessed_object_key).decode("utf-8-sig")
    headings, *records = csv.reader(io.StringIO(content, newline=""))
    (wide,) = [record for record in records if len(record) > len(headings)]
    place = f"[import {ended.id} row 32]"
    assert wide[len(headings) - 1] == f"Row 32 – not processed: the import failed (too_large) {place}"
    assert wide[len(headings) :] == ["x"] * 300


async def test_every_row_of_an_import_that_is_cancelled_before_it_is_cut_again_is_handed_back(
    whole: Whole, tmp_path: Path
) -> None:
    event = whole.parser.event(workbook(tmp_path / "f.xlsx", FILE), options={"hold": True})
    import_id = await whole.parser.parse(event)
    assert isinstance(await whole.parser.as_intake(change_mapping, import_id, PLACES_OF_ALL), MappingChanged)
    assert await whole.parser.as_intake(cancel_import, import_id)
    await whole.later_stages()
    ended = await whole.ledger(import_id)
    assert (ended.unprocessed_rows, ended.read_to_row) == (len(FILE), None)
    await whole.check(ended, FILE)


async def test_files_that_are_given_up_keep_nobody_waiting_and_can_be_written_after_all(
    whole: Whole, tmp_path: Path
) -> None:
    import_id = await whole.parser.parse(whole.parser.event(endless(tmp_path)))
    await whole.parser.later_stages()
    (body,) = await whole.parser._announced("import-completed")
    event = ImportCompleted.model_validate_json(body)
    async with tenant_transaction(whole.parser.engine_of("winnow_exporter"), whole.parser.tenant) as conn:
        await give_up(conn, event, "W-7")
    given_up = await whole.ledger(import_id)
    assert given_up.files_ready
    assert given_up.error is not None
    assert given_up.error["code"] == "damaged"
    assert "W-7" in given_up.error["files"]
    await whole.exporter(event, Delivery("import-completed", 0, 0, body))
    written = await whole.ledger(import_id)
    assert written.error is not None
    assert "files" not in written.error
    await whole.check(written, FILE)
