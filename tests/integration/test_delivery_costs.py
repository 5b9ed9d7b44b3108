"""However much was told, what is looked for costs the same: counted in pages of the database."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from uuid_utils.compat import uuid7

from services.gateway import webhooks
from services.notifier import repository
from shared.db.transaction import tenant_transaction
from tests.harness.query_costs import pages_read, queries_of
from tests.harness.world import World
from tests.integration.conftest import EngineOf

_FILL = text(
    """
    INSERT INTO gateway.deliveries (id, tenant_id, kind, webhook_id, event, body, state, created_at, next_try_at, settled_at)
    SELECT gen_random_uuid(), :t, 'webhook', :webhook, 'import-completed', repeat('x', 500), CAST(:state AS text),
           now() - n * interval '1 s', now() + CAST(:due AS interval),
           CASE CAST(:state AS text) WHEN 'waiting' THEN NULL ELSE now() END
      FROM generate_series(1, CAST(:number AS integer)) AS n
    """
)


async def test_looking_for_what_is_due_and_a_page_of_deliveries_cost_the_same_beside_a_hundred_thousand(
    idle_world: World, engine_of: EngineOf, tenant: str
) -> None:
    webhook = UUID(str(uuid7()))
    fill = {"t": tenant, "webhook": webhook}
    async with idle_world.database() as conn:
        await conn.execute(
            text(
                "INSERT INTO gateway.webhooks (id, tenant_id, url, events, created_by) "
                "VALUES (:webhook, :t, 'https://a.example', '{}', 'ana')"
            ),
            fill,
        )
        hour, now = timedelta(hours=1), timedelta(0)
        await conn.execute(_FILL, {**fill, "state": "delivered", "number": 100_000, "due": now})
        await conn.execute(_FILL, {**fill, "state": "waiting", "number": 10_000, "due": hour})
        await conn.execute(_FILL, {**fill, "state": "waiting", "number": 5, "due": now})
        await conn.execute(text("ANALYZE gateway.deliveries"))
    try:
        notifier, own = engine_of("winnow_notifier"), engine_of("winnow_gateway")
        with queries_of(notifier) as claiming:
            async with notifier.connect() as conn:
                claimed = await repository.claim(conn, room=20, each=4, of_tenant=10, lease=timedelta(minutes=1))
                assert len([one for one in claimed if one.tenant_id == tenant]) == 4
                await conn.rollback()
        async with notifier.connect() as conn:
            # All that waits lies on a thousand pages, the table on ten thousand; some are what tests before left due.
            assert await pages_read(conn, claiming) < 600
            await conn.rollback()
        with queries_of(own) as listing:
            async with tenant_transaction(own, tenant) as conn:
                place = (datetime.now(UTC) - timedelta(hours=12), webhook)
                page = await webhooks.deliveries(conn, tenant, webhook, before=place, limit=51)
                assert len(page) == 51
        async with tenant_transaction(own, tenant) as conn:
            assert await pages_read(conn, listing) < 200
    finally:
        async with idle_world.database() as conn:
            await conn.execute(text("DELETE FROM gateway.deliveries WHERE tenant_id = :t"), {"t": tenant})
