from hypothesis import example, given
from hypothesis import strategies as st

from shared.corrections import neutralise, restore

MEANS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")
TEXTS = st.text() | st.text(alphabet="'=+-@\t\r a1", max_size=8)


@given(TEXTS)
@example("'=1")
@example("''")
@example("'+")
def test_what_was_neutralised_is_restored_to_the_letter(text: str) -> None:
    assert restore(neutralise(text)) == text


@given(TEXTS)
def test_no_neutralised_text_begins_like_a_formula(text: str) -> None:
    assert not neutralise(text).startswith(MEANS_A_FORMULA)


@given(TEXTS)
def test_text_that_could_not_be_mistaken_is_left_alone(text: str) -> None:
    if not text.startswith((*MEANS_A_FORMULA, "'")):
        assert neutralise(text) == text
        assert restore(text) == text
