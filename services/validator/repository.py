"""The SQL of the validator. Nothing here commits."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.validator.categories import Categories
from services.validator.products import Named
from services.validator.rows import RawRow
from services.validator.staging_rows import StagedRecords
from services.validator.verdicts import Duplicate, Known, Verdict
from shared.db.bulk import copy_rows
from shared.db.staging import MIRRORS
from shared.entities.cells import read_cells
from shared.entities.reasons import ChunkScope, RowReason
from shared.ledger import write_reasons

_CHUNK = text(
    """
    SELECT c.state, c.first_row, c.last_row, c.duplicates, i.headers, i.column_mappings
      FROM imports.import_chunks c JOIN imports.imports i ON i.id = c.import_id
     WHERE c.import_id = :import_id AND c.chunk_no = :chunk_no
    """
)
# By row numbers, which the key of the table has; as text: decoding half a million cells is the thread's work.
_ROWS = text(
    """
    SELECT row_no, group_row, CAST(cells AS text)
      FROM imports.raw_rows
     WHERE import_id = :import_id AND row_no BETWEEN :first_row AND :last_row AND chunk_no = :chunk_no
     ORDER BY row_no
    """
)
_CATEGORIES = text("SELECT id, path FROM catalog.taxonomy_categories ORDER BY path")
# What the import itself has committed is no conflict: rows of one file are told apart by the parser, whose word does
# not depend on which chunk was committed first.
_HANDLES = text(
    """
    SELECT handle FROM catalog.products
     WHERE tenant_id = :tenant_id AND handle = ANY(CAST(:handles AS text[])) AND import_id <> :import_id
    """
)
_BARCODES = text(
    """
    SELECT v.barcode, p.handle FROM catalog.product_variants v JOIN catalog.products p ON p.id = v.product_id
     WHERE v.tenant_id = :tenant_id AND v.barcode = ANY(CAST(:barcodes AS text[])) AND v.import_id <> :import_id
    """
)
_SKUS = text(
    """
    SELECT v.sku, p.handle FROM catalog.product_variants v JOIN catalog.products p ON p.id = v.product_id
     WHERE v.tenant_id = :tenant_id AND v.sku = ANY(CAST(:skus AS text[])) AND v.import_id <> :import_id
    """
)
_VALIDATED = text(
    """
    UPDATE imports.import_chunks
       SET state = 'validated', failed = :failed, notices = CAST(:notices AS jsonb),
           validated_at = clock_timestamp()
     WHERE import_id = :import_id AND chunk_no = :chunk_no AND state = 'staged'
    RETURNING chunk_no
    """
)

_STAGING = {table.name: table for table in MIRRORS.values()}


@dataclass(frozen=True, slots=True)
class StagedChunk:
    """One chunk as the parser left it. `rows` are (row, group row, cells as JSON text) in row order."""

    state: str
    headings: Sequence[str]
    fields: Mapping[str, int]
    duplicates: Sequence[Duplicate]
    rows: Sequence[tuple[int, int, str]] = ()


async def read_chunk(conn: AsyncConnection, import_id: UUID, chunk_no: int) -> StagedChunk | None:
    """The chunk, None when the ledger does not know it; its rows only while they wait for validation."""
    scope = {"import_id": import_id, "chunk_no": chunk_no}
    found = (await conn.execute(_CHUNK, scope)).one_or_none()
    if found is None:
        return None
    extent = {**scope, "first_row": found.first_row, "last_row": found.last_row}
    rows = (await conn.execute(_ROWS, extent)).all() if found.state == "staged" else ()
    return StagedChunk(
        state=found.state,
        headings=found.headers,
        fields=found.column_mappings,
        duplicates=[Duplicate(**duplicate) for duplicate in found.duplicates or ()],
        rows=[(row_no, group_row, cells) for row_no, group_row, cells in rows],
    )


def raw_rows(rows: Iterable[tuple[int, int, str]]) -> list[RawRow]:
    """Decode the cells of staged rows."""
    return [RawRow(row, group_row, read_cells(cells)) for row, group_row, cells in rows]


async def read_known(conn: AsyncConnection, tenant_id: str, import_id: UUID, named: Named) -> Known:
    """What the tenant's catalogue has of what a chunk of this import names, from elsewhere."""
    scope = {"tenant_id": tenant_id, "import_id": import_id}
    handles = await conn.execute(_HANDLES, {**scope, "handles": list(named.handles)})
    barcodes = await conn.execute(_BARCODES, {**scope, "barcodes": list(named.barcodes)})
    skus = await conn.execute(_SKUS, {**scope, "skus": list(named.skus)})
    return Known(
        handles=frozenset(handles.scalars()),
        barcodes={found.barcode: found.handle for found in barcodes},
        skus={found.sku: found.handle for found in skus},
    )


async def read_categories(conn: AsyncConnection) -> Categories:
    """The whole category tree."""
    found = await conn.execute(_CATEGORIES)
    return Categories((category_id, path.split(" > ")) for category_id, path in found)


async def mark_validated(conn: AsyncConnection, import_id: UUID, chunk_no: int, verdict: Verdict) -> bool:
    """Move the chunk from `staged` to `validated`; False when another delivery has done so before.

    The chunk stays locked until the transaction ends, so that two deliveries at once write it once.
    """
    moved = await conn.execute(
        _VALIDATED,
        {
            "import_id": import_id,
            "chunk_no": chunk_no,
            "failed": verdict.failed_rows,
            "notices": json.dumps([asdict(notice) for notice in verdict.notices]),
        },
    )
    return moved.first() is not None


async def write_staged(
    conn: AsyncConnection, scope: ChunkScope, staged: Sequence[StagedRecords], reasons: Sequence[RowReason]
) -> None:
    """Write the typed rows and the reasons of a chunk."""
    for records in staged:
        await copy_rows(conn, _STAGING[records.table], records.columns, records.rows, same=scope._asdict())
    await write_reasons(conn, reasons)
