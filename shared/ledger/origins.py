"""Which rows of a correction file repair which rows of the imports before it, and whether they went into production.

A row says at its end which row it was (`shared.corrections.origins`). That is a claim, for cells are copied and filled down
together with their rows, so it counts only where the row itself bears it out:

* one of its identifiers, of those with which nothing was wrong, is still the same; where there was none, half of all cells
  with which nothing was wrong are;
* of several rows that claim the same row, the one that is most like it has it; so a copy repairs nothing;
* the row was handed back: what went into production at once needs no repair.

Rows that say nothing (the column was cleared, or the file comes of the sender's own system) are known by an identifier
that is the same. Whatever is left is a new row, and no repair.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.corrections import ORIGIN_PATTERN, errors_columns
from shared.db.existing import read_family
from shared.entities import ENTITY_TYPES
from shared.entities.own_fields import entity_of
from shared.states import PROCESSED_CHUNKS, ChunkState, sql_list

_IMPORT = text(
    """
    SELECT id, tenant_id, entity_type, headers, column_mappings, own, parent_import_id, undoes_import_id, failed_rows + unprocessed_rows AS handed_back
      FROM imports.imports WHERE id = :id
    """
)
# Statistics are older than the import; taken for few, the rows of one file would be gone through for each of the other.
_PLAN = text("SET LOCAL enable_nestloop = off")
_AS_USUAL = text("SET LOCAL enable_nestloop = on")
_FORGET = text("DELETE FROM imports.row_origins WHERE import_id = :id")
_NAMED = text(
    """
    SELECT DISTINCT (regexp_match(cells ->> CAST(:errors_at AS integer), :pattern))[1] AS named
      FROM imports.raw_rows WHERE import_id = :id AND group_row > 0
    """
)
_UNMATCHED = text(
    """
    SELECT EXISTS (SELECT FROM imports.raw_rows r
                    WHERE r.import_id = :id AND r.group_row > 0
                      AND NOT EXISTS (SELECT FROM imports.row_origins o WHERE o.import_id = :id AND o.row_no = r.row_no))
    """
)
# Cells as texts; programs add and drop zeros before numbers, and formats.
_SHOWN = """
    btrim(coalesce(CASE json_typeof(cell)
          WHEN 'object' THEN coalesce(cell ->> 'text', cell ->> 'number', cell ->> 'date', cell ->> 'time')
          ELSE cell #>> '{}' END, ''))
"""
_CELLS = f"ARRAY(SELECT ltrim({_SHOWN}, '0') FROM json_array_elements(r.cells) AS cell) AS cells"  # noqa: S608 - our own text
# What a person put in the place of a value is what was handed back.
_REPLACED = """
    replaced AS MATERIALIZED (
        SELECT coalesce(jsonb_object_agg(column_index || ':' || value, replacement), '{}') AS by_value
          FROM imports.replacements WHERE import_id = :origin
    )
"""
_HANDED_BACK_CELLS = f"""
    ARRAY(SELECT ltrim(CASE WHEN replaced.by_value <> '{{}}' AND jsonb_exists(replaced.by_value, (at - 1) || ':' || said)
                            THEN btrim(coalesce(replaced.by_value ->> ((at - 1) || ':' || said), '')) ELSE said END, '0')
            FROM (SELECT at, {_SHOWN} AS said FROM json_array_elements(r.cells) WITH ORDINALITY AS every (cell, at)) read
           ORDER BY at) AS cells
"""  # noqa: S608 - our own text
_OURS = f"""
    failed AS MATERIALIZED (
        SELECT DISTINCT group_row FROM imports.row_errors WHERE import_id = :id
    ), ours AS MATERIALIZED (
        SELECT r.tenant_id, r.row_no, {_CELLS},
               regexp_match(r.cells ->> CAST(:errors_at AS integer), :pattern) AS said,
               coalesce(c.state = '{ChunkState.COMMITTED}', false)
                   AND r.group_row NOT IN (SELECT group_row FROM failed) AS in_production
          FROM imports.raw_rows r
          LEFT JOIN imports.import_chunks c ON c.import_id = r.import_id AND c.chunk_no = r.chunk_no
         WHERE r.import_id = :id AND r.group_row > 0
           AND NOT EXISTS (SELECT FROM imports.row_origins known WHERE known.import_id = :id AND known.row_no = r.row_no)
    )
"""  # noqa: S608 - our own words
_CLAIMED = "AND r.row_no IN (SELECT CAST(said[2] AS integer) FROM ours WHERE said[1] = :named)"


def _theirs(which: str) -> str:
    """The rows of an earlier import that were handed back, and are not known to be repaired by this one."""
    return f"""
    bad AS MATERIALIZED (
        SELECT row_no, array_agg(column_index + 1) FILTER (WHERE column_index IS NOT NULL) AS columns
          FROM imports.row_errors WHERE import_id = :origin GROUP BY row_no
    ), handed_back AS MATERIALIZED (
        SELECT DISTINCT group_row FROM imports.row_errors WHERE import_id = :origin
    ), {_REPLACED}, theirs AS MATERIALIZED (
        SELECT r.row_no, {_HANDED_BACK_CELLS}, coalesce(bad.columns, '{{}}') AS bad
          FROM imports.raw_rows r
         CROSS JOIN replaced
          LEFT JOIN bad ON bad.row_no = r.row_no
         WHERE r.import_id = :origin AND r.group_row > 0
           AND (r.group_row IN (SELECT group_row FROM handed_back)
                OR NOT EXISTS (SELECT FROM imports.import_chunks c
                                WHERE c.import_id = :origin AND c.chunk_no = r.chunk_no
                                  AND c.state IN ({sql_list(PROCESSED_CHUNKS)})))
           AND NOT EXISTS (SELECT FROM imports.row_origins known
                            WHERE known.import_id = :id AND known.origin_import_id = :origin AND known.origin_row = r.row_no)
           {which}
    )
    """  # noqa: S608 - our own words


_COLUMNS = """
    unnest(CAST(:ours AS integer[]), CAST(:theirs AS integer[]), CAST(:identifies AS boolean[]))
        AS col (ours, theirs, identifies)
"""
_INSERT = """
    INSERT INTO imports.row_origins (tenant_id, import_id, row_no, origin_import_id, origin_row, in_production)
"""
_BY_CLAIM = text(
    f"""
    {_INSERT}
    WITH {_OURS}, {_theirs(_CLAIMED)}, compared AS (
        SELECT o.tenant_id, o.row_no, o.in_production, t.row_no AS origin_row, alike.*
          FROM ours o
          JOIN theirs t ON t.row_no = CAST(o.said[2] AS integer)
         CROSS JOIN LATERAL (
               SELECT count(*) AS good,
                      count(*) FILTER (WHERE o.cells[col.ours] = t.cells[col.theirs]) AS kept,
                      count(*) FILTER (WHERE col.identifies) AS names,
                      count(*) FILTER (WHERE col.identifies AND o.cells[col.ours] = t.cells[col.theirs]) AS same_names
                 FROM {_COLUMNS}
                WHERE t.cells[col.theirs] <> '' AND NOT col.theirs = ANY (t.bad)) alike
         WHERE o.said[1] = :named
    )
    SELECT DISTINCT ON (origin_row) tenant_id, :id, row_no, :origin, origin_row, in_production
      FROM compared
     WHERE CASE WHEN names > 0 THEN same_names > 0 ELSE 2 * kept >= good END
     ORDER BY origin_row, same_names DESC, kept DESC, row_no
    """  # noqa: S608 - our own words
)
_BY_IDENTIFIER = text(
    f"""
    {_INSERT}
    WITH {_OURS}, {_theirs("")}, pairs AS (
        SELECT DISTINCT ON (t.row_no) o.tenant_id, o.row_no, o.in_production, t.row_no AS origin_row
          FROM (SELECT t.row_no, col.ours AS at, t.cells[col.theirs] AS name
                  FROM theirs t CROSS JOIN {_COLUMNS}
                 WHERE col.identifies AND t.cells[col.theirs] <> '' AND NOT col.theirs = ANY (t.bad)) t
          JOIN (SELECT o.tenant_id, o.row_no, o.in_production, col.ours AS at, o.cells[col.ours] AS name
                  FROM ours o CROSS JOIN {_COLUMNS} WHERE col.identifies) o USING (at, name)
         ORDER BY t.row_no, o.row_no
    )
    SELECT DISTINCT ON (row_no) tenant_id, :id, row_no, :origin, origin_row, in_production
      FROM pairs ORDER BY row_no, origin_row
    """  # noqa: S608 - our own words
)
# The rows of an undone import are gone through by the undo's own chunks, in which only what could not be undone has errors.
# Whoever sent the same row later found it in production, and left it alone: without the first it is not there for them either.
_TAKEN_BACK = text(
    f"""
    WITH first AS (
        SELECT DISTINCT ON (w.origin_import_id, w.origin_row) w.origin_import_id, w.origin_row, w.import_id, w.row_no
          FROM imports.row_origins x
          JOIN imports.row_origins w ON w.origin_import_id = x.origin_import_id AND w.origin_row = x.origin_row
          JOIN imports.imports i ON i.id = w.import_id
         WHERE x.import_id = :undone AND w.in_production
         ORDER BY w.origin_import_id, w.origin_row, i.completed_at, i.id
    )
    UPDATE imports.row_origins o SET in_production = false
      FROM first
      JOIN imports.raw_rows r ON r.import_id = first.import_id AND r.row_no = first.row_no
      JOIN imports.import_chunks c ON c.import_id = :id AND c.chunk_no = r.chunk_no
     WHERE first.import_id = :undone AND c.state = '{ChunkState.COMMITTED}'
       AND o.origin_import_id = first.origin_import_id AND o.origin_row = first.origin_row
       AND NOT EXISTS (SELECT FROM imports.row_errors e WHERE e.import_id = :id AND e.group_row = r.group_row)
    """  # noqa: S608 - our own words
)
_MOST_SEARCHED = 100_000
"""So many rows of a parent are gone through for those that are not claimed: the import that ends waits for it."""


async def note_origins(conn: AsyncConnection, import_id: UUID) -> None:
    """Write down what an import of a correction file has repaired; what an undo takes back of one is open again.

    For the transaction that ends it. Repeating it, when the import ends again, replaces what was written.
    """
    own = (await conn.execute(_IMPORT, {"id": import_id})).one()
    if own.undoes_import_id is not None:
        await conn.execute(_TAKEN_BACK, {"id": import_id, "undone": own.undoes_import_id})
        return
    if own.parent_import_id is None or own.entity_type not in ENTITY_TYPES:
        return
    await conn.execute(_FORGET, {"id": import_id})
    await conn.execute(_PLAN)
    # Beyond the last column there is never an explanation.
    errors_at = next(iter(errors_columns(own.headers)), len(own.headers))
    scope = {"id": import_id, "errors_at": errors_at, "pattern": ORIGIN_PATTERN}
    named = {found for found in (await conn.execute(_NAMED, scope)).scalars() if found is not None}
    before = [
        one for one in await read_family(conn, own.tenant_id, import_id) if one != import_id and str(one) in named
    ]
    for origin_id in sorted(before):
        origin = (await conn.execute(_IMPORT, {"id": origin_id})).one()
        await conn.execute(_BY_CLAIM, {**scope, **_compared(own, origin), "origin": origin_id, "named": str(origin_id)})
    if (await conn.execute(_UNMATCHED, {"id": import_id})).scalar_one():
        parent = (await conn.execute(_IMPORT, {"id": own.parent_import_id})).one_or_none()
        if parent is not None and parent.handed_back <= _MOST_SEARCHED:
            await conn.execute(_BY_IDENTIFIER, {**scope, **_compared(own, parent), "origin": parent.id})
    await conn.execute(_AS_USUAL)


def _compared(own: Row[Any], origin: Row[Any]) -> Mapping[str, Sequence[Any]]:
    """The columns of fields that both files have, from 1, and whether each names a record."""
    entity = entity_of(own.entity_type, own.own)
    both = [code for code in own.column_mappings if code in origin.column_mappings]
    names = {*entity.by_identifier, *entity.matches} - {entity.group_key}
    return {
        "ours": [own.column_mappings[code] + 1 for code in both],
        "theirs": [origin.column_mappings[code] + 1 for code in both],
        "identifies": [code in names for code in both],
    }
