"""The undisturbed run everything is compared with, and a seed that is printed."""

import os
import random
from dataclasses import dataclass
from pathlib import Path

import pytest

from shared.ledger import ImportProgress
from tests.harness.files import catalogue, product, workbook
from tests.harness.production import Snapshot, difference
from tests.harness.world import World

ErrorRows = list[tuple[int, str | None, str, str]]


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """Randomness of this test; run it again with WINNOW_CHAOS_SEED."""
    seed = int(os.environ.get("WINNOW_CHAOS_SEED") or random.SystemRandom().randrange(2**32))
    print(f"\n{request.node.name}: WINNOW_CHAOS_SEED={seed}")  # noqa: T201 - how the run can be repeated
    return random.Random(seed)


@dataclass(frozen=True)
class Undisturbed:
    """What one clean run of the file gave."""

    path: Path
    outcome: ImportProgress
    production: Snapshot
    errors: ErrorRows

    async def assert_same(self, world: World, tenant: str, ended: ImportProgress) -> None:
        """The disturbed run gave the same, to the record and the reason."""
        assert difference(self.production, await world.production(tenant)) == []
        assert await world.errors(ended.id) == self.errors
        for name in ("status", "total_rows", "created_rows", "failed_rows", "unprocessed_rows", "summary"):
            assert getattr(ended, name) == getattr(self.outcome, name), name
        left = await world.scalar("SELECT count(*) FROM imports.outbox WHERE tenant_id = :tenant", tenant=tenant)
        assert left == 0, "no event is left that nobody acted on"
        pending = await world.scalar(
            "SELECT count(*) FROM staging.product_variants WHERE tenant_id = :tenant AND row_status <> 'failed'",
            tenant=tenant,
        )
        assert pending == 0, "what was committed has left staging"


def chaotic_rows(products: int) -> list[list[object]]:
    """Good products with bad ones, duplicates and entities in several spellings between them."""
    rows: list[list[object]] = []
    for number in range(1, products + 1):
        spelling = ("Acme Mills", "ACME MILLS", "acme mills")[number % 3]
        changes: dict[str, object] = {"manufacturer": spelling, "season": f"S{number % 7}"}
        if number % 50 == 7:
            changes["carbon_kg"] = "1,5"
        if number % 50 == 19:
            changes["sku"] = f"SKU-{number - 10}-0"
        if number % 50 == 33:
            changes["category"] = "Clothing > Nowhere"
        rows.extend(product(number, variants=3, **changes))
    return rows


@pytest.fixture(scope="session")
def chaos_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of several chunks."""
    return workbook(tmp_path_factory.mktemp("chaos") / "chaos.xlsx", chaotic_rows(2000))


_KNOWN: dict[Path, Undisturbed] = {}


@pytest.fixture
async def undisturbed(idle_world: World, chaos_file: Path) -> Undisturbed:
    """One clean run, made once; afterwards no service runs."""
    if chaos_file not in _KNOWN:
        idle_world.fleet.start({"parser": 1, "validator": 1, "committer": 1, "exporter": 1})
        outcome = await idle_world.ended(idle_world.send("undisturbed", chaos_file), seconds=180)
        assert outcome.failed_rows > 0
        assert outcome.created_rows > 0
        assert len(catalogue(1)) == 3
        _KNOWN[chaos_file] = Undisturbed(
            chaos_file, outcome, await idle_world.production("undisturbed"), await idle_world.errors(outcome.id)
        )
        idle_world.fleet.stop()
    return _KNOWN[chaos_file]
