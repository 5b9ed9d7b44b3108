"""Dates, which never shift, and moments, which are kept in UTC. A naive time is of the tenant's zone."""

import calendar
import datetime as dt
from functools import lru_cache
from zoneinfo import ZoneInfo

from shared.entities.dates import DateFormat, WrittenDate, has_short_year, written_date
from shared.entities.errors import CellError, shown
from shared.values.how import How

_TYPE_DATE, _TYPE_MOMENT = "2027-03-31", "2027-03-31 14:30"
_LAST_MONTH = 12
_OR_NAME_IT = " (or name the date format when you send the file)"


def read_date(text: str, how: How) -> str | CellError:
    """The date as `2027-03-31`. A time of day beside it is refused unless it is midnight: it would be lost."""
    return _date(text, how.date, how.date_decided, how.date_contested)


def read_moment(text: str, how: How) -> str | CellError:
    """The moment in UTC, as `2027-03-31T12:00:00Z`; a date alone is the beginning of its day."""
    return _moment(text, how.date, how.date_decided, how.date_contested, how.time_zone)


@lru_cache(maxsize=8_192)
def _date(text: str, order: DateFormat, decided: bool, contested: bool) -> str | CellError:
    found = _on_a_day(text, order, decided, contested, _TYPE_DATE)
    if isinstance(found, CellError):
        return found
    day, written = found
    if written.time is not None and written.time != dt.time():
        return _invalid(text, f"has a time of day, and only the date is kept; type {day.isoformat()}")
    return day.isoformat()


@lru_cache(maxsize=8_192)
def _moment(text: str, order: DateFormat, decided: bool, contested: bool, time_zone: str) -> str | CellError:
    found = _on_a_day(text, order, decided, contested, _TYPE_MOMENT)
    if isinstance(found, CellError):
        return found
    day, written = found
    try:
        if written.offset is not None:
            naive = dt.datetime.combine(day, written.time or dt.time())
            return _kept(naive.replace(tzinfo=dt.timezone(written.offset)))
        zone = _zone(time_zone)
        if written.time is None:
            # In a gap fold 0 is the moment at which it ends, in a fold the first of the two: the day's beginning in both.
            return _kept(dt.datetime.combine(day, dt.time(), zone))
        return _local(text, dt.datetime.combine(day, written.time), zone)
    except (OverflowError, ValueError):
        return _invalid(text, f"is no time that can be kept; type it as {_TYPE_MOMENT}")


def _on_a_day(
    text: str, order: DateFormat, decided: bool, contested: bool, example: str
) -> tuple[dt.date, WrittenDate] | CellError:
    written = written_date(text)
    if written is None:
        if has_short_year(text):
            return _invalid(text, "has a year of two digits; type all four")
        return _invalid(text, f"is not a date; type it as {example}")
    if written.is_open and (contested or order is DateFormat.ISO):
        either = [_typed(written, by) for by in (DateFormat.EUROPEAN, DateFormat.AMERICAN)]
        return _invalid(text, f"can be read in two ways; type {' or '.join(either)}{_OR_NAME_IT}")
    meant = written.order or order
    month, day = written.month_and_day(meant)
    try:
        date = dt.date(written.year, month, day)
    except ValueError:
        return _invalid(text, _impossible(written.year, month))
    if meant is not DateFormat.ISO and meant is not order and (decided or order is not DateFormat.ISO):
        return _invalid(
            text, f"has {meant.says}, and this column is read with {order.says}; type {_typed(written, meant)}"
        )
    return date, written


def _typed(written: WrittenDate, order: DateFormat) -> str:
    """The date as it is typed so that it means one thing in every column."""
    month, day = written.month_and_day(order)
    time = "" if written.time is None else f" {written.time.isoformat()}"
    return f"{written.year:04}-{month:02}-{day:02}{time.removesuffix(':00')}{_offset(written.offset)}"


def _offset(offset: dt.timedelta | None) -> str:
    if offset is None:
        return ""
    minutes = int(offset.total_seconds()) // 60
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def _impossible(year: int, month: int) -> str:
    if not year:
        return "is no day of the calendar: there is no year 0; correct it"
    if not 1 <= month <= _LAST_MONTH:
        return f"is no day of the calendar: there is no month {month}; correct it"
    days = calendar.monthrange(year, month)[1]
    return f"is no day of the calendar: {calendar.month_name[month]} {year} has {days} days; correct it"


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _local(text: str, naive: dt.datetime, zone: ZoneInfo) -> str | CellError:
    """A time of the zone; refused where clocks are set forward over it, or back so that it comes twice."""
    first, second = naive.replace(tzinfo=zone), naive.replace(tzinfo=zone, fold=1)
    if first.utcoffset() == second.utcoffset():
        return _kept(first)
    written = naive.isoformat(sep=" ").removesuffix(":00")
    either = " or ".join(f"{written}{_offset(at.utcoffset())}" for at in (first, second))
    if first.astimezone(dt.UTC).astimezone(zone).replace(tzinfo=None) != naive:
        return _invalid(text, f"does not exist in {zone.key}, where clocks are set forward over it; type {either}")
    return _invalid(text, f"comes twice in {zone.key}, where clocks are set back; type {either}")


def _kept(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).replace(tzinfo=None).isoformat() + "Z"


def _invalid(text: str, reason: str) -> CellError:
    return CellError("invalid_date", f'"{shown(text)}" {reason}')
