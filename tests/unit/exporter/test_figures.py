"""A number of a workbook is the same number when a CSV of it comes again, or is refused as it was."""

import pytest

from services.exporter.figures import figure
from shared.entities.cells import Cell
from shared.entities.decimals import ColumnSign, Misread, Sign, read

POINT, COMMA = ColumnSign(Sign.POINT, decided=True), ColumnSign(Sign.COMMA, decided=True)
ASKED = ColumnSign(contested=True)


def shown(cell: Cell, sign: ColumnSign = POINT, *, is_percentages: bool = False, is_good: bool = True) -> str | None:
    return figure(cell, sign, is_percentages=is_percentages, is_good=is_good)


@pytest.mark.parametrize("sign", [POINT, COMMA, ASKED, ColumnSign(Sign.COMMA, decided=True, contested=True)])
@pytest.mark.parametrize("number", [0, 7, 1250, 12.5, 1.125, 0.125, -3, -1.125, 1234.567, 1e-7])
def test_a_number_is_read_as_itself_whatever_the_sign_of_its_column(number: float, sign: ColumnSign) -> None:
    text = shown(number, sign)
    assert text is not None
    said = read(text, sign)
    assert not isinstance(said, Misread)
    assert float(said) == number


@pytest.mark.parametrize(("number", "code"), [(13.75, "0"), (1250, "#,##0"), (1.125, "0.000"), (250, '0" g"')])
def test_what_a_format_hides_of_a_number_is_kept(number: float, code: str) -> None:
    assert shown({"number": number, "as": code}, COMMA) == str(number).replace(".", ",")


def test_a_percentage_is_a_hundredfold_with_all_its_decimals() -> None:
    assert shown({"number": 0.595, "as": "0%"}, is_percentages=True) == "59.5%"
    assert shown({"number": 0.595, "as": "0%"}, COMMA, is_percentages=True) == "59,5%"
    assert shown(59.5, COMMA, is_percentages=True) == "59,5%"
    assert shown({"number": 0.8, "as": "0%"}) == "80%", "which no other field takes"


def test_what_a_format_makes_another_number_is_not_handed_back_as_a_number() -> None:
    assert shown({"number": 1250, "as": "0.0,"}) == "1.3 (1250)"
    assert shown({"number": 12, "as": '0" kg"'}, is_good=False) == "12 kg"


@pytest.mark.parametrize("cell", [None, True, "12,5", {"date": "2026-06-08", "as": "d-mmm"}])
def test_nothing_else_is_a_number(cell: Cell) -> None:
    assert shown(cell) is None
