"""What people see in a workbook beside its values: formats, epochs, hidden rows, links, merged cells, odd spellings."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900

from services.parser.formats.prescan import prescan
from services.parser.formats.workbook import WorkbookReader
from services.parser.reading.limits import Limits
from services.parser.refusals import FileRefused
from shared.entities import PRODUCTS
from shared.entities.cells import UNCALCULATED, Cell, cell_text, is_error
from tests.unit.parser.formats.archives import (
    BOOK,
    MAIN,
    PACKAGE,
    RELATIONS,
    RELATIONS_OF_BOOK,
    SHEET,
    Parts,
    archive,
    parts,
    row_xml,
    sheet_xml,
    strings_xml,
    styles_xml,
)

NAME = "Products"
HEADINGS = ["Product Title", "Product Handle", "SKU"]
both_epochs = pytest.mark.parametrize("since_1904", [False, True])


def reader(path: Path) -> WorkbookReader:
    return WorkbookReader(path, "shirts.xlsx", prescan(path, "shirts.xlsx", Limits()))


def read(path: Path) -> list[list[Cell]]:
    return list(reader(path).rows(NAME))


def cells(folder: Path, xml: str, *codes: str, **replaced: str) -> list[Cell]:
    """The cells of the first row of a sheet with this XML in it, styles numbered by the codes."""
    whole = parts(sheet=sheet_xml(f'<row r="1">{xml}</row>'), styles=styles_xml(*codes), **replaced)
    return read(archive(folder / "file.xlsx", whole))[0]


@both_epochs
@pytest.mark.parametrize("has_2013", [False, True])
@pytest.mark.parametrize(
    "date", [dt.datetime(2024, 6, 19), dt.datetime(1904, 1, 2), dt.datetime(9999, 12, 31), dt.datetime(2026, 1, 31, 10, 20, 30)]  # noqa: DTZ001 - spreadsheets know no time zones
)  # fmt: skip
def test_dates_are_counted_from_the_day_the_workbook_says(
    tmp_path: Path, date: dt.datetime, *, since_1904: bool, has_2013: bool
) -> None:
    path = tmp_path / "written.xlsx"
    with xlsxwriter.Workbook(str(path), {"date_1904": since_1904}) as book:
        book.add_worksheet(NAME).write_datetime(0, 0, date, book.add_format({"num_format": "d-mmm-yyyy"}))
    if has_2013:
        path = with_excel_2013(path, tmp_path / "file.xlsx")
    ((cell,),) = read(path)
    assert isinstance(cell, dict)
    assert dt.datetime.fromisoformat(str(cell["date"])) == date
    assert cell["as"] == "d-mmm-yyyy"


def with_excel_2013(path: Path, target: Path) -> Path:
    """The same workbook with the element that Excel 2013 and later always write."""
    import zipfile

    with zipfile.ZipFile(path) as source:
        content: dict[str, str | bytes] = {name: source.read(name) for name in source.namelist()}
    element = (
        '<extLst><ext uri="{140A7094-0E35-4892-8432-C4D2E57EDEB5}" '
        'xmlns:x15="http://schemas.microsoft.com/office/spreadsheetml/2010/11/main">'
        '<x15:workbookPr chartTrackingRefBase="1"/></ext></extLst></workbook>'
    )
    content[BOOK] = bytes(content[BOOK]).decode().replace("</workbook>", element)  # type: ignore[arg-type]
    return archive(target, content)


@both_epochs
def test_both_readers_count_days_alike(tmp_path: Path, *, since_1904: bool) -> None:
    book = openpyxl.Workbook()
    book.epoch = CALENDAR_MAC_1904 if since_1904 else CALENDAR_WINDOWS_1900
    page = book.active
    assert page is not None
    page.title = NAME
    for number, serial in enumerate([0.25, 1, 59, 61, 366.5, 45_000, 45_000.999], start=1):
        page.cell(number, 1, serial).number_format = "yyyy-mm-dd hh:mm:ss"
    path = tmp_path / "file.xlsx"
    book.save(path)
    theirs = [row[0].value for row in openpyxl.load_workbook(path)[NAME].iter_rows()]
    assert [_moment(row[0]) for row in read(path)] == [
        value.isoformat() if isinstance(value, dt.time) else _whole(value) for value in theirs
    ]


def _moment(cell: Cell) -> str:
    assert isinstance(cell, dict)
    return str(cell["time"]) if "time" in cell else _whole(dt.datetime.fromisoformat(str(cell["date"])))


def _whole(value: object) -> str:
    assert isinstance(value, dt.datetime)
    return value.isoformat()


@pytest.mark.parametrize("serial", ["1e300", "-1e12", "1e10", "-1", "2958466"])
@pytest.mark.parametrize("code", ["[h]:mm", "yyyy-mm-dd", "h:mm"])
def test_an_absurd_date_or_duration_is_a_matter_of_its_cell(tmp_path: Path, serial: str, code: str) -> None:
    row = cells(tmp_path, f'<c r="A1" s="1"><v>{serial}</v></c><c r="B1"><v>7</v></c>', code)
    assert row[1] == 7
    assert isinstance(row[0], dict)
    assert row[0]["number"] == float(serial)


@pytest.mark.parametrize(
    "literal", ["#SPILL!", "#CALC!", "#GETTING_DATA", "#ERROR!", "#FIELD!", "#N/A", "#REF!", "#NEW!", "oops"]
)
@pytest.mark.parametrize("formula", ["", "<f>A2</f>", '<f t="shared" si="0"/>'])
def test_an_error_is_a_reason_in_its_cell_and_not_in_the_file(tmp_path: Path, literal: str, formula: str) -> None:
    row = cells(tmp_path, f'<c r="A1" t="e">{formula}<v>{literal}</v></c><c r="B1"><v>7</v></c>')
    assert row[1] == 7
    assert is_error(cell_text(row[0]))


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "INF"])
def test_a_number_that_is_none_is_an_error(tmp_path: Path, number: str) -> None:
    row = cells(tmp_path, f'<c r="A1"><v>{number}</v></c>')
    assert is_error(cell_text(row[0])), row


@pytest.mark.parametrize(
    ("xml", "text"),
    [
        ('<c r="A1" t="inlineStr"><v>in v</v></c>', "in v"),
        ('<c r="A1" t="inlineStr"> <f>A2</f> <v>in v</v></c>', "in v"),
        ('<c r="A1" t="inlineStr"><is><t>in t</t></is></c>', "in t"),
        ('<c r="A1" t="inlineStr"><is><r><t xml:space="preserve">in </t></r><r><t>runs</t></r></is></c>', "in runs"),
        ('<c r="A1" t="inlineStr"><is><t>東京</t><rPh sb="0" eb="2"><t>トウキョウ</t></rPh></is></c>', "東京"),
        ('<c r="A1" t="s"><v>0</v></c>', "東京"),
        ('<c r="A1" t="s"><v> 1 </v></c>', "one\rtwo"),
        ('<c r="A1" t="s"><v>\n  1\n </v></c>', "one\rtwo"),
        ('<c r="A1" t="s"><v>1\t</v></c>', "one\rtwo"),
        ('<c r="A1" t="str"><f>"x"</f><v>of a formula</v></c>', "of a formula"),
        ('<c r="A1" t = "inlineStr"><is><t>odd</t></is></c>', "odd"),
        ("<c r='A1' t='inlineStr'><v>apostrophes</v></c>", "apostrophes"),
    ],
)
def test_text_is_read_wherever_a_program_put_it(tmp_path: Path, xml: str, text: str) -> None:
    strings = strings_xml("東京</t><rPh sb='0' eb='2'><t>トウキョウ</t></rPh><t>", "one_x000D_two")
    assert cells(tmp_path, xml, strings=strings) == [text]


@pytest.mark.parametrize("xml", ["<v> 12 </v>", "<v>\n12</v>", "<v>12</v>", "<v >12</v>"])
def test_white_space_around_a_number_is_none_of_it(tmp_path: Path, xml: str) -> None:
    assert cells(tmp_path, f'<c r="A1">{xml}</c>') == [12]


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="2"><c r="A2"><v>1</v></c></row><row r="2"><c r="A2"><v>2</v></c></row>',
        '<row r="2"><c r="A2"><v>1</v></c></row><row r="02"><c r="A2"><v>2</v></c></row>',
        '<row r="2"><c r="A2"><v>1</v></c></row><row r = "2"><c r="A2"><v>2</v></c></row>',
        "<row r='2'><c r='A2'><v>1</v></c></row><row  spans='1:1' r='0002'><c r='A2'><v>2</v></c></row>",
        '<row r="2"><c r="A2"><v>1</v></c></row></sheetData><sheetData><row r="3"><c r="A3"><v>2</v></c></row>',
    ],
)
def test_a_row_that_is_there_twice_is_refused(tmp_path: Path, rows: str) -> None:
    with pytest.raises(FileRefused) as refused:
        read(archive(tmp_path / "file.xlsx", parts(sheet=sheet_xml(rows))))
    assert refused.value.code == "suspicious"


@pytest.mark.parametrize(
    "formula",
    [
        "<f>1+1</f>",
        "<f>1+1</f ><v/>",
        "<f>1+1</f><!-- not yet -->",
        "\n    <f>1+1</f>\n                <v></v>\n  ",
        '<f t="shared" si="0"/>',
        "<f\n>1+1</f>",
    ],
)
@pytest.mark.parametrize("place", [SHEET, "xl/other/sheet.xml", "sheets/one.xml"])
def test_a_formula_without_a_value_is_found_however_it_is_written(tmp_path: Path, formula: str, place: str) -> None:
    sheet = sheet_xml(f'<row r="1"><c r="A1">{formula}</c><c r="B1"><v>1</v></c></row>')
    assert read(archive(tmp_path / "file.xlsx", moved(parts(sheet=sheet), place)))[0] == [UNCALCULATED, 1]


def moved(whole: Parts, place: str) -> Parts:
    """The same workbook with its sheet somewhere else."""
    there = dict(whole)
    if place != SHEET:
        there[place] = there.pop(SHEET)
        there[RELATIONS_OF_BOOK] = str(there[RELATIONS_OF_BOOK]).replace("worksheets/sheet1.xml", f"/{place}")
    return there


def backslashed(whole: Parts) -> Parts:
    return {name.replace("/", "\\"): part for name, part in whole.items()}


def in_odd_places(whole: Parts) -> Parts:
    """The same workbook as its standard allows it: only what is referred to says where it is."""
    there = {name.replace("xl/", "book/"): part for name, part in whole.items()}
    there["_rels/.rels"] = str(there["_rels/.rels"]).replace("xl/workbook.xml", "/book/main.xml")
    there["book/main.xml"] = there.pop("book/workbook.xml")
    there["book/_rels/main.xml.rels"] = there.pop("book/_rels/workbook.xml.rels")
    return there


@pytest.mark.parametrize("spelled", [backslashed, in_odd_places])
def test_parts_are_found_under_whatever_name(tmp_path: Path, spelled: object) -> None:
    assert callable(spelled)
    path = archive(tmp_path / "file.xlsx", spelled(parts()))
    assert read(path) == [HEADINGS, ["Tee", "tee", "T-1"]]


@pytest.mark.parametrize("name", ["word\\document.xml", "ppt/presentation.xml"])
def test_only_a_text_document_is_called_one(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileRefused, match="Word or PowerPoint"):
        prescan(archive(tmp_path / "file.xlsx", {"[Content_Types].xml": "<Types/>", name: "<x/>"}), "a", Limits())
    with pytest.raises(FileRefused, match="is no workbook"):
        prescan(archive(tmp_path / "file.xlsx", {"[Content_Types].xml": "<Types/>", "x/y.xml": "<x/>"}), "a", Limits())


@pytest.mark.parametrize("dimension", ["A1:AMJ1048576", "A1:XFD40", "A1:XFD1048576", "A1", "C3:D9"])
def test_an_announced_extent_does_not_matter(tmp_path: Path, dimension: str) -> None:
    rows = row_xml(1, *HEADINGS) + row_xml(2, "Tee", "tee", "T-1") + '<row r="1048576" ht="12.8" hidden="false"/>'
    path = archive(tmp_path / "file.xlsx", parts(sheet=sheet_xml(rows, dimension=dimension)))
    assert [row for row in read(path) if row] == [HEADINGS, ["Tee", "tee", "T-1"]]


def test_blank_cells_that_are_only_formatted_do_not_matter(tmp_path: Path) -> None:
    wide = "".join(f'<c r="{letters}1" s="1"/>' for letters in ("D", "Z", "IV", "XFD"))
    row = cells(tmp_path, f'<c r="A1"><v>1</v></c>{wide}', "0%")
    assert row == [1]


def test_another_sheet_that_cannot_be_read_does_not_matter(tmp_path: Path) -> None:
    whole = parts()
    whole[BOOK] = str(whole[BOOK]).replace("</sheets>", '<sheet name="Old" sheetId="2" r:id="r9"/></sheets>')
    whole[RELATIONS_OF_BOOK] = str(whole[RELATIONS_OF_BOOK]).replace(
        "</Relationships>",
        f'<Relationship Id="r9" Type="{RELATIONS}/worksheet" Target="worksheets/old.xml"/></Relationships>',
    )
    twice = row_xml(1, *HEADINGS) * 2
    whole["xl/worksheets/old.xml"] = sheet_xml(twice + '<row r="1"><c r="?"/></row>', dimension="A1:XFD40")
    book = reader(archive(tmp_path / "file.xlsx", whole))
    assert book.choose_sheet(PRODUCTS, None)[0] == NAME
    assert list(book.rows(NAME)) == [HEADINGS, ["Tee", "tee", "T-1"]]


def written(path: Path, **sheets: Sequence[Sequence[str]]) -> WorkbookReader:
    """A workbook with these sheets; one whose name ends with `_` is hidden, without it in its name."""
    with xlsxwriter.Workbook(str(path)) as book:
        pages = [(book.add_worksheet(name.rstrip("_")), name, rows) for name, rows in sheets.items()]
        pages[-1][0].activate()
        for page, name, rows in pages:
            for number, texts in enumerate(rows):
                page.write_row(number, 0, texts)
            if name.endswith("_"):
                page.hide()
    return reader(path)


def test_a_sheet_that_can_be_seen_is_read_before_a_hidden_one_of_the_right_name(tmp_path: Path) -> None:
    book = written(tmp_path / "file.xlsx", Products_=[[*HEADINGS, "Tags"], ["Old"]], Spring=[HEADINGS, ["New"]])
    assert book.choose_sheet(PRODUCTS, None) == ("Spring", [])


def test_a_hidden_sheet_is_read_with_a_notice_when_no_other_is_a_table(tmp_path: Path) -> None:
    book = written(tmp_path / "file.xlsx", Products_=[HEADINGS], Notes=[["SKU"]])
    chosen, notices = book.choose_sheet(PRODUCTS, None)
    assert chosen == "Products"
    assert [notice["code"] for notice in notices] == ["hidden_sheet"]


def test_rows_hidden_by_a_filter_are_read_and_known(tmp_path: Path) -> None:
    path = tmp_path / "file.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        page = book.add_worksheet(NAME)
        for number in range(9):
            page.write_row(number, 0, [f"T{number}"])
        for number in (2, 5, 6):
            page.set_row(number, None, None, {"hidden": True})
    there = reader(path)
    assert list(there.hidden_rows(NAME)) == [3, 6, 7]
    assert len(list(there.rows(NAME))) == 9


def test_a_hyperlink_comes_with_where_it_leads(tmp_path: Path) -> None:
    path = tmp_path / "file.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        page = book.add_worksheet(NAME)
        page.write_url(0, 0, "https://brand.com/a?x=1&y=2", string="Shop")
        page.write_url(1, 0, "https://brand.com/b")
        page.write_url(2, 0, "internal:Products!A1", string="above")
    assert read(path) == [[{"text": "Shop", "link": "https://brand.com/a?x=1&y=2"}], ["https://brand.com/b"], ["above"]]


def test_of_merged_cells_only_the_first_counts_whatever_lies_under_it(tmp_path: Path) -> None:
    tail = '</sheetData><mergeCells count="1"><mergeCell ref="A1:B2"/></mergeCells></worksheet>'
    rows = row_xml(1, "a", "b", "c") + row_xml(2, "d", "e", "f")
    sheet = sheet_xml(rows).replace("</sheetData></worksheet>", tail)
    assert read(archive(tmp_path / "file.xlsx", parts(sheet=sheet))) == [["a", None, "c"], [None, None, "f"]]


def test_a_sheet_of_another_prefix_is_read(tmp_path: Path) -> None:
    sheet = (
        f'<x:worksheet {MAIN.replace("xmlns", "xmlns:x")}><x:sheetData><x:row r="1"><x:c r="A1" s="1"><x:v>0.8</x:v></x:c>'
        '<x:c r="B1" t="e"><x:v>#SPILL!</x:v></x:c></x:row></x:sheetData></x:worksheet>'
    )
    path = archive(tmp_path / "file.xlsx", parts(sheet=sheet, styles=styles_xml("0%")))
    assert read(path) == [[{"number": 0.8, "as": "0%"}, "#SPILL!"]]


def test_relations_of_any_kind_are_no_reason_to_refuse(tmp_path: Path) -> None:
    whole = parts()
    others = (
        '<Relationship Id="g" Type="http://customschemas.google.com/relationships/workbookmetadata" Target="metadata"/>'
        f'<Relationship Id="m" Type="{RELATIONS}/powerPivotData" Target="model/item.data"/>'
        f'<Relationship Id="t" Type="{PACKAGE}/toolbar" Target="../custom/ui.bin"/></Relationships>'
    )
    whole[RELATIONS_OF_BOOK] = str(whole[RELATIONS_OF_BOOK]).replace("</Relationships>", others)
    assert read(archive(tmp_path / "file.xlsx", whole))[1] == ["Tee", "tee", "T-1"]
