"""`winnow demo`: a real import, end to end, on real servers."""

import asyncio
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import Row, text

from deploy.local.people import PEOPLE
from deploy.local.stack import Stack
from services.cli.commands.corrections import fetch
from services.cli.commands.imports import Sending
from services.cli.exits import CommandFailed
from services.cli.local import people, sample
from services.cli.local.access import LocalAccess
from services.cli.local.pages import show_where
from services.cli.local.start import bring_up
from services.cli.reach import Winnow
from services.cli.terminal.display import (
    WIDE,
    counted,
    plain,
    show_import,
    show_reasons,
    show_table,
    spoken,
    terminal,
)
from services.cli.terminal.hints import near, typed
from services.cli.terminal.progress import watch_import
from services.cli.terminal.sending import send
from services.cli.terminal.standing import file_of
from shared.api.client import Client
from shared.api.imports import Import, Mode, NewImport
from shared.db.engine import create_engine
from shared.db.transaction import tenant_transaction
from shared.states import ImportStatus

_SENDER = PEOPLE[0]
_BY_HAND = 300
"""Products of the catalogue that is left to be sent by hand."""
_KNOWN, _PEOPLE = 60, 240
_APART = 500_000
"""Numbers of products between one run and the next: none of them is in production already."""


def run_demo(*, products: int, variants: int) -> None:
    """Start everything, import a made-up catalogue, show what became of it, and stop what was started.

    In a terminal it is stopped when somebody presses a key, for there are pages to look at.
    """
    stack = Stack()
    console = terminal()
    was_running = stack.running and stack.services_running
    # SIGTERM ends it the way Ctrl-C does: nothing is left running.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    began = time.monotonic()
    try:
        console.print("[bold]1  Start[/]  real servers and the services, each a process of its own")
        bring_up(stack, console)
        asyncio.run(_demo(stack, console, products, variants, was_running=was_running))
        if not was_running:
            _wait_for_a_key(console)
    except KeyboardInterrupt:
        console.print("  [yellow]interrupted[/]")
        raise
    finally:
        if not was_running:
            console.print("  stopping everything that was started …", end="")
            _undisturbed(stack)
            console.print(f" [green]done[/], {time.monotonic() - began:.0f} s in all")


def _wait_for_a_key(console: Console) -> None:
    """Leave everything running until somebody has seen enough; where nobody can press a key, not at all."""
    if not _is_watched(console):
        return
    console.print("Everything goes on running until you press a key. ", end="")
    with suppress(KeyboardInterrupt, EOFError):
        typer.getchar()
    console.print()


def _is_watched(console: Console) -> bool:
    return sys.stdin.isatty() and console.is_terminal


def _undisturbed(stack: Stack) -> None:
    """Stop the stack; a second Ctrl-C does not leave half of it running."""
    handlers = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        stack.down()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


async def _demo(stack: Stack, console: Console, products: int, variants: int, *, was_running: bool) -> None:
    tenant = _SENDER.tenant
    assert tenant is not None
    folder, first = _place(stack.home / "demo")
    local = LocalAccess(stack)
    async with Client(stack.gateway_url, lambda: stack.token_for(tenant, _SENDER.role, user=_SENDER.hint)) as api:
        winnow = Winnow(api, tenant, local)
        console.print("\n[bold]2  A catalogue[/]  as a fashion brand would send it")
        made = await asyncio.to_thread(
            sample.write_catalogue, folder / "catalogue.xlsx", products=products, variants=variants, first=first
        )
        console.print(
            f"  {made.products:,} products in {made.rows:,} rows, about one product in fifty bad: {near(made.path)}"
        )
        by_hand = await asyncio.to_thread(
            sample.write_catalogue, folder / "by-hand.xlsx", products=_BY_HAND, first=first + _APART // 2
        )
        if first == 1:
            last_season = await asyncio.to_thread(sample.write_last_season, folder / "last-season.xlsx")
            await _import(winnow, last_season.path, Console(quiet=True))
        console.print(f"\n[bold]3  The import[/]  for tenant {tenant}: into storage, one event, four stages at once")
        ended = await _import(winnow, made.path, console)
        if ended.status != ImportStatus.COMPLETED_WITH_FAILURES or ended.total_rows != made.rows:
            raise CommandFailed(
                f"The demo's import ended as {spoken(ended.status)} with {ended.total_rows} of {made.rows} rows"
                f"{': ' + ended.error.message if ended.error else ''}. The logs are in {stack.home / 'logs'}"
            )
        workbook = await _report(stack, winnow, ended, console, folder)
        await _import_people(winnow, console, folder, first=first)
    stays = was_running or _is_watched(console)
    console.print("\n[bold]6  Look[/]" if stays else "\n[bold]6  Look[/]  after [bold]make up[/]: all of it stops now")
    show_where(stack, console, ended.id)
    console.print(f"  A workbook to send there by hand: [bold]{near(by_hand.path)}[/]")
    _say_what_next(console, ended, workbook, winnow, was_running=was_running)


def _place(demos: Path) -> tuple[Path, int]:
    """A folder of this run, and the number its first product has."""
    demos.mkdir(parents=True, exist_ok=True)
    run = 1 + sum(1 for _ in demos.iterdir())
    while (demos / str(run)).exists():
        run += 1
    folder = demos / str(run)
    folder.mkdir()
    return folder, 1 + (run - 1) * _APART


async def _import(
    winnow: Winnow, path: Path, console: Console, entity_type: str = "products", mode: Mode = "create"
) -> Import:
    sent = await send(
        winnow, Sending(path, NewImport(entity_type=entity_type, mode=mode, file_name=path.name)), console
    )
    return await watch_import(winnow, sent.id, console)


async def _import_people(winnow: Winnow, console: Console, folder: Path, *, first: int) -> None:
    """People of another CRM: some are there already and have another job by now, some rows are bad."""
    console.print("\n[bold]5  People[/]  out of another CRM, with the companies they work for")
    known = await asyncio.to_thread(people.write_people, folder / "known.csv", people=_KNOWN, first=first, bad=False)
    await _import(winnow, known.path, Console(quiet=True), "people", "upsert")
    made = await asyncio.to_thread(people.write_people, folder / "people.csv", people=_PEOPLE, first=first)
    console.print(f"  {made.rows:,} people, {_KNOWN} of them known, {made.bad} rows bad: {near(made.path)}")
    ended = await _import(winnow, made.path, console, "people", "upsert")
    if ended.failed_rows != made.bad or not ended.updated_rows or ended.total_rows != made.rows:
        raise CommandFailed(
            f"The demo's people ended as {spoken(ended.status)}: {ended.failed_rows} of {ended.total_rows} rows failed, "
            f"{made.bad} are bad. See {typed('errors', ended.id)}"
        )
    entities = await winnow.api.get_entities(ended.id)
    show_import(console, ended, {kind.kind: kind.names for kind in entities.items})
    console.print()
    show_reasons(console, (await winnow.api.get_reasons(ended.id)).items, ended)


async def _report(stack: Stack, winnow: Winnow, ended: Import, console: Console, folder: Path) -> Path:
    console.print("\n[bold]4  What became of it[/]")
    made = await winnow.api.get_entities(ended.id)
    show_import(console, ended, {kind.kind: kind.names for kind in made.items})
    console.print()
    _show_variants(console, await _variants(stack, winnow, ended, limit=10))
    console.print()
    show_reasons(console, (await winnow.api.get_reasons(ended.id)).items, ended)
    corrections = file_of(ended, "corrections")
    assert corrections is not None
    workbook = folder / corrections.file_name
    await fetch(winnow, await winnow.api.get_corrections(ended.id), workbook)
    console.print(f"\n  The failed products, whole, bad cells red: [bold]{near(workbook)}[/]")
    return workbook


def _say_what_next(console: Console, ended: Import, workbook: Path, winnow: Winnow, *, was_running: bool) -> None:
    console.print("\n[bold]7  Next[/]")
    for command, about in (
        *([] if was_running else [("make up", "the servers and services again; this import is still there")]),
        (typed("status", ended.id), "the same once more"),
        (typed("errors", ended.id), "every error, row by row"),
        (typed("import", near(workbook), *winnow.as_typed, "--watch"), "after fixing the red cells"),
        ("make down", "stop; the data stays (make clean removes it)"),
    ):
        console.print(f"  [cyan]{command}[/]  [dim]# {about}[/]")
    console.print()


_VARIANTS = text(
    """
    SELECT e.handle, e.title, e.barcode, e.sku, e.attributes, e.materials, e.carbon_kg, e.manufacturer, e.category
      FROM catalog.effective_variants e JOIN catalog.product_variants v ON v.id = e.variant_id
     WHERE v.import_id = :id ORDER BY v.import_row_no LIMIT :limit
    """
)


async def _variants(stack: Stack, winnow: Winnow, ended: Import, *, limit: int) -> Sequence[Row[Any]]:
    """The first rows an import brought into production, as readers of the database see them."""
    assert winnow.tenant is not None
    engine = create_engine(stack.database_url("winnow_reader"), connections=1, name="winnow-demo")
    try:
        async with tenant_transaction(engine, winnow.tenant) as conn:
            return (await conn.execute(_VARIANTS, {"id": ended.id, "limit": limit})).all()
    finally:
        await engine.dispose()


def _show_variants(console: Console, variants: Sequence[Row[Any]]) -> None:
    table = Table(
        title=f"In production now (the first {counted(len(variants), 'rows')})",
        title_justify="left",
        box=None,
        pad_edge=False,
        header_style="dim",
    )
    names = ["title", "barcode", "sku", "attributes"] + (["materials", "handle"] if console.width >= WIDE else [])
    for name in names:
        table.add_column(name, overflow="ellipsis", no_wrap=True, max_width=40)
    for variant in variants:
        table.add_row(*(_cell(getattr(variant, name)) for name in names))
    show_table(console, table)


def _cell(value: object) -> str:
    return plain("" if value is None else ", ".join(map(str, value)) if isinstance(value, list) else str(value))
