"""What people's files have between and below their rows, and what comes back of it: through all stages."""

from pathlib import Path
from typing import Any

import pytest

from tests.harness.files import HEADINGS, product, row, text_file, workbook
from tests.harness.production import difference
from tests.harness.world import World

BAD: list[dict[str, Any]] = [
    {"title": "\u00ad"},
    {"title": "Bl\ufffdte"},
    {"handle": "a\nb"},
    {"barcode": "4.0E+12"},
    {"sku": "#REF!"},
    {"image_url": "https://a.example/1.jpg,https://a.example/2.jpg"},
    {"status": "@live"},
    {"category": "T-shirts & Polos"},
    {"tags": "50% off, sale"},
    {"carbon_kg": "twelve"},
    {"materials": "80% Cotton, 20% Elastane", "percentages": None},
    {"percentages": "60; 60"},
    {"description": "a\x0bb"},
    {"attribute_value_1": None},
]
TOTAL = row(title="Total", weight_g=230)
LOST = row(title="Shirt in red", attribute_1="Color", attribute_value_1="Red")


@pytest.mark.parametrize("again", ["xlsx", "csv"])
async def test_a_correction_file_sent_back_as_it_is_creates_nothing(
    world: World, tenant: str, tmp_path: Path, again: str
) -> None:
    rows = [row(sku="EARLY-1")]
    for number, cells in enumerate(BAD, start=10):
        rows += [*product(number), *product(number + 100, variants=2, **cells), TOTAL]
    rows += [*product(10, sku="SKU-elsewhere"), LOST, *product(300, sku="SKU-10-0"), LOST]
    first = await world.ended(world.send(tenant, workbook(tmp_path / "autumn.xlsx", rows)))
    assert first.created_rows == len(BAD), await world.errors(first.id)
    before = await world.production(tenant)
    key = first.correction_object_key if again == "xlsx" else first.failed_rows_object_key
    second = await world.ended(world.send(tenant, world.fetch(str(key))))
    assert (second.created_rows, second.failed_rows) == (0, first.failed_rows), await world.errors(second.id)
    assert difference(before, await world.production(tenant)) == []


async def test_rows_that_are_no_products_cost_no_product(world: World, tenant: str, tmp_path: Path) -> None:
    filled_down = [row(status="unpublished", season="SS26") for _ in range(30)]
    rows = [
        *product(1, variants=2),
        HEADINGS,
        *product(2),
        TOTAL,
        *product(3, sku="SKU-3\u200b", barcode=None),
        LOST,
        row(sku="SKU-3-9"),
        *filled_down,
        row(attribute_1="Size"),
    ]
    ended = await world.ended(world.send(tenant, workbook(tmp_path / "autumn.xlsx", rows)))
    errors = await world.errors(ended.id)
    assert (ended.created_rows, ended.failed_rows) == (5, 2), errors
    assert {(number, message) for number, _, _, message in errors} == {
        (6, "Barcode or SKU is required. Is this a totals row? Delete it"),
        (8, 'Barcode or SKU is required; without one the row is no variant of product "shirt-3"'),
    }
    told = {notice["code"]: (notice["row"], notice.get("count")) for notice in ended.notices}
    assert told["repeated_headings"] == (4, 1)
    assert told["rows_that_say_nothing"] == (10, 31)
    assert told["invisible_characters"] == (7, 1)
    sku = "SELECT count(*) FROM catalog.product_variants WHERE tenant_id = :tenant AND sku = 'SKU-3'"
    assert await world.scalar(sku, tenant=tenant) == 1


async def test_products_of_a_template_without_its_example_are_all_imported(
    world: World, tenant: str, tmp_path: Path
) -> None:
    titles = ["Product", "", "", "", "", "Publishing", "Organization", "", "", "Variants"]
    ended = await world.ended(
        world.send(tenant, workbook(tmp_path / "mine.xlsx", [HEADINGS, *product(1), *product(2)], headings=titles))
    )
    assert (ended.total_rows, ended.created_rows) == (2, 2)


async def test_rows_of_one_product_in_two_places_are_told_so(world: World, tenant: str, tmp_path: Path) -> None:
    rows = [*product(1), *product(2), row(title="Shirt 1", handle="shirt-1", sku="SKU-1-9")]
    ended = await world.ended(world.send(tenant, text_file(tmp_path / "sorted.csv", rows)))
    assert (ended.created_rows, ended.failed_rows) == (2, 1)
    ((number, _, code, message),) = await world.errors(ended.id)
    assert (number, code) == (4, "duplicate_in_file")
    assert message == 'Rows of product "shirt-1" stand in two places (2 and 4); put them together'
