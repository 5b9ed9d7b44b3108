"""`winnow undo`: takes an import back."""

from __future__ import annotations

import asyncio
from typing import Annotated
from uuid import UUID

import typer

from services.cli import exits
from services.cli.exits import CommandFailed
from services.cli.terminal.hints import typed
from services.cli.terminal.options import ImportId, Json, Tenant, User


def undo(
    import_id: ImportId,
    tenant: Tenant = None,
    user: User = None,
    watch: Annotated[bool, typer.Option("--watch", help="Show how it moves and wait for its end.")] = False,
    as_json: Json = False,
) -> int:
    """Take an import back, up to 7 days after its end: what it made is removed, what it changed is as it was.

    Records that somebody else changed since are left as they are and named: `winnow errors` of the import that this makes.
    Exit code: 0 it is being undone (with --watch: it is); 2 some records are left; 1 it cannot be undone.
    """
    return asyncio.run(_undo(import_id, tenant, user, watch=watch, as_json=as_json))


async def _undo(import_id: UUID, tenant: str | None, user: str | None, *, watch: bool, as_json: bool) -> int:
    from services.cli.commands.imports import watched
    from services.cli.reach import reached
    from services.cli.terminal.display import print_json, spoken, terminal
    from shared.api.client import Contradicts

    async with reached(tenant, import_id=import_id, user=user) as winnow:
        known = await winnow.import_of(import_id)
        try:
            undo = await winnow.api.undo_import(import_id)
        except Contradicts as refused:
            why = refused.detail.removeprefix("It cannot be undone: ").rstrip(".")
            raise CommandFailed(
                f"Import {import_id} ({spoken(known.status)}) cannot be undone: {why}. Nothing was changed"
            ) from None
        if watch:
            return await watched(winnow, undo.id, as_json=as_json)
    if as_json:
        print_json({"id": str(undo.id), "undoes": str(import_id), "rows": undo.total_rows})
    else:
        terminal().print(f"Import {undo.id} takes it back. How it goes on: {typed('watch', undo.id)}", markup=False)
    return exits.COMPLETED
