"""The same rows, read in the same way, and nothing else, have the same digest."""

from typing import Any

import pytest

from services.validator.digests import digests_of

ROWS = [(2, 2, '["Tee","tee"]'), (3, 2, '[null,"x"]'), (4, 4, '["Cap","cap"]')]
ASKED: dict[str, Any] = {
    "release": "1",
    "fields": {"title": 0, "weight_g": 1},
    "layout": {"decimals": {"1": {"sign": "point", "decided": True, "contested": False}}},
    "clears_blanks": False,
}


def test_each_group_has_one_wherever_its_rows_stand() -> None:
    moved = [(row + 5, group + 5, cells) for row, group, cells in ROWS]
    digests = digests_of(ROWS, **ASKED)
    assert digests.keys() == {2, 4}
    assert list(digests.values()) == list(digests_of(moved, **ASKED).values())
    assert digests[2] != digests[4]


@pytest.mark.parametrize(
    "other",
    [
        {"release": "2"},
        {"fields": {"title": 1, "weight_g": 0}},
        {"clears_blanks": True},
        {"layout": {"decimals": {"1": {"sign": "comma", "decided": True, "contested": False}}}},
        {"layout": None},
    ],
)
def test_what_is_read_in_another_way_says_something_else(other: dict[str, Any]) -> None:
    there, here = digests_of(ROWS, **ASKED), digests_of(ROWS, **{**ASKED, **other})
    assert set(there.values()).isdisjoint(here.values())


def test_where_a_row_ends_makes_a_difference() -> None:
    one = digests_of([(2, 2, '["a"]'), (3, 2, '["b"]')], **ASKED)
    assert one != digests_of([(2, 2, '["a"]["b"]')], **ASKED)
    assert one != digests_of([(2, 2, '["b"]'), (3, 2, '["a"]')], **ASKED)


def test_what_cannot_be_written_as_utf_8_has_a_digest_too() -> None:
    assert digests_of([(2, 2, '["\ud800"]')], **ASKED).keys() == {2}
