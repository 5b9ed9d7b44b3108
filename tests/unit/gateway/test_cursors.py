"""Places in a list: taken back as they were handed out, and nothing else is."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.cursors import hand_out, list_name, take_back
from services.gateway.problems import Refused

NAME = list_name("imports", {"sort": "file"})
KINDS = (str, datetime, UUID, int)


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=255),
    st.datetimes(timezones=st.just(UTC)),
    st.uuids(),
    st.integers(-(2**31) + 1, 2**31 - 1),
)
def test_a_place_is_taken_back_as_it_was_handed_out(text: str, at: datetime, name: UUID, number: int) -> None:
    place = (text, at, name, number)
    assert take_back(NAME, hand_out(NAME, *place), *KINDS) == place


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda said: said.hex()))
def test_whatever_else_is_sent_is_refused(cursor: str) -> None:
    with pytest.raises(Refused) as refused:
        take_back(NAME, cursor, *KINDS)
    assert refused.value.kind.slug == "cursor"


NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "place",
    [
        ("a", NOW, UUID(int=1)),
        ("a", NOW, UUID(int=1), 1, 2),
        (1, NOW, UUID(int=1), 1),
        ("a", "yesterday", UUID(int=1), 1),
        ("a", NOW.replace(tzinfo=None), UUID(int=1), 1),
        ("a", NOW, "no id", 1),
        ("a", NOW, UUID(int=1), "1"),
        ("a", NOW, UUID(int=1), 2**31),
        ("a\x00", NOW, UUID(int=1), 1),
        ("\ud800", NOW, UUID(int=1), 1),
    ],
)
def test_parts_of_another_kind_are_refused(place: tuple[Any, ...]) -> None:
    try:
        cursor = hand_out(NAME, *place)
    except UnicodeEncodeError:
        return
    with pytest.raises(Refused):
        take_back(NAME, cursor, *KINDS)


def test_a_place_of_another_list_is_refused() -> None:
    with pytest.raises(Refused):
        take_back(list_name("imports", {"sort": "-file"}), hand_out(NAME, "a", NOW, UUID(int=1), 1), *KINDS)
