"""The SQL of the parser. Nothing here commits."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.parser.chunks import Chunk, Staged
from services.parser.refusals import INVALID_EVENT, OBJECT_MISSING
from services.parser.sandbox import FileLayout
from shared.db import imports as ledger
from shared.db.bulk import copy_rows
from shared.states import OPEN, READING, ImportStatus, sql_list

_REGISTER = text(
    """
    INSERT INTO imports.imports
           (id, tenant_id, user_id, entity_type, mode, status, file_name, object_key, file_size, file_sha256,
            idempotency_key, parent_import_id, options, hold)
    VALUES (:id, :tenant_id, :user_id, :entity_type, :mode, 'uploading', :file_name, :object_key, :file_size, NULL,
            :idempotency_key, (SELECT p.id FROM imports.imports p WHERE p.tenant_id = :tenant_id AND p.id = :parent_import_id),
            CAST(:options AS jsonb), :hold)
    ON CONFLICT DO NOTHING
    RETURNING id
    """
)
# What `KnownImport` is made of.
_COLUMNS = "id, status, parsed_at, object_key, file_sha256, error ->> 'code' AS error_code"
# Also by its id: the outbox sends the event again with the id the import was given, and so without what it was known by.
_KNOWN = text(
    f"""
    SELECT {_COLUMNS} FROM imports.imports
     WHERE tenant_id = :tenant_id AND (idempotency_key = :idempotency_key OR id = :id)
     ORDER BY idempotency_key = :idempotency_key DESC LIMIT 1
    """  # noqa: S608 - our own text
)
# Nothing of it was staged, so nothing but its record is to be taken back.
_BEGIN_ANEW = text(
    f"""
    UPDATE imports.imports
       SET user_id = :user_id, entity_type = :entity_type, mode = :mode, status = 'uploading', file_name = :file_name,
           object_key = :object_key, file_size = :file_size, options = CAST(:options AS jsonb), hold = :hold, error = NULL,
           parsed_at = NULL, started_at = NULL, completed_at = NULL, updated_at = clock_timestamp()
     WHERE id = :known AND status = 'failed' AND error ->> 'code' = :code
       AND NOT EXISTS (SELECT FROM imports.import_chunks c WHERE c.import_id = imports.id)
    RETURNING {_COLUMNS}
    """  # noqa: S608 - our own text
)
_FIND = text(f"SELECT {_COLUMNS} FROM imports.imports WHERE id = :id")  # noqa: S608 - our own text
_BEGIN = text(
    f"""
    UPDATE imports.imports
       SET status = CASE WHEN hold THEN '{ImportStatus.PREVIEWING}' ELSE '{ImportStatus.IMPORTING}' END,
           started_at = coalesce(started_at, clock_timestamp()),
           file_size = :file_size, file_sha256 = :file_sha256, updated_at = clock_timestamp()
     WHERE id = :id AND status IN ({sql_list(OPEN)}) AND parsed_at IS NULL
    RETURNING id
    """  # noqa: S608 - our own words
)
_DESCRIBE = text(
    f"""
    UPDATE imports.imports
       SET headers = CAST(:headers AS jsonb), column_mappings = CAST(:fields AS jsonb),
           layout = CAST(:layout AS jsonb), notices = CAST(:notices AS jsonb),
           parent_import_id = coalesce(parent_import_id, (SELECT p.id FROM imports.imports p
                                                           WHERE p.tenant_id = imports.tenant_id AND p.id = :parent
                                                             AND p.id <> imports.id)),
           updated_at = clock_timestamp()
     WHERE id = :id AND status IN ({sql_list(READING)}) AND parsed_at IS NULL
    """  # noqa: S608 - our own words
)
_STAGED = text(
    "SELECT coalesce(max(chunk_no), 0), coalesce(max(last_row), 0) FROM imports.import_chunks WHERE import_id = :id"
)
# Locks the import: of two processes that read one file, however that came about, one stages a chunk.
_STILL_READING = text(
    f"""
    SELECT (SELECT coalesce(max(chunk_no), 0) FROM imports.import_chunks WHERE import_id = i.id) AS staged
      FROM imports.imports i
     WHERE i.id = :id AND i.status IN ({sql_list(READING)}) AND i.parsed_at IS NULL
       FOR NO KEY UPDATE
    """  # noqa: S608 - our own words
)
_ADD_CHUNK = text(
    """
    INSERT INTO imports.import_chunks
           (import_id, chunk_no, tenant_id, first_row, last_row, row_count, state, duplicates)
    VALUES (:id, :chunk_no, :tenant_id, :first_row, :last_row, :row_count, 'staged', CAST(:duplicates AS jsonb))
    """
)
_READ_TO_THE_END = text(
    """
    UPDATE imports.imports
       SET parsed_at = clock_timestamp(), read_at = coalesce(read_at, clock_timestamp()), total_rows = :total, notices = notices || CAST(:notices AS jsonb),
           updated_at = clock_timestamp()
     WHERE id = :id
    """
)
_RAW_COLUMNS = ("row_no", "group_row", "cells")


@dataclass(frozen=True)
class Registration:
    """An import to be registered. `idempotency_key` is what makes two events one import."""

    id: UUID
    tenant_id: str
    user_id: str
    entity_type: str
    mode: str
    file_name: str
    object_key: str
    file_size: int | None
    idempotency_key: str
    parent_import_id: UUID | None
    options: Mapping[str, Any]

    @property
    def values(self) -> dict[str, Any]:
        """As statements take it."""
        return {**self.__dict__, "options": json.dumps(dict(self.options)), "hold": bool(self.options.get("hold"))}


@dataclass(frozen=True)
class KnownImport:
    """What the ledger has of an import that is about to be read."""

    id: UUID
    ended_reading: bool
    object_key: str
    file_sha256: str | None
    error_code: str | None
    is_new: bool

    @property
    def can_be_corrected(self) -> bool:
        """Whether it was refused for what its event said, before anything was read."""
        return self.error_code in {INVALID_EVENT, OBJECT_MISSING}


async def register(conn: AsyncConnection, registration: Registration) -> KnownImport | None:
    """The import of this idempotency key or id, registered when it is new; None when its id is another tenant's."""
    values = registration.values
    made = (await conn.execute(_REGISTER, values)).first() is not None
    known = (await conn.execute(_KNOWN, values)).one_or_none()
    return None if known is None else _known(known, is_new=made)


async def begin_anew(conn: AsyncConnection, known: KnownImport, registration: Registration) -> KnownImport:
    """Let an import that was refused for its event begin anew as a better event says; as it is when it has by now."""
    begun = (
        await conn.execute(_BEGIN_ANEW, {**registration.values, "known": known.id, "code": known.error_code})
    ).one_or_none()
    return known if begun is None else _known(begun, is_new=False)


async def find(conn: AsyncConnection, import_id: UUID | None) -> KnownImport | None:
    """The import of this id; None when the tenant has none."""
    known = (await conn.execute(_FIND, {"id": import_id})).one_or_none()
    return None if known is None else _known(known, is_new=False)


def _known(row: Row[Any], *, is_new: bool) -> KnownImport:
    ended = row.parsed_at is not None or row.status not in OPEN
    return KnownImport(row.id, ended, row.object_key, row.file_sha256, row.error_code, is_new)


async def begin(conn: AsyncConnection, import_id: UUID, *, size: int, sha256: str) -> bool:
    """Begin (or go on with) reading; False when there is nothing more to read."""
    begun = await conn.execute(_BEGIN, {"id": import_id, "file_size": size, "file_sha256": sha256})
    return begun.first() is not None


async def describe(conn: AsyncConnection, import_id: UUID, layout: FileLayout) -> None:
    """Write down what the file was found to be."""
    await conn.execute(
        _DESCRIBE,
        {
            "id": import_id,
            "headers": json.dumps(layout.headings),
            "fields": json.dumps(layout.fields),
            "layout": json.dumps(layout.detected),
            "notices": json.dumps(layout.notices),
            "parent": None if layout.parent_import_id is None else UUID(layout.parent_import_id),
        },
    )


async def staged(conn: AsyncConnection, import_id: UUID | None) -> Staged:
    """What an earlier reading has staged."""
    return Staged(*(await conn.execute(_STAGED, {"id": import_id})).one())


async def stage(conn: AsyncConnection, import_id: UUID, tenant_id: str, chunk: Chunk) -> bool:
    """Stage a chunk; False when it is staged already or the import is not read any more."""
    reading = (await conn.execute(_STILL_READING, {"id": import_id})).one_or_none()
    if reading is None or reading.staged != chunk.number - 1:
        return False
    await conn.execute(
        _ADD_CHUNK,
        {
            "id": import_id,
            "chunk_no": chunk.number,
            "tenant_id": tenant_id,
            "first_row": chunk.first_row,
            "last_row": chunk.last_row,
            "row_count": len(chunk.rows),
            "duplicates": json.dumps(chunk.duplicates),
        },
    )
    same = {"import_id": import_id, "tenant_id": tenant_id, "chunk_no": chunk.number}
    await copy_rows(conn, ledger.raw_rows, _RAW_COLUMNS, chunk.rows, same=same)
    return True


async def read_to_the_end(
    conn: AsyncConnection, import_id: UUID, *, total: int, notices: Sequence[Mapping[str, Any]]
) -> None:
    """The last chunk is staged: the total is known, and the import may end."""
    await conn.execute(
        _READ_TO_THE_END, {"id": import_id, "total": total, "notices": json.dumps([dict(notice) for notice in notices])}
    )
