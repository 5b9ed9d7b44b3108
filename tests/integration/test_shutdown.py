"""Told to stop, a process ends within its grace period with exit code 0, whatever it was doing."""

import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

import psutil
import pytest
from uuid_utils.compat import uuid7

from deploy.local.processes import free_port
from deploy.local.stack import Stack
from tests.harness.files import catalogue, workbook
from tests.harness.fleet import STAGES, ServiceProcess
from tests.harness.frozen import frozen
from tests.harness.world import World, eventually

GRACE = 3.0
# What Python itself takes to end on a busy machine.
LEAVING = 1.0


def started(world: World, service: str, **told: str) -> ServiceProcess:
    """A process of a service that is told something else than usual; not waited for."""
    environment = {
        **world.fleet.environment_of(service, 0),
        "WINNOW_GRACE_SECONDS": str(GRACE),
        "WINNOW_REPLICA": f"shutdown-{uuid4().hex[:8]}",
        **told,
    }
    member = ServiceProcess(service, 0, environment, world.folder / f"{service}-shutdown.log")
    member.start()
    world.fleet.members.append(member)
    return member


def ends(member: ServiceProcess, *, within: float = GRACE + LEAVING) -> None:
    """Tell it to stop, once, and wait no longer than it may take."""
    assert member.process is not None
    member.signal(signal.SIGTERM)
    try:
        code = member.process.wait(within)
    except subprocess.TimeoutExpired:
        pytest.fail(f"{member.service} did not end:\n{member.log.read_text()[-3000:]}")
    assert code == 0, member.log.read_text()[-3000:]


async def says(member: ServiceProcess, path: str, part: str) -> None:
    """Wait until its health server says something."""

    async def said() -> bool:
        status, answer = member.answer(path)
        return status != 0 and part in answer

    try:
        await eventually(f"{path} says {part!r}", said, seconds=40)
    except AssertionError as late:
        raise AssertionError(f"{late}: {member.answer(path)}\n{member.log.read_text()[-3000:]}") from None


def chunk_event(tenant: str) -> Mapping[str, object]:
    """An event of a chunk nobody knows, for any of the stages inside."""
    return {
        "tenant_id": tenant,
        "import_id": str(uuid7()),
        "entity_type": "products",
        "mode": "create",
        "chunk_no": 1,
        "first_row": 2,
        "last_row": 2,
        "row_count": 1,
    }


def upload_event(world: World, tenant: str, path: Path) -> Mapping[str, object]:
    return {
        "tenant_id": tenant,
        "user_id": "tester",
        "entity_type": "products",
        "mode": "create",
        "object_key": world.put(tenant, path),
        "file_name": path.name,
    }


@pytest.mark.parametrize("service", [*STAGES, "keeper", "notifier"])
async def test_one_that_has_nothing_to_do(idle_world: World, service: str) -> None:
    member = started(idle_world, service)
    member.wait_ready()
    if service == "keeper":
        # Its first rounds begin as it starts; what they count is there when they are over.
        await says(member, "/metrics", "winnow_topic_lag{")
    ends(member)
    assert "stop_cut_short" not in member.log.read_text()


async def test_one_that_has_just_been_started(idle_world: World) -> None:
    member = started(idle_world, "validator")
    await says(member, "/livez", "ok")
    ends(member)


async def test_one_that_has_stopped_itself(idle_world: World, tenant: str) -> None:
    member = started(idle_world, "validator", WINNOW_BUDGET_CONSECUTIVE="1")
    member.wait_ready()
    for _ in range(20):
        # On every partition: what follows the first is what it stops before.
        idle_world.publish(b"no event", topic="rows-staged")
    await says(member, "/readyz", "stopped: ")
    ends(member)
    assert "stop_cut_short" not in member.log.read_text(), "nothing had to be waited for"


@pytest.mark.parametrize("service", ["parser", "keeper"])
async def test_one_that_waits_for_kafka_since_it_was_started(idle_world: World, service: str) -> None:
    member = started(idle_world, service, WINNOW_KAFKA_BOOTSTRAP=f"127.0.0.1:{free_port()}")
    await says(member, "/readyz", "starting")
    ends(member)


async def test_one_that_waits_for_a_database_that_is_away(idle_world: World, tenant: str) -> None:
    nowhere = f"postgresql+asyncpg://nobody:nothing@127.0.0.1:{free_port()}/nowhere"
    member = started(idle_world, "validator", WINNOW_DATABASE_URL=nowhere, WINNOW_RELAY_DATABASE_URL=nowhere)
    idle_world.publish(chunk_event(tenant), topic="rows-staged")
    await says(member, "/readyz", "ConnectionRefusedError")
    ends(member)
    assert "stop_cut_short" not in member.log.read_text()


async def test_one_that_waits_for_storage_that_is_away(idle_world: World, tenant: str, tmp_path: Path) -> None:
    event = upload_event(idle_world, tenant, workbook(tmp_path / "few.xlsx", catalogue(2)))
    member = started(idle_world, "parser", WINNOW_S3_ENDPOINT=f"http://127.0.0.1:{free_port()}")
    idle_world.publish(event)
    await says(member, "/metrics", 'winnow_state{state="degraded"} 1.0')
    ends(member)


async def test_one_in_a_large_file_and_another_goes_on_from_there(
    idle_world: World, tenant: str, tmp_path: Path
) -> None:
    world = idle_world
    member = started(world, "parser", WINNOW_PARSER_CHUNK_ROWS="500")
    member.wait_ready()
    import_id = world.send(tenant, workbook(tmp_path / "large.xlsx", catalogue(8000, variants=2)))

    async def reading() -> bool:
        staged = await world.scalar("SELECT count(*) FROM imports.import_chunks WHERE import_id = :id", id=import_id)
        return bool(staged)

    await eventually("some of it is staged", reading, every=0.02)
    assert member.process is not None
    readers = psutil.Process(member.process.pid).children(recursive=True)
    assert readers, "it is still being read"
    ends(member)
    assert [reader for reader in readers if reader.is_running() and reader.status() != psutil.STATUS_ZOMBIE] == []
    started(world, "parser")

    async def read() -> bool:
        return bool(
            await world.scalar("SELECT parsed_at IS NOT NULL FROM imports.imports WHERE id = :id", id=import_id)
        )

    await eventually("the next one reads it to the end", read)


@pytest.mark.parametrize("server", ["postgres", "kafka", "s3"])
async def test_one_whose_server_is_frozen(
    idle_world: World, stack: Stack, tenant: str, tmp_path: Path, server: str
) -> None:
    """With an event in hand that cannot be finished, or given back."""
    service = "parser" if server == "s3" else "validator"
    event = upload_event(idle_world, tenant, workbook(tmp_path / "few.xlsx", catalogue(2)))
    member = started(idle_world, service)
    member.wait_ready()
    with frozen(getattr(stack, server)):
        if server != "kafka":
            if service == "parser":
                idle_world.publish(event)
            else:
                idle_world.publish(chunk_event(tenant), topic="rows-staged")
            await says(member, "/metrics", 'winnow_state{state="busy"} 1.0')
        ends(member)


async def test_a_second_signal_ends_it_at_once(idle_world: World, stack: Stack, tenant: str) -> None:
    member = started(idle_world, "validator", WINNOW_GRACE_SECONDS="600")
    member.wait_ready()
    with frozen(stack.postgres):
        idle_world.publish(chunk_event(tenant), topic="rows-staged")
        await says(member, "/metrics", 'winnow_state{state="busy"} 1.0')
        member.signal(signal.SIGTERM)
        await says(member, "/readyz", "ending")
        began = time.monotonic()
        ends(member, within=LEAVING)
        assert time.monotonic() - began < LEAVING
