"""`winnow import`, `winnow watch`, `winnow status`."""

import asyncio
import getpass
import json
import sys
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from pydantic import TypeAdapter, ValidationError
from rich.console import Console

from services.cli import exits
from services.cli.exits import CommandFailed
from services.cli.running import Running, running
from services.cli.sending import Sending, send
from services.cli.showing import show_import, show_reasons, show_recent, terminal
from services.cli.watching import watch_import
from shared.entities import ENTITY_TYPES
from shared.events.model import FileOptions, TenantId
from shared.ledger import ImportProgress

_TENANT: TypeAdapter[str] = TypeAdapter(TenantId)

Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else to standard output.")]
ImportId = Annotated[UUID, typer.Argument(metavar="ID", help="The import's id (`winnow status` lists them).")]


def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An .xlsx, .csv, .tsv or .txt file.")],
    entity: Annotated[str, typer.Option(help=f"What a row describes: {', '.join(ENTITY_TYPES)}.")] = "products",
    mode: Annotated[str, typer.Option(help="What to do with the rows: create.")] = "create",
    tenant: Annotated[str, typer.Option(help="Whose data it is.")] = ...,  # type: ignore[assignment]
    user: Annotated[str | None, typer.Option(help="Who sends it; your login name when not given.")] = None,
    sheet: Annotated[str | None, typer.Option(help="Read this sheet (.xlsx).")] = None,
    delimiter: Annotated[
        str | None, typer.Option(help="Separator of a text file's columns: , ; | or tab; else detected.")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Character encoding of a text file, such as windows-1252; else detected.")
    ] = None,
    parent: Annotated[UUID | None, typer.Option(help="The import whose correction file this is.")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Show how it moves and wait for its end.")] = False,
    as_json: Json = False,
) -> int:
    """Send a file. With --watch the exit code says how it ended: 0 completed, 2 with failures, 1 failed."""
    sending = Sending(
        path=_readable(file),
        tenant=_valid_tenant(tenant),
        user=user or _login(),
        entity=_choice("--entity", entity, tuple(ENTITY_TYPES)),
        mode=_choice("--mode", mode, ENTITY_TYPES[entity].modes) if entity in ENTITY_TYPES else mode,
        options=_options(sheet, delimiter, encoding),
        parent=parent,
    )
    return asyncio.run(_import(sending, watch=watch, as_json=as_json))


async def _import(sending: Sending, *, watch: bool, as_json: bool) -> int:
    async with running() as winnow:
        if not winnow.stack.services_running:
            terminal(stderr=True).print(
                "The services do not run here, so nothing will happen to the file until they do: winnow up",
                style="yellow",
            )
        event = await send(winnow, sending)
        assert event.import_id is not None
        if watch:
            return await _watched(winnow, event.import_id, as_json=as_json)
        if as_json:
            print_json(
                event.model_dump(mode="json", exclude_none=True) | {"id": str(event.import_id), "status": "uploading"}
            )
        else:
            console = terminal()
            console.print(f"Sent {sending.path.name} as import [bold]{event.import_id}[/]", highlight=False)
            console.print(f"How it goes on: winnow watch {event.import_id}", highlight=False)
        return exits.COMPLETED


def watch(import_id: ImportId, as_json: Json = False) -> int:
    """Show an import until it ends. Exit code: 0 completed, 2 completed with failures, 1 failed."""

    async def run() -> int:
        async with running() as winnow:
            return await _watched(winnow, import_id, as_json=as_json)

    return asyncio.run(run())


def status(
    import_id: Annotated[UUID | None, typer.Argument(metavar="[ID]", help="One import; else the recent ones.")] = None,
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
            terminal().print("No imports yet. Send a file: winnow import FILE --tenant NAME --watch")
        return exits.COMPLETED


async def _watched(winnow: Running, import_id: UUID, *, as_json: bool) -> int:
    progress = await watch_import(winnow, import_id, terminal(stderr=True))
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
    show_import(console, progress, await winnow.entities_made(progress))
    if progress.failed_rows:
        show_reasons(console, await winnow.grouped_reasons(progress))
    if progress.correction_object_key:
        console.print(
            f"The failed rows in a workbook: winnow corrections {progress.id} -o corrections.xlsx", highlight=False
        )


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()


def _readable(file: Path) -> Path:
    if not file.is_file():
        what = "is a folder" if file.is_dir() else "does not exist"
        raise CommandFailed(f"{file} {what}; name a file to import", code=exits.USAGE)
    try:
        file.open("rb").close()
    except OSError as error:
        raise CommandFailed(f"{file} cannot be read: {error.strerror}", code=exits.USAGE) from error
    return file


def _valid_tenant(tenant: str) -> str:
    try:
        return _TENANT.validate_python(tenant)
    except ValidationError:
        raise CommandFailed(
            f'"{tenant}" cannot be a tenant: letters, digits, ".", "_" and "-", at most 64, the first a letter or digit',
            code=exits.USAGE,
        ) from None


def _choice(option: str, value: str, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise CommandFailed(f'{option} "{value}" is not known; choose {", ".join(choices)}', code=exits.USAGE)
    return value


def _options(sheet: str | None, delimiter: str | None, encoding: str | None) -> FileOptions:
    named = {"tab": "\t", "\\t": "\t"}
    try:
        return FileOptions.model_validate(
            {"sheet": sheet, "delimiter": named.get(delimiter or "", delimiter), "encoding": encoding}
        )
    except ValidationError as error:
        problem = error.errors()[0]
        raise CommandFailed(f"--{problem['loc'][0]}: {problem['msg']}", code=exits.USAGE) from None


def _login() -> str:
    try:
        return getpass.getuser()
    except OSError:
        return "unknown"
