"""Imports that do not move any more, marked as failed: every row still ends once."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from uuid_utils.compat import uuid7

from shared.db.transaction import tenant_transaction
from shared.ledger import MarkedFailed, StillMoves, mark_failed, read_import
from shared.ledger.progress import ImportProgress
from shared.ledger.standstill import STANDSTILL
from shared.states import ImportStatus
from tests.harness.files import product
from tests.harness.staging import Desk
from tests.harness.world import World, assert_ledger_closes
from tests.integration.conftest import EngineOf

HALF_AN_HOUR = timedelta(minutes=31)


async def stand_still(world: World, import_id: UUID, since: timedelta = HALF_AN_HOUR) -> None:
    """Let nothing of it have moved for so long."""
    async with world.database() as conn:
        for table, key, columns in (
            ("imports", "id", ("updated_at",)),
            ("import_chunks", "import_id", ("staged_at", "validated_at", "committed_at")),
        ):
            moved = ", ".join(f"{column} = {column} - CAST(:since AS interval)" for column in columns)
            await conn.execute(
                text(f"UPDATE imports.{table} SET {moved} WHERE {key} = :id"), {"id": import_id, "since": since}
            )


Mark = Callable[[UUID], Awaitable[MarkedFailed | StillMoves | None]]


@pytest.fixture
def marked(engine_of: EngineOf, tenant: str) -> Mark:
    async def mark(import_id: UUID) -> MarkedFailed | StillMoves | None:
        async with tenant_transaction(engine_of("winnow_intake"), tenant) as conn:
            return await mark_failed(conn, import_id, by="Ann")

    return mark


async def seen(world: World, import_id: UUID) -> ImportProgress:
    found = await world.progress(import_id)
    assert found is not None
    return found


async def test_what_is_in_stays_and_every_other_row_is_unprocessed(
    desk: Desk, idle_world: World, marked: Mark, tenant: str
) -> None:
    rows = [row for number in range(6) for row in product(number)]
    first, second, third = await desk.stage(rows, chunk_rows=2)
    await desk.commit(await desk.validate(first))
    validated = await desk.validate(second)
    assert isinstance(await marked(first.import_id), StillMoves)
    await stand_still(idle_world, first.import_id)
    assert await marked(first.import_id) == MarkedFailed(ended=True)
    found = await seen(idle_world, first.import_id)
    assert (found.status, found.created_rows, found.unprocessed_rows) == ("failed", 2, 4)
    assert found.error is not None
    assert found.error["code"] == STANDSTILL
    assert "31 minutes, and Ann marked it" in found.error["message"]
    assert_ledger_closes(found)
    await desk.commit(validated)
    await desk.validate(third)
    late = await seen(idle_world, first.import_id)
    assert (late.created_rows, late.unprocessed_rows) == (2, 4), "what comes later imports nothing"
    again = await marked(first.import_id)
    assert isinstance(again, StillMoves)
    assert again.why == "It has ended"


async def test_a_chunk_that_a_stage_has_in_hand_is_left_to_it(
    desk: Desk, idle_world: World, engine_of: EngineOf, marked: Mark, tenant: str
) -> None:
    first, second = await desk.stage([*product(1), *product(2)], chunk_rows=1)
    await desk.commit(await desk.validate(first))
    validated = await desk.validate(second)
    await stand_still(idle_world, first.import_id)
    async with tenant_transaction(engine_of("winnow_committer"), tenant) as conn:
        await conn.execute(
            text("SELECT FROM imports.import_chunks WHERE import_id = :id AND chunk_no = 2 FOR UPDATE"),
            {"id": first.import_id},
        )
        assert await marked(first.import_id) == MarkedFailed(ended=False)
    await desk.commit(validated)
    found = await seen(idle_world, first.import_id)
    assert (found.status, found.created_rows, found.unprocessed_rows) == ("failed", 2, 0)
    assert_ledger_closes(found)


async def test_an_import_that_nobody_reads_ends_with_no_row(
    idle_world: World, engine_of: EngineOf, marked: Mark, tenant: str
) -> None:
    import_id = UUID(str(uuid7()))
    async with idle_world.database() as conn:
        await conn.execute(
            text(
                "INSERT INTO imports.imports (id, tenant_id, user_id, entity_type, mode, status, file_name, object_key) "
                "VALUES (:id, :tenant, 'u', 'products', 'create', :status, 'f', 'f')"
            ),
            {"id": import_id, "tenant": tenant, "status": ImportStatus.UPLOADING},
        )
    await stand_still(idle_world, import_id)
    assert await marked(import_id) == MarkedFailed(ended=True)
    found = await seen(idle_world, import_id)
    assert (found.status, found.total_rows) == ("failed", 0)


async def test_an_import_that_waits_for_a_person_does_not_stand_still(
    desk: Desk, idle_world: World, engine_of: EngineOf, marked: Mark, tenant: str
) -> None:
    first, second = await desk.stage([*product(1), *product(2)], chunk_rows=1, hold=True)
    await desk.validate(first)
    await stand_still(idle_world, first.import_id, timedelta(minutes=29))
    moves = await marked(first.import_id)
    assert isinstance(moves, StillMoves)
    assert moves.why.startswith("It moved 29 minutes ago")
    await desk.validate(second)
    await stand_still(idle_world, first.import_id)
    waits = await marked(first.import_id)
    assert isinstance(waits, StillMoves)
    assert "cancel it" in waits.why
    async with tenant_transaction(engine_of("winnow_intake"), f"{tenant}-other") as conn:
        assert await mark_failed(conn, first.import_id, by="Eve") is None
        assert await read_import(conn, first.import_id) is None
