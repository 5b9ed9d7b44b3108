"""Periods in words."""

from datetime import timedelta

_UNITS = (("days", timedelta(days=1)), ("hours", timedelta(hours=1)), ("minutes", timedelta(minutes=1)))


def in_words(period: timedelta) -> str:
    """A period as it was set: in the largest unit that it is several of, and a whole number of; else in minutes."""
    for unit, one in _UNITS:
        if period > one and not period % one:
            return f"{period // one} {unit}"
    minutes = f"{period / timedelta(minutes=1):g}"
    return f"{minutes} minute{'' if minutes == '1' else 's'}"


def roughly(period: timedelta) -> str:
    """A period that has passed, rounded down: in days from two days on, in hours from two hours on, else in minutes."""
    for unit, one in _UNITS:
        if period >= 2 * one:
            return f"{period // one} {unit}"
    return in_words(timedelta(minutes=period // timedelta(minutes=1)))
