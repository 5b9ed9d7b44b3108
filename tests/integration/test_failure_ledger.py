"""Giving up an event: what was given up, and nothing else."""

from uuid import UUID

from sqlalchemy import text
from uuid_utils.compat import uuid7

from shared.db.transaction import tenant_transaction
from shared.events import RowsStaged
from shared.ledger.failures import PostgresFailureLedger
from shared.messaging import outbox
from tests.harness.world import World
from tests.integration.conftest import EngineOf


async def test_a_forged_event_does_not_take_the_real_one_off_the_list(
    idle_world: World, engine_of: EngineOf, tenant: str
) -> None:
    import_id = UUID(str(uuid7()))
    real = RowsStaged(
        tenant_id=tenant,
        import_id=import_id,
        entity_type="products",
        mode="create",
        chunk_no=1,
        first_row=2,
        last_row=9,
        row_count=8,
    )
    async with tenant_transaction(engine_of("winnow_parser"), tenant) as conn:
        await outbox.append(conn, real)

    async def waiting() -> int:
        async with tenant_transaction(engine_of("winnow_parser"), tenant) as conn:
            counted = await conn.execute(
                text("SELECT count(*) FROM imports.outbox WHERE import_id = :id"), {"id": import_id}
            )
            return int(counted.scalar_one())

    ledger = PostgresFailureLedger(engine_of("winnow_validator"))
    await ledger.discard(real.model_copy(update={"entity_type": "spaceships"}))
    assert await waiting() == 1
    await ledger.discard(real)
    assert await waiting() == 0
