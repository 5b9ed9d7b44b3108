"""Typed rows on their way from validator to committer, taken back: their chunk is to be validated again, or cut again."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db import crm, flat, staging
from shared.db.metadata import metadata

# Declaring the tables of entity types is what importing their modules does.
assert all((crm, flat))

_FORGET_ERRORS = text(
    """
    DELETE FROM imports.row_errors e USING imports.import_chunks c
     WHERE c.import_id = :id AND c.chunk_no = ANY(CAST(:chunks AS integer[]))
       AND e.import_id = :id AND e.chunk_no = c.chunk_no
       -- By row numbers, which the key of the table has.
       AND e.row_no BETWEEN c.first_row AND c.last_row
    """
)


async def forget_validated(conn: AsyncConnection, import_id: UUID, chunks: Sequence[int]) -> None:
    """Take back all that was found out about the rows of some chunks: their errors, and what was staged of them."""
    if chunks:
        await conn.execute(_FORGET_ERRORS, {"id": import_id, "chunks": list(chunks)})
        await delete_staged_rows(conn, import_id, chunks=chunks)


async def delete_staged_rows(conn: AsyncConnection, import_id: UUID, *, chunks: Sequence[int] | None = None) -> None:
    """Delete what was validated of an import, or of some chunks of it; nothing of it is in production.

    One statement for each table, however many chunks there are.
    """
    if chunks is not None and not chunks:
        return
    for table in metadata.sorted_tables:
        if table.schema == staging.SCHEMA:
            of_chunks = () if chunks is None else (table.c.chunk_no.in_(chunks),)
            await conn.execute(table.delete().where(table.c.import_id == import_id, *of_chunks))
