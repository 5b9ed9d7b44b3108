from hypothesis import given
from hypothesis import strategies as st

from shared.entities.errors import shown


def test_a_short_value_is_quoted_as_it_is() -> None:
    assert shown("12abc — é") == "12abc — é"


def test_a_long_value_is_cut() -> None:
    assert shown("x" * 200) == "x" * 79 + "…"


def test_what_nobody_can_see_is_made_visible_and_line_breaks_are_spaces() -> None:
    assert shown("a\nb\x00c\u200bd") == "a b\\u0000c\\u200bd"


@given(st.text(alphabet=st.characters(), max_size=120))
def test_whatever_the_value_the_message_can_be_stored_and_shown(value: str) -> None:
    text = shown(value + "\ud800")
    assert text.isprintable()
    text.encode()
