"""Files whose rows of one product stand apart: as good as the file in which they stand together."""

import random
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from shared.ledger import ImportProgress, Started, start_import
from tests.harness.files import PRODUCTS, row, text_file, workbook
from tests.harness.fleet import Fleet
from tests.harness.world import World, eventually

SMALL_CHUNKS = {"WINNOW_PARSER_FIRST_CHUNK_ROWS": "30", "WINNOW_PARSER_CHUNK_ROWS": "60"}
OF_THE_ORDER = {"import_row_no", "created_row_no", "product_variants.position"}
"""What differs with the order of rows in the file, and nothing else may."""

PLACES = {field.code: place for place, field in enumerate(PRODUCTS.fields)}


def small_chunks(fleet: Fleet) -> None:
    told = fleet.environment_of
    fleet.environment_of = lambda service, replica: {**told(service, replica), **SMALL_CHUNKS}


def sheet(products: int, *, variants: int) -> list[list[Any]]:
    """Products with handles on every row; some variants have materials and titles of their own."""
    rows = []
    for number in range(products):
        for variant in range(variants):
            own: dict[str, Any] = {"attribute_1": "Size", "attribute_value_1": f"S{variant}"}
            if variant == 0:
                own |= {
                    "title": f"Shirt {number}",
                    "materials": "Cotton; Linen",
                    "percentages": "60; 40",
                    "carbon_kg": 5,
                }
                own |= {"tags": f"tag {number % 7}", "manufacturer": "Acme Mills", "weaving": "Weaving Inc."}
            elif variant % 3 == 1:
                own |= {"materials": f"Wool; Hemp {number % 5}", "title": f"Shirt {number}, warm"}
            elif variant % 3 == 2:
                own |= {"title": f"Shirt {number}", "carbon_kg": 5}
            rows.append(
                row(
                    handle=f"shirt-{number}",
                    sku=f"{variant:02}-{number:04}",
                    barcode=f"4{variant:03}{number:06}",
                    **own,
                )
            )
    return rows


def by_sku(rows: list[list[Any]]) -> list[list[Any]]:
    """The rows sorted by SKU: first the first of every product, then the second of every product."""
    return sorted(rows, key=lambda cells: str(cells[PLACES["sku"]]))


def counts(ended: ImportProgress) -> tuple[str, int, int, int, int, int]:
    """How it ended."""
    rows = (ended.total_rows, ended.created_rows, ended.updated_rows, ended.skipped_rows, ended.failed_rows)
    return (ended.status, *rows)


async def test_a_file_sorted_by_sku_gives_what_the_file_sorted_by_product_gives_whatever_is_killed(
    idle_world: World, tenant: str, tmp_path: Path
) -> None:
    world, seed = idle_world, random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - how the run can be repeated
    chance = random.Random(seed)
    small_chunks(world.fleet)
    world.fleet.start({"parser": 1, "validator": 2, "committer": 2, "exporter": 1, "keeper": 1})
    rows = sheet(90, variants=6)
    together = await world.ended(world.send(f"{tenant}-t", workbook(tmp_path / "t.xlsx", rows), mode="upsert"))
    assert counts(together) == ("completed", 540, 540, 0, 0, 0)

    import_id = world.send(f"{tenant}-a", workbook(tmp_path / "a.xlsx", by_sku(rows)), mode="upsert")
    kills = 0
    mortal = [member for member in world.fleet.members if member.service != "exporter"]
    while kills < 12 and ((seen := await world.progress(import_id)) is None or not seen.ended):
        kills += await world.fleet.lose_one(chance, (0.1, 0.6), of=mortal) is not None
    apart = await world.ended(import_id, seconds=180)
    waves = await world.scalar("SELECT max(wave) FROM imports.import_chunks WHERE import_id = :id", id=import_id)
    assert waves >= 5
    assert kills > 0
    assert counts(apart) == counts(together)
    assert await world.production(f"{tenant}-a", without=OF_THE_ORDER) == await world.production(
        f"{tenant}-t", without=OF_THE_ORDER
    )

    # Sent again, nothing of it is new: neither as it was, nor in the order in which it was not.
    for name, path in ((f"{tenant}-a", "t.xlsx"), (f"{tenant}-t", "a.xlsx")):
        options = {"allow_repeat": True}
        again = await world.ended(world.send(name, tmp_path / path, mode="upsert", options=options), seconds=120)
        assert counts(again) == ("completed", 540, 0, 0, 540, 0)


async def test_rows_that_go_on_with_a_product_whose_first_row_is_bad_fail_and_name_it(
    world: World, tenant: str, tmp_path: Path
) -> None:
    rows = [
        row(handle="tee", title="Tee", sku="T-1", carbon_kg="much"),
        row(handle="cap", title="Cap", sku="C-1"),
        row(handle="tee", sku="T-2"),
        row(handle="cap", sku="C-2", carbon_kg="much"),
        row(handle="tee", sku="T-3"),
        row(handle="cap", sku="C-3"),
    ]
    ended = await world.ended(world.send(tenant, text_file(tmp_path / "f.csv", rows), mode="upsert"))
    assert counts(ended) == ("completed_with_failures", 6, 2, 0, 0, 4)
    errors = [(number, code) for number, _, code, _ in await world.errors(ended.id)]
    assert errors == [(2, "invalid_number"), (4, "first_rows_failed"), (5, "invalid_number"), (6, "first_rows_failed")]
    messages = {number: message for number, _, _, message in await world.errors(ended.id)}
    assert "row 2" in messages[4]
    assert "row 2" in messages[6]


@pytest.mark.parametrize("mode", ["upsert", "enrich"])
async def test_a_held_file_sorted_by_sku_shows_what_its_start_will_do(
    idle_world: World, tenant: str, tmp_path: Path, mode: str
) -> None:
    world = idle_world
    small_chunks(world.fleet)
    world.fleet.start({"parser": 1, "validator": 2, "committer": 2, "exporter": 1})
    rows = sheet(40, variants=4)
    there = rows if mode == "enrich" else rows[:40]
    await world.ended(world.send(tenant, text_file(tmp_path / "there.csv", there), mode="upsert"))
    for cells in rows:
        if cells[PLACES["title"]] is not None and cells[PLACES["materials"]] is not None:
            # What the first row of a product says anew is what later rows of it are compared with.
            cells[PLACES["description"]] = "New"
        elif int(cells[PLACES["sku"]][:2]) % 2:
            cells[PLACES["description"]] = "New"
    columns = [code for code in PLACES if mode == "upsert" or not code.startswith("attribute")]
    sent = [row(**{code: cells[PLACES[code]] for code in columns}) for cells in by_sku(rows)]
    # A variant that one row names by its barcode, and a later one by its SKU.
    (twice,) = [cells for cells in sent if cells[PLACES["sku"]] == "01-0003"]
    sent.append(row(handle="shirt-3", sku="01-0003", description="Else"))
    twice[PLACES["sku"]], twice[PLACES["description"]] = None, "Its own"
    import_id = world.send(tenant, text_file(tmp_path / "f.csv", sent), mode=mode, options={"hold": True})

    async def validated() -> bool:
        seen = await world.progress(import_id)
        return seen is not None and seen.parsed_at is not None and seen.stages.validated_rows == seen.total_rows

    await eventually("it is validated", validated)
    async with world.database() as conn:
        found = await conn.execute(
            text(
                "SELECT coalesce(sum(creates), 0), coalesce(sum(updates), 0), coalesce(sum(skips), 0), "
                "coalesce(sum(row_count) FILTER (WHERE status = 'failed'), 0) FROM staging.groups WHERE import_id = :id"
            ),
            {"id": import_id},
        )
        previewed = tuple(found.one())
        assert isinstance(await start_import(conn, import_id), Started)
    ended = await world.ended(import_id)
    assert (ended.created_rows, ended.updated_rows, ended.skipped_rows, ended.failed_rows) == previewed
    assert [(number, code) for number, _, code, _ in await world.errors(import_id)] == [(162, "duplicate_in_file")]
