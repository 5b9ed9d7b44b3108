"""`winnow preview`, `winnow rows`, `winnow unmatched`: what an import would do, its rows, the categories it could not place."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli import exits
from services.cli.exits import CommandFailed
from services.cli.terminal.hints import typed
from services.cli.terminal.options import ImportId, Json, Tenant
from shared.states import RowStatus

if TYPE_CHECKING:
    from rich.console import Console

    from services.cli.client import Client
    from shared.intake.preview import Preview
    from shared.ledger import ImportProgress

CHANGES = 20
"""How many changes are listed when nobody says how many."""

_MOST_ROWS = 500


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
        from services.cli.client import connected
        from services.cli.terminal.display import print_json, show_import, terminal

        async with connected() as winnow:
            progress = await winnow.import_of(import_id, tenant=tenant)
            found = await read_preview(winnow, progress, changes=changes)
            if as_json:
                print_json({"id": str(import_id), **asdict(found)})
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
    limit: Annotated[int, typer.Option(min=1, max=_MOST_ROWS, help="How many rows.")] = 20,
    tenant: Tenant = None,
    as_json: Json = False,
) -> int:
    """The rows of an import as they stand in its file, a page at a time, with their errors and what becomes of them."""
    wanted = None if status is None else _known_status(status)

    async def run() -> int:
        from services.cli.client import connected
        from services.cli.terminal.display import print_json, terminal
        from services.cli.terminal.listing import show_rows
        from shared.intake.rows import read_rows

        async with connected() as winnow:
            progress = await winnow.import_of(import_id, tenant=tenant)
            page = await winnow.read(
                progress, lambda conn: read_rows(conn, import_id, status=wanted, after=after, limit=limit)
            )
        assert page is not None
        if as_json:
            print_json({"id": str(import_id), **asdict(page)})
            return exits.COMPLETED
        show_rows(terminal(), progress.entity_type, page)
        if not page.rows:
            why = "Its rows were kept for their time and are removed." if page.expired else "No such rows."
            terminal().print(why, markup=False)
        if page.next is not None:
            of_status = () if wanted is None else ("--status", wanted)
            terminal().print(f"More: {typed('rows', import_id, *of_status, '--after', page.next)}", markup=False)
        return exits.COMPLETED

    return asyncio.run(run())


def unmatched(
    import_id: ImportId,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many categories.")] = 100,
    tenant: Tenant = None,
    as_json: Json = False,
) -> int:
    """The categories of an import that nobody knows, the most frequent first, each with the known ones that are nearest."""

    async def run() -> int:
        from services.cli.client import connected
        from services.cli.terminal.display import print_json, terminal
        from services.cli.terminal.listing import show_unmatched
        from shared.intake.unmatched import unmatched_categories

        async with connected() as winnow:
            progress = await winnow.import_of(import_id, tenant=tenant)
            found = await winnow.read(progress, lambda conn: unmatched_categories(conn, import_id, limit=limit))
        assert found is not None
        if as_json:
            print_json([asdict(category) for category in found])
        elif found:
            show_unmatched(terminal(), found)
        else:
            terminal().print("Every category that was looked for is known.", markup=False)
        return exits.COMPLETED

    return asyncio.run(run())


async def read_preview(winnow: Client, progress: ImportProgress, *, changes: int = CHANGES) -> Preview:
    """What an import comes to."""
    from shared.intake.preview import preview as read

    found = await winnow.read(progress, lambda conn: read(conn, progress.id, changes=changes))
    assert found is not None
    return found


def show_previewed(console: Console, progress: ImportProgress, found: Preview) -> None:
    """What an import comes to, and what to type next."""
    from services.cli.terminal.display import awaits_start
    from services.cli.terminal.listing import show_preview

    show_preview(console, progress.entity_type, found)
    if awaits_start(progress):
        console.print(
            f"Nothing of it is committed yet. Start it: {typed('start', progress.id)}   "
            f"Row by row: {typed('rows', progress.id)}   Or leave it: {typed('cancel', progress.id)}",
            markup=False,
        )


def code_of(progress: ImportProgress, found: Preview) -> int:
    """The exit code for what a preview shows."""
    if progress.error is not None or (progress.ended and progress.status not in exits.OF_STATUS):
        return exits.FAILED
    return exits.COMPLETED_WITH_FAILURES if found.rows.fail else exits.COMPLETED


def _known_status(status: str) -> RowStatus:
    if status not in set(RowStatus):
        raise CommandFailed(f'--status "{status}" is not known; choose {", ".join(RowStatus)}', code=exits.USAGE)
    return RowStatus(status)
