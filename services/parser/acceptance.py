"""Events that announce files: each is an import, registered before anything else is done about it, or refused."""

from collections.abc import Mapping
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from services.parser import repository
from services.parser.dependencies import Dependencies
from services.parser.refusals import CONTRADICTION, INVALID_EVENT, FileRefused
from services.parser.repository import KnownImport
from services.parser.uploads import (
    beside,
    check_ids,
    contradicting_registration,
    contradiction,
    is_nameless,
    owns_object,
    refused_registration,
    registration,
)
from shared.db.transaction import tenant_transaction
from shared.events import FileUploaded
from shared.ledger import fail_import
from shared.ledger.registration import Registration, is_import_of
from shared.ledger.tenants import UnknownTenant, admit_tenant
from shared.messaging import outbox
from shared.messaging.envelope import Delivery
from shared.messaging.failures import Poison
from shared.storage import ObjectStat

log = structlog.get_logger(__name__)


class Acceptance:
    """Takes events over into the ledger, and remembers of each delivery which import it is about."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._with = dependencies
        self._accepted: dict[str, KnownImport] = {}

    def known(self, delivery: Delivery) -> KnownImport | None:
        """The import that an accepted event is about, as it was when it was taken over."""
        return self._accepted.get(delivery.place)

    def forget(self, delivery: Delivery) -> None:
        """Nothing is left to do about this delivery."""
        self._accepted.pop(delivery.place, None)

    async def accept(self, event: FileUploaded, delivery: Delivery) -> None:
        """Register the import; from then on the outbox sees to it that its rows are staged.

        Raises:
            Poison: the event contradicts what is registered under its id or key (an import that is refused tells its
                sender so), or its tenant is unknown.
        """
        # Storage is asked only where the answer makes a difference: whatever an object is, its import is known first.
        found = await self._look(event) if is_nameless(event, delivery) else None
        asked = registration(event, delivery, found.etag if found else "")
        known = await self._register(event, asked, delivery, can_be_read=True if found else None)
        if known.can_be_corrected and known.waits_for_object and found is None:
            known = await self._register(event, asked, delivery, can_be_read=await self._look(event) is not None)
        self._accepted[delivery.place] = known

    async def _look(self, event: FileUploaded) -> ObjectStat | None:
        return await self._with.download.look(event.object_key) if owns_object(event) else None

    async def _register(
        self, event: FileUploaded, asked: Registration, delivery: Delivery, *, can_be_read: bool | None
    ) -> KnownImport:
        """Register the import or find it; with `can_be_read` None, one that waits for its object is left as it is."""
        async with tenant_transaction(self._with.engine, event.tenant_id) as conn:
            await admit_tenant(conn, event.tenant_id, unknown=self._with.settings.admit_unknown_tenants)
            known = await self._registered(conn, event, asked, can_be_read=can_be_read)
            if isinstance(known, KnownImport):
                await self._take_over(conn, event, known)
                return known
            refused = contradicting_registration(event, asked.idempotency_key, delivery)
            await _refuse_new(conn, refused, CONTRADICTION, known)
        raise Poison(known)

    async def _registered(
        self, conn: AsyncConnection, event: FileUploaded, asked: Registration, *, can_be_read: bool | None
    ) -> KnownImport | str:
        """The import the event asks for or repeats; else how it contradicts one."""
        known = await repository.register(conn, asked)
        if known is None:
            return f"import_id {asked.id} cannot be given to an import: give the event another, or none"
        refused = await _refusal(conn, event) if known.is_new or known.can_be_corrected else None
        if known.is_new and refused is not None:
            log.warning("event.refused", import_id=str(known.id), code=refused.code, problem=refused.message)
            await fail_import(conn, known.id, refused.code, refused.message)
            return await repository.find(conn, known.id) or known
        if known.can_be_corrected and known.waits_for_object and can_be_read is None:
            return known
        may_start_over = known.can_be_corrected and refused is None and not known.is_refused_again(event)
        if may_start_over and (can_be_read or not known.waits_for_object):
            # What was wrong with its first event is put right: the same import starts over.
            return await repository.reset(conn, known, asked)
        said = None if known.is_new or refused is not None else contradiction(known, event)
        return said or known

    async def _take_over(self, conn: AsyncConnection, event: FileUploaded, known: KnownImport) -> None:
        if known.is_staged and (locked := await repository.lock(conn, known.id)) is not None:
            # Locked: a mapping that is changed at this moment announces its own event.
            known = locked
        if known.is_staged:
            await outbox.settle(conn, event.model_copy(update={"import_id": known.id}))
            return
        again = self._with.reemit_after
        await outbox.append_published(conn, known.event, reemit_after=again, traceparent=known.traceparent)

    async def refuse(self, raw: Mapping[str, Any], problem: str, delivery: Delivery) -> bool:
        """Make a failed import of an invalid event whose tenant is legible; False when there is none to fail.

        One that is taken for a repeat of an import that came of another event is refused as an import of its own.
        """
        meant = refused_registration(raw, delivery)
        if meant is None:
            return False
        async with tenant_transaction(self._with.engine, meant.tenant_id) as conn:
            try:
                await admit_tenant(conn, meant.tenant_id, unknown=self._with.settings.admit_unknown_tenants)
            except UnknownTenant:
                return False
            message = f"The upload event is not valid: {problem}. Correct it (docs/events.md) and publish it again"
            known = await repository.register(conn, meant)
            if known is not None and known.is_new:
                await fail_import(conn, known.id, INVALID_EVENT, message)
            elif known is None or known.error_code != INVALID_EVENT:
                await _refuse_new(conn, beside(meant, delivery), INVALID_EVENT, message)
            elif known.error_message != message and known.can_be_corrected:
                known = await repository.reset(conn, known, meant)
                await fail_import(conn, known.id, INVALID_EVENT, message)
        return True


async def _refusal(conn: AsyncConnection, event: FileUploaded) -> FileRefused | None:
    """Why an event whose fields are valid cannot be an import: for the ids it gives."""
    parent = event.parent_import_id
    is_known = parent is not None and parent != event.import_id and await is_import_of(conn, event.tenant_id, parent)
    try:
        check_ids(event, parent_is_known=is_known)
    except FileRefused as refused:
        return refused
    return None


async def _refuse_new(conn: AsyncConnection, registration: Registration, code: str, message: str) -> None:
    """Tell the sender of an event by an import that is refused as it is made; once, however often the event comes."""
    known = await repository.register(conn, registration)
    if known is not None and known.is_new:
        await fail_import(conn, known.id, code, message)
