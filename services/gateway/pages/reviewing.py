"""The second step of the guided path: the distinct values of each column, with what is wrong with them and what to use instead."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, cast, get_args
from uuid import UUID

from fastapi import APIRouter, Form, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.gateway.asking import PageImporter, PageViewer, Ways
from services.gateway.imports import guided, import_if_there, the_import
from services.gateway.live import Shown
from services.gateway.pages.figures import counted, number
from services.gateway.pages.rendering import page, partial, swap
from services.gateway.pages.shell import SHELL
from services.gateway.pages.steps import address_of, elsewhere, head
from services.gateway.pages.values_shown import (
    FILTERS,
    MOST_FREQUENT,
    NEEDS_REVIEW,
    Asked,
    asked_by,
    heads,
    nothing_words,
    shown_value,
    shown_words,
)
from services.gateway.people import Person, tenant_of
from services.gateway.problems import Refused, unknown
from services.gateway.resources import Gateway
from shared.api.guided import (
    LONGEST_VALUE,
    Columns,
    ColumnValuePage,
    FormatName,
    GuidedColumn,
    NewFormat,
    NewReplacement,
    Show,
    ValueSort,
)
from shared.api.imports import Import
from shared.entities import ENTITY_TYPES
from shared.entities.declaration import Kind
from shared.states import GuidedStep

router = APIRouter(include_in_schema=False, prefix="/imports", dependencies=[SHELL])

ImportId = Annotated[UUID, Path()]
Index = Annotated[int, Path(ge=0, le=16_383)]


@dataclass(frozen=True)
class ColumnToReview:
    """A column in the list beside the values."""

    index: int
    heading: str
    problems: int
    checking: bool


@router.get("/{import_id}/review")
async def first(ways: Ways, person: PageViewer, import_id: ImportId) -> Response:
    """To the first column that needs a look, else to the first."""
    imp = await the_import(ways, person, import_id)
    if (away := elsewhere(imp, GuidedStep.REVIEW)) is not None:
        return away
    columns = await guided.columns(ways, person, import_id)
    mapped = _mapped(columns)
    if not mapped:
        return RedirectResponse(address_of(imp, GuidedStep.MAP), 303)
    chosen = next((column for column in mapped if column.errors), mapped[0])
    return RedirectResponse(f"/imports/{import_id}/review/{chosen.index}", 303)


@router.post("/{import_id}/review")
async def go_on(ways: Ways, person: PageImporter, import_id: ImportId) -> RedirectResponse:
    """On to the preview."""
    await guided.go_to(ways, person, import_id, GuidedStep.PREVIEW)
    return RedirectResponse(f"/imports/{import_id}/{GuidedStep.PREVIEW}", 303)


@router.get("/{import_id}/review/{index}")
async def show(request: Request, ways: Ways, person: PageViewer, import_id: ImportId, index: Index) -> Response:
    """A page of the values of a column."""
    imp = await the_import(ways, person, import_id)
    if (away := elsewhere(imp, GuidedStep.REVIEW)) is not None:
        return away
    asked = asked_by(f"/imports/{import_id}/review/{index}", request.query_params)
    try:
        asked, found = await _found(ways, person, import_id, index, asked)
    except Refused as refused:
        if refused.kind.slug not in {"invalid", "cursor"} or not asked.page:
            raise
        # A page of a list that was sorted or filtered otherwise.
        asked, found = await _found(ways, person, import_id, index, replace(asked, page=""))
    columns = await guided.columns(ways, person, import_id)
    column = next((each for each in _mapped(columns) if each.index == index), None)
    if columns is None or column is None:
        raise unknown("column")
    return page(
        request,
        person,
        "review.html",
        **head(imp, person, GuidedStep.REVIEW, counted(columns.rows, "row")),
        **_surround(asked, columns, column, found),
        **_format(column, found),
        values=[shown_value(n, value, at_once=_at_once(imp, found)) for n, value in enumerate(found.items)],
        choices=found.choices,
        heads=heads(asked),
        caption=f"Values of {column.heading}: {FILTERS[asked.show].lower()}",
        shown=shown_words(asked, found),
        previous=asked.href(page="") if asked.page else "",
        next=asked.href(page=found.next) if found.next else "",
        nothing=nothing_words(asked, column, found),
    )


@router.post("/{import_id}/review/{index}")
async def replace_value(
    request: Request,
    ways: Ways,
    person: PageImporter,
    import_id: ImportId,
    index: Index,
    value: Annotated[str, Form(min_length=1, max_length=LONGEST_VALUE)],
    replacement: Annotated[str, Form(max_length=LONGEST_VALUE)] = "",
    act: Annotated[str, Form(max_length=8)] = "use",
    n: Annotated[int, Form(ge=0, le=1_000)] = 0,
) -> Response:
    """Use another value in every row that has this one, none, or itself again. With scripts only what changes is answered."""
    asked = asked_by(f"/imports/{import_id}/review/{index}", request.query_params)
    said = NewReplacement(
        value=value, replacement=(replacement.strip() or None) if act == "use" else None, skip=act == "skip"
    )
    now = await guided.replace_value(ways, person, import_id, index, said)
    if request.headers.get("hx-request") != "true":
        return RedirectResponse(asked.href(), 303)
    imp = await the_import(ways, person, import_id)
    context = await _changing(ways, person, imp, index, asked)
    shown = shown_value(n, now, at_once=context["at_once"])
    context |= {"value": shown, "told": f"{value}: {shown.state.words if shown.state else 'as it was'}"}
    row = partial(request, person, "_review_value.html", **context)
    # What is typed stays where a value is saved; where it is taken back, what was typed goes.
    swapped = (
        swap(f"v{n}", row) if act == "use" else f'<hx-partial hx-target="#v{n}" hx-swap="outerHTML">{row}</hx-partial>'
    )
    return HTMLResponse(swapped + _parts(request, person, context, told=True), headers={"Cache-Control": "no-store"})


@router.get("/{import_id}/review/{index}/value")
async def look_again(
    request: Request,
    ways: Ways,
    person: PageViewer,
    import_id: ImportId,
    index: Index,
    value: Annotated[str, Query(max_length=LONGEST_VALUE)] = "",
    n: Annotated[int, Query(ge=0, le=1_000)] = 0,
) -> Response:
    """A value that was being checked, as a row of the page; 204 when nobody has changed it any more."""
    imp = await the_import(ways, person, import_id)
    found = await guided.values(ways, person, import_id, index, show="modified", search=value[:200])
    now = next((each for each in found.items if each.value == value), None)
    if now is None:
        return Response(status_code=204)
    asked = asked_by(f"/imports/{import_id}/review/{index}", request.query_params)
    context = await _changing(ways, person, imp, index, asked)
    context["value"] = shown_value(n, now, at_once=context["at_once"])
    row = partial(request, person, "_review_value.html", **context)
    return HTMLResponse(swap(f"v{n}", row) + _parts(request, person, context), headers={"Cache-Control": "no-store"})


@router.post("/{import_id}/review/{index}/format")
async def choose_format(
    ways: Ways,
    person: PageImporter,
    import_id: ImportId,
    index: Index,
    format: Annotated[str, Form(max_length=16)] = "",  # noqa: A002 - the form's name
) -> RedirectResponse:
    """Read a column's dates or numbers in this way."""
    if format not in get_args(FormatName):
        raise Refused("invalid", "Choose one of the formats.")
    await guided.set_format(ways, person, import_id, index, NewFormat(format=cast("FormatName", format)))
    return RedirectResponse(f"/imports/{import_id}/review/{index}", 303)


@router.get("/{import_id}/review/{index}/live")
async def live(request: Request, ways: Ways, person: PageViewer, import_id: ImportId, index: Index) -> Response:
    """What the checks have found by now: the list of columns, the filters and the dock. The values themselves stay as they are."""
    asked = asked_by(f"/imports/{import_id}/review/{index}", request.query_params)

    async def look() -> Shown | None:
        imp = await import_if_there(ways, person, import_id)
        if imp is None:
            return None
        if elsewhere(imp, GuidedStep.REVIEW) is not None:
            return Shown.named("", ended=True)
        context = await _changing(ways, person, imp, index, asked)
        return Shown.named(_parts(request, person, context), moves=False)

    return ways.streams.stream(person, look, tenant=tenant_of(person), import_id=import_id)


async def _found(
    ways: Gateway, person: Person, import_id: UUID, index: int, asked: Asked
) -> tuple[Asked, ColumnValuePage]:
    """What is asked for; where no filter is said, what needs a look, or all where nothing does."""

    async def read(show: str) -> ColumnValuePage:
        return await guided.values(
            ways,
            person,
            import_id,
            index,
            show=cast("Show", show),
            search=asked.q,
            sort=cast("ValueSort", asked.sort or MOST_FREQUENT),
            after=asked.page or None,
        )

    found = await read(asked.show or NEEDS_REVIEW)
    if asked.show or found.items or asked.page:
        return replace(asked, show=asked.show or NEEDS_REVIEW), found
    return replace(asked, show="all"), await read("all")


async def _changing(ways: Gateway, person: Person, imp: Import, index: int, asked: Asked) -> dict[str, Any]:
    """What a replacement or a check changes on the page beside the value itself."""
    columns = await guided.columns(ways, person, imp.id)
    column = next((each for each in _mapped(columns) if each.index == index), None)
    if columns is None or column is None:
        raise unknown("column")
    found = await guided.values(ways, person, imp.id, index, show="all", search=asked.q, limit=1)
    return {
        **head(imp, person, GuidedStep.REVIEW),
        **_surround(replace(asked, show=asked.show or NEEDS_REVIEW), columns, column, found),
        "choices": found.choices,
        "at_once": _at_once(imp, found),
    }


def _at_once(imp: Import, found: ColumnValuePage) -> bool:
    """Whether a value of the column is known to fit as soon as it is said."""
    return guided.says_itself(ENTITY_TYPES[imp.entity_type], Kind(found.kind))


def _parts(request: Request, person: Person, context: Mapping[str, Any], *, told: bool = False) -> str:
    parts = {"collist": "_review_columns.html", "filters": "_review_filters.html", "dock": "_review_dock.html"}
    if told:
        parts["told"] = "_review_told.html"
    return "".join(swap(name, partial(request, person, template, **context)) for name, template in parts.items())


def _mapped(columns: Columns | None) -> list[GuidedColumn]:
    return [] if columns is None else [column for column in columns.columns if column.field is not None]


def _surround(asked: Asked, columns: Columns, column: GuidedColumn, found: ColumnValuePage) -> dict[str, Any]:
    checking = found.undecided_rows > 0
    reviewed = [
        ColumnToReview(
            each.index,
            each.heading,
            _cells_to_review(each, found if each.index == column.index else None),
            checking and not each.errors,
        )
        for each in _mapped(columns)
    ]
    counts = found.counts
    return {
        "asked": asked,
        "column": column,
        "reviewed": reviewed,
        "filters": [(name, title, getattr(counts, name)) for name, title in FILTERS.items()],
        "about": f"fills {column.field_heading} · {counted(counts.all, 'different value')} in {counted(found.filled_rows, 'row')}"
        + (f", {number(found.blank_rows)} blank" if found.blank_rows else ""),
        "still": sum(each.problems for each in reviewed),
        "lacking": column.lacking,
        "required": any(field.required for field in columns.fields if field.code == column.field),
        "checking": checking,
        "told": "",
    }


def _cells_to_review(column: GuidedColumn, found: ColumnValuePage | None) -> int:
    """How many cells of a column do not fit. Of the one that is looked at a correction counts before it is checked everywhere."""
    if found is not None and not found.counts.needs_review:
        return column.lacking
    return column.errors or (0 if found is None else found.counts.needs_review)


def _format(column: GuidedColumn, found: ColumnValuePage) -> dict[str, Any]:
    shown = found.format
    if shown is None:
        return {"formats": (), "format": "", "format_label": "", "proof": ""}
    return {
        "formats": [(choice.name, f"{choice.title} ({choice.example})") for choice in shown.choices],
        "format": shown.name or "",
        "format_label": f"Format of {column.heading}",
        "proof": shown.proof,
    }
