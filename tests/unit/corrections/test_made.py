from collections.abc import Mapping

import pytest

from services.validator.rows import RawRow, RowReader, Value
from shared.corrections import marked_date, written
from shared.entities import PRODUCTS
from shared.entities.cells import Cell, cell_text
from shared.entities.columns import Columns
from shared.entities.declaration import Kind
from shared.values.numbers import SPREADSHEET_DIGITS

MADE: list[Cell] = [
    4006381333931,
    198600000000000000,
    -4.00638133393112e18,
    12345678901.23456,
    0.1234567890123456,
    0.30000000000000004,
    {"date": "2026-06-08", "as": "d-mmm"},
    {"date": "2026-06-08", "as": "yyyy"},
    {"time": "10:00:00", "as": "h:mm"},
    {"number": 42, "as": "000000"},
    {"number": 12.345, "as": "0.00"},
    {"number": 0.125, "as": "0%"},
    {"number": 1234567, "as": "#,##0"},
    {"number": 1200000, "as": "0,"},
    {"number": 1234567, "as": "0.00E+00"},
    {"number": 1.5, "as": "# ?/?"},
    {"number": 12.5, "as": "h:mm"},
    {"number": 12, "as": "[h]:mm"},
    {"number": 250, "as": '0 "g"'},
    {"number": 250, "as": '0 "kg"'},
    {"number": 1e16, "as": "0"},
    {"text": "Shop", "link": "https://brand.example/a.png"},
    True,
]


def counted(value: Value) -> Value:
    return float(f"{value:.{SPREADSHEET_DIGITS}g}") if isinstance(value, float) else value


@pytest.mark.parametrize("cell", MADE, ids=str)
@pytest.mark.parametrize("field", PRODUCTS.by_code)
def test_a_cell_means_the_same_or_is_refused_again_when_a_text_file_hands_it_back(field: str, cell: Cell) -> None:
    declared = PRODUCTS.by_code[field]
    reader = RowReader(Columns(PRODUCTS, [declared.heading], {field: 0}))
    sent = reader.read(RawRow(2, 2, [cell]))
    text = written(cell, declared, names_record=field in PRODUCTS.names_record)
    again = reader.read(RawRow(2, 2, [text]))
    assert (field in again.unreadable) == (field in sent.unreadable), text
    if field in sent.values:
        # Of a number so many digits count as a spreadsheet shows.
        mine, theirs = (cell_text(counted(row.values[field])).removesuffix("%") for row in (sent, again))
        assert mine == theirs


def test_a_date_that_was_marked_is_refused_in_the_words_it_was_refused_in() -> None:
    said = written({"date": "2026-06-08", "as": "d-mmm"}, PRODUCTS.by_code["sku"], names_record=True)
    assert marked_date(said) == "8-Jun"
    row = RowReader(Columns(PRODUCTS, ["SKU"], {"sku": 0})).read(RawRow(2, 2, [said]))
    assert row.unreadable["sku"].message == (
        '"8-Jun": Excel made a date of this; format the column as text and type it again'
    )
    assert marked_date("2026-06-08") is None


def test_what_is_not_imported_is_written_as_it_is_seen() -> None:
    cell: Mapping[str, str | int | float] = {"number": 0.8, "as": "0%"}
    assert written(cell, None, names_record=False) == "80%"
    assert PRODUCTS.by_code["weight_g"].kind is Kind.DECIMAL
    assert written({"number": 12.345, "as": "0.0"}, PRODUCTS.by_code["weight_g"], names_record=False) == "12.345"
