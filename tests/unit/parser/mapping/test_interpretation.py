"""What a row says under a mapping."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.parser.mapping.chunks import Chunk, ChunkCutter, ChunkSizes
from services.parser.mapping.interpretation import Interpretation, KeyedRow, data_keys, key_fields
from services.parser.mapping.left_out import Aside
from shared.entities import PRODUCTS
from shared.entities.cells import is_blank, read_cells
from shared.entities.declaration import EntityType, Field, Identifier, Kind

FIELDS = {"title": 0, "handle": 1, "barcode": 3, "sku": 4}


def interpretation(**fields: int) -> Interpretation:
    return Interpretation(PRODUCTS, fields or FIELDS, heading_row=2, examples=[3])


def test_the_keys_of_a_row_are_those_the_declaration_identifies_it_by() -> None:
    assert key_fields(PRODUCTS) == ("handle", "barcode", "sku")
    assert interpretation().keys(4, ["Tee", " tee ", "?", 4006381333931.0, None]) == ("tee", "4006381333931", "")


def test_titles_headings_and_the_example_are_no_data_whatever_they_say() -> None:
    cells = ["Tee", "tee", None, "4006381333931", "T-1"]
    assert [interpretation().keys(row, cells) for row in (1, 2, 3)] == [Aside.TITLE] * 3
    assert interpretation().keys(4, cells) == ("tee", "4006381333931", "T-1")


def test_a_row_with_text_in_columns_without_meaning_alone_is_no_data() -> None:
    assert interpretation().keys(9, [None, "", "a remark", " ", None, "another"]) is Aside.BESIDE


def test_a_row_that_says_something_in_any_mapped_column_is_data() -> None:
    assert interpretation().keys(9, ["only a title"]) == ("", "", "")


def test_a_row_shorter_than_the_mapping_has_no_keys_there() -> None:
    assert interpretation().keys(9, ["Tee", "tee"]) == ("tee", "", "")


def test_what_cannot_be_stored_is_replaced_in_a_key() -> None:
    assert interpretation().keys(9, ["x", "t\ud800e\x00e"]) == ("t\ufffde\ufffde", "", "")


WIDE = {"title": 0, "handle": 1, "sku": 2, "status": 3, "season": 4, "attribute_1": 5, "attribute_value_1": 6}
WIDE_HEADINGS = ["Name", "Handle", "My own SKU", "Status", "Season", "Attribute 1", "Attribute 1 value"]


def wide() -> Interpretation:
    return Interpretation(PRODUCTS, WIDE, heading_row=1, headings=WIDE_HEADINGS)


@pytest.mark.parametrize(
    "cells",
    [
        WIDE_HEADINGS,
        ["name", "HANDLE *", "my-own sku"],
        ["Product Title", "Product Handle", None, "Status"],
        [None, None, "My own SKU", "Status"],
        ["Product", None, None, "Publishing", "Organization"],
        ["Product", None, "Variants", "Publishing"],
    ],
)
def test_the_headings_again_are_no_data(cells: list[Any]) -> None:
    assert wide().keys(40, cells) is Aside.HEADINGS


@pytest.mark.parametrize(
    "cells", [["Name", "name", "N-1"], ["Status", None, None, None], ["SKU", None, "T-1"], [None, "Handle", 7]]
)
def test_a_row_that_says_a_heading_among_other_things_is_data(cells: list[Any]) -> None:
    assert isinstance(wide().keys(40, cells), tuple)


@pytest.mark.parametrize(
    "cells",
    [
        [None, None, None, "unpublished"],
        [None, " ", None, "published", "SS26"],
        [None, None, None, None, None, "Size"],
        ["\u00ad", None, "\u200b", None, None, "Size", " "],
    ],
)
def test_a_row_that_says_nothing_by_itself_is_no_data(cells: list[Any]) -> None:
    assert wide().keys(9, cells) is Aside.NOTHING


@pytest.mark.parametrize(
    "cells",
    [
        [None, "tee", None, "published"],
        [None, None, "T-1", "published"],
        ["Total"],
        [None, None, None, None, None, None, "M"],
        [None, None, None, None, None, "Size", "M"],
    ],
)
def test_a_row_that_says_what_counts_is_data(cells: list[Any]) -> None:
    assert isinstance(wide().keys(9, cells), tuple)


def test_where_rows_stand_alone_one_filled_down_with_the_default_says_nothing() -> None:
    code = Field(code="code", heading="Code", kind=Kind.KEY, section="", about="")
    kind = Field(code="kind", heading="Kind", kind=Kind.CHOICE, section="", about="", choices=("Shop", "Store"))
    shops = EntityType(
        "shops", "flat", "Shops", "shop", (code, kind), ("create",), identifiers=(Identifier("code", "Code"),)
    )
    by = Interpretation(shops, {"code": 0, "kind": 1}, heading_row=1)
    assert by.keys(2, [None, "shop"]) is Aside.NOTHING
    assert by.keys(2, [None, "Store"]) == ("",)
    assert by.keys(2, ["S-1", "Shop"]) == ("S-1",)


@pytest.mark.parametrize("spelling", ["T\u200b-1", "\u00adT-1", "T-1\u200e", "\ufeffT\u2060-1\u00a0"])
def test_what_nobody_sees_is_no_part_of_a_key(spelling: str) -> None:
    assert wide().keys(9, [None, None, spelling]) == ("", "", "T-1")


CELLS = st.one_of(
    st.none(), st.sampled_from(["", " ", "a", "b", "A-1", "4006381333931"]), st.integers(1, 3), st.just(4.5)
)
ROWS = st.lists(st.lists(CELLS, max_size=6), max_size=30)
MAPPINGS = st.permutations(range(6)).map(
    lambda columns: dict(zip(("title", "handle", "barcode", "sku"), columns, strict=False))
)


def cut(rows: list[KeyedRow]) -> list[Chunk]:
    cutter = ChunkCutter(PRODUCTS, ChunkSizes(first_rows=2, rows=4))
    chunks = [chunk for row in rows for taken in cutter.add(row) for chunk in taken]
    return [*chunks, *cutter.finish()]


def shape(chunks: list[Chunk]) -> list[Any]:
    return [([(row.row, row.group_row) for row in chunk.rows], chunk.duplicates, chunk.is_last) for chunk in chunks]


@given(ROWS, MAPPINGS)
def test_rows_that_were_staged_are_cut_as_they_would_have_been_while_they_were_read(
    rows: list[list[Any]], fields: dict[str, int]
) -> None:
    """The law of a changed mapping: from cells as the ledger keeps them comes what comes from cells as they are read."""
    by = Interpretation(PRODUCTS, fields, heading_row=1)
    saying = [(number, cells) for number, cells in enumerate(rows, start=1) if not all(map(is_blank, cells))]
    read = [KeyedRow(number, data_keys(by.keys(number, cells)), json.dumps(cells)) for number, cells in saying]
    staged = [KeyedRow(row.row, data_keys(by.keys(row.row, read_cells(row.cells))), row.cells) for row in read]
    assert staged == read
    assert shape(cut(staged)) == shape(cut(read))
    data = [row.row for row in read if row.keys is not None]
    assert [row.row for chunk in cut(read) for row in chunk.rows] == data
