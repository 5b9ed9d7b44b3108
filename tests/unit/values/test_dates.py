"""Dates never shift, moments are kept in UTC, and nothing is guessed."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.entities.dates import DateFormat, written_date
from shared.entities.errors import CellError
from shared.values import How
from shared.values.dates import read_date, read_moment

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/Santiago")
EUROPEAN = How(date=DateFormat.EUROPEAN, date_decided=True)
AMERICAN = How(date=DateFormat.AMERICAN, date_decided=True)
DAYS = st.dates(dt.date(1000, 1, 1), dt.date(9999, 12, 31))


at = dt.datetime.fromisoformat


def message(read: str | CellError) -> str:
    assert isinstance(read, CellError), read
    assert read.code == "invalid_date"
    return read.message


@given(DAYS, st.sampled_from("/-."), st.booleans(), st.sampled_from(ZONES))
def test_a_day_is_the_same_day_however_it_is_written(day: dt.date, sign: str, padded: bool, zone: str) -> None:
    month, number = (f"{day.month:02}", f"{day.day:02}") if padded else (str(day.month), str(day.day))
    for order, parts in ((DateFormat.EUROPEAN, (number, month)), (DateFormat.AMERICAN, (month, number))):
        how = How(date=order, date_decided=True, time_zone=zone)
        assert read_date(sign.join((*parts, f"{day.year}")), how) == day.isoformat()
        assert read_date(f"{day.year}{sign}{month}{sign}{number}", how) == day.isoformat()
        assert read_date(f"{day:%d %b} {day.year}", how) == day.isoformat()
        assert read_date(f"{day.isoformat()}T00:00:00Z", how) == day.isoformat()


@given(st.datetimes(at("1971-01-01"), at("2037-12-31")), st.sampled_from(ZONES))
@example(at("2026-03-29 02:30"), "Europe/Berlin")
@example(at("2026-10-25 02:30"), "Europe/Berlin")
@example(at("2026-04-05 01:45"), "Australia/Lord_Howe")
def test_a_naive_time_is_of_the_zone_and_one_that_is_not_there_once_is_said(naive: dt.datetime, zone: str) -> None:
    read = read_moment(naive.isoformat(sep=" "), How(time_zone=zone))
    meant = {naive.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(dt.UTC) for fold in (0, 1)}
    if len(meant) == 1:
        assert read == f"{meant.pop().replace(tzinfo=None).isoformat()}Z"
        return
    said = message(read)
    assert zone in said
    # Either way out is a moment that is taken, and means one of the two.
    ways = said.partition("type ")[2].split(" or ")
    assert {dt.datetime.fromisoformat(str(read_moment(way, How(time_zone=zone)))) for way in ways} == meant


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("2026-03-27T10:00:00Z", "2026-03-27T10:00:00Z"),
        ("2026-03-27 10:00 +02:00", "2026-03-27T08:00:00Z"),
        ("2026-03-27T10:00:00.500-0500", "2026-03-27T15:00:00.500000Z"),
        ("2026-03-27 10:00", "2026-03-27T09:00:00Z"),
        ("27.3.2026, 10:00 PM", "2026-03-27T21:00:00Z"),
        ("27/3/2026 12:00 am", "2026-03-26T23:00:00Z"),
        ("Fri, 27 Mar 2026 10:00:00 +0000", "2026-03-27T10:00:00Z"),
        ("2026-03-27", "2026-03-26T23:00:00Z"),
        ("20260327", "2026-03-26T23:00:00Z"),
        ("2026‑03‑27", "2026-03-26T23:00:00Z"),
        ("٢٠٢٦-٠٣-٢٧", "2026-03-26T23:00:00Z"),
        ("2026-03-27T10:00:00.1234567Z", "2026-03-27T10:00:00.123456Z"),
    ],
)
def test_moments_as_people_and_programs_write_them(text: str, kept: str) -> None:
    assert read_moment(text, How(time_zone="Europe/Berlin", date=DateFormat.EUROPEAN)) == kept


def test_a_day_begins_where_clocks_leave_out_its_midnight() -> None:
    # In Santiago the 6th of September 2026 begins at one o'clock.
    assert read_moment("2026-09-06", How(time_zone="America/Santiago")) == "2026-09-06T04:00:00Z"


@pytest.mark.parametrize(
    ("text", "how", "said"),
    [
        ("4/5/2026", How(), "can be read in two ways; type 2026-05-04 or 2026-04-05"),
        ("4/5/2026 10:00", How(), "type 2026-05-04 10:00 or 2026-04-05 10:00"),
        ("3/27/2026", EUROPEAN, "has the month first, and this column is read with the day first; type 2026-03-27"),
        ("27/3/2026", AMERICAN, "has the day first, and this column is read with the month first; type 2026-03-27"),
        ("4/5/2026", How(date=DateFormat.EUROPEAN, date_decided=True, date_contested=True), "in two ways"),
        ("27/3/2026", How(date_decided=True), "this column is read with the year first; type 2026-03-27"),
        ("29/2/2027", EUROPEAN, "February 2027 has 28 days"),
        ("2026-02-30", How(), "February 2026 has 28 days"),
        ("13/13/2026", EUROPEAN, "there is no month 13"),
        ("2026-13-01", How(), "there is no month 13"),
        ("0000-01-01", How(), "there is no year 0"),
        ("27/3/26", EUROPEAN, "a year of two digits"),
        ("27-Mar-26", EUROPEAN, "a year of two digits"),
        ("46000", EUROPEAN, "is not a date; type it as 2027-03-31"),
        ("Thu, 27 Mar 2026", EUROPEAN, "is not a date"),
        ("2026-03-27 10:00", How(), "has a time of day, and only the date is kept; type 2026-03-27"),
        ("2026-03-27 25:00", How(), "is not a date"),
        ("soon", How(), "is not a date"),
    ],
)
def test_what_is_no_date_or_more_than_one_is_named_with_the_way_out(text: str, how: How, said: str) -> None:
    found = message(read_date(text, how) if "10:00" not in text or "27" in text else read_moment(text, how))
    assert f'"{text}"' in found
    assert said in found


def test_where_nothing_is_decided_a_clear_date_is_read() -> None:
    assert read_date("27/3/2026", How()) == "2026-03-27"
    assert read_date("3/27/2026", How()) == "2026-03-27"
    assert read_date("5/5/2026", How()) == "2026-05-05"


def test_only_a_day_over_twelve_decides() -> None:
    texts = ("27/3/2026", "3/27/2026", "4/5/2026", "5/5/2026")
    orders = [found.order for text in texts if (found := written_date(text)) is not None]
    assert orders == [DateFormat.EUROPEAN, DateFormat.AMERICAN, None, None]
