"""`winnow import`, `winnow watch`, `winnow status`."""

import asyncio
import getpass
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.console import Console

from services.cli import exits
from services.cli.exits import CommandFailed
from services.cli.hints import typed
from services.cli.options import Entity, ImportId, Json, file_options, known_entity, known_id, known_mode, known_tenant
from services.cli.running import Running, running
from services.cli.sending import Sending, send
from services.cli.showing import NAMES, print_json, show_import, show_reasons, show_recent, terminal
from services.cli.watching import watch_import
from shared.ledger import ImportProgress

_UNKNOWN_AFTER = 20.0
"""Seconds in which an event that was published has become an import."""


def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An .xlsx, .csv, .tsv or .txt file.")],
    entity: Entity = "products",
    mode: Annotated[str, typer.Option(help="What to do with the rows: create.")] = "create",
    tenant: Annotated[str, typer.Option(help="Whose data it is.")] = ...,  # type: ignore[assignment]
    user: Annotated[str | None, typer.Option(help="Who sends it; your login name when not given.")] = None,
    sheet: Annotated[str | None, typer.Option(help="Read this sheet (.xlsx).")] = None,
    delimiter: Annotated[
        str | None,
        typer.Option(help="Separator of a text file's columns: comma, semicolon, pipe or tab; else detected."),
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Character encoding of a text file, such as windows-1252; else detected.")
    ] = None,
    parent: Annotated[
        UUID | None, typer.Option(metavar="ID", parser=known_id, help="The import whose correction file this is.")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Show how it moves and wait for its end.")] = False,
    as_json: Json = False,
) -> int:
    """Send a file. With --watch the exit code says how it ended: 0 completed, 2 with failures, 1 failed."""
    sending = Sending(
        path=_readable(file),
        tenant=known_tenant(tenant),
        user=user or _login(),
        entity=known_entity(entity),
        mode=known_mode(mode, entity),
        options=file_options(sheet, delimiter, encoding),
        parent=parent,
    )
    return asyncio.run(_import(sending, watch=watch, as_json=as_json))


async def _import(sending: Sending, *, watch: bool, as_json: bool) -> int:
    async with running() as winnow:
        if not winnow.stack.services_running:
            terminal(stderr=True).print(
                f"The services do not run here, so nothing will happen to the file until they do: {typed('up')}",
                style="yellow",
                markup=False,
            )
        event = await send(winnow, sending)
        assert event.import_id is not None
        said = f"Sent {sending.path.name} as import {event.import_id}"
        if watch:
            if not as_json:
                terminal(stderr=True).print(said, markup=False)
            return await _watched(winnow, event.import_id, as_json=as_json)
        if as_json:
            print_json(
                event.model_dump(mode="json", exclude_none=True) | {"id": str(event.import_id), "status": "uploading"}
            )
        else:
            terminal().print(f"{said}\nHow it goes on: {typed('watch', event.import_id)}", markup=False)
        return exits.COMPLETED


def watch(import_id: ImportId, as_json: Json = False) -> int:
    """Show an import until it ends. Exit code: 0 completed, 2 completed with failures, 1 failed or no such import."""

    async def run() -> int:
        async with running() as winnow:
            return await _watched(winnow, import_id, as_json=as_json, unknown_after=_UNKNOWN_AFTER)

    return asyncio.run(run())


def status(
    import_id: Annotated[
        UUID | None, typer.Argument(metavar="[ID]", parser=known_id, help="One import; else the recent ones.")
    ] = None,
    tenant: Annotated[str | None, typer.Option(help="Only imports of this tenant.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many recent imports.")] = 10,
    as_json: Json = False,
) -> int:
    """The recent imports, or all there is to know about one. The exit code is 0 whatever became of it."""
    return asyncio.run(_status(import_id, tenant, limit, as_json=as_json))


async def _status(import_id: UUID | None, tenant: str | None, limit: int, *, as_json: bool) -> int:
    async with running() as winnow:
        if import_id is not None:
            progress = await winnow.import_of(import_id)
            if as_json:
                print_json(await _told(winnow, progress))
            else:
                await show_ended(winnow, progress, terminal())
            return exits.COMPLETED
        recent = await winnow.recent(tenant=tenant, limit=limit)
        if as_json:
            print_json([progress.as_json() for progress in recent])
        elif recent:
            show_recent(terminal(), recent)
        else:
            nobody = "No imports yet" if tenant is None else f'Tenant "{tenant}" has no imports'
            send_one = typed("import", "FILE", "--tenant", "NAME" if tenant is None else tenant, "--watch")
            terminal().print(f"{nobody}. Send a file: {send_one}", markup=False)
        return exits.COMPLETED


async def _watched(winnow: Running, import_id: UUID, *, as_json: bool, unknown_after: float | None = None) -> int:
    console = terminal(stderr=True)
    try:
        progress = await watch_import(winnow, import_id, console, unknown_after=unknown_after)
    except asyncio.CancelledError:
        console.print(f"The import goes on. Watch it again: {typed('watch', import_id)}", markup=False)
        raise
    if as_json:
        print_json(await _told(winnow, progress))
    else:
        await show_ended(winnow, progress, terminal())
    return exits.of_status(progress.status)


async def _told(winnow: Running, progress: ImportProgress) -> dict[str, Any]:
    """All there is to know of one import, for a script."""
    return {**progress.as_json(), "entities_made": await winnow.entities_made(progress)}


async def show_ended(winnow: Running, progress: ImportProgress, console: Console) -> None:
    """An import with the reasons of its failed rows, and what to type next."""
    show_import(console, progress, await winnow.entities_made(progress, limit=NAMES))
    if progress.failed_rows:
        show_reasons(console, await winnow.grouped_reasons(progress))
    if progress.correction_object_key:
        command = typed("corrections", progress.id, "-o", "corrections.xlsx")
        console.print(f"The failed rows in a workbook: {command}", markup=False)


def _readable(file: Path) -> Path:
    if not file.is_file():
        what = "is a folder" if file.is_dir() else "does not exist"
        raise CommandFailed(f"{file} {what}; name a file to import", code=exits.USAGE)
    try:
        file.open("rb").close()
    except OSError as error:
        raise CommandFailed(f"{file} cannot be read: {error.strerror}", code=exits.USAGE) from error
    return file


def _login() -> str:
    try:
        return getpass.getuser()
    except OSError:
        return "unknown"
