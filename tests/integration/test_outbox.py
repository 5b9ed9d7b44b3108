"""The list of work in flight: what is announced, announced again, and settled."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest
from sqlalchemy import text
from uuid_utils.compat import uuid7

from shared.db.transaction import tenant_transaction
from shared.events import ImportCompleted, RowsStaged
from shared.messaging import outbox
from tests.harness.world import World
from tests.integration.conftest import EngineOf


@pytest.fixture
def ended(tenant: str) -> ImportCompleted:
    return ImportCompleted(
        tenant_id=tenant,
        import_id=UUID(str(uuid7())),
        entity_type="products",
        mode="create",
        user_id="u",
        status="completed_with_failures",
        file_name="autumn.xlsx",
        total_rows=2,
        created_rows=1,
        updated_rows=0,
        skipped_rows=0,
        failed_rows=1,
        unprocessed_rows=0,
        summary={},
        has_exportable_failures=True,
        completed_at=datetime.now(UTC),
    )


def again(ended: ImportCompleted) -> ImportCompleted:
    """The same import, after its failed row was redriven."""
    later = ended.completed_at + timedelta(seconds=1)
    return ended.model_copy(update={"status": "completed", "created_rows": 2, "failed_rows": 0, "completed_at": later})


async def append(engine_of: EngineOf, event: ImportCompleted | RowsStaged) -> None:
    async with tenant_transaction(engine_of("winnow_committer"), event.tenant_id) as conn:
        await outbox.append(conn, event)


async def settle(engine_of: EngineOf, event: ImportCompleted) -> None:
    async with tenant_transaction(engine_of("winnow_exporter"), event.tenant_id) as conn:
        await outbox.settle(conn, event)


async def waiting(world: World, tenant: str) -> list[str]:
    async with world.database() as conn:
        found = await conn.execute(text("SELECT body FROM imports.outbox WHERE tenant_id = :t"), {"t": tenant})
        return [str(orjson.loads(body).get("status")) for body in found.scalars()]


async def test_an_import_that_ended_again_is_announced_again_though_the_first_still_waits(
    idle_world: World, engine_of: EngineOf, ended: ImportCompleted
) -> None:
    await append(engine_of, ended)
    async with idle_world.database() as conn:
        await conn.execute(text("UPDATE imports.outbox SET published_at = now(), attempts = 3"))
    await append(engine_of, again(ended))
    assert await waiting(idle_world, ended.tenant_id) == ["completed"]
    unpublished = await idle_world.scalar(
        "SELECT published_at IS NULL AND attempts = 0 FROM imports.outbox WHERE tenant_id = :t", t=ended.tenant_id
    )
    assert unpublished, "it goes out though the first was published already"


async def test_acting_on_the_first_end_does_not_settle_the_second(
    idle_world: World, engine_of: EngineOf, ended: ImportCompleted
) -> None:
    await append(engine_of, again(ended))
    await settle(engine_of, ended)
    assert await waiting(idle_world, ended.tenant_id) == ["completed"]
    await settle(engine_of, again(ended))
    assert await waiting(idle_world, ended.tenant_id) == []


async def test_an_event_that_waits_and_says_the_same_is_left_as_it_is(
    idle_world: World, engine_of: EngineOf, ended: ImportCompleted
) -> None:
    async def ids() -> list[UUID]:
        async with idle_world.database() as conn:
            found = await conn.execute(
                text("SELECT id FROM imports.outbox WHERE tenant_id = :t"), {"t": ended.tenant_id}
            )
            return list(found.scalars())

    await append(engine_of, ended)
    first = await ids()
    await append(engine_of, ended)
    assert await ids() == first


@pytest.mark.parametrize(
    "claim",
    [
        {"created_rows": 2, "failed_rows": 0, "status": "completed"},
        {"completed_at": datetime(2026, 1, 1, tzinfo=UTC)},
        {"user_id": "somebody"},
        {"has_exportable_failures": False},
        {"object_key": "elsewhere"},
    ],
    ids=str,
)
async def test_a_forged_end_settles_nothing_and_counts_for_nothing(
    idle_world: World, engine_of: EngineOf, ended: ImportCompleted, claim: dict[str, Any]
) -> None:
    await append(engine_of, ended)
    forged = ended.model_copy(update=claim)
    await settle(engine_of, forged)
    async with tenant_transaction(engine_of("winnow_exporter"), ended.tenant_id) as conn:
        assert await outbox.count_failure(conn, forged) is None
    assert await waiting(idle_world, ended.tenant_id) == ["completed_with_failures"]
    await settle(engine_of, ended)
    assert await waiting(idle_world, ended.tenant_id) == []
