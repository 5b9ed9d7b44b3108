"""The columns of a file on the guided path: what each is taken for and why, what it may be, and what is missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.gateway.imports.guided.checking import how_of, problem_of, says_itself
from services.gateway.imports.guided.formats import DATED, NUMBERED, format_of
from services.gateway.imports.guided.found import GuidedImport, NotRead, find
from services.gateway.imports.guided.kinds import WORDS, looks_like
from services.gateway.imports.guided.mapping import saved_for
from services.gateway.imports.guided.suggesting import ColumnLook, suggest
from services.gateway.imports.transactions import reading
from services.gateway.people import Person
from services.gateway.resources import Gateway
from shared.api.guided import ColumnFormat, Columns, FieldChoice, GuidedColumn, MappingProblem
from shared.entities.cells import read_cells
from shared.entities.declaration import USERS, EntityType, Field, Kind
from shared.entities.names import column_letter, heading_key
from shared.entities.replacements import value_of

How_: TypeAlias = Literal["chosen", "heading", "saved", "link", "values"]

_LOOKED_AT = 300
_SAMPLES, _LONGEST_SAMPLE = 3, 60
_FIRST = text(
    """
    SELECT CAST(cells AS text) FROM imports.raw_rows
     WHERE import_id = :id AND row_no > :heading_row AND row_no <> ALL(CAST(:examples AS integer[]))
     ORDER BY row_no LIMIT :limit
    """
)
_ERRORS = text(
    """
    SELECT heading, sum(errors) AS errors, coalesce(sum(errors) FILTER (WHERE code = 'required'), 0) AS lacking
      FROM imports.reason_counts WHERE import_id = :id AND heading <> '' GROUP BY heading
    """
)
_REPLACEMENTS = text(
    "SELECT column_index, count(*) AS replacements FROM imports.replacements WHERE import_id = :id GROUP BY column_index"
)


class _Errors(NamedTuple):
    """Errors of a column: all, and those of rows that say nothing in it."""

    all: int = 0
    lacking: int = 0


@dataclass(frozen=True)
class _Seen:
    """What is looked at to describe the columns."""

    looks: Sequence[ColumnLook]
    errors: Mapping[str, _Errors]
    replacements: Mapping[int, int]


async def columns(
    ways: Gateway, person: Person, import_id: UUID, fields: Mapping[int, str] | None = None
) -> Columns | None:
    """The columns as they are mapped, or proposed to be; None while the file is still being read.

    With `fields`, by column, they are described as if a person had said that; what is no field counts as nothing.

    Raises:
        Refused: there is no such import, or it does not wait for a person.
    """
    async with reading(ways, person) as conn:
        try:
            found = await find(conn, import_id)
        except NotRead:
            return None
        seen = await _seen(conn, found)
        saved = await saved_for(conn, found)
    given: dict[int, tuple[str, How_]]
    if fields is not None:
        given = {index: (code, "chosen") for index, code in fields.items() if code in found.entity.by_code}
    elif found.is_mapped:
        given = {index: (code, "chosen") for code, index in found.fields.items()}
    elif saved:
        given = {index: (code, "saved") for code, index in saved[0].fields.items()}
    else:
        given = {index: (said.field.code, said.way) for index, said in suggest(found.entity, seen.looks).items()}
    proposed = suggest(found.entity, seen.looks) if fields is not None or found.is_mapped else {}
    # What was proposed and is kept says why it was proposed.
    given = {
        index: (code, proposed[index].way if index in proposed and proposed[index].field.code == code else how)
        for index, (code, how) in given.items()
    }
    return Columns(
        step=found.step,
        epoch=found.epoch,
        entity_type=found.entity.name,
        mode=found.mode,
        rows=found.total_rows,
        columns=tuple(_column(found, seen, index, given.get(index)) for index in range(len(found.headers))),
        fields=tuple(_choice(found.entity, field, found.mode) for field in found.entity.fields),
        saved=tuple(kept.said for kept in saved),
        problems=tuple(_problems(found, given)),
        match_missing=_match_missing(found.entity, given),
        is_confirmed=found.is_mapped and found.error is None,
    )


async def _seen(conn: AsyncConnection, found: GuidedImport) -> _Seen:
    said: dict[str, Any] = {
        "id": found.id,
        "heading_row": found.layout["heading_row"],
        "examples": list(found.layout.get("example_rows", ())),
        "limit": _LOOKED_AT,
    }
    rows = [read_cells(cells) for cells in (await conn.execute(_FIRST, said)).scalars()]
    looks = []
    for index, heading in enumerate(found.headers):
        values = [value for row in rows if index < len(row) and (value := value_of(row[index]))]
        looks.append(ColumnLook(heading, values, looks_like(values, how_of(found.settings, found.layout, index))))
    errors = {
        row.heading: _Errors(int(row.errors), int(row.lacking)) for row in await conn.execute(_ERRORS, {"id": found.id})
    }
    replacements = {row.column_index: row.replacements for row in await conn.execute(_REPLACEMENTS, {"id": found.id})}
    return _Seen(looks, errors, replacements)


def _column(found: GuidedImport, seen: _Seen, index: int, given: tuple[str, How_] | None) -> GuidedColumn:
    look = seen.looks[index]
    errors = seen.errors.get(look.heading, _Errors())
    field = None if given is None else found.entity.by_code[given[0]]
    fits = None if look.looks is None else look.looks.fits
    if field is not None and look.values and says_itself(found.entity, field.kind):
        fits = sum(problem_of(found, field, index, value) is None for value in look.values) * 100 // len(look.values)
    return GuidedColumn(
        index=index,
        letter=column_letter(index),
        heading=look.heading,
        samples=tuple(_cut(value) for value in dict.fromkeys(look.values))[:_SAMPLES],
        field=None if field is None else field.code,
        field_heading=None if field is None else field.heading,
        how=None if given is None else given[1],
        why=_why(found, look, field, None if given is None else given[1], fits),
        inferred=None if look.looks is None else str(look.looks.kind),
        fits=fits,
        format=_format(found, look, field, index),
        errors=errors.all,
        lacking=errors.lacking,
        replacements=seen.replacements.get(index, 0),
    )


def _format(found: GuidedImport, look: ColumnLook, field: Field | None, index: int) -> ColumnFormat | None:
    if field is not None:
        return format_of(field.kind, found.layout, index, found.settings)
    kind = None if look.looks is None else look.looks.kind
    return format_of(kind, found.layout, index, found.settings) if kind in DATED | NUMBERED and kind else None


def _why(found: GuidedImport, look: ColumnLook, field: Field | None, how: How_ | None, fits: int | None) -> str:
    """How a column was found to be a field, what its values are, and what is found by it."""
    values = _of_values(found, look, field, fits)
    if field is None:
        return values or ("No values" if not look.values else "")
    said = []
    if how == "heading":
        same = heading_key(look.heading) == heading_key(field.heading)
        said.append("Same heading" if same else f"“{look.heading}” means {field.heading}")
    elif how == "link":
        said.append(f"Names a record: {field.heading}")
    elif how == "saved":
        said.append("As you saved it")
    if values:
        said.append(values)
    if field.code in found.entity.matches:
        said.append(f"Finds existing {found.entity.name}")
    if field.kind is Kind.RECORD:
        said.append(_found_by(field))
    return "; ".join(said)


def _of_values(found: GuidedImport, look: ColumnLook, field: Field | None, fits: int | None) -> str:
    if look.looks is None or fits is None:
        return ""
    kind = look.looks.kind
    if (
        field is not None
        and says_itself(found.entity, field.kind)
        and field.kind in WORDS
        and field.kind is not Kind.TEXT
    ):
        return f"{fits}% are {WORDS[field.kind]}"
    return f"{look.looks.fits}% are {WORDS[kind]}" if kind is not Kind.TEXT else ""


def _found_by(field: Field) -> str:
    ways = [{"id": "ID", "email": "e-mail", "phone": "phone number"}.get(way, way) for way in field.found_by]
    ends = "made where it is not there" if field.creates_target else "never made"
    who = "people who work here" if field.target == USERS else str(field.target)
    return f"Finds {who} by {', else by '.join(ways)}; {ends}"


def _choice(entity: EntityType, field: Field, mode: str) -> FieldChoice:
    return FieldChoice(
        code=field.code,
        heading=field.heading,
        section=field.section,
        kind=str(field.kind),
        about=field.about,
        required=any(codes == (field.code,) for codes in entity.required_columns(mode)),
        is_match=field.code in entity.matches or field.code in entity.by_identifier,
        multi=field.multi,
        target=field.target,
        found_by=field.found_by,
    )


def _problems(found: GuidedImport, given: Mapping[int, tuple[str, How_]]) -> list[MappingProblem]:
    """What blocks the mapping: a field that two columns are, one that is needed and has none, dates nobody can read."""
    of_field: dict[str, list[int]] = {}
    for index, (code, _) in sorted(given.items()):
        of_field.setdefault(code, []).append(index)
    problems = [
        MappingProblem(
            field=code,
            columns=tuple(indexes),
            message=f"Columns {', '.join(map(column_letter, indexes))} are all {found.entity.by_code[code].heading}; choose one",
        )
        for code, indexes in of_field.items()
        if indexes[1:]
    ]
    for codes in found.entity.required_columns(found.mode):
        if not any(code in of_field for code in codes):
            named = " or ".join(found.entity.by_code[code].heading for code in codes)
            problems.append(MappingProblem(field=codes[0], columns=(), message=f"No column is {named}; choose one"))
    for code, indexes in of_field.items():
        said = format_of(found.entity.by_code[code].kind, found.layout, indexes[0], found.settings)
        if said is not None and said.name is None:
            message = f"{found.headers[indexes[0]]}: {said.proof}"
            problems.append(MappingProblem(field=code, columns=(indexes[0],), message=message))
    return problems


def _match_missing(entity: EntityType, given: Mapping[int, tuple[str, How_]]) -> bool:
    return bool(entity.matches) and not any(code in entity.matches for code, _ in given.values())


def _cut(value: str) -> str:
    line = " ".join(value.split())
    return line if len(line) <= _LONGEST_SAMPLE else f"{line[:_LONGEST_SAMPLE]}…"
