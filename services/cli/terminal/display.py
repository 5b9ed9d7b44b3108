"""What an ended (or a running) import is to a person: counts that add up, errors, and what to type next."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from services.cli.terminal.encoding import knows_every_character
from services.cli.terminal.standing import kept_for
from shared.api.imports import Import, ImportSummary, Notice
from shared.api.results import Reason, Repairs
from shared.api.rows import RowError
from shared.states import ImportStatus

NAMES = 8
"""Entities that are listed by name."""

WIDE = 110
"""Columns of a terminal from which tables show more; what is a line of a table there takes two lines below it."""

_LONGEST_NAME = 60
_LONGEST_ERROR = 100
_SPOKEN: dict[str, str] = {ImportStatus.UPLOADING: "waiting for the parser", ImportStatus.PREVIEWING: "held"}
_STYLES: dict[str, str] = {
    ImportStatus.COMPLETED: "green",
    ImportStatus.COMPLETED_WITH_FAILURES: "yellow",
    ImportStatus.FAILED: "red",
    ImportStatus.CANCELLED: "red",
}


def terminal(*, stderr: bool = False) -> Console:
    """Where a command prints: as wide as the terminal, and wide enough for tables when it is none.

    Lines are left whole, so that what is to be typed can be copied; only tables are fitted.
    """
    console = Console(stderr=stderr, soft_wrap=True, highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, 160)
    return console


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=not knows_every_character(), default=str) + "\n")
    sys.stdout.flush()


def as_dict(found: ImportSummary, tenant: str | None) -> dict[str, Any]:
    """An import for a script, with whose it is where the command was told."""
    return {**({} if tenant is None else {"tenant_id": tenant}), **found.model_dump(mode="json")}


def show_import(
    console: Console,
    progress: Import,
    made: Mapping[str, Sequence[str]] | None = None,
    repairs: Repairs | None = None,
) -> None:
    """The counts of an import, its summary (with the names of the entities it made), its relatives, notices and error."""
    console.print(f"[bold]{_status(progress)}[/]  {plain(progress.file_name)}  [dim]{progress.id}[/]")
    for line in _relatives(progress):
        console.print(f"  {line}")
    if progress.total_rows:
        console.print(f"  {_equation(progress)}")
        if progress.ended and progress.created_rows + progress.updated_rows and (seconds := duration(progress)):
            pace = f"{counted(round(progress.total_rows / seconds), 'rows')} a second"
            console.print(f"  {seconds:.2f} s of work up to the last commit, {pace}")
    if progress.status == ImportStatus.PREVIEWING and progress.error is None:
        good = progress.validated_rows - progress.invalid_rows
        console.print(
            f"  once started, {good:,} of {counted(progress.validated_rows, 'rows')} would be imported, "
            f"{progress.invalid_rows:,} handed back"
        )
    for line in _repairs(repairs):
        console.print(f"  {line}")
    for line in _summary(progress.summary, made or {}):
        console.print(f"  {line}")
    for notice in progress.notices:
        console.print(f"  [yellow]note[/] {plain(_notice(notice))}")
    if progress.error is not None:
        console.print(f"  [red]{plain(progress.error.message)}[/]")
    for line in _gone(progress):
        console.print(f"  [dim]{line}[/]")
    if not progress.error and progress.read_to_row is not None:
        console.print(f"  [yellow]note[/] {_how_far(progress.read_to_row)}")


def show_reasons(console: Console, reasons: Sequence[Reason], of: Import, *, limit: int = 30) -> None:
    """Why rows failed, by kind and column; of a held import, would fail; of an undo, were left as they are."""
    held = of.status == ImportStatus.PREVIEWING
    why = "Why rows would not be imported" if held else "Why rows were not imported"
    table = _table("Why rows were not taken back" if _takes_back(of) else why)
    table.add_column("times", justify="right")
    table.add_column("column", overflow="fold")
    if console.width >= WIDE:
        table.add_column("code", no_wrap=True)
    table.add_column("for example", overflow="fold")
    for reason in reasons[:limit]:
        code = [reason.code] if console.width >= WIDE else []
        example = plain(f"row {reason.row}: {reason.example}")
        table.add_row(f"{reason.errors:,}", plain(reason.heading or "–"), *code, example)
    show_table(console, table)
    if len(reasons) > limit:
        console.print(f"  … and {counted(len(reasons) - limit, 'kinds')} more")


def show_errors(console: Console, errors: Sequence[RowError]) -> None:
    """Why each row failed."""
    if console.width < WIDE:
        for error in errors:
            where = f" · {plain(error.heading)}" if error.heading else ""
            show_item(console, f"[bold]row {error.row}[/]{where} · [dim]{error.code}[/]", error.message)
        return
    table = _table()
    for name in ("row", "column", "code", "error"):
        table.add_column(name, overflow="fold")
    for error in errors:
        table.add_row(str(error.row), plain(error.heading or ""), error.code, plain(error.message))
    show_table(console, table)


def show_recent(console: Console, imports: Sequence[tuple[str | None, ImportSummary]]) -> None:
    """Imports, newest first, two lines each: as narrow as a terminal may be. Each with its tenant, where that is to be said."""
    for tenant, progress in imports:
        whose = "" if tenant is None else f"{plain(tenant)}  "
        console.print(
            f"[bold]{plain(progress.file_name)}[/]  {whose}{progress.mode}  [dim]{moment(progress.created_at)}[/]"
        )
        said = [_counts(progress)] if progress.total_rows else []
        if progress.error is not None:
            said.append(plain(shortened(progress.error.message, _LONGEST_ERROR)))
        console.print(f"  {progress.id}  {_status(progress)}  {' · '.join(said)}".rstrip())


def show_table(console: Console, table: Table) -> None:
    """A table, fitted to the terminal."""
    console.print(table, soft_wrap=False)


def show_item(console: Console, title: str, text: str) -> None:
    """A line of markup, and below it a text of somebody else's, fitted to the terminal."""
    console.print(title)
    console.print(Padding(plain(text), (0, 0, 0, 2)), soft_wrap=False)


def spoken(status: str) -> str:
    """A status in words."""
    return _SPOKEN.get(status, status.replace("_", " "))


def moment(at: datetime) -> str:
    """A moment in the time of this machine, which is named."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


def counted(number: int, many: str) -> str:
    """So many of something: `many` is its plural, which for all of our names ends in s."""
    if number != 1:
        return f"{number:,} {many}"
    return f"1 {many.removesuffix('ies')}y" if many.endswith("ies") else f"1 {many.removesuffix('s')}"


def shortened(text: str, longest: int) -> str:
    """A text of at most so many characters, `…` for what was left out."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def plain(value: str) -> str:
    """Text of somebody else's, with nothing in it that would be markup or move the cursor."""
    printable = "".join(char if char.isprintable() else " " for char in value)
    return printable.replace("[", "\\[")


def duration(progress: Import) -> float | None:
    """Seconds an import that has ended was worked on, pauses left out; None when it never was."""
    if progress.completed_at is None or progress.started_at is None:
        return None
    return progress.worked_seconds or None


def _table(title: str | None = None) -> Table:
    return Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="dim")


def _gone(progress: Import) -> Iterable[str]:
    """What was handed back of an import and is gone, because its time is over."""
    kept = {"files": progress.results_removed_at, "rows and their errors": progress.rows_expired_at}
    for what, gone in kept.items() if progress.failed_rows + progress.unprocessed_rows else ():
        if (time := kept_for(progress, gone)) is not None:
            yield f"its {what} were kept for {time}, and are gone"


def _status(progress: ImportSummary) -> str:
    style = _STYLES.get(progress.status, "cyan")
    return f"[{style}]{spoken(progress.status)}[/]"


def _takes_back(progress: ImportSummary) -> bool:
    return progress.undoes_import_id is not None


def _taken_back(progress: ImportSummary) -> list[str]:
    return [
        f"{progress.updated_rows:,} taken back",
        f"{progress.skipped_rows:,} with nothing left to take back",
        f"{progress.failed_rows:,} left as they are",
        *_left_over(progress),
    ]


def _equation(progress: ImportSummary) -> str:
    if _takes_back(progress):
        return f"[bold]{counted(progress.total_rows, 'rows')}[/] = {' + '.join(_taken_back(progress))}"
    parts = [
        f"[green]{progress.created_rows:,} created[/]",
        f"{progress.updated_rows:,} updated",
        f"{progress.skipped_rows:,} skipped",
        f"[red]{progress.failed_rows:,} failed[/]",
        *_left_over(progress),
    ]
    return f"[bold]{counted(progress.total_rows, 'rows')}[/] = {' + '.join(parts)}"


def _counts(progress: ImportSummary) -> str:
    if _takes_back(progress):
        return f"{counted(progress.total_rows, 'rows')}: {', '.join(_taken_back(progress))}"
    changed = [
        f"{rows:,} {how}"
        for rows, how in ((progress.updated_rows, "updated"), (progress.skipped_rows, "skipped"))
        if rows
    ]
    parts = [f"{progress.created_rows:,} created", *changed, f"{progress.failed_rows:,} failed", *_left_over(progress)]
    return f"{counted(progress.total_rows, 'rows')}: {', '.join(parts)}"


def _left_over(progress: ImportSummary) -> list[str]:
    if not progress.unprocessed_rows:
        return []
    return [f"{progress.unprocessed_rows:,} {'not processed' if progress.ended else 'to do'}"]


def _repairs(repairs: Repairs | None) -> Iterable[str]:
    if repairs is None or not repairs.corrections:
        return
    if repairs.handed_back_rows:
        of = f"{repairs.repaired_rows:,} of {counted(repairs.handed_back_rows, 'rows')}"
        yield f"[bold]{of} repaired[/], {repairs.open_rows:,} open"
    for correction in repairs.corrections:
        rows = f", {counted(correction.repaired_rows, 'rows')}" if correction.completed_at else ""
        when = moment(correction.completed_at or correction.created_at)
        yield (
            f"repaired by {plain(correction.user_id)}  {when}  {plain(correction.file_name)}: "
            f"{spoken(correction.status)}{rows}  [dim]{correction.id}[/]"
        )


def _how_far(row: int) -> str:
    if not row:
        return "no row of the file was read, and none is in a number"
    return f"the file was read up to row {row:,}; what follows was not read and is counted in no number"


def _relatives(progress: Import) -> Iterable[str]:
    if progress.parent_import_id is not None:
        yield f"repairs import {progress.parent_import_id}"
    if progress.undoes_import_id is not None:
        yield f"takes back import {progress.undoes_import_id}"
    if progress.undone_by is not None:
        yield f"taken back by import {progress.undone_by}"


def _summary(summary: Mapping[str, Any], names_made: Mapping[str, Sequence[str]]) -> Iterable[str]:
    for said, how in (("made", "created"), ("changed", "updated"), ("removed", "removed")):
        records = [
            counted(summary[name][how], name) for name in ("products", "variants") if summary.get(name, {}).get(how)
        ]
        if records:
            yield f"{said} {', '.join(records)}"
    for name, counts in sorted((summary.get("entities") or {}).items()):
        names = [plain(shortened(made, _LONGEST_NAME)) for made in list(names_made.get(name, ()))[:NAMES]]
        more = ", …" if counts["created"] > len(names) > 0 else ""
        listed = f": {', '.join(names)}{more}" if names else ""
        yield f"new: {counted(counts['created'], name.replace('_', ' '))}{listed}"


def _notice(notice: Notice) -> str:
    several = notice.count is not None and notice.count > 1
    return f"{notice.message} ({notice.count:,} times)" if several else notice.message
