"""Headings over several rows, and files of several tables: what belongs to the table that is imported, and what does not."""

import csv
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
import xlsxwriter

from services.exporter.corrections import Origin
from tests.harness.said_rows import SaidRows, handed_back, said_rows

ORIGIN = Origin(UUID("0190f2f0-0000-7000-8000-000000000001"), "shirts.csv", datetime(2026, 6, 8, tzinfo=UTC))
Rows = Sequence[Sequence[str]]
HEADINGS = ["Title", "Handle", "SKU", "Weight"]
TEE, CAP, HAT = ["Tee", "tee", "T-1", "12"], ["Cap", "cap", "C-1", "7"], ["Hat", "hat", "H-1", "3"]


@pytest.fixture(params=["csv", "xlsx"])
def kind(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


def said(folder: Path, kind: str, rows: Rows) -> SaidRows:
    path = folder / f"shirts.{kind}"
    if kind == "csv":
        with path.open("w", newline="") as file:
            csv.writer(file).writerows(rows)
        return said_rows(path)
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        for number, cells in enumerate(rows):
            for column, cell in enumerate(cells):
                if cell:
                    sheet.write_string(number, column, cell)
    return said_rows(path)


def skus(read: SaidRows) -> dict[int, str]:
    return {row: values["sku"] for row, values in read.good.items()}


def headings_of(read: SaidRows) -> str:
    return next(str(one["value"]) for one in read.layout["decisions"] if one["name"] == "headings")


@pytest.mark.parametrize(
    ("above", "fields"),
    [
        (
            [["Title", "Handle", "Identifiers", "", "Weight"], ["", "", "SKU", "Barcode", "(g)"]],
            ["title", "handle", "sku", "barcode", "weight_g"],
        ),
        ([["Product", "", "Stock keeping"], ["Title", "Handle", "unit"]], ["title", "handle", "sku"]),
        (
            [["Article", "", ""], ["Product", "Product", "Stock keeping"], ["Title", "Handle", "Unit"]],
            ["title", "handle", "sku"],
        ),
        ([["", "", "SKU"], ["Title", "Handle", ""]], ["title", "handle", "sku"]),
    ],
)
def test_headings_may_go_over_several_rows(tmp_path: Path, kind: str, above: Rows, fields: list[str]) -> None:
    read = said(tmp_path, kind, [*above, ["Tee", "tee", "T-1", "4006381333931", "12"][: len(fields)]])
    assert sorted(read.fields, key=read.fields.__getitem__) == fields
    assert skus(read) == {len(above) + 1: "T-1"}
    assert headings_of(read).startswith("rows ")


@pytest.mark.parametrize("titles", [["Product", "", "Stock", ""], ["General", "General", "Identifiers", "Figures"]])
def test_titles_above_headings_are_no_part_of_them(tmp_path: Path, kind: str, titles: list[str]) -> None:
    read = said(tmp_path, kind, [titles, HEADINGS, TEE])
    assert (read.headings, headings_of(read)) == (HEADINGS, "row 2")


@pytest.mark.parametrize(
    ("below", "is_known"),
    [
        (["", "", "", "(g)"], True),
        (["required", "required", "optional", "g"], True),
        (["", "", "", "kg"], False),
        (["Pflichtfeld", "Pflichtfeld", "", "[kg]"], False),
    ],
)
def test_a_row_of_units_below_the_headings_is_part_of_them(
    tmp_path: Path, kind: str, below: list[str], *, is_known: bool
) -> None:
    read = said(tmp_path, kind, [HEADINGS, below, TEE])
    assert skus(read) == {3: "T-1"}
    assert ("weight_g" in read.fields) is is_known
    assert any("name it Grams Weight with figures in g" in one["message"] for one in read.notices) is not is_known


@pytest.mark.parametrize(
    "record", [["Season", "tee", "Status", "5"], ["Tags", "tags", "Weight", "12"], ["Handle", "h", "SKU", ""]]
)
def test_a_record_whose_values_are_words_of_headings_is_data(tmp_path: Path, kind: str, record: list[str]) -> None:
    assert skus(said(tmp_path, kind, [HEADINGS, record, CAP])) == {2: record[2], 3: "C-1"}


@pytest.mark.parametrize(
    "other",
    [
        [["SKU", "Title", "Handle"], ["X-1", "X", "x"], ["Y-1", "Y", "y"]],
        [["Description", "Season", "Tags", "SKU"], ["soft", "SS26", "tee", "T-1"]],
        [["Handle", "Title"], ["x", "X"]],
        [["Handle", "Title", "Status", "Colour", "Shop"], ["x", "X", "active", "red", "1"]],
    ],
)
@pytest.mark.parametrize("gap", [0, 1, 2])
def test_rows_below_other_headings_are_refused(tmp_path: Path, kind: str, other: Rows, gap: int) -> None:
    read = said(tmp_path, kind, [HEADINGS, TEE, *[[]] * gap, *other])
    assert skus(read) == {2: "T-1"}
    begins = 3 + gap
    assert sorted(read.errors) == list(range(begins + 1, begins + len(other)))
    assert all(f"Row {begins} of the file has other headings" in " ".join(errors) for errors in read.errors.values())
    assert read.notice("other_table").endswith(f"first in row {begins}")


@pytest.mark.parametrize(
    "other",
    [
        [["Size", "Chest", "Waist", "Hips"], ["S", "90", "70", "80"], ["M", "95", "75", "85"]],
        [["Name", "Email", "Phone"], ["Ann", "ann@shop.example", "123"]],
        [["Colour", "Code", "Pantone", "Remarks"], ["Red", "R", "186 C", "5"]],
        [["Region", "Sales", "Units"], ["North", "100", "5"]],
    ],
)
def test_rows_below_headings_that_are_not_known_are_refused_up_to_the_next_gap(
    tmp_path: Path, kind: str, other: Rows
) -> None:
    read = said(tmp_path, kind, [HEADINGS, TEE, [], *other, [], CAP])
    assert skus(read) == {2: "T-1", 5 + len(other): "C-1"}
    assert sorted(read.errors) == list(range(4, 4 + len(other)))


@pytest.mark.parametrize(
    "record", [["Hat", "hat", "H-1", "n/a"], ["Fez", "fez", "FEZ-1", ""], ["Bib", "bib", "7", "words"]]
)
def test_a_record_below_a_gap_is_data(tmp_path: Path, kind: str, record: list[str]) -> None:
    assert skus(said(tmp_path, kind, [HEADINGS, TEE, [], record, CAP])) == {2: "T-1", 4: record[2], 5: "C-1"}


@pytest.mark.parametrize("ruler", [["---"] * 4, ["=====", "===", ":---:", "===="], ["-----+-----+----"]])
def test_a_line_drawn_below_headings_is_no_record(tmp_path: Path, kind: str, ruler: list[str]) -> None:
    read = said(tmp_path, kind, [HEADINGS, ruler, TEE])
    assert skus(read) == {3: "T-1"}
    assert read.notice("rows_that_say_nothing").endswith("first in row 2")


def test_the_first_table_is_read_where_the_second_has_more_headings(tmp_path: Path, kind: str) -> None:
    more = [["Handle", "Title", "SKU", "Season", "Tags", "Status"], ["x", "X", "X-1", "SS26", "new", "active"]]
    read = said(tmp_path, kind, [HEADINGS, TEE, CAP, [], *more])
    assert skus(read) == {2: "T-1", 3: "C-1"}
    assert sorted(read.errors) == [6]


def test_below_the_headings_again_rows_are_data_again(tmp_path: Path, kind: str) -> None:
    read = said(tmp_path, kind, [HEADINGS, TEE, ["SKU", "Title"], ["X-1", "X"], HEADINGS, HAT])
    assert skus(read) == {2: "T-1", 6: "H-1"}


def test_rows_of_another_table_are_refused_again_when_they_are_handed_back(tmp_path: Path, kind: str) -> None:
    read = said(tmp_path, kind, [HEADINGS, TEE, [], ["SKU", "Title", "Handle"], ["X-1", "X", "x"], ["Y-1", "Y", "y"]])
    again = said_rows(handed_back(read, tmp_path / "corrections.xlsx", ORIGIN))
    assert again.good == {}
    assert len(again.errors) == 2
    assert all("belongs to another table" in errors[0] for errors in again.errors.values())


def test_rows_above_the_headings_that_look_like_records_are_told(tmp_path: Path, kind: str) -> None:
    read = said(tmp_path, kind, [["Autumn list"], TEE, CAP, HEADINGS, HAT])
    assert skus(read) == {5: "H-1"}
    assert read.notice("rows_above_headings") == "Rows above the headings in row 4 were not imported, first in row 2"
