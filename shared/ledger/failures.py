"""The ledger as messaging sees it: failed attempts are counted and work is given up in Postgres."""

from sqlalchemy.ext.asyncio import AsyncEngine

from shared.db.transaction import tenant_transaction
from shared.events import Event
from shared.ledger.quarantine import give_up
from shared.messaging import outbox


class PostgresFailureLedger:
    """Each call is one transaction of the event's tenant."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def count_failure(self, event: Event) -> int | None:
        """See `shared.messaging.outbox.count_failure`."""
        async with tenant_transaction(self._engine, event.tenant_id) as conn:
            return await outbox.count_failure(conn, event)

    async def give_up(self, event: Event, reference: str) -> None:
        """See `shared.ledger.give_up`."""
        async with tenant_transaction(self._engine, event.tenant_id) as conn:
            await give_up(conn, event, reference)
