"""Two releases side by side, as in a rolling deployment: forward, and back again."""

import json

from tests.chaos.conftest import Undisturbed
from tests.harness.fleet import ServiceProcess
from tests.harness.world import World, eventually

# A release to which what the others send makes no sense: of an earlier one than the entity type, say.
OTHER_RELEASE = """
from services.validator import app
from shared.messaging.failures import Poison

class KnowsNothingOfIt:
    def __init__(self, *_dependencies, **_named):
        pass

    async def __call__(self, event, delivery):
        raise Poison("a type this release does not know")

app.ValidateRows = KnowsNothingOfIt
app.main()
"""


def another_release(world: World, replica: int) -> ServiceProcess:
    told = world.fleet.environment_of("validator", replica)
    member = ServiceProcess("validator", replica, told, world.folder / f"other-{replica}.log", program=OTHER_RELEASE)
    world.fleet.members.append(member)
    member.start()
    member.wait_ready()
    return member


async def held_something(member: ServiceProcess) -> None:
    async def held() -> bool:
        return "event.held" in member.log.read_text()

    await eventually("it got an event it knows nothing of", held)


async def test_what_one_release_knows_nothing_of_waits_for_the_other(
    idle_world: World, undisturbed: Undisturbed, tenant: str
) -> None:
    world = idle_world
    world.fleet.start({"parser": 1, "committer": 1, "exporter": 1, "keeper": 1})
    old = another_release(world, 0)
    # Sent by a later release, which says more than ours knows.
    import_id = world.send(tenant, undisturbed.path, priority="high")
    await held_something(old)
    world.fleet.start({"validator": 1})
    old.stop()
    ended = await world.ended(import_id, seconds=120)
    await undisturbed.assert_same(world, tenant, ended)
    lines = [json.loads(line) for line in world.fleet.logged("parser").splitlines()]
    assert [line["fields"] for line in lines if line["event"] == "event.unknown_fields"][:1] == [["priority"]]


async def test_going_back_to_an_earlier_release_and_forward_again_loses_nothing(
    idle_world: World, undisturbed: Undisturbed, tenant: str
) -> None:
    world = idle_world
    world.fleet.start({"parser": 1, "validator": 1, "committer": 1, "exporter": 1, "keeper": 1})
    (new,) = world.fleet.of("validator")
    old = another_release(world, 1)
    import_id = world.send(tenant, undisturbed.path)
    new.stop()
    await held_something(old)
    new.start()
    new.wait_ready()
    old.stop()
    ended = await world.ended(import_id, seconds=120)
    await undisturbed.assert_same(world, tenant, ended)
