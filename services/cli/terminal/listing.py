"""Rows, previews and names of a catalogue, as a person is shown them."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from services.cli.terminal.display import counted, plain, shortened
from shared.api.catalogue import UnmatchedCategory, Value
from shared.api.results import Outcomes, Preview
from shared.api.rows import Change, Row, RowPage
from shared.entities import ENTITY_TYPES, EntityType
from shared.states import RowStatus

_LONGEST = 60
_NOTHING = "nothing"
_STYLES = {RowStatus.COMMITTED: "green", RowStatus.FAILED: "red", RowStatus.UNPROCESSED: "yellow"}


def show_preview(console: Console, entity_type: str, preview: Preview) -> None:
    """What an import comes to: its rows by outcome, its groups, and the first changes of records there are."""
    entity = ENTITY_TYPES.get(entity_type)
    console.print(f"  {_equation(preview)}")
    if entity is not None and entity.group_key is not None:
        console.print(f"  {_groups(entity, preview.groups)}")
    for change in preview.changes:
        console.print(f"  row {change.row} · {_change(entity, change)}")
    if preview.changes and preview.rows.update > len({change.row for change in preview.changes}):
        console.print("  … and more: --changes N shows as many")


def show_rows(console: Console, entity_type: str, page: RowPage) -> None:
    """Rows one below another: how far each is, what it says, what is wrong with it, what it changes."""
    entity = ENTITY_TYPES.get(entity_type)
    for row in page.items:
        style = _STYLES.get(row.status, "cyan")
        outcome = f" · {row.outcome}" if row.outcome is not None else ""
        console.print(f"[bold]row {row.row}[/] · [{style}]{row.status}[/]{outcome}")
        console.print(f"  {_cells(page.headings, row)}")
        for error in row.errors:
            where = f"{plain(error.heading)}: " if error.heading else ""
            console.print(f"  [red]{where}{plain(error.message)}[/]")
        if row.status is RowStatus.FAILED and not row.errors:
            console.print(f"  [dim]with the rows from row {row.group_row} on, which stand or fall together[/]")
        for change in row.changes:
            console.print(f"  {_change(entity, change)}")


def show_unmatched(console: Console, categories: Sequence[UnmatchedCategory]) -> None:
    """Categories nobody knows, each with what was most likely meant."""
    for category in categories:
        rows = f"{counted(category.rows, 'rows')}, first in row {category.first_row}"
        console.print(f"[bold]{plain(category.text)}[/]  [dim]{rows}[/]")
        for suggestion in category.suggestions:
            console.print(f"  {plain(suggestion)}")


def show_values(console: Console, values: Sequence[Value]) -> None:
    """Names one below another; of an attribute its values beside it."""
    for value in values:
        within = "; ".join(map(plain, value.values)) + ("; …" if value.has_more else "")
        console.print(plain(value.name) + (f"  [dim]{within}[/]" if within else ""))


def said(value: Any) -> str:
    """A value of a change as a person reads it."""
    if value is None or value in ("", [], {}):
        return _NOTHING
    if isinstance(value, Mapping):
        if "name" in value:
            rest = [said(part) for name, part in value.items() if name != "name" and part is not None]
            return " ".join([str(value["name"]), *rest])
        return "; ".join(f"{str(name).replace('_', ' ')}: {said(part)}" for name, part in value.items())
    if isinstance(value, list | tuple):
        return "; ".join(map(said, value))
    return str(value)


def _equation(preview: Preview) -> str:
    rows = preview.rows
    parts = [
        f"[green]{rows.create:,} to create[/]",
        f"{rows.update:,} to update",
        f"{rows.skip:,} unchanged",
        f"[red]{rows.fail:,} to hand back[/]",
    ]
    if preview.undecided:
        parts.append(f"{preview.undecided:,} not validated yet")
    if preview.unprocessed:
        parts.append(f"{preview.unprocessed:,} not processed")
    so_far = "" if preview.is_read else " so far"
    return f"[bold]{counted(preview.total_rows, 'rows')}{so_far}[/] = {' + '.join(parts)}"


def _groups(entity: EntityType, groups: Outcomes) -> str:
    noun = f"{entity.group_noun}s"
    return (
        f"{noun}: {groups.create:,} new, {groups.update:,} changed, {groups.skip:,} unchanged, "
        f"{groups.fail:,} handed back"
    )


def _change(entity: EntityType | None, change: Change) -> str:
    fields = [
        f"{plain(_heading(entity, code))}: {_short(change.before.get(code))} → {_short(after)}"
        for code, after in change.after.items()
    ]
    return f"{change.record}: {' · '.join(fields)}"


def _heading(entity: EntityType | None, code: str) -> str:
    field = None if entity is None else entity.by_code.get(code)
    return code.replace("_", " ") if field is None else field.heading


def _short(value: Any) -> str:
    return plain(shortened(said(value), _LONGEST))


def _cells(headings: Sequence[str], row: Row) -> str:
    named = [*headings, *("No heading" for _ in row.cells[len(headings) :])]
    return " · ".join(
        f"[dim]{plain(heading)}:[/] {plain(shortened(cell, _LONGEST))}"
        for heading, cell in zip(named, row.cells, strict=True)
        if cell
    )
