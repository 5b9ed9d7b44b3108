"""What an ended (or a running) import is to a person: counts that add up, reasons, and what to type next."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from services.cli.running import GroupedReason
from shared.ledger import ImportProgress

_STYLES = {"completed": "green", "completed_with_failures": "yellow", "failed": "red", "cancelled": "red"}


def show_import(console: Console, progress: ImportProgress) -> None:
    """The counts of an import, its summary, notices and error."""
    style = _STYLES.get(progress.status, "cyan")
    console.print(
        f"[bold {style}]{progress.status.replace('_', ' ')}[/]  {_plain(progress.file_name)}  [dim]{progress.id}[/]"
    )
    console.print(_equation(progress), highlight=False)
    if progress.ended and (seconds := duration(progress)):
        pace = f", {progress.total_rows / seconds:,.0f} rows a second" if progress.total_rows else ""
        console.print(f"  {seconds:.2f} s from the first look at the file to the last commit{pace}", highlight=False)
    for line in _summary(progress.summary):
        console.print(f"  {line}", highlight=False)
    for notice in progress.notices:
        console.print(f"  [yellow]note[/] {_plain(_notice(notice))}", highlight=False, soft_wrap=True)
    if progress.error:
        console.print(f"  [red]{_plain(progress.error['message'])}[/]", highlight=False, soft_wrap=True)


def show_reasons(console: Console, reasons: Sequence[GroupedReason], *, limit: int = 30) -> None:
    """Why rows failed, by kind and column."""
    table = Table(title="Why rows were not imported", title_justify="left", box=None, pad_edge=False)
    for name, justify in (("times", "right"), ("column", "left"), ("code", "left"), ("for example", "left")):
        table.add_column(name, justify=justify, header_style="dim", overflow="fold")  # type: ignore[arg-type]
    for reason in reasons[:limit]:
        table.add_row(
            f"{reason.count:,}",
            _plain(reason.heading or "–"),
            reason.code,
            _plain(f"row {reason.row}: {reason.example}"),
        )
    console.print(table)
    if len(reasons) > limit:
        console.print(f"  … and {len(reasons) - limit} kinds more")


def show_variants(console: Console, variants: Iterable[Any]) -> None:
    """Rows of production."""
    table = Table(title="In production now (the first ten rows)", title_justify="left", box=None, pad_edge=False)
    for name in ("handle", "title", "barcode", "sku", "attributes", "materials", "kg CO₂e"):
        table.add_column(name, header_style="dim", overflow="ellipsis", no_wrap=True, max_width=34)
    for variant in variants:
        table.add_row(
            *(
                _plain("" if value is None else ", ".join(value) if isinstance(value, list) else str(value))
                for value in (
                    variant.handle,
                    variant.title,
                    variant.barcode,
                    variant.sku,
                    variant.attributes,
                    variant.materials,
                    None if variant.carbon_kg is None else variant.carbon_kg.normalize(),
                )
            )
        )
    console.print(table)


def show_recent(console: Console, imports: Sequence[ImportProgress]) -> None:
    """Imports in a table, newest first."""
    table = Table(box=None, pad_edge=False)
    for name in ("id", "tenant", "file", "status", "rows", "created", "failed", "sent"):
        table.add_column(
            name,
            header_style="dim",
            no_wrap=name in {"id", "status"},
            overflow="fold",
            justify="right" if name in {"rows", "created", "failed"} else "left",
        )
    for progress in imports:
        table.add_row(
            str(progress.id),
            _plain(progress.tenant_id),
            _plain(progress.file_name),
            f"[{_STYLES.get(progress.status, 'cyan')}]{progress.status}[/]",
            f"{progress.total_rows:,}",
            f"{progress.created_rows:,}",
            f"{progress.failed_rows:,}",
            progress.created_at.astimezone().strftime("%Y-%m-%d %H:%M:%S"),
        )
    console.print(table)


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


def _summary(summary: Mapping[str, Any]) -> Iterable[str]:
    made = [
        f"{summary[name]['created']:,} {name}"
        for name in ("products", "variants")
        if summary.get(name, {}).get("created")
    ]
    if made:
        yield f"made {', '.join(made)}"
    entities = summary.get("entities") or {}
    if entities:
        yield "named for the first time: " + ", ".join(
            f"{counts['created']:,} {name.replace('_', ' ')}" for name, counts in sorted(entities.items())
        )


def _notice(notice: Mapping[str, Any]) -> str:
    said = str(notice.get("message") or notice)
    count = notice.get("count")
    return f"{said} ({count:,} times)" if isinstance(count, int) and count > 1 else said


def _plain(value: str) -> str:
    """Text of somebody else's, with nothing in it that would be markup or move the cursor."""
    printable = "".join(char if char.isprintable() else " " for char in value)
    return printable.replace("[", "\\[")
