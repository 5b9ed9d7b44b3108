"""Files that change what is there, through the running stages: enrich and upsert, also several at once."""

import asyncio
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from shared.ledger import ImportProgress
from tests.harness.decisions import counts, effective, physical, versions
from tests.harness.files import catalogue, product, row, text_file, workbook
from tests.harness.world import World, eventually

AGAIN = {"options": {"allow_repeat": True}}


async def sent(world: World, tenant: str, path: Path, mode: str, **fields: Any) -> ImportProgress:
    """An import of the file, when it has ended."""
    return await world.ended(world.send(tenant, path, mode=mode, **fields), seconds=180)


def small_file(path: Path, headings: list[str], *rows: list[Any]) -> Path:
    """A file with these columns only."""
    return text_file(path, rows, headings=headings)


async def test_a_file_of_identifiers_and_figures_enriches_what_is_there(
    world: World, tenant: str, tmp_path: Path
) -> None:
    made = await sent(world, tenant, workbook(tmp_path / "made.xlsx", catalogue(5, variants=3)), "create")
    said = small_file(
        tmp_path / "said.csv",
        ["SKU", "EAN", "kg CO2", "Materials", "Season"],
        ["SKU-1-0", "", "1.5", "", ""],
        ["SKU-1-1", "", "", "Wool; Silk", "SS26"],
        ["", "10000000202", "2", "", ""],
        ["SKU-3-0", "", "6.55", "", ""],
        ["NOBODY", "", "3", "", ""],
    )
    enriched = await sent(world, tenant, said, "enrich")
    assert enriched.status == "completed_with_failures"
    assert counts(enriched) == (0, 3, 1, 1)
    assert enriched.summary["products"] == {"created": 0, "updated": 0}
    assert enriched.summary["variants"] == {"created": 0, "updated": 3}
    assert [(r, code) for r, _, code, _ in await world.errors(enriched.id)] == [(6, "not_found")]
    one, two, three = [await effective(world, tenant, sku) for sku in ("SKU-1-0", "SKU-1-1", "SKU-2-2")]
    assert (float(one["carbon_kg"]), float(one["water_l"])) == (1.5, 4223), "each figure by itself"
    assert one["materials"] == ["Organic Cotton 60 %", "Linen 40 %"]
    assert two["materials"] == ["Wool", "Silk"], "replaced, never merged"
    assert two["eco_claims"] == ["Recycled"], "and only that kind"
    assert float(three["carbon_kg"]) == 2
    untouched = await effective(world, tenant, "SKU-1-2")
    assert (float(untouched["carbon_kg"]), untouched["materials"]) == (6.55, ["Organic Cotton 60 %", "Linen 40 %"])
    async with world.database() as conn:
        lineage = await conn.execute(
            text(
                "SELECT sku, import_id, import_row_no, created_import_id, created_row_no FROM catalog.product_variants"
                " WHERE tenant_id = :t AND sku IN ('SKU-1-1', 'SKU-1-2') ORDER BY sku"
            ),
            {"t": tenant},
        )
        assert [tuple(found) for found in lineage] == [
            ("SKU-1-1", enriched.id, 3, made.id, 3),
            ("SKU-1-2", made.id, 4, made.id, 4),
        ]


async def test_an_upsert_makes_adds_changes_and_leaves_alone(world: World, tenant: str, tmp_path: Path) -> None:
    await sent(world, tenant, workbook(tmp_path / "made.xlsx", catalogue(4, variants=2)), "create")
    rows = [
        *product(1, variants=2),
        *product(2, variants=3),
        *product(3, variants=2, title="Other", tags="new; linen", carbon_kg=None),
        *product(9, variants=2),
    ]
    upserted = await sent(world, tenant, workbook(tmp_path / "said.xlsx", rows), "upsert")
    assert upserted.status == "completed"
    assert counts(upserted) == (3, 1, 5, 0)
    assert upserted.summary["products"] == {"created": 1, "updated": 1}
    assert upserted.summary["variants"] == {"created": 3, "updated": 0}
    assert await versions(world, tenant) == {"shirt-1": 1, "shirt-2": 2, "shirt-3": 2, "shirt-4": 1, "shirt-9": 1}
    changed = await effective(world, tenant, "SKU-3-1")
    assert (changed["title"], changed["tags"], float(changed["carbon_kg"])) == ("Other", ["new", "linen"], 6.55)
    async with world.database() as conn:
        kept = await conn.execute(
            text("SELECT row_no, record, before, after FROM catalog.changes WHERE import_id = :id"), {"id": upserted.id}
        )
        assert [tuple(found) for found in kept] == [
            (
                7,
                "product",
                {"title": "Shirt 3", "tags": [{"name": "linen"}, {"name": "summer"}]},
                {"title": "Other", "tags": [{"name": "new"}, {"name": "linen"}]},
            )
        ]


@pytest.mark.parametrize("mode", ["upsert", "enrich"])
async def test_a_file_that_says_what_is_there_already_is_skipped_and_nothing_is_written(
    world: World, tenant: str, tmp_path: Path, mode: str
) -> None:
    path = workbook(tmp_path / "made.xlsx", catalogue(1500, variants=2))
    await sent(world, tenant, path, "create")
    before = await physical(world, tenant)
    again = await sent(world, tenant, path, mode, **AGAIN)
    assert again.status == "completed"
    assert counts(again) == (0, 0, 3000, 0)
    assert again.summary["products"] == {"created": 0, "updated": 0}
    assert await physical(world, tenant) == before
    staged = await world.scalar("SELECT count(*) FROM staging.groups WHERE import_id = :id", id=again.id)
    assert staged == 0


PAIRS = [
    ("create", "create"),
    ("create", "enrich"),
    ("create", "upsert"),
    ("enrich", "enrich"),
    ("enrich", "upsert"),
    ("upsert", "upsert"),
]


async def test_imports_of_overlapping_products_at_once_all_close_and_lose_nothing(
    idle_world: World, tenant: str, tmp_path: Path
) -> None:
    """In each pair of modes, each pair for a tenant of its own, each import in an order of its own.

    Half of the products are there before. Of two imports one says the weight, the other the water.
    """
    world = idle_world
    world.fleet.start({"parser": 2, "validator": 2, "committer": 2, "exporter": 1, "keeper": 1})
    there = workbook(tmp_path / "made.xlsx", catalogue(200, variants=2, start=0))
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    before = await world.scalar(deadlocks)

    async def pair(modes: tuple[str, str]) -> None:
        of_pair = f"{tenant}-{'-'.join(modes)}"
        await sent(world, of_pair, there, "create")
        paths = _overlapping(tmp_path, modes)
        ids = [world.send(of_pair, path, mode=mode) for path, mode in zip(paths, modes, strict=True)]
        both = await asyncio.gather(*(world.ended(each, seconds=240) for each in ids))
        await _assert_nothing_is_lost(world, of_pair, both)

    await asyncio.gather(*map(pair, PAIRS))

    async def nothing_waits() -> bool:
        left = await world.scalar("SELECT count(*) FROM imports.outbox WHERE tenant_id LIKE :t", t=f"{tenant}%")
        return bool(left == 0)

    await eventually("every event is acted on", nothing_waits)
    assert await world.scalar(deadlocks) == before


def _overlapping(folder: Path, modes: tuple[str, str]) -> list[Path]:
    numbers = list(range(400))
    paths = []
    for place, (mode, cells) in enumerate(zip(modes, ({"weight_g": 11}, {"water_l": 22}), strict=True)):
        random.Random(place).shuffle(numbers)
        rows = [
            each
            for number in numbers
            for each in product(number, variants=2, **{"weight_g": None, "water_l": None, **cells})
        ]
        paths.append(workbook(folder / f"{'-'.join(modes)}-{mode}-{place}.xlsx", rows))
    return paths


async def _assert_nothing_is_lost(world: World, tenant: str, both: Sequence[ImportProgress]) -> None:
    modes = [each.mode for each in both]
    assert sum(each.created_rows for each in both) == (0 if modes == ["enrich", "enrich"] else 400)
    codes = {code for each in both for _, _, code, _ in await world.errors(each.id)}
    assert codes <= {"already_exists", "not_found"}, codes
    assert not [each for each in both if each.mode == "upsert" and each.failed_rows]
    async with world.database() as conn:
        query = (
            "SELECT handle, weight, water_l, count(*) AS variants FROM catalog.effective_variants"
            " WHERE tenant_id = :t GROUP BY 1, 2, 3"
        )
        found = {seen.handle: seen for seen in await conn.execute(text(query), {"t": tenant})}
    assert {seen.variants for seen in found.values()} == {2}
    wanted = (230 if modes[0] == "create" else 11, 4223 if modes[1] == "create" else 22)
    for number in range(200):
        seen = found[f"shirt-{number}"]
        assert (seen.weight, seen.water_l) == wanted, "what either says of what was there is there"


async def test_a_product_of_two_thousand_variants_is_made_enriched_in_any_order_and_added_to(
    world: World, tenant: str, tmp_path: Path
) -> None:
    rows = product(1, variants=2000)
    made = await sent(world, tenant, workbook(tmp_path / "made.xlsx", rows), "create")
    assert counts(made) == (2000, 0, 0, 0)
    shuffled = [[f"SKU-1-{variant}", variant + 0.5] for variant in range(2000)]
    random.Random(1).shuffle(shuffled)
    enriched = await sent(
        world, tenant, small_file(tmp_path / "said.csv", ["SKU", "Grams Weight"], *shuffled), "enrich"
    )
    assert enriched.status == "completed", await world.errors(enriched.id)
    assert counts(enriched) == (0, 2000, 0, 0)
    summed = await world.scalar(
        "SELECT sum(weight) FROM catalog.effective_variants WHERE tenant_id = :t AND weight_unit = 'g'", t=tenant
    )
    assert summed == sum(variant + 0.5 for variant in range(2000))
    more = [row(handle="shirt-1", title="Shirt 1", sku="SKU-1-0"), *(row(sku=f"MORE-{n}") for n in range(10))]
    added = await sent(world, tenant, workbook(tmp_path / "more.xlsx", more), "upsert")
    assert counts(added) == (10, 0, 1, 0)
    places = await world.scalar("SELECT max(position) FROM catalog.product_variants WHERE tenant_id = :t", t=tenant)
    assert places == 2009


async def test_one_product_in_the_whole_file_and_titles_of_every_script(
    world: World, tenant: str, tmp_path: Path
) -> None:
    names = ["👗 Kleid 👩🏽‍🎨", "قميص كتان", "חולצה — shirt", "リネン シャツ", "Z̷͓̈a̸l̵g̶o̴"]
    rows = [each for number, name in enumerate(names) for each in product(number, title=name, variants=2)]
    made = await sent(world, tenant, text_file(tmp_path / "made.csv", rows), "create")
    assert counts(made) == (10, 0, 0, 0)
    same = await sent(world, tenant, text_file(tmp_path / "same.csv", rows[::-1][1::2]), "enrich")
    assert counts(same) == (0, 0, 5, 0)
    for number, name in enumerate(names):
        assert (await effective(world, tenant, f"SKU-{number}-1"))["title"] == name
    one = await sent(world, tenant, text_file(tmp_path / "one.csv", product(2, title="👒", variants=1)), "upsert")
    assert counts(one) == (0, 1, 0, 0)
    assert (await effective(world, tenant, "SKU-2-1"))["title"] == "👒"


async def test_handles_that_differ_by_case_are_two_products(world: World, tenant: str, tmp_path: Path) -> None:
    rows = [
        row(handle="Tee", title="Upper", sku="T-1"),
        row(handle="tee", title="Lower", sku="t-1"),
    ]
    made = await sent(world, tenant, workbook(tmp_path / "made.xlsx", rows), "create")
    assert counts(made) == (2, 0, 0, 0)
    rows = [row(handle="tee", title="Changed", sku="t-1"), row(handle="TEE", title="Third", sku="T-3")]
    upserted = await sent(world, tenant, workbook(tmp_path / "said.xlsx", rows), "upsert")
    assert counts(upserted) == (1, 1, 0, 0)
    assert (await effective(world, tenant, "T-1"))["title"] == "Upper"
    assert (await effective(world, tenant, "t-1"))["title"] == "Changed"
    assert set(await versions(world, tenant)) == {"Tee", "tee", "TEE"}


@pytest.mark.parametrize("mode", ["enrich", "upsert"])
async def test_a_file_that_is_all_bad_changes_nothing_and_comes_back_whole(
    world: World, tenant: str, tmp_path: Path, mode: str
) -> None:
    await sent(world, tenant, workbook(tmp_path / "made.xlsx", catalogue(40, variants=2)), "create")
    before = await physical(world, tenant)
    rows = [each for number in range(1, 41) for each in product(number, variants=2, weight_g="heavy", title="Bad")]
    bad = await sent(world, tenant, workbook(tmp_path / "bad.xlsx", rows), mode)
    assert (bad.status, counts(bad)) == ("completed_with_failures", (0, 0, 0, 80))
    assert {code for _, _, code, _ in await world.errors(bad.id)} == {"invalid_number"}, "that it is there is no error"
    assert await physical(world, tenant) == before
    assert bad.correction_object_key is not None


async def test_in_create_what_is_there_is_left_alone_when_the_sender_says_so(
    world: World, tenant: str, tmp_path: Path
) -> None:
    await sent(world, tenant, workbook(tmp_path / "made.xlsx", catalogue(30, variants=2)), "create")
    before = await physical(world, tenant)
    path = workbook(tmp_path / "said.xlsx", catalogue(35, variants=2))
    again = await sent(world, tenant, path, "create", options={"existing": "skip"})
    assert (again.status, counts(again)) == ("completed", (10, 0, 60, 0))
    after = await physical(world, tenant)
    assert all(before[table] <= after[table] for table in before), "nothing that was there is written"
