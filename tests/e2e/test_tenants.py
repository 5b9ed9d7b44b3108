"""Whose files are imported: tenants are registered, and a misspelt one is refused before anything is done for it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from deploy.local.stack import Stack
from tests.e2e.test_command import Command
from tests.harness.files import catalogue, workbook
from tests.harness.fleet import STAGES, Fleet
from tests.harness.world import World, eventually


@pytest.fixture
def strict_world(idle_world: World) -> Iterator[World]:
    """Winnow as it runs by default: unknown tenants are refused."""
    told = idle_world.fleet.environment_of

    def strict(service: str, replica: int) -> Mapping[str, str]:
        return {**told(service, replica), "WINNOW_PARSER_ADMIT_UNKNOWN_TENANTS": "false"}

    world = World(idle_world.servers, Fleet(strict, idle_world.folder), idle_world.folder)
    world.fleet.start(dict.fromkeys((*STAGES, "keeper"), 1))
    yield world
    world.fleet.stop()


async def test_an_event_of_an_unknown_tenant_is_a_dead_letter_until_it_is_registered(
    strict_world: World, stack: Stack, tenant: str, tmp_path: Path
) -> None:
    winnow = Command(stack, tmp_path)
    await strict_world.register(tenant)
    misspelt = f"{tenant}x"
    import_id = strict_world.send(misspelt, workbook(tmp_path / "autumn.xlsx", catalogue(3)))

    async def listed() -> dict[str, Any] | None:
        letters = await winnow.json("dead-letters", "list", "--topic", "file-uploaded")
        return next((letter for letter in letters if str(import_id) in letter["body"]), None)

    letter = await eventually("the event is a dead letter", listed)
    assert letter["error"] == "UnknownTenant"
    assert f'Did you mean "{tenant}"?' in letter["message"]
    assert f"winnow tenants add {misspelt}" in letter["message"]
    assert await strict_world.progress(import_id) is None
    count = "SELECT count(*) FROM imports.tenants WHERE tenant_id = :tenant"
    assert await strict_world.scalar(count, tenant=misspelt) == 0

    again = await winnow("dead-letters", "redrive", letter["id"])
    assert again.returncode == 1
    assert "It came back as" in again.stdout
    letter = await eventually("it is a dead letter again", listed)

    assert (await winnow("tenants", "add", misspelt)).returncode == 0
    assert (await winnow("dead-letters", "redrive", letter["id"])).returncode == 0
    ended = await strict_world.ended(import_id)
    assert (ended.status, ended.created_rows) == ("completed", 9)


async def test_an_invalid_event_of_an_unknown_tenant_makes_no_import(
    strict_world: World, stack: Stack, tenant: str, tmp_path: Path
) -> None:
    winnow = Command(stack, tmp_path)
    strict_world.publish({"tenant_id": tenant, "file_name": "autumn.xlsx"})

    async def listed() -> bool:
        letters = await winnow.json("dead-letters", "list", "--topic", "file-uploaded")
        return any(tenant in letter["body"] for letter in letters)

    await eventually("the event is a dead letter", listed)
    assert (
        await strict_world.scalar("SELECT count(*) FROM imports.imports WHERE tenant_id = :tenant", tenant=tenant) == 0
    )


async def test_where_unknown_tenants_are_admitted_they_are_registered_on_first_sight(
    world: World, stack: Stack, tenant: str, tmp_path: Path
) -> None:
    await world.ended(world.send(tenant, workbook(tmp_path / "autumn.xlsx", catalogue(1))))
    known = await Command(stack, tmp_path).json("tenants", "list")
    assert tenant in {each["tenant"] for each in known}


async def test_the_command_refuses_a_misspelt_tenant_before_anything_is_uploaded(
    world: World, stack: Stack, tenant: str, tmp_path: Path
) -> None:
    winnow = Command(stack, tmp_path)
    assert await winnow.json("tenants", "add", tenant) == {"tenant": tenant, "added": True}
    assert await winnow.json("tenants", "add", tenant) == {"tenant": tenant, "added": False}
    path = workbook(tmp_path / "autumn.xlsx", catalogue(1))
    refused = await winnow("import", path, "--tenant", f"{tenant}x")
    assert refused.returncode == 64
    assert f'Did you mean "{tenant}"?' in refused.stderr
    assert "nothing was sent" in refused.stderr
    assert list(world.storage.list_objects("winnow-uploads", prefix=f"{tenant}x/", recursive=True)) == []
    for listing in ("status", "imports"):
        asked = await winnow(listing, "--tenant", f"{tenant}x", "--json")
        assert (asked.returncode, asked.stdout) == (64, "")
        assert f'Did you mean "{tenant}"?' in asked.stderr
