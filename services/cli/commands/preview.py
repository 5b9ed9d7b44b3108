"""`winnow preview`, `winnow rows`, `winnow unmatched`: what an import would do, its rows, the categories it could not place."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from services.cli import exits
from services.cli.exits import CommandFailed
from services.cli.terminal.hints import typed
from services.cli.terminal.options import ImportId, Json, Tenant
from shared.api.limits import MOST_CHANGES, MOST_ROWS, MOST_UNMATCHED
from shared.states import RowStatus

if TYPE_CHECKING:
    from rich.console import Console

    from services.cli.reach import Winnow
    from shared.api.imports import Import
    from shared.api.results import Preview
    from shared.api.rows import Change

CHANGES = 20
"""How many changes are listed when nobody says how many."""


def preview(
    import_id: ImportId,
    tenant: Tenant = None,
    changes: Annotated[int, typer.Option(min=0, max=10_000, help="How many changes to list.")] = CHANGES,
    as_json: Json = False,
) -> int:
    """What a held import would do: rows it creates, updates, leaves as they are, hands back; and what it changes, before and after.

    Exit code: 0 nothing is handed back, 2 some rows are, 1 nothing of it can be imported.
    """

    async def run() -> int:
        from services.cli.reach import reached
        from services.cli.terminal.display import print_json, show_import, terminal

        async with reached(tenant, import_id=import_id) as winnow:
            progress = await winnow.import_of(import_id)
            found = await read_preview(winnow, import_id, changes=changes)
        if as_json:
            print_json({"id": str(import_id), **found.model_dump(mode="json")})
        else:
            show_import(terminal(), progress)
            show_previewed(terminal(), progress, found)
        return code_of(progress, found)

    return asyncio.run(run())


def rows(
    import_id: ImportId,
    status: Annotated[
        str | None, typer.Option(help=f"Only rows of this status: {', '.join(RowStatus)}.", metavar="STATUS")
    ] = None,
    after: Annotated[int, typer.Option(min=0, metavar="ROW", help="Begin behind this row.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=MOST_ROWS, help="How many rows.")] = 20,
    tenant: Tenant = None,
    as_json: Json = False,
) -> int:
    """The rows of an import as they stand in its file, a page at a time, with their errors and what becomes of them."""
    wanted = None if status is None else _known_status(status)

    async def run() -> int:
        from services.cli.reach import reached
        from services.cli.terminal.display import print_json, terminal
        from services.cli.terminal.listing import show_rows

        async with reached(tenant, import_id=import_id) as winnow:
            progress = await winnow.import_of(import_id)
            page = await winnow.api.list_rows(import_id, status=wanted, after=after or None, limit=limit)
        if as_json:
            said = page.model_dump(mode="json")
            behind = None if page.next is None else int(page.next)
            print_json({"id": str(import_id), "rows": said.pop("items"), **said, "next": behind})
            return exits.COMPLETED
        show_rows(terminal(), progress.entity_type, page)
        if not page.items:
            why = "Its rows were kept for their time and are removed." if page.expired else "No such rows."
            terminal().print(why, markup=False)
        if page.next is not None:
            of_status = () if wanted is None else ("--status", wanted)
            terminal().print(f"More: {typed('rows', import_id, *of_status, '--after', page.next)}", markup=False)
        return exits.COMPLETED

    return asyncio.run(run())


def unmatched(
    import_id: ImportId,
    limit: Annotated[int, typer.Option(min=1, max=MOST_UNMATCHED, help="How many categories.")] = 100,
    tenant: Tenant = None,
    as_json: Json = False,
) -> int:
    """The categories of an import that nobody knows, the most frequent first, each with the known ones that are nearest."""

    async def run() -> int:
        from services.cli.reach import reached
        from services.cli.terminal.display import print_json, terminal
        from services.cli.terminal.listing import show_unmatched

        async with reached(tenant, import_id=import_id) as winnow:
            await winnow.import_of(import_id)
            found = (await winnow.api.list_unmatched_categories(import_id=import_id, limit=limit)).items
        if as_json:
            print_json([category.model_dump(mode="json") for category in found])
        elif found:
            show_unmatched(terminal(), found)
        else:
            terminal().print("Every category that was looked for is known.", markup=False)
        return exits.COMPLETED

    return asyncio.run(run())


async def read_preview(winnow: Winnow, import_id: UUID, *, changes: int = CHANGES) -> Preview:
    """What an import comes to, with its first changes."""
    found = await winnow.api.get_preview(import_id, changes=min(changes, MOST_CHANGES))
    if changes <= MOST_CHANGES or len(found.changes) < MOST_CHANGES:
        return found
    listed: list[Change] = []
    after = None
    while len(listed) < changes:
        page = await winnow.api.list_changes(import_id, after=after, limit=min(changes - len(listed), MOST_CHANGES))
        listed += page.items
        if (after := page.next) is None:
            break
    return found.model_copy(update={"changes": tuple(listed)})


def show_previewed(console: Console, progress: Import, found: Preview) -> None:
    """What an import comes to, and what to type next."""
    from services.cli.terminal.listing import show_preview
    from services.cli.terminal.standing import awaits_start

    show_preview(console, progress.entity_type, found)
    if awaits_start(progress):
        console.print(
            f"Nothing of it is committed yet. Start it: {typed('start', progress.id)}   "
            f"Row by row: {typed('rows', progress.id)}   Or leave it: {typed('cancel', progress.id)}",
            markup=False,
        )


def code_of(progress: Import, found: Preview) -> int:
    """The exit code for what a preview shows."""
    if progress.error is not None or (progress.ended and progress.status not in exits.OF_STATUS):
        return exits.FAILED
    return exits.COMPLETED_WITH_FAILURES if found.rows.fail else exits.COMPLETED


def _known_status(status: str) -> RowStatus:
    if status not in set(RowStatus):
        raise CommandFailed(f'--status "{status}" is not known; choose {", ".join(RowStatus)}', code=exits.USAGE)
    return RowStatus(status)
