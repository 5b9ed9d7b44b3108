"""Services as operators see them: healthy, measured, quiet, and gone when told to."""

import json
from pathlib import Path

import pytest

from deploy.local.processes import free_port
from tests.harness.files import catalogue, product, workbook
from tests.harness.fleet import STAGES, ServiceProcess
from tests.harness.world import World, eventually

SERVICES = (*STAGES, "keeper", "notifier")


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_is_alive_ready_and_measured(idle_world: World, service: str) -> None:
    world = idle_world
    world.fleet.start({service: 1})
    (member,) = world.fleet.of(service)
    assert member.answer("/livez") == (200, "ok")
    assert member.answer("/readyz") == (200, "ok")
    status, metrics = member.answer("/metrics")
    assert status == 200
    assert "winnow_events_handled_total" in metrics or "winnow_state" in metrics


async def test_an_undisturbed_import_leaves_no_warning_and_every_line_says_which_import(
    idle_world: World, tenant: str, tmp_path: Path
) -> None:
    idle_world.fleet.start(dict.fromkeys(SERVICES, 1))
    path = workbook(tmp_path / "autumn.xlsx", [*catalogue(300), *product(999, weight_g="heavy")])
    ended = await idle_world.ended(idle_world.send(tenant, path))
    assert ended.failed_rows == 1
    lines = [json.loads(line) for stage in STAGES for line in idle_world.fleet.logged(stage).splitlines()]
    # What other tests left under way is told of by these services as well.
    own = [line for line in lines if line.get("tenant", tenant) == tenant]
    assert [line for line in own if line.get("level") not in {"info", "debug"}] == []
    committed = [line for line in lines if line.get("event") == "chunk.committed"]
    assert all(line["import_id"] for line in committed)
    own = [line for line in committed if line["tenant"] == tenant]
    assert {line["import_id"] for line in own} == {str(ended.id)}
    assert sorted(line["chunk"] for line in own) == list(range(1, len(own) + 1))


async def test_no_secret_is_in_any_log(idle_world: World, tenant: str, tmp_path: Path) -> None:
    idle_world.fleet.start(dict.fromkeys(SERVICES, 1))
    await idle_world.ended(idle_world.send(tenant, workbook(tmp_path / "autumn.xlsx", catalogue(3))))
    secrets = {
        value.rpartition("@")[0].rpartition(":")[2] if "://" in value else value
        for member in idle_world.fleet.members
        for name, value in member.environment.items()
        if name.endswith(("DATABASE_URL", "_SECRET_KEY", "_SIGNING_KEY", "_GATEWAY_SECRET"))
    }
    assert secrets
    for member in idle_world.fleet.members:
        logged = member.log.read_text()
        assert [secret for secret in secrets if secret in logged] == []


async def test_a_service_told_to_stop_ends_cleanly(idle_world: World) -> None:
    idle_world.fleet.start(dict.fromkeys(SERVICES, 1))
    for member in idle_world.fleet.members:
        assert member.stop() == 0, member.log.read_text()[-2000:]


async def test_a_service_that_waits_for_kafka_is_alive_not_ready_and_can_be_stopped(idle_world: World) -> None:
    told = {**idle_world.fleet.environment_of("validator", 7), "WINNOW_KAFKA_BOOTSTRAP": f"127.0.0.1:{free_port()}"}
    member = ServiceProcess("validator", 7, told, idle_world.folder / "waiting.log")
    member.start()

    async def waits() -> bool:
        return member.answer("/livez") == (200, "ok") and member.answer("/readyz") == (503, "starting")

    await eventually("it answers", waits)
    assert member.stop() == 0
