"""What holds of every file, whatever it says."""

from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.validator.products.changed import ChangedProduct
from services.validator.products.product import Product
from tests.unit.validator.products.shelves import Shelf, counts

NAMES = st.sampled_from(["a", "B", "c", "a; b", "B; a", "c; d; a"])
VALUES = {
    "title": st.sampled_from(["Tee", "Shirt"]),
    "description": st.sampled_from(["d", "e"]),
    "manufacturer": st.sampled_from(["Brand", "BRAND", "Maker"]),
    "status": st.sampled_from(["published", "Archived"]),
    "category": st.sampled_from(["Clothing", "clothing > jeans"]),
    "season": st.sampled_from(["SS26", "ss26", "NOS"]),
    "tags": NAMES,
    "carbon_kg": st.sampled_from([1, "1.0", 2]),
    "water_l": st.sampled_from([1, 2.5]),
    "eco_claims": NAMES,
    "weight_g": st.sampled_from([0, 5, "5.00"]),
    "materials": st.sampled_from(["a", "a; b", "B; a", "a:60; b:40", "a:50", "b:100"]),
    "weaving": NAMES,
    "stitching": NAMES,
    "attribute_1": st.sampled_from(["Size", "size", "Color"]),
}
CELLS = st.fixed_dictionaries({}, optional=VALUES)
SHEET = st.lists(st.lists(CELLS, min_size=1, max_size=3), min_size=1, max_size=3)
"""Products, and what their rows say."""


def sheet(products: list[list[dict[str, Any]]]) -> list[Mapping[str, Any]]:
    """The rows of products P0, P1 …, each with the SKU of its place."""
    rows: list[Mapping[str, Any]] = []
    for number, cells in enumerate(products):
        for place, said in enumerate(cells):
            row = {"handle": f"p{number}", "title": f"P{number}"} if place == 0 else {}
            value = {"attribute_value_1": "x"} if "attribute_1" in said else {}
            rows.append({**row, **said, **value, "sku": f"{number}-{place}"})
    return rows


@given(SHEET, SHEET, st.sampled_from(["enrich", "upsert"]), st.booleans())
def test_a_file_that_was_applied_changes_nothing_when_it_comes_again(
    there: list[list[dict[str, Any]]],
    given_: list[list[dict[str, Any]]],
    mode: str,
    clears: bool,
) -> None:
    shelf = Shelf()
    shelf.put(*sheet(there), mode="create")
    rows = sheet(given_)
    good = [isinstance(found, ChangedProduct | Product) for found in shelf.put(*rows, mode=mode, clears_blanks=clears)]
    again = shelf.decide(*rows, mode=mode, clears_blanks=clears)
    for was_good, found, (creates, updates, _) in zip(good, again.products, counts(again), strict=True):
        if was_good:
            assert isinstance(found, ChangedProduct)
            assert (creates, updates) == (0, 0)


@given(SHEET)
def test_what_was_created_changes_nothing_in_upsert_or_enrich(products: list[list[dict[str, Any]]]) -> None:
    shelf = Shelf()
    rows = sheet(products)
    shelf.put(*rows, mode="create")
    for mode in ("upsert", "enrich"):
        assert all((made, changed) == (0, 0) for made, changed, _ in counts(shelf.decide(*rows, mode=mode)))


@given(SHEET, SHEET, st.sampled_from(["enrich", "upsert"]))
def test_rows_are_made_or_changed_or_skipped_and_no_variant_is_touched_that_no_row_names(
    there: list[list[dict[str, Any]]], given_: list[list[dict[str, Any]]], mode: str
) -> None:
    shelf = Shelf()
    shelf.put(*sheet(there), mode="create")
    rows = sheet(given_)
    named = {row["sku"] for row in rows}
    before = {each.level.sku: each.level for each in shelf.variants if each.level.sku not in named}
    for found in shelf.put(*rows, mode=mode):
        if isinstance(found, ChangedProduct):
            assert len(found.added) + found.updates + found.skips == found.rows
            assert min(found.updates, found.skips) >= 0
    assert {each.level.sku: each.level for each in shelf.variants if each.level.sku not in named} == before
