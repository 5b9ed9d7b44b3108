"""The SQL of the exporter. Nothing here commits."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.exporter.corrections import FailedRow, Origin
from services.exporter.results import ResultKeys
from shared.entities.cells import read_cells
from shared.entities.errors import UNIDENTIFIED, RowError
from shared.states import ImportStatus

# Locked, so that an import cannot be reopened, and end again, between this look and what is done about it.
_IMPORT = text(
    """
    SELECT entity_type, file_name, headers, column_mappings, layout, has_exportable_failures, failed_rows, status,
           completed_at, correction_object_key
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
_RECORD = text(
    """
    UPDATE imports.imports
       SET correction_object_key = :correction, failed_rows_object_key = :failed_rows,
           error = CASE WHEN error ->> 'code' = 'export_failed' THEN NULL ELSE error END, updated_at = clock_timestamp()
     WHERE id = :import_id AND completed_at = :ended_at AND correction_object_key IS NULL
    RETURNING id
    """
)


@dataclass(frozen=True, slots=True)
class AwaitedFiles:
    """What the files of an import are made from, beside its rows. `failed_rows` is the ledger's count.

    `sheet` is the one the rows came from; None for a text file.
    """

    entity_type: str
    origin: Origin
    headings: Sequence[str]
    fields: Mapping[str, int]
    failed_rows: int
    sheet: str | None = None


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

    It awaits its files when it has ended with failed rows, has not been dismissed, and nobody has recorded files.
    """
    found = (await conn.execute(_IMPORT, {"import_id": import_id})).one_or_none()
    if found is None:
        return None
    ended = found.completed_at is not None and found.status != ImportStatus.DISMISSED
    if not (ended and found.has_exportable_failures and found.correction_object_key is None):
        return FoundImport(None)
    origin = Origin(import_id, found.file_name, found.completed_at)
    layout = found.layout or {}
    # A blank heading is called by its number in the ledger, and nothing in the file.
    blank = frozenset(layout.get("blank_headings", ()))
    headings = ["" if index in blank else heading for index, heading in enumerate(found.headers)]
    awaited = AwaitedFiles(
        found.entity_type, origin, headings, found.column_mappings, found.failed_rows, layout.get("sheet")
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


async def record_files(conn: AsyncConnection, origin: Origin, keys: ResultKeys) -> bool:
    """Say where the files are; False when that has been said before, or the import has ended at another time.

    The import stays locked until the transaction ends.
    """
    recorded = await conn.execute(
        _RECORD,
        {
            "import_id": origin.import_id,
            "ended_at": origin.ended_at,
            "correction": keys.correction,
            "failed_rows": keys.failed_rows,
        },
    )
    return recorded.first() is not None


def read_rows(stored: Iterable[StoredRow]) -> list[FailedRow]:
    """Decode what the database keeps of failed rows."""
    return [
        FailedRow(
            row=row.row,
            group_row=row.group_row,
            first_bad_row=row.first_bad_row,
            cells=read_cells(row.cells),
            errors=[RowError(row.row, row.group_row, *error) for error in orjson.loads(row.errors)]
            if row.errors
            else (),
            key_above=None if row.key_above is None else orjson.loads(row.key_above),
        )
        for row in stored
    ]
