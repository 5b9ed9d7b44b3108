"""The two files that are handed back, read as the programs of their readers read them."""

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import openpyxl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.exporter.corrections import FailedRow, HandedBackColumns, Origin
from services.exporter.failed_rows import FailedRowsFile
from services.exporter.unprocessed import UnprocessedFile, UnprocessedRow
from services.exporter.workbook import CorrectionWorkbook
from shared.corrections import neutralise, restore
from shared.entities import ENTITY_TYPES
from shared.entities.cells import Cell
from shared.entities.errors import RowError

HEADINGS = ["Product Title", "Product Handle", "Barcode", "Grams Weight", "Note"]
FIELDS = {"title": 0, "handle": 1, "barcode": 2, "weight_g": 3}
ORIGIN = Origin(UUID(int=7), "autumn.xlsx", datetime(2026, 1, 31, tzinfo=UTC))

Rows = Sequence[FailedRow]


def columns(headings: Sequence[str] = HEADINGS, width: int = 5) -> HandedBackColumns:
    return HandedBackColumns(ENTITY_TYPES["products"], headings, FIELDS, width)


def failed(row: int, *cells: Any, errors: Sequence[RowError] = (), group: int = 2, first_bad: int = 2) -> FailedRow:
    return FailedRow(row, group, first_bad, list(cells), errors)


HEAVY = RowError(2, 2, 3, "Grams Weight", "invalid_number", '"heavy" is not a number; use a point for decimals')
ROWS = [
    failed(2, "Tee", "tee", "0012345678905", "heavy", "=HYPERLINK(1)", errors=[HEAVY]),
    failed(3, None, None, 5600000000019, None, "-"),
    failed(
        9,
        "Cap",
        "cap",
        None,
        20.5,
        None,
        errors=[RowError(9, 9, None, None, "rejected", "rejected")],
        group=9,
        first_bad=9,
    ),
]


def written(folder: Path, rows: Rows = ROWS, *, comments: int = 100, name: str = "a.xlsx") -> Path:
    path = folder / name
    with CorrectionWorkbook(path, columns(), ORIGIN, comments=comments) as workbook:
        workbook.add(rows)
    return path


def page(path: Path) -> Any:
    return openpyxl.load_workbook(path)["Products"]


def test_the_columns_are_the_senders_in_their_order_and_the_reasons_come_last(tmp_path: Path) -> None:
    sheet = page(written(tmp_path))
    assert [cell.value for cell in sheet[1]] == [*HEADINGS, "Import errors"]
    assert all(cell.font.b for cell in sheet[1])
    assert {cell.fill.fgColor.rgb for cell in sheet[1]} == {"FFE0E0E0"}
    assert sheet.freeze_panes == "A2"


def test_bad_cells_are_red_with_their_reason_and_good_ones_are_not(tmp_path: Path) -> None:
    sheet = page(written(tmp_path))
    assert sheet["D2"].fill.fgColor.rgb == "FFFFE0E0"
    assert sheet["D2"].comment.text.strip().endswith(HEAVY.message)
    others = [cell for row in sheet["A2:E4"] for cell in row if cell.coordinate != "D2"]
    assert [cell.coordinate for cell in others if cell.comment or cell.fill.fgColor.rgb == "FFFFE0E0"] == []


def test_every_row_says_why_it_is_here(tmp_path: Path) -> None:
    said = [cell.value for (cell,) in page(written(tmp_path))["F2:F4"]]
    assert said[0] == f"Row 2 – Grams Weight: {HEAVY.message}"
    assert said[1] == "Not imported because row 2 of the same product has errors"
    assert said[2] == "Row 9 – rejected"


def test_cells_come_back_as_they_were(tmp_path: Path) -> None:
    sheet = page(written(tmp_path))
    assert sheet["C2"].value == "0012345678905", "text keeps its zeros"
    assert sheet["C3"].value == 5600000000019, "a number is a number"
    assert sheet["D4"].value == 20.5
    assert sheet["A3"].value is None


def test_nothing_in_the_workbook_is_a_formula(tmp_path: Path) -> None:
    sheet = page(written(tmp_path))
    assert sheet["E2"].value == "'=HYPERLINK(1)"
    assert sheet["E2"].data_type == "s"
    assert restore(str(sheet["E3"].value)) == "-"


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    assert written(tmp_path).read_bytes() == written(tmp_path, name="b.xlsx").read_bytes()


def test_beyond_the_most_comments_cells_are_still_red_and_the_last_column_says_all(tmp_path: Path) -> None:
    rows = [failed(row, "T", "t", "1", "heavy", errors=[HEAVY], group=row, first_bad=row) for row in range(2, 12)]
    sheet = page(written(tmp_path, rows, comments=3))
    assert sum(1 for row in range(2, 12) if sheet.cell(row, 4).comment) == 3
    assert {sheet.cell(row, 4).fill.fgColor.rgb for row in range(2, 12)} == {"FFFFE0E0"}
    assert all("heavy" in sheet.cell(row, 6).value for row in range(2, 12))


def test_the_reasons_of_an_earlier_round_do_not_pile_up(tmp_path: Path) -> None:
    path = tmp_path / "again.xlsx"
    again = columns([*HEADINGS, "Import errors"], 6)
    with CorrectionWorkbook(path, again, ORIGIN, comments=3) as workbook:
        workbook.add([failed(2, "T", "t", "1", "x", None, "Row 2 – old", errors=[HEAVY])])
    assert [cell.value for cell in page(path)[1]].count("Import errors") == 1
    assert "old" not in str(page(path)["F2"].value)


CELLS = st.text(max_size=60) | st.integers(-(10**12), 10**12) | st.booleans() | st.none()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(CELLS, min_size=5, max_size=5), min_size=1, max_size=5))
def test_whatever_the_cells_hold_the_workbook_opens_and_has_them(tmp_path: Path, cells: list[list[Any]]) -> None:
    rows = [failed(row, *values, errors=[HEAVY]) for row, values in enumerate(cells, start=2)]
    sheet = page(written(tmp_path, rows))
    for number, values in enumerate(cells, start=2):
        for column, value in enumerate(values, start=1):
            seen = sheet.cell(number, column).value
            if isinstance(value, str) and value.isprintable() and value.strip() == value and value:
                assert seen == neutralise(value)
            elif isinstance(value, int):
                assert str(seen).lower() == str(value).lower()


def test_the_csv_has_the_same_rows_for_programs_and_spreadsheets(tmp_path: Path) -> None:
    path = tmp_path / "failed.csv"
    with FailedRowsFile(path, columns()) as file:
        file.add([*ROWS, failed(10, 'say "hi"', "a;b", None, None, "two\nlines", group=9, first_bad=9)])
    raw = path.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    assert raw.count(b"\r\n") == 5
    lines = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline="")))
    assert lines[0] == [*HEADINGS, "Import error"]
    assert lines[1] == [
        "Tee",
        "tee",
        "0012345678905",
        "heavy",
        "'=HYPERLINK(1)",
        f"Row 2 – Grams Weight: {HEAVY.message}",
    ]
    assert lines[2][2] == "5600000000019"
    assert lines[4][0] == 'say "hi"'
    assert lines[4][4] == "two\nlines"


DATE: Cell = {"date": "2026-06-08"}
MADE: list[Cell] = [
    DATE,
    DATE,
    198600000000000000.0,
    {"number": 250.125, "as": '0 "g"'},
    DATE,
    {"number": 0.8, "as": "0%"},
]
AS_TEXT = ["2026-06-08", "#DATE! 2026-06-08", "1.98600000000000E+17", "250.1250", "2026-06-08"]


def test_a_text_file_marks_what_a_program_has_made_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "failed.csv"
    with FailedRowsFile(path, columns()) as file:
        file.add([failed(2, *MADE[:5])])
    records = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    assert records[1][:5] == AS_TEXT


def test_rows_that_were_not_processed_mean_the_same_in_their_text_file(tmp_path: Path) -> None:
    path = tmp_path / "rest.csv"
    with UnprocessedFile(path, columns(), why="the import was cancelled", delimiter=",") as file:
        file.add([UnprocessedRow(2, MADE), UnprocessedRow(3, ["Bl\udcfcte"])])
    records = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    assert records[1] == [*AS_TEXT, "Row 2 – not processed: the import was cancelled", "80%"]
    assert records[2][0] == "Bl\ufffdte"


def test_what_was_no_text_is_none_again_in_the_text_file(tmp_path: Path) -> None:
    path = tmp_path / "failed.csv"
    with FailedRowsFile(path, columns()) as file:
        file.add([failed(2, "Bl\udcfcte", "\ud800")])
    assert "Bl\ufffdte,\ufffd," in path.read_text(encoding="utf-8-sig")
