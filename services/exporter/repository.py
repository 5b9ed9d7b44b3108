"""The SQL of the exporter. Nothing here commits."""

import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.exporter.corrections import FailedRow, Origin
from services.exporter.results import ResultKeys
from services.exporter.unprocessed import UnprocessedRow
from shared.entities import EntityType
from shared.entities.cells import read_cells
from shared.entities.errors import UNIDENTIFIED, RowError
from shared.entities.own_fields import entity_of
from shared.entities.replacements import NOTHING_REPLACED, Replacements
from shared.ledger.quarantine import EXPORT_FAILED, NO_FILES
from shared.ledger.rechecking import read_replacements
from shared.states import PROCESSED_CHUNKS, sql_list
from shared.values import How

# Locked, so that an import cannot be reopened, and end again, between this look and what is done about it.
_IMPORT = text(
    """
    SELECT entity_type, file_name, headers, column_mappings, layout, own, has_exportable_failures, failed_rows, status,
           completed_at, correction_object_key, has_exportable_unprocessed, unprocessed_rows, unprocessed_object_key,
           cancelled_at, rows_expired_at, guided_step, error ->> 'code' AS error_code
      FROM imports.imports WHERE id = :import_id
       FOR NO KEY UPDATE
    """
)
# Statistics are older than the import; taken for few, its failed groups would be gone through for each of its rows.
_PLAN = text("SET LOCAL enable_nestloop = off")
# Between two batches, and after the last one, a file is written: the connection is silent for as long as that takes.
_QUIET = text("SET LOCAL idle_in_transaction_session_timeout = 0")
_FAILED_GROUPS = """
      FROM imports.raw_rows r
      JOIN (SELECT group_row, min(row_no) AS first_bad_row
              FROM imports.row_errors WHERE import_id = :import_id GROUP BY group_row) failed USING (group_row)
"""
# A row that nothing identified stands in the chunk of the group it is handed back for: by its code, with the last key
# above it, which only the chunks of such rows are gone through for.
_KEYS_ABOVE = f"""
    WITH alone AS (
        SELECT DISTINCT row_no, chunk_no FROM imports.row_errors WHERE import_id = :import_id AND code = '{UNIDENTIFIED}'
    ), keyed AS (
        SELECT row_no, max(CASE WHEN row_no = group_row AND row_no NOT IN (SELECT row_no FROM alone) THEN row_no END)
                           OVER (PARTITION BY chunk_no ORDER BY row_no) AS above
          FROM imports.raw_rows
         WHERE import_id = :import_id AND group_row > 0 AND chunk_no IN (SELECT chunk_no FROM alone)
    ), key_above AS (
        SELECT k.row_no, CAST(a.cells -> CAST(:key_column AS integer) AS text) AS key
          FROM keyed k JOIN alone USING (row_no)
          JOIN imports.raw_rows a ON a.import_id = :import_id AND a.row_no = k.above
    )
"""  # noqa: S608 - our own word
_EXTENT = text(
    f"""
    SELECT coalesce(max(json_array_length(r.cells)), 0) AS cells,
           coalesce(max(octet_length(CAST(r.cells AS text))), 0) AS size
    {_FAILED_GROUPS}
     WHERE r.import_id = :import_id
    """
)
# As text: decoding millions of cells is the thread's work, not the event loop's.
_ROWS = text(
    f"""
    {_KEYS_ABOVE}
    SELECT r.row_no, r.group_row, failed.first_bad_row, CAST(r.cells AS text) AS cells,
           (SELECT CAST(json_agg(json_build_array(e.column_index, e.heading, e.code, e.message) ORDER BY e.position) AS text)
              FROM imports.row_errors e
             WHERE e.import_id = :import_id AND e.row_no = r.row_no) AS errors,
           above.key AS key_above
    {_FAILED_GROUPS}
      LEFT JOIN key_above above ON above.row_no = r.row_no
     WHERE r.import_id = :import_id
     ORDER BY r.row_no
    """  # noqa: S608 - our own text
)
# Rows of groups that were neither imported nor refused: no chunk of theirs was gone through.
_UNPROCESSED = f"""
      FROM imports.raw_rows r
     WHERE r.import_id = :import_id AND r.group_row > 0
       AND NOT EXISTS (SELECT FROM imports.import_chunks c
                        WHERE c.import_id = :import_id AND c.chunk_no = r.chunk_no
                          AND c.state IN ({sql_list(PROCESSED_CHUNKS)}))
"""
_UNPROCESSED_SIZE = text(f"SELECT coalesce(max(octet_length(CAST(r.cells AS text))), 0) {_UNPROCESSED}")
_UNPROCESSED_ROWS = text(f"SELECT r.row_no, CAST(r.cells AS text) AS cells {_UNPROCESSED} ORDER BY r.row_no")
_RECORD = text(
    f"""
    UPDATE imports.imports
       SET correction_object_key = coalesce(correction_object_key, :correction),
           failed_rows_object_key = coalesce(failed_rows_object_key, :failed_rows),
           unprocessed_object_key = coalesce(unprocessed_object_key, :unprocessed),
           result_sizes = result_sizes || CAST(:sizes AS jsonb),
           error = CASE WHEN error ->> 'code' = '{EXPORT_FAILED}' THEN NULL ELSE error - '{NO_FILES}' END,
           updated_at = clock_timestamp()
     WHERE id = :import_id AND completed_at = :ended_at
       AND (correction_object_key IS NULL AND CAST(:correction AS text) IS NOT NULL
            OR unprocessed_object_key IS NULL AND CAST(:unprocessed AS text) IS NOT NULL)
    RETURNING id
    """  # noqa: S608 - our own words
)


@dataclass(frozen=True, slots=True)
class AwaitedFiles:
    """What the files of an import are made from, beside its rows. `failed_rows` and `unprocessed_rows` are the ledger's counts.

    They are 0 where files with such rows are not awaited, or are there. `sheet` is the one the rows came from; None for a
    text file, whose separator is `delimiter`. `why` says why rows were not processed. `replaced` is what a person has put in the
    place of values: rows are handed back with it, so that what was put right once is right in the next round.
    """

    entity_type: str
    origin: Origin
    headings: Sequence[str]
    fields: Mapping[str, int]
    failed_rows: int
    sheet: str | None = None
    unprocessed_rows: int = 0
    delimiter: str = ","
    why: str = ""
    own: Mapping[str, Any] | None = None
    replaced: Replacements = NOTHING_REPLACED

    @property
    def entity(self) -> EntityType:
        """What its rows describe, with the tenant's own fields."""
        return entity_of(self.entity_type, self.own)


@dataclass(frozen=True, slots=True)
class FoundImport:
    """An import as the ledger has it; `awaited` is None when no files are to be written for it."""

    awaited: AwaitedFiles | None


class StoredRow(NamedTuple):
    """A row of a failed group; cells and errors as JSON text, errors None when it has none of its own.

    `key_above` is the cell, as JSON text, that names the group a row is meant for which stands alone for want of an
    identifier; None for any other.
    """

    row: int
    group_row: int
    first_bad_row: int
    cells: str
    errors: str | None
    key_above: str | None = None


class Extent(NamedTuple):
    """How large rows are at most: cells, and bytes of JSON text."""

    cells: int
    size: int


async def read_import(conn: AsyncConnection, import_id: UUID) -> FoundImport | None:
    """The import, locked until the transaction ends; None when the ledger does not know it.

    It awaits its files when it has ended with failed or unprocessed rows, and nobody has recorded files of them, also when
    it was dismissed since: that puts it away, and nothing of it.
    """
    found = (await conn.execute(_IMPORT, {"import_id": import_id})).one_or_none()
    if found is None:
        return None
    ended = found.completed_at is not None and found.rows_expired_at is None
    failed = found.has_exportable_failures and found.correction_object_key is None
    unprocessed = found.has_exportable_unprocessed and found.unprocessed_object_key is None
    if not (ended and (failed or unprocessed)):
        return FoundImport(None)
    layout = found.layout or {}
    usual = How.of_settings((found.own or {}).get("settings"))
    hows = {code: usual.of_column(layout, index) for code, index in (found.column_mappings or {}).items()}

    def told(kind: str) -> dict[str, How]:
        there = layout.get(kind, {})
        return {code: how for code, how in hows.items() if str(found.column_mappings[code]) in there}

    origin = Origin(
        import_id,
        found.file_name,
        found.completed_at,
        decimals={code: how.sign for code, how in told("decimals").items()},
        dates={code: how.date for code, how in told("dates").items()},
    )
    # A blank heading is called by its number in the ledger, and nothing in the file.
    blank = frozenset(layout.get("blank_headings", ()))
    headings = ["" if index in blank else heading for index, heading in enumerate(found.headers)]
    awaited = AwaitedFiles(
        found.entity_type,
        origin,
        headings,
        found.column_mappings,
        found.failed_rows if failed else 0,
        layout.get("sheet"),
        unprocessed_rows=found.unprocessed_rows if unprocessed else 0,
        delimiter=layout.get("delimiter") or ",",
        why="the import was cancelled" if found.cancelled_at else f"the import failed ({found.error_code})",
        own=found.own,
        replaced=await read_replacements(conn, import_id) if found.guided_step else NOTHING_REPLACED,
    )
    return FoundImport(awaited)


async def measure_failed_rows(conn: AsyncConnection, import_id: UUID) -> Extent:
    """The most cells and the most bytes a row of any failed group has; zeros when there is none."""
    await conn.execute(_PLAN)
    found = (await conn.execute(_EXTENT, {"import_id": import_id})).one()
    return Extent(found.cells, found.size)


async def failed_rows(
    conn: AsyncConnection, import_id: UUID, *, key_column: int | None, batch: int
) -> AsyncIterator[Sequence[StoredRow]]:
    """All rows of all groups that failed, in the order of the file, so many at a time (server-side cursor).

    `key_column` is where the file has the key of its groups.
    """
    await conn.execute(_PLAN)
    await conn.execute(_QUIET)
    rows = await conn.stream(_ROWS, {"import_id": import_id, "key_column": key_column})
    async for part in rows.partitions(batch):
        yield [StoredRow(*row) for row in part]


async def measure_unprocessed_rows(conn: AsyncConnection, import_id: UUID) -> int:
    """The most bytes an unprocessed row has; 0 when there is none."""
    return int((await conn.execute(_UNPROCESSED_SIZE, {"import_id": import_id})).scalar_one())


async def unprocessed_rows(
    conn: AsyncConnection, import_id: UUID, *, batch: int
) -> AsyncIterator[Sequence[tuple[int, str]]]:
    """All rows that an import did not come to, in the order of the file: (row, cells as JSON text), so many at a time."""
    await conn.execute(_QUIET)
    rows = await conn.stream(_UNPROCESSED_ROWS, {"import_id": import_id})
    async for part in rows.partitions(batch):
        yield [(row.row_no, row.cells) for row in part]


async def record_files(
    conn: AsyncConnection, awaited: AwaitedFiles, keys: ResultKeys, sizes: Mapping[str, int]
) -> bool:
    """Say where the files that were awaited are; False when that has been said before, or the import has ended at another time.

    `sizes` are their bytes, by kind.
    The import stays locked until the transaction ends.
    """
    recorded = await conn.execute(
        _RECORD,
        {
            "import_id": awaited.origin.import_id,
            "ended_at": awaited.origin.ended_at,
            "correction": keys.correction if awaited.failed_rows else None,
            "failed_rows": keys.failed_rows if awaited.failed_rows else None,
            "unprocessed": keys.unprocessed if awaited.unprocessed_rows else None,
            "sizes": json.dumps(dict(sizes)),
        },
    )
    return recorded.first() is not None


def read_unprocessed(
    stored: Iterable[tuple[int, str]], replaced: Replacements = NOTHING_REPLACED
) -> list[UnprocessedRow]:
    """Decode what the database keeps of unprocessed rows, with what is read instead of their values."""
    return [UnprocessedRow(row, replaced.applied(read_cells(cells))) for row, cells in stored]


def read_rows(stored: Iterable[StoredRow], replaced: Replacements = NOTHING_REPLACED) -> list[FailedRow]:
    """Decode what the database keeps of failed rows, with what is read instead of their values."""
    return [
        FailedRow(
            row=row.row,
            group_row=row.group_row,
            first_bad_row=row.first_bad_row,
            cells=replaced.applied(read_cells(row.cells)),
            errors=[RowError(row.row, row.group_row, *error) for error in orjson.loads(row.errors)]
            if row.errors
            else (),
            key_above=None if row.key_above is None else orjson.loads(row.key_above),
        )
        for row in stored
    ]
