"""kill -9 while records are changed and changes are taken back: every import ends as it would have, undisturbed."""

import random
from pathlib import Path
from uuid import UUID

from deploy.local.stack import Stack
from shared.db.engine import create_engine
from shared.db.transaction import tenant_transaction
from shared.ledger import ImportProgress, Undoing, undo_import
from tests.harness.files import catalogue, product, row, workbook
from tests.harness.production import Snapshot, difference
from tests.harness.world import World, assert_ledger_closes

STAGES = {"parser": 1, "validator": 2, "committer": 2, "exporter": 1, "keeper": 1}
PRODUCTS = 900
KILLS_AN_IMPORT = 5


def changes(path: Path) -> Path:
    """Every second product changed in one way or another, some left as they are, some new ones, some bad ones."""
    rows = []
    for number in range(1, PRODUCTS + 1, 2):
        if number % 3 == 0:
            rows += product(number, variants=3)
        elif number % 5 == 0:
            rows += product(number, variants=4, title=f"New {number}", tags="neon", materials="Wool")
        else:
            rows += product(number, variants=1, weight_g=number, stitching="Ateliers")
    rows += catalogue(40, start=5_000)
    rows += product(6_001, carbon_kg="heavy") + product(1, title="Apart") + [row(sku="SKU-1-0", handle="shirt-3")]
    return workbook(path, rows)


class Killer:
    """Kills any stage at any instant, so often while each import runs and then no more."""

    def __init__(self, world: World, chance: random.Random) -> None:
        self._world = world
        self._chance = chance
        self.kills: list[str] = []

    async def kill(self) -> None:
        """For one import."""
        for _ in range(KILLS_AN_IMPORT):
            if (killed := await self._world.fleet.lose_one(self._chance, (0.05, 0.9))) is not None:
                self.kills.append(killed)


async def test_imports_that_change_and_imports_that_are_undone_end_as_they_would_have(
    idle_world: World, stack: Stack, chance: random.Random, tenant: str, tmp_path: Path
) -> None:
    world = idle_world
    first = workbook(tmp_path / "first.xlsx", catalogue(PRODUCTS))
    second = changes(tmp_path / "second.xlsx")
    world.fleet.start(STAGES)
    quiet = await _story(world, stack, f"{tenant}-quiet", first, second)
    killer = Killer(world, chance)
    disturbed = await _story(world, stack, f"{tenant}-killed", first, second, killer)
    print(f"kills: {killer.kills}")  # noqa: T201 - says what the run did
    assert len(killer.kills) > KILLS_AN_IMPORT
    for (said, state), (wanted, undisturbed) in zip(disturbed, quiet, strict=True):
        assert difference(undisturbed, state) == []
        assert_ledger_closes(said)
        for name in (
            "status",
            "mode",
            "total_rows",
            "created_rows",
            "updated_rows",
            "skipped_rows",
            "failed_rows",
            "summary",
        ):
            assert getattr(said, name) == getattr(wanted, name), (said.mode, name)
    assert not any(disturbed[-1][1].values()), "and at last nothing is left of it"


async def _story(
    world: World, stack: Stack, tenant: str, first: Path, second: Path, killer: Killer | None = None
) -> list[tuple[ImportProgress, Snapshot]]:
    """Make products, change them, change nothing, and take it all back: how each import ended, and what there was then."""
    told = []

    async def tell(import_id: UUID) -> None:
        if killer is not None:
            await killer.kill()
        ended = await world.ended(import_id, seconds=240)
        told.append((ended, await world.production(tenant)))

    made = world.send(tenant, first)
    await tell(made)
    changed = world.send(tenant, second, mode="upsert")
    await tell(changed)
    await tell(world.send(tenant, second, mode="upsert", options={"allow_repeat": True}))
    for import_id in (changed, made):
        await tell(await _undo(stack, tenant, import_id))
    return told


async def _undo(stack: Stack, tenant: str, import_id: UUID) -> UUID:
    engine = create_engine(stack.database_url("winnow_intake"), connections=1, name="test-undo")
    async with tenant_transaction(engine, tenant) as conn:
        outcome = await undo_import(conn, import_id, user_id="tester")
    await engine.dispose()
    assert isinstance(outcome, Undoing), outcome
    return outcome.id
