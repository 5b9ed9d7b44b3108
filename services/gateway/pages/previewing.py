"""The third step of the guided path: what a start would do, row by row. Nothing has been written when it is shown."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from sqlalchemy.ext.asyncio import AsyncConnection

from services.gateway.asking import PageViewer, Ways
from services.gateway.imports.results import with_preview
from services.gateway.imports.transactions import reading
from services.gateway.live import Shown
from services.gateway.pages.figures import counted, number
from services.gateway.pages.forecast import NOTHING, ROWS, changes_shown, decided_shown, row_of, rows_shown
from services.gateway.pages.gathered import LinkCounts
from services.gateway.pages.rendering import page, partial, swap
from services.gateway.pages.shell import SHELL
from services.gateway.pages.steps import elsewhere, head
from services.gateway.pages.words import is_of_records, kind_of, of_targets
from services.gateway.people import Person, tenant_of
from services.gateway.problems import unknown
from shared.api.imports import Import
from shared.api.results import Preview
from shared.entities.declaration import USERS
from shared.intake.links import LinkCount, Linked, list_links
from shared.ledger.undo import DAYS
from shared.states import Action, GuidedStep, RowStatus

router = APIRouter(include_in_schema=False, prefix="/imports", dependencies=[SHELL])

CREATED, UPDATED, SKIPPED, FAILING, LINKS = "created", "updated", "skipped", "failing", "links"
VIEWS: Final = (CREATED, UPDATED, SKIPPED, FAILING, LINKS)

ImportId = Annotated[UUID, Path()]
_links = LinkCounts()


@router.get("/{import_id}/preview")
async def show(
    request: Request,
    ways: Ways,
    person: PageViewer,
    import_id: ImportId,
    show: str = "",
    after: Annotated[str, Query(max_length=120)] = "",
    row: Annotated[str, Query(max_length=9)] = "",
) -> Response:
    """What a start would do."""
    async with reading(ways, person) as conn:
        if (found := await with_preview(conn, import_id)) is None:
            raise unknown("import")
        imp, preview = found
        if (away := elsewhere(imp, GuidedStep.PREVIEW)) is not None:
            return away
        links = await _links.of(conn, imp) if preview.ready else []
        view = show if show in VIEWS else _first_view(preview)
        shown = await _shown(conn, imp, preview, view, after=after, row=row_of(row))
    return page(
        request,
        person,
        "preview.html",
        **{**_head(imp, preview, person, links), **NOTHING, "links": (), "after": after or row, **shown},
        show=view,
        tabs=_tabs(preview, links),
    )


@router.get("/{import_id}/preview/live")
async def live(request: Request, ways: Ways, person: PageViewer, import_id: ImportId) -> Response:
    """How far the matching is; it ends when there is something to look at."""

    async def look() -> Shown | None:
        async with reading(ways, person) as conn:
            found = await with_preview(conn, import_id)
        if found is None:
            return None
        imp, preview = found
        context = _head(imp, preview, person, [])
        html = swap("preview", partial(request, person, "_preview.html", **context), inside=True)
        html += swap("dock", partial(request, person, "_preview_dock.html", **context))
        ended = preview.ready or imp.guided is None or imp.error is not None
        return Shown.named(html, ended=ended)

    return ways.streams.stream(person, look, tenant=tenant_of(person), import_id=import_id)


def _first_view(preview: Preview) -> str:
    rows = preview.rows
    counts = ((UPDATED, rows.update), (CREATED, rows.create), (FAILING, rows.fail), (SKIPPED, rows.skip))
    return next((view for view, count in counts if count), CREATED)


async def _shown(
    conn: AsyncConnection, imp: Import, preview: Preview, view: str, *, after: str, row: int
) -> Mapping[str, Any]:
    if not preview.ready:
        return {}
    if view == UPDATED:
        return await changes_shown(conn, imp, after=after, row=row)
    if view == FAILING:
        return await rows_shown(conn, imp, status=RowStatus.FAILED, after=after, row=row)
    if view == LINKS:
        return await _links_shown(conn, imp, row_of(after))
    return await decided_shown(conn, imp, Action.CREATE if view == CREATED else Action.SKIP, after=after)


async def _links_shown(conn: AsyncConnection, imp: Import, after: int) -> Mapping[str, Any]:
    found = await list_links(conn, imp.id, after=after, limit=ROWS + 1)
    shown: Sequence[Linked] = found[:ROWS]
    return {
        "links": shown,
        "next": str(after + ROWS) if len(found) > ROWS else "",
        "shown": f"{number(after + 1)}–{number(after + len(shown))}, those that will be made first",
    }


def _tabs(preview: Preview, links: Sequence[LinkCount]) -> list[tuple[str, str, str]]:
    rows = preview.rows
    tabs = [
        (CREATED, "Created", number(rows.create)),
        (UPDATED, "Updated", number(rows.update)),
        (SKIPPED, "Skipped", number(rows.skip)),
        (FAILING, "Failing", number(rows.fail)),
    ]
    if links:
        found, made = sum(each.found for each in links), sum(each.made for each in links)
        what = of_targets([each.target for each in links])
        counts = [f"{number(found)} found"] if found or not made else []
        tabs.append((LINKS, f"{what} to link", ", ".join([*counts, *([f"{number(made)} new"] if made else [])])))
    return tabs


def _head(imp: Import, preview: Preview, person: Person, links: Sequence[LinkCount]) -> dict[str, Any]:
    matching = "" if preview.ready or imp.error is not None else _matching(preview)
    return {
        **head(imp, person, GuidedStep.PREVIEW, "Nothing has been written yet"),
        "place": f"/imports/{imp.id}/preview",
        "preview": preview,
        "matching": matching,
        "say": "The preview is ready" if preview.ready else "",
        "promise": promise(imp, preview, links),
    }


def _matching(preview: Preview) -> str:
    done = preview.total_rows - preview.undecided
    if not preview.total_rows:
        return "The rows are being read"
    return f"Finding matches, {number(done)} of {number(preview.total_rows)}"


def promise(imp: Import, preview: Preview, links: Sequence[LinkCount]) -> str:
    """What a start does, in a sentence: `Creates 1,012 people and 14 companies, updates 145, skips 31`, and what that means."""
    if imp.error is not None:
        return "It cannot be started as it is."
    kind, rows = kind_of(imp.entity_type), preview.rows
    # Of rows that go together, what is made is one: 3 rows, and 1 product.
    created = preview.groups.create if rows.create else 0
    made = [(created, kind.one, kind.several)]
    made += [
        (each.made, kind_of(each.target).one, kind_of(each.target).several) for each in links if each.target != USERS
    ]
    creates = " and ".join(counted(*each) for each in made if each[0])
    said = [f"creates {creates}"] if creates else []
    # A record that the file creates and changes again further down is no group of its own, but a row.
    updated = rows.update if is_of_records(imp.entity_type) else preview.groups.update
    said += [f"updates {number(updated)}"] if updated else []
    said += [f"skips {number(rows.skip)}"] if rows.skip else []
    if not said:
        return "Nothing would change. Every row comes back to you." if rows.fail else "Nothing would change."
    sentence = ", ".join(said)
    back = f" {counted(rows.fail, 'row')} {'comes' if rows.fail == 1 else 'come'} back to you." if rows.fail else ""
    undone = f" You can undo it for {DAYS} days." if creates or updated else ""
    return f"{sentence[0].upper()}{sentence[1:]}.{back}{undone}"
