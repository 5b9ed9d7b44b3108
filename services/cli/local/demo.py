"""`winnow demo`: a real import, end to end, on real servers."""

import asyncio
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from rich.console import Console
from rich.table import Table
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deploy.local.stack import Stack
from services.cli.client import Client
from services.cli.commands.corrections import fetch
from services.cli.exits import CommandFailed
from services.cli.local import sample
from services.cli.local.services import client_of
from services.cli.local.start import bring_up
from services.cli.terminal.display import (
    NAMES,
    WIDE,
    counted,
    plain,
    show_error_groups,
    show_import,
    show_table,
    spoken,
    terminal,
)
from services.cli.terminal.hints import near, typed
from services.cli.terminal.progress import watch_import
from shared.db.transaction import tenant_transaction
from shared.events.model import FileOptions
from shared.intake.uploads import Upload
from shared.ledger import ImportProgress
from shared.ledger.tenants import register_tenant
from shared.states import ImportStatus


def run_demo(*, products: int, variants: int) -> None:
    """Start everything, import a made-up catalogue, show what became of it, and stop what was started."""
    stack = Stack()
    console = terminal()
    was_running = stack.running and stack.services_running
    # SIGTERM ends it the way Ctrl-C does: nothing is left running.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    began = time.monotonic()
    try:
        console.print("[bold]1  Start[/]  real servers and five services, each a process of its own")
        bring_up(stack, console)
        asyncio.run(_demo(stack, console, products, variants, was_running=was_running))
    except KeyboardInterrupt:
        console.print("  [yellow]interrupted[/]")
        raise
    finally:
        if not was_running:
            console.print("  stopping everything that was started …", end="")
            _undisturbed(stack)
            console.print(f" [green]done[/], {time.monotonic() - began:.0f} s in all")


def _undisturbed(stack: Stack) -> None:
    """Stop the stack; a second Ctrl-C does not leave half of it running."""
    handlers = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        stack.down()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


async def _demo(stack: Stack, console: Console, products: int, variants: int, *, was_running: bool) -> None:
    tenant = f"demo-{uuid4().hex[:6]}"
    folder = stack.home / "demo" / tenant
    folder.mkdir(parents=True)
    winnow = client_of(stack)
    try:
        async with tenant_transaction(winnow.engine("intake"), tenant) as conn:
            await register_tenant(conn, tenant)
        console.print("\n[bold]2  A catalogue[/]  as a fashion brand would send it")
        made = await asyncio.to_thread(
            sample.write_catalogue, folder / "catalogue.xlsx", products=products, variants=variants
        )
        console.print(
            f"  {made.products:,} products in {made.rows:,} rows, about one product in fifty bad: {near(made.path)}"
        )
        last_season = await asyncio.to_thread(sample.write_last_season, folder / "last-season.xlsx")
        await _import(winnow, last_season.path, tenant, Console(quiet=True))
        console.print(f"\n[bold]3  The import[/]  for tenant {tenant}: into storage, one event, four stages at once")
        ended = await _import(winnow, made.path, tenant, console)
        if ended.status != ImportStatus.COMPLETED_WITH_FAILURES or ended.total_rows != made.rows:
            raise CommandFailed(
                f"The demo's import ended as {spoken(ended.status)} with {ended.total_rows} of {made.rows} rows"
                f"{': ' + ended.error['message'] if ended.error else ''}. The logs are in {stack.home / 'logs'}"
            )
        await _report(winnow, ended, console, folder, was_running=was_running)
    finally:
        await winnow.close()


async def _import(winnow: Client, path: Path, tenant: str, console: Console) -> ImportProgress:
    sent = await winnow.send(Upload(path, tenant, "demo", "products", "create", FileOptions()))
    return await watch_import(winnow, sent.import_id, console)


async def _report(winnow: Client, ended: ImportProgress, console: Console, folder: Path, *, was_running: bool) -> None:
    console.print("\n[bold]4  What became of it[/]")
    show_import(console, ended, await winnow.entities_made(ended, limit=NAMES))
    console.print()
    _show_variants(console, await winnow.read(ended, lambda conn: _variants(conn, ended, limit=10)))
    console.print()
    show_error_groups(console, await winnow.error_groups(ended), ended)
    assert ended.correction_object_key is not None
    workbook = folder / ended.correction_object_key.rpartition("/")[2]
    await fetch(winnow, ended.correction_object_key, workbook)
    console.print(f"\n  The failed products, whole, bad cells red: [bold]{near(workbook)}[/]")
    console.print("\n[bold]5  Next[/]")
    for command, about in (
        *([] if was_running else [("make up", "the servers and services again; this import is still there")]),
        (typed("status", ended.id), "the same once more"),
        (typed("errors", ended.id), "every error, row by row"),
        (typed("import", near(workbook), "--tenant", ended.tenant_id, "--watch"), "after fixing the red cells"),
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


async def _variants(conn: AsyncConnection, progress: ImportProgress, *, limit: int) -> Sequence[Row[Any]]:
    """The first rows an import brought into production, as readers see them."""
    return (await conn.execute(_VARIANTS, {"id": progress.id, "limit": limit})).all()


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
