from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.gateway.pages import figures

NOW = datetime(2026, 11, 25, 15, 44, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "words"), [(0, "0"), (100_000, "100,000"), (1_048_576, "1,048,576"), (None, "–"), (12.9, "12")]
)
def test_a_number_has_separators_and_what_is_not_known_is_a_dash(value: float | None, words: str) -> None:
    assert figures.number(value) == words


@pytest.mark.parametrize(
    ("part", "whole", "ended", "shown"),
    [
        (62_999, 100_000, False, 62),
        (100_000, 100_000, False, 99),
        (100_000, 100_000, True, 100),
        (999, 1000, True, 99),
        (0, 0, True, 0),
    ],
)
def test_percent_is_rounded_down_and_below_100_until_the_end(part: int, whole: int, ended: bool, shown: int) -> None:
    assert figures.percent(part, whole, ended=ended) == shown


@pytest.mark.parametrize(
    ("per_second", "words"),
    [(7_532.4, "7,530 rows/s"), (14_280, "14,300 rows/s"), (1.2, "1 row/s"), (0, "0 rows/s"), (None, "–")],
)
def test_a_rate_has_three_digits(per_second: float | None, words: str) -> None:
    assert figures.rate(per_second) == words


@pytest.mark.parametrize(("count", "words"), [(1, "1 row"), (0, "0 rows"), (134, "134 rows"), (6_012, "6,012 rows")])
def test_what_is_counted_is_singular_or_plural_never_both(count: int, words: str) -> None:
    assert figures.counted(count, "row") == words


def test_a_plural_that_is_not_regular_is_given() -> None:
    assert figures.counted(2, "entry", "entries") == "2 entries"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0.1 s"),
        (1.94, "1.9 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (14, "14 s"),
        (59.6, "1 min"),
        (134, "2 min 14 s"),
        (3_600, "1 h"),
        (3_900, "1 h 5 min"),
        (90_000, "1 day 1 h"),
        (2 * 86_400, "2 days"),
        (None, "–"),
    ],
)
def test_a_duration_says_its_two_largest_units(seconds: float | None, words: str) -> None:
    assert figures.duration(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.3, "5 s"), (9, "10 s"), (11, "15 s"), (47, "50 s"), (71, "1 min 30 s"), (150, "2 min 30 s"), (2_710, "46 min")],
)
def test_time_left_goes_in_steps(seconds: float, words: str) -> None:
    assert figures.time_left(seconds) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (1, "1 byte"),
        (812, "812 bytes"),
        (18_400, "18 kB"),
        (999_700, "1.0 MB"),
        (187_400_000, "187.4 MB"),
        (2_100_000_000, "2.1 GB"),
        (None, "–"),
    ],
)
def test_a_size_has_the_unit_that_keeps_it_short(count: int | None, words: str) -> None:
    assert figures.size(count) == words


@pytest.mark.parametrize(
    ("back", "words"),
    [
        (timedelta(seconds=3), "just now"),
        (timedelta(minutes=24, seconds=50), "24 min ago"),
        (timedelta(hours=5), "5 h ago"),
        (timedelta(hours=30), "Yesterday"),
        (timedelta(days=2), "Mon 23 Nov"),
        (timedelta(days=400), "21 Oct 2025"),
        (timedelta(seconds=-5), "just now"),
    ],
)
def test_a_moment_is_told_from_now(back: timedelta, words: str) -> None:
    assert figures.ago(NOW - back, NOW) == words


def test_days_are_those_of_who_reads() -> None:
    # 01:30 in Copenhagen, and still the day before in UTC.
    moment, now = datetime(2026, 11, 24, 0, 30, tzinfo=UTC), datetime(2026, 11, 25, 23, 30, tzinfo=UTC)
    assert figures.ago(moment, now) == "Yesterday"
    assert figures.ago(moment, now, ZoneInfo("Europe/Copenhagen")) == "Tue 24 Nov"


def test_the_exact_moment_names_the_second() -> None:
    assert figures.exact(NOW, ZoneInfo("Europe/Copenhagen")) == "25 November 2026, 16:44:00"


@pytest.mark.parametrize(
    ("back", "words"),
    [(timedelta(0), "today 15:44"), (timedelta(days=1), "yesterday 15:44"), (timedelta(days=2), "23 Nov 2026, 15:44")],
)
def test_a_moment_within_a_sentence_has_its_time(back: timedelta, words: str) -> None:
    assert figures.on(NOW - back, NOW) == words
