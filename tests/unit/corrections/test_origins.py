"""Which row a row was: said at the end of its explanation, read again whatever else stands there."""

import csv
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.exporter.corrections import FailedRow, HandedBackColumns, Origin
from services.exporter.failed_rows import FailedRowsFile
from services.exporter.unprocessed import UnprocessedFile, UnprocessedRow
from services.exporter.workbook import CorrectionWorkbook
from services.parser.reading.request import ParentReading
from shared.corrections import RowOrigin, first_origin, origin_of
from shared.entities import PRODUCTS
from shared.entities.errors import RowError
from tests.harness.said_rows import said_rows

ID = UUID("0190f2f0-0000-7000-8000-000000000001")
HEADINGS = ["Product Title", "Product Handle", "SKU"]
FIELDS = {"title": 0, "handle": 1, "sku": 2}
COLUMNS = HandedBackColumns(PRODUCTS, HEADINGS, FIELDS, 3, import_id=ID)


def failed(row: int, message: str = "is bad") -> FailedRow:
    return FailedRow(row, row, row, ["Tee", "tee", f"T-{row}"], [RowError(row, row, 2, "SKU", "invalid_sku", message)])


@given(st.uuids(), st.integers(1, 1_048_576), st.text(), st.text(" \n\r\t", max_size=3))
def test_what_is_written_behind_an_explanation_is_read_again(
    import_id: UUID, row: int, explanation: str, after: str
) -> None:
    origin = RowOrigin(import_id, row)
    assert origin_of(f"{explanation}{origin.written}{after}") == origin


@pytest.mark.parametrize(
    "said", [None, "", 7, "Row 2 – bad", "[import 1 row 2]", f"[import {ID} row x]", f"[import {ID} row 2] and more"]
)
def test_other_cells_say_nothing(said: str | int | None) -> None:
    assert origin_of(said) is None


def test_an_origin_is_looked_for_below_its_heading_alone() -> None:
    told = RowOrigin(ID, 4).written
    assert first_origin([["Description", "Import errors"], [told, None], [told, f"bad{told}"]]) == RowOrigin(ID, 4)
    assert first_origin([["Description", "SKU"], [told, told]]) is None
    assert first_origin([[f"bad{told}"], ["Import error"]]) is None


@pytest.mark.parametrize("message", ["is bad", "x" * 40_000, "<&>\n_x0041_"])
def test_every_row_that_is_handed_back_says_which_it_was(tmp_path: Path, message: str) -> None:
    rows = [failed(7, message), failed(9, message)]
    origin = Origin(ID, "autumn.xlsx", datetime(2026, 1, 31, tzinfo=UTC))
    with CorrectionWorkbook(tmp_path / "a.xlsx", COLUMNS, origin, comments=1) as workbook:
        workbook.add(rows)
    with FailedRowsFile(tmp_path / "a.csv", COLUMNS) as listed:
        listed.add(rows)
    with UnprocessedFile(tmp_path / "rest.csv", COLUMNS, why="it was cancelled", delimiter=";") as rest:
        rest.add([UnprocessedRow(row.row, row.cells) for row in rows])
    for name in ("a.xlsx", "a.csv", "rest.csv"):
        cells = said_rows(tmp_path / name).cells
        assert [origin_of(row[3]) for row in cells.values()] == [RowOrigin(ID, 7), RowOrigin(ID, 9)], name


def test_other_readers_see_the_explanation_and_the_origin_as_one_text(tmp_path: Path) -> None:
    origin = Origin(ID, "autumn.xlsx", datetime(2026, 1, 31, tzinfo=UTC))
    with CorrectionWorkbook(tmp_path / "a.xlsx", COLUMNS, origin, comments=1) as workbook:
        workbook.add([failed(7)])
    seen = openpyxl.load_workbook(tmp_path / "a.xlsx").worksheets[0].cell(2, 4).value
    with FailedRowsFile(tmp_path / "a.csv", COLUMNS) as listed:
        listed.add([failed(7)])
    _, record = csv.reader((tmp_path / "a.csv").read_text(encoding="utf-8-sig").splitlines())
    assert seen == record[3] == f"Row 7 – SKU: is bad [import {ID} row 7]"


def test_what_a_person_let_columns_mean_is_found_by_their_headings() -> None:
    parent = ParentReading([("Name", "title"), ("Code", "sku"), ("Code", "handle"), ("Note", None)], "")
    assert parent.fields(["Code", "Note", "Code", "Name", "Import errors"]) == {"sku": 0, "handle": 2, "title": 3}
    assert parent.fields(["Code"]) == {"sku": 0}
    assert ParentReading(None, "").fields(["Code"]) is None
