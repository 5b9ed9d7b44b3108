from datetime import timedelta

import pytest

from shared.periods import in_words, roughly


@pytest.mark.parametrize(
    ("period", "said"),
    [
        (timedelta(days=30), "30 days"),
        (timedelta(hours=48), "2 days"),
        (timedelta(hours=24), "24 hours"),
        (timedelta(hours=50), "50 hours"),
        (timedelta(minutes=90), "90 minutes"),
        (timedelta(minutes=5), "5 minutes"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(seconds=90), "1.5 minutes"),
        (timedelta(), "0 minutes"),
    ],
)
def test_a_period_that_was_set_is_said_as_it_was_set(period: timedelta, said: str) -> None:
    assert in_words(period) == said


@pytest.mark.parametrize(
    ("period", "said"),
    [
        (timedelta(days=30, hours=3), "30 days"),
        (timedelta(hours=47, minutes=59), "47 hours"),
        (timedelta(hours=24, seconds=9), "24 hours"),
        (timedelta(minutes=119, seconds=59), "119 minutes"),
        (timedelta(seconds=61), "1 minute"),
    ],
)
def test_a_period_that_has_passed_is_rounded_down(period: timedelta, said: str) -> None:
    assert roughly(period) == said
