"""The SQL of the parser. Nothing here commits."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.parser.mapping.chunks import Chunk, Staged
from services.parser.mapping.left_out import NOTICED_ASIDES
from services.parser.reading.sandbox import FileLayout
from services.parser.refusals import INVALID_EVENT, OBJECT_MISSING, OBJECT_UNREADABLE, UNKNOWN_PARENT
from shared.db import imports as ledger
from shared.db.bulk import copy_rows
from shared.entities import EntityType
from shared.entities.own_fields import entity_of
from shared.events import FileUploaded
from shared.ledger.hold import UNMAPPED
from shared.ledger.own_fields import read_own
from shared.ledger.registration import Registration, register_import, upload_event
from shared.ledger.repeats import IMPORTED_BEFORE
from shared.states import OPEN, READING, ChunkState, ImportStatus, sql_list

# What `KnownImport` is made of.
_COLUMNS = """id, tenant_id, user_id, entity_type, mode, status, file_name, object_key, file_size, file_sha256,
              idempotency_key, parent_import_id, options, epoch, read_at, parsed_at, started_at, cancelled_at, traceparent,
              asked, own, error ->> 'code' AS error_code, error ->> 'message' AS error_message"""
# Also by its id: the outbox sends the event again with the id the import was given, and so without what it was known by.
_KNOWN = text(
    f"""
    SELECT {_COLUMNS} FROM imports.imports
     WHERE tenant_id = :tenant_id AND (idempotency_key = :idempotency_key OR id = :id)
     ORDER BY idempotency_key = :idempotency_key DESC LIMIT 1
    """  # noqa: S608 - our own text
)
# Nothing of it was staged, so nothing but its record is to be taken back.
_RESET = text(
    f"""
    UPDATE imports.imports
       SET user_id = :user_id, entity_type = :entity_type, mode = :mode, status = '{ImportStatus.UPLOADING}',
           file_name = :file_name, object_key = :object_key, file_size = :file_size, file_sha256 = :file_sha256,
           options = CAST(:options AS jsonb), hold = :hold, guided_step = :guided_step, event_source = :event_source, event_id = :event_id,
           traceparent = :traceparent, error = NULL,
           parent_import_id = (SELECT p.id FROM imports.imports p
                                WHERE p.tenant_id = :tenant_id AND p.id = :parent_import_id AND p.id <> :known),
           parsed_at = NULL, started_at = NULL, asked = NULL, own = NULL,
           completed_at = NULL, worked_seconds = 0, resumed_at = NULL, updated_at = clock_timestamp(),
           staged_removed_at = NULL, rows_expired_at = NULL, rows_removed_at = NULL, upload_removed_at = NULL,
           results_removed_at = NULL
     WHERE id = :known AND status = '{ImportStatus.FAILED}' AND error ->> 'code' = :code
       AND NOT EXISTS (SELECT FROM imports.import_chunks c WHERE c.import_id = imports.id)
    RETURNING {_COLUMNS}
    """  # noqa: S608 - our own text
)
_FIND = text(f"SELECT {_COLUMNS} FROM imports.imports WHERE id = :id")  # noqa: S608 - our own text
_LOCKED = text(f"SELECT {_COLUMNS} FROM imports.imports WHERE id = :id FOR SHARE")  # noqa: S608 - our own text
_BEGIN = text(
    f"""
    UPDATE imports.imports
       SET status = CASE WHEN hold THEN '{ImportStatus.PREVIEWING}' ELSE '{ImportStatus.IMPORTING}' END,
           started_at = coalesce(started_at, clock_timestamp()), own = coalesce(own, CAST(:own AS jsonb)),
           file_size = :file_size, file_sha256 = :file_sha256, updated_at = clock_timestamp()
     WHERE id = :id AND status IN ({sql_list(OPEN)}) AND parsed_at IS NULL
    RETURNING {_COLUMNS}
    """  # noqa: S608 - our own words
)
_DESCRIBE = text(
    f"""
    UPDATE imports.imports
       SET headers = CAST(:headers AS jsonb), column_mappings = CAST(:fields AS jsonb),
           layout = CAST(:layout AS jsonb), notices = CAST(:notices AS jsonb), updated_at = clock_timestamp()
     WHERE id = :id AND status IN ({sql_list(READING)}) AND parsed_at IS NULL AND epoch = :epoch
    """  # noqa: S608 - our own words
)
_LAYOUT = text("SELECT column_mappings, layout, headers FROM imports.imports WHERE id = :id")
_STAGED = text(
    """
    SELECT coalesce(max(chunk_no), 0), coalesce(max(last_row), 0), coalesce(max(wave), 0)
      FROM imports.import_chunks WHERE import_id = :id
    """
)
# Locks the import: of two processes that stage the rows of one, however that came about, one stages a chunk.
_STILL_STAGING = text(
    f"""
    SELECT (SELECT coalesce(max(chunk_no), 0) FROM imports.import_chunks WHERE import_id = i.id) AS staged
      FROM imports.imports i
     WHERE i.id = :id AND i.status IN ({sql_list(READING)}) AND i.parsed_at IS NULL AND i.epoch = :epoch
       FOR NO KEY UPDATE
    """  # noqa: S608 - our own words
)
_ADD_CHUNK = text(
    """
    INSERT INTO imports.import_chunks
           (import_id, chunk_no, tenant_id, first_row, last_row, row_count, state, duplicates, epoch, wave)
    VALUES (:id, :chunk_no, :tenant_id, :first_row, :last_row, :row_count, :state,
            CAST(:duplicates AS jsonb), :epoch, :wave)
    """
)
# By the range of rows, which the key of the table has.
_RECUT = text(
    """
    UPDATE imports.raw_rows r
       SET chunk_no = :chunk_no, group_row = cut.group_row
      FROM unnest(CAST(:rows AS integer[]), CAST(:groups AS integer[])) AS cut (row_no, group_row)
     WHERE r.import_id = :id AND r.row_no BETWEEN :first_row AND :last_row AND r.row_no = cut.row_no
    """
)
_SET_ASIDE = text(
    """
    UPDATE imports.raw_rows SET chunk_no = 0, group_row = 0
     WHERE import_id = :id AND row_no = ANY(CAST(:rows AS integer[])) AND (chunk_no <> 0 OR group_row <> 0)
    """
)
_STAGED_ROWS = text(
    """
    SELECT row_no, CAST(cells AS text) FROM imports.raw_rows
     WHERE import_id = :id AND row_no > :after ORDER BY row_no LIMIT :limit
    """
)
_NOT_OF_ROWS = " && ".join(f'@.code != "{code}"' for code in NOTICED_ASIDES)
_NOTICES = f"""
    jsonb_path_query_array(notices, '$[*] ? ({_NOT_OF_ROWS})') || CAST(:notices AS jsonb)
"""
_CUT_TO_THE_END = text(
    f"""
    UPDATE imports.imports
       SET parsed_at = clock_timestamp(), read_at = coalesce(read_at, clock_timestamp()), total_rows = :total,
           notices = {_NOTICES}, updated_at = clock_timestamp()
     WHERE id = :id
    """  # noqa: S608 - our own words
)
# As one whose mapping was refused: it is held, and its rows wait for a mapping.
_WAIT_FOR_MAPPING = text(
    f"""
    UPDATE imports.imports
       SET parsed_at = clock_timestamp(), read_at = coalesce(read_at, clock_timestamp()), total_rows = :total,
           notices = {_NOTICES}, error = CAST(:error AS jsonb), updated_at = clock_timestamp()
     WHERE id = :id
    """  # noqa: S608 - our own words
)
# Why nothing more is imported, before the rest is read.
_BREAK_OFF = text(
    """
    UPDATE imports.imports SET error = CAST(:error AS jsonb), updated_at = clock_timestamp()
     WHERE id = :id AND error IS NULL
    """
)
_READ_TO_THE_END = text(
    f"""
    UPDATE imports.imports
       SET read_at = coalesce(read_at, clock_timestamp()), notices = {_NOTICES}, updated_at = clock_timestamp()
     WHERE id = :id
    """  # noqa: S608 - our own words
)
_RAW_COLUMNS = ("row_no", "group_row", "cells")

_CORRECTABLE = {INVALID_EVENT, OBJECT_MISSING, OBJECT_UNREADABLE, UNKNOWN_PARENT, IMPORTED_BEFORE}


@dataclass(frozen=True)
class KnownImport:
    """What the ledger has of an import whose rows are to be staged: registered once, whatever later events say.

    `file_size` and `file_sha256` are the sender's claim until reading has begun (`started_at`), then the file's own.
    """

    id: UUID
    tenant_id: str
    user_id: str
    entity_type: str
    mode: str
    status: str
    file_name: str
    object_key: str
    file_size: int | None
    file_sha256: str | None
    idempotency_key: str | None
    parent_import_id: UUID | None
    options: Mapping[str, Any]
    epoch: int
    read_at: datetime | None
    parsed_at: datetime | None
    started_at: datetime | None
    cancelled_at: datetime | None
    traceparent: str | None
    error_code: str | None
    error_message: str | None
    asked: Mapping[str, Any] | None = None
    """What its upload asked for (`mode`, `options`) where it is imported otherwise: as its parent was."""
    own: Mapping[str, Any] | None = None
    """The tenant's own fields and settings when its reading began."""
    is_new: bool = False

    @property
    def entity(self) -> EntityType:
        """What its rows describe, with the tenant's own fields."""
        return entity_of(self.entity_type, self.own)

    @property
    def is_staged(self) -> bool:
        """Whether nothing is left to do for the parser: all rows are cut into chunks, or will never be."""
        return self.parsed_at is not None or self.cancelled_at is not None or self.status not in OPEN

    @property
    def is_open(self) -> bool:
        """Whether a person will say what its columns mean once it is read."""
        return bool(self.options.get("guided")) and self.read_at is None

    @property
    def is_broken_off(self) -> bool:
        """Whether nothing more of it is imported, and what follows in its file is read only to be handed back."""
        return (
            not self.is_staged and self.started_at is not None and self.read_at is None and self.error_code is not None
        )

    @property
    def can_be_corrected(self) -> bool:
        """Whether it was refused for what its event said, before anything was read."""
        return self.error_code in _CORRECTABLE and self.started_at is None

    @property
    def waits_for_object(self) -> bool:
        """Whether it was refused for its object, so that only another look at it helps."""
        return self.error_code in {OBJECT_MISSING, OBJECT_UNREADABLE}

    def is_refused_again(self, event: FileUploaded) -> bool:
        """Whether it was refused as imported before, and this event does not say either that it is meant."""
        return self.error_code == IMPORTED_BEFORE and not event.options.allow_repeat

    @property
    def event(self) -> FileUploaded:
        """The event that announces it, in the ledger's words; what the outbox keeps of it."""
        return upload_event(self.__dict__)


class StagingScope(NamedTuple):
    """Whose rows are staged, and by which interpretation they are cut."""

    import_id: UUID
    tenant_id: str
    epoch: int


async def register(conn: AsyncConnection, registration: Registration) -> KnownImport | None:
    """The import of this idempotency key or id, registered when it is new; None when its id is another tenant's."""
    values = registration.values
    made = await register_import(conn, registration)
    known = (await conn.execute(_KNOWN, values)).one_or_none()
    return None if known is None else _known(known, is_new=made)


async def reset(conn: AsyncConnection, known: KnownImport, registration: Registration) -> KnownImport:
    """Let an import that was refused for its event start over as a better event says; as it is when it has by now."""
    values = {**registration.values, "known": known.id, "code": known.error_code}
    changed = (await conn.execute(_RESET, values)).one_or_none()
    return known if changed is None else _known(changed)


async def find(conn: AsyncConnection, import_id: UUID | None) -> KnownImport | None:
    """The import of this id; None when the tenant has none."""
    known = (await conn.execute(_FIND, {"id": import_id})).one_or_none()
    return None if known is None else _known(known)


async def lock(conn: AsyncConnection, import_id: UUID) -> KnownImport | None:
    """The same; until this transaction ends nobody changes it."""
    known = (await conn.execute(_LOCKED, {"id": import_id})).one_or_none()
    return None if known is None else _known(known)


def _known(row: Row[Any], *, is_new: bool = False) -> KnownImport:
    return KnownImport(**row._mapping, is_new=is_new)  # noqa: SLF001 - SQLAlchemy's public name for it


async def begin(conn: AsyncConnection, known: KnownImport, *, size: int, sha256: str) -> KnownImport | None:
    """Begin (or go on with) reading, by the fields and settings the tenant has when it begins; None when there is nothing more to read."""
    own = known.own or await read_own(conn, known.entity_type)
    values = {"id": known.id, "file_size": size, "file_sha256": sha256, "own": own and json.dumps(own)}
    begun = (await conn.execute(_BEGIN, values)).one_or_none()
    return None if begun is None else _known(begun)


async def describe(conn: AsyncConnection, scope: StagingScope, layout: FileLayout) -> None:
    """Write down what the file was found to be, unless it is staged by another interpretation by now."""
    await conn.execute(
        _DESCRIBE,
        {
            "id": scope.import_id,
            "epoch": scope.epoch,
            "headers": json.dumps(layout.headings),
            "fields": json.dumps(layout.fields),
            "layout": json.dumps(layout.detected),
            "notices": json.dumps(layout.notices),
        },
    )


async def read_mapping(
    conn: AsyncConnection, import_id: UUID
) -> tuple[Mapping[str, int], Mapping[str, Any], Sequence[str]]:
    """Field code → column as the ledger has it now, what the sheet was found to be, and its headings."""
    found = (await conn.execute(_LAYOUT, {"id": import_id})).one()
    return found.column_mappings, found.layout, found.headers


async def staged(conn: AsyncConnection, import_id: UUID) -> Staged:
    """What an earlier attempt has cut into chunks."""
    return Staged(*(await conn.execute(_STAGED, {"id": import_id})).one())


async def stage(conn: AsyncConnection, scope: StagingScope, chunk: Chunk, *, recut: bool) -> bool:
    """Stage a chunk; False when it is staged already, or the import is not staged by this interpretation any more.

    What is left over is kept beside the others, and no stage acts on it. With `recut`, its rows are there, of an older interpretation.
    """
    found = (await conn.execute(_STILL_STAGING, {"id": scope.import_id, "epoch": scope.epoch})).one_or_none()
    if found is None or found.staged != chunk.number - 1:
        return False
    extent = {"id": scope.import_id, "chunk_no": chunk.number, "first_row": chunk.first_row, "last_row": chunk.last_row}
    added = {
        "tenant_id": scope.tenant_id,
        "row_count": len(chunk.rows),
        "state": ChunkState.CANCELLED if chunk.is_left_over else ChunkState.STAGED,
        "duplicates": json.dumps(chunk.duplicates),
        "epoch": scope.epoch,
        "wave": chunk.wave,
    }
    await conn.execute(_ADD_CHUNK, {**extent, **added})
    if recut:
        rows = {"rows": [row.row for row in chunk.rows], "groups": [row.group_row for row in chunk.rows]}
        await conn.execute(_RECUT, {**extent, **rows})
    else:
        same = {"import_id": scope.import_id, "tenant_id": scope.tenant_id, "chunk_no": chunk.number}
        await copy_rows(conn, ledger.raw_rows, _RAW_COLUMNS, chunk.rows, same=same)
    return True


async def is_staging(conn: AsyncConnection, scope: StagingScope) -> bool:
    """Whether the import is still staged by this interpretation; nobody changes that before this transaction ends."""
    found = await conn.execute(_STILL_STAGING, {"id": scope.import_id, "epoch": scope.epoch})
    return found.first() is not None


async def keep_asides(
    conn: AsyncConnection, scope: StagingScope, asides: Sequence[tuple[int, str]], *, recut: bool
) -> None:
    """Keep rows that are no data: they belong to no chunk and to no group. Repeating it is harmless."""
    if recut:
        await conn.execute(_SET_ASIDE, {"id": scope.import_id, "rows": [row for row, _ in asides]})
    elif asides:
        same = {"import_id": scope.import_id, "tenant_id": scope.tenant_id, "chunk_no": 0, "group_row": 0}
        await copy_rows(conn, ledger.raw_rows, ("row_no", "cells"), asides, same=same, keep_existing=True)


async def read_staged_rows(conn: AsyncConnection, import_id: UUID, *, after: int, limit: int) -> list[tuple[int, str]]:
    """The next rows of the file as they were staged: (row, cells as JSON), in order."""
    found = await conn.execute(_STAGED_ROWS, {"id": import_id, "after": after, "limit": limit})
    return [(row, cells) for row, cells in found]


async def cut_to_the_end(
    conn: AsyncConnection, import_id: UUID, *, total: int, notices: Sequence[Mapping[str, Any]]
) -> None:
    """The last chunk is staged: the total is known, and the import may end."""
    await conn.execute(_CUT_TO_THE_END, {"id": import_id, "total": total, "notices": _as_json(notices)})


async def wait_for_mapping(
    conn: AsyncConnection, import_id: UUID, *, total: int, notices: Sequence[Mapping[str, Any]]
) -> None:
    """Every row is in the ledger, and cut when a person has said what the columns mean."""
    said = {"total": total, "notices": _as_json(notices), "error": json.dumps(dict(UNMAPPED))}
    await conn.execute(_WAIT_FOR_MAPPING, {"id": import_id, **said})


async def break_off(conn: AsyncConnection, import_id: UUID, *, code: str, message: str) -> None:
    """Nothing more of the import is imported, for this reason; its rest is still to be read. The first reason stays."""
    await conn.execute(_BREAK_OFF, {"id": import_id, "error": json.dumps({"code": code, "message": message})})


async def read_to_the_end(conn: AsyncConnection, import_id: UUID, notices: Sequence[Mapping[str, Any]]) -> None:
    """Every row of the file is in the ledger, also those that are not imported."""
    await conn.execute(_READ_TO_THE_END, {"id": import_id, "notices": _as_json(notices)})


def _as_json(notices: Sequence[Mapping[str, Any]]) -> str:
    return json.dumps([dict(notice) for notice in notices])
