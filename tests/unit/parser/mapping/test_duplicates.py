from hypothesis import given, settings
from hypothesis import strategies as st

from services.parser.mapping.duplicates import SeenKeys

KINDS = st.sampled_from(["handle", "barcode", "sku"])
VALUES = st.text(max_size=3) | st.integers(min_value=0, max_value=60).map(str)
CAPACITIES = st.sampled_from([4, 8, 64, 1 << 12])


@given(st.lists(st.tuples(KINDS, VALUES), max_size=200), CAPACITIES)
def test_seen_keys_agree_with_a_dictionary(keys: list[tuple[str, str]], capacity: int) -> None:
    seen = SeenKeys(capacity)
    model: dict[tuple[str, str], int] = {}
    for row, (kind, value) in enumerate(keys, start=1):
        assert seen.first_row(kind, value, row) == model.get((kind, value))
        model.setdefault((kind, value), row)


@settings(max_examples=10)
@given(st.integers(min_value=0, max_value=1 << 40), st.integers(min_value=1, max_value=3000))
def test_growing_forgets_nothing(start: int, count: int) -> None:
    seen = SeenKeys(capacity=4)
    values = [str(start + number) for number in range(count)]
    assert [seen.first_row("barcode", value, row) for row, value in enumerate(values, start=2)] == [None] * count
    assert [seen.first_row("barcode", value, 9999) for value in values] == list(range(2, count + 2))


def test_the_same_value_of_two_kinds_is_two_keys() -> None:
    seen = SeenKeys()
    assert seen.first_row("barcode", "12345678", 2) is None
    assert seen.first_row("sku", "12345678", 3) is None
    assert seen.first_row("barcode", "12345678", 4) == 2
    assert seen.first_row("sku", "12345678", 5) == 3


def test_keys_are_compared_with_their_case() -> None:
    seen = SeenKeys()
    assert seen.first_row("sku", "tee-1", 2) is None
    assert seen.first_row("sku", "TEE-1", 3) is None


def test_text_that_is_no_valid_unicode_is_a_key_as_well() -> None:
    seen = SeenKeys()
    assert seen.first_row("sku", "\ud800", 2) is None
    assert seen.first_row("sku", "\ud800", 3) == 2
