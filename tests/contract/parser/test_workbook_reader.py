"""The reader we use and openpyxl agree on what a workbook says, whoever wrote it."""

import datetime as dt
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import openpyxl
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl.styles import Font

from services.parser.formats.prescan import prescan
from services.parser.formats.workbook import WorkbookReader
from services.parser.reading.limits import Limits
from services.parser.refusals import FileRefused
from shared.entities import PRODUCTS
from shared.entities.cells import UNCALCULATED, Cell, cell_text
from shared.entities.number_formats import shown_number
from tests.unit.parser.formats.archives import archive, parts, row_xml, sheet_xml, strings_xml

Value: TypeAlias = str | int | float | bool | dt.datetime | dt.date | dt.time | None
Write: TypeAlias = Callable[[Path, Sequence[Sequence[Value]]], Path]

ERRORS = ("#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A")
SHEET = "Products"
WHOLE = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def by_xlsxwriter(path: Path, rows: Sequence[Sequence[Value]], **options: Any) -> Path:
    with xlsxwriter.Workbook(str(path), options) as book:
        page = book.add_worksheet(SHEET)
        formats = {
            dt.datetime: book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
            dt.date: book.add_format({"num_format": "dd.mm.yyyy"}),
            dt.time: book.add_format({"num_format": "hh:mm:ss"}),
        }
        for number, cells in enumerate(rows):
            for column, cell in enumerate(cells):
                if isinstance(cell, str) and cell in ERRORS:
                    page.write_formula(number, column, "=A1", None, cell)
                elif isinstance(cell, str):
                    page.write_string(number, column, cell)
                elif isinstance(cell, dt.date | dt.time):
                    page.write_datetime(number, column, cell, formats[type(cell)])
                elif cell is not None:
                    page.write(number, column, cell)
    return path


def by_xlsxwriter_in_constant_memory(path: Path, rows: Sequence[Sequence[Value]]) -> Path:
    return by_xlsxwriter(path, rows, constant_memory=True)


def by_xlsxwriter_counting_from_1904(path: Path, rows: Sequence[Sequence[Value]]) -> Path:
    return by_xlsxwriter(path, rows, date_1904=True)


def by_openpyxl(path: Path, rows: Sequence[Sequence[Value]]) -> Path:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.title = SHEET
    for number, cells in enumerate(rows, start=1):
        for column, value in enumerate(cells, start=1):
            cell = page.cell(number, column, value)
            if isinstance(value, str) and value not in ERRORS:
                cell.data_type = "s"
    book.save(path)
    return path


WRITERS = [by_xlsxwriter, by_xlsxwriter_in_constant_memory, by_xlsxwriter_counting_from_1904, by_openpyxl]
writers = pytest.mark.parametrize("write", WRITERS)


def ours(path: Path, sheet: str = SHEET) -> list[list[Cell]]:
    """What our reader says, without blank rows at the end."""
    return _without_blanks(opened(path).rows(sheet))


def opened(path: Path) -> WorkbookReader:
    return WorkbookReader(path, "shirts.xlsx", prescan(path, "shirts.xlsx", Limits()))


def theirs(path: Path, sheet: str = SHEET) -> list[list[Cell]]:
    """What openpyxl says, in the shape we keep cells in."""
    book = openpyxl.load_workbook(path, data_only=True)
    return _without_blanks(
        [_kept(cell.value, cell.number_format) for cell in cells] for cells in book[sheet].iter_rows()
    )


def _without_blanks(rows: Iterator[list[Cell]]) -> list[list[Cell]]:
    whole = []
    for row in rows:
        while row and row[-1] is None:
            row.pop()
        whole.append(row)
    while whole and not whole[-1]:
        whole.pop()
    return whole


def _kept(value: Any, code: str) -> Cell:
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    if isinstance(value, dt.datetime):
        at_midnight = value.time() == dt.time()
        return {"date": (value.date() if at_midnight else value).isoformat(), "as": code}
    if isinstance(value, dt.time):
        return {"time": value.isoformat(), "as": code}
    if isinstance(value, int | float) and not isinstance(value, bool) and shown_number(value, code) != cell_text(value):
        return {"number": value, "as": code}
    assert value is None or isinstance(value, str | int | float | bool)
    return value or None if isinstance(value, str) else value


# What XML cannot hold, or one of the writers changes, is tested by itself.
CHARACTERS = st.characters(exclude_categories=["Cc", "Cs", "Cn"], exclude_characters="_")
DATES = st.dates(min_value=dt.date(1904, 1, 2), max_value=dt.date(9999, 12, 31))
VALUES: st.SearchStrategy[Value] = st.one_of(
    st.none(),
    st.text(CHARACTERS, max_size=20),
    st.sampled_from(["007", "00012345678905", " x ", "1e5", "=A1", "TRUE", "2026-01-31", "two\nlines", "<&>\"'", "'"]),
    st.sampled_from(ERRORS),
    st.integers(min_value=-(10**14), max_value=10**14),
    st.integers(min_value=10**7, max_value=10**14),
    st.booleans(),
    st.decimals(min_value=-(10**6), max_value=10**6, places=4).map(float),
    DATES,
    st.builds(dt.datetime.combine, DATES, st.times().map(lambda time: time.replace(microsecond=0))),
    st.times(min_value=dt.time(0, 0, 1)).map(lambda time: time.replace(microsecond=0)),
)
ROWS = st.lists(st.lists(VALUES, max_size=5), max_size=8)


@writers
@WHOLE
@given(rows=ROWS)
def test_both_readers_read_the_same_values(tmp_path: Path, write: Write, rows: list[list[Value]]) -> None:
    path = write(tmp_path / "file.xlsx", rows)
    assert ours(path) == theirs(path)


@writers
@WHOLE
@given(rows=st.lists(st.lists(st.text(CHARACTERS, min_size=1).filter(str.strip), min_size=1, max_size=5), max_size=8))
def test_text_is_read_as_it_was_written(tmp_path: Path, write: Write, rows: list[list[str]]) -> None:
    assert ours(write(tmp_path / "file.xlsx", rows)) == rows


@writers
@WHOLE
@given(number=st.integers(min_value=-(10**15), max_value=10**15))
def test_a_whole_number_is_seen_as_its_digits(tmp_path: Path, write: Write, number: int) -> None:
    ((cell,),) = ours(write(tmp_path / "file.xlsx", [[number]]))
    assert cell_text(cell) == str(number)


@WHOLE
@given(number=st.floats(min_value=-1e300, max_value=1e300))
def test_the_text_of_any_number_is_that_number_without_an_exponent(tmp_path: Path, number: float) -> None:
    ((cell,),) = ours(by_openpyxl(tmp_path / "file.xlsx", [[number]]))
    text = cell_text(cell)
    assert math.isclose(float(text), number, rel_tol=1e-15, abs_tol=5e-324)
    assert set(text) <= set("-.0123456789")


@writers
@pytest.mark.parametrize(
    ("written", "seen"),
    [
        (115243746, "115243746"),
        (115243746.0, "115243746"),
        (4006381333931, "4006381333931"),
        (12345678901234, "12345678901234"),
        (6.55, "6.55"),
        (0.1, "0.1"),
        (1e-7, "0.0000001"),
        (1e20, "100000000000000000000"),
        (-2.5, "-2.5"),
        (0, "0"),
        (True, "true"),
        (False, "false"),
        ("007", "007"),
        ("4006381333931", "4006381333931"),
        ("#N/A", "#N/A"),
    ],
)
def test_a_cell_is_read_as_a_person_sees_it(tmp_path: Path, write: Write, written: Value, seen: str) -> None:
    ((cell,),) = ours(write(tmp_path / "file.xlsx", [[written]]))
    assert cell_text(cell) == seen


@pytest.mark.parametrize("value", [2, 6.55, "text", "007", True, False, *ERRORS])
def test_a_formula_is_read_as_the_value_it_had(tmp_path: Path, value: Value) -> None:
    path = tmp_path / "file.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        page = book.add_worksheet(SHEET)
        page.write_formula(0, 0, "=B1", None, value)
        page.write_string(0, 1, "behind")
    assert ours(path) == theirs(path) == [[value, "behind"]]


def test_rows_and_columns_that_are_blank_or_only_formatted_keep_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "file.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        page = book.add_worksheet(SHEET)
        bold = book.add_format({"bold": True})
        page.set_row(0, 30, bold)
        page.write_blank(1, 7, None, bold)
        page.write_string(3, 2, "here")
        page.write_blank(3, 9, None, bold)
        page.write_number(6, 0, 7)
        page.set_row(5000, 40, bold)
        page.write_blank(6000, 0, None, bold)
    assert ours(path) == theirs(path) == [[], [], [], [None, None, "here"], [], [], [7]]


def test_text_in_several_fonts_is_one_text(tmp_path: Path) -> None:
    path = tmp_path / "file.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        bold = book.add_format({"bold": True})
        book.add_worksheet(SHEET).write_rich_string(0, 0, "Organic ", bold, "Cotton", " shirt")
    assert ours(path) == theirs(path) == [["Organic Cotton shirt"]]


def test_of_merged_cells_the_first_has_the_value(tmp_path: Path) -> None:
    path = tmp_path / "file.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        page = book.add_worksheet(SHEET)
        page.merge_range(0, 0, 1, 2, "Product", book.add_format())
        page.write_string(0, 3, "Variants")
    assert ours(path) == theirs(path) == [["Product", None, None, "Variants"]]


def test_numbers_come_with_the_format_that_changes_what_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "file.xlsx"
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.title = SHEET
    for column, shown in enumerate(["0.00", "0%", "#,##0", "0.00E+00", "@", "00000000", "General", '"day" 0'], start=1):
        cell = page.cell(1, column, 1234.5)
        cell.number_format = shown
        cell.font = Font(bold=True)
    book.save(path)
    assert ours(path) == theirs(path)
    assert [cell_text(cell) for cell in ours(path)[0]] == [
        "1234.50", "123450%", "1,235", "1.23E+03", "1234.5", "00001235", "1234.5", "day 1235",
    ]  # fmt: skip


def test_rows_and_cells_that_do_not_say_where_they_are_follow_each_other(tmp_path: Path) -> None:
    rows = '<row><c t="str"><v>a</v></c><c><v>1</v></c></row><row><c t="b"><v>1</v></c></row>'
    path = archive(tmp_path / "file.xlsx", parts(sheet=sheet_xml(rows)))
    assert ours(path) == theirs(path) == [["a", 1], [True]]


def test_an_announced_size_that_is_wrong_hides_nothing(tmp_path: Path) -> None:
    rows = row_xml(1, "a", "b", "c") + row_xml(4, "d")
    path = archive(tmp_path / "file.xlsx", parts(sheet=sheet_xml(rows, dimension="B2:B2")))
    assert ours(path) == theirs(path) == [["a", "b", "c"], [], [], ["d"]]


def test_dates_written_as_text_of_the_standard_are_dates(tmp_path: Path) -> None:
    rows = '<row r="1"><c r="A1" t="d"><v>2026-01-31</v></c><c r="B1" t="d"><v>2026-01-31T10:00:00</v></c></row>'
    path = archive(tmp_path / "file.xlsx", parts(sheet=sheet_xml(rows)))
    assert ours(path) == [[{"date": "2026-01-31"}, {"date": "2026-01-31T10:00:00"}]]


@pytest.mark.parametrize("row", [1_048_577, 4_000_000_000])
def test_a_row_no_spreadsheet_has_is_refused_before_all_the_blank_ones_above_it_are_read(
    tmp_path: Path, row: int
) -> None:
    path = archive(tmp_path / "file.xlsx", parts(sheet=sheet_xml(row_xml(1, "a") + row_xml(row, "b"))))
    assert refusal_of_rows(path).code == "damaged"


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="1"><c r="A1" t="s"><v>7</v></c></row>',
        '<row r="1"><c r="A1" t="n"><v>twelve</v></c></row>',
        '<row r="1"><c r="A1" t="new"><v>1</v></c></row>',
        '<row r="3"><c r="A3"><v>1</v></c></row><row r="1"><c r="A1"><v>1</v></c></row>',
        '<row r="1"><c r="A1"><v>1',
        '<row r="1"><c r="?"><v>1</v></c></row>',
    ],
    ids=["text that is not there", "no number", "unknown kind", "rows out of order", "cut short", "no reference"],
)
def test_a_sheet_that_contradicts_itself_is_refused_as_damaged(tmp_path: Path, rows: str) -> None:
    path = archive(tmp_path / "file.xlsx", parts(sheet=sheet_xml(rows), strings=strings_xml("a")))
    assert refusal_of_rows(path).code == "damaged"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no workbook"])
def test_what_cannot_be_opened_is_refused_as_damaged(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file.xlsx"
    path.write_bytes(content)
    assert refusal_of_rows(path).code == "damaged"


def refusal_of_rows(path: Path) -> FileRefused:
    with pytest.raises(FileRefused) as refused:
        ours(path)
    assert '"shirts.xlsx"' in refused.value.message
    return refused.value


def sheets(path: Path, **content: Sequence[Sequence[str]]) -> WorkbookReader:
    """A workbook with these sheets; one whose name begins with `hidden` is hidden."""
    with xlsxwriter.Workbook(str(path)) as book:
        for name, rows in content.items():
            page = book.add_worksheet(name)
            for number, cells in enumerate(rows):
                page.write_row(number, 0, cells)
            if name.startswith("hidden"):
                page.hide()
    return opened(path)


HEADINGS = ["Product Title", "Product Handle", "SKU"]


def test_the_sheet_named_after_the_entity_is_read_wherever_it_is(tmp_path: Path) -> None:
    read = sheets(tmp_path / "file.xlsx", Description=[[*HEADINGS, "Tags"]], PRODUCTS=[HEADINGS])
    assert read.choose_sheet(PRODUCTS, None)[0] == "PRODUCTS"


def test_without_one_the_sheet_with_the_most_headings_is_read(tmp_path: Path) -> None:
    read = sheets(tmp_path / "file.xlsx", Notes=[["SKU"]], Shirts=[[], HEADINGS], Empty=[])
    assert read.choose_sheet(PRODUCTS, None)[0] == "Shirts"


def test_a_sheet_of_the_right_name_without_headings_is_passed_over(tmp_path: Path) -> None:
    read = sheets(tmp_path / "file.xlsx", Products=[["see next sheet"]], Shirts=[HEADINGS])
    assert read.choose_sheet(PRODUCTS, None)[0] == "Shirts"


def test_a_stray_word_on_the_sheet_of_that_name_does_not_make_it_the_table(tmp_path: Path) -> None:
    read = sheets(tmp_path / "file.xlsx", Products=[["Title", "of this file"]], Shirts=[HEADINGS])
    assert read.choose_sheet(PRODUCTS, None)[0] == "Shirts"


def test_another_sheet_with_the_same_headings_is_said_not_to_be_read(tmp_path: Path) -> None:
    read = sheets(tmp_path / "file.xlsx", Products=[HEADINGS], Notes=[["SKU"]], Spring=[HEADINGS])
    _, notices = read.choose_sheet(PRODUCTS, None)
    assert [notice["message"].split(" has ")[0] for notice in notices] == ['Sheet "Spring"']


def test_a_formula_that_was_never_calculated_is_an_error_and_not_a_blank(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Products"
    sheet.append(HEADINGS)
    sheet.append(["Tee", "tee", '=CONCATENATE("S", "1")'])
    path = tmp_path / "file.xlsx"
    book.save(path)
    assert list(opened(path).rows("Products"))[1] == ["Tee", "tee", UNCALCULATED]


def test_a_formula_whose_value_is_no_text_is_blank(tmp_path: Path) -> None:
    cells = '<c r="A2" t="str"><f>""</f><v></v></c><c r="B2" t="inlineStr"><is><t>b</t></is></c>'
    path = archive(tmp_path / "file.xlsx", parts(sheet=sheet_xml(f'<row r="2">{cells}</row>')))
    assert list(opened(path).rows("Products"))[1] == [None, "b"]


def test_a_duration_is_read_as_it_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "file.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        book.add_worksheet("Products").write_number(0, 0, 1.25, book.add_format({"num_format": "[hh]:mm:ss"}))
    assert ours(path) == [[{"number": 1.25, "as": "[hh]:mm:ss"}]]
    assert cell_text(ours(path)[0][0]) == "30:00:00"


def test_of_equal_sheets_one_that_can_be_seen_is_read(tmp_path: Path) -> None:
    read = sheets(tmp_path / "file.xlsx", Notes=[], hidden=[HEADINGS], Shirts=[HEADINGS])
    assert read.choose_sheet(PRODUCTS, None)[0] == "Shirts"


def test_the_sheet_the_sender_asks_for_is_read(tmp_path: Path) -> None:
    read = sheets(tmp_path / "file.xlsx", Products=[HEADINGS], Shirts=[])
    assert read.choose_sheet(PRODUCTS, "shirts")[0] == "Shirts"


def test_a_sheet_that_is_not_there_is_refused_naming_those_that_are(tmp_path: Path) -> None:
    read = sheets(tmp_path / "file.xlsx", Products=[HEADINGS], Shirts=[])
    with pytest.raises(FileRefused) as refused:
        read.choose_sheet(PRODUCTS, "Trousers")
    assert refused.value.code == "no_such_sheet"
    assert refused.value.message == '"shirts.xlsx" has no sheet "Trousers"; it has "Products", "Shirts"'


def test_without_any_headings_the_first_sheet_is_read(tmp_path: Path) -> None:
    read = sheets(tmp_path / "file.xlsx", One=[["a"]], Two=[["b"]])
    assert read.choose_sheet(PRODUCTS, None)[0] == "One"


def test_a_sheet_that_is_a_chart_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "file.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        chart = book.add_chart({"type": "line"})
        chart.add_series({"values": "=Shirts!$A$1:$A$2"})
        book.add_chartsheet("Chart").set_chart(chart)
        book.add_worksheet("Shirts").write_row(0, 0, HEADINGS)
    assert opened(path).choose_sheet(PRODUCTS, None)[0] == "Shirts"


@pytest.mark.parametrize("written", ["NaN", "1e999", "-INF"])
def test_a_number_that_is_none_is_text_and_not_a_blank(tmp_path: Path, written: str) -> None:
    rows = row_xml(1, "Product Title") + f'<row r="2"><c r="A2"><v>{written}</v></c></row>'
    path = archive(tmp_path / "file.xlsx", parts(sheet=sheet_xml(rows)))
    try:
        cells = list(opened(path).rows("Products"))
    except FileRefused as refused:
        assert refused.code == "damaged"
    else:
        assert cells[1][0], "what stands there is said, and refused by the rules"
