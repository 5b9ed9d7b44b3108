"""The keeper is killed before every one of its steps, one after another: what goes on with it afterwards gives the same end."""

import asyncio
import io
from pathlib import Path

from deploy.local.s3_server import RESULTS, UPLOADS
from deploy.local.stack import Stack
from tests.harness.files import catalogue, product, workbook
from tests.harness.fleet import STAGES
from tests.harness.keeping import age, keeper_of, killed_after
from tests.harness.production import difference
from tests.harness.world import World, eventually

MOST_STEPS = 200
KEPT = (
    "SELECT (SELECT count(*) FROM imports.raw_rows WHERE import_id = :id) + (SELECT count(*) FROM imports.row_errors WHERE import_id = :id) "
    "+ (SELECT count(*) FROM staging.groups WHERE import_id = :id) + (SELECT count(*) FROM staging.products WHERE import_id = :id)"
)


async def test_a_keeper_that_dies_before_every_step_leaves_what_one_clean_round_leaves(
    idle_world: World, stack: Stack, tenant: str, tmp_path: Path
) -> None:
    world = idle_world
    world.fleet.start(dict.fromkeys(STAGES, 1))
    baseline = keeper_of(stack)
    await baseline.run()
    await baseline.engine.dispose()
    good = await world.ended(world.send(tenant, workbook(tmp_path / "good.xlsx", catalogue(2))))
    bad = await world.ended(
        world.send(tenant, workbook(tmp_path / "bad.xlsx", [*catalogue(2, start=20), *product(9, carbon_kg="x")]))
    )
    young = await world.ended(world.send(tenant, workbook(tmp_path / "young.xlsx", product(50, carbon_kg="x"))))
    held = world.send(tenant, workbook(tmp_path / "held.xlsx", product(60)), options={"hold": True})

    async def validated() -> bool:
        found = await world.progress(held)
        return found is not None and found.stages.validated_rows == found.total_rows > 0

    await eventually("the held one can be started", validated)
    world.storage.put_object(UPLOADS, f"{tenant}/forgotten.csv", io.BytesIO(b"a"), 1)
    for import_id in (good.id, bad.id):
        await age(world, import_id, days=31)
    await age(world, held, hours=25)
    before, kept = await world.production(tenant), await world.scalar(KEPT, id=young.id)

    # The first step is done, the second is not begun: whatever a round has left, the next one meets it.
    kills = 0
    while await asyncio.to_thread(killed_after, stack, 2):
        kills += 1
        assert kills < MOST_STEPS, "each round gets on by a step"
    print(f"kills: {kills}")  # noqa: T201 - says what the run did
    assert kills >= 7

    last = keeper_of(stack, dry_run=True)
    assert not any((await last.run()).values()), "there is nothing left to do"
    await last.engine.dispose()
    for gone in (good, bad):
        assert await world.scalar(KEPT, id=gone.id) == 0
        now = await world.progress(gone.id)
        assert now is not None
        assert (now.status, now.total_rows, now.failed_rows) == (gone.status, gone.total_rows, gone.failed_rows)
        assert None not in (now.rows_expired_at, now.upload_removed_at, now.results_removed_at)
    assert await world.scalar(KEPT, id=young.id) == kept
    ended = await world.ended(held)
    assert (ended.status, ended.unprocessed_rows) == ("cancelled", 1)
    left = {
        found.object_name
        for bucket in (UPLOADS, RESULTS)
        for found in world.storage.list_objects(bucket, prefix=f"{tenant}/", recursive=True)
    }
    assert left == {
        young.object_key,
        young.correction_object_key,
        young.failed_rows_object_key,
        ended.object_key,
        ended.unprocessed_object_key,
    }
    assert difference(before, await world.production(tenant)) == []
