from collections.abc import Mapping

import pytest

from services.validator.rows import RawRow, RowReader
from shared.corrections import marked, marked_date
from shared.entities import PRODUCTS
from shared.entities.cells import cell_text
from shared.entities.columns import Columns


def test_a_date_that_was_marked_is_refused_when_it_comes_again() -> None:
    said = marked({"date": "2026-06-08"}, "8-Jun")
    assert marked_date(said) == "8-Jun"
    row = RowReader(Columns(PRODUCTS, ["SKU"], {"sku": 0})).read(RawRow(2, 2, [said]))
    assert row.unreadable["sku"].message == (
        '"8-Jun": Excel made a date of this; format the column as text and type it again'
    )


def test_other_cells_are_marked_only_where_digits_may_be_lost() -> None:
    assert marked(4006381333931, "4006381333931") == "4006381333931"
    assert marked(198600000000000000, "198600000000000000") == "1.98600000000000E+17"
    assert marked(True, "true") == "true"
    assert marked_date("2026-06-08") is None


@pytest.mark.parametrize("number", [198600000000000000, 12345678901.23456, 0.1234567890123456, -4.00638133393112e18])
def test_a_number_that_has_lost_digits_is_refused_again_as_the_text_it_is_handed_back_as(number: float) -> None:
    reader = RowReader(Columns(PRODUCTS, ["SKU"], {"sku": 0}))
    sent = reader.read(RawRow(2, 2, [number]))
    again = reader.read(RawRow(2, 2, [marked(number, cell_text(number))]))
    assert sent.unreadable["sku"].code == again.unreadable["sku"].code == "invalid_sku"


@pytest.mark.parametrize("field", ["handle", "barcode", "sku"])
@pytest.mark.parametrize(
    "cell",
    [
        {"number": 0.8, "as": "0%"},
        {"number": 1234567, "as": "#,##0"},
        {"number": 1234567, "as": "0.00E+00"},
        {"number": 1.5, "as": "# ?/?"},
        {"number": 12.5, "as": "h:mm"},
        {"number": 12, "as": "[h]:mm"},
        {"number": 1e16, "as": "0"},
        {"time": "10:00:00", "as": "h:mm"},
    ],
)
def test_what_a_format_has_made_of_an_identifier_is_refused_again(
    field: str, cell: Mapping[str, str | int | float]
) -> None:
    reader = RowReader(Columns(PRODUCTS, [PRODUCTS.by_code[field].heading], {field: 0}))
    assert field in reader.read(RawRow(2, 2, [cell])).unreadable
    assert field in reader.read(RawRow(2, 2, [marked(cell, cell_text(cell))])).unreadable


def test_a_mask_is_what_is_seen_also_where_a_text_file_hands_it_back() -> None:
    assert marked({"number": 42, "as": "000000"}, "000042") == "000042"
