from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.parser.mapping.headings import SEARCHED_ROWS
from services.parser.mapping.layout import Layout, find_layout
from services.parser.refusals import FileRefused
from shared.entities import PRODUCTS
from shared.entities.cells import Cell, cell_text
from shared.entities.declaration import Field

Rows = Sequence[Sequence[Cell]]

HEADINGS: tuple[str, ...] = PRODUCTS.headings
EXAMPLE = [field.example for field in PRODUCTS.fields]
SHORT = ("Product Title", "Product Handle", "SKU")


def group_titles() -> list[Cell]:
    """Row 1 of the template: each group's title above its first column."""
    titles: list[Cell] = []
    for field in PRODUCTS.fields:
        titles.append(None if field.section in titles else field.section)
    return titles


def template(*data: Sequence[Cell]) -> list[Sequence[Cell]]:
    return [group_titles(), HEADINGS, *data]


def product(handle: str | None, sku: str) -> list[Cell]:
    cells: dict[str, Cell] = {"title": handle and "Tee", "handle": handle, "sku": sku}
    return [cells.get(field.code) for field in PRODUCTS.fields]


def layout(rows: Rows, mode: str = "create") -> Layout:
    return find_layout(PRODUCTS, mode, rows, '"shirts.xlsx"')


def refusal(rows: Rows, mode: str = "create") -> FileRefused:
    with pytest.raises(FileRefused) as refused:
        layout(rows, mode)
    assert '"shirts.xlsx"' in refused.value.message
    return refused.value


@pytest.mark.parametrize("wanted", [2, 150])
def test_a_row_that_is_named_as_the_headings_and_says_nothing_is_refused_by_its_number(wanted: int) -> None:
    with pytest.raises(FileRefused) as refused:
        find_layout(PRODUCTS, "create", [SHORT, [], ["Tee", "tee", "T-1"]], '"shirts.xlsx"', wanted_row=wanted)
    assert refused.value.code == "no_headings"
    assert f"says nothing in row {wanted}, which was named as its row of headings" in refused.value.message


def test_headings_in_row_1_are_found() -> None:
    found = layout([SHORT, ["Tee", "tee", "T-1"]])
    assert (found.headings, found.heading_row, found.examples) == (SHORT, 1, frozenset())
    assert found.mapping.fields == {"title": 0, "handle": 1, "sku": 2}
    assert found.notices == ()


@given(st.integers(min_value=0, max_value=SEARCHED_ROWS - 1))
def test_headings_are_found_below_other_rows(above: int) -> None:
    rows: list[Sequence[Cell]] = [["Catalogue of 2026", None, 7]] * above
    assert layout([*rows, SHORT]).heading_row == above + 1


def test_headings_below_the_rows_that_are_searched_are_not_found() -> None:
    refused = refusal([*[["Catalogue"]] * SEARCHED_ROWS, SHORT])
    assert refused.code == "no_headings"
    assert f"within its first {SEARCHED_ROWS} rows" in refused.message


@given(st.permutations(HEADINGS))
def test_the_order_of_columns_means_nothing(headings: list[str]) -> None:
    found = layout([headings])
    assert {code: headings[index] for code, index in found.mapping.fields.items()} == {
        field.code: field.heading for field in PRODUCTS.fields
    }


@pytest.mark.parametrize(
    "headings",
    [
        ("title", "handle", "stock keeping unit"),
        ("PRODUCT_TITLE", "product-handle", " sku "),
        ("Product  Name", "Product/Handle", "EAN"),
        ("\ufeffProduct Title", "Product\u00a0Handle", "gtin"),
    ],
)
def test_headings_are_known_by_any_of_their_spellings(headings: tuple[str, ...]) -> None:
    assert set(layout([headings]).mapping.fields) <= {"title", "handle", "sku", "barcode"}
    assert len(layout([headings]).mapping.fields) == 3


def test_the_row_with_the_most_known_headings_is_the_headings() -> None:
    assert layout([["SKU", "list of"], SHORT, ["Tee", "tee", "T-1"]]).heading_row == 2


def test_of_two_rows_with_as_many_headings_the_first_is_the_headings() -> None:
    assert layout([SHORT, SHORT]).heading_row == 1


def test_the_template_has_titles_headings_an_example_and_data() -> None:
    found = layout(template(EXAMPLE, product("tee", "T-1"), product(None, "T-2")))
    assert found.heading_row == 2
    assert found.headings == HEADINGS
    assert found.examples == {3}
    (notice,) = found.notices
    assert notice["code"] == "example_row"
    assert notice["row"] == 3
    assert "Row 3 is the template's example" in notice["message"]


@pytest.mark.parametrize("code", [field.code for field in PRODUCTS.fields])
def test_an_example_that_was_typed_over_in_any_cell_is_data(code: str) -> None:
    typed_over = [f"{field.example} 2" if field.code == code else field.example for field in PRODUCTS.fields]
    found = layout(template(typed_over, product("tee", "T-1")))
    assert (found.examples, found.notices) == (frozenset(), ())


@pytest.mark.parametrize("below", [[product("tee", "T-1")], [product(None, "M-2")], []])
def test_where_the_example_was_deleted_the_first_product_is_data(below: Rows) -> None:
    found = layout(template(product("mine", "M-1"), *below))
    assert (found.examples, found.notices) == (frozenset(), ())


def test_the_example_is_found_below_blank_rows_and_in_another_writing() -> None:
    written = [cell.replace("\n", "\r\n ") if isinstance(cell, str) else cell for cell in EXAMPLE]
    assert layout(template([], [None, " "], written, product("tee", "T-1"))).examples == {5}
    as_text = [cell_text(cell) for cell in EXAMPLE]
    assert layout(template(as_text)).examples == {3}


def test_the_example_of_which_columns_were_deleted_is_still_the_example() -> None:
    found = layout([group_titles()[:-3], HEADINGS[:-3], EXAMPLE[:-3]])
    assert found.examples == {3}


def test_the_templates_own_example_is_never_data() -> None:
    assert layout(template(EXAMPLE, product(None, "T-2"))).examples == {3}


def test_a_template_of_which_the_example_was_removed_loses_no_row() -> None:
    assert layout(template([], product("tee", "T-1"))).examples == frozenset()
    assert layout(template()).examples == frozenset()


def test_in_another_layout_with_fewer_columns_what_the_example_says_is_data() -> None:
    assert layout([SHORT, ["Organic Cotton T-Shirt", "organic-cotton-tshirt", "SKU-OCT-001"]]).examples == frozenset()


def test_without_group_titles_the_example_is_known_by_all_its_cells() -> None:
    assert layout([HEADINGS, EXAMPLE]).examples == {2}


@pytest.mark.parametrize(
    ("headings", "asked"),
    [
        (("Title", "Handle", "Variant SKU"), '"Variant SKU": did you mean SKU?'),
        (("Title", "Handel", "SKU"), '"Handel": did you mean Product Handle?'),
        (("Produkt Title", "Handle", "SKU"), '"Produkt Title": did you mean Product Title?'),
        (("Title", "Handle", "Barcode (13 digits)"), '"Barcode (13 digits)": did you mean Barcode?'),
    ],
)
def test_a_refusal_for_missing_headings_names_the_nearest_of_the_file(headings: tuple[str, ...], asked: str) -> None:
    assert asked in refusal([headings]).message


def test_a_refusal_names_some_headings_of_a_file_with_very_many_and_long_ones() -> None:
    refused = refusal([("Tags", *(f"{number} {'x' * 500}" for number in range(150)))])
    assert "and 139 more" in refused.message
    assert len(refused.message) < 2_000


def test_ignored_columns_are_told_one_by_one_and_then_counted() -> None:
    told = layout([(*SHORT, *(f"{number} {'x' * 900}" for number in range(190)))]).notices
    assert len(told) == 21
    assert told[-1]["count"] == 170
    assert all(len(notice["message"]) < 200 and len(notice["column"]) <= 80 for notice in told)


def test_headings_of_more_text_than_can_be_handed_back_are_refused() -> None:
    assert refusal([(*SHORT, *("x" * 32_000 for _ in range(10)))]).code == "heading_too_long"


def test_columns_that_mean_the_same_are_refused_naming_both() -> None:
    refused = refusal([("Product Title", "Product Handle", "SKU", "Barcode", "EAN")])
    assert refused.code == "duplicate_headings"
    assert 'Columns D ("Barcode") and E ("EAN") both mean Barcode' in refused.message
    assert "remove or rename all but one" in refused.message


@given(st.sampled_from(PRODUCTS.fields), st.data())
def test_any_two_spellings_of_a_field_are_refused_naming_both(
    field: Field,
    data: st.DataObject,
) -> None:
    again = data.draw(st.sampled_from([field.heading.upper(), f" {field.heading} ", *field.aliases]))
    refused = refusal([(*HEADINGS, again)])
    assert refused.code == "duplicate_headings"
    assert f'("{field.heading}")' in refused.message
    assert f'("{again.strip()}")' in refused.message


@pytest.mark.parametrize(
    ("headings", "missing"),
    [
        (("Product Handle", "SKU"), ["Product Title"]),
        (("Product Title", "Barcode"), ["Product Handle"]),
        (("Product Title", "Product Handle"), ["Barcode or SKU"]),
        (("Tags",), ["Product Title", "Product Handle", "Barcode or SKU"]),
    ],
)
def test_missing_columns_are_refused_naming_them(headings: tuple[str, ...], missing: list[str]) -> None:
    refused = refusal([headings])
    assert refused.code == "missing_headings"
    assert ", ".join(missing) in refused.message
    assert f"The file has: {', '.join(headings)}. Start from the template" in refused.message


@pytest.mark.parametrize("rows", [[], [[]], [["a", 1, None]], [[None, True, 2.5]]])
def test_a_sheet_without_headings_is_refused_with_what_to_do(rows: Rows) -> None:
    refused = refusal(rows)
    assert refused.code == "no_headings"
    assert '"Product Title", "Product Handle"' in refused.message
    assert "into one row above the data" in refused.message


def test_a_blank_heading_between_others_is_called_by_its_number() -> None:
    found = layout([("Product Title", None, "Product Handle", " ", "SKU", None, "")])
    assert found.headings == ("Product Title", "Column_2", "Product Handle", "Column_4", "SKU")


def test_unknown_columns_are_told_and_do_not_harm() -> None:
    found = layout([(*SHORT, "Colour of the box")])
    assert found.mapping.fields == {"title": 0, "handle": 1, "sku": 2}
    (notice,) = found.notices
    assert notice["code"] == "unknown_column"
    assert 'Column D ("Colour of the box")' in notice["message"]


def test_headings_that_are_numbers_are_read_as_they_are_seen() -> None:
    assert layout([(*SHORT, 2026.0, {"date": "2026-01-31"})]).headings[3:] == ("2026", "2026-01-31")


CELLS = st.none() | st.text(max_size=12) | st.integers() | st.floats() | st.booleans() | st.sampled_from(HEADINGS)


@given(st.lists(st.lists(CELLS, max_size=8), max_size=30))
def test_whatever_the_rows_say_the_outcome_is_a_layout_or_a_refusal(rows: list[list[Cell]]) -> None:
    try:
        found = layout(rows)
    except FileRefused as refused:
        assert refused.code in {"no_headings", "missing_headings", "duplicate_headings"}
    else:
        assert 1 <= found.heading_row <= SEARCHED_ROWS
        for code, index in found.mapping.fields.items():
            assert cell_text(rows[found.heading_row - 1][index]).strip() == found.headings[index], code
