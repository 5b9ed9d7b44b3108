"""Dates as people write them in text: whether day or month comes first is a habit of the whole column, not of a cell.

`27/3/2026` has the day first (European), `3/27/2026` the month (American), `4/5/2026` may be either; `2026-03-27` and `27 Mar 2026`
mean one thing in every column. Pure: the parser counts what a column says, values are read by it.
"""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

from shared.entities.decimals import figures


class DateFormat(StrEnum):
    """In which order a column's dates are written."""

    ISO = "iso"
    EUROPEAN = "european"
    AMERICAN = "american"

    @property
    def says(self) -> str:
        """The order in words."""
        return {"iso": "the year first", "european": "the day first", "american": "the month first"}[self.value]


@dataclass(frozen=True, slots=True)
class ColumnDates:
    """How the dates of a column are read. What can be either is asked about where nothing decides.

    `decided`: all that decides speaks for this format. `contested`: there is something for another as well, or not all of the
    column was seen.
    """

    format: DateFormat = DateFormat.ISO
    decided: bool = False
    contested: bool = False

    @staticmethod
    def of_layout(
        detected: Mapping[str, Any] | None, column: int, otherwise: DateFormat = DateFormat.ISO
    ) -> "ColumnDates":
        """As the ledger has it of a file (`imports.imports.layout`); `otherwise` where nothing in it decided.

        A column that was not looked at is contested.
        """
        if detected is None or "dates" not in detected:
            return ColumnDates(otherwise)
        said = detected["dates"].get(str(column))
        if said is None:
            return ColumnDates(otherwise, contested=True)
        if said["format"] is None:
            return ColumnDates(otherwise, contested=said.get("contested", False))
        return ColumnDates(DateFormat(said["format"]), decided=True, contested=said.get("contested", False))

    @property
    def kept(self) -> dict[str, Any]:
        """The same, for the ledger."""
        return {"format": str(self.format) if self.decided else None, "contested": self.contested}


@dataclass(frozen=True, slots=True)
class WrittenDate:
    """A date of a text, with its time of day where it has one.

    `first` and `second` are the figures beside the year; `order` is the one they are surely meant in, None when it can be
    either. A naive time has no `offset`; parts of a microsecond are left away.
    """

    year: int
    first: int
    second: int
    order: DateFormat | None
    time: dt.time | None = None
    offset: dt.timedelta | None = None
    is_open: bool = False

    def month_and_day(self, order: DateFormat) -> tuple[int, int]:
        """Month and day, were they written in this order; ISO for what says its own."""
        return (self.second, self.first) if order is DateFormat.EUROPEAN else (self.first, self.second)


_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            ("jan", "january"),
            ("feb", "february"),
            ("mar", "march"),
            ("apr", "april"),
            ("may",),
            ("jun", "june"),
            ("jul", "july"),
            ("aug", "august"),
            ("sep", "sept", "september"),
            ("oct", "october"),
            ("nov", "november"),
            ("dec", "december"),
        ),
        start=1,
    )
    for name in names
}
_DAYS = {
    name: number
    for number, day in enumerate(("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"))
    for name in (day, day[:3])
}
_TIME = (
    r"(?:(?:[Tt]|,?\s+|,)(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,](?P<part>[0-9]{1,9}))?)?"
    r"\s?(?P<half>[AaPp]\.?[Mm]\.?)?\s?(?P<zone>[Zz]|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)
_WEEKDAY = r"(?:(?P<weekday>[A-Za-z]{3,9})\.?,?\s+)?"
_YEAR_FIRST = re.compile(rf"(?P<year>[0-9]{{4}})(?P<sign>[-/.])(?P<a>[0-9]{{1,2}})(?P=sign)(?P<b>[0-9]{{1,2}}){_TIME}")
_YEAR_LAST = re.compile(
    rf"{_WEEKDAY}(?P<a>[0-9]{{1,2}})(?P<sign>[-/.])\s?(?P<b>[0-9]{{1,2}})(?P=sign)\s?(?P<year>[0-9]{{4}}){_TIME}"
)
_COMPACT = re.compile(rf"(?P<year>[12][0-9]{{3}})(?P<a>[0-9]{{2}})(?P<b>[0-9]{{2}}){_TIME}")
_DAY_NAMED_MONTH = re.compile(
    rf"{_WEEKDAY}(?P<b>[0-9]{{1,2}})(?:st|nd|rd|th)?[-. ]\s?(?P<month>[A-Za-z]{{3,9}})\.?[-, ]\s?(?P<year>[0-9]{{4}}){_TIME}"
)
_NAMED_MONTH_DAY = re.compile(
    rf"{_WEEKDAY}(?P<month>[A-Za-z]{{3,9}})\.?[- ](?P<b>[0-9]{{1,2}})(?:st|nd|rd|th)?(?:,\s?|[- ])(?P<year>[0-9]{{4}}){_TIME}"
)
_SHORT_YEAR = re.compile(
    r"(?:[0-9]{1,2}([-/.])\s?[0-9]{1,2}\1\s?|[0-9]{1,2}[- ][A-Za-z]{3,9}\.?[-, ]\s?)[0-9]{2}(?:[T ,].*)?"
)
_DASHES = dict.fromkeys(range(0x2010, 0x2016), "-")
_LONGEST = 64
_LAST_MONTH, _NOON = 12, 12
_ZERO = dt.timedelta()


def has_short_year(text: str) -> bool:
    """Whether it looks like a date whose year has two digits: nobody knows of which century."""
    return len(text) <= _LONGEST and _SHORT_YEAR.fullmatch(text) is not None


@lru_cache(maxsize=8_192)
def written_date(text: str) -> WrittenDate | None:
    """The date a text is, possible in the calendar or not; None when it is none. The text is trimmed."""
    if len(text) > _LONGEST:
        return None
    if not text.isascii():
        text = " ".join(figures(text.translate(_DASHES)).split())
    if found := _YEAR_FIRST.fullmatch(text) or _COMPACT.fullmatch(text):
        return _dated(found, int(found["a"]), int(found["b"]), DateFormat.ISO)
    if found := _YEAR_LAST.fullmatch(text):
        first, second = int(found["a"]), int(found["b"])
        return _dated(found, first, second, _order(first, second), is_open=_is_open(first, second))
    found = _DAY_NAMED_MONTH.fullmatch(text) or _NAMED_MONTH_DAY.fullmatch(text)
    month = None if found is None else _MONTHS.get(found["month"].lower())
    if found is None or month is None:
        return None
    return _dated(found, month, int(found["b"]), DateFormat.ISO)


def _order(first: int, second: int) -> DateFormat | None:
    if first > _LAST_MONTH:
        return DateFormat.EUROPEAN if second <= _LAST_MONTH else None
    return DateFormat.AMERICAN if second > _LAST_MONTH else None


def _is_open(first: int, second: int) -> bool:
    return first != second and max(first, second) <= _LAST_MONTH


def _dated(
    found: re.Match[str], first: int, second: int, order: DateFormat | None, *, is_open: bool = False
) -> WrittenDate | None:
    at = _time(found)
    if at is None:
        return None
    time, offset = at
    weekday = found.groupdict().get("weekday")
    if weekday is not None and weekday.lower() not in _DAYS:
        return None
    dated = WrittenDate(int(found["year"]), first, second, order, time, offset, is_open)
    return dated if weekday is None else _on(dated, _DAYS[weekday.lower()])


def _on(dated: WrittenDate, weekday: int) -> WrittenDate | None:
    """The date with the order in which it falls on the weekday it names; None when it never does."""
    orders = (DateFormat.EUROPEAN, DateFormat.AMERICAN) if dated.order is not DateFormat.ISO else (DateFormat.ISO,)
    fitting = []
    for order in orders:
        month, day = dated.month_and_day(order)
        try:
            falls_on = dt.date(dated.year, month, day).weekday()
        except ValueError:
            continue
        if falls_on == weekday:
            fitting.append((month, day))
    if len(set(fitting)) != 1:
        return dated if fitting else None
    month, day = fitting[0]
    return WrittenDate(dated.year, month, day, DateFormat.ISO, dated.time, dated.offset)


def _time(found: re.Match[str]) -> tuple[dt.time | None, dt.timedelta | None] | None:
    """The time of day with its offset; None when there is no such time."""
    if found["hour"] is None:
        return None, None
    hour, half = int(found["hour"]), found["half"]
    if half is not None:
        if not 1 <= hour <= _NOON:
            return None
        hour = hour % _NOON + (_NOON if half[0] in "pP" else 0)
    try:
        time = dt.time(
            hour, int(found["minute"]), int(found["second"] or 0), int((found["part"] or "0")[:6].ljust(6, "0"))
        )
    except ValueError:
        return None
    return time, _offset(found["zone"])


def _offset(zone: str | None) -> dt.timedelta | None:
    if zone is None:
        return None
    if zone[0] not in "+-":
        return _ZERO
    digits = zone[1:].replace(":", "").ljust(4, "0")
    offset = dt.timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return -offset if zone[0] == "-" else offset
