from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.entities.declaration import Decimals
from shared.entities.errors import CellError
from shared.values.numbers import digits_after_point, read_decimal

WEIGHT = Decimals(precision=10, scale=2)
CARBON = Decimals(precision=12, scale=4)


def refusal(value: str | float, kept: Decimals = WEIGHT) -> str:
    error = read_decimal(value, kept)
    assert isinstance(error, CellError), error
    assert error.code == "invalid_number"
    return error.message


@pytest.mark.parametrize(
    ("value", "number"),
    [("230", "230"), ("0", "0"), ("6.55", "6.55"), (".5", "0.5"), ("+7", "7"), ("007", "7"), ("1.500", "1.5")],
)
def test_plain_figures_are_numbers(value: str, number: str) -> None:
    assert read_decimal(value, WEIGHT) == Decimal(number)


@pytest.mark.parametrize(("value", "number"), [(230, "230"), (6.55, "6.55"), (0.1 + 0.2, "0.3"), (0, "0")])
def test_number_cells_count_as_the_spreadsheet_shows_them(value: float, number: str) -> None:
    assert read_decimal(value, WEIGHT) == Decimal(number)


@pytest.mark.parametrize(
    "value", ["12abc", "1,5", "1_000", "1 000", "NaN", "inf", "-inf", "230 g", "1.2.3", "٣", "0x10", "true", "--1", "."]
)
def test_anything_else_is_not_a_number(value: str) -> None:
    assert refusal(value) == f'"{value}" is not a number; use a point for decimals'


@pytest.mark.parametrize("value", ["1e3", "1.5E+03", "2e-7"])
def test_exponents_are_to_be_written_out(value: str) -> None:
    assert "exponent" in refusal(value)


@pytest.mark.parametrize("value", ["-1", "-0.01", -5, -2.5])
def test_negative_numbers_are_refused(value: str | float) -> None:
    assert "is negative" in refusal(value)


def test_minus_nothing_is_nothing() -> None:
    zero = read_decimal("-0", WEIGHT)
    assert zero == 0
    assert not str(zero).startswith("-")


def test_numbers_the_column_cannot_hold_are_refused_with_the_limit() -> None:
    assert read_decimal("99999999.99", WEIGHT) == Decimal("99999999.99")
    assert refusal("100000000") == '"100000000" is too large; at most 8 digits before the point are kept'
    assert "too large" in refusal(1e300)
    assert "too large" in refusal("9" * 5000)


def test_decimals_the_column_would_drop_are_refused_instead_of_rounded() -> None:
    assert refusal("1.23456", CARBON) == '"1.23456" has 5 decimals, but 4 are kept; round it as you want'
    assert "7 decimals" in refusal(1e-7, CARBON)
    assert "31 decimals" in refusal("1.0000000000000000000000000000001", CARBON)


@given(st.decimals(min_value=0, max_value="99999999.99", places=2, allow_nan=False))
def test_every_number_the_column_can_hold_is_read_as_it_is(number: Decimal) -> None:
    assert read_decimal(f"{number:f}", WEIGHT) == number


@given(st.integers(min_value=0, max_value=99_999_999), st.integers(min_value=0, max_value=99))
def test_a_number_cell_and_its_text_are_the_same_number(whole: int, cents: int) -> None:
    text = f"{whole}.{cents:02d}"
    assert read_decimal(float(text), WEIGHT) == read_decimal(text, WEIGHT) == Decimal(text)


@given(st.text(max_size=20))
def test_whatever_the_text_there_is_a_number_that_fits_or_a_reason(text: str) -> None:
    outcome = read_decimal(text, CARBON)
    if isinstance(outcome, CellError):
        assert outcome.message.isprintable()
    else:
        assert 0 <= outcome < 10**8
        assert digits_after_point(outcome) <= CARBON.scale
