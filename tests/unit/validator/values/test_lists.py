import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.validator.values.lists import Name, looks_like_list, read_name, read_names, split_list
from shared.entities.cells import BLANKS
from shared.entities.errors import CellError
from shared.entities.names import name_key
from shared.values.indexed import INDEXED_BYTES

PARTS = st.lists(st.text(alphabet=st.characters(blacklist_characters=";|%\uff05\ufe6a\u066a"), max_size=12), max_size=6)


def test_lists_are_separated_by_semicolons_or_bars() -> None:
    assert split_list(" Organic ; Sustainable|Premium ;; | ") == ["Organic", "Sustainable", "Premium"]


def test_commas_belong_to_the_name() -> None:
    assert split_list("Acme, Inc.; Zenith") == ["Acme, Inc.", "Zenith"]


def test_repeats_in_a_cell_are_kept_once_as_first_typed() -> None:
    assert read_names("Cotton; COTTON; wool;cotton ") == (Name("Cotton", "cotton"), Name("wool", "wool"))


def test_a_list_of_nothing_but_separators_is_blank() -> None:
    assert read_names(" ;|; ") == ()


@given(PARTS, st.sampled_from([";", "|", " ; ", "| "]))
def test_every_part_that_says_something_is_in_the_list_once_and_nothing_else_is(
    parts: list[str], separator: str
) -> None:
    names = read_names(separator.join(parts))
    assert isinstance(names, tuple)
    assert [name.key for name in names] == list(dict.fromkeys(name_key(part) for part in parts if part.strip(BLANKS)))
    assert all(name.text in [part.strip(BLANKS) for part in parts] for name in names)


@given(PARTS)
def test_reading_a_list_again_from_its_own_names_changes_nothing(parts: list[str]) -> None:
    names = read_names(";".join(parts))
    assert isinstance(names, tuple)
    assert read_names("; ".join(name.text for name in names)) == names


def test_a_name_the_index_cannot_keep_is_refused_with_the_limit() -> None:
    error = read_name("\u00e9" * INDEXED_BYTES)
    assert isinstance(error, CellError)
    assert error.code == "invalid_cell"
    assert "5,000 bytes, at most 2,500" in error.message
    assert not isinstance(read_name("e" * INDEXED_BYTES), CellError)


@pytest.mark.parametrize("text", ["summer, linen, men", "summer\nlinen", "\u7dbf\u3001\u9ebb", "Acme, Inc."])
def test_a_list_without_separators_is_one_name_and_looks_like_more(text: str) -> None:
    assert read_names(text) == (Name(text, name_key(text)),)
    assert looks_like_list(text)


@pytest.mark.parametrize("text", ["summer; linen, men", "summer", "a|b,c", " summer\n"])
def test_what_is_separated_or_single_looks_like_what_it_is(text: str) -> None:
    assert not looks_like_list(text)


@pytest.mark.parametrize("text", ["80% Cotton, 20% Elastane", "Cotton 80 %\nElastane 20 %", "vegan, 100\uff05 wool"])
def test_percentages_between_commas_are_no_name(text: str) -> None:
    error = read_names(text)
    assert isinstance(error, CellError)
    assert error.code == "invalid_list"
