import json
from collections.abc import Mapping
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID

from services.validator.outcomes import Failed, Planned
from services.validator.products.records import outcome_of, staged_records
from services.validator.products.rules import CheckedProducts
from shared.db.staging import MIRRORS
from shared.states import Action
from tests.unit.validator.products.sheets import checked, product


def staged(chunk: CheckedProducts) -> dict[str, list[dict[str, Any]]]:
    """The rows by table, each as {column: value}; the ids are 1, 2, 3 … in the order they were made."""
    numbers = count(1)
    records = staged_records(chunk.products, new_id=lambda: UUID(int=next(numbers)))
    return {table: [dict(zip(columns, row, strict=True)) for row in rows] for table, columns, rows in records}


def full_product(**cells: Any) -> Mapping[str, Any]:
    return product(
        manufacturer="Brand",
        season="SS26",
        tags="a; b",
        attribute_1="Color",
        attribute_value_1="White",
        carbon_kg=1,
        eco_claims="Fair",
        weight_g=230,
        materials="Cotton; Wool",
        percentages="80",
        weaving="Mill; Shed",
        **cells,
    )


def test_every_staged_column_is_one_of_its_table() -> None:
    tables = {table.name: table for table in MIRRORS.values()}
    own = {"sku": "T-2", "carbon_kg": 2, "eco_claims": "Local", "weight_g": 1, "materials": "Silk", "weaving": "X"}
    written = staged(checked([full_product(), own]))
    assert written.keys() == tables.keys()
    for name, rows in written.items():
        assert rows[0].keys() <= {column.name for column in tables[name].columns}


def test_a_good_product_is_pending_with_its_own_ids_and_where_it_came_from() -> None:
    rows = staged(checked([product(), {"sku": "T-2"}]))
    (parent,) = rows["products"]
    place = {"row_status": "pending"}
    assert parent.items() >= (place | {"row_no": 2, "group_row": 2, "id": UUID(int=1), "handle": "tee"}).items()
    first, second = rows["product_variants"]
    assert (first["product_id"], first["position"], first["row_no"]) == (UUID(int=1), 0, 2)
    assert (second["product_id"], second["position"], second["row_no"], second["group_row"]) == (
        UUID(int=1),
        1,
        3,
        2,
    )
    assert first["id"] != second["id"]


def test_entities_are_staged_by_name_and_key() -> None:
    rows = staged(checked([full_product()]))
    assert rows["products"][0]["manufacturer_name"] == "Brand"
    assert rows["products"][0]["manufacturer_key"] == "brand"
    assert [(row["tag_name"], row["position"]) for row in rows["product_tags"]] == [("a", 0), ("b", 1)]
    assert [(row["step"], row["facility_key"], row["position"]) for row in rows["product_journey_steps"]] == [
        ("weaving", "mill", 0),
        ("weaving", "shed", 1),
    ]


def test_facts_lie_with_their_owner() -> None:
    rows = staged(checked([full_product(), {"sku": "T-2", "weight_g": 250}]))
    assert [row["percentage"] for row in rows["product_materials"]] == [Decimal(80), None]
    assert rows["product_environment"][0]["carbon_kg"] == Decimal(1)
    assert rows["product_environment"][0]["water_l"] is None
    (own,) = rows["variant_weight"]
    assert (own["weight"], own["variant_id"], own["row_no"]) == (
        Decimal(250),
        rows["product_variants"][1]["id"],
        3,
    )
    assert "variant_materials" not in rows


def test_what_could_be_read_of_a_failed_group_is_staged_as_failed_with_its_errors() -> None:
    rows = staged(checked([product(weight_g="x"), {"barcode": "1.5", "title": "Own"}]))
    (parent,) = rows["products"]
    assert (parent["row_status"], parent["id"], parent["handle"], parent["title"]) == (
        "failed",
        None,
        "tee",
        "Tee",
    )
    assert [error["code"] for error in json.loads(parent["errors"])] == ["invalid_number"]
    first, second = rows["product_variants"]
    assert (first["sku"], first["title"], second["barcode"], second["title"]) == ("T-1", None, "1.5", "Own")
    assert [error["column"] for error in json.loads(second["errors"])] == ["Barcode"]


def test_the_outcome_of_a_group_counts_its_rows_and_has_every_error() -> None:
    good, bad = checked(
        [product(), {"sku": "T-2"}, product(handle="cap", sku="C", title=None), {"sku": "D", "barcode": "1.5"}]
    ).products
    assert outcome_of(good) == Planned(2, 2, Action.CREATE)
    failed = outcome_of(bad)
    assert isinstance(failed, Failed)
    assert (failed.row, failed.row_count) == (4, 2)
    assert [(error.row_no, error.group_row, error.code) for error in failed.errors] == [
        (4, 4, "required"),
        (5, 4, "invalid_barcode"),
    ]
