"""A process with nothing to do says within seconds that a server it needs is away, and that it is back."""

import time

import pytest

from deploy.local.processes import free_port
from deploy.local.stack import Stack
from tests.harness.fleet import ServiceProcess
from tests.harness.frozen import frozen
from tests.harness.world import World, eventually

SOON = 15.0


async def answers(member: ServiceProcess, status: int, *parts: str, seconds: float) -> None:
    async def does() -> bool:
        said = member.answer("/readyz")
        return said[0] == status and all(part in said[1] for part in parts)

    try:
        await eventually(f"/readyz says {status} {parts}", does, seconds=seconds)
    except AssertionError as late:
        raise AssertionError(f"{late}: {member.answer('/readyz')}\n{member.log.read_text()[-3000:]}") from None


@pytest.mark.parametrize(
    ("server", "service", "named"),
    [("kafka", "validator", "Kafka"), ("postgres", "committer", ""), ("s3", "parser", "storage")],
)
async def test_a_server_that_stands_still(
    idle_world: World, stack: Stack, server: str, service: str, named: str
) -> None:
    idle_world.fleet.start({service: 1})
    (member,) = idle_world.fleet.members
    with frozen(getattr(stack, server)):
        await answers(member, 503, named, seconds=SOON)
        assert member.answer("/livez") == (200, "ok"), "starting it again would not help"
    await answers(member, 200, seconds=60)


async def test_a_server_that_is_gone_and_what_that_writes_into_the_log(idle_world: World, stack: Stack) -> None:
    idle_world.fleet.start({"validator": 1, "keeper": 1})
    stack.kafka.kill()
    try:
        for member in idle_world.fleet.members:
            await answers(member, 503, "Kafka", seconds=SOON)
        sizes = [member.log.stat().st_size for member in idle_world.fleet.members]
        began = time.monotonic()

        async def a_while() -> bool:
            return time.monotonic() - began > 10

        await eventually("they go on without Kafka for a while", a_while, every=1)
        grown = [member.log.stat().st_size - size for member, size in zip(idle_world.fleet.members, sizes, strict=True)]
        an_hour = [360 * size / 1_000_000 for size in grown]
        assert max(an_hour) < 10, f"MB an hour: {an_hour}"
    finally:
        stack.kafka.start()
    for member in idle_world.fleet.members:
        await answers(member, 200, seconds=60)


async def test_an_outbox_that_is_closed_to_the_relay(idle_world: World) -> None:
    nowhere = f"postgresql+asyncpg://winnow_relay:x@127.0.0.1:{free_port()}/winnow"
    told = {**idle_world.fleet.environment_of("committer", 0), "WINNOW_RELAY_DATABASE_URL": nowhere}
    member = ServiceProcess("committer", 0, told, idle_world.folder / "closed.log")
    idle_world.fleet.members.append(member)
    member.start()
    await answers(member, 503, "import-completed is not relayed", seconds=30)
