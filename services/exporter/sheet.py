"""Rows as the XML of a worksheet.

XlsxWriter makes everything of the workbook but these (`skeleton`): writing the rows ourselves is three times as fast,
keeps every digit of a number (it writes 16 of 17), and never takes a text for markup (it does, for text between `<r>`
and `</r>`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from services.exporter.corrections import FailedRow, HandedBackColumns
from shared.corrections import WORKBOOK_HEADING, fitting, neutralise
from shared.entities.cells import CELL_LENGTH_LIMIT, Cell, cell_text
from shared.entities.names import column_letter

ERRORS_WIDTH = 74
"""Width of the last column, in characters."""

_LINE_LENGTH = ERRORS_WIDTH + 2
_LINE_HEIGHT, _HIGHEST = 15, 405

_REMEMBERED_LENGTH = 64
_EXACT = 2**53
_SHOWN_WITH_EXPONENT = 10**11
_DAY_ZERO = datetime(1899, 12, 30)  # noqa: DTZ001 - spreadsheets know no time zones
_FIRST_CERTAIN_DAY = date(1900, 3, 1)
_SPECIAL = re.compile(r"[&<>\r\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_NAMED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}


@dataclass(frozen=True, slots=True)
class Look:
    """Style numbers of one kind of cell: as it is when good, and when bad."""

    good: int
    bad: int


@dataclass(frozen=True, slots=True)
class Styles:
    """The style numbers of the workbook."""

    heading: int
    errors: int
    siblings: int
    text: Look
    number: Look
    long_number: Look
    day: Look
    moment: Look
    time: Look


class SheetRows:
    """Writes the heading row and failed rows of one sheet."""

    def __init__(self, columns: HandedBackColumns, styles: Styles) -> None:
        self._columns = columns
        self._styles = styles
        self._starts = [f'<c r="{column_letter(index)}' for index in range(len(columns.headings))]
        self._last_start = f'<c r="{column_letter(len(columns.headings))}'
        self._good_text = f'" s="{styles.text.good}"'
        self._blank = [styles.number.bad if numeric else styles.text.bad for numeric in columns.numeric]

    def heading_row(self) -> str:
        """The first row."""
        style = self._styles.heading
        starts, headings = (*self._starts, self._last_start), (*self._columns.headings, WORKBOOK_HEADING)
        cells = (_text(f'{start}1" s="{style}"', heading) for start, heading in zip(starts, headings, strict=True))
        return f'<row r="1">{"".join(cells)}</row>'

    def row(self, number: int, row: FailedRow, marks: Mapping[int, str]) -> str:
        """A failed row as the sheet's row of this number, marked cells in red."""
        cells = self._columns.cells(row)
        explained = self._columns.explanation(row, between="\n")
        parts = [f'<row r="{number}" ht="{_height(explained)}" customHeight="1">']
        for index, (start, cell) in enumerate(zip(self._starts, cells, strict=False)):
            if index in marks:
                parts.append(self._bad(f"{start}{number}", index, cell))
            elif cell is not None:
                parts.append(self._cell(f"{start}{number}", cell))
        parts.extend(
            self._bad(f"{self._starts[index]}{number}", index, None) for index in sorted(marks) if index >= len(cells)
        )
        style = self._styles.errors if row.is_bad else self._styles.siblings
        parts.append(_text(f'{self._last_start}{number}" s="{style}"', explained))
        parts.append("</row>")
        return "".join(parts)

    def _bad(self, start: str, index: int, cell: Cell) -> str:
        if cell is None or cell == "":
            return f'{start}" s="{self._blank[index]}"/>'
        if isinstance(cell, Mapping):
            # As text: in a cell that looks like a date, whatever is typed becomes one again.
            return _text(f'{start}" s="{self._blank[index]}"', cell_text(cell))
        look, kind, value = _written(self._styles, cell)
        return _element(f'{start}" s="{look.bad}"', kind, value)

    def _cell(self, start: str, cell: Cell) -> str:
        if type(cell) is str:
            return _text(f"{start}{self._good_text}", neutralise(cell)) if cell else ""
        look, kind, value = _written(self._styles, cell)
        return _element(f'{start}" s="{look.good}"', kind, value)


def _height(explained: str) -> int:
    """Points that show all errors; said for every row, for programs disagree on what a row without a height needs."""
    lines = explained.count("\n") + 1
    if lines > 1 or len(explained) > _LINE_LENGTH:
        lines = sum(1 + (len(line) - 1) // _LINE_LENGTH for line in explained.split("\n"))
    return min(_LINE_HEIGHT * lines, _HIGHEST)


def _written(styles: Styles, cell: Cell) -> tuple[Look, str, str]:
    """How a cell looks, of which type it is (`n`, `b` or text, ''), and what is written for it."""
    if isinstance(cell, bool):
        return styles.number, "b", "1" if cell else "0"
    if isinstance(cell, int | float):
        digits = _digits(cell)
        if digits is not None:
            is_long = isinstance(cell, int) and _SHOWN_WITH_EXPONENT <= abs(cell) < _EXACT
            return (styles.long_number if is_long else styles.number), "n", digits
    elif not isinstance(cell, str) and cell is not None:
        dated = _serial(styles, cell)
        if dated is not None:
            return dated[0], "n", dated[1]
    return styles.text, "", neutralise(cell_text(cell))


def _digits(number: float) -> str | None:
    """The number with every digit it has; None for one that no spreadsheet can hold."""
    if isinstance(number, int) and abs(number) < _EXACT:
        return str(number)
    try:
        return repr(float(number))
    except OverflowError:
        return None


def _serial(styles: Styles, cell: Mapping[str, str]) -> tuple[Look, str] | None:
    """A date or time as spreadsheets count days; None for what they cannot, such as days before March 1900."""
    try:
        if "time" in cell:
            clock = datetime.combine(_DAY_ZERO, time.fromisoformat(cell["time"]))
            return styles.time, repr((clock - _DAY_ZERO) / timedelta(days=1))
        written = cell["date"]
        at = datetime.fromisoformat(written)
        if at.date() < _FIRST_CERTAIN_DAY or at.tzinfo is not None:
            return None
    except (KeyError, ValueError, TypeError):
        return None
    days = (at - _DAY_ZERO) / timedelta(days=1)
    return (styles.moment, repr(days)) if "T" in written else (styles.day, str(int(days)))


def _element(start: str, kind: str, value: str) -> str:
    if kind == "n":
        return f"{start}><v>{value}</v></c>"
    if kind == "b":
        return f'{start} t="b"><v>{value}</v></c>'
    return _text(start, value)


def _text(start: str, text: str) -> str:
    # The same few names fill most cells of a file; long texts are not worth keeping.
    return start + (_remembered(text) if len(text) <= _REMEMBERED_LENGTH else _inline(text))


def _inline(text: str) -> str:
    if len(text) > CELL_LENGTH_LIMIT // 2:
        text = fitting(text)
    space = ' xml:space="preserve"' if text[:1].isspace() or text[-1:].isspace() else ""
    if _SPECIAL.search(text):
        text = _SPECIAL.sub(_escaped, text)
    return f' t="inlineStr"><is><t{space}>{text}</t></is></c>'


_remembered = lru_cache(maxsize=8192)(_inline)


def _escaped(found: re.Match[str]) -> str:
    char = found[0]
    if char in _NAMED:
        return _NAMED[char]
    if "\ud800" <= char <= "\udfff":
        return "\ufffd"
    return f"_x{ord(char):04X}_"
