"""The check of a held import: what a start would come to, each changed field before and after, what would come back."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from services.gateway.asking import PageViewer, Ways
from services.gateway.imports.results import with_preview
from services.gateway.imports.transactions import reading
from services.gateway.live import Shown
from services.gateway.pages.forecast import NOTHING, changes_shown, row_of, rows_shown
from services.gateway.pages.rendering import page, partial, swap
from services.gateway.pages.shell import SHELL
from services.gateway.pages.words import kind_of
from services.gateway.people import Person, Role, tenant_of
from services.gateway.problems import unknown
from shared.api.imports import Import
from shared.api.results import Preview
from shared.states import RowStatus

router = APIRouter(include_in_schema=False, prefix="/imports", dependencies=[SHELL])

CHANGES, FITTING, FAILING = "changes", "fitting", "failing"

ImportId = Annotated[UUID, Path()]


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
        if (found := await with_preview(conn, import_id)) is None:
            raise unknown("import")
        imp, preview = found
        if not imp.hold or imp.guided is not None:
            return RedirectResponse(f"/imports/{import_id}", 303)
        view = show if show in {CHANGES, FITTING, FAILING} else _first_view(preview)
        shown = await _shown(conn, imp, preview, view, after=after, row=row_of(row))
    return _page(request, person, imp, preview, view, shown)


@router.get("/{import_id}/check/live")
async def live(request: Request, ways: Ways, person: PageViewer, import_id: ImportId) -> Response:
    """How far the check is; it ends when there is something to look at."""

    async def look() -> Shown | None:
        async with reading(ways, person) as conn:
            found = await with_preview(conn, import_id)
        if found is None:
            return None
        imp, preview = found
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
        "place": f"/imports/{imp.id}/check",
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
) -> Mapping[str, Any]:
    place = {"after": after or row}
    if not preview.ready:
        return {**NOTHING, **place}
    if view == CHANGES:
        return {**NOTHING, **place, **await changes_shown(conn, imp, after=after, row=row)}
    status = RowStatus.FAILED if view == FAILING else RowStatus.PENDING
    return {**NOTHING, **place, **await rows_shown(conn, imp, status=status, after=after, row=row)}
