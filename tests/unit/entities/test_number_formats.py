import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.entities.format_codes import is_plain, number_format
from shared.entities.number_formats import plain_decimal, shown_date, shown_number


@pytest.mark.parametrize(
    ("number", "code", "seen"),
    [
        (0.8, "0%", "80%"),
        (0.125, "0.0%", "12.5%"),
        (42, "000000", "000042"),
        (12345678905, "0000000000000", "0012345678905"),
        (1.5, "0.00", "1.50"),
        (2.675, "0.00", "2.68"),
        (1234567.891, "#,##0.00", "1,234,567.89"),
        (7, "#,##0", "7"),
        (-5, "0.00_);(0.00)", "(5.00)"),
        (-5, "0.00", "-5.00"),
        (250, '0" g"', "250 g"),
        (42, '"SKU-"0000', "SKU-0042"),
        (42, r"\S\-0000", "S-0042"),
        (5551234, "[<=9999999]###-####;(###) ###-####", "555-1234"),
        (2125551234, "[<=9999999]###-####;(###) ###-####", "(212) 555-1234"),
        (1500000, '0.0,,"M"', "1.5M"),
        (1500, "0,", "2"),
        (1234567890128, "0-000000-000000", "1-234567-890128"),
        (12.5, "[$€-407] #,##0.00", "€ 12.50"),
        (12.345, "0.##", "12.35"),
        (12, "0.0#", "12.0"),
        (0, '0;-0;"none"', "none"),
        (0, "#", ""),
        (4006381333931, "0.00E+00", "4.01E+12"),
        (9.999, "0.0E+00", "1.0E+01"),
        (3, 'General" pcs"', "3 pcs"),
        (1.25, "[h]:mm", "30:00"),
        (1.25, "[mm]:ss", "1800:00"),
        (-0.5, "[h]:mm", "-12:00"),
        (1234567, '_-* #,##0.00_-;-* #,##0.00_-;_-* "-"??_-;_-@_-', "1,234,567.00"),
        (5, "[Red]0.0", "5.0"),
    ],
)  # fmt: skip
def test_a_number_is_shown_as_a_spreadsheet_shows_it(number: float, code: str, seen: str) -> None:
    assert shown_number(number, code) == seen


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (0.5, "# ?/?"),
        (1, "[DBNum1]0"),
        (1e300, "[h]:mm"),
        (5, "yyyy-mm-dd"),
        (1e200, "0.00"),
        (1, "0" * 300),
        (1, "[>5]0"),
    ],
)
def test_what_a_format_that_is_not_understood_shows_is_not_known(number: float, code: str) -> None:
    assert shown_number(number, code) is None


@pytest.mark.parametrize(
    ("date", "code", "seen"),
    [
        ("2025-06-08", "d-mmm", "8-Jun"),
        ("2025-06-08", r"d\-mmm\-yyyy", "8-Jun-2025"),
        ("2025-03-01", "mmm-yy", "Mar-25"),
        ("2025-06-08", "[$-409]dddd, mmmm dd, yyyy", "Sunday, June 08, 2025"),
        ("2025-06-08T10:05:07", "dd.mm.yyyy hh:mm:ss", "08.06.2025 10:05:07"),
        ("2025-06-08T10:05:07", "mm:ss", "05:07"),
        ("2025-06-08", 'yyyy"年"m"月"d"日"', "2025年6月8日"),
        ("13:05:00", "h:mm AM/PM", "1:05 PM"),
        ("00:05:00", "h:mm AM/PM", "12:05 AM"),
        ("2025-06-08T10:05:07.120", "s.00", "7.12"),
        ("2025-06-08", "mm-dd-yy", "2025-06-08"),
        ("2025-06-08", "[$-F800]dddd", "2025-06-08"),
        ("2025-06-08", "ggge", "2025-06-08"),
        ("10:00:00", "yyyy-mm-dd", "10:00:00"),
        ("2025-06-08", None, "2025-06-08"),
    ],
)
def test_a_date_is_shown_as_a_spreadsheet_shows_it_and_as_iso_where_that_is_not_known(
    date: str, code: str | None, seen: str
) -> None:
    assert shown_date(date, code) == seen


@pytest.mark.parametrize("code", ["General", "@", "", "GENERAL"])
def test_plain_formats_change_nothing(code: str) -> None:
    assert is_plain(code)
    assert shown_number(1.5, code) == "1.5"


def test_a_format_knows_what_it_makes_of_a_number() -> None:
    assert number_format("0.0%").is_percentage
    assert number_format("d-mmm").is_date
    assert number_format("[h]:mm").is_duration
    assert not number_format("[h]:mm").is_date
    assert number_format('0.0,"k"').is_scaled
    assert number_format('#,##0.00" kg"').units == "kg"
    assert number_format('#,##0.00 "€"').units == ""


@given(
    st.one_of(st.integers(-(10**15), 10**15), st.floats(allow_nan=False, allow_infinity=False)),
    st.one_of(st.text(max_size=30), st.text('0#?.,%;"[]hms-+E/ _*@\\yd', max_size=60)),
)
def test_no_format_is_too_odd_to_be_looked_at(number: float, code: str) -> None:
    assert shown_number(number, code) is None or isinstance(shown_number(number, code), str)
    assert isinstance(shown_date("2025-06-08", code), str)


@given(st.integers(0, 10**14), st.integers(1, 20))
def test_a_mask_of_zeros_shows_the_number_and_zeros_before_it(number: int, places: int) -> None:
    assert shown_number(number, "0" * places) == str(number).zfill(places)


@given(st.integers(-(10**14), 10**14), st.integers(1, 6))
def test_decimals_are_shown_as_many_as_the_format_says(number: int, decimals: int) -> None:
    assert shown_number(number, "0." + "0" * decimals) == f"{plain_decimal(number)}.{'0' * decimals}"
