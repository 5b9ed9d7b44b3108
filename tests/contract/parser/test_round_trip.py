"""What is handed back is what was sent, cell by cell: unmended it is refused for the same reasons, mended it is what was meant."""

import csv
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import openpyxl
import orjson
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.exporter.corrections import FailedRow, HandedBackColumns, Origin
from services.exporter.failed_rows import FailedRowsFile
from services.exporter.workbook import CorrectionWorkbook
from services.parser.reading import frames
from services.parser.reading.contents import read
from services.parser.reading.limits import Limits
from services.parser.reading.request import Request
from services.validator.products.categories import Categories
from services.validator.products.groups import References
from services.validator.products.product import FailedProduct, Known, Product
from services.validator.products.rules import check
from services.validator.rows import RawRow, RowReader
from shared.entities import PRODUCTS
from shared.entities.cells import Cell, cell_text
from shared.entities.columns import Columns
from shared.entities.errors import RowError

ORIGIN = Origin(UUID(int=7), "autumn.xlsx", dt.datetime(2026, 1, 31, tzinfo=dt.UTC))
CODES = ("handle", "title", "barcode", "sku", "attribute_1", "attribute_value_1", "season", "weight_g", "percentages", "image_url")  # fmt: skip
HEADINGS = [PRODUCTS.by_code[code].heading for code in CODES]
FIELDS = {code: place for place, code in enumerate(CODES)}
FORMATS = ("0%", "0.00%", "000000", "0000000000000", "0.00", "#,##0", '0" g"', '0" kg"', "0.00E+00", "# ?/?", "[h]:mm", "@", "General", "[$€-407] #,##0.00", "[Red]0", '"<&>"0')  # fmt: skip
DATE_FORMATS = ("d-mmm", "mmm-yy", "yyyy-mm-dd", "dd.mm.yyyy hh:mm", "mm-dd-yy", "[$-409]d\\-mmm\\-yyyy;@")


@dataclass(frozen=True)
class Sent:
    """A cell that is written: a value, in a format, leading somewhere."""

    value: Any = None
    code: str = "General"
    link: str | None = None


NUMBERS = st.one_of(
    st.integers(-(10**6), 10**14), st.sampled_from([0.8, 1, 0.125, 42, 1e15, 1.986e17, 12345678905, 0.1234567890123456])
)
DATES = st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(9999, 12, 31)).map(lambda at: at.replace(microsecond=0))  # noqa: DTZ001
CELLS: st.SearchStrategy[Sent] = st.one_of(
    st.just(Sent()),
    st.builds(Sent, st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn"]), max_size=12)),
    st.builds(
        Sent,
        st.sampled_from(["=A1", "'=A1", "+5", "@x", "1.986E+17", "12.0", "8-Jun", "80%", "#REF!", "#SPILL!", " x "]),
    ),
    st.builds(Sent, st.booleans()),
    st.builds(Sent, NUMBERS, st.sampled_from(FORMATS)),
    st.builds(Sent, DATES, st.sampled_from(DATE_FORMATS)),
    st.builds(Sent, st.times().map(lambda at: at.replace(microsecond=0)), st.just("h:mm:ss")),
    st.builds(Sent, st.sampled_from(["Shop", "a picture"]), st.just("General"), st.just("https://brand.com/a.png")),
)
ROWS = st.lists(st.tuples(*[CELLS] * (len(CODES) - 1)), min_size=1, max_size=4)


def send(path: Path, rows: Sequence[Sequence[Sent]], *, since_1904: bool) -> None:
    with xlsxwriter.Workbook(str(path), {"date_1904": since_1904}) as book:
        page = book.add_worksheet("Products")
        page.write_row(0, 0, HEADINGS)
        for number, cells in enumerate(rows, start=1):
            page.write_string(number, 0, f"product-{number}")
            for column, cell in enumerate(cells, start=1):
                look = book.add_format({"num_format": cell.code})
                if cell.link is not None:
                    page.write_url(number, column, cell.link, string=cell.value)
                elif isinstance(cell.value, str):
                    page.write_string(number, column, cell.value)
                elif isinstance(cell.value, dt.datetime | dt.time):
                    page.write_datetime(number, column, cell.value, look)
                elif isinstance(cell.value, bool):
                    page.write_boolean(number, column, cell.value)
                elif cell.value is not None:
                    page.write_number(number, column, cell.value, look)


def received(path: Path) -> dict[int, list[Cell]]:
    """The rows below the headings, by number, as the reading process says them."""
    request = Request(path, path.name, PRODUCTS, "create", {}, Limits())
    rows: dict[int, list[Cell]] = {}
    for said in read(request):
        if said[4:5] == frames.ROWS:
            rows |= {row.row: orjson.loads(row.cells) for row in frames.read_rows(said[frames.HEADER :])}
    rows.pop(1)
    return rows


def refused(rows: dict[int, list[Cell]]) -> dict[int, list[RowError]]:
    """The errors of each product that is not imported, by its row."""
    columns = Columns(PRODUCTS, HEADINGS, FIELDS)
    groups = RowReader(columns).read_all(RawRow(number, number, cells) for number, cells in rows.items())
    decided = check(groups, columns, References(Known(), Categories([])))
    return {one.row: list(one.errors) for one in decided.products if isinstance(one, FailedProduct)}


def seen(cells: Sequence[Cell]) -> list[object]:
    """The cells of a row in the columns that were sent; of a hyperlink what the correction file keeps of it."""
    kept: list[object] = []
    for place, cell in enumerate(cells[: len(CODES)]):
        if isinstance(cell, dict) and "link" in cell:
            kept.append(cell["link"] if CODES[place] == "image_url" else cell["text"])
        else:
            kept.append(cell)
    while kept and kept[-1] is None:
        kept.pop()
    return kept


def reasons(errors: Sequence[RowError]) -> list[tuple[int | None, str, str]]:
    return sorted((error.column_index or 0, error.code, error.message) for error in errors)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, since_1904=st.booleans())
def test_what_is_handed_back_unmended_says_the_same_and_creates_nothing(
    tmp_path: Path, rows: Sequence[Sequence[Sent]], *, since_1904: bool
) -> None:
    rows = [[_countable(cell, since_1904=since_1904) for cell in cells] for cells in rows]
    send(tmp_path / "sent.xlsx", rows, since_1904=since_1904)
    first = received(tmp_path / "sent.xlsx")
    errors = refused(first)
    if not errors:
        return
    failed = [FailedRow(row, row, row, first[row], errors[row]) for row in sorted(errors)]
    columns = HandedBackColumns(PRODUCTS, HEADINGS, FIELDS, max(len(HEADINGS), *(len(row.cells) for row in failed)))
    with (
        CorrectionWorkbook(tmp_path / "corrections.xlsx", columns, ORIGIN, comments=10) as workbook,
        FailedRowsFile(tmp_path / "failed-rows.csv", columns) as listed,
    ):
        workbook.add(failed)
        listed.add(failed)
    again = received(tmp_path / "corrections.xlsx")
    assert [seen(again[row]) for row in sorted(again)] == [seen(row.cells) for row in failed]
    # The explanation stands behind the columns that were sent; a file is read with its heading.
    second = refused({row: cells[: len(columns.headings)] for row, cells in again.items()})
    assert [reasons(second[row]) for row in sorted(again)] == [reasons(row.errors) for row in failed]


GOOD: dict[str, Any] = {
    "title": "Tee",
    "barcode": "4006381333931",
    "sku": "T-1",
    "attribute_1": None,
    "attribute_value_1": None,
    "season": "SS26",
    "weight_g": 12,
    "percentages": None,
    "image_url": "https://brand.com/mended.png",
}
"""What a person types into a red cell. An attribute without a value is taken out, as are percentages of no material."""

Cells = dict[int, list[Cell]]


def to_mend(errors: dict[int, list[RowError]]) -> set[tuple[int, int]]:
    """The red cells: row and column; and the ones that only go together with them."""
    red = {
        (row, error.column_index) for row, found in errors.items() for error in found if error.column_index is not None
    }
    pair = {FIELDS["attribute_1"]: FIELDS["attribute_value_1"], FIELDS["attribute_value_1"]: FIELDS["attribute_1"]}
    return red | {(row, pair[column]) for row, column in red if column in pair}


def type_into(path: Path, red: set[tuple[int, int]]) -> None:
    """Mend a file as a person does: only red cells are typed into, formatted anew where they had a format that alters it."""
    if path.suffix == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as file:
            records = list(csv.reader(file))
        for row, column in red:
            typed = GOOD[CODES[column]]
            records[row - 1][column] = "" if typed is None else str(typed)
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file).writerows(records)
        return
    book = openpyxl.load_workbook(path)
    for row, column in red:
        cell = book["Products"].cell(row, column + 1)
        cell.number_format = "General"
        cell.value = GOOD[CODES[column]]
    book.save(path)


def typed_before(rows: Cells, red: set[tuple[int, int]]) -> Cells:
    """The rows as they would have been, had these cells been right when they were first sent."""
    right = {row: [*cells, *[None] * (len(CODES) - len(cells))] for row, cells in rows.items()}
    for row, column in red:
        right[row][column] = GOOD[CODES[column]]
    return right


def created(rows: Cells) -> list[Any]:
    """What the products of these rows are, whatever the numbers of the rows."""
    columns = Columns(PRODUCTS, HEADINGS, FIELDS)
    groups = RowReader(columns).read_all(RawRow(number, number, cells[: len(CODES)]) for number, cells in rows.items())
    decided = check(groups, columns, References(Known(), Categories([]))).products
    return [
        replace(one, row=0, variants=tuple(replace(each, row=0) for each in one.variants))
        for one in decided
        if isinstance(one, Product)
    ]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, kind=st.sampled_from(["xlsx", "csv"]))
@pytest.mark.filterwarnings("ignore:Cell .* is marked as a date")
def test_what_is_mended_is_exactly_what_was_meant(tmp_path: Path, rows: Sequence[Sequence[Sent]], kind: str) -> None:
    send(tmp_path / "sent.xlsx", rows, since_1904=False)
    meant = received(tmp_path / "sent.xlsx")
    errors = refused(meant)
    meant = {row: meant[row] for row in sorted(errors)}
    # Mending one cell may show what else is wrong with its row.
    for _ in CODES:
        if not errors:
            assert len(created(meant)) == len(meant)
            return
        failed = [FailedRow(row, row, row, meant[row], errors[row]) for row in sorted(errors)]
        red = to_mend(errors)
        assert {row for row, _ in red} == set(errors), errors
        columns = HandedBackColumns(
            PRODUCTS, HEADINGS, FIELDS, max(len(HEADINGS), *map(len, meant.values())), import_id=ORIGIN.import_id
        )
        path = tmp_path / f"corrections.{kind}"
        if kind == "xlsx":
            with CorrectionWorkbook(path, columns, ORIGIN, comments=10) as workbook:
                workbook.add(failed)
        else:
            with FailedRowsFile(path, columns) as listed:
                listed.add(failed)
        place = {row: number for number, row in enumerate(sorted(errors), start=2)}
        type_into(path, {(place[row], column) for row, column in red})
        again = {row: cells[: len(CODES)] for row, cells in received(path).items()}
        right = typed_before({row: meant[row] for row in errors}, red)
        assert created(again) == created(right)
        meant, errors = again, refused(again)
    assert not errors, "a row that cannot be mended"


def _countable(cell: Sent, *, since_1904: bool) -> Sent:
    """Days that the workbook can count."""
    if isinstance(cell.value, dt.datetime) and since_1904 and cell.value.year <= 1904:
        return Sent(cell.value.replace(year=1950), cell.code)
    return cell


def test_cells_look_as_they_did_when_they_are_handed_back(tmp_path: Path) -> None:
    cells: list[Cell] = ["tee", {"date": "2025-06-08", "as": "d-mmm"}, {"number": 42, "as": "000000"}, 1.986e17]
    cells += [None, None, None, {"number": 0.8, "as": "0%"}, {"number": 0.8, "as": "0%"}]
    row = FailedRow(2, 2, 2, cells, [RowError(2, 2, 7, "Grams Weight", "invalid_number", "is no plain number")])
    columns = HandedBackColumns(PRODUCTS, HEADINGS, FIELDS, len(HEADINGS))
    with CorrectionWorkbook(tmp_path / "a.xlsx", columns, ORIGIN, comments=10) as workbook:
        workbook.add([row])
    assert [cell_text(cell) for cell in received(tmp_path / "a.xlsx")[2][: len(cells)]] == [
        "tee", "8-Jun", "000042", "198600000000000000", "", "", "", "80%", "80%",
    ]  # fmt: skip


def test_a_number_that_has_lost_digits_is_refused_again_when_the_csv_is_sent_back(tmp_path: Path) -> None:
    sent: dict[int, list[Cell]] = {2: ["tee", "Tee", None, 1.986e17]}
    errors = refused(sent)
    columns = HandedBackColumns(PRODUCTS, HEADINGS, FIELDS, len(HEADINGS))
    with FailedRowsFile(tmp_path / "failed-rows.csv", columns) as listed:
        listed.add([FailedRow(2, 2, 2, sent[2], errors[2])])
    again = received(tmp_path / "failed-rows.csv")
    assert again[2][3] == "1.98600000000000E+17"
    assert "invalid_sku" in [error.code for error in refused(again)[2]]
