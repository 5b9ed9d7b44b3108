"""Rows as the XML of a worksheet.

XlsxWriter makes everything of the workbook but these (`skeleton`): writing the rows ourselves is three times as fast,
keeps every digit of a number (it writes 16 of 17), and never takes a text for markup (it does, for text between `<r>`
and `</r>`).
"""

import re
from collections.abc import Mapping, Sequence
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
_FIRST_DAY, _FIRST_CERTAIN_DAY = date(1900, 1, 1), date(1900, 3, 1)
_SPECIAL = re.compile(r"[&<>\r\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_SMALL_PRINT = '<rPr><sz val="1"/><color rgb="FFD9D9D9"/></rPr>'
_NAMED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}


@dataclass(frozen=True, slots=True)
class Look:
    """Style numbers of one kind of cell: as it is when good, and when bad."""

    good: int
    bad: int


_MOST_FORMATS = 200


class FormatStyles:
    """Styles for the sender's own number formats, numbered behind all others as they are met."""

    def __init__(self, first: int) -> None:
        self._first = first
        self._looks: dict[str, Look] = {}

    def look(self, code: str) -> Look | None:
        """The style of a format; None for the two hundredth and further ones."""
        look = self._looks.get(code)
        if look is None and len(self._looks) < _MOST_FORMATS:
            number = self._first + 2 * len(self._looks)
            look = self._looks[code] = Look(number, number + 1)
        return look

    @property
    def codes(self) -> Sequence[str]:
        """The formats, in the order of their styles: each has a good and a bad one."""
        return tuple(self._looks)


@dataclass(frozen=True, slots=True)
class Styles:
    """The style numbers of the workbook."""

    formats: FormatStyles
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
                parts.append(self._cell(f"{start}{number}", index, cell))
        parts.extend(
            self._bad(f"{self._starts[index]}{number}", index, None) for index in sorted(marks) if index >= len(cells)
        )
        style = self._styles.errors if row.is_bad else self._styles.siblings
        parts.append(_explained(f'{self._last_start}{number}" s="{style}"', explained, self._columns.origin(row.row)))
        parts.append("</row>")
        return "".join(parts)

    def _bad(self, start: str, index: int, cell: Cell) -> str:
        if cell is None or cell == "":
            return f'{start}" s="{self._blank[index]}"/>'
        # As what it is, also a date: as text it would be accepted when nobody has mended it.
        look, kind, value = self._written(index, cell)
        if look is self._styles.text:
            return _element(f'{start}" s="{self._blank[index]}"', kind, value)
        return _element(f'{start}" s="{look.bad}"', kind, value)

    def _cell(self, start: str, index: int, cell: Cell) -> str:
        if type(cell) is str:
            return _text(f"{start}{self._good_text}", neutralise(cell)) if cell else ""
        look, kind, value = self._written(index, cell)
        return _element(f'{start}" s="{look.good}"', kind, value)

    def _written(self, index: int, cell: Cell) -> tuple[Look, str, str]:
        if isinstance(cell, Mapping) and "link" in cell:
            return self._styles.text, "", neutralise(self._columns.text(index, cell))
        return _written(self._styles, cell)


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
        written = _formatted(styles, cell)
        if written is not None:
            return written[0], "n", written[1]
    return styles.text, "", neutralise(cell_text(cell))


def _digits(number: float) -> str | None:
    """The number with every digit it has; None for one that no spreadsheet can hold."""
    if isinstance(number, int) and abs(number) < _EXACT:
        return str(number)
    try:
        return repr(float(number))
    except OverflowError:
        return None


def _formatted(styles: Styles, cell: Mapping[str, str | int | float]) -> tuple[Look, str] | None:
    """A number, date or time in the sender's format; None for what spreadsheets cannot count, such as days before 1900."""
    code = cell.get("as")
    own = styles.formats.look(str(code)) if code is not None else None
    number = cell.get("number")
    if isinstance(number, int | float):
        digits = _digits(number)
        return None if digits is None or own is None else (own, digits)
    dated = _serial(styles, cell)
    return dated if dated is None or own is None else (own, dated[1])


def _serial(styles: Styles, cell: Mapping[str, str | int | float]) -> tuple[Look, str] | None:
    """A date or time as spreadsheets count days."""
    try:
        if "time" in cell:
            clock = datetime.combine(_DAY_ZERO, time.fromisoformat(str(cell["time"])))
            return styles.time, repr((clock - _DAY_ZERO) / timedelta(days=1))
        written = str(cell["date"])
        at = datetime.fromisoformat(written)
        if at.date() < _FIRST_DAY or at.tzinfo is not None:
            return None
    except (KeyError, ValueError, TypeError):
        return None
    # They count a 29 February 1900, so days before it have a number less.
    days = (at - _DAY_ZERO) / timedelta(days=1) - (at.date() < _FIRST_CERTAIN_DAY)
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


def _explained(start: str, explained: str, origin: str) -> str:
    """An explanation, and behind it in the smallest print, which takes no room, the row it is of."""
    if not origin:
        return _text(start, explained)
    said = _escaped_text(fitting(explained, beside=len(origin)))
    runs = f'<r><t xml:space="preserve">{said}</t></r><r>{_SMALL_PRINT}<t xml:space="preserve">{origin}</t></r>'
    return f'{start} t="inlineStr"><is>{runs}</is></c>'


def _inline(text: str) -> str:
    if len(text) > CELL_LENGTH_LIMIT // 2:
        text = fitting(text)
    space = ' xml:space="preserve"' if text[:1].isspace() or text[-1:].isspace() else ""
    return f' t="inlineStr"><is><t{space}>{_escaped_text(text)}</t></is></c>'


_remembered = lru_cache(maxsize=8192)(_inline)


def _escaped_text(text: str) -> str:
    return _SPECIAL.sub(_escaped, text) if _SPECIAL.search(text) else text


def _escaped(found: re.Match[str]) -> str:
    char = found[0]
    if char in _NAMED:
        return _NAMED[char]
    if "\ud800" <= char <= "\udfff":
        return "\ufffd"
    return f"_x{ord(char):04X}_"
