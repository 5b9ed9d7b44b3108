"""What the history's address says: every state is a link, and nonsense in it is not said."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from services.gateway.pages.wanted import DATES, asked_by
from shared.states import ImportStatus

TODAY = date(2026, 11, 25)


def test_an_address_without_anything_asks_for_all_the_newest_first() -> None:
    asked = asked_by({})
    assert not asked.narrowed
    assert asked.order == "-started"
    assert asked.href() == "/history"
    assert asked.wanted(TODAY, UTC).said == {}


def test_what_is_asked_for_is_in_the_address_and_nothing_else() -> None:
    asked = asked_by({"q": " autumn ", "status": "failed", "sort": "-failed", "mode": "", "utm": "x"})
    assert asked.href() == "/history?q=autumn&status=failed&sort=-failed"
    assert asked.href(sort="") == "/history?q=autumn&status=failed"
    assert asked.address("/history/live", ids="1,2") == "/history/live?q=autumn&status=failed&sort=-failed&ids=1%2C2"


@pytest.mark.parametrize(
    "said",
    [
        {"type": "shoes"},
        {"status": "done"},
        {"mode": "merge"},
        {"sort": "colour"},
        {"period": "1y"},
        {"from": "yesterday"},
        {"from": "9999-12-31"},
        {"open": "1"},
        {"q": "\x00\x1b"},
    ],
)
def test_what_makes_no_sense_is_not_said(said: dict[str, str]) -> None:
    assert asked_by(said) == asked_by({})


def test_a_day_begins_and_ends_where_the_person_is() -> None:
    asked = asked_by({"from": "2026-11-01", "to": "2026-11-30"})
    assert asked.period == DATES
    wanted = asked.wanted(TODAY, timezone(timedelta(hours=1)))
    assert wanted.since == datetime(2026, 10, 31, 23, tzinfo=UTC)
    assert wanted.before == datetime(2026, 11, 30, 23, tzinfo=UTC)


def test_a_period_is_counted_back_from_today() -> None:
    assert asked_by({"period": "1d"}).wanted(TODAY, UTC).since == datetime(2026, 11, 25, tzinfo=UTC)
    assert asked_by({"period": "30d"}).wanted(TODAY, UTC).since == datetime(2026, 10, 27, tzinfo=UTC)


def test_waiting_for_somebody_is_what_the_ledger_calls_previewing() -> None:
    assert asked_by({"status": "waiting"}).wanted(TODAY, UTC).statuses == (ImportStatus.PREVIEWING,)
