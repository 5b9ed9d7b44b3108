"""kill -9 of any process at any instant: the outcome equals one clean run."""

import random
from uuid import UUID

from tests.chaos.conftest import Undisturbed
from tests.harness.world import World

KILLS = 44


async def test_killing_every_service_again_and_again_changes_nothing(
    idle_world: World, undisturbed: Undisturbed, chance: random.Random, tenant: str
) -> None:
    world = idle_world
    world.fleet.start({"parser": 1, "validator": 2, "committer": 2, "exporter": 1, "keeper": 1})
    imports: dict[str, UUID] = {}
    kills: dict[str, int] = {}
    while sum(kills.values()) < KILLS:
        if not await _open(world, imports):
            name = f"{tenant}-{len(imports)}"
            imports[name] = world.send(name, undisturbed.path)
        if (killed := await world.fleet.lose_one(chance, (0.05, 0.9))) is not None:
            kills[killed] = kills.get(killed, 0) + 1
    print(f"kills: {kills}, imports disturbed: {len(imports)}")  # noqa: T201 - says what the run did
    assert set(kills) == {"parser", "validator", "committer", "exporter", "keeper"}
    for name, import_id in imports.items():
        ended = await world.ended(import_id, seconds=240)
        await undisturbed.assert_same(world, name, ended)


async def _open(world: World, imports: dict[str, UUID]) -> bool:
    for import_id in imports.values():
        seen = await world.progress(import_id)
        if seen is None or not seen.files_ready:
            return True
    return False
