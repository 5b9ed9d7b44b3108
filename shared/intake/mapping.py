"""What the columns of a held import mean, changed by a person and applied to the rows that are staged.

The file is not read again: the parser cuts the rows that are in the ledger by the new mapping. Each mapping is an
interpretation with a number, the epoch; whatever is under way for an older one settles itself and does nothing.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.entities.mapping import MAPPING_NOTICES, ColumnMapping, chosen_mapping
from shared.entities.own_fields import entity_of
from shared.ledger.hold import UNMAPPED
from shared.ledger.registration import upload_event
from shared.ledger.staged_rows import delete_staged_rows
from shared.messaging import outbox
from shared.states import GuidedStep, ImportStatus

_LOCK = text(
    """
    SELECT id, tenant_id, user_id, entity_type, mode, status, file_name, object_key, file_size, file_sha256,
           parent_import_id, options, headers, notices, read_at, cancelled_at, traceparent, own, column_mappings,
           rows_expired_at
      FROM imports.imports WHERE id = :id FOR NO KEY UPDATE
    """
)
_CHANGE = text(
    f"""
    UPDATE imports.imports
       SET epoch = epoch + 1, column_mappings = CAST(:fields AS jsonb), notices = CAST(:notices AS jsonb),
           layout = coalesce(CAST(:layout AS jsonb), layout),
           guided_step = CASE WHEN guided_step IS NOT NULL THEN '{GuidedStep.REVIEW}' END,
           parsed_at = NULL, error = NULL, updated_at = clock_timestamp()
     WHERE id = :id
    RETURNING epoch
    """  # noqa: S608 - our own word
)
# What was replaced in a column was said of what it meant.
_FORGET_REPLACEMENTS = text(
    "DELETE FROM imports.replacements WHERE import_id = :id AND column_index <> ALL(CAST(:kept AS integer[]))"
)
_CUT_AGAIN = text(
    """
    UPDATE imports.imports
       SET epoch = epoch + 1, parsed_at = NULL, error = NULL, updated_at = clock_timestamp()
     WHERE id = :id
    """
)
_UNMAP = text(
    f"""
    UPDATE imports.imports
       SET epoch = epoch + 1, column_mappings = '{{}}'::jsonb, layout = CAST(:layout AS jsonb), guided_step = '{GuidedStep.MAP}',
           parsed_at = clock_timestamp(), error = CAST(:error AS jsonb), updated_at = clock_timestamp()
     WHERE id = :id
    """  # noqa: S608 - our own word
)
# The errors of their rows go with them.
_FORGET_CHUNKS = text("DELETE FROM imports.import_chunks WHERE import_id = :id")
_FORGET_EVENTS = text("DELETE FROM imports.outbox WHERE import_id = :id")


@dataclass(frozen=True)
class MappingChanged:
    """The rows are being cut by the new mapping, which is the interpretation of this number."""

    epoch: int


@dataclass(frozen=True)
class MappingRefused:
    """Nothing was changed; each problem says what is wrong and what to do."""

    problems: Sequence[str]


MappingOutcome: TypeAlias = MappingChanged | MappingRefused


async def change_mapping(
    conn: AsyncConnection, import_id: UUID, fields: Mapping[str, int], *, layout: Mapping[str, Any] | None = None
) -> MappingOutcome | None:
    """Let the columns of a held import mean something else; None when this connection sees no such import.

    One guarded change in the caller's transaction, under the import's lock. `fields` gives field codes their 0-based
    columns; columns that are not named mean nothing. With a `layout`, what was found of the file is replaced by it (formats
    that a person chose). Replacements in columns that mean what they did stay. A guided import goes on to its values.
    The connection is of the role `winnow_intake`.
    """
    found = (await conn.execute(_LOCK, {"id": import_id})).one_or_none()
    if found is None:
        return None
    if (why := _not_now(found)) is not None:
        return MappingRefused([why])
    entity = entity_of(found.entity_type, found.own)
    mapping = chosen_mapping(entity, found.headers, found.mode, fields)
    if not isinstance(mapping, ColumnMapping):
        return MappingRefused(mapping)
    await _forget(conn, import_id)
    notices = [notice for notice in found.notices if notice.get("code") not in MAPPING_NOTICES]
    notices += mapping.notices
    same = [index for code, index in mapping.fields.items() if found.column_mappings.get(code) == index]
    await conn.execute(_FORGET_REPLACEMENTS, {"id": import_id, "kept": same})
    values = {
        "id": import_id,
        "fields": json.dumps(dict(mapping.fields)),
        "notices": json.dumps(notices),
        "layout": None if layout is None else json.dumps(dict(layout)),
    }
    epoch = (await conn.execute(_CHANGE, values)).scalar_one()
    await _announce(conn, found)
    return MappingChanged(epoch)


async def cut_again(conn: AsyncConnection, import_id: UUID) -> None:
    """Have the rows of a held import that is mapped cut again: by what they are known by, something was replaced.

    The caller holds the import's lock.
    """
    found = (await conn.execute(_LOCK, {"id": import_id})).one()
    await _forget(conn, import_id)
    await conn.execute(_CUT_AGAIN, {"id": import_id})
    await _announce(conn, found)


async def forget_mapping(conn: AsyncConnection, import_id: UUID, *, layout: Mapping[str, Any]) -> None:
    """Let the columns of a guided import mean nothing again, and take back every replacement: its rows wait for a mapping.

    The caller holds the import's lock; `layout` is as the file was read.
    """
    await _forget(conn, import_id)
    await conn.execute(_FORGET_REPLACEMENTS, {"id": import_id, "kept": []})
    await conn.execute(_UNMAP, {"id": import_id, "layout": json.dumps(dict(layout)), "error": json.dumps(UNMAPPED)})


async def _announce(conn: AsyncConnection, found: Row[Any]) -> None:
    event = upload_event(found._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    await outbox.append(conn, event, traceparent=found.traceparent)


def _not_now(found: Any) -> str | None:
    if found.status != ImportStatus.PREVIEWING or found.cancelled_at is not None:
        return (
            f"The import is {str(found.status).replace('_', ' ')}; what its columns mean can be changed only while it is held. "
            f"Send the file again with hold"
        )
    if found.rows_expired_at is not None:
        return "Nobody went on with it for so long that it is being removed; send the file again"
    if found.read_at is None:
        return "The file is still being read; change what its columns mean once it is read"
    return None


async def _forget(conn: AsyncConnection, import_id: UUID) -> None:
    """Take back what the mapping so far brought about: nothing of it is in production."""
    await delete_staged_rows(conn, import_id)
    await conn.execute(_FORGET_CHUNKS, {"id": import_id})
    await conn.execute(_FORGET_EVENTS, {"id": import_id})
