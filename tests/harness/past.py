"""Imports that have ended, put into the ledger at once: one a day, the newest first."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from uuid_utils.compat import uuid7

from tests.harness.world import World

_IMPORT = text(
    """
    INSERT INTO imports.imports
           (id, tenant_id, user_id, entity_type, mode, status, file_name, object_key, file_size, headers, column_mappings,
            layout, total_rows, created_rows, failed_rows, error, read_at, parsed_at, started_at, completed_at, created_at,
            updated_at, worked_seconds)
    SELECT :id, :tenant, 'mara', 'products', 'create', said.status, :file, CAST(:tenant AS text) || '/uploads/' || :file, 14000,
           '["Barcode"]', '{}', '{"sheet": "Products", "heading_row": 1}',
           CASE WHEN said.status = 'failed' THEN 0 ELSE 100 END,
           CASE said.status WHEN 'failed' THEN 0 WHEN 'completed' THEN 100 ELSE 97 END,
           CASE said.status WHEN 'completed_with_failures' THEN 3 ELSE 0 END,
           CASE said.status WHEN 'failed' THEN CAST('{"code": "old_format", "message": "It is an old Excel file (.xls)"}' AS jsonb) END,
           at, at, at, at + interval '2 s', at, at + interval '2 s', 2
      FROM (SELECT now() - CAST(:number AS integer) * interval '1 day' AS at) AS moment,
           (SELECT (ARRAY['completed', 'completed', 'completed', 'completed_with_failures', 'failed'])[1 + :number % 5] AS status) AS said
    """
)
_CHUNK = text(
    """
    INSERT INTO imports.import_chunks
           (import_id, chunk_no, tenant_id, first_row, last_row, row_count, state, created, failed, validated_at, committed_at)
    SELECT id, 1, tenant_id, 2, 101, 100, 'committed', created_rows, failed_rows, started_at, completed_at
      FROM imports.imports WHERE id = :id AND total_rows > 0
    """
)


async def past_imports(world: World, tenant: str, count: int, *, names: Sequence[str] = ()) -> list[UUID]:
    """Imports `file-00.xlsx` and so on: of five, three are completed, the fourth has failures, the fifth was refused.

    With `names`, they are called otherwise, and begin yesterday.
    """
    ids = [UUID(str(uuid7())) for _ in range(count)]
    async with world.database() as conn:
        for number, import_id in enumerate(ids):
            name = names[number % len(names)] if names else f"file-{number:02}.xlsx"
            values = {"id": import_id, "tenant": tenant, "number": number + bool(names), "file": name}
            await conn.execute(_IMPORT, values)
            await conn.execute(_CHUNK, {"id": import_id})
    return ids
