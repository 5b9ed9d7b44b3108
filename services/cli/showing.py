"""What an ended (or a running) import is to a person: counts that add up, reasons, and what to type next."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from services.cli.running import GroupedReason
from shared.ledger import ImportProgress

_NAMES = 8
"""Entities that are listed by name."""

_WIDE = 110
"""Columns of a terminal from which tables show more."""

_STYLES = {"completed": "green", "completed_with_failures": "yellow", "failed": "red", "cancelled": "red"}


def terminal(*, stderr: bool = False) -> Console:
    """Where a command prints: as wide as the terminal, and wide enough for tables when it is none."""
    console = Console(stderr=stderr)
    return console if console.is_terminal else Console(stderr=stderr, width=max(console.width, 160))


def show_import(console: Console, progress: ImportProgress, made: Mapping[str, Sequence[str]] | None = None) -> None:
    """The counts of an import, its summary (with the names of the entities it made), notices and error."""
    console.print(
        f"[bold]{_status(progress)}[/]  {_plain(progress.file_name)}  [dim]{progress.id}[/]",
        highlight=False,
        soft_wrap=True,
    )
    console.print(_equation(progress), highlight=False)
    if progress.ended and (seconds := duration(progress)):
        pace = f", {progress.total_rows / seconds:,.0f} rows a second" if progress.total_rows else ""
        console.print(f"  {seconds:.2f} s from the first look at the file to the last commit{pace}", highlight=False)
    for line in _summary(progress.summary, made or {}):
        console.print(f"  {line}", highlight=False, soft_wrap=True)
    for notice in progress.notices:
        console.print(f"  [yellow]note[/] {_plain(_notice(notice))}", highlight=False, soft_wrap=True)
    if progress.error:
        console.print(f"  [red]{_plain(progress.error['message'])}[/]", highlight=False, soft_wrap=True)


def show_reasons(console: Console, reasons: Sequence[GroupedReason], *, limit: int = 30) -> None:
    """Why rows failed, by kind and column."""
    table = _table("Why rows were not imported")
    table.add_column("times", justify="right")
    table.add_column("column", overflow="fold")
    if console.width >= _WIDE:
        table.add_column("code", no_wrap=True)
    table.add_column("for example", overflow="fold")
    for reason in reasons[:limit]:
        code = [reason.code] if console.width >= _WIDE else []
        example = _plain(f"row {reason.row}: {reason.example}")
        table.add_row(f"{reason.count:,}", _plain(reason.heading or "–"), *code, example)
    console.print(table)
    if len(reasons) > limit:
        console.print(f"  … and {len(reasons) - limit} kinds more")


def show_variants(console: Console, variants: Sequence[Any]) -> None:
    """Rows of production."""
    table = _table(f"In production now (the first {len(variants)} rows)")
    names = ["title", "barcode", "sku", "attributes"] + (["materials", "handle"] if console.width >= _WIDE else [])
    for name in names:
        table.add_column(name, overflow="ellipsis", no_wrap=True, max_width=40)
    for variant in variants:
        table.add_row(*(_cell(getattr(variant, name)) for name in names))
    console.print(table)


def show_recent(console: Console, imports: Sequence[ImportProgress]) -> None:
    """Imports, newest first, two lines each: as narrow as a terminal may be."""
    for progress in imports:
        sent = progress.created_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        console.print(
            f"[bold]{_plain(progress.file_name)}[/]  {_plain(progress.tenant_id)}  [dim]{sent}[/]",
            highlight=False,
            soft_wrap=True,
        )
        parts = [f"{progress.created_rows:,} created", f"{progress.failed_rows:,} failed"]
        if progress.unprocessed_rows:
            parts.append(f"{progress.unprocessed_rows:,} {'not processed' if progress.ended else 'to do'}")
        console.print(
            f"  {progress.id}  {_status(progress)}  {progress.total_rows:,} rows: {', '.join(parts)}",
            highlight=False,
            soft_wrap=True,
        )


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="dim")


def _cell(value: object) -> str:
    said = "" if value is None else ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return _plain(said)


def _status(progress: ImportProgress) -> str:
    style = _STYLES.get(progress.status, "cyan")
    return f"[{style}]{progress.status.replace('_', ' ')}[/]"


def duration(progress: ImportProgress) -> float | None:
    """Seconds from taking the file up to the end of the import."""
    if progress.completed_at is None or progress.started_at is None:
        return None
    return (progress.completed_at - progress.started_at).total_seconds()


def _equation(progress: ImportProgress) -> str:
    parts = [
        f"[green]{progress.created_rows:,} created[/]",
        f"{progress.updated_rows:,} updated",
        f"{progress.skipped_rows:,} skipped",
        f"[red]{progress.failed_rows:,} failed[/]",
    ]
    if progress.unprocessed_rows:
        parts.append(f"{progress.unprocessed_rows:,} {'not processed' if progress.ended else 'to do'}")
    return f"  [bold]{progress.total_rows:,} rows[/] = {' + '.join(parts)}"


def _summary(summary: Mapping[str, Any], names_made: Mapping[str, Sequence[str]]) -> Iterable[str]:
    made = [
        f"{summary[name]['created']:,} {name}"
        for name in ("products", "variants")
        if summary.get(name, {}).get("created")
    ]
    if made:
        yield f"made {', '.join(made)}"
    for name, counts in sorted((summary.get("entities") or {}).items()):
        names = list(names_made.get(name, ()))[:_NAMES]
        more = ", …" if counts["created"] > len(names) > 0 else ""
        listed = f": {', '.join(map(_plain, names))}{more}" if names else ""
        yield f"new: {counts['created']:,} {name.replace('_', ' ')}{listed}"


def _notice(notice: Mapping[str, Any]) -> str:
    said = str(notice.get("message") or notice)
    count = notice.get("count")
    return f"{said} ({count:,} times)" if isinstance(count, int) and count > 1 else said


def _plain(value: str) -> str:
    """Text of somebody else's, with nothing in it that would be markup or move the cursor."""
    printable = "".join(char if char.isprintable() else " " for char in value)
    return printable.replace("[", "\\[")
