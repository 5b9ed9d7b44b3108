from collections.abc import Mapping

import pytest

from services.validator.rows import RawRow, ReadRow, RowReader, Value
from shared.entities import PRODUCTS
from shared.entities.cells import Cell
from shared.entities.columns import Columns

CODES = (
    "handle",
    "barcode",
    "sku",
    "title",
    "attribute_value_1",
    "season",
    "tags",
    "weight_g",
    "percentages",
    "image_url",
)


def read(**cells: Cell) -> ReadRow:
    fields = {code: place for place, code in enumerate(CODES)}
    columns = Columns(PRODUCTS, [PRODUCTS.by_code[code].heading for code in CODES], fields)
    return RowReader(columns).read(RawRow(2, 2, [cells.get(code) for code in CODES]))


def said(code: str, cell: Cell) -> Value | None:
    row = read(**{code: cell})
    assert not row.unreadable, row.unreadable
    return row.values.get(code)


def error(code: str, cell: Cell) -> tuple[str, str]:
    row = read(**{code: cell})
    assert code not in row.values
    return row.unreadable[code].code, row.unreadable[code].message


@pytest.mark.parametrize(("number", "code", "meant"), [(0.8, "0%", 80), (1, "0%", 100), (0.333, "0.0%", 33.3)])
def test_a_percentage_that_is_shown_is_what_a_percentage_field_means(number: float, code: str, meant: float) -> None:
    assert said("percentages", {"number": number, "as": code}) == meant


@pytest.mark.parametrize("code", ["0%", "0.00%", "#,##0 %"])
def test_a_percentage_is_no_number_of_another_field(code: str) -> None:
    assert error("weight_g", {"number": 0.8, "as": code})[0] == "invalid_number"


@pytest.mark.parametrize("code", ["#,##0.00", "0.00", "0000", '0" g"', "[$€-407] 0.00", "# ?/?"])
def test_a_number_field_takes_the_number_under_a_mask(code: str) -> None:
    assert said("weight_g", {"number": 250.5, "as": code}) == 250.5


@pytest.mark.parametrize("code", ['0.0" kg"', "0.0,", '0.0," t"', "[h]:mm", "yyyy-mm-dd"])
def test_a_number_that_is_shown_as_another_one_or_in_another_unit_is_refused(code: str) -> None:
    assert error("weight_g", {"number": 250.5, "as": code})[0] in {"invalid_number", "invalid_cell"}


@pytest.mark.parametrize(
    ("field", "cell", "meant"),
    [
        ("barcode", {"number": 12345678905, "as": "0000000000000"}, "0012345678905"),
        ("sku", {"number": 42, "as": "000000"}, "000042"),
        ("sku", {"number": 42, "as": "0.00"}, "42.00"),
        ("handle", {"number": 7, "as": '"tee-"000'}, "tee-007"),
        ("attribute_value_1", {"number": 6, "as": "00"}, "06"),
        ("title", {"number": 0.8, "as": "0%"}, "80%"),
    ],
)
def test_a_number_under_a_mask_is_the_text_that_is_shown(
    field: str, cell: Mapping[str, str | int | float], meant: str
) -> None:
    assert said(field, cell) == meant


@pytest.mark.parametrize("field", ["handle", "barcode", "sku"])
@pytest.mark.parametrize(
    "cell",
    [
        1e15,
        1.986e17,
        0.1234567890123456,
        "1.986E+17",
        "4,00638E+12",
        "4E+12",
        "115243746.0",
        "115243746,0",
        {"number": 4006381333931, "as": "0.00E+00"},
        {"number": 4006381333931, "as": "#,##0"},
        {"number": 0.8, "as": "0%"},
        {"number": 1e16, "as": "0"},
    ],
)
def test_an_identifier_keeps_every_digit_or_is_refused(field: str, cell: Cell) -> None:
    code, message = error(field, cell)
    assert code == f"invalid_{field}"
    assert "format the column as text" in message


@pytest.mark.parametrize("text", ["115243746", "4006381333931", "SKU-1", "1E5", "12.5", "v1.0", "00123", "9" * 30])
def test_an_identifier_that_is_text_is_kept_as_it_is(text: str) -> None:
    assert said("sku", text) == text


@pytest.mark.parametrize("field", ["handle", "barcode", "sku", "attribute_value_1", "season", "tags"])
@pytest.mark.parametrize(
    "cell", [{"date": "2025-06-08", "as": "d-mmm"}, {"date": "2025-06-08"}, {"time": "10:00:00", "as": "h:mm"}]
)
def test_a_date_where_none_belongs_is_a_reason(field: str, cell: Mapping[str, str | int | float]) -> None:
    _, message = error(field, cell)
    assert "Excel made a date of this; format the column as text and type it again" in message


@pytest.mark.parametrize("field", ["handle", "barcode", "sku"])
def test_hours_that_have_passed_are_no_identifier(field: str) -> None:
    assert "Excel made a date of this" in error(field, {"number": 12, "as": "[h]:mm"})[1]


def test_a_date_in_free_text_is_what_was_seen() -> None:
    assert said("title", {"date": "2025-06-08", "as": "d-mmm"}) == "8-Jun"


def test_a_number_in_a_format_nobody_knows_is_a_reason_in_text() -> None:
    assert error("season", {"number": 0.5, "as": "# ?/?"})[0] == "invalid_cell"


@pytest.mark.parametrize("field", ["sku", "weight_g", "title", "season"])
@pytest.mark.parametrize("code", [";;;", "0;-0;;@", "[=7];General"])
def test_a_number_that_its_format_hides_is_no_value_of_anybody(field: str, code: str) -> None:
    hidden = {"number": 7 if code != "0;-0;;@" else 0, "as": code}
    if hidden["number"]:
        assert "looks blank and holds 7" in error(field, hidden)[1]
    else:
        assert said(field, hidden) is None


def test_a_hyperlink_is_its_text_and_in_an_address_where_it_leads() -> None:
    cell = {"text": "Shop", "link": "https://brand.com/a.png"}
    assert said("image_url", cell) == "https://brand.com/a.png"
    assert said("season", cell) == "Shop"
