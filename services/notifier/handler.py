"""Import completed → deliveries written down: to each webhook that asks for it, and to its sender when it has failures."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.notifier import repository
from services.notifier.repository import Told
from services.notifier.said import END, FAILED, FAILURES, mail_facts, webhook_body
from shared.db.transaction import tenant_transaction
from shared.events import Event, ImportCompleted
from shared.ledger.completion import completed
from shared.messaging.envelope import Delivery
from shared.messaging.failures import FailureKind, kind_of
from shared.states import DeliveryKind

log = structlog.get_logger(__name__)


class TellOfEnds:
    """Acts on `import-completed`. Whether there is something to tell, and what, is read from the ledger.

    Of one end each receiver is told once, however often the event comes: the ledger says of an import that its end is to be
    told, and no more in the transaction that writes down to whom. `by_mail`: whether senders get e-mail. What ended longer ago
    than it `lives` is told to nobody. `wake` is called when there is something to send.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        public_url: str,
        *,
        by_mail: bool,
        lives: timedelta,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._engine = engine
        self._public_url = public_url
        self._by_mail = by_mail
        self._lives = lives
        self._wake = wake

    async def __call__(self, event: ImportCompleted, _delivery: Delivery) -> None:
        """Write down to whom this end is told. Of an import that is not in the ledger there is nothing to tell."""
        await self._tell(event.tenant_id, event.import_id)

    async def tell_forgotten(self, *, age: timedelta) -> int:
        """Write down the same of ends nobody has told after that time, by whatever their events were lost; how many there were."""
        async with self._engine.connect() as conn:
            forgotten = await repository.forgotten_ends(conn, age=age)
        for end in forgotten:
            try:
                await self._tell(end.tenant_id, end.import_id)
            except Exception as error:
                if kind_of(error) is FailureKind.TRANSIENT:
                    raise
                log.exception("end.not_told", tenant=end.tenant_id, import_id=str(end.import_id))
            else:
                log.warning("end.was_forgotten", tenant=end.tenant_id, import_id=str(end.import_id))
        return len(forgotten)

    async def _tell(self, tenant_id: str, import_id: UUID) -> None:
        async with tenant_transaction(self._engine, tenant_id) as conn:
            ended = await repository.untold_end(conn, import_id, lives=self._lives)
            if ended is None:
                return
            event = completed(ended)
            told = [] if ended["is_old"] else [*await self._webhooks(conn, event), *await self._mail(conn, event)]
            await repository.write_down(conn, tenant_id, told)
            await repository.end_is_told(conn, import_id)
        if told:
            self._wake()
            log.info("end.told", import_id=str(import_id), deliveries=len(told))

    async def _webhooks(self, conn: AsyncConnection, event: ImportCompleted) -> list[Told]:
        listening = await repository.listening_webhooks(conn, END)
        body = webhook_body(event, self._public_url) if listening else ""
        return [
            Told(DeliveryKind.WEBHOOK, END, body, event.import_id, event.completed_at, webhook_id=webhook)
            for webhook in listening
        ]

    async def _mail(self, conn: AsyncConnection, event: ImportCompleted) -> list[Told]:
        if not self._by_mail or event.status not in FAILED:
            return []
        if (address := await repository.address_of(conn, event.user_id)) is None:
            return []
        reasons = await repository.most_frequent_reasons(conn, event.import_id)
        body = mail_facts(event, reasons, self._public_url)
        return [Told(DeliveryKind.EMAIL, FAILURES, body, event.import_id, event.completed_at, recipient=address)]


class Untold:
    """How failures at an event are counted here: not in the outbox, where they would be the exporter's.

    An end that cannot be written down stays to be told, in the ledger: it is tried again for as long as it is.
    """

    async def count_failure(self, _event: Event) -> int | None:
        """None: the process counts by itself."""
        return None

    async def give_up(self, event: Event, reference: str) -> None:
        """Nothing is given up but this record of it."""
        log.error("end.left_for_later", import_id=event.import_key, reference=reference)
