"""Workbooks made to cost whoever reads them: small files, each of one kind."""

import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

from shared.entities.names import column_letter
from tests.unit.parser.formats.archives import (
    BOOK,
    PACKAGE,
    RELATIONS,
    RELATIONS_OF_BOOK,
    archive,
    parts,
    row_xml,
    sheet_xml,
    strings_xml,
    styles_xml,
)

Maker: TypeAlias = Callable[[Path], Path]

HEADINGS = ("Product Title", "Product Handle", "SKU")
_HEADING_ROW = row_xml(1, *HEADINGS)


def _product(number: int, more: str = "") -> str:
    texts = (f"Tee {number}", f"tee-{number}", f"T-{number}")
    return row_xml(number, *texts).replace("</row>", f"{more}</row>")


def _products(count: int, more: Callable[[int], str] = lambda _: "") -> str:
    return _HEADING_ROW + "".join(_product(number, more(number)) for number in range(2, count + 2))


def _made(path: Path, rows: str, *, tail: str = "", dimension: str = "A1:C2", **replaced: str) -> Path:
    sheet = sheet_xml(rows, dimension=dimension).replace("</sheetData>", f"</sheetData>{tail}")
    return archive(path, parts(sheet=sheet, **replaced), compression=zipfile.ZIP_STORED)


def announces_the_whole_sheet(path: Path) -> Path:
    return _made(path, _products(20_000), dimension="A1:XFD1048576")


def wide_blank_rows(path: Path) -> Path:
    return _made(path, _products(20_000, lambda row: f'<c r="XFD{row}" t="str"><v></v></c>'))


def formatted_to_the_last_column(path: Path) -> Path:
    blank = [f'<c r="{column_letter(column - 1)}%d" s="1"/>' for column in range(4, 16_385)]
    return _made(path, _products(60, lambda row: "".join(blank).replace("%d", str(row))), styles=styles_xml("0%"))


def long_unknown_headings(path: Path) -> Path:
    headings = "".join(f'<c r="{column_letter(column - 1)}1" t="s"><v>0</v></c>' for column in range(4, 150))
    rows = _HEADING_ROW.replace("</row>", f"{headings}</row>") + _product(2)
    return _made(path, rows, strings=strings_xml("h" * 400_000))


def one_row_of_150_megabytes(path: Path) -> Path:
    cells = "".join(f'<c r="{column_letter(column - 1)}2" t="s"><v>0</v></c>' for column in range(4, 190))
    return _made(path, _HEADING_ROW + _product(2, cells), strings=strings_xml("x" * 800_000))


def the_longest_text_in_every_cell(path: Path) -> Path:
    def cells(row: int) -> str:
        return "".join(f'<c r="{column_letter(column - 1)}{row}" t="s"><v>0</v></c>' for column in range(4, 190))

    return _made(path, _products(30, cells), strings=strings_xml("x" * 32_000))


def absurd_durations(path: Path) -> Path:
    return _made(
        path, _products(5_000, lambda row: f'<c r="D{row}" s="1"><v>{row}e299</v></c>'), styles=styles_xml("[h]:mm")
    )


def blanks_behind_formulas(path: Path) -> Path:
    return _made(path, _products(20, lambda row: f'<c r="D{row}"><f>1</f>{" " * 500_000}<v>1</v></c>'))


def a_hyperlink_in_every_cell(path: Path) -> Path:
    links = "".join(f'<hyperlink ref="A{row}" r:id="r1"/>' for row in range(2, 60_002))
    return _made(path, _products(60_000), tail=f'<hyperlinks xmlns:r="{RELATIONS}">{links}</hyperlinks>')


def merged_over_and_over(path: Path) -> Path:
    areas = "".join(f'<mergeCell ref="A{row}:XFD1048576"/>' for row in range(2, 20_002))
    return _made(path, _products(20_000), tail=f"<mergeCells>{areas}</mergeCells>")


def styles_without_end(path: Path) -> Path:
    styles = styles_xml(*(f'0.{"0" * 200}"{number}"' for number in range(30_000)))
    return _made(path, _products(1_000, lambda row: f'<c r="D{row}" s="{row}"><v>1.5</v></c>'), styles=styles)


def every_number_under_a_mask(path: Path) -> Path:
    return _made(
        path, _products(30_000, lambda row: f'<c r="D{row}" s="1"><v>{row}.125</v></c>'), styles=styles_xml("#,##0.00")
    )


def sheets_without_end(path: Path) -> Path:
    whole = dict(parts())
    names = range(2, 1_500)
    sheets = "".join(f'<sheet name="S{number}" sheetId="{number}" r:id="s{number}"/>' for number in names)
    related = "".join(
        f'<Relationship Id="s{number}" Type="{RELATIONS}/worksheet" Target="worksheets/s{number}.xml"/>'
        for number in names
    )
    whole[BOOK] = str(whole[BOOK]).replace("</sheets>", f"{sheets}</sheets>")
    whole[RELATIONS_OF_BOOK] = str(whole[RELATIONS_OF_BOOK]).replace("</Relationships>", f"{related}</Relationships>")
    more = {f"xl/worksheets/s{number}.xml": sheet_xml(_products(20)) for number in names}
    return archive(path, {**whole, **more})


def values_where_text_should_be(path: Path) -> Path:
    return _made(path, _products(30_000, lambda row: f'<c r="D{row}" t="inlineStr"><v>text {row}</v></c>'))


def a_comment_of_50_megabytes(path: Path) -> Path:
    return _made(path, _HEADING_ROW + f"<!--{'x > ' * 12_000_000}-->" + _product(2))


def cells_that_never_end(path: Path) -> Path:
    return _made(path, _HEADING_ROW + '<row r="2">' + '<c r="A2" t="e"' * 1_000_000)


def relations_without_end(path: Path) -> Path:
    whole = dict(parts())
    related = "".join(
        f'<Relationship Id="x{number}" Type="{PACKAGE}/x" Target="{number}"/>' for number in range(200_000)
    )
    whole[RELATIONS_OF_BOOK] = str(whole[RELATIONS_OF_BOOK]).replace("</Relationships>", f"{related}</Relationships>")
    return archive(path, whole, compression=zipfile.ZIP_STORED)


def hidden_rows_without_end(path: Path) -> Path:
    rows = "".join(f'<row r="{row}" hidden="1"/>' for row in range(3, 500_000))
    return _made(path, _HEADING_ROW + _product(2) + rows)


def texts_without_end(path: Path) -> Path:
    texts = "".join(f"<si><t>text {number}</t></si>" for number in range(700_000))
    return _made(path, _HEADING_ROW + _product(2), strings=strings_xml("a").replace("<si><t>a</t></si>", texts))


MAKERS: Mapping[str, Maker] = {maker.__name__: maker for maker in (
    announces_the_whole_sheet,
    wide_blank_rows,
    formatted_to_the_last_column,
    long_unknown_headings,
    one_row_of_150_megabytes,
    the_longest_text_in_every_cell,
    absurd_durations,
    blanks_behind_formulas,
    a_hyperlink_in_every_cell,
    merged_over_and_over,
    styles_without_end,
    every_number_under_a_mask,
    sheets_without_end,
    values_where_text_should_be,
    a_comment_of_50_megabytes,
    cells_that_never_end,
    relations_without_end,
    hidden_rows_without_end,
    texts_without_end,
)}  # fmt: skip


def made_in(folder: Path) -> Iterable[Path]:
    """All of them, for a look by hand: `python -c "…made_in(Path(…))"`."""
    return [maker(folder / f"{name}.xlsx") for name, maker in MAKERS.items()]
