"""Imports that wait for a person: held by `--hold`, started once, or cancelled."""

import json
from pathlib import Path

import pytest

from deploy.local.stack import Stack
from tests.e2e.test_command import Command
from tests.harness.files import catalogue, product, workbook
from tests.harness.world import World, eventually

IN_PRODUCTION = "SELECT count(*) FROM catalog.products WHERE tenant_id = :tenant"


@pytest.fixture
async def winnow(stack: Stack, world: World, tmp_path: Path, tenant: str) -> Command:
    """The command, for a tenant that is registered."""
    await world.register(tenant)
    return Command(stack, tmp_path)


async def test_a_held_import_commits_nothing_before_it_is_started_and_then_everything(
    world: World, winnow: Command, tenant: str, tmp_path: Path
) -> None:
    path = workbook(tmp_path / "autumn.xlsx", [*catalogue(2), *product(9, weight_g="heavy")])
    held = await winnow("import", path, "--tenant", tenant, "--hold", "--watch", "--json")
    assert held.returncode == 0, held.stderr
    sent = json.loads(held.stdout)
    assert (sent["status"], sent["total_rows"], sent["created_rows"]) == ("previewing", 7, 0)
    assert await world.scalar(IN_PRODUCTION, tenant=tenant) == 0
    shown = await winnow("status", sent["id"])
    assert shown.stdout.startswith("held  autumn.xlsx")
    assert '"heavy" is not a number' in " ".join(shown.stdout.split()), "what is wrong is known before anything is done"
    assert f"start {sent['id']}" in shown.stdout

    assert await winnow.json("start", sent["id"]) == {"id": sent["id"], "started": True, "status": "importing"}
    watched = await winnow("watch", sent["id"], "--json")
    assert watched.returncode == 2, watched.stderr
    assert json.loads(watched.stdout)["created_rows"] == 6
    assert await world.scalar(IN_PRODUCTION, tenant=tenant) == 2

    again = await winnow("start", sent["id"])
    assert again.returncode == 0
    assert "Nothing to do" in again.stdout
    too_late = await winnow("cancel", sent["id"])
    assert too_late.returncode == 1
    assert "completed with failures; there is nothing to cancel" in too_late.stderr


async def test_a_held_import_that_is_cancelled_leaves_production_as_it_was(
    world: World, winnow: Command, tenant: str, tmp_path: Path
) -> None:
    path = workbook(tmp_path / "autumn.xlsx", catalogue(2))
    sent = await winnow.json("import", path, "--tenant", tenant, "--hold", "--watch")
    cancelled = await winnow.json("cancel", sent["id"])
    assert (cancelled["cancelled"], cancelled["status"], cancelled["unprocessed_rows"]) == (True, "cancelled", 6)
    assert await world.scalar(IN_PRODUCTION, tenant=tenant) == 0
    refused = await winnow("start", sent["id"])
    assert refused.returncode == 1
    assert "is cancelled" in refused.stderr


async def test_a_start_that_comes_too_early_says_what_is_waited_for(
    idle_world: World, stack: Stack, tenant: str, tmp_path: Path
) -> None:
    winnow = Command(stack, tmp_path)
    await idle_world.register(tenant)
    idle_world.fleet.start({"gateway": 1})
    sent = await winnow.json("import", workbook(tmp_path / "a.xlsx", catalogue(2)), "--tenant", tenant, "--hold")
    early = await winnow("start", sent["id"])
    assert early.returncode == 1
    assert "its file waits to be read" in early.stderr

    idle_world.fleet.start({"parser": 1})

    async def read() -> bool:
        found = await idle_world.progress(sent["id"])
        return found is not None and found.parsed_at is not None

    await eventually("the file is read", read)
    early = await winnow("start", sent["id"])
    assert early.returncode == 1
    assert "6 of 6 rows are still being validated" in early.stderr
