"""The ledger as messaging sees it: failed attempts are counted and given-up work is put away in Postgres."""

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
        """Count a failed attempt; None when no outbox row knows the event."""
        async with tenant_transaction(self._engine, event.tenant_id) as conn:
            return await outbox.count_failure(conn, event)

    async def give_up(self, event: Event, reference: str) -> None:
        """See `shared.ledger.give_up`."""
        async with tenant_transaction(self._engine, event.tenant_id) as conn:
            await give_up(conn, event, reference)

    async def discard(self, event: Event) -> None:
        """See `shared.messaging.outbox.discard`."""
        async with tenant_transaction(self._engine, event.tenant_id) as conn:
            await outbox.discard(conn, event)
