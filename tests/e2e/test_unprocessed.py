"""Rows that an import did not come to, handed back by running services and by the command, and sent again."""

import csv
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from deploy.local.stack import Stack
from services.parser.formats.records import MOST_FIELD
from tests.e2e.test_command import Command
from tests.harness.files import HEADINGS, catalogue, product, text_file
from tests.harness.world import World, eventually

SKU = HEADINGS.index("SKU")


@pytest.fixture
async def winnow(world: World, stack: Stack, tmp_path: Path, tenant: str) -> Command:
    """The command, for a tenant that is registered."""
    await world.register(tenant)
    return Command(stack, tmp_path)


async def in_production(world: World, tenant: str) -> Counter[str]:
    async with world.database() as conn:
        found = await conn.execute(text("SELECT sku FROM catalog.product_variants WHERE tenant_id = :t"), {"t": tenant})
        return Counter(found.scalars())


def skus(path: Path) -> Counter[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return Counter(record[SKU] for record in list(csv.reader(file))[1:])


def of(rows: list[list[Any]]) -> Counter[str]:
    return Counter(str(cells[SKU]) for cells in rows)


async def test_what_was_read_and_not_imported_of_a_damaged_file_is_fetched_and_sent_as_it_is(
    winnow: Command, world: World, tenant: str, tmp_path: Path
) -> None:
    rows = [*catalogue(800), *product(801, weight_g="heavy")]
    path = text_file(tmp_path / "autumn.csv", rows)
    path.write_text(path.read_text() + "x" * (MOST_FIELD + 1))
    done = await winnow("import", path, "--tenant", tenant, "--watch")
    assert done.returncode == 1, done.stderr
    said = " ".join(done.stdout.split())
    assert "2,401 rows = 2,400 created + 0 updated + 0 skipped + 0 failed + 1 not processed" in said
    assert "The file was read up to row 2,402; what follows row 2,402 could not be read" in said
    assert "1 row not processed, in a file to send again" in said
    (found,) = await winnow.json("status", "--tenant", tenant)
    assert (found["unprocessed_rows"], (await winnow.json("status", found["id"]))["read_to_row"]) == (1, 2402)
    assert f"corrections {found['id']} --unprocessed" in (await winnow("errors", found["id"])).stdout
    nothing = await winnow("corrections", found["id"], "-o", "corrections.xlsx")
    assert nothing.returncode == 1
    assert f"corrections {found['id']} --unprocessed" in nothing.stderr

    left = tmp_path / "unprocessed.csv"
    fetched = await winnow("corrections", found["id"], "--unprocessed", "-o", left)
    assert fetched.returncode == 0, fetched.stderr
    assert "1 row not processed in" in " ".join(fetched.stdout.split())
    assert (await in_production(world, tenant)) + skus(left) == of(rows)
    again = await winnow("import", left, "--tenant", tenant, "--watch", "--json")
    assert again.returncode == 2, "its weight is still no number"
    assert (await winnow("corrections", found["id"], "--unprocessed", "-o", "a.xlsx")).returncode == 64


async def test_a_parser_that_is_killed_while_what_is_left_over_is_kept_changes_nothing(
    idle_world: World, tenant: str, tmp_path: Path
) -> None:
    world = idle_world
    world.fleet.start({"parser": 1, "validator": 1, "committer": 1, "exporter": 1, "keeper": 1})
    rows = [*catalogue(1000), *product(1001, variants=20_001), *catalogue(2000, start=2000)]
    path = text_file(tmp_path / "autumn.csv", rows)
    import_id = world.send(tenant, path)
    for chunks in (2, 5, 8):

        async def staged(at_least: int = chunks) -> bool:
            query = "SELECT count(*) >= :chunks FROM imports.import_chunks WHERE import_id = :id"
            return bool(await world.scalar(query, chunks=at_least, id=import_id))

        await eventually(f"{chunks} chunks are there", staged, every=0.01)
        for parser in world.fleet.of("parser"):
            parser.kill()
        world.fleet.revive()
    ended = await world.ended(import_id)
    assert ended.error is not None
    assert (ended.status, ended.error["code"], ended.read_to_row) == ("failed", "group_too_large", None)
    assert (ended.total_rows, ended.created_rows, ended.unprocessed_rows) == (29_001, 3000, 26_001)
    assert ended.unprocessed_object_key is not None
    assert (await in_production(world, tenant)) + skus(world.fetch(ended.unprocessed_object_key)) == of(rows)
