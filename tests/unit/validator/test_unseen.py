"""What nobody sees is taken out, and counted."""

import pytest

from services.validator.rows import RawRow, RowReader
from shared.entities import PRODUCTS
from shared.entities.columns import Columns

HEADINGS = ["Name", "Handle", "SKU", "Text", "Tags"]
FIELDS = {"title": 0, "handle": 1, "sku": 2, "description": 3, "tags": 4}


def reader() -> RowReader:
    return RowReader(Columns(PRODUCTS, HEADINGS, FIELDS))


@pytest.mark.parametrize("sku", ["T\u200b-1", "T-1\u200b", "\u00adT-1", "\ufeffT-1 ", "T-1\u200e\u00a0"])
def test_a_notice_counts_the_rows_in_which_something_was_taken_out(sku: str) -> None:
    reading = reader()
    rows: list[list[str | None]] = [
        ["Tee", "tee", "T-0"],
        ["Tee", None, sku],
        [" T\u00e9e ", None, sku],
        ["Tee", None, " T-9\u00a0"],
    ]
    read = [reading.read(RawRow(number, 2, cells)) for number, cells in enumerate(rows, start=2)]
    assert [row.text("sku") for row in read] == ["T-0", "T-1", "T-1", "T-9"]
    (notice,) = reading.notices()
    assert (notice.code, notice.column, notice.row, notice.count) == ("invisible_characters", "SKU", 3, 2)


def test_free_text_keeps_what_its_writer_put_into_it() -> None:
    reading = reader()
    text = "Prix\u00a0: 10\u00a0\u20ac, ver\u00adschie\u00adden"
    assert reading.read(RawRow(2, 2, ["Tee", "tee", "T-1", text])).text("description") == text
    assert reading.notices() == []


@pytest.mark.parametrize(
    "name",
    ["\U0001f468\u200d\U0001f469\u200d\U0001f467", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u2764\ufe0f"],
)
def test_what_shapes_script_and_emoji_stays_in_a_name(name: str) -> None:
    reading = reader()
    assert reading.read(RawRow(2, 2, [name, "tee", "T-1"])).text("title") == name
    assert reading.notices() == []


def test_a_value_of_which_nothing_is_seen_is_none() -> None:
    row = reader().read(RawRow(2, 2, ["\u3164\u200b", "\u00ad", "T-1"]))
    assert not row.says("title")
    assert not row.says("handle")
