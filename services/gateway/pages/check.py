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


