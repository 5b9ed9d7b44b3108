"""The first step of the guided path: each column of the file, and the field it fills."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.gateway.asking import PageImporter, PageViewer, Ways
from services.gateway.imports import guided, import_if_there, the_import
from services.gateway.live import Shown
from services.gateway.pages.figures import counted, number
from services.gateway.pages.rendering import page, partial, swap
from services.gateway.pages.shell import SHELL
from services.gateway.pages.steps import ORDER, address_of, elsewhere, head
from services.gateway.pages.words import FOUND_BY, KINDS, kind_of
from services.gateway.people import Person, tenant_of
from services.gateway.problems import Refused
from shared.api.guided import Columns, FieldChoice, FormatName, GuidedColumn, NewMapping
from shared.api.imports import Import
from shared.api.problems import FieldProblem
from shared.entities.declaration import USERS
from shared.states import GuidedStep

router = APIRouter(include_in_schema=False, prefix="/imports", dependencies=[SHELL])

ImportId = Annotated[UUID, Path()]
_LONGEST_NAME = 100
_FIELD, _FORMAT = "field-", "format-"

Trouble = tuple[str, str]
"""The id of a control, and what is wrong with it."""


@dataclass(frozen=True)
class Said:
    """What a form says of columns: their fields and formats by index."""

    fields: Mapping[int, str]
    formats: Mapping[int, str]
    remember: bool = True
    sure: bool = False
    use: str = ""


@dataclass(frozen=True)
class ColumnShown:
    """A column of the file with what it goes to, as a row of the page."""

    index: int
    heading: str
    samples: Sequence[str]
    code: str
    finds: str
    why: Sequence[str]
    format: str
    formats: Sequence[tuple[str, str]]
    format_label: str
    proof: str
    field_error: str
    format_error: str


@router.get("/{import_id}/map")
async def show(request: Request, ways: Ways, person: PageViewer, import_id: ImportId) -> Response:
    """The columns, as they are mapped or proposed to be."""
    imp = await the_import(ways, person, import_id)
    if (away := elsewhere(imp, GuidedStep.MAP)) is not None:
        return away
    columns = await guided.columns(ways, person, import_id)
    return _page(request, person, imp, columns, None if columns is None else said_by(columns))


@router.get("/{import_id}/map/live")
async def live(ways: Ways, person: PageViewer, import_id: ImportId) -> Response:
    """A stream that ends when the columns are known."""

    async def look() -> Shown | None:
        imp = await import_if_there(ways, person, import_id)
        if imp is None:
            return None
        return Shown(imp.version, "", ended=imp.guided is None or imp.guided.is_read, moves=False)

    return ways.streams.stream(person, look, tenant=tenant_of(person), import_id=import_id)


@router.post("/{import_id}/map/look")
async def look_at(request: Request, ways: Ways, person: PageImporter, import_id: ImportId) -> HTMLResponse:
    """The table and the dock as the form has them by now. Nothing is kept."""
    imp = await the_import(ways, person, import_id)
    said = said_in(await request.form())
    columns = await guided.columns(ways, person, import_id, said.fields)
    if columns is None:
        raise Refused("conflict", "The file is still being read.")
    context = _context(imp, person, columns, said, _twice(columns, said))
    return HTMLResponse(
        swap("columns", partial(request, person, "_map.html", **context))
        + swap("dock", partial(request, person, "_map_dock.html", **context))
    )


@router.post("/{import_id}/map")
async def confirm(request: Request, ways: Ways, person: PageImporter, import_id: ImportId) -> Response:
    """Say that the columns mean this, and go on; what stands in the way is said above them, and asked where it is no mistake."""
    imp = await the_import(ways, person, import_id)
    if (away := elsewhere(imp, GuidedStep.MAP)) is not None:
        return away
    said = said_in(await request.form())
    columns = await guided.columns(ways, person, import_id, said.fields)
    if columns is None:
        raise Refused("conflict", "The file is still being read.")
    if said.use:
        saved = _of_saved(columns, said)
        columns = await guided.columns(ways, person, import_id, saved.fields) or columns
        return _page(request, person, imp, columns, saved)
    errors = troubles(columns, said)
    if errors:
        return _page(request, person, imp, columns, said, errors, status=422)
    if not said.sure and columns.match_missing:
        return _page(request, person, imp, columns, said, asks=_asks(imp, columns))
    try:
        await guided.set_mapping(ways, person, import_id, _mapping(imp, columns, said))
    except Refused as refused:
        if refused.kind.slug != "invalid" or not refused.errors:
            raise
        return _page(request, person, imp, columns, said, [_at(problem) for problem in refused.errors], status=422)
    return RedirectResponse(address_of(imp, GuidedStep.REVIEW), 303)


def _at(problem: FieldProblem) -> Trouble:
    """Where a refusal of a mapping is seen: at the format of a column, or at the columns as a whole."""
    what, _, index = problem.field.partition(".")
    return (f"d{index}" if what == "formats" and index.isdecimal() else "columns", problem.message)


def said_by(columns: Columns) -> Said:
    """What is kept, or proposed, as a form would say it."""
    return Said(
        {column.index: column.field for column in columns.columns if column.field},
        {column.index: column.format.name for column in columns.columns if column.format and column.format.name},
    )


def said_in(form: Mapping[str, Any]) -> Said:
    """What was sent. What is no number of a column, or is a file, is passed over."""

    def by_index(prefix: str) -> dict[int, str]:
        return {
            int(name.removeprefix(prefix)): value
            for name, value in form.items()
            if name.startswith(prefix)
            and name.removeprefix(prefix).isdecimal()
            and isinstance(value, str)
            and value.strip()
        }

    return Said(
        by_index(_FIELD),
        by_index(_FORMAT),
        remember=bool(form.get("remember")),
        sure=bool(form.get("sure")),
        use=str(form.get("use") or ""),
    )


def troubles(columns: Columns, said: Said) -> list[Trouble]:
    """What blocks a mapping: fields that are needed and not there, fields that are there twice, formats nobody can know.

    `columns` are described as they are `said` to be.
    """
    free = next((column.index for column in columns.columns if column.index not in said.fields), 0)
    found: list[Trouble] = []
    for problem in columns.problems:
        if not problem.columns:
            found.append((f"f{free}", problem.message))
        elif len(problem.columns) == 1 and problem.columns[0] not in said.formats:
            found.append((f"d{problem.columns[0]}", problem.message))
    return [*found, *_twice(columns, said)]


def _twice(columns: Columns, said: Said) -> list[Trouble]:
    headings = {column.index: column.heading for column in columns.columns}
    fields = {field.code: field.heading for field in columns.fields}
    by_field: dict[str, list[int]] = {}
    for index, code in said.fields.items():
        by_field.setdefault(code, []).append(index)
    return [
        (f"f{indexes[-1]}", f"{fields.get(code, code)} is chosen twice: {_and([headings.get(i, '') for i in indexes])}")
        for code, indexes in by_field.items()
        if len(indexes) > 1
    ]


def _mapping(imp: Import, columns: Columns, said: Said) -> NewMapping:
    return NewMapping(
        fields={code: index for index, code in said.fields.items()},
        formats=_chosen(columns, said),
        save_as=imp.file_name[:_LONGEST_NAME] if said.remember else None,
    )


def _chosen(columns: Columns, said: Said) -> dict[int, FormatName]:
    """The formats that somebody has chosen: not those that were found and left, nor one of what a column is no longer."""
    chosen: dict[int, FormatName] = {}
    for column in columns.columns:
        name, known = said.formats.get(column.index), column.format
        if name is None or known is None or column.field is None or (name == known.name and not known.is_chosen):
            continue
        if name in {choice.name for choice in known.choices}:
            chosen[column.index] = name
    return chosen


def _of_saved(columns: Columns, said: Said) -> Said:
    saved = next((saved for saved in columns.saved if saved.name == said.use), None)
    if saved is None:
        return said
    return Said({index: code for code, index in saved.fields.items()}, dict(saved.formats), said.remember)


def _page(
    request: Request,
    person: Person,
    imp: Import,
    columns: Columns | None,
    said: Said | None,
    errors: Sequence[Trouble] = (),
    *,
    asks: str = "",
    status: int = 200,
) -> HTMLResponse:
    if columns is None or said is None:
        words = "Its columns are shown when that is done." if imp.error is None else imp.error.message
        context: dict[str, Any] = {**head(imp, person, GuidedStep.MAP), "columns": (), "read_words": words}
    else:
        context = _context(imp, person, columns, said, errors)
    return page(request, person, "map.html", status=status, errors=errors, asks=asks, **context)


def _context(imp: Import, person: Person, columns: Columns, said: Said, errors: Sequence[Trouble]) -> dict[str, Any]:
    read = imp.read_as
    how = [] if read is None else [read.encoding and read.encoding.upper(), read.delimiter and f"separated by “{read.delimiter}”", read.sheet and f"sheet “{read.sheet}”"]  # fmt: skip
    facts = (
        f"{counted(columns.rows, 'row')}, {counted(len(columns.columns), 'column')}",
        *([", ".join(filter(None, how))] if any(how) else []),
    )
    kind = kind_of(imp.entity_type)
    found_by = _found_by(columns, said)
    by_code = {field.code: field for field in columns.fields}
    other = [kept for kept in columns.saved if {i: c for c, i in kept.fields.items()} != dict(said.fields)]
    mapped = sum(1 for column in columns.columns if column.field)
    of_all = f"{number(mapped)} of {counted(len(columns.columns), 'column')}"
    found_words = (
        f"{of_all} {'is' if mapped == 1 else 'are'} mapped."
        if columns.is_confirmed
        else f"{of_all} found {'its' if mapped == 1 else 'their'} field."
    )
    return {
        **head(imp, person, GuidedStep.MAP, *facts),
        "kind": kind,
        "columns": [_column(column, by_code, said, dict(errors), kind.several) for column in columns.columns],
        "options": options_of(columns.fields),
        "found_words": found_words,
        "as_before": next(iter(columns.saved), None) if any(each.how == "saved" for each in columns.columns) else None,
        "offered": next(iter(other), None),
        "remember": said.remember,
        "mapped": mapped,
        "found_by": found_by,
        "no_matches": not any(field.is_match for field in columns.fields),
        "reached_review": imp.guided is not None and ORDER.index(imp.guided.step) > 0,
    }


def _column(
    column: GuidedColumn, fields: Mapping[str, FieldChoice], said: Said, errors: Mapping[str, str], several: str
) -> ColumnShown:
    field = fields.get(column.field or "")
    shown = column.format if field is not None else None
    what = "Date" if shown is not None and any(choice.name == "iso" for choice in shown.choices) else "Number"
    return ColumnShown(
        index=column.index,
        heading=column.heading,
        samples=column.samples,
        code="" if field is None else field.code,
        finds=f"Finds existing {several}" if field is not None and field.is_match else "",
        why=[
            words
            for words in column.why.split("; ")
            if not words.startswith("Finds ") and not words.startswith("made ")
        ],
        format=said.formats.get(column.index, shown.name or "") if shown is not None else "",
        formats=() if shown is None else [(c.name, f"{c.title} ({c.example})") for c in shown.choices],
        format_label=f"{what} format of {column.heading}",
        proof=shown.proof if shown is not None else _link_words(field),
        field_error=errors.get(f"f{column.index}", ""),
        format_error=errors.get(f"d{column.index}", ""),
    )


def _link_words(field: FieldChoice | None) -> str:
    """How what a link names is found: `By domain, else by name`; and whether it is made where it is not there."""
    if field is None or not field.found_by:
        return ""
    ways = [FOUND_BY.get(way, way) for way in field.found_by]
    found = f"By {', else by '.join(ways)}"
    if field.target in KINDS and "name" in field.found_by:
        return f"{found}; made when it is not there"
    return f"{found}; only people who work with you" if field.target == USERS else found


def options_of(fields: Sequence[FieldChoice]) -> list[tuple[str, list[tuple[str, str]]]]:
    """The fields to choose from by section, with what is required marked."""
    sections: dict[str, list[tuple[str, str]]] = {}
    for field in fields:
        words = f"{field.heading} (required)" if field.required else field.heading
        sections.setdefault(field.section, []).append((field.code, words))
    return list(sections.items())


def _found_by(columns: Columns, said: Said) -> list[str]:
    mapped = set(said.fields.values())
    return [field.heading for field in columns.fields if field.is_match and field.code in mapped]


def _asks(imp: Import, columns: Columns) -> str:
    kind = kind_of(imp.entity_type)
    matches = _and([field.heading for field in columns.fields if field.is_match], "or")
    return (
        f"No column finds the {kind.several} you have, so each row makes a new {kind.one}, also one that is there already. "
        f"Map a column to {matches} to change what is there instead."
    )


def _and(names: Sequence[str], word: str = "and") -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {word} {names[-1]}"
