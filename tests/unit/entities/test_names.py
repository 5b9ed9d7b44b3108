import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.entities.cells import cell_text, is_blank, is_error, is_mangled_number
from shared.entities.names import column_letter, heading_key, name_key


def test_names_that_differ_in_case_surrounding_space_or_unicode_form_are_one() -> None:
    assert name_key("  Organic COTTON ") == name_key("organic cotton")
    assert name_key("Caf\u00e9") == name_key("Cafe\u0301")
    assert name_key("Wei\u00df") == name_key("WEISS")


def test_what_nobody_can_see_makes_no_two_names() -> None:
    assert name_key("Organic\u00a0Cotton\u200b") == name_key("\ufeffOrganic Cotton")


def test_names_that_differ_inside_are_two() -> None:
    assert name_key("Organic  Cotton") != name_key("Organic Cotton")


def test_case_spaces_and_joining_marks_do_not_count_in_headings() -> None:
    assert heading_key("Dyeing / Printing") == heading_key("dyeing_PRINTING") == "dyeingprinting"
    assert heading_key("Eco\u2011claims\u00a0") == heading_key("eco claims")
    assert heading_key("\ufeffProduct Title") == heading_key("product-title")


def test_columns_are_lettered_as_spreadsheets_do() -> None:
    assert [column_letter(index) for index in (0, 25, 26, 28, 701, 702)] == ["A", "Z", "AA", "AC", "ZZ", "AAA"]


def test_a_cell_reads_as_a_person_sees_it() -> None:
    cells = [None, " text ", 115243746, 6.55, 1e-7, 1e22, -0.0, True, {"date": "2026-01-31"}, {"time": "10:00:00"}]
    assert [cell_text(cell) for cell in cells] == [
        "",
        " text ",
        "115243746",
        "6.55",
        "0.0000001",
        "10000000000000000000000",
        "0",
        "true",
        "2026-01-31",
        "10:00:00",
    ]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_the_text_of_a_number_is_the_number_without_an_exponent(number: float) -> None:
    text = cell_text(number)
    assert float(text) == number
    assert "e" not in text.lower()


def test_zero_and_false_are_values_and_white_space_is_blank() -> None:
    assert not is_blank("0")
    assert not is_blank(0)
    assert not is_blank(False)
    assert is_blank(None)
    assert is_blank(" \t\n\u00a0\u200b")


def test_a_text_equal_to_a_spreadsheet_error_is_an_error() -> None:
    assert is_error("#REF!")
    assert is_error("#N/A ")
    assert not is_error("#REF! see above")
    assert not is_error("#1 seller")
    assert is_error("#WERT!")
    assert is_error("Err:509")
    assert not is_error("Error")


@pytest.mark.parametrize(
    ("text", "mangled"),
    [("115243746.0", True), ("4.00638E+12", True), ("4,00638E+12", True), ("4006381333931", False), ("12AB", False)],
)
def test_a_number_a_program_has_made_of_a_barcode_is_known(text: str, mangled: bool) -> None:
    assert is_mangled_number(text) is mangled
