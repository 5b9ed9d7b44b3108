"""The check of a held import: what a start would come to, each changed field before and after, what would come back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.gateway.asking import PageViewer, Ways
from services.gateway.imports import seen
from services.gateway.imports.results import preview_of
from services.gateway.imports.rows import rows_of
from services.gateway.imports.transactions import reading
from services.gateway.live import Shown
from services.gateway.pages.figures import counted, number
from services.gateway.pages.rendering import page, partial, swap
from services.gateway.pages.shell import SHELL
from services.gateway.pages.words import kind_of
from services.gateway.people import Person, Role, tenant_of
from services.gateway.problems import unknown
from shared.api.imports import Import
from shared.api.results import Preview
from shared.api.rows import Row, RowPage
from shared.entities import ENTITY_TYPES, EntityType
from shared.intake.changes import Change, Place, list_changes
from shared.intake.records import RecordName, record_names
from shared.states import Record, RowStatus

router = APIRouter(include_in_schema=False, prefix="/imports", dependencies=[SHELL])

CHANGES, FITTING, FAILING = "changes", "fitting", "failing"
ROWS: Final = 100
_OUTCOMES: Final[Mapping[str | None, tuple[str, str, str]]] = {
    "create": ("ok", "plus-circle", "Would be created"),
    "update": ("upd", "pencil-simple", "Would be updated"),
    "skip": ("", "minus-circle", "Unchanged"),
}
_CHUNK_OF = text(
    "SELECT chunk_no FROM imports.import_chunks WHERE import_id = :id AND last_row >= :row ORDER BY first_row LIMIT 1"
)

ImportId = Annotated[UUID, Path()]


@dataclass(frozen=True)
class Entry:
    """What one row changes of one record: its name, what it is found by, and each field before and after."""

    row: int
    name: str
    which: str
    fields: Sequence[tuple[str, str, str]]


@router.get("/{import_id}/check")
async def show(
    request: Request,
    ways: Ways,
    person: PageViewer,
    import_id: ImportId,
    show: str = "",
    after: str = "",
    row: Annotated[str, Query(max_length=9)] = "",
) -> Response:
    """The check of a held import; of one that was started since, the import itself."""
    async with reading(ways, person) as conn:
        imp, preview = await seen(conn, import_id), await preview_of(conn, import_id, changes=0)
        if imp is None or preview is None:
            raise unknown("import")
        if not imp.hold:
            return RedirectResponse(f"/imports/{import_id}", 303)
        view = show if show in {CHANGES, FITTING, FAILING} else _first_view(preview)
        shown = await _shown(conn, imp, preview, view, after=after, row=_number(row) if row.isdecimal() else 0)
    return _page(request, person, imp, preview, view, shown)


@router.get("/{import_id}/check/live")
async def live(request: Request, ways: Ways, person: PageViewer, import_id: ImportId) -> Response:
    """How far the check is; it ends when there is something to look at."""

    async def look() -> Shown | None:
        async with reading(ways, person) as conn:
            imp, preview = await seen(conn, import_id), await preview_of(conn, import_id, changes=0)
        if imp is None or preview is None:
            return None
        html = partial(request, person, "_check.html", **_head(imp, preview, person))
        ended = preview.ready or imp.ended or imp.error is not None or not imp.hold
        return Shown.named(swap("check", html, inside=True), ended=ended)

    return ways.streams.stream(person, look, tenant=tenant_of(person), import_id=import_id)


def _first_view(preview: Preview) -> str:
    if preview.rows.update:
        return CHANGES
    return FITTING if preview.rows.create or preview.rows.skip or not preview.rows.fail else FAILING


def _page(
    request: Request, person: Person, imp: Import, preview: Preview, view: str, shown: Mapping[str, Any]
) -> HTMLResponse:
    rows = preview.rows
    tabs = [
        (CHANGES, "Changes", rows.update),
        (FITTING, "Rows that fit", rows.create + rows.update + rows.skip),
        (FAILING, "Failing", rows.fail),
    ]
    return page(
        request,
        person,
        "check.html",
        show=view,
        tabs=[tab for tab in tabs if tab[0] != CHANGES or imp.mode != "create"],
        **_head(imp, preview, person),
        **shown,
    )


def _head(imp: Import, preview: Preview, person: Person) -> dict[str, Any]:
    several = kind_of(imp.entity_type).several
    return {
        "imp": imp,
        "preview": preview,
        "title": f"Check of {imp.file_name}" if preview.ready else f"Checking {imp.file_name}",
        "took": max((stage.seconds or 0 for stage in imp.stages), default=0),
        "may_change": person.may(Role.IMPORTER),
        "forecast": f"These are the numbers the import will have, unless somebody changes these {several} before you start it."
        if preview.ready
        else "Nothing is written. You can close this page; the check goes on.",
    }


async def _shown(
    conn: AsyncConnection, imp: Import, preview: Preview, view: str, *, after: str, row: int
) -> dict[str, Any]:
    nothing: dict[str, Any] = {
        "entries": (),
        "rows": (),
        "headings": (),
        "next": "",
        "after": after or row,
        "shown": "",
        "rows_caption": "",
        "none_title": "",
        "none_words": "",
    }
    if not preview.ready:
        return nothing
    if view == CHANGES:
        return {**nothing, **await _changes(conn, imp, after=after, row=row)}
    behind = row - 1 if row else int(after) if after.isdecimal() else 0
    status = RowStatus.FAILED if view == FAILING else RowStatus.PENDING
    found = await rows_of(conn, imp.id, status=status, after=max(0, min(behind, 2**31 - 1)), limit=ROWS)
    return nothing if found is None else {**nothing, **_rows(found, view, ENTITY_TYPES.get(imp.entity_type))}


async def _changes(conn: AsyncConnection, imp: Import, *, after: str, row: int) -> dict[str, Any]:
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
