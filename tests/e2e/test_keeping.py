"""`winnow dismiss` and `winnow cleanup`, and what is said of what is gone."""

import json
from pathlib import Path

import pytest
from sqlalchemy import text

from deploy.local.stack import Stack
from tests.e2e.test_command import Command
from tests.harness.files import catalogue, product, workbook
from tests.harness.keeping import age
from tests.harness.world import World, eventually


@pytest.fixture
async def winnow(stack: Stack, world: World, tmp_path: Path, tenant: str) -> Command:
    """The command, for a tenant that is registered."""
    await world.register(tenant)
    return Command(stack, tmp_path)


async def test_only_imports_with_failures_can_be_dismissed(
    world: World, winnow: Command, tenant: str, tmp_path: Path
) -> None:
    good = await world.ended(world.send(tenant, workbook(tmp_path / "good.xlsx", catalogue(2))))
    refused = await winnow("dismiss", good.id)
    assert refused.returncode == 1
    assert "Only imports with failures can be dismissed" in refused.stderr
    assert "is completed" in refused.stderr
    held = await winnow.json(
        "import",
        workbook(tmp_path / "held.xlsx", product(9, weight_g="heavy")),
        "--tenant",
        tenant,
        "--hold",
        "--watch",
    )
    open_ = await winnow("dismiss", held["id"])
    assert open_.returncode == 1
    assert "Only imports that have ended can be dismissed" in open_.stderr
    assert (await winnow.json("cancel", held["id"]))["status"] == "cancelled"
    assert (await winnow("dismiss", held["id"])).returncode == 1, "no row of it failed"
    unknown = await winnow("dismiss", "0199d3c5-7a51-7e1a-a2f4-53f1c9f0a1b2")
    assert unknown.returncode == 1
    assert "There is no import" in unknown.stderr


async def test_a_dismissed_import_keeps_its_numbers_and_files_and_is_shown_as_such(
    world: World, winnow: Command, tenant: str, tmp_path: Path
) -> None:
    path = workbook(tmp_path / "autumn.xlsx", [*catalogue(2), *product(9, weight_g="heavy")])
    ended = await world.ended(world.send(tenant, path))
    dismissed = await winnow.json("dismiss", ended.id)
    assert (dismissed["dismissed"], dismissed["status"], dismissed["failed_rows"]) == (True, "dismissed", 1)
    assert dismissed["dismissed_at"]
    again = await winnow("dismiss", ended.id)
    assert again.returncode == 0, "twice is no error"
    assert "It was dismissed before" in again.stdout
    assert (await winnow.json("dismiss", ended.id))["dismissed"] is False
    assert (await winnow.json("status", ended.id))["dismissed_at"] == dismissed["dismissed_at"]
    shown = await winnow("status", "--tenant", tenant)
    assert "dismissed" in shown.stdout
    assert "6 created" in (await winnow("status", ended.id)).stdout
    assert (await winnow("corrections", ended.id, "-o", tmp_path / "fixed.xlsx")).returncode == 0
    assert len(await winnow.json("errors", ended.id)) == 1
    other = await winnow("dismiss", ended.id, "--tenant", f"{tenant}-2")
    assert other.returncode == 1


async def test_a_refused_file_can_be_dismissed(world: World, winnow: Command, tenant: str, tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_bytes(b"")
    ended = await world.ended(world.send(tenant, tmp_path / "empty.csv"))
    assert ended.status == "failed"
    assert (await winnow.json("dismiss", ended.id))["status"] == "dismissed"


async def test_files_of_an_import_that_is_dismissed_before_they_are_written_are_written_all_the_same(
    idle_world: World, stack: Stack, tenant: str, tmp_path: Path
) -> None:
    world, winnow = idle_world, Command(stack, tmp_path)
    world.fleet.start({"parser": 1, "validator": 1, "committer": 1, "gateway": 1})
    import_id = world.send(tenant, workbook(tmp_path / "a.xlsx", [*catalogue(1), *product(9, weight_g="heavy")]))

    async def over() -> bool:
        found = await world.progress(import_id)
        return found is not None and found.ended

    await eventually("it has ended", over)
    assert (await winnow.json("dismiss", import_id))["status"] == "dismissed"
    world.fleet.start({"exporter": 1})
    ended = await world.ended(import_id)
    assert ended.status == "dismissed"
    assert ended.correction_object_key is not None


async def test_cleanup_says_what_would_go_and_removes_it_and_corrections_say_that_it_is_gone(
    world: World, winnow: Command, tenant: str, tmp_path: Path
) -> None:
    path = workbook(tmp_path / "autumn.xlsx", [*catalogue(2), *product(9, weight_g="heavy")])
    ended = await world.ended(world.send(tenant, path))

    async def quiet() -> bool:
        return not await world.scalar("SELECT count(*) FROM imports.outbox WHERE import_id = :id", id=ended.id)

    await eventually("nothing of it is under way", quiet)
    await winnow("cleanup")
    assert "Nothing is kept for longer" in (await winnow("cleanup")).stdout
    await age(world, ended.id, days=30, hours=1)

    would = await winnow.json("cleanup", "--dry-run")
    assert would["dry_run"] is True
    assert (would["raw_rows"], would["row_errors"], would["results"]) == (8, 1, 2)
    shown = await winnow("cleanup", "--dry-run")
    assert "8  rows as they were read" in shown.stdout
    assert "Nothing was removed" in shown.stdout
    assert (await winnow("corrections", ended.id, "-o", tmp_path / "there.xlsx")).returncode == 0

    done = await winnow("cleanup", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {**would, "dry_run": False}
    gone = await winnow("corrections", ended.id, "-o", tmp_path / "gone.xlsx")
    assert gone.returncode == 1
    assert "were kept for 30 days and are gone" in gone.stderr
    assert not (tmp_path / "gone.xlsx").exists()
    errors = await winnow("errors", ended.id)
    assert (errors.returncode, "were kept for 30 days and are gone" in errors.stdout) == (0, True)
    status = await winnow("status", ended.id)
    assert "6 created" in status.stdout
    assert "files were kept for 30 days, and are gone" in status.stdout
    assert "corrections.xlsx" not in status.stdout, "nothing is advised that cannot be done"


async def test_an_erased_tenant_is_listed_with_who_and_when(
    world: World, winnow: Command, tenant: str, tmp_path: Path
) -> None:
    ended = await world.ended(world.send(tenant, workbook(tmp_path / "a.xlsx", catalogue(1))))

    async def quiet() -> bool:
        return not await world.scalar("SELECT count(*) FROM imports.outbox WHERE import_id = :id", id=ended.id)

    await eventually("nothing of it is under way", quiet)
    erased = await winnow.json("erase-tenant", tenant, "--yes")
    assert erased["rows"]["catalog.products"] == 1
    (record,) = [each for each in await winnow.json("tenants", "erased") if each["tenant"] == tenant]
    assert record["erased"]["objects"] == erased["objects"]
    assert tenant in (await winnow("tenants", "erased")).stdout
    async with world.database() as conn:
        left = await conn.scalar(text("SELECT count(*) FROM imports.imports WHERE tenant_id = :t"), {"t": tenant})
    assert left == 0
