"""`winnow demo`: a real import, end to end, on real servers."""

import asyncio
import signal
import time
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer
from rich.console import Console

from deploy.local.stack import Stack
from services.cli import exits, sample
from services.cli.corrections import fetch
from services.cli.exits import CommandFailed
from services.cli.hints import near, typed
from services.cli.running import Running, running
from services.cli.sending import Sending, send
from services.cli.showing import NAMES, show_import, show_reasons, show_variants, spoken, terminal
from services.cli.starting import bring_up
from services.cli.watching import watch_import
from shared.events.model import FileOptions
from shared.ledger import ImportProgress


def demo(
    products: Annotated[int, typer.Option(min=50, max=200_000, help="Products in the sample catalogue.")] = 2000,
    variants: Annotated[int, typer.Option(min=3, max=50, help="Variants of each product.")] = 3,
) -> int:
    """Start everything, import a made-up catalogue with bad rows in it, show what became of it, stop everything.

    What runs already (`winnow up`) is used and left running.
    """
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
    return exits.COMPLETED


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
    async with running(stack) as winnow:
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
        if ended.status != "completed_with_failures" or ended.total_rows != made.rows:
            raise CommandFailed(
                f"The demo's import ended as {spoken(ended.status)} with {ended.total_rows} of {made.rows} rows"
                f"{': ' + ended.error['message'] if ended.error else ''}. The logs are in {stack.home / 'logs'}"
            )
        await _report(winnow, ended, console, folder, was_running=was_running)


async def _import(winnow: Running, path: Path, tenant: str, console: Console) -> ImportProgress:
    event = await send(winnow, Sending(path, tenant, "demo", "products", "create", FileOptions()))
    assert event.import_id is not None
    return await watch_import(winnow, event.import_id, console)


async def _report(winnow: Running, ended: ImportProgress, console: Console, folder: Path, *, was_running: bool) -> None:
    console.print("\n[bold]4  What became of it[/]")
    show_import(console, ended, await winnow.entities_made(ended, limit=NAMES))
    console.print()
    show_variants(console, await winnow.variants(ended, limit=10))
    console.print()
    show_reasons(console, await winnow.grouped_reasons(ended))
    assert ended.correction_object_key is not None
    workbook = folder / ended.correction_object_key.rpartition("/")[2]
    await fetch(winnow, ended.correction_object_key, workbook)
    console.print(f"\n  The failed products, whole, bad cells red: [bold]{near(workbook)}[/]")
    console.print("\n[bold]5  Next[/]")
    for command, about in (
        *([] if was_running else [("make up", "the servers and services again; this import is still there")]),
        (typed("status", ended.id), "the same once more"),
        (typed("errors", ended.id), "every reason, row by row"),
        (typed("import", near(workbook), "--tenant", ended.tenant_id, "--watch"), "after mending the red cells"),
        ("make down", "stop; the data stays (make clean removes it)"),
    ):
        console.print(f"  [cyan]{command}[/]  [dim]# {about}[/]")
    console.print()
