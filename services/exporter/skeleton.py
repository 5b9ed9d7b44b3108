"""The correction workbook without its rows: looks, columns, comments, properties, the page to read. By XlsxWriter."""

import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import xlsxwriter

from services.exporter.corrections import HandedBackColumns, Origin
from services.exporter.sheet import ERRORS_WIDTH, FormatStyles, Look, Styles
from shared.corrections import DECIMALS_PROPERTY, PROPERTY, decimal_signs
from shared.entities.dates import DateFormat
from shared.entities.decimals import Sign

SHEET_PART = "xl/worksheets/sheet1.xml"
BAD = "#FFE0E0"
HEADING = "#E0E0E0"

_NUMBER_FORMATS = ("General", "0", "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss", "hh:mm:ss")

_STYLE_NUMBER = re.compile(r'<c r="[A-Z]+1" s="(\d+)"')
STYLES_PART = "xl/styles.xml"
_CELL_STYLES = re.compile(r'<cellXfs count="(\d+)">(.*?)</cellXfs>', re.DOTALL)
_STYLE = re.compile(r"<xf [^>]*?(?:/>|>.*?</xf>)", re.DOTALL)
_FORMAT_NUMBER = re.compile(r'numFmtId="\d+"')
_FORMATS = re.compile(r'<numFmts count="(\d+)">')
# Numbers below are the programs' own.
_FIRST_OWN_FORMAT = 1_000
_DIMENSION = re.compile(r"<dimension [^>]*/>")
_EXAMPLES = {DateFormat.EUROPEAN: "31/3/2027", DateFormat.AMERICAN: "3/31/2027"}
_COMMENT_FONT = {"font_name": "Tahoma", "font_size": 9}
_COMMENT_WIDTH, _COMMENT_LINE, _COMMENT_CHARS, _COMMENT_LONGEST = 280, 15, 46, 2_000


@dataclass(frozen=True, slots=True)
class Comment:
    """What is said beside a cell (0-based row and column of the sheet)."""

    row: int
    column: int
    text: str


@dataclass(frozen=True, slots=True)
class Skeleton:
    """A workbook whose first sheet is to be filled: what comes before and after its rows, and the style numbers."""

    path: Path
    styles: Styles
    before_rows: str
    after_rows: str


def build(
    path: Path,
    columns: HandedBackColumns,
    origin: Origin,
    *,
    widths: Sequence[int],
    rows: int = 0,
    comments: Sequence[Comment] = (),
    notes: Sequence[str] = (),
) -> Skeleton:
    """Write the skeleton of a workbook with so many failed rows. The same arguments give the same bytes.

    What comes before the rows, and the style numbers, depend on the columns and their widths alone.
    """
    workbook = xlsxwriter.Workbook(path)
    workbook.set_properties(
        {
            "title": f"Rows of {origin.file_name} that were not imported",
            "created": origin.ended_at.astimezone(UTC).replace(tzinfo=None),
        }
    )
    workbook.set_custom_property(PROPERTY, str(origin.import_id), "text")
    if signs := decimal_signs(origin.decimals):
        workbook.set_custom_property(DECIMALS_PROPERTY, signs, "text")
    sheet = workbook.add_worksheet(columns.sheet)
    formats = _formats(workbook)
    # The only rows XlsxWriter writes: one cell of each style, to learn its number; they are cut out below.
    for column, style in enumerate(formats):
        sheet.write_blank(0, column, None, style)
    _lay_out(sheet, columns, widths, formats, rows)
    for comment in comments:
        text = comment.text[:_COMMENT_LONGEST]
        sheet.write_comment(comment.row, comment.column, text, {**_COMMENT_FONT, **_comment_size(text)})
    _page_to_read(workbook, origin, rows, (*_decimals(columns, origin), *_dates(columns, origin), *notes))
    workbook.close()
    return _cut_open(path)


def with_formats(document: str, styles: Styles) -> str:
    """The styles of the workbook, and behind them those of the sender's number formats."""
    codes = styles.formats.codes
    cell_styles, formats = _CELL_STYLES.search(document), _FORMATS.search(document)
    assert cell_styles is not None
    assert formats is not None
    there = _STYLE.findall(cell_styles[2])
    plain = (there[styles.number.good], there[styles.number.bad])
    added = "".join(_in_format(style, _FIRST_OWN_FORMAT + number) for number in range(len(codes)) for style in plain)
    listed = "".join(
        f'<numFmt numFmtId="{_FIRST_OWN_FORMAT + number}" formatCode={quoteattr(code)}/>'
        for number, code in enumerate(codes)
    )
    begins, ends = cell_styles.span()
    count = int(cell_styles[1]) + 2 * len(codes)
    document = f'{document[:begins]}<cellXfs count="{count}">{cell_styles[2]}{added}</cellXfs>{document[ends:]}'
    return _FORMATS.sub(lambda _: f'<numFmts count="{int(formats[1]) + len(codes)}">{listed}', document, count=1)


def _in_format(style: str, number: int) -> str:
    in_it = _FORMAT_NUMBER.sub(f'numFmtId="{number}"', style, count=1)
    return in_it if "applyNumberFormat" in in_it else in_it.replace("<xf ", '<xf applyNumberFormat="1" ', 1)


def _formats(workbook: Any) -> list[Any]:
    """Heading; each look of `Styles` as good and as bad; errors; siblings."""
    heading = workbook.add_format(
        {"bold": True, "bg_color": HEADING, "valign": "vcenter", "bottom": 1, "bottom_color": "#A6A6A6"}
    )
    # Wrapped text ends where its cell does; else long descriptions lie over their neighbours.
    wrapped: dict[str, str | bool] = {"valign": "top", "text_wrap": True, "num_format": "@"}
    plain: list[dict[str, str | bool]] = [wrapped]
    plain += [{"valign": "top", "num_format": number} for number in _NUMBER_FORMATS]
    looks = [workbook.add_format({**look, **bad}) for look in plain for bad in ({}, {"bg_color": BAD})]
    errors = workbook.add_format({**wrapped, "font_color": "#9C0006"})
    siblings = workbook.add_format({**wrapped, "font_color": "#808080"})
    return [heading, *looks, errors, siblings]


def _lay_out(sheet: Any, columns: HandedBackColumns, widths: Sequence[int], formats: Sequence[Any], rows: int) -> None:
    # What is typed into a column of text stays text: a barcode keeps its zeros.
    text, number, siblings = formats[1], formats[3], formats[-1]
    for column, (width, numeric) in enumerate(zip(widths, columns.numeric, strict=True)):
        sheet.set_column(column, column, width, number if numeric else text)
    last = len(columns.headings)
    sheet.set_column(last, last, ERRORS_WIDTH, siblings)
    sheet.freeze_panes(1, 0)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    if rows:
        sheet.autofilter(0, 0, rows, last)


def _comment_size(text: str) -> dict[str, int]:
    lines = sum(1 + len(line) // _COMMENT_CHARS for line in text.split("\n"))
    return {"width": _COMMENT_WIDTH, "height": 10 + _COMMENT_LINE * lines}


def _page_to_read(workbook: Any, origin: Origin, rows: int, notes: Sequence[str]) -> None:
    page = workbook.add_worksheet("Read me")
    page.hide_gridlines(2)
    page.set_column(0, 0, 100)
    wrapped = workbook.add_format({"text_wrap": True, "valign": "top"})
    page.write_string(0, 0, "What was not imported, and how to send it again", workbook.add_format({"bold": True}))
    for row, sentence in enumerate((*_instructions(origin, rows), *notes, _provenance(origin)), start=2):
        page.write_string(row, 0, sentence, wrapped)


def _instructions(origin: Origin, rows: int) -> tuple[str, ...]:
    return (
        f"{rows:,} rows of “{origin.file_name}” were not imported. They are on the sheet before this one.",
        "Rows that belong together are only imported together, so good rows are there too, without red cells.",
        "Repair the red cells (point at one to read what is wrong with it) and upload this file again.",
        "Only what is in this file is imported then. Rows you do not want can be deleted.",
        "The last column repeats the errors, with the row numbers of the file you sent. It is not imported.",
        "Its small print says which row it was: leave it there, and what you repair is counted.",
        "An apostrophe before = + - or @ keeps spreadsheets from taking text for a formula. It is removed on upload.",
    )


def _decimals(columns: HandedBackColumns, origin: Origin) -> tuple[str, ...]:
    """Which columns have a decimal comma: what is typed into them as text is read like that again."""
    commas = [columns.heading_of[code] for code, sign in origin.decimals.items() if sign.sign is Sign.COMMA]
    if not commas:
        return ()
    named = ", ".join(f"“{heading}”" for heading in commas)
    return (f"Numbers in {named} are read with a decimal comma (12,5), as in your file.",)


def _dates(columns: HandedBackColumns, origin: Origin) -> tuple[str, ...]:
    """In which columns the day or the month comes first: what is typed into them is read like that again."""
    return tuple(
        f"Dates in “{columns.heading_of[code]}” are read with {order.says} ({_EXAMPLES[order]}); 2027-03-31 is understood as well."
        for code, order in origin.dates.items()
        if order is not DateFormat.ISO and code in columns.heading_of
    )


def _provenance(origin: Origin) -> str:
    return f"Import {origin.import_id}, ended {origin.ended_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC."


def _cut_open(path: Path) -> Skeleton:
    with zipfile.ZipFile(path) as archive:
        sheet = archive.read(SHEET_PART).decode()
        cell_styles = _CELL_STYLES.search(archive.read(STYLES_PART).decode())
    assert cell_styles is not None
    before, rows = sheet.split("<sheetData>", 1)
    rows, after = rows.rsplit("</sheetData>", 1)
    numbers = [int(number) for number in _STYLE_NUMBER.findall(rows)]
    heading, errors, siblings = numbers[0], numbers[-2], numbers[-1]
    looks = (Look(good, bad) for good, bad in zip(numbers[1:-2:2], numbers[2:-2:2], strict=True))
    styles = Styles(FormatStyles(int(cell_styles[1])), heading, errors, siblings, *looks)
    # Readers that trust the dimension would see no more than the cells of the skeleton.
    return Skeleton(path, styles, f"{_DIMENSION.sub('', before)}<sheetData>", f"</sheetData>{after}")
