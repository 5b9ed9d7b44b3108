"""Every cell of the table "Modes" in products.md, and what is said of a row that cannot be matched."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from services.validator.outcomes import Duplicate
from services.validator.products.product import NO_FACTS, NO_PRESENTATION, FailedProduct, Product
from tests.unit.validator.products.sheets import product
from tests.unit.validator.products.shelves import ELSEWHERE, Shelf, changed, counts, errors_of

FULL: dict[str, Any] = {
    "description": "d",
    "image_url": "https://brand.com/x.png",
    "manufacturer": "Brand",
    "status": "published",
    "category": "Clothing > Jeans",
    "season": "SS26",
    "tags": "a; b",
    "carbon_kg": 6.55,
    "water_l": 10,
    "eco_claims": "Fair; Local",
    "weight_g": 230,
    "materials": "Cotton; Wool",
    "percentages": "80; 20",
    "weaving": "Mill",
    "dyeing_printing": "Vat; Tub",
    "attribute_1": "Size",
    "attribute_value_1": "S",
}
SECOND: dict[str, Any] = {"sku": "T-2", "barcode": "40000002", "attribute_1": "Size", "attribute_value_1": "M"}
CHANGING = pytest.mark.parametrize("mode", ["enrich", "upsert"])


def shelf(*more: dict[str, Any], **cells: Any) -> Shelf:
    """A shelf with the product `tee` of two variants, T-1 and T-2, and whatever else is given."""
    shelf = Shelf()
    shelf.put(product(**{**FULL, "barcode": "40000001", **cells}), SECOND, *more, mode="create")
    assert len(shelf.variants) >= 2
    return shelf


def cap(**cells: Any) -> dict[str, Any]:
    return {"title": "Cap", "handle": "cap", "sku": "C-1", "barcode": "50000001"} | cells


# Creates products and variants.


def test_upsert_creates_a_product_that_is_not_there() -> None:
    (made,) = Shelf().decide(product(), {"sku": "T-2"}).products
    assert isinstance(made, Product)
    assert len(made.variants) == 2


def test_a_product_that_upsert_would_make_has_to_have_a_title() -> None:
    assert errors_of(Shelf().decide(product(title=None))) == [
        (2, "Product Title", "required", "Product Title is required")
    ]


def test_upsert_needs_no_title_of_a_product_that_is_there() -> None:
    assert counts(shelf().decide(product(title=None))) == [(0, 0, 1)]


def test_upsert_adds_a_variant_behind_the_others() -> None:
    found = changed(shelf().decide(product(), {"sku": "T-3", "weight_g": 250, "materials": "wool;cotton"}))
    assert (found.updates, found.skips, found.first_position) == (0, 1, 2)
    (added,) = found.added
    assert (added.row, added.sku, added.facts.weight_g) == (3, "T-3", Decimal(250))
    assert added.facts.materials == (), "the materials are the product's own"


def test_variants_of_one_product_in_several_groups_of_a_chunk_have_places_of_their_own() -> None:
    there = shelf(cap())
    rows = [product(sku="T-3", barcode="3"), cap(), product(sku="T-4", barcode="4")]
    first, _, second = there.decide(*rows, wave=1).products
    assert (changed([first]).first_position, changed([second]).first_position) == (2, 3)


def test_a_variant_that_the_first_row_adds_has_nothing_of_its_own() -> None:
    there = shelf()
    found = changed(there.put(product(sku="T-9", weight_g=999, title="New")))
    (added,) = found.added
    assert (added.presentation, added.facts) == (NO_PRESENTATION, NO_FACTS)
    assert (found.updates, found.skips) == (0, 0), "the row makes a variant, whatever else it does"
    assert there.product().facts.weight_g == Decimal(999)


def test_enrich_creates_nothing() -> None:
    assert errors_of(shelf().decide(product(barcode=None, sku="T-3"), mode="enrich")) == [
        (2, "SKU", "not_found", 'No variant with SKU "T-3"')
    ]


# Finds the variant by barcode, else SKU.


def test_what_is_nobodys_is_named_by_each_identifier() -> None:
    assert errors_of(shelf().decide({"barcode": "9", "sku": "X"}, mode="enrich")) == [
        (2, "Barcode", "not_found", 'No variant with barcode "9"'),
        (2, "SKU", "not_found", 'No variant with SKU "X"'),
    ]


def test_a_row_with_no_identifier_at_all_is_asked_for_one() -> None:
    found = errors_of(shelf().decide({"handle": "tee", "weight_g": 1}, mode="enrich"))
    assert [error[:3] for error in found] == [(2, "Barcode", "required"), (2, "SKU", "required")]


@CHANGING
def test_barcode_and_sku_of_two_variants_are_a_conflict(mode: str) -> None:
    error = 'Barcode "40000001" and SKU "T-2" belong to different variants'
    rows = product(barcode="40000001", sku="T-2")
    assert errors_of(shelf().decide(rows, mode=mode)) == [
        (2, "Barcode", "conflict", error),
        (2, "SKU", "conflict", error),
    ]


def test_a_variant_of_another_product_than_the_rows_handle_is_a_conflict_in_enrich() -> None:
    assert errors_of(shelf(cap()).decide(product(barcode=None, sku="C-1"), mode="enrich")) == [
        (2, "SKU", "conflict", 'SKU "C-1" belongs to product "cap", not to "tee"')
    ]


def test_a_handle_that_nobody_has_is_a_conflict_for_the_variant_that_is_found() -> None:
    assert errors_of(shelf().decide(product(handle="tea"), mode="enrich")) == [
        (2, "SKU", "conflict", 'SKU "T-1" belongs to product "tee", not to "tea"')
    ]


def test_a_variant_of_another_product_already_exists_in_upsert() -> None:
    there = shelf(cap())
    expected = [(2, "Barcode", "already_exists", 'Barcode "50000001" belongs to product "cap"')]
    assert errors_of(there.decide(product(barcode="50000001", sku=None))) == expected
    assert errors_of(there.decide(product(handle="new", barcode="50000001", sku="N"))) == expected


@pytest.mark.parametrize(
    ("cells", "column", "message"),
    [
        (
            {"barcode": "40000001", "sku": "T-X"},
            "SKU",
            'The variant with barcode "40000001" has SKU "T-1", not "T-X"; mode enrich changes neither',
        ),
        (
            {"barcode": "9", "sku": "T-1"},
            "Barcode",
            'The variant with SKU "T-1" has barcode "40000001", not "9"; mode enrich changes neither',
        ),
    ],
)
def test_enrich_refuses_an_identifier_that_is_not_the_variants_own(
    cells: dict[str, Any], column: str, message: str
) -> None:
    assert errors_of(shelf().decide(product(**cells), mode="enrich")) == [(2, column, "conflict", message)]


def test_enrich_says_so_where_the_variant_has_none() -> None:
    there = Shelf()
    there.put(product(sku="T-1"), mode="create")
    assert errors_of(there.decide({"barcode": "9", "sku": "T-1"}, mode="enrich")) == [
        (2, "Barcode", "conflict", 'The variant with SKU "T-1" has no barcode, not "9"; mode enrich changes neither')
    ]


def test_upsert_fills_in_a_missing_identifier_and_changes_another_one() -> None:
    there = Shelf()
    there.put(product(sku="T-1"), mode="create")
    there.put(product(sku="T-1", barcode="1"))
    assert there.variant("T-1").barcode == "1"
    there.put(product(sku="T-9", barcode="1"))
    assert there.variant("T-9").barcode == "1"
    assert len(there.variants) == 1


@CHANGING
def test_two_rows_that_name_one_variant_by_different_identifiers_are_one_too_many(mode: str) -> None:
    there = shelf()
    rows = [product(barcode="40000001", sku=None), {"sku": "T-1", "weight_g": 5}]
    assert errors_of(there.decide(*rows, mode=mode)) == [
        (
            3,
            "SKU",
            "duplicate_in_file",
            'The variant with SKU "T-1" is the one of row 2 already; keep one of the two rows',
        )
    ]


def test_a_variant_that_an_earlier_row_of_the_file_has_written_is_not_written_again() -> None:
    there, this = shelf(), UUID(int=99)
    there.put({"barcode": "40000002", "weight_g": 5}, mode="enrich", import_id=this)
    found = errors_of(there.decide({"sku": "A"}, {"sku": "T-2", "weight_g": 6}, mode="enrich", import_id=this))
    assert found[1][2:] == (
        "duplicate_in_file",
        'The variant with SKU "T-2" is the one of row 2 already; keep one of the two rows',
    )


@CHANGING
def test_what_an_earlier_row_has_is_said_once(mode: str) -> None:
    there = shelf()
    found = errors_of(there.decide(product(), mode=mode, duplicates=[Duplicate(2, "sku", 1)]))
    assert [error[2] for error in found] == ["duplicate_in_file"]


# May change.


@CHANGING
def test_the_row_with_the_handle_says_the_product(mode: str) -> None:
    there = shelf()
    found = changed(
        there.put(
            product(
                title="Other",
                description="e",
                image_url="https://brand.com/y.png",
                manufacturer="Maker",
                status="archived",
                category="Clothing > Skirts",
                season="AW27",
                tags="c",
                weight_g=1,
            ),
            mode=mode,
        )
    )
    level = there.product()
    assert (level.presentation.title, level.presentation.description) == ("Other", "e")
    assert (level.status, level.category_id, level.facts.weight_g) == ("archived", 6, Decimal(1))
    assert level.manufacturer is not None
    assert level.season is not None
    assert (level.manufacturer.text, level.season.text) == ("Maker", "AW27")
    assert [tag.text for tag in level.tags] == ["c"]
    assert (found.updates, found.skips, found.variants, found.added) == (1, 0, (), ())


def test_enrich_leaves_attributes_as_they_are_and_says_so() -> None:
    rows = product(attribute_1="Size", attribute_value_1="XL"), {**SECOND, "weight_g": 1}
    there = shelf()
    checked = there.decide(*rows, mode="enrich")
    assert counts(checked) == [(0, 1, 1)]
    assert [(each.code, each.row, each.count) for each in checked.notices] == [("attributes_unchanged", 2, 1)]


def test_upsert_changes_and_adds_attributes_and_takes_none_away() -> None:
    there = shelf()
    there.put(product(attribute_1="size", attribute_value_1="XL", attribute_2="Color", attribute_value_2="Red"))
    there.put(product(attribute_1="Color", attribute_value_1="Blue"))
    assert [(name.text, value.text) for name, value in there.variant("T-1").attributes] == [
        ("Size", "XL"),
        ("Color", "Blue"),
    ]


# Blank cells.


@CHANGING
def test_a_blank_cell_keeps_what_is_there(mode: str) -> None:
    blank = dict.fromkeys(FULL)
    assert counts(shelf().decide(product(**blank), SECOND | {"weight_g": None}, mode=mode)) == [(0, 0, 2)]


@CHANGING
def test_a_blank_cell_clears_where_that_is_asked_for(mode: str) -> None:
    there = shelf()
    blank = dict.fromkeys(code for code in FULL if not code.startswith("attribute"))
    there.put(product(**blank, title=None), mode=mode, clears_blanks=True)
    level = there.product()
    assert level.facts == NO_FACTS
    assert (level.presentation.title, level.presentation.description, level.presentation.image_url) == (
        "Tee",
        None,
        None,
    )
    assert (level.manufacturer, level.category_id, level.season, level.tags) == (None, None, None, ())
    assert level.status == "unpublished"
    first = there.variant("T-1")
    assert (first.barcode, [value.text for _, value in first.attributes]) == ("40000001", ["S"])


def test_a_column_that_is_not_there_clears_nothing() -> None:
    assert counts(shelf().decide(product(), clears_blanks=True)) == [(0, 0, 1)]


def test_a_blank_cell_of_a_variants_row_clears_what_it_has_of_its_own() -> None:
    there = shelf()
    there.put(product(), {"sku": "T-2", "weight_g": 5, "title": "Own", "weaving": "Own Mill"})
    there.put({"sku": "T-2", "title": None, "weight_g": None, "weaving": None}, mode="enrich", clears_blanks=True)
    assert there.variant("T-2").facts == NO_FACTS
    assert there.variant("T-2").presentation.title == "Own", "a title is never cleared"


# Lists replace, metrics and steps stand for themselves.


@CHANGING
@pytest.mark.parametrize(
    ("cells", "kind", "names"),
    [
        ({"tags": "b; x"}, "tags", ["b", "x"]),
        ({"eco_claims": "New"}, "eco_claims", ["New"]),
        ({"materials": "Silk"}, "materials", ["Silk"]),
    ],
)
def test_a_list_replaces_the_products_list(mode: str, cells: dict[str, Any], kind: str, names: list[str]) -> None:
    there = shelf()
    there.put(product(**cells), mode=mode)
    level = there.product()
    if kind == "materials":
        assert [each.name.text for each in level.facts.materials] == names
    else:
        assert [each.text for each in (level.tags if kind == "tags" else level.facts.eco_claims)] == names


@CHANGING
def test_a_step_replaces_the_operators_of_that_step_alone(mode: str) -> None:
    there = shelf()
    there.put(product(weaving="Other; Third"), mode=mode)
    journey = {step: [name.text for name in names] for step, names in there.product().facts.journey}
    assert journey == {"weaving": ["Other", "Third"], "dyeing_printing": ["Vat", "Tub"]}


@CHANGING
def test_one_metric_leaves_the_other_alone(mode: str) -> None:
    there = shelf()
    there.put(product(carbon_kg=1), mode=mode)
    assert there.product().facts.environment == (Decimal(1), Decimal(10))
    there.put(product(water_l="2.5"), mode=mode)
    assert there.product().facts.environment == (Decimal(1), Decimal("2.5"))


@CHANGING
def test_a_row_replaces_the_lists_of_its_variant_alone(mode: str) -> None:
    there = shelf()
    rows = product(), {"sku": "T-2", "materials": "Silk:100", "eco_claims": "Mine", "carbon_kg": 1, "stitching": "Hand"}
    assert counts(there.put(*rows, mode=mode)) == [(0, 1, 1)]
    own = there.variant("T-2").facts
    assert [(each.name.text, each.percentage) for each in own.materials] == [("Silk", Decimal(100))]
    assert [name.text for name in own.eco_claims] == ["Mine"]
    assert own.environment == (Decimal(1), None)
    assert [step for step, _ in own.journey] == ["stitching"]
    assert own.weight_g is None
    assert there.product() == shelf().product()


def test_blank_percentages_keep_those_of_the_same_materials() -> None:
    there = shelf()
    assert counts(there.decide(product(materials="cotton; WOOL"))) == [(0, 0, 1)]
    there.put(product(materials="Wool; Cotton"))
    assert [(each.name.text, each.percentage) for each in there.product().facts.materials] == [
        ("Wool", Decimal(20)),
        ("Cotton", Decimal(80)),
    ]
    there.put(product(materials="Wool; Silk"))
    assert [each.percentage for each in there.product().facts.materials] == [None, None]


# What a variant has in its product's place.


@CHANGING
def test_a_value_equal_to_the_products_own_is_no_override_and_takes_one_away(mode: str) -> None:
    own = {
        "title": "Own",
        "description": "own",
        "image_url": "https://brand.com/own.png",
        "carbon_kg": 1,
        "eco_claims": "Mine",
        "weight_g": 5,
        "materials": "Silk",
        "weaving": "Own Mill",
    }
    there = shelf()
    there.put(product(), {"sku": "T-2", **own}, mode=mode)
    again = {
        "title": "Tee",
        "description": "d",
        "image_url": "https://brand.com/x.png",
        "carbon_kg": "6.550",
        "eco_claims": "local; FAIR",
        "weight_g": "230.00",
        "materials": "Wool; Cotton",
        "percentages": "20; 80",
        "weaving": "mill",
    }
    assert counts(there.put(product(), {"sku": "T-2", **again}, mode=mode)) == [(0, 1, 1)]
    assert there.variant("T-2").presentation == NO_PRESENTATION
    assert there.variant("T-2").facts == NO_FACTS


@CHANGING
def test_a_new_value_of_the_product_is_what_a_variants_row_is_compared_with(mode: str) -> None:
    there = shelf()
    there.put(product(weight_g=300), {"sku": "T-2", "weight_g": 300}, mode=mode)
    assert there.product().facts.weight_g == Decimal(300)
    assert there.variant("T-2").facts == NO_FACTS


@CHANGING
def test_the_row_with_the_handle_takes_away_what_its_own_variant_has_in_its_place(mode: str) -> None:
    there = shelf()
    there.put(product(), {"sku": "T-2", "weight_g": 5}, mode=mode)
    there.put(product(sku="T-2", barcode=None, weight_g=7), mode=mode)
    assert there.product().facts.weight_g == Decimal(7)
    assert there.variant("T-2").facts.weight_g is None


def test_a_kind_the_row_does_not_say_is_left_alone() -> None:
    there = shelf()
    there.put(product(), {"sku": "T-2", "weight_g": 5, "eco_claims": "Mine"})
    there.put(product(weight_g=5), {"sku": "T-2", "eco_claims": "Yours"})
    own = there.variant("T-2").facts
    assert (own.weight_g, [name.text for name in own.eco_claims]) == (Decimal(5), ["Yours"])


# Variants not in the file; unchanged.


@CHANGING
def test_variants_that_are_not_in_the_file_are_untouched(mode: str) -> None:
    there = shelf()
    before = there.variant("T-2")
    there.put(product(weight_g=1), mode=mode)
    assert there.variant("T-2") == before


@CHANGING
def test_what_would_change_nothing_is_skipped(mode: str) -> None:
    found = changed(shelf().decide(product(**FULL, barcode="40000001"), SECOND, mode=mode))
    assert (found.updates, found.skips, found.variants) == (0, 2, ())
    assert not found.changes_product


@CHANGING
def test_names_and_figures_are_compared_as_they_are_kept(mode: str) -> None:
    same = FULL | {
        "manufacturer": "BRAND",
        "status": "Published",
        "category": "clothing>jeans",
        "season": "ss26",
        "tags": "A|B",
        "carbon_kg": "6.550",
        "percentages": "80%; 20%",
        "weaving": "MILL",
    }
    assert counts(shelf().decide(product(**same), mode=mode)) == [(0, 0, 1)]


# Rows without a handle.


def test_rows_that_no_product_stands_above_stand_alone_in_enrich() -> None:
    there = shelf(cap())
    checked = there.decide({"sku": "T-2", "weight_g": 5}, {"sku": "C-1", "weight_g": 6}, {"sku": "X"}, mode="enrich")
    assert counts(checked) == [(0, 1, 0), (0, 1, 0), (0, 0, 0)]
    assert [error[:3] for error in errors_of(checked)] == [(4, "SKU", "not_found")]
    for each in checked.products:
        there.apply(each)
    assert (there.variant("T-2").facts.weight_g, there.variant("C-1").facts.weight_g) == (Decimal(5), Decimal(6))
    assert there.product().facts.weight_g == Decimal(230)


def test_what_such_a_row_says_of_the_product_alone_is_ignored_with_a_notice() -> None:
    rows = {"sku": "T-2", "season": "ss26", "tags": "b;a"}, {"sku": "T-1", "season": "AW27"}
    checked = shelf().decide(*rows, mode="enrich")
    assert counts(checked) == [(0, 0, 1), (0, 0, 1)]
    assert [(each.code, each.row, each.count) for each in checked.notices] == [("ignored_on_variant_row", 3, 1)]


def test_rows_that_no_product_stands_above_are_refused_in_upsert() -> None:
    assert errors_of(shelf().decide({"sku": "T-2"})) == [
        (2, "Product Handle", "orphan_variant", "Variant row found before any product row")
    ]


# Rows of one product that stand apart.


@CHANGING
def test_followers_are_rows_of_variants_of_the_product_their_handle_names(mode: str) -> None:
    there = shelf()
    row = product(sku="T-2", barcode="40000002", weight_g=5, season="AW27")
    said = [Duplicate(2, "handle", 1)]
    checked = there.decide(row, mode=mode, wave=1, duplicates=said)
    assert counts(checked) == [(0, 1, 0)]
    assert [each.code for each in checked.notices] == ["ignored_on_variant_row"]
    there.apply(changed(checked))
    assert there.variant("T-2").facts.weight_g == Decimal(5)
    assert there.product() == shelf().product()


def test_followers_add_variants_in_upsert() -> None:
    found = changed(shelf().decide(product(sku="T-3", barcode=None, weight_g=230), wave=2))
    assert found.added[0].facts == NO_FACTS
    assert found.first_position == 2


def test_followers_of_rows_that_failed_name_the_first_of_those() -> None:
    checked = Shelf().decide(product(sku="T-3"), wave=1, duplicates=[Duplicate(2, "handle", 1)])
    assert errors_of(checked) == [
        (
            2,
            "Product Handle",
            "first_rows_failed",
            'The rows of product "tee" that begin in row 1 were not imported; correct them, and this row comes with them',
        )
    ]


# What is there already, in create.


def test_what_is_there_is_refused_in_create_unless_it_is_to_be_skipped() -> None:
    there = shelf()
    rows = product(**FULL, barcode="40000001"), SECOND
    assert {error[2] for error in errors_of(there.decide(*rows, mode="create"))} == {"already_exists"}
    found = changed(there.decide(*rows, mode="create", skips_existing=True))
    assert (found.skips, found.updates, found.stored.handle) == (2, 0, "tee")


def test_a_product_with_a_row_that_is_not_there_is_not_skipped() -> None:
    checked = shelf().decide(product(), {"sku": "T-9"}, mode="create", skips_existing=True)
    assert [error[1:3] for error in errors_of(checked)] == [("Product Handle", "already_exists")]


def test_a_product_with_a_variant_of_another_is_not_skipped() -> None:
    checked = shelf(cap()).decide(product(), {"sku": "C-1"}, mode="create", skips_existing=True)
    assert [error[:3] for error in errors_of(checked)] == [
        (2, "Product Handle", "already_exists"),
        (3, "SKU", "already_exists"),
    ]


def test_a_skipped_product_is_still_named_once_in_the_file() -> None:
    there, rows = shelf(), product()
    checked = there.decide(rows, mode="create", skips_existing=True, duplicates=[Duplicate(2, "handle", 1)])
    assert "duplicate_in_file" in [error[2] for error in errors_of(checked)]


# Corrections.


def test_what_the_corrected_import_made_is_in_nobodys_way() -> None:
    there = shelf()
    family = frozenset({ELSEWHERE})
    found = changed(there.decide(product(**FULL, barcode="40000001"), SECOND, mode="create", family=family))
    assert (found.skips, found.updates) == (2, 0)


def test_a_row_that_failed_alone_is_added_to_the_product_it_belongs_to() -> None:
    there = shelf()
    found = changed(
        there.decide(product(sku="T-3", weight_g=7, season=None), mode="create", family=frozenset({ELSEWHERE}))
    )
    assert [(each.sku, each.facts.weight_g) for each in found.added] == [("T-3", Decimal(7))]
    assert not found.changes_product
    there.apply(found)
    again = there.decide(product(sku="T-3", weight_g=7), mode="create", family=frozenset({ELSEWHERE}))
    assert counts(again) == [(0, 0, 1)]


def test_a_correction_changes_nothing_that_is_there() -> None:
    there = shelf()
    checked = there.decide(product(), {"sku": "T-2", "weight_g": 7}, mode="create", family=frozenset({ELSEWHERE}))
    assert errors_of(checked) == [
        (3, "SKU", "already_exists", 'SKU "T-2" already exists; use enrich or upsert to change it')
    ]


def test_what_the_family_made_of_another_product_is_in_the_way() -> None:
    checked = shelf(cap()).decide(product(sku="C-1"), mode="create", family=frozenset({ELSEWHERE}))
    assert [error[2] for error in errors_of(checked)] == ["already_exists"]


@CHANGING
def test_a_row_that_failed_alone_says_nothing_of_its_product_when_it_comes_back_with_its_handle(mode: str) -> None:
    there = shelf()
    row = product(sku="T-2", barcode=None, title=None, weight_g=7, season="AW27")
    checked = there.decide(row, mode=mode, alone=frozenset({2}))
    assert counts(checked) == [(0, 1, 0)]
    there.apply(changed(checked))
    assert there.product() == shelf().product()
    assert there.variant("T-2").facts.weight_g == Decimal(7)


# A group stands or falls together.


@CHANGING
def test_every_reason_in_a_group_is_reported_and_nothing_of_it_is_done(mode: str) -> None:
    rows = product(weight_g="heavy", tags="x"), {"sku": "T-2", "barcode": "40000001"}, {"sku": "T-2", "image_url": "x"}
    checked = shelf().decide(*rows, mode=mode)
    assert all(isinstance(found, FailedProduct) for found in checked.products)
    assert {(row, code) for row, _, code, _ in errors_of(checked)} >= {
        (2, "invalid_number"),
        (3, "conflict"),
        (4, "invalid_url"),
    }
