"""A long history, and an import with very many failed rows: put into the ledger at once, as years of use would leave them."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from tests.harness.world import eventually

_IMPORTS = """
    INSERT INTO imports.imports
           (id, tenant_id, user_id, entity_type, mode, status, file_name, object_key, file_size, headers, column_mappings, layout,
            total_rows, created_rows, failed_rows, has_exportable_failures, correction_object_key, failed_rows_object_key,
            read_at, parsed_at, started_at, completed_at, created_at, updated_at, worked_seconds)
    SELECT gen_random_uuid(), :tenant, (ARRAY['ana', 'ben', 'cleo'])[1 + n % 3], 'products',
           (ARRAY['create', 'enrich', 'upsert'])[1 + n % 3],
           CASE WHEN n % 10 = 0 THEN 'completed_with_failures' WHEN n % 1000 = 1 THEN 'failed' ELSE 'completed' END,
           (ARRAY['Spring', 'autumn', 'Stock', 'price list'])[1 + n % 4] || ' ' || (n % 997) || '.xlsx',
           CAST(:tenant AS text) || '/uploads/' || n || '.xlsx', 10000 + n,
           to_jsonb(ARRAY(SELECT 'Heading ' || h FROM generate_series(1, 29) h)), '{}',
           jsonb_build_object('sheet', 'Products', 'heading_row', 2, 'samples', ARRAY(SELECT 'a cell ' || h FROM generate_series(1, 29) h)),
           100, CASE WHEN n % 10 = 0 THEN 95 ELSE 100 END, CASE WHEN n % 10 = 0 THEN 5 ELSE 0 END, n % 10 = 0,
           CASE WHEN n % 10 = 0 THEN CAST(:tenant AS text) || '/corrections/' || n || '/a-corrections.xlsx' END,
           CASE WHEN n % 10 = 0 THEN CAST(:tenant AS text) || '/corrections/' || n || '/a-failed-rows.csv' END,
           at, at, at, at + interval '3 s', at, at + interval '5 s', 3
      FROM generate_series(1, :number) AS n, LATERAL (SELECT now() - n * interval '5 min' AS at) AS moment
"""
_CHUNKS = """
    INSERT INTO imports.import_chunks
           (import_id, chunk_no, tenant_id, first_row, last_row, row_count, state, created, failed, staged_at, validated_at, committed_at)
    SELECT id, 1, tenant_id, 2, 101, 100, 'committed', created_rows, failed_rows, started_at, started_at, completed_at
      FROM imports.imports WHERE tenant_id = :tenant AND NOT EXISTS (SELECT FROM imports.import_chunks c WHERE c.import_id = imports.id)
"""
_FAILED = """
    INSERT INTO imports.imports
           (id, tenant_id, user_id, entity_type, mode, status, file_name, object_key, headers, column_mappings, layout, total_rows,
            failed_rows, has_exportable_failures, read_at, parsed_at, started_at, completed_at, updated_at)
    VALUES (:id, :tenant, 'ana', 'products', 'create', 'completed_with_failures', 'failed.xlsx', 'f',
            to_jsonb(ARRAY(SELECT 'Heading ' || h FROM generate_series(1, 29) h)), '{"category": 6}', '{}', :rows, :rows, true,
            now(), now(), now() - interval '30 s', now(), now())
"""
_FAILED_CHUNKS = """
    INSERT INTO imports.import_chunks
           (import_id, chunk_no, tenant_id, first_row, last_row, row_count, state, failed, validated_at, committed_at)
    SELECT :id, 1 + n / 4000, :tenant, 2 + n, least(n + 4001, :rows + 1), least(4000, :rows - n), 'committed', least(4000, :rows - n),
           now(), now()
      FROM generate_series(0, :rows - 1, 4000) AS n
"""
_FAILED_ROWS = """
    INSERT INTO imports.raw_rows (import_id, row_no, tenant_id, chunk_no, group_row, cells)
    SELECT :id, n + 2, :tenant, 1 + n / 4000, 2 + n - n % 4, to_json(ARRAY(SELECT 'cell ' || n || '.' || h FROM generate_series(1, 29) h))
      FROM generate_series(0, :rows - 1) AS n
"""
_ERRORS = """
    INSERT INTO imports.row_errors (import_id, row_no, position, tenant_id, chunk_no, group_row, column_index, heading, code, message)
    SELECT :id, n + 2, 0, :tenant, 1 + n / 4000, 2 + n - n % 4, 6, 'Heading ' || (n % 7),
           (ARRAY['not_found', 'invalid_number', 'required', 'invalid_barcode', 'already_exists'])[1 + n % 5],
           'cell ' || n || ' is not what it could be; put something else in its place'
      FROM generate_series(0, :rows - 1) AS n
"""


async def write_history(conn: AsyncConnection, tenant: str, number: int) -> None:
    """So many imports of a tenant that have ended, five minutes between each two; one in ten has failed rows."""
    for statement in (_IMPORTS, _CHUNKS):
        await conn.execute(text(statement), {"tenant": tenant, "number": number})


async def write_failed_rows(conn: AsyncConnection, tenant: str, rows: int) -> UUID:
    """An import of a tenant of which so many rows have failed, four to a group, each with an error."""
    import_id = UUID(str(uuid7()))
    values = {"id": import_id, "tenant": tenant, "rows": rows}
    for statement in (_FAILED, _FAILED_CHUNKS, _FAILED_ROWS, _ERRORS):
        await conn.execute(text(statement), values)
    return import_id


_TABLES = ("imports", "import_chunks", "raw_rows", "row_errors", "reason_counts", "repair_counts", "row_origins")
_OLDER_SNAPSHOTS = text(
    """
    SELECT count(*) FROM pg_stat_activity
     WHERE datname = current_database() AND greatest(age(backend_xid), age(backend_xmin)) > age(CAST(CAST(:now AS text) AS xid))
    """
)


async def settle_down(conn: AsyncConnection) -> None:
    """Let the database know what it has, as it finds out by itself within minutes. Not within a transaction.

    A transaction that began before and still lasts keeps it from that, whoever's it is; it is waited for.
    """
    now = (await conn.execute(text("SELECT CAST(pg_current_xact_id() AS xid)"))).scalar_one()

    async def is_seen_by_all() -> bool:
        older = await conn.execute(_OLDER_SNAPSHOTS, {"now": str(now)})
        return int(older.scalar_one()) == 0

    await eventually("all that was written is seen by everybody", is_seen_by_all, seconds=300)
    for table in _TABLES:
        await conn.execute(text(f"VACUUM ANALYZE imports.{table}"))
