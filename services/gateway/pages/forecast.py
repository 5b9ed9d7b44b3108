"""What a held import would do, row by row: each changed field before and after, rows that fit, rows that would come back."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.gateway.imports.rows import rows_of
from services.gateway.pages.figures import counted, number
from services.gateway.pages.sheet import record_keys
from shared.api.imports import Import
from shared.api.rows import Row
from shared.entities import EntityType
from shared.intake.changes import Change, Place, list_changes
from shared.intake.reading import read_entity, read_reading
from shared.intake.records import RecordName, found_by, record_names, staged_names
from shared.intake.rows import Group, ImportRow, read_decided
from shared.states import Action, Record, RowStatus

ROWS: Final = 100
NOTHING: Final[Mapping[str, Any]] = {
    "entries": (),
    "record_words": "",
    "rows": (),
    "headings": (),
    "next": "",
    "after": "",
    "shown": "",
    "rows_caption": "",
    "none_title": "",
    "none_words": "",
    "failing": False,
}
"""What the parts of a page are given of it that show nothing."""

_OF_CRM: Final = frozenset({Record.COMPANY, Record.PERSON, Record.OPPORTUNITY, Record.TASK, Record.NOTE})
_OUTCOMES: Final[Mapping[str | None, tuple[str, str, str]]] = {
    "create": ("ok", "plus-circle", "Would be created"),
    "update": ("upd", "pencil-simple", "Would be updated"),
    "skip": ("", "minus-circle", "Unchanged"),
}
_CHUNK_OF = text(
    "SELECT chunk_no FROM imports.import_chunks WHERE import_id = :id AND last_row >= :row ORDER BY first_row LIMIT 1"
)


@dataclass(frozen=True)
class Entry:
    """What one row changes of one record: its name, what it is found by, and each field before and after."""

    row: int
    name: str
    which: str
    fields: Sequence[tuple[str, str, str]]


async def changes_shown(conn: AsyncConnection, imp: Import, *, after: str, row: int) -> dict[str, Any]:
    """Changes behind a place of their list, or from a row on."""
    place = _place(after)
    if row:
        chunk = (await conn.execute(_CHUNK_OF, {"id": imp.id, "row": row})).scalar_one_or_none()
        place = None if chunk is None else Place(chunk, row - 1, row - 1, "", UUID(int=0))
    found = await list_changes(conn, imp.id, after=place, limit=ROWS + 1)
    changes = [change for _, change in found[:ROWS]]
    names = await record_names(conn, [change.record_id for change in changes])
    # What the file itself makes further up is not there yet.
    made = {at.row: (at.chunk, at.group) for at, change in found[:ROWS] if change.record_id not in names}
    new = await staged_names(conn, imp.id, list(made.values())) if made else {}
    names = {**names, **{id_: RecordName(name, "", None, None, "made by this file") for id_, name in new.items()}}
    ways = await found_by(conn, imp.id, [(change.row, change.record_id) for change in changes])
    entity = await read_entity(conn, imp.id)
    return {
        "record_words": _record_words(entity),
        "entries": [
            _entry(change, names.get(change.record_id), entity, ways.get((change.row, change.record_id)))
            for change in changes
        ],
        "next": _said(found[ROWS - 1][0]) if len(found) > ROWS else "",
        "shown": f"{counted(len(changes), 'changed record')} on this page",
        "none_words": "Rows that fit create something new, or say what is there already.",
    }


def _entry(change: Change, name: RecordName | None, entity: EntityType | None, way: str | None) -> Entry:
    if name is None:
        title, which = str(change.record_id), ""
    elif change.record == Record.PRODUCT:
        title, which = name.title, f"{name.handle} · all variants"
    elif change.record in _OF_CRM:
        title, which = name.title, f"found by {way}" if way else name.known_by or ""
    else:
        title, which = name.title, f"SKU {name.sku}" if name.sku else f"barcode {name.barcode}"
    fields = [
        (_heading(entity, code), _value(change.before.get(code)), _value(after)) for code, after in change.after.items()
    ]
    return Entry(change.row, title, which, fields)


def _heading(entity: EntityType | None, code: str) -> str:
    field = None if entity is None else entity.by_code.get(code)
    return code.replace("_", " ").capitalize() if field is None else field.heading


def _value(value: Any) -> str:
    """A value as a person reads it; nothing is ''."""
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return " ".join(filter(None, map(_value, value.values())))
    if isinstance(value, list | tuple):
        return ", ".join(filter(None, map(_value, value)))
    return str(value)


async def rows_shown(
    conn: AsyncConnection, imp: Import, *, status: RowStatus, after: str, row: int
) -> Mapping[str, Any]:
    """Rows behind another, or from a row on: of those that fit, with what becomes of each; of the others, with why."""
    behind = row - 1 if row else row_of(after)
    found = await rows_of(conn, imp.id, status=status, after=max(0, behind), limit=ROWS)
    if found is None:
        return {}
    failing = status is RowStatus.FAILED
    return {
        **await _as_sheet(conn, imp, found.headings, found.items, failing=failing),
        "next": found.next or "",
        "rows_caption": "Rows that would come back, with the reason beside each"
        if failing
        else "Rows that fit, with what would become of each",
        "none_title": "No row would fail" if failing else "No row fits",
        "none_words": "Every row of the file fits." if failing else "Every row of the file would come back to you.",
    }


async def decided_shown(conn: AsyncConnection, imp: Import, outcome: Action, *, after: str) -> Mapping[str, Any]:
    """Rows of which the same was decided, behind a place of their list."""
    found = await read_decided(conn, imp.id, outcome, after=_group(after), limit=ROWS)
    if found is None:
        return {}
    done = {Action.CREATE: "created", Action.UPDATE: "updated", Action.SKIP: "skipped"}[outcome]
    return {
        **await _as_sheet(conn, imp, found.headings, found.rows, failing=False),
        "next": "" if found.next is None else f"{found.next.chunk}.{found.next.row}",
        "rows_caption": f"Rows to be {done}",
        "none_title": f"No row is to be {done}",
        "none_words": "Look at the other kinds of change.",
    }


async def _as_sheet(
    conn: AsyncConnection, imp: Import, headings: Sequence[str], found: Sequence[Row | ImportRow], *, failing: bool
) -> dict[str, Any]:
    read = await read_reading(conn, imp.id)
    fields = [] if read is None else [column.field for column in read.columns]
    keys = record_keys(await read_entity(conn, imp.id))
    shown = _columns(found, headings, fields, keys, only_mistakes=failing)
    rows = [_row(each, shown, failing=failing) for each in found]
    first, last = (rows[0]["row"], rows[-1]["row"]) if rows else (0, 0)
    return {
        "rows": rows,
        "headings": [column.heading for column in shown],
        "shown": f"Rows {number(first)}–{number(last)}",
        "failing": failing,
    }


@dataclass(frozen=True)
class Column:
    """A column that is shown; `is_key`: rows are known by it."""

    index: int
    heading: str
    is_key: bool


def _columns(
    found: Sequence[Row | ImportRow],
    headings: Sequence[str],
    fields: Sequence[str | None],
    keys: AbstractSet[str],
    *,
    only_mistakes: bool,
) -> list[Column]:
    """The columns that say anything on this page; with mistakes, those and what a row is known by."""
    mistaken = {error.heading for row in found for error in row.errors}
    width = max((len(row.cells) for row in found), default=0)
    shown = []
    for index in range(width):
        heading = headings[index] if index < len(headings) else ""
        field = fields[index] if index < len(fields) else None
        is_key = (field or heading) in keys
        says = any(index < len(row.cells) and row.cells[index] for row in found)
        if heading in mistaken or (says and (not only_mistakes or is_key)):
            shown.append(Column(index, heading, is_key))
    return shown


def _row(row: Row | ImportRow, shown: Sequence[Column], *, failing: bool) -> dict[str, Any]:
    mistaken = {error.heading for error in row.errors if error.heading}
    known = next((column for column in shown if column.is_key), None)
    return {
        "row": row.row,
        "group_row": row.group_row,
        "first": row.row == row.group_row,
        "held": failing and not row.errors,
        "errors": row.errors,
        "outcome": _OUTCOMES.get(row.outcome, ("", "circle", "–")),
        "cells": [
            (
                column.heading,
                row.cells[column.index] if column.index < len(row.cells) else "",
                column.heading in mistaken,
                column is known,
            )
            for column in shown
        ],
    }


def _said(place: Place) -> str:
    return ".".join(str(part) for part in place)


def _place(said: str) -> Place | None:
    """A place as an address says it; None for the beginning, and for what is none."""
    try:
        chunk, group, row, record, record_id = said.split(".")
        return Place(_number(chunk), _number(group), _number(row), str(Record(record)), UUID(record_id))
    except ValueError:
        return None


def _number(said: str) -> int:
    return min(int(said), 2**31 - 1)


def _group(said: str) -> Group:
    """A place in a list of what is decided, as an address says it."""
    chunk, _, row = said.partition(".")
    return Group(row_of(chunk), row_of(row)) if row.isdecimal() else Group(0, 0)


def row_of(said: str) -> int:
    """The number of a row as an address says it; 0 where it says none."""
    return _number(said) if said.isdecimal() else 0


def _record_words(entity: EntityType | None) -> str:
    """What a changed record is: `Person`; `Product or variant` where a row is a part of what it belongs to."""
    if entity is None:
        return "Record"
    nouns = dict.fromkeys((entity.group_noun, entity.record_noun))
    return " or ".join(nouns).capitalize()
