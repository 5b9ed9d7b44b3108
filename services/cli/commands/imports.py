"""`winnow import`, `winnow watch`, `winnow status`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from services.cli import exits
from services.cli.exits import CommandFailed
from services.cli.terminal.hints import typed
from services.cli.terminal.options import (
    DEFAULT_ENTITY,
    Entity,
    ImportId,
    Json,
    Tenant,
    User,
    known_entity,
    known_id,
    known_key,
    known_mode,
)
from shared.states import ImportStatus

if TYPE_CHECKING:
    from rich.console import Console

    from services.cli.reach import Winnow
    from shared.api.imports import Import, ImportSummary, NewImport
    from shared.api.results import Preview, Repairs


def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An .xlsx, .csv, .tsv or .txt file.")],
    entity: Entity = DEFAULT_ENTITY,
    mode: Annotated[
        str | None,
        typer.Option(
            help="create makes what is not there; enrich changes what is; upsert does both. Else create for products and notes, upsert for other records."
        ),
    ] = None,
    tenant: Tenant = None,
    user: User = None,
    sheet: Annotated[str | None, typer.Option(help="Read this sheet (.xlsx).")] = None,
    delimiter: Annotated[
        str | None,
        typer.Option(help="Separator of a text file's columns: comma, semicolon, pipe or tab; else detected."),
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Character encoding of a text file, such as windows-1252; else detected.")
    ] = None,
    decimal: Annotated[
        str | None,
        typer.Option(help="Decimal sign of numbers that are text: comma or point; else found for each column."),
    ] = None,
    dates: Annotated[
        str | None,
        typer.Option(
            help="How dates that are text are written: iso, european or american; else found for each column."
        ),
    ] = None,
    heading_row: Annotated[
        int | None, typer.Option("--heading-row", metavar="N", help="The row that has the headings; else found.")
    ] = None,
    parent: Annotated[
        UUID | None, typer.Option(metavar="ID", parser=known_id, help="The import whose correction file this is.")
    ] = None,
    hold: Annotated[
        bool, typer.Option("--hold", help="Read and validate it, and commit nothing before `winnow start ID`.")
    ] = False,
    guided: Annotated[
        bool,
        typer.Option(
            "--guided", help="Wait for a person to map its columns, look at its values and start it, in a browser."
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Hold it, wait until it is validated, and show what it would do to production."),
    ] = False,
    existing: Annotated[
        str,
        typer.Option(help="In create: refuse products that are there already, or skip them.", metavar="refuse|skip"),
    ] = "refuse",
    blanks: Annotated[
        str,
        typer.Option(
            help="In enrich and upsert: whether a blank cell keeps what is there or clears it.", metavar="keep|clear"
        ),
    ] = "keep",
    idempotency_key: Annotated[
        str | None,
        typer.Option(
            "--idempotency-key",
            metavar="KEY",
            parser=known_key,
            help="A name of your own for this import: whatever is sent with it again is the same import.",
        ),
    ] = None,
    allow_repeat: Annotated[
        bool, typer.Option("--allow-repeat", help="Import it although the same file was imported before.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Show how it moves and wait for its end (held: until it can be started).")
    ] = False,
    as_json: Json = False,
) -> int:
    """Send a file. With --watch the exit code says how it ended: 0 completed (or held), 2 with failures, 1 failed.

    With --dry-run how it would end: 0 every row imported, 2 some handed back, 1 none can be.
    """
    from services.cli.terminal.file_options import file_options, refuse_senseless
    from shared.api.imports import NewImport

    mode = known_mode(mode, known_entity(entity))
    options = file_options(
        sheet,
        delimiter,
        encoding,
        decimal=decimal,
        dates=dates,
        heading_row=heading_row,
        hold=hold or dry_run or guided,
        guided=guided,
        allow_repeat=allow_repeat,
        existing=existing,
        blanks=blanks,
        mode=mode,
    )
    refuse_senseless(_readable(file), options)
    new = NewImport.model_validate(
        {
            "entity_type": entity,
            "mode": mode,
            "options": options.model_dump(),
            "parent_import_id": parent,
            "file_name": file.name,
        }
    )
    sending = Sending(file, new, tenant, user, idempotency_key)
    return asyncio.run(_import(sending, watch=watch or dry_run, dry_run=dry_run, as_json=as_json))


@dataclass(frozen=True)
class Sending:
    """A file that is to be sent, as what and for whom."""

    path: Path
    new: NewImport
    tenant: str | None = None
    user: str | None = None
    key: str | None = None


async def _import(sending: Sending, *, watch: bool, dry_run: bool, as_json: bool) -> int:
    from services.cli.reach import reached
    from services.cli.terminal.display import as_dict, print_json, terminal
    from services.cli.terminal.sending import send

    errors = terminal(stderr=True)
    async with reached(sending.tenant, user=sending.user) as winnow:
        sent = await send(winnow, sending, errors)
        said = f"Sent {sending.path.name} as import {sent.id}"
        if sent.is_repeat:
            said = f"Sent before with this key, and not again: {sending.path.name} is import {sent.id}"
        if watch:
            if not as_json:
                errors.print(said, markup=False)
            return await watched(winnow, sent.id, dry_run=dry_run, as_json=as_json)
        if as_json:
            print_json({**as_dict(sent.known, winnow.tenant), "is_repeat": sent.is_repeat})
        else:
            terminal().print(f"{said}\nHow it goes on: {typed('watch', sent.id)}", markup=False)
        return exits.COMPLETED


def watch(import_id: ImportId, tenant: Tenant = None, as_json: Json = False) -> int:
    """Show an import until it ends. Exit code: 0 completed, 2 completed with failures, 1 failed or no such import."""

    async def run() -> int:
        from services.cli.reach import reached

        async with reached(tenant, import_id=import_id) as winnow:
            return await watched(winnow, import_id, as_json=as_json)

    return asyncio.run(run())


def status(
    import_id: Annotated[
        UUID | None, typer.Argument(metavar="[ID]", parser=known_id, help="One import; else the recent ones.")
    ] = None,
    tenant: Tenant = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many recent imports.")] = 10,
    as_json: Json = False,
) -> int:
    """The recent imports, or all there is to know about one. The exit code is 0 whatever became of it."""
    return asyncio.run(_status(import_id, tenant, limit, as_json=as_json))


async def _status(import_id: UUID | None, tenant: str | None, limit: int, *, as_json: bool) -> int:
    from services.cli.reach import reached
    from services.cli.terminal.display import print_json, terminal

    if import_id is None:
        return await _recent(tenant, limit, as_json=as_json)
    async with reached(tenant, import_id=import_id) as winnow:
        progress = await winnow.import_of(import_id)
        if as_json:
            print_json(await _described(winnow, progress))
        else:
            await _show(winnow, progress, terminal(), columns=True)
    return exits.COMPLETED


async def _recent(tenant: str | None, limit: int, *, as_json: bool) -> int:
    """The latest imports: of the tenant that is said or that the token is of, else of every tenant of this checkout."""
    from services.cli.reach import reached, reached_as_each
    from services.cli.terminal.display import as_dict, print_json, show_recent, terminal

    found: list[tuple[str | None, ImportSummary]] = []
    if tenant is not None:
        async with reached(tenant) as winnow:
            found = [(tenant, each) for each in await _latest(winnow, limit)]
            if not found:
                await winnow.refuse_unknown()
    else:
        async with reached_as_each(limit) as each_tenants:
            for winnow in each_tenants:
                found += [(winnow.tenant, each) for each in await _latest(winnow, limit)]
    found = sorted(found, key=lambda one: (one[1].created_at, one[1].id), reverse=True)[:limit]
    if as_json:
        print_json([as_dict(each, whose) for whose, each in found])
    elif found:
        show_recent(terminal(), found)
    else:
        nobody = "No imports yet" if tenant is None else f'Tenant "{tenant}" has no imports'
        send_one = typed("import", "FILE", "--tenant", "NAME" if tenant is None else tenant, "--watch")
        terminal().print(f"{nobody}. Send a file: {send_one}", markup=False)
    return exits.COMPLETED


async def _latest(winnow: Winnow, limit: int) -> list[ImportSummary]:
    from shared.api.limits import MOST_IMPORTS

    found: list[ImportSummary] = []
    after = None
    while len(found) < limit:
        page = await winnow.api.list_imports(after=after, limit=min(limit - len(found), MOST_IMPORTS))
        found += page.items
        if (after := page.next) is None:
            break
    return found


async def watched(winnow: Winnow, import_id: UUID, *, dry_run: bool = False, as_json: bool) -> int:
    """Show an import until it has ended, or waits for somebody; the exit code that says how it ended."""
    from services.cli.terminal.display import print_json, terminal
    from services.cli.terminal.progress import watch_import
    from services.cli.terminal.standing import awaits_start

    console = terminal(stderr=True)
    try:
        progress = await watch_import(winnow, import_id, console)
    except asyncio.CancelledError:
        goes_on = "The import goes on"
        if winnow.local is not None:
            running = winnow.local.running
            goes_on += f": the services run until {typed('down')}" if running else f" after {typed('up')}"
        console.print(
            f"{goes_on}. Watch it again: {typed('watch', import_id)}   Stop it: {typed('cancel', import_id)}",
            markup=False,
        )
        raise
    if dry_run:
        return await _previewed(winnow, progress, as_json=as_json)
    if as_json:
        print_json(await _described(winnow, progress))
    else:
        await _show(winnow, progress, terminal())
    return exits.COMPLETED if awaits_start(progress) else exits.of_status(progress.status)


async def _previewed(winnow: Winnow, progress: Import, *, as_json: bool) -> int:
    """A dry run that is through: what its file would do."""
    from services.cli.commands.preview import code_of, read_preview
    from services.cli.terminal.display import print_json, terminal

    found = await read_preview(winnow, progress.id)
    if as_json:
        print_json({**await _described(winnow, progress), "preview": found.model_dump(mode="json")})
    else:
        await _show(winnow, progress, terminal(), found=found)
    return code_of(progress, found)


async def _described(winnow: Winnow, progress: Import) -> dict[str, Any]:
    """All there is to know of one import, for a script."""
    from services.cli.terminal.display import as_dict
    from shared.api.limits import MOST_NAMES

    reading, repairs, made = await asyncio.gather(
        winnow.api.get_reading(progress.id),
        winnow.api.get_repairs(progress.id),
        winnow.api.get_entities(progress.id, names=MOST_NAMES),
    )
    return {
        **as_dict(progress, winnow.tenant),
        "reading": reading.model_dump(mode="json") if reading.columns else None,
        "entities_made": {kind.kind: list(kind.names) for kind in made.items},
        "repairs": [str(correction.id) for correction in repairs.corrections],
        "repaired": repairs.model_dump(mode="json"),
    }


async def _show(
    winnow: Winnow,
    progress: Import,
    console: Console,
    *,
    columns: bool = False,
    found: Preview | None = None,
) -> None:
    """An import with the errors of its rows, and what to type next.

    With `columns`, each column of its file too; with what was `found` in a preview, that too.
    """
    from services.cli.terminal.display import show_import, show_reasons
    from services.cli.terminal.listing import show_preview
    from services.cli.terminal.reading import show_columns, show_decisions
    from services.cli.terminal.standing import awaits_start, is_about_a_category

    made, repairs, reading = await asyncio.gather(
        winnow.api.get_entities(progress.id), winnow.api.get_repairs(progress.id), winnow.api.get_reading(progress.id)
    )
    show_import(console, progress, {kind.kind: kind.names for kind in made.items}, repairs)
    if reading.columns:
        show_decisions(console, reading)
        if columns:
            show_columns(console, reading)
    if found is not None and found.total_rows:
        show_preview(console, progress.entity_type, found)
    ready = awaits_start(progress)
    if progress.failed_rows or ready:
        if reasons := (await winnow.api.get_reasons(progress.id)).items:
            show_reasons(console, reasons, progress)
            if any(is_about_a_category(progress, reason.code, reason.heading) for reason in reasons):
                console.print(f"The known categories that are nearest: {typed('unmatched', progress.id)}", markup=False)
        elif ready and progress.error is None:
            console.print("  no errors found")
    if ready and progress.guided is not None:
        address = f"{winnow.api.url.rstrip('/')}/imports/{progress.id}/{progress.guided.step}"
        console.print(
            f"Nothing of it is committed yet. It waits for somebody at {address}   Or leave it: {typed('cancel', progress.id)}",
            markup=False,
        )
    elif ready:
        console.print(
            f"Nothing of it is committed yet. Start it: {typed('start', progress.id)}   "
            f"Or leave it: {typed('cancel', progress.id)}",
            markup=False,
        )
    elif progress.status == ImportStatus.UPLOADING:
        for problem in await winnow.problems():
            console.print(problem, style="yellow", markup=False)
    _show_what_was_not_done(progress, repairs, console)


def _show_what_was_not_done(progress: Import, repairs: Repairs, console: Console) -> None:
    """What to type for rows that were left, as long as some of them are open."""
    from services.cli.terminal.standing import file_of

    if progress.failed_rows and progress.undoes_import_id is not None:
        console.print(f"Each of them: {typed('errors', progress.id)}", markup=False)
    is_mended = bool(repairs.handed_back_rows) and not repairs.open_rows
    if file_of(progress, "corrections") is not None and not is_mended:
        command = typed("corrections", progress.id, "-o", "corrections.xlsx")
        console.print(f"The failed rows in a workbook: {command}", markup=False)
    if file_of(progress, "unprocessed_rows") is not None:
        from services.cli.commands.corrections import unprocessed_rows

        console.print(unprocessed_rows(progress), markup=False)


def _readable(file: Path) -> Path:
    if not file.is_file():
        what = "is a folder" if file.is_dir() else "does not exist"
        raise CommandFailed(f"{file} {what}; name a file to import", code=exits.USAGE)
    try:
        file.open("rb").close()
    except OSError as error:
        raise CommandFailed(f"{file} cannot be read: {error.strerror}", code=exits.USAGE) from error
    return file
