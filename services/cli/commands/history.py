"""`winnow imports`: the imports there were, filtered, a page at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

import typer

from services.cli import exits
from services.cli.exits import CommandFailed
from services.cli.terminal.hints import typed
from services.cli.terminal.options import Json, Tenant, known_entity, known_id
from shared.entities import MODES
from shared.states import UNDO, ImportStatus

_MOST = 200
_DATES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]


def imports(
    tenant: Tenant = None,
    file_name: Annotated[str | None, typer.Option("--file", metavar="TEXT", help="Part of the file's name.")] = None,
    entity: Annotated[str | None, typer.Option(help="What a row describes.")] = None,
    status: Annotated[
        list[str] | None,
        typer.Option(help="Only imports of this status; may be said several times.", metavar="STATUS"),
    ] = None,
    mode: Annotated[
        str | None, typer.Option(help="Only imports in this mode; undo for those that take another back.")
    ] = None,
    user: Annotated[str | None, typer.Option(help="Only what this user sent.")] = None,
    since: Annotated[
        datetime | None, typer.Option(formats=_DATES, metavar="DATE", help="Sent on this day or later, as 2026-03-31.")
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(formats=_DATES, metavar="DATE", help="Sent on this day or earlier, as 2026-03-31."),
    ] = None,
    after: Annotated[
        UUID | None,
        typer.Option(metavar="ID", parser=known_id, help="Begin behind this import (the page before says it)."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=_MOST, help="How many imports.")] = 20,
    as_json: Json = False,
) -> int:
    """The imports there were, newest first; all that is said must be true of one."""
    from shared.intake.history import ImportFilter

    wanted = ImportFilter(
        tenant=tenant,
        file_name=file_name,
        entity_type=None if entity is None else known_entity(entity),
        statuses=known_statuses(status or ()),
        mode=_known_mode(mode),
        user=user,
        since=None if since is None else since.astimezone(),
        before=None if until is None else _end_of(until),
    )

    async def run() -> int:
        from services.cli.client import connected
        from services.cli.terminal.display import print_json, show_recent, terminal
        from shared.intake.history import list_imports

        async with connected() as winnow, winnow.engine("operator").connect() as conn:
            page = await list_imports(conn, wanted, after=after, limit=limit)
            if tenant is not None and not page.imports:
                await winnow.refuse_unknown(tenant)
        if as_json:
            print_json({"imports": [progress.as_json() for progress in page.imports], "next": page.next})
            return exits.COMPLETED
        show_recent(terminal(), page.imports)
        if not page.imports:
            terminal().print("No such imports.", markup=False)
        if page.next is not None:
            terminal().print(f"More: the same with --after {page.next}", markup=False)
        return exits.COMPLETED

    return asyncio.run(run())


def _end_of(until: datetime) -> datetime:
    """The moment behind a day, or behind the second that was said."""
    whole_day = until == until.replace(hour=0, minute=0, second=0)
    return (until + (timedelta(days=1) if whole_day else timedelta(seconds=1))).astimezone()


def known_statuses(said: Sequence[str]) -> list[ImportStatus]:
    """Each as `--json` says it, or as a person is told it."""
    from services.cli.terminal.display import spoken

    known = {spoken(status): status for status in ImportStatus} | {str(status): status for status in ImportStatus}
    for status in said:
        if status not in known:
            raise CommandFailed(
                f'--status "{status}" is not known; choose {", ".join(ImportStatus)} (as {typed("status")} --json says it)',
                code=exits.USAGE,
            )
    return [known[status] for status in said]


def _known_mode(said: str | None) -> str | None:
    known = [*MODES, UNDO]
    if said is not None and said not in known:
        raise CommandFailed(f'--mode "{said}" is not known; choose {", ".join(known)}', code=exits.USAGE)
    return said
