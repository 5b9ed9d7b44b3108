"""The distinct values of a column of a file: how often each is there and where first, by page.

They are listed once, from the rows as they were read, and never change: what a person replaces lies beside them. A value is
the text that people see in a cell, without blanks around it (`shared.entities.replacements.value_of`); Postgres says it of the
cells whose JSON is that text, and we say it of the others (formatted numbers, dates, escapes), each once.
Every function works in a transaction of the import's tenant.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.entities.cells import BLANKS, read_cells
from shared.entities.replacements import value_of

Order: TypeAlias = Literal["-rows", "rows", "row", "value", "-value"]

# Whoever else wants the same list waits for it.
_ALONE = text("SELECT pg_advisory_xact_lock(hashtextextended(CAST(:place AS text), 0))")
_LISTED = text(
    """
    SELECT distinct_values, filled_rows, blank_rows FROM imports.listed_columns
     WHERE import_id = :id AND column_index = :index
    """
)
_ROOM = text("SET LOCAL work_mem = '96MB'")
_BELOW = """
      FROM imports.raw_rows r
     WHERE r.import_id = CAST(:id AS uuid) AND r.row_no > CAST(:heading_row AS integer) AND r.row_no <> ALL(CAST(:examples AS integer[]))
"""
# What Postgres takes no JSON apart for: NUL, halves of surrogate pairs. Such rows are read by us.
_BROKEN = r"(position('\u' IN CAST(r.cells AS text)) > 0 AND CAST(r.cells AS text) ~ '\\u(0000|[dD][89a-fA-F])')"
_CELLS = f"(CASE WHEN {_BROKEN} THEN NULL ELSE r.cells END)"
_JSON = f"CAST({_CELLS} -> CAST(:index AS integer) AS text)"
# Text that `->>` gives otherwise than it is shown: dates and formats, floats, escaped characters.
_ODD = rf"({_JSON} ~ '^[{{]|^-?[0-9].*(\.0$|[eE])|\\u')"
_MAY_BE_ODD = r"(CAST(r.cells AS text) ~ '[{]|\\u|[0-9]\.0|[0-9][eE]')"
_IS_ESCAPED = r"position('\u' IN CAST(r.cells AS text)) > 0"
_ODD_CELLS = text(f"SELECT DISTINCT {_JSON} {_BELOW} AND {_MAY_BE_ODD} AND {_ODD}")
_ODD_TEXTS = text(f"SELECT DISTINCT {_JSON} {_BELOW} AND {_IS_ESCAPED} AND {_ODD}")
# A text file has nothing but texts; where none is escaped, `->>` says them all.
_ANY_ESCAPED = text(f"SELECT EXISTS (SELECT {_BELOW} AND {_IS_ESCAPED})")
_PLAIN = "btrim(r.cells ->> CAST(:index AS integer), CAST(:blanks AS text))"
_BROKEN_ROWS = text(f"SELECT r.row_no, r.chunk_no, CAST(r.cells AS text) {_BELOW} AND {_BROKEN}")
_SHOWN = f"btrim({_CELLS} ->> CAST(:index AS integer), CAST(:blanks AS text))"
_OR_ODD = f"CASE WHEN {_ODD} THEN o.shown ELSE {_SHOWN} END"
_JOIN_ODD = f"""
      LEFT JOIN unnest(CAST(:odd_cells AS text[]), CAST(:odd_texts AS text[])) AS o (cell, shown) ON o.cell = {_JSON}
"""


def _below(join: str) -> str:
    return _BELOW.replace("imports.raw_rows r", f"imports.raw_rows r {join}")


def _list(said: str) -> str:
    return f"""
    WITH said AS NOT MATERIALIZED ({said}), counted AS (
        SELECT value, count(*) AS rows, min(row_no) AS first_row FROM said GROUP BY 1
    ), listed AS (
        INSERT INTO imports.column_values (import_id, column_index, rank, tenant_id, value, rows, first_row)
        SELECT CAST(:id AS uuid), CAST(:index AS integer), row_number() OVER (ORDER BY rows DESC, first_row),
               CAST(:tenant AS text), value, rows, first_row
          FROM counted WHERE value <> ''
    )
    INSERT INTO imports.listed_columns (import_id, column_index, tenant_id, distinct_values, filled_rows, blank_rows)
    SELECT CAST(:id AS uuid), CAST(:index AS integer), CAST(:tenant AS text), count(*) FILTER (WHERE value <> ''),
           coalesce(sum(rows) FILTER (WHERE value <> ''), 0),
           coalesce(sum(rows) FILTER (WHERE value IS NULL OR value = ''), 0)
      FROM counted
    """  # noqa: S608 - our own text


_ALSO_BROKEN = "SELECT * FROM unnest(CAST(:broken_values AS text[]), CAST(:broken_rows AS integer[]))"
_LIST_PLAIN = text(_list(f"SELECT {_PLAIN} AS value, r.row_no {_BELOW}"))
_LIST = text(
    _list(f"SELECT {_OR_ODD} AS value, r.row_no {_below(_JOIN_ODD)} AND NOT {_BROKEN} UNION ALL {_ALSO_BROKEN}")
)
_WITH_PLAIN = text(
    f"""
    SELECT r.chunk_no, count(*) AS rows, min(r.row_no) AS first_row {_BELOW}
       AND position(CAST(:needle AS text) IN CAST(r.cells AS text)) > 0 AND {_PLAIN} = CAST(:value AS text)
     GROUP BY r.chunk_no
    """
)
_WITH_VALUE = text(
    f"""
    SELECT r.chunk_no, count(*) AS rows, min(r.row_no) AS first_row {_BELOW}
       AND (CASE WHEN position(CAST(:needle AS text) IN CAST(r.cells AS text)) = 0 OR {_ODD} THEN false
                 ELSE {_SHOWN} = CAST(:value AS text) END
            OR cardinality(CAST(:variants AS text[])) > 0 AND {_JSON} = ANY(CAST(:variants AS text[])))
     GROUP BY r.chunk_no
    """
)
_AT = """
    (SELECT p.value FROM imports.column_values p
      WHERE p.import_id = :id AND p.column_index = :index AND p.rank = CAST(:after AS integer))
"""
_ORDERS: Mapping[str, tuple[str, str]] = {
    "-rows": ("rank > CAST(:after AS integer)", "rank"),
    "rows": ("rank < CAST(:after AS integer)", "rank DESC"),
    "row": ("first_row > CAST(:after AS integer)", "first_row"),
    "value": (f"value > {_AT}", "value"),
    "-value": (f"value < {_AT}", "value DESC"),
}


@dataclass(frozen=True)
class Listed:
    """How many values a column has, in how many rows, and how many rows say nothing in it."""

    distinct_values: int
    filled_rows: int
    blank_rows: int


@dataclass(frozen=True)
class ListedValue:
    """A value with its place among those of its column (the most frequent has rank 1)."""

    rank: int
    value: str
    rows: int
    first_row: int

    def place(self, order: Order) -> int:
        """What names it in this order, for the page behind it."""
        return self.first_row if order == "row" else self.rank


@dataclass(frozen=True)
class Having:
    """Where a value is: in which chunks (0: in none yet), in how many rows, first in which."""

    chunks: Sequence[int]
    rows: int
    first_row: int


async def listed(conn: AsyncConnection, import_id: UUID, index: int) -> Listed | None:
    """What a listed column comes to; None when its values are not listed yet."""
    found = (await conn.execute(_LISTED, {"id": import_id, "index": index})).one_or_none()
    return None if found is None else Listed(*found)


async def list_values(
    conn: AsyncConnection, tenant_id: str, import_id: UUID, layout: Mapping[str, Any], index: int
) -> Listed:
    """List the values of a column of a file that is read, unless that was done; `layout` is the import's."""
    await conn.execute(_ALONE, {"place": f"{import_id}/{index}"})
    if (found := await listed(conn, import_id, index)) is not None:
        return found
    await conn.execute(_ROOM)
    place = _place(import_id, layout, index)
    said = {**place, "tenant": tenant_id, "blanks": BLANKS}
    if await _is_plain(conn, place, layout):
        await conn.execute(_LIST_PLAIN, said)
    else:
        odd = await _odd_cells(conn, place, layout)
        broken = await _broken_rows(conn, place)
        cells = {"odd_cells": list(odd), "odd_texts": list(odd.values())}
        rows = {"broken_values": [row.value for row in broken], "broken_rows": [row.row for row in broken]}
        await conn.execute(_LIST, {**said, **cells, **rows})
    found = await listed(conn, import_id, index)
    assert found is not None
    return found


async def values_behind(
    conn: AsyncConnection,
    import_id: UUID,
    index: int,
    *,
    order: Order,
    after: int | None,
    limit: int,
    search: str | None = None,
    among: Sequence[str] | None = None,
) -> list[ListedValue]:
    """So many values of a listed column behind a place in this order; only those that say what is searched, or are `among` some."""
    condition, by = _ORDERS[order]
    wheres = ["import_id = :id", "column_index = :index"]
    said: dict[str, Any] = {"id": import_id, "index": index, "limit": limit}
    if after is not None:
        wheres.append(condition)
        said["after"] = after
    if search:
        wheres.append('position(lower(CAST(:search AS text)) IN lower(value COLLATE "default")) > 0')
        said["search"] = search
    if among is not None:
        wheres.append("value = ANY(CAST(:among AS text[]))")
        said["among"] = list(among)
    query = text(
        f"SELECT rank, value, rows, first_row FROM imports.column_values WHERE {' AND '.join(wheres)} ORDER BY {by} LIMIT :limit"  # noqa: S608 - our own words
    )
    return [ListedValue(*row) for row in await conn.execute(query, said)]


async def having(
    conn: AsyncConnection, import_id: UUID, layout: Mapping[str, Any], index: int, value: str
) -> Having | None:
    """Where a value of a column is; None when no row has it."""
    place = _place(import_id, layout, index)
    said = {**place, "blanks": BLANKS, "value": value, "needle": _needle(value)}
    if await _is_plain(conn, place, layout):
        found = [tuple(row) for row in await conn.execute(_WITH_PLAIN, said)]
    else:
        odd = await _odd_cells(conn, place, layout)
        variants = [cell for cell, shown in odd.items() if shown == value]
        found = [tuple(row) for row in await conn.execute(_WITH_VALUE, {**said, "variants": variants})]
        found += [(row.chunk, 1, row.row) for row in await _broken_rows(conn, place) if row.value == value]
    if not found:
        return None
    return Having(
        sorted({chunk for chunk, _, _ in found}), sum(rows for _, rows, _ in found), min(row for _, _, row in found)
    )


async def _is_plain(conn: AsyncConnection, place: Mapping[str, Any], layout: Mapping[str, Any]) -> bool:
    """Whether Postgres says every value by itself."""
    if layout.get("format") != "text":
        return False
    return not (await conn.execute(_ANY_ESCAPED, place)).scalar_one()


async def _odd_cells(conn: AsyncConnection, place: Mapping[str, Any], layout: Mapping[str, Any]) -> dict[str, str]:
    """The cells, as JSON, whose value Postgres cannot say, with it."""
    is_text = layout.get("format") == "text"
    found = (await conn.execute(_ODD_TEXTS if is_text else _ODD_CELLS, place)).scalars()
    return {cell: value_of(read_cells(f"[{cell}]")[0]) for cell in found}


class _BrokenRow(NamedTuple):
    row: int
    chunk: int
    value: str


async def _broken_rows(conn: AsyncConnection, place: Mapping[str, Any]) -> list[_BrokenRow]:
    """The rows that Postgres cannot take apart, with their values; few, unless a file is broken throughout."""
    index, found = place["index"], []
    for row_no, chunk_no, document in await conn.execute(_BROKEN_ROWS, place):
        cells = read_cells(document)
        found.append(_BrokenRow(row_no, chunk_no, value_of(cells[index]) if index < len(cells) else ""))
    return found


def _place(import_id: UUID, layout: Mapping[str, Any], index: int) -> dict[str, Any]:
    return {
        "id": import_id,
        "index": index,
        "heading_row": layout["heading_row"],
        "examples": list(layout.get("example_rows", ())),
    }


def _needle(value: str) -> str:
    """What stands in the JSON of every row that has the value, so that most others need not be taken apart."""
    return orjson.dumps(value).decode()[1:-1]
