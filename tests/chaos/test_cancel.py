"""An import is cancelled at any instant while processes die: what is committed stays and is counted, the rest is unprocessed."""

import asyncio
import csv
import random
from uuid import UUID

import pytest

from shared.db.engine import create_engine
from shared.db.transaction import tenant_transaction
from shared.ledger import ImportProgress, cancel_import
from tests.chaos.conftest import Undisturbed
from tests.harness.world import World, eventually

KILLS = 6
REPLICAS = {"parser": 1, "validator": 2, "committer": 2, "exporter": 1, "keeper": 1}


@pytest.mark.parametrize("stage", ["parser", "validator", "committer", "exporter", "keeper"])
async def test_a_cancelled_import_closes_with_every_row_in_one_place(
    idle_world: World, undisturbed: Undisturbed, chance: random.Random, tenant: str, stage: str
) -> None:
    world = idle_world
    world.fleet.start(REPLICAS)
    import_id = world.send(tenant, undisturbed.path)
    share = chance.uniform(0.0, 0.9)
    await eventually(f"{share:.0%} of it has passed", lambda: _has_passed(world, import_id, share, undisturbed))
    killed = [member for member in world.fleet.of(stage) if member.running]
    for member in killed:
        member.kill()
    cancelled = await _cancel(world, tenant, import_id)
    for _ in range(KILLS):
        world.fleet.revive()
        await asyncio.sleep(chance.uniform(0.0, 0.4))  # the instant of a kill is chance
        victim = chance.choice(world.fleet.members)
        victim.kill()
    world.fleet.revive()
    ended = await world.ended(import_id, seconds=240)
    print(f"cancelled: {cancelled} at {share:.0%}, {stage} dead: {ended.created_rows} rows are in")  # noqa: T201 - says what the run did
    if cancelled:
        assert ended.status == "cancelled"
    assert ended.updated_rows == ended.skipped_rows == 0
    await _assert_every_row_is_in_one_place(world, tenant, ended, undisturbed)


async def _has_passed(world: World, import_id: UUID, share: float, undisturbed: Undisturbed) -> bool:
    found = await world.progress(import_id)
    if found is None:
        return False
    return found.ended or found.stages.staged_rows >= share * undisturbed.outcome.total_rows > 0 or not share


async def _cancel(world: World, tenant: str, import_id: UUID) -> bool:
    """As `winnow cancel` does it."""
    engine = create_engine(world.servers.admin_url, connections=1, name="test-cancel")
    async with tenant_transaction(engine, tenant) as conn:
        done = await cancel_import(conn, import_id)
    await engine.dispose()
    return done


async def _assert_every_row_is_in_one_place(
    world: World, tenant: str, ended: ImportProgress, undisturbed: Undisturbed
) -> None:
    variants = await world.scalar("SELECT count(*) FROM catalog.product_variants WHERE tenant_id = :t", t=tenant)
    assert variants == ended.created_rows, "what is committed is counted"
    failed = await world.scalar(
        "SELECT count(*) FROM imports.raw_rows r WHERE r.import_id = :id AND EXISTS "
        "(SELECT FROM imports.row_errors e WHERE e.import_id = r.import_id AND e.group_row = r.group_row)",
        id=ended.id,
    )
    assert failed == ended.failed_rows
    handed_back = _rows_of(world, ended.unprocessed_object_key)
    assert len(handed_back) == ended.unprocessed_rows
    skus = [row["SKU"] for row in handed_back]
    in_production = await world.scalar(
        "SELECT count(*) FROM catalog.product_variants WHERE tenant_id = :t AND sku = ANY(:skus)", t=tenant, skus=skus
    )
    twice = await world.scalar(
        "SELECT count(*) FROM (SELECT import_row_no FROM catalog.product_variants WHERE tenant_id = :t "
        "GROUP BY import_row_no HAVING count(*) > 1) AS again",
        t=tenant,
    )
    assert twice == 0
    duplicates = undisturbed.outcome.failed_rows
    assert in_production <= duplicates, "only what the file says twice can be both in production and handed back"

    async def settled() -> bool:
        return not await world.scalar("SELECT count(*) FROM imports.outbox WHERE import_id = :id", id=ended.id)

    await eventually("no event about it is left", settled, seconds=120)
    left = await world.scalar(
        "SELECT count(*) FROM staging.groups WHERE import_id = :id AND status <> 'failed'", id=ended.id
    )
    assert left == 0, "nothing of it waits"
    open_chunks = await world.scalar(
        "SELECT count(*) FROM imports.import_chunks WHERE import_id = :id AND state IN ('staged', 'validated')",
        id=ended.id,
    )
    assert open_chunks == 0


def _rows_of(world: World, key: str | None) -> list[dict[str, str]]:
    if key is None:
        return []
    with world.fetch(key).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))
