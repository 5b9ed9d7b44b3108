"""`winnow imports`: the imports there were, filtered, a page at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from typing import Annotated

import typer

from services.cli import exits
from services.cli.exits import CommandFailed
from services.cli.terminal.hints import typed
from services.cli.terminal.options import Json, Tenant, known_entity
from shared.api.limits import MOST_IMPORTS
from shared.entities import MODES
from shared.states import UNDO, ImportStatus

_DATES = ("%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S")
_DAYS = {"today": 0, "yesterday": 1}


def known_moment(text: str) -> datetime:
    """A day, or a moment of one, by the clock of this machine.

    Raises:
        CommandFailed: it cannot be one.
    """
    if (ago := _DAYS.get(text.strip().lower())) is not None:
        return datetime.combine(date.today() - timedelta(days=ago), time.min)  # noqa: DTZ011 - a day of this machine
    for form in _DATES:
        with suppress(ValueError):
            return datetime.strptime(text.strip(), form)  # noqa: DTZ007 - as this machine's clock shows it
    raise CommandFailed(
        f'"{text}" is no day: type one such as 2026-03-31 (or 2026-03-31T09:30), today or yesterday', code=exits.USAGE
    )


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
        datetime | None,
        typer.Option(
            parser=known_moment, metavar="DATE", help="Sent on this day or later, as 2026-03-31 or yesterday."
        ),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(parser=known_moment, metavar="DATE", help="Sent on this day or earlier, as 2026-03-31."),
    ] = None,
    after: Annotated[
        str | None, typer.Option(metavar="PLACE", help="Begin behind this place (the page before says it).")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST_IMPORTS, help="How many imports.")] = 20,
    as_json: Json = False,
) -> int:
    """The imports there were, newest first; all that is said must be true of one."""
    entity_type = None if entity is None else known_entity(entity)
    statuses, known_mode = known_statuses(status or ()), _known_mode(mode)

    async def run() -> int:
        from services.cli.reach import reached
        from services.cli.terminal.display import as_dict, print_json, show_recent, terminal

        async with reached(tenant) as winnow:
            page = await winnow.api.list_imports(
                file_name=file_name,
                entity_type=entity_type,
                status=statuses,
                mode=known_mode,
                user=user,
                since=None if since is None else since.astimezone(),
                before=None if until is None else _end_of(until),
                after=after,
                limit=limit,
            )
            if not page.items:
                await winnow.refuse_unknown()
        if as_json:
            print_json({"imports": [as_dict(each, winnow.tenant) for each in page.items], "next": page.next})
            return exits.COMPLETED
        show_recent(terminal(), [(winnow.tenant, each) for each in page.items])
        if not page.items:
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
