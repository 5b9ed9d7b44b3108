"""`winnow start`, `winnow cancel` and `winnow dismiss`: what a person decides about an import."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import UUID

from services.cli import exits
from services.cli.exits import CommandFailed
from services.cli.terminal.hints import typed
from services.cli.terminal.options import ImportId, Json, Tenant
from shared.states import ImportStatus

if TYPE_CHECKING:
    from shared.api.client import Contradicts
    from shared.api.imports import Import


def start(import_id: ImportId, tenant: Tenant = None, as_json: Json = False) -> int:
    """Let an import that was sent with --hold commit what was validated.

    Exit code: 0 it is started, now or before (a second start does nothing and says so); 1 it cannot be, yet or any more.
    """
    return asyncio.run(_start(import_id, tenant, as_json=as_json))


async def _start(import_id: UUID, tenant: str | None, *, as_json: bool) -> int:
    from services.cli.reach import reached
    from services.cli.terminal.display import print_json, spoken, terminal
    from shared.api.client import Contradicts

    async with reached(tenant, import_id=import_id) as winnow:
        before = await winnow.import_of(import_id)
        try:
            now = await winnow.api.start_import(import_id)
        except Contradicts as refused:
            _refuse_start(before, refused)
            now = before
    started = before.hold and not now.hold
    if as_json:
        print_json({"id": str(import_id), "started": started, "status": str(now.status)})
    elif started:
        terminal().print(f"Started. How it goes on: {typed('watch', import_id)}", markup=False)
    else:
        terminal().print(
            f"Nothing to do: import {import_id} is not held, or was started before. It is {spoken(now.status)}.",
            markup=False,
        )
    return exits.COMPLETED


def _refuse_start(found: Import, refused: Contradicts) -> None:
    """Let pass what was started before, or never held: a script may repeat a start.

    Raises:
        CommandFailed: it cannot be started, yet or any more; says what it waits for.
    """
    from services.cli.terminal.display import spoken
    from services.cli.terminal.standing import awaits_start

    if found.status in {ImportStatus.CANCELLED, ImportStatus.FAILED, ImportStatus.DISMISSED}:
        raise CommandFailed(
            f"Import {found.id} is {spoken(found.status)}, so it cannot be started. Send the file again"
        )
    if found.hold and awaits_start(found):
        raise CommandFailed(
            f"Import {found.id} cannot be started: {refused.detail.rstrip('.')}. Or give it up: {typed('cancel', found.id)}"
        )
    if found.hold:
        raise CommandFailed(
            f"Import {found.id} cannot be started yet: {_waits_for(found)}. Wait for it: {typed('watch', found.id)}"
        )


def cancel(import_id: ImportId, tenant: Tenant = None, as_json: Json = False) -> int:
    """Stop an import. What is committed stays; every other row counts as not processed.

    Exit code: 0 it is cancelled, now or before; 1 it has ended in another way.
    """
    return asyncio.run(_cancel(import_id, tenant, as_json=as_json))


async def _cancel(import_id: UUID, tenant: str | None, *, as_json: bool) -> int:
    from services.cli.reach import reached
    from services.cli.terminal.display import as_dict, print_json, show_import, spoken, terminal
    from shared.api.client import Contradicts

    async with reached(tenant, import_id=import_id) as winnow:
        before = await winnow.import_of(import_id)
        try:
            now = await winnow.api.cancel_import(import_id)
        except Contradicts:
            now = await winnow.import_of(import_id)
            raise CommandFailed(f"Import {import_id} is {spoken(now.status)}; there is nothing to cancel") from None
    cancelled = before.cancelled_at is None
    if as_json:
        print_json({**as_dict(now, winnow.tenant), "cancelled": cancelled})
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
    from services.cli.reach import reached
    from services.cli.terminal.display import as_dict, print_json, show_import, spoken, terminal
    from shared.api.client import Contradicts

    async with reached(tenant, import_id=import_id) as winnow:
        before = await winnow.import_of(import_id)
        try:
            now = await winnow.api.dismiss_import(import_id)
        except Contradicts as refused:
            why = refused.detail.rstrip(".")
            raise CommandFailed(f"{why}; import {import_id} is {spoken(before.status)}") from None
    dismissed = before.dismissed_at is None
    if as_json:
        print_json({**as_dict(now, winnow.tenant), "dismissed": dismissed})
    else:
        terminal().print("Dismissed." if dismissed else "It was dismissed before.", markup=False)
        show_import(terminal(), now)
    return exits.COMPLETED


def _waits_for(found: Import) -> str:
    if found.parsed_at is None:
        return "its file is still being read" if found.read_at is not None else "its file waits to be read"
    waiting = found.total_rows - found.validated_rows
    are = "is" if waiting == 1 else "are"
    return f"{waiting:,} of {found.total_rows:,} rows {are} still being validated"
