"""The distinct values of a column, by page: what they are read as, and what is wrong with them.

What is wrong is what the validator said of rows that have the value. Where a column has more than `_MOST_ERRORS` errors, a
value counts by the first row that has it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.gateway.cursors import hand_out, list_name, take_back
from services.gateway.imports.guided.checking import problem_of
from services.gateway.imports.guided.formats import format_of
from services.gateway.imports.guided.found import GuidedImport, mapped, undecided_rows
from services.gateway.imports.transactions import acting, reading
from services.gateway.people import Person, tenant_of
from services.gateway.resources import Gateway
from shared.api.guided import MOST_VALUES, ColumnValue, ColumnValuePage, Show, ValueCounts, ValueProblem, ValueSort
from shared.entities.cells import read_cells
from shared.entities.declaration import Field
from shared.entities.replacements import value_of
from shared.intake.column_values import Listed, ListedValue, list_values, listed, values_behind

_MOST_ERRORS = 5_000
_MOST_CHOICES = 500

_REPLACEMENT_COUNTS = text(
    """
    SELECT count(*) FILTER (WHERE NOT is_skipped) AS modified, count(*) FILTER (WHERE is_skipped) AS skipped
      FROM imports.replacements WHERE import_id = :id AND column_index = :index
    """
)
_REPLACEMENTS = text(
    """
    SELECT value, replacement, is_skipped FROM imports.replacements
     WHERE import_id = :id AND column_index = :index AND value = ANY(CAST(:values AS text[]))
    """
)
_REPLACED = text(
    """
    SELECT value FROM imports.replacements WHERE import_id = :id AND column_index = :index AND is_skipped = :skipped
    """
)
_ERRORS = text(
    """
    SELECT CAST(r.cells AS text) AS cells, e.code, e.message
      FROM (SELECT row_no, position, code, message FROM imports.row_errors
             WHERE import_id = :id AND column_index = :index ORDER BY row_no, position LIMIT :limit) e
     CROSS JOIN LATERAL (SELECT cells FROM imports.raw_rows WHERE import_id = :id AND row_no = e.row_no) r
     ORDER BY e.row_no, e.position
    """
)
_AT_FIRST_ROWS = text(
    """
    SELECT DISTINCT ON (v.first_row) v.value, e.code, e.message
      FROM imports.column_values v
      JOIN imports.row_errors e ON e.import_id = v.import_id AND e.row_no = v.first_row AND e.column_index = v.column_index
     WHERE v.import_id = :id AND v.column_index = :index
     ORDER BY v.first_row, e.position
    """
)


@dataclass(frozen=True)
class _Wanted:
    show: Show
    search: str
    sort: ValueSort
    after: str | None
    limit: int


async def values(
    ways: Gateway,
    person: Person,
    import_id: UUID,
    index: int,
    *,
    show: Show = "all",
    search: str = "",
    sort: ValueSort = "-rows",
    after: str | None = None,
    limit: int = MOST_VALUES,
) -> ColumnValuePage:
    """A page of the distinct values of a column: which of them, in which order, behind which place.

    Raises:
        Refused: there is no such import or column, or its columns are not mapped yet; the place is none of this list.
    """
    wanted = _Wanted(show, search, sort, after, limit)
    async with reading(ways, person) as conn:
        found, _ = await mapped(conn, import_id, index)
        known = await listed(conn, import_id, index)
    if known is None:
        async with acting(ways, person) as conn:
            await list_values(conn, tenant_of(person), import_id, found.layout, index)
    async with reading(ways, person) as conn:
        return await _page(conn, import_id, index, wanted)


async def _page(conn: AsyncConnection, import_id: UUID, index: int, wanted: _Wanted) -> ColumnValuePage:
    found, field = await mapped(conn, import_id, index)
    known = await listed(conn, import_id, index) or Listed(0, 0, 0)
    waiting = await undecided_rows(conn, import_id)
    problems = await _problems(conn, import_id, index)
    name = list_name(
        "values", {"import": import_id, "column": index, "show": wanted.show, "q": wanted.search, "by": wanted.sort}
    )
    after = None
    if wanted.after is not None:
        (after,) = take_back(name, wanted.after, int)
    page = await values_behind(
        conn,
        import_id,
        index,
        order=wanted.sort,
        after=after,
        limit=wanted.limit + 1,
        search=wanted.search,
        among=await _among(conn, import_id, index, wanted.show, problems),
    )
    shown = page[: wanted.limit]
    following = hand_out(name, shown[-1].place(wanted.sort)) if len(page) > wanted.limit else None
    said = await _described(conn, found, field, index, shown, problems, waiting)
    counts = (await conn.execute(_REPLACEMENT_COUNTS, {"id": import_id, "index": index})).one()
    return ColumnValuePage(
        items=tuple(said),
        next=following,
        index=index,
        heading=found.headers[index],
        field=field.code,
        kind=str(field.kind),
        counts=ValueCounts(
            all=known.distinct_values, needs_review=len(problems), modified=counts.modified, skipped=counts.skipped
        ),
        filled_rows=known.filled_rows,
        blank_rows=known.blank_rows,
        undecided_rows=waiting,
        format=format_of(field.kind, found.layout, index, found.settings),
        choices=tuple(option.name for option in field.options[:_MOST_CHOICES]) or tuple(field.choices),
    )


async def described(
    conn: AsyncConnection, found: GuidedImport, field: Field, index: int, value: ListedValue
) -> ColumnValue:
    """One value as it is now."""
    waiting = await undecided_rows(conn, found.id)
    problems = await _problems(conn, found.id, index)
    (said,) = await _described(conn, found, field, index, [value], problems, waiting)
    return said


async def _among(
    conn: AsyncConnection, import_id: UUID, index: int, show: Show, problems: Mapping[str, ValueProblem]
) -> Sequence[str] | None:
    if show == "all":
        return None
    if show == "needs_review":
        return list(problems)
    said = {"id": import_id, "index": index, "skipped": show == "skipped"}
    return list((await conn.execute(_REPLACED, said)).scalars())


async def _problems(conn: AsyncConnection, import_id: UUID, index: int) -> dict[str, ValueProblem]:
    """By value, the first thing that is wrong with a row that has it."""
    said = {"id": import_id, "index": index}
    found: dict[str, ValueProblem] = {}
    errors = (await conn.execute(_ERRORS, {**said, "limit": _MOST_ERRORS + 1})).all()
    if len(errors) > _MOST_ERRORS:
        for row in await conn.execute(_AT_FIRST_ROWS, said):
            found.setdefault(row.value, ValueProblem(code=row.code, message=row.message))
    for row in errors:
        cells = read_cells(row.cells)
        if index < len(cells) and (value := value_of(cells[index])):
            found.setdefault(value, ValueProblem(code=row.code, message=row.message))
    return found


async def _described(
    conn: AsyncConnection,
    found: GuidedImport,
    field: Field,
    index: int,
    values: Sequence[ListedValue],
    problems: Mapping[str, ValueProblem],
    waiting: int,
) -> list[ColumnValue]:
    said: dict[str, Any] = {"id": found.id, "index": index, "values": [value.value for value in values]}
    replaced = {row.value: row for row in await conn.execute(_REPLACEMENTS, said)}
    described_: list[ColumnValue] = []
    for value in values:
        kept = replaced.get(value.value)
        problem = problems.get(value.value)
        pending = bool(waiting) and kept is not None
        if kept is not None and problem is None and pending:
            problem = problem_of(found, field, index, kept.replacement)
        described_.append(
            ColumnValue(
                value=value.value,
                rows=value.rows,
                first_row=value.first_row,
                problem=problem,
                replacement=None if kept is None else kept.replacement,
                skipped=kept is not None and cast("bool", kept.is_skipped),
                pending=pending,
            )
        )
    return described_
