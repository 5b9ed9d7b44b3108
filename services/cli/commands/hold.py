"""`winnow start`, `winnow cancel` and `winnow dismiss`: what a person decides about an import."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import UUID

from services.cli import exits
from services.cli.exits import CommandFailed
from services.cli.terminal.hints import typed
from services.cli.terminal.options import ImportId, Json, Tenant

if TYPE_CHECKING:
    from shared.ledger import NotReady


def start(import_id: ImportId, tenant: Tenant = None, as_json: Json = False) -> int:
    """Let an import that was sent with --hold commit what was validated.

    Exit code: 0 it is started, now or before (a second start does nothing and says so); 1 it cannot be, yet or any more.
    """
    return asyncio.run(_start(import_id, tenant, as_json=as_json))


async def _start(import_id: UUID, tenant: str | None, *, as_json: bool) -> int:
    from services.cli.client import connected
    from services.cli.terminal.display import print_json, spoken, terminal
    from shared.db.transaction import tenant_transaction
    from shared.ledger import NotImportable, NotReady, Started, start_import
    from shared.states import ImportStatus

    async with connected() as winnow:
        progress = await winnow.import_of(import_id, tenant=tenant)
        async with tenant_transaction(winnow.engine("intake"), progress.tenant_id) as conn:
            outcome = await start_import(conn, import_id)
    assert outcome is not None
    if isinstance(outcome, NotReady):
        raise CommandFailed(
            f"Import {import_id} cannot be started yet: {_waits_for(outcome)}. Wait for it: {typed('watch', import_id)}"
        )
    if isinstance(outcome, NotImportable):
        raise CommandFailed(
            f"Import {import_id} cannot be started: {outcome.message}. Or give it up: {typed('cancel', import_id)}"
        )
    started = isinstance(outcome, Started)
    status = ImportStatus.IMPORTING if isinstance(outcome, Started) else outcome.status
    if status in {ImportStatus.CANCELLED, ImportStatus.FAILED, ImportStatus.DISMISSED}:
        raise CommandFailed(f"Import {import_id} is {spoken(status)}, so it cannot be started. Send the file again")
    if as_json:
        print_json({"id": str(import_id), "started": started, "status": str(status)})
    elif started:
        terminal().print(f"Started. How it goes on: {typed('watch', import_id)}", markup=False)
    else:
        terminal().print(
            f"Nothing to do: import {import_id} is not held, or was started before. It is {spoken(status)}.",
            markup=False,
        )
    return exits.COMPLETED


def cancel(import_id: ImportId, tenant: Tenant = None, as_json: Json = False) -> int:
    """Stop an import. What is committed stays; every other row counts as not processed.

    Exit code: 0 it is cancelled, now or before; 1 it has ended in another way.
    """
    return asyncio.run(_cancel(import_id, tenant, as_json=as_json))


async def _cancel(import_id: UUID, tenant: str | None, *, as_json: bool) -> int:
    from services.cli.client import connected
    from services.cli.terminal.display import print_json, show_import, spoken, terminal
    from shared.db.transaction import tenant_transaction
    from shared.ledger import cancel_import

    async with connected() as winnow:
        known = await winnow.import_of(import_id, tenant=tenant)
        async with tenant_transaction(winnow.engine("intake"), known.tenant_id) as conn:
            cancelled = await cancel_import(conn, import_id)
        now = await winnow.import_of(import_id, tenant=tenant)
    if not cancelled and now.cancelled_at is None:
        raise CommandFailed(f"Import {import_id} is {spoken(now.status)}; there is nothing to cancel")
    if as_json:
        print_json({**now.as_json(), "cancelled": cancelled})
    else:
        said = "Cancelled" if cancelled else "It was cancelled before"
        ends = "." if now.ended else f"; it ends when the chunk in hand is through: {typed('watch', import_id)}"
        terminal().print(f"{said}{ends}", markup=False)
        show_import(terminal(), now)
    return exits.COMPLETED


def dismiss(import_id: ImportId, tenant: Tenant = None, as_json: Json = False) -> int:
    """Put an import with failures away: you are done with it. Its numbers stay, and its files for their time.

    Exit code: 0 it is dismissed, now or before; 1 it has no failures, or has not ended.
    """
    return asyncio.run(_dismiss(import_id, tenant, as_json=as_json))


async def _dismiss(import_id: UUID, tenant: str | None, *, as_json: bool) -> int:
    from services.cli.client import connected
    from services.cli.terminal.display import print_json, show_import, spoken, terminal
    from shared.db.transaction import tenant_transaction
    from shared.ledger import Dismissed, dismiss_import

    async with connected() as winnow:
        known = await winnow.import_of(import_id, tenant=tenant)
        async with tenant_transaction(winnow.engine("intake"), known.tenant_id) as conn:
            outcome = await dismiss_import(conn, import_id)
        now = await winnow.import_of(import_id, tenant=tenant)
    if not isinstance(outcome, Dismissed):
        assert outcome is not None
        raise CommandFailed(f"{outcome.why}; import {import_id} is {spoken(outcome.status)}")
    if as_json:
        print_json({**now.as_json(), "dismissed": outcome.now})
    else:
        terminal().print("Dismissed." if outcome.now else "It was dismissed before.", markup=False)
        show_import(terminal(), now)
    return exits.COMPLETED


def _waits_for(outcome: NotReady) -> str:
    if outcome.reading:
        return "its file is still being read" if outcome.chunks else "its file waits to be read"
    are = "is" if outcome.waiting_chunks == 1 else "are"
    return f"{outcome.waiting_chunks} of {outcome.chunks} chunks {are} still being validated"
