import pytest

from shared.entities import PRODUCTS
from shared.entities.mapping import ColumnMapping, HeadingsRefused, map_headings
from shared.entities.names import heading_key

REQUIRED = ["Product Title", "Product Handle", "SKU"]


def mapped(*headings: str, mode: str = "create") -> ColumnMapping:
    outcome = map_headings(PRODUCTS, headings, mode)
    assert isinstance(outcome, ColumnMapping), outcome
    return outcome


def refused(*headings: str, mode: str = "create") -> HeadingsRefused:
    outcome = map_headings(PRODUCTS, headings, mode)
    assert isinstance(outcome, HeadingsRefused), outcome
    return outcome


def test_the_template_maps_every_column_to_its_field() -> None:
    mapping = mapped(*PRODUCTS.headings)
    assert mapping.fields == {field.code: index for index, field in enumerate(PRODUCTS.fields)}
    assert mapping.ignored == ()


@pytest.mark.parametrize(
    ("heading", "code"),
    [
        ("title", "title"),
        ("PRODUCT_NAME", "title"),
        ("handle", "handle"),
        ("Brand", "manufacturer"),
        ("desc", "description"),
        ("image", "image_url"),
        ("Image URL", "image_url"),
        ("Image Status", "status"),
        ("publication status", "status"),
        ("product-category", "category"),
        ("Tag", "tags"),
        ("EAN", "barcode"),
        ("GTIN", "barcode"),
        ("stock keeping unit", "sku"),
        ("attribute1", "attribute_1"),
        ("Attribute 2 Value", "attribute_value_2"),
        ("attribute_value_3", "attribute_value_3"),
        ("Kilograms CO2", "carbon_kg"),
        ("kg CO₂", "carbon_kg"),
        ("water_liters", "water_l"),
        ("ECO CLAIMS", "eco_claims"),
        ("Weight", "weight_g"),
        ("Materials Percentages", "materials"),
        ("percentages", "percentages"),
        ("Dyeing/Printing", "dyeing_printing"),
        ("Printing", "dyeing_printing"),
    ],
)
def test_other_headings_of_the_same_meaning_are_understood(heading: str, code: str) -> None:
    assert map_fields_of(heading) == {code: 0}


def map_fields_of(heading: str) -> dict[str, int]:
    """What one heading means, among the required ones that mean something else."""
    alone = PRODUCTS.by_heading_key
    others = [other for other in REQUIRED if alone[heading_key(other)] is not alone[heading_key(heading)]]
    mapping = mapped(heading, *others)
    return {code: index for code, index in mapping.fields.items() if index == 0}


def test_two_columns_with_one_meaning_are_refused_naming_both() -> None:
    refusal = refused("Product Title", "Product Handle", "SKU", "brand", "Manufacturer")
    assert refusal.code == "duplicate_headings"
    assert 'Columns D ("brand") and E ("Manufacturer") both mean Manufacturer' in refusal.message


def test_the_same_heading_three_times_is_refused_naming_all() -> None:
    assert 'Columns C ("SKU"), D ("sku") and E ("S K U") all mean SKU' in (
        refused("title", "handle", "SKU", "sku", "S K U").message
    )


def test_everything_that_is_missing_is_named() -> None:
    refusal = refused("Description")
    assert refusal.code == "missing_headings"
    assert "Product Title, Product Handle, Barcode or SKU" in refusal.message


def test_what_is_twice_and_what_is_missing_is_said_at_once() -> None:
    message = refused("brand", "Manufacturer", "SKU").message
    assert "both mean Manufacturer" in message
    assert "Product Title" in message


@pytest.mark.parametrize("identifier", ["Barcode", "SKU"])
def test_one_of_barcode_and_sku_is_enough(identifier: str) -> None:
    assert mapped("Product Title", "Product Handle", identifier)


def test_enrich_needs_neither_title_nor_handle() -> None:
    assert mapped("SKU", "Materials", mode="enrich").fields == {"sku": 0, "materials": 1}
    assert "Barcode or SKU" in refused("Materials", mode="enrich").message


def test_unknown_columns_are_ignored_and_listed() -> None:
    mapping = mapped(*REQUIRED, "Price")
    assert [(column.index, column.heading) for column in mapping.ignored] == [(3, "Price")]
    assert mapping.notices == [
        {
            "code": "unknown_column",
            "message": 'Column D ("Price") is not known and was not imported',
            "column": "Price",
        }
    ]


def test_the_same_unknown_heading_twice_is_no_reason_to_refuse() -> None:
    assert len(mapped(*REQUIRED, "Price", "Price").ignored) == 2


def test_a_blank_heading_is_named_by_its_number() -> None:
    mapping = mapped(*REQUIRED, " ")
    assert [column.heading for column in mapping.ignored] == ["Column_4"]


def test_upid_and_free_text_carbon_footprint_are_tolerated_with_a_notice() -> None:
    mapping = mapped(*REQUIRED, "UPID", "Carbon Footprint", "kgCO2e Carbon Footprint")
    assert mapping.fields["carbon_kg"] == 5
    assert [notice["code"] for notice in mapping.notices] == ["tolerated_column", "tolerated_column"]


@pytest.mark.parametrize("heading", ["Import errors", "Import error", "import_errors"])
def test_the_column_of_a_correction_file_is_tolerated_without_a_word(heading: str) -> None:
    mapping = mapped(*REQUIRED, heading)
    assert [column.code for column in mapping.ignored] == ["tolerated_column"]
    assert mapping.notices == []


@pytest.mark.parametrize(
    ("heading", "code"),
    [
        ("SKU *", "sku"),
        ("Product Title*", "title"),
        ("* Handle", "handle"),
        ("Grams Weight (g)", "weight_g"),
        ("WEIGHT [grams] *", "weight_g"),
        ("Liters Water Used (l)", "water_l"),
        ("kgCO2e Carbon Footprint (kg CO\u2082e)", "carbon_kg"),
        ("Percentages (%)", "percentages"),
        ("SKU (required)", "sku"),
        ("Barcode (EAN)", "barcode"),
        ("Pro\u00adduct\u200b Title\u200e", "title"),
    ],
)
def test_marks_units_and_what_nobody_sees_do_not_count_in_headings(heading: str, code: str) -> None:
    found = map_headings(PRODUCTS, [heading], "delete")
    assert isinstance(found, ColumnMapping)
    assert found.fields == {code: 0}


@pytest.mark.parametrize("heading", ["Weight (kg)", "Grams Weight [oz]", "Water Usage (m3)", "Carbon kg (t)"])
def test_a_column_in_another_unit_is_not_taken_for_one_in_ours(heading: str) -> None:
    found = map_headings(PRODUCTS, [heading], "delete")
    assert isinstance(found, ColumnMapping)
    assert not found.fields
    assert "with figures in" in found.notices[0]["message"]
