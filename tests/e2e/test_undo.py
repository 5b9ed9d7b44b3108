"""`winnow undo` on running services, while they are killed."""

import json
from pathlib import Path

import pytest

from deploy.local.stack import Stack
from tests.e2e.test_command import Command
from tests.harness.files import catalogue, row, workbook
from tests.harness.production import difference, snapshot
from tests.harness.world import World

IN_PRODUCTION = "SELECT count(*) FROM catalog.products WHERE tenant_id = :tenant"


@pytest.fixture
async def winnow(stack: Stack, world: World, tmp_path: Path, tenant: str) -> Command:
    """The command, for a tenant that is registered."""
    await world.register(tenant)
    return Command(stack, tmp_path)


async def test_an_import_is_taken_back_by_its_id_and_shown_as_taken_back(
    world: World, winnow: Command, tenant: str, tmp_path: Path
) -> None:
    first = await winnow(
        "import", workbook(tmp_path / "a.xlsx", catalogue(1500)), "--tenant", tenant, "--watch", "--json"
    )
    assert first.returncode == 0, first.stderr
    async with world.database() as conn:
        before = await snapshot(conn, tenant)
    prices = [row(sku=f"SKU-{number}-1", weight_g=number, materials="Hemp") for number in range(1, 301)]
    second = await winnow(
        "import", workbook(tmp_path / "b.xlsx", prices), "--tenant", tenant, "--mode", "enrich", "--watch", "--json"
    )
    assert second.returncode == 0, second.stdout
    changed = json.loads(second.stdout)
    assert changed["updated_rows"] == 300

    refused = await winnow("undo", json.loads(first.stdout)["id"], "--user", "ann", "--watch")
    assert refused.returncode == 2
    assert "4,500 rows = 3,600 taken back + 0 with nothing left to take back + 900 left as they are" in refused.stdout
    assert 'changed since by "b.xlsx"' in refused.stdout
    assert await world.scalar(IN_PRODUCTION, tenant=tenant) == 300

    undone = await winnow("undo", changed["id"], "--user", "ann", "--watch", "--json")
    assert undone.returncode == 0, undone.stderr
    assert json.loads(undone.stdout)["undoes_import_id"] == changed["id"]
    assert f"taken back by import {json.loads(undone.stdout)['id']}" in (await winnow("status", changed["id"])).stdout

    rest = await winnow("undo", json.loads(first.stdout)["id"], "--user", "ann", "--watch")
    assert rest.returncode == 0, rest.stdout
    assert "removed 300 products, 900 variants" in rest.stdout
    async with world.database() as conn:
        after = await snapshot(conn, tenant)
    assert not any(after.values()), difference(before, after)
