"""`winnow import`, `winnow watch`, `winnow status`."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
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
    known_entity,
    known_id,
    known_key,
    known_mode,
    known_tenant,
    login,
)
from shared.states import ImportStatus

if TYPE_CHECKING:
    from rich.console import Console

    from services.cli.client import Client
    from shared.intake.preview import Preview
    from shared.intake.repairs import Repairs
    from shared.intake.uploads import Upload
    from shared.ledger import ImportProgress


def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An .xlsx, .csv, .tsv or .txt file.")],
    entity: Entity = DEFAULT_ENTITY,
    mode: Annotated[
        str,
        typer.Option(
            help="What to do with the rows: create makes products; enrich changes those that are there; upsert does both."
        ),
    ] = "create",
    tenant: Annotated[str, typer.Option(help="Whose data it is; registered by `winnow tenants add`.")] = ...,  # type: ignore[assignment]
    user: Annotated[str | None, typer.Option(help="Who sends it; your login name when not given.")] = None,
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
    heading_row: Annotated[
        int | None, typer.Option("--heading-row", metavar="N", help="The row that has the headings; else found.")
    ] = None,
    parent: Annotated[
        UUID | None, typer.Option(metavar="ID", parser=known_id, help="The import whose correction file this is.")
    ] = None,
    hold: Annotated[
        bool, typer.Option("--hold", help="Read and validate it, and commit nothing before `winnow start ID`.")
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
    from services.cli.terminal.file_options import file_options
    from shared.intake.uploads import Upload

    upload = Upload(
        path=_readable(file),
        tenant=known_tenant(tenant),
        user=user or login(),
        entity=known_entity(entity),
        mode=known_mode(mode, entity),
        options=file_options(
            sheet,
            delimiter,
            encoding,
            decimal=decimal,
            heading_row=heading_row,
            hold=hold or dry_run,
            allow_repeat=allow_repeat,
            existing=existing,
            blanks=blanks,
            mode=mode,
        ),
        parent=parent,
        idempotency_key=idempotency_key,
    )
    return asyncio.run(_import(upload, watch=watch or dry_run, dry_run=dry_run, as_json=as_json))


async def _import(upload: Upload, *, watch: bool, dry_run: bool, as_json: bool) -> int:
    from services.cli.client import connected
    from services.cli.terminal.display import print_json, terminal
    from shared.intake.uploads import ContradictsAnother, SentBefore, UnknownParent
    from shared.ledger.tenants import UnknownTenant

    errors = terminal(stderr=True)
    async with connected() as winnow:
        try:
            sent = await winnow.send(upload)
        except UnknownTenant as unknown:
            raise CommandFailed(_unknown(unknown), code=exits.USAGE) from None
        except UnknownParent as unknown:
            raise CommandFailed(
                f'--parent: tenant "{upload.tenant}" has no import {unknown.parent}, and nothing was sent. '
                f"Its imports: {typed('status', '--tenant', upload.tenant)}",
                code=exits.USAGE,
            ) from None
        except ContradictsAnother as other:
            raise CommandFailed(
                f'--idempotency-key: "{upload.idempotency_key}" is the key of import {other.import_id}, which has '
                f"{', '.join(other.differences)}. Nothing was sent; for another import give another key",
                code=exits.USAGE,
            ) from None
        except SentBefore as repeated:
            raise CommandFailed(repeated.before.refusal(upload.path.name, option="--allow-repeat")) from None
        except asyncio.CancelledError:
            errors.print("Nothing was sent.", markup=False)
            raise
        if winnow.services is not None and not winnow.services.running:
            errors.print(
                f"The services do not run here, so nothing will happen to the file until they do: {typed('up')}",
                style="yellow",
                markup=False,
            )
        said = f"Sent {upload.path.name} as import {sent.import_id}"
        if sent.is_repeat:
            said = f"Sent before with this key, and not again: {upload.path.name} is import {sent.import_id}"
        if watch:
            if not as_json:
                errors.print(said, markup=False)
            return await watched(winnow, sent.import_id, dry_run=dry_run, as_json=as_json)
        if as_json:
            status = (await winnow.import_of(sent.import_id)).status if sent.is_repeat else ImportStatus.UPLOADING
            print_json(
                sent.event.model_dump(mode="json", exclude_none=True)
                | {"id": str(sent.import_id), "status": status, "is_repeat": sent.is_repeat}
            )
        else:
            terminal().print(f"{said}\nHow it goes on: {typed('watch', sent.import_id)}", markup=False)
        return exits.COMPLETED


def watch(import_id: ImportId, as_json: Json = False) -> int:
    """Show an import until it ends. Exit code: 0 completed, 2 completed with failures, 1 failed or no such import."""

    async def run() -> int:
        from services.cli.client import connected

        async with connected() as winnow:
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
    from services.cli.client import connected
    from services.cli.terminal.display import print_json, show_recent, terminal

    async with connected() as winnow:
        if import_id is not None:
            progress = await winnow.import_of(import_id, tenant=tenant)
            if as_json:
                print_json(await _described(winnow, progress))
            else:
                await _show(winnow, progress, terminal(), columns=True)
            return exits.COMPLETED
        recent = await winnow.recent(tenant=tenant, limit=limit)
        if tenant is not None and not recent:
            await winnow.refuse_unknown(tenant)
        if as_json:
            print_json([progress.as_json() for progress in recent])
        elif recent:
            show_recent(terminal(), recent)
        else:
            nobody = "No imports yet" if tenant is None else f'Tenant "{tenant}" has no imports'
            send_one = typed("import", "FILE", "--tenant", "NAME" if tenant is None else tenant, "--watch")
            terminal().print(f"{nobody}. Send a file: {send_one}", markup=False)
        return exits.COMPLETED


async def watched(winnow: Client, import_id: UUID, *, dry_run: bool = False, as_json: bool) -> int:
    """Show an import until it has ended, or waits for somebody; the exit code that says how it ended."""
    from services.cli.terminal.display import awaits_start, print_json, terminal
    from services.cli.terminal.progress import watch_import

    console = terminal(stderr=True)
    try:
        progress = await watch_import(winnow, import_id, console)
    except asyncio.CancelledError:
        goes_on = "The import goes on"
        if winnow.services is not None:
            goes_on += (
                f": the services run until {typed('down')}" if winnow.services.running else f" after {typed('up')}"
            )
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


async def _previewed(winnow: Client, progress: ImportProgress, *, as_json: bool) -> int:
    """A dry run that is through: what its file would do."""
    from services.cli.commands.preview import code_of, read_preview
    from services.cli.terminal.display import print_json, terminal

    found = await read_preview(winnow, progress)
    if as_json:
        print_json({**await _described(winnow, progress), "preview": asdict(found)})
    else:
        await _show(winnow, progress, terminal(), found=found)
    return code_of(progress, found)


async def _described(winnow: Client, progress: ImportProgress) -> dict[str, Any]:
    """All there is to know of one import, for a script."""
    reading = await winnow.reading(progress)
    repairs = await winnow.repairs(progress)
    return {
        **progress.as_json(),
        "reading": None if reading is None else asdict(reading),
        "entities_made": await winnow.entities_made(progress),
        "repairs": [str(correction.id) for correction in repairs.corrections],
        "repaired": repairs.as_json(),
    }


async def _show(
    winnow: Client,
    progress: ImportProgress,
    console: Console,
    *,
    columns: bool = False,
    found: Preview | None = None,
) -> None:
    """An import with the errors of its rows, and what to type next.

    With `columns`, each column of its file too; with what was `found` in a preview, that too.
    """
    from services.cli.terminal.display import NAMES, awaits_start, show_error_groups, show_import
    from services.cli.terminal.listing import show_preview
    from services.cli.terminal.reading import show_columns, show_decisions

    made = await winnow.entities_made(progress, limit=NAMES)
    repairs = await winnow.repairs(progress)
    show_import(console, progress, made, repairs)
    if (reading := await winnow.reading(progress)) is not None:
        show_decisions(console, reading)
        if columns:
            show_columns(console, reading)
    if found is not None and found.total_rows:
        show_preview(console, progress.entity_type, found)
    ready = awaits_start(progress)
    if progress.failed_rows or ready:
        if groups := await winnow.error_groups(progress):
            show_error_groups(console, groups, progress)
        elif ready:
            console.print("  no errors found")
    if ready:
        console.print(
            f"Nothing of it is committed yet. Start it: {typed('start', progress.id)}   "
            f"Or leave it: {typed('cancel', progress.id)}",
            markup=False,
        )
    elif progress.status == ImportStatus.UPLOADING:
        for problem in await winnow.problems():
            console.print(problem, style="yellow", markup=False)
    _show_what_was_not_done(progress, repairs, console)


def _show_what_was_not_done(progress: ImportProgress, repairs: Repairs, console: Console) -> None:
    """What to type for rows that were left, as long as some of them are open."""
    if progress.failed_rows and progress.undoes_import_id is not None:
        console.print(f"Each of them: {typed('errors', progress.id)}", markup=False)
    is_mended = bool(repairs.handed_back_rows) and not repairs.open_rows
    if progress.correction_object_key and progress.results_removed_at is None and not is_mended:
        command = typed("corrections", progress.id, "-o", "corrections.xlsx")
        console.print(f"The failed rows in a workbook: {command}", markup=False)
    if progress.unprocessed_object_key and progress.results_removed_at is None:
        from services.cli.commands.corrections import unprocessed_rows

        console.print(unprocessed_rows(progress), markup=False)


def _unknown(unknown: Any) -> str:
    meant = f' Did you mean "{unknown.nearest}"?' if unknown.nearest else ""
    return (
        f'Tenant "{unknown.tenant_id}" is not registered, and nothing was sent.{meant} '
        f"A new one: {typed('tenants', 'add', unknown.tenant_id)}"
    )


def _readable(file: Path) -> Path:
    if not file.is_file():
        what = "is a folder" if file.is_dir() else "does not exist"
        raise CommandFailed(f"{file} {what}; name a file to import", code=exits.USAGE)
    try:
        file.open("rb").close()
    except OSError as error:
        raise CommandFailed(f"{file} cannot be read: {error.strerror}", code=exits.USAGE) from error
    return file
