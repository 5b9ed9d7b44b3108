from shared.entities import ENTITY_TYPES, MODES, PRODUCTS
from shared.entities.declaration import Level
from shared.entities.products import JOURNEY_STEPS


def test_there_are_29_headings_in_the_order_of_the_template() -> None:
    assert PRODUCTS.headings[:5] == ("Product Title", "Product Handle", "Manufacturer", "Description", "Image")
    assert PRODUCTS.headings[-2:] == ("Assembly", "Finishing")
    assert len(PRODUCTS.headings) == 29
    assert PRODUCTS.sections == (
        "Product",
        "Publishing",
        "Organization",
        "Variants",
        "Environment",
        "Composition",
        "Production Journey",
    )


def test_no_heading_means_two_fields() -> None:
    assert len(PRODUCTS.by_heading_key) >= len(PRODUCTS.fields)
    assert PRODUCTS.by_heading_key.keys().isdisjoint(PRODUCTS.tolerated_by_heading_key)


def test_levels_are_as_the_specification_says() -> None:
    def codes(level: Level) -> set[str]:
        return {field.code for field in PRODUCTS.fields if field.level is level}

    assert codes(Level.PRODUCT) == {"handle", "manufacturer", "status", "category", "season", "tags"}
    assert codes(Level.VARIANT) == {"barcode", "sku"} | {
        f"attribute{middle}_{n}" for middle in ("", "_value") for n in (1, 2, 3)
    }
    assert set(JOURNEY_STEPS) < codes(Level.BOTH)


def test_what_is_created_on_the_way_never_includes_categories() -> None:
    created = {field.creates for field in PRODUCTS.fields if field.creates}
    assert created == {
        "manufacturers",
        "seasons",
        "tags",
        "attributes",
        "attribute_values",
        "materials",
        "eco_claims",
        "facilities",
    }


def test_entity_types_are_found_by_the_name_events_use() -> None:
    assert ENTITY_TYPES["products"] is PRODUCTS
    assert set(PRODUCTS.modes) <= set(MODES)
