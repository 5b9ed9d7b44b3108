"""The exporter on a real database, with storage in memory: what it hands back, once, and when it leaves an import alone."""

import io
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import openpyxl
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from uuid_utils.compat import uuid7

from services.exporter.handler import ExportCorrections
from services.exporter.settings import ExporterSettings
from shared.events import ImportCompleted
from shared.messaging.envelope import Delivery
from shared.messaging.failures import Poison
from tests.harness.files import product, row
from tests.harness.staging import Desk
from tests.harness.storage import MemoryStore
from tests.harness.world import World

BUCKET = "winnow-results"
NOWHERE = Delivery("import-completed", 0, 0, b"")
ROWS = [*product(1), *product(2, variants=2, carbon_kg="twelve"), *product(3, category="Nowhere > At all")]


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def export(engine_of: Callable[[str], AsyncEngine], store: MemoryStore, tmp_path: Path) -> ExportCorrections:
    return ExportCorrections(engine_of("winnow_exporter"), store, BUCKET, ExporterSettings(work_folder=tmp_path))


async def ended(desk: Desk, idle_world: World, rows: list[list[object]]) -> ImportCompleted:
    """An import of these rows that has ended, as its event says it."""
    for event in await desk.ready(rows):
        await desk.commit(event)
    async with idle_world.database() as conn:
        query = text("SELECT body FROM imports.outbox WHERE tenant_id = :t AND topic = 'import-completed'")
        body = (await conn.execute(query, {"t": desk.tenant})).scalar_one()
    return ImportCompleted.model_validate_json(bytes(body))


async def count(idle_world: World, desk: Desk, topic: str) -> int:
    query = "SELECT count(*) FROM imports.outbox WHERE tenant_id = :t AND topic = :topic"
    found: int = await idle_world.scalar(query, t=desk.tenant, topic=topic)
    return found


async def test_the_groups_that_failed_are_handed_back_whole_with_their_errors(
    idle_world: World, desk: Desk, export: ExportCorrections, store: MemoryStore
) -> None:
    event = await ended(desk, idle_world, ROWS)
    assert event.failed_rows == 3
    await export(event, NOWHERE)
    files = {key.rpartition("/")[2]: content for (bucket, key), content in store.objects.items() if bucket == BUCKET}
    assert set(files) == {"desk-corrections.xlsx", "desk-failed-rows.csv"}
    assert all(key.startswith(f"{desk.tenant}/") for _, key in store.objects)
    sheet = openpyxl.load_workbook(io.BytesIO(files["desk-corrections.xlsx"]))["Products"]
    handles = [row[1] for row in sheet.iter_rows(min_row=2, values_only=True)]
    assert handles == ["shirt-2", None, "shirt-3"]
    said = files["desk-failed-rows.csv"].decode("utf-8-sig")
    assert said.count("\r\n") == 4
    assert '""twelve"" is not a number' in said
    assert (
        await count(idle_world, desk, "import-completed"),
        await count(idle_world, desk, "corrections-exported"),
    ) == (0, 1)


async def test_a_row_that_nothing_identified_is_handed_back_with_the_handle_of_its_product(
    idle_world: World, desk: Desk, export: ExportCorrections, store: MemoryStore
) -> None:
    lost = row(title="Shirt in red", attribute_1="Color", attribute_value_1="Red")
    total = row(title="Total", weight_g=12)
    rows = [*product(1, variants=2), lost, row(sku="S-9"), total, *product(2, carbon_kg="x"), lost, *product(3), lost]
    event = await ended(desk, idle_world, [row(sku="EARLY"), total, *rows])
    assert (event.created_rows, event.failed_rows) == (4, 7)
    await export(event, NOWHERE)
    files = {key.rpartition("/")[2]: content for (bucket, key), content in store.objects.items() if bucket == BUCKET}
    sheet = openpyxl.load_workbook(io.BytesIO(files["desk-corrections.xlsx"]))["Products"]
    handed_back = [(cells[0], cells[1]) for cells in sheet.iter_rows(min_row=2, values_only=True)]
    assert handed_back == [
        (None, None),
        ("Total", None),
        ("Shirt in red", "shirt-1"),
        ("Total", "shirt-1"),
        ("Shirt 2", "shirt-2"),
        ("Shirt in red", "shirt-2"),
        ("Shirt in red", "shirt-3"),
    ]
    said = files["desk-failed-rows.csv"].decode("utf-8-sig").splitlines()
    assert said[3].startswith("Shirt in red,shirt-1,")


async def test_the_same_event_again_writes_nothing_and_announces_nothing(
    idle_world: World, desk: Desk, export: ExportCorrections, store: MemoryStore
) -> None:
    event = await ended(desk, idle_world, ROWS)
    await export(event, NOWHERE)
    store.objects.clear()
    await export(event, NOWHERE)
    assert store.objects == {}
    assert await count(idle_world, desk, "corrections-exported") == 1


async def test_an_import_without_failures_has_no_files(
    idle_world: World, desk: Desk, export: ExportCorrections, store: MemoryStore
) -> None:
    event = await ended(desk, idle_world, product(1))
    await export(event, NOWHERE)
    assert store.objects == {}
    assert await count(idle_world, desk, "import-completed") == 0


async def test_an_import_that_is_not_in_the_ledger_is_poison(
    idle_world: World, desk: Desk, export: ExportCorrections
) -> None:
    event = await ended(desk, idle_world, ROWS)
    with pytest.raises(Poison, match="there is no import"):
        await export(event.model_copy(update={"import_id": UUID(str(uuid7()))}), NOWHERE)


async def test_a_forged_end_neither_settles_the_real_one_nor_keeps_it_from_its_files(
    idle_world: World, desk: Desk, export: ExportCorrections
) -> None:
    event = await ended(desk, idle_world, ROWS)
    forged = event.model_copy(update={"created_rows": 99, "failed_rows": 0, "has_exportable_failures": False})
    await export(forged, NOWHERE)
    assert await count(idle_world, desk, "import-completed") == 1
    await export(event, NOWHERE)
    assert await count(idle_world, desk, "import-completed") == 0
    assert await count(idle_world, desk, "corrections-exported") == 1
    await export(forged, NOWHERE)
    assert await count(idle_world, desk, "corrections-exported") == 1
