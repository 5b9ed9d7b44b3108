"""kill -9 while repaired files are imported: each row is repaired once, and counted once, over several rounds."""

import random
from pathlib import Path
from uuid import UUID

from shared.intake.repairs import read_repairs
from shared.ledger import ImportProgress
from tests.harness.corrections import CorrectionFile
from tests.harness.files import product, text_file
from tests.harness.world import World

STAGES = {"parser": 1, "validator": 2, "committer": 2, "exporter": 1}
PRODUCTS = 600
KILLS_A_ROUND = 8


async def disturbed(world: World, chance: random.Random, tenant: str, path: Path) -> ImportProgress:
    """An import while which stages are killed at any instant."""
    import_id = world.send(tenant, path)
    for _ in range(KILLS_A_ROUND):
        await world.fleet.lose_one(chance, (0.05, 0.6))
    return await world.ended(import_id, seconds=240)


async def numbers(world: World, import_id: UUID) -> tuple[int, int]:
    async with world.database() as conn:
        found = await read_repairs(conn, import_id)
    return found.repaired_rows, found.open_rows


async def test_what_is_repaired_is_counted_once_whatever_is_killed(
    idle_world: World, chance: random.Random, tenant: str, tmp_path: Path
) -> None:
    world = idle_world
    world.fleet.start(STAGES)
    rows = [one for number in range(1, PRODUCTS + 1) for one in product(number, variants=2, carbon_kg="heavy")]
    first = await disturbed(world, chance, tenant, text_file(tmp_path / "autumn.csv", rows))
    assert (first.created_rows, first.failed_rows) == (0, 2 * PRODUCTS)
    last, repaired = first, 0
    for kept_bad in (10, 3, None):
        file = CorrectionFile.read(world.fetch(str(last.failed_rows_object_key)))
        titled = [record for record in file.rows if record[file.column("handle")]]
        for place, record in enumerate(titled):
            if kept_bad is None or place % kept_bad:
                file.mend(record, carbon_kg="1")
                repaired += 2
        last = await disturbed(world, chance, tenant, file.saved())
        assert await numbers(world, first.id) == (repaired, 2 * PRODUCTS - repaired)
    assert (last.failed_rows, repaired) == (0, 2 * PRODUCTS)
    there = "SELECT count(*) FROM catalog.product_variants WHERE tenant_id = :tenant"
    assert await world.scalar(there, tenant=tenant) == 2 * PRODUCTS
