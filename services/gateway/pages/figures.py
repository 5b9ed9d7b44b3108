"""Numbers, times and sizes as pages write them: English, exact where it matters, no more digits than a person uses.

Source: the brief of the pages, section 3.
"""

import math
from datetime import UTC, date, datetime, timedelta, tzinfo

UNKNOWN = "–"

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_SIGNIFICANT = 3


def number(value: float | None) -> str:
    """`100,000`; `–` for what is not known."""
    return UNKNOWN if value is None else f"{int(value):,}"


def percent(part: float, whole: float, *, ended: bool = True) -> int:
    """The part in percent, rounded down, so that 100 is all of it; before the end never more than 99."""
    if whole <= 0:
        return 0
    return min(math.floor(100 * part / whole), 100 if ended else 99)


def rate(per_second: float | None) -> str:
    """`7,530 rows/s`, to three digits; `–` for what is not known."""
    if per_second is None:
        return UNKNOWN
    return f"{number(_rounded(per_second))} {'row' if _rounded(per_second) == 1 else 'rows'}/s"


def counted(count: float, noun: str, several: str | None = None) -> str:
    """`1 row`, `134 rows`, `2 entries`: never "row(s)"."""
    return f"{number(count)} {noun if count == 1 else several or noun + 's'}"


def duration(seconds: float | None) -> str:
    """`1.9 s`, `14 s`, `2 min 14 s`, `1 h 5 min`, `2 days 3 h`; `–` for what is not known."""
    if seconds is None:
        return UNKNOWN
    if seconds < 9.95:  # noqa: PLR2004 - from here on it would be written as 10.0
        return f"{max(seconds, 0.1):.1f} s"
    return whole(seconds)


def whole(seconds: float) -> str:
    """The same in whole seconds: `0 s`, `8 s`, `2 min 14 s`."""
    count = round(seconds)
    if count < _MINUTE:
        return f"{count} s"
    if count < _HOUR:
        return _two(count // _MINUTE, "min", count % _MINUTE, "s")
    if count < _DAY:
        return _two(count // _HOUR, "h", count % _HOUR // _MINUTE, "min")
    days = count // _DAY
    return _two(days, "day" if days == 1 else "days", count % _DAY // _HOUR, "h")


def time_left(seconds: float) -> str:
    """`10 s`, in steps that a person believes: 5 s up to a minute, 30 s up to ten, then whole minutes; never less than 5 s."""
    step = 5 if seconds <= _MINUTE else 30 if seconds <= 10 * _MINUTE else _MINUTE
    return whole(max(step * math.ceil(seconds / step), step))


def size(count: float | None) -> str:
    """`812 bytes`, `18 kB`, `1.4 MB`, `187.4 MB`, `2.1 GB`: units of a thousand, as file managers write them."""
    if count is None:
        return UNKNOWN
    if count < 1000:  # noqa: PLR2004 - up to here bytes are counted
        return counted(count, "byte")
    if count < 999_500:  # noqa: PLR2004 - from here on it would be written as 1,000 kB
        return f"{count / 1000:.0f} kB"
    unit, name = (1e6, "MB") if count < 999_950_000 else (1e9, "GB")  # noqa: PLR2004 - the same of MB
    return f"{count / unit:,.1f} {name}"


def ago(moment: datetime, now: datetime, zone: tzinfo = UTC) -> str:
    """`just now`, `24 min ago`, `5 h ago`; from a day on `Yesterday`, `Mon 23 Nov`, and of another year `23 Nov 2025`."""
    seconds = (now - moment).total_seconds()
    if seconds < _MINUTE:
        return "just now"
    if seconds < _HOUR:
        return f"{int(seconds // _MINUTE)} min ago"
    if seconds < _DAY:
        return f"{int(seconds // _HOUR)} h ago"
    return day(moment.astimezone(zone).date(), now.astimezone(zone).date())


def day(when: date, today: date) -> str:
    """A day as seen from today."""
    if when == today - timedelta(days=1):
        return "Yesterday"
    return f"{when:%a} {when.day} {when:%b}" if when.year == today.year else f"{when.day} {when:%b} {when.year}"


def exact(moment: datetime, zone: tzinfo = UTC) -> str:
    """`25 November 2026, 15:42:07`."""
    local = moment.astimezone(zone)
    return f"{local.day} {local:%B %Y, %H:%M:%S}"


def until(moment: datetime, zone: tzinfo = UTC) -> str:
    """`2 December 2026, 15:20`: when something ends."""
    local = moment.astimezone(zone)
    return f"{local.day} {local:%B %Y, %H:%M}"


def exact_day(moment: datetime, zone: tzinfo = UTC) -> str:
    """`25 November 2026`."""
    local = moment.astimezone(zone)
    return f"{local.day} {local:%B %Y}"


def on(moment: datetime, now: datetime, zone: tzinfo = UTC) -> str:
    """`today 15:20`, `yesterday 17:31`, `23 Nov 2026, 17:31`: within a sentence."""
    local, today = moment.astimezone(zone), now.astimezone(zone).date()
    if local.date() == today:
        return f"today {local:%H:%M}"
    if local.date() == today - timedelta(days=1):
        return f"yesterday {local:%H:%M}"
    return f"{local.day} {local:%b %Y, %H:%M}"


def clock(moment: datetime, zone: tzinfo = UTC) -> str:
    """`15:42:07`: of one day whose date stands beside it."""
    return f"{moment.astimezone(zone):%H:%M:%S}"


def _rounded(value: float) -> int:
    if value < 1:
        return round(value)
    digits = _SIGNIFICANT - 1 - math.floor(math.log10(value))
    return int(round(value, min(digits, 0)))


def _two(large: int, unit: str, rest: int, small: str) -> str:
    return f"{large} {unit} {rest} {small}" if rest else f"{large} {unit}"
