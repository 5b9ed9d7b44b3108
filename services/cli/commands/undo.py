"""`winnow undo`: takes an import back."""

from __future__ import annotations

import asyncio
from typing import Annotated
from uuid import UUID

import typer

from services.cli import exits
from services.cli.exits import CommandFailed
from services.cli.terminal.hints import typed
from services.cli.terminal.options import ImportId, Json, Tenant, login


def undo(
    import_id: ImportId,
    tenant: Tenant = None,
    user: Annotated[str | None, typer.Option(help="Who does it; your login name when not given.")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Show how it moves and wait for its end.")] = False,
    as_json: Json = False,
) -> int:
    """Take an import back, up to 7 days after its end: what it made is removed, what it changed is as it was.

    Records that somebody else changed since are left as they are and named: `winnow errors` of the import that this makes.
    Exit code: 0 it is being undone (with --watch: it is); 2 some records are left; 1 it cannot be undone.
    """
    return asyncio.run(_undo(import_id, tenant, user, watch=watch, as_json=as_json))


async def _undo(import_id: UUID, tenant: str | None, user: str | None, *, watch: bool, as_json: bool) -> int:
    from services.cli.client import connected
    from services.cli.commands.imports import watched
    from services.cli.terminal.display import print_json, spoken, terminal
    from shared.db.transaction import tenant_transaction
    from shared.ledger import NotUndone, undo_import

    async with connected() as winnow:
        known = await winnow.import_of(import_id, tenant=tenant)
        async with tenant_transaction(winnow.engine("intake"), known.tenant_id) as conn:
            outcome = await undo_import(conn, import_id, user_id=user or login())
        assert outcome is not None
        if isinstance(outcome, NotUndone):
            raise CommandFailed(
                f"Import {import_id} ({spoken(outcome.status)}) cannot be undone: {outcome.why}. Nothing was changed"
            )
        if watch:
            return await watched(winnow, outcome.id, as_json=as_json)
        if as_json:
            print_json(
                {"id": str(outcome.id), "undoes": str(import_id), "rows": outcome.rows, "chunks": outcome.chunks}
            )
        else:
            terminal().print(
                f"Import {outcome.id} takes it back. How it goes on: {typed('watch', outcome.id)}", markup=False
            )
    return exits.COMPLETED
