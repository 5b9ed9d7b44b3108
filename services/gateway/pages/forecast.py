"""What a held import would do, row by row: each changed field before and after, rows that fit, rows that would come back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.gateway.imports.rows import rows_of
from services.gateway.pages.figures import counted, number
from services.gateway.pages.words import kind_of
from shared.api.imports import Import
from shared.api.rows import Row, RowPage
from shared.entities import ENTITY_TYPES, EntityType
from shared.intake.changes import Change, Place, list_changes
from shared.intake.records import RecordName, record_names
from shared.states import Record, RowStatus

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
    entity = ENTITY_TYPES.get(imp.entity_type)
    return {
        "entries": [_entry(change, names.get(change.record_id), entity) for change in changes],
        "next": _said(found[ROWS - 1][0]) if len(found) > ROWS else "",
        "shown": f"{counted(len(changes), 'changed record')} on this page",
        "none_words": "Rows that fit create something new, or say what is there already.",
    }


def _entry(change: Change, name: RecordName | None, entity: EntityType | None) -> Entry:
    if name is None:
        title, which = str(change.record_id), ""
    elif change.record == Record.PRODUCT:
        title, which = name.title, f"{name.handle} · all variants"
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


def _rows(found: RowPage, view: str, entity: EntityType | None) -> dict[str, Any]:
    failing = view == FAILING
    shown = _columns(found, entity, only_mistakes=failing)
    keys = _keys(entity)
    known_by = next((heading for _, heading in shown if heading in keys), None)
    rows = [_row(row, shown, known_by, failing=failing) for row in found.items]
    first, last = (rows[0]["row"], rows[-1]["row"]) if rows else (0, 0)
    return {
        "rows": rows,
        "headings": [heading for _, heading in shown],
        "next": found.next or "",
        "shown": f"Rows {number(first)}–{number(last)}",
        "rows_caption": "Rows that would come back, with the reason beside each"
        if failing
        else "Rows that fit, with what would become of each",
        "none_title": "No row would fail" if failing else "No row fits",
        "none_words": "Every row of the file fits." if failing else "Every row of the file would come back to you.",
    }


def _columns(found: RowPage, entity: EntityType | None, *, only_mistakes: bool) -> list[tuple[int, str]]:
    """The columns that say anything on this page; with mistakes, those and what a row is known by."""
    mistaken = {error.heading for row in found.items for error in row.errors}
    keys = _keys(entity)
    width = max((len(row.cells) for row in found.items), default=0)
    shown = []
    for index in range(width):
        heading = found.headings[index] if index < len(found.headings) else ""
        says = any(index < len(row.cells) and row.cells[index] for row in found.items)
        if heading in mistaken or (says and (not only_mistakes or heading in keys)):
            shown.append((index, heading))
    return shown


def _keys(entity: EntityType | None) -> set[str]:
    return set() if entity is None else {field.heading for field in entity.fields if field.code in entity.names_record}


def _row(row: Row, shown: Sequence[tuple[int, str]], known_by: str | None, *, failing: bool) -> dict[str, Any]:
    mistaken = {error.heading for error in row.errors if error.heading}
    return {
        "row": row.row,
        "group_row": row.group_row,
        "first": row.row == row.group_row,
        "held": failing and not row.errors,
        "errors": row.errors,
        "outcome": _OUTCOMES.get(row.outcome, ("", "circle", "–")),
        "cells": [
            (heading, row.cells[index] if index < len(row.cells) else "", heading in mistaken, heading == known_by)
            for index, heading in shown
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
