"""How a file was read, as a person is told."""

from rich.console import Console
from rich.table import Table

from services.cli.terminal.display import counted, plain, shortened, show_table
from shared.api.results import Column, Reading

_HOW = {"asked": "as asked", "found": "", "guessed": "a guess"}
_LONGEST = 40


def show_decisions(console: Console, reading: Reading) -> None:
    """A line for each thing that was decided, and one that counts the columns."""
    for decision in reading.decisions:
        why = ", ".join(said for said in (_HOW[decision.how], decision.because) if said)
        value = plain(decision.value)
        value = f"[yellow]{value}[/]" if decision.how == "guessed" else value
        console.print(f"  {plain(decision.name)}: {value}" + (f"  [dim]({plain(why)})[/]" if why else ""))
    ignored = [column for column in reading.columns if column.field is None]
    imported = len(reading.columns) - len(ignored)
    left = f", ignored: {', '.join(map(_named, ignored))}" if ignored else ""
    console.print(f"  columns: {imported} of {counted(len(reading.columns), 'columns')} read{left}")


def show_columns(console: Console, reading: Reading) -> None:
    """Which column went where, each with one cell of it."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("column", "heading", "read as", "for example"):
        table.add_column(name, overflow="fold")
    for column in reading.columns:
        field = "[yellow]ignored[/]" if column.field is None else plain(column.field)
        example = "" if column.example is None else plain(shortened(column.example, _LONGEST))
        table.add_row(column.letter, plain(shortened(column.heading, _LONGEST)), field, example)
    show_table(console, table)


def _named(column: Column) -> str:
    return f"{column.letter} {plain(shortened(column.heading, _LONGEST))}"
