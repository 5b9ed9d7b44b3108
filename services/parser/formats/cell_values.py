"""What the workbook reader gives for a cell, in the shape it is kept in (`shared.entities.cells`)."""

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from shared.entities.cells import UNCALCULATED, Cell
from shared.entities.format_codes import is_plain, number_format
from shared.entities.number_formats import plain_decimal, shown_number

_DAY_ZERO, _DAY_ZERO_1904 = dt.datetime(1899, 12, 30), dt.datetime(1904, 1, 1)  # noqa: DTZ001 - spreadsheets know none
# The day that Excel counts and the calendar does not have, and the first day behind its last year.
_29_FEBRUARY_1900, _YEAR_10000 = 60, 2_958_466
_1904 = 1_462
_MILLISECONDS = 86_400_000
_EXACT = 1e15
_OVERFLOW = "#NUM!"


class CellReader:
    """Reads the cells of a sheet one by one, each with its format."""

    def __init__(self, formats: Sequence[str], *, counts_from_1904: bool) -> None:
        self._formats = [None if is_plain(code) else code for code in formats]
        self._counts_from_1904 = counts_from_1904

    def cells(self, row: Sequence[Any], number: int, links: Mapping[tuple[int, int], str]) -> list[Cell]:
        """The cells of a row, trailing blanks dropped."""
        cells = [self._cell(cell) for cell in row]
        while cells and cells[-1] is None:
            cells.pop()
        if links:
            cells = [
                _linked(cell, links[number, column]) if type(cell) is str and (number, column) in links else cell
                for column, cell in enumerate(cells)
            ]
        return cells

    def _cell(self, cell: Any) -> Cell:
        value = cell.value
        if type(value) is str:
            return value or (UNCALCULATED if cell.formula_type is not None and cell.data_type != "s" else None)
        if type(value) is int or type(value) is float:
            style = cell.style_id
            code = self._formats[style] if style < len(self._formats) else None
            if code is not None:
                return _formatted(value, code, self._counts_from_1904)
        return _plain(value)


def plain_cells(values: list[Any]) -> list[Cell]:
    """The cells of a row that was read without formats, trailing blanks dropped."""
    last = len(values)
    if last > _WIDE:
        last = _width(values)
    while last and values[last - 1] == "":
        last -= 1
    return [_plain(value) for value in values[:last]]


_WIDE = 256


def _width(values: list[Any]) -> int:
    """Where the last cells begin that are blank; a row of 16,384 blank ones is told from a full one in no time."""
    last = len(values)
    step = _WIDE
    blank = [""] * step
    while last > step and values[last - step : last] == blank:
        last -= step
    return last


def _plain(value: Any) -> Cell:  # noqa: PLR0911 - one line a kind of value
    if isinstance(value, str):
        return value or None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            # No number of a spreadsheet; JSON has no word for it, and a blank would be a silent loss.
            return _OVERFLOW
        return int(value) if value.is_integer() and abs(value) < _EXACT else value
    if isinstance(value, dt.datetime | dt.date):
        return {"date": value.isoformat()}
    if isinstance(value, dt.time):
        return {"time": value.isoformat()}
    return str(value)


@lru_cache(maxsize=8_192)
def _formatted(number: float, code: str, counts_from_1904: bool) -> Cell:
    plain = _plain(number)
    if not isinstance(plain, int | float):
        return plain
    parsed = number_format(code)
    if parsed.is_date:
        date = _date(number, counts_from_1904=counts_from_1904)
        return {"number": plain, "as": code} if date is None else {**date, "as": code}
    return plain if shown_number(plain, code) == plain_decimal(plain) else {"number": plain, "as": code}


def _date(serial: float, *, counts_from_1904: bool) -> dict[str, str] | None:
    """The date or time that a number of days is; None for what no spreadsheet shows as one."""
    if not 0 <= serial < _YEAR_10000 - (_1904 if counts_from_1904 else 0):
        return None
    days, fraction = divmod(serial, 1)
    rest = dt.timedelta(milliseconds=round(fraction * _MILLISECONDS))
    if not days and rest < dt.timedelta(days=1) and (fraction or not counts_from_1904):
        return {"time": (_DAY_ZERO + rest).time().isoformat()}
    if counts_from_1904:
        at = _DAY_ZERO_1904 + dt.timedelta(days=days) + rest
    else:
        at = _DAY_ZERO + dt.timedelta(days=days + (days < _29_FEBRUARY_1900)) + rest
    is_day = at.time() == dt.time()
    return {"date": at.date().isoformat() if is_day else at.isoformat()}


def _linked(text: str, target: str) -> Cell:
    """A text that leads somewhere else than it says."""
    return text if target.rstrip("/") == text.strip().rstrip("/") else {"text": text, "link": target}
