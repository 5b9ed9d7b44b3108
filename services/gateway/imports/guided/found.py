"""A guided import as it is now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.gateway.problems import Refused, unknown
from shared.entities.declaration import EntityType, Field
from shared.entities.own_fields import entity_of
from shared.entities.record_columns import cuts_by
from shared.states import ENDED, ChunkState, GuidedStep, ImportStatus

_COLUMNS = """
    SELECT id, tenant_id, entity_type, mode, status, guided_step, headers, column_mappings, layout, epoch, own, total_rows,
           read_at, cancelled_at, rows_expired_at, error
      FROM imports.imports WHERE id = :id
"""
_FIND, _LOCK = text(_COLUMNS), text(f"{_COLUMNS} FOR NO KEY UPDATE")
_TOUCH = text("UPDATE imports.imports SET updated_at = clock_timestamp() WHERE id = :id")
_UNDECIDED = text(
    f"""
    SELECT CASE WHEN i.parsed_at IS NULL THEN i.total_rows - coalesce(c.rows, 0) ELSE 0 END + coalesce(c.waiting, 0)
      FROM imports.imports i
     CROSS JOIN LATERAL (SELECT sum(row_count) AS rows, sum(row_count) FILTER (WHERE state = '{ChunkState.STAGED}') AS waiting
                           FROM imports.import_chunks WHERE import_id = i.id) c
     WHERE i.id = :id
    """  # noqa: S608 - our own word
)


@dataclass(frozen=True)
class GuidedImport:
    """An import on the guided path that waits for a person. `entity` has the tenant's own fields."""

    id: UUID
    tenant_id: str
    entity: EntityType
    mode: str
    step: GuidedStep
    headers: Sequence[str]
    fields: Mapping[str, int]
    layout: Mapping[str, Any]
    epoch: int
    settings: Mapping[str, Any] | None
    total_rows: int
    error: Mapping[str, str] | None

    @property
    def is_mapped(self) -> bool:
        """Whether a person has said what its columns mean."""
        return bool(self.fields)

    def field_of(self, index: int) -> Field | None:
        """The field that a column is, None for one that is not imported."""
        code = next((code for code, at in self.fields.items() if at == index), None)
        return None if code is None else self.entity.by_code[code]

    def is_known_by(self, field: Field) -> bool:
        """Whether rows belong together, are about a record, or wait for one another by this field: chunks are cut by it."""
        return cuts_by(field, self.entity, self.fields)


class NotRead(Refused):
    """Its file is still being read."""

    def __init__(self) -> None:
        super().__init__("conflict", "Its file is still being read. Try again in a moment.")


async def find(conn: AsyncConnection, import_id: UUID, *, locked: bool = False) -> GuidedImport:
    """A guided import that can be changed; with `locked` nobody else changes it before this transaction ends.

    Raises:
        Refused: there is none, it is not guided, has been started or has ended, or its file is still being read.
    """
    found = (await conn.execute(_LOCK if locked else _FIND, {"id": import_id})).one_or_none()
    if found is None:
        raise unknown("import")
    if found.guided_step is None:
        raise Refused("conflict", "It is not imported step by step: send it with options.guided for that.")
    if found.status in ENDED or found.cancelled_at is not None:
        raise Refused("conflict", f"It is {str(found.status).replace('_', ' ')}: there is nothing left to decide.")
    if found.status not in {ImportStatus.PREVIEWING, ImportStatus.UPLOADING}:
        raise Refused("conflict", "It was started: what its columns mean is settled.")
    if found.rows_expired_at is not None:
        raise Refused("conflict", "Nobody went on with it for so long that it is being removed. Send the file again.")
    if found.read_at is None or found.layout is None:
        raise NotRead
    own = found.own or {}
    return GuidedImport(
        id=found.id,
        tenant_id=found.tenant_id,
        entity=entity_of(found.entity_type, own),
        mode=found.mode,
        step=GuidedStep(found.guided_step),
        headers=found.headers,
        fields=found.column_mappings,
        layout=found.layout,
        epoch=found.epoch,
        settings=own.get("settings"),
        total_rows=found.total_rows,
        error=found.error,
    )


async def mapped(
    conn: AsyncConnection, import_id: UUID, index: int, *, locked: bool = False
) -> tuple[GuidedImport, Field]:
    """The same with the field that one of its columns is.

    Raises:
        Refused: as `find`; or its columns are not mapped yet, or this one is not imported.
    """
    found = await find(conn, import_id, locked=locked)
    if not found.is_mapped:
        raise Refused("conflict", "Say what its columns mean first.")
    field = found.field_of(index)
    if field is None:
        raise unknown("column")
    return found, field


async def undecided_rows(conn: AsyncConnection, import_id: UUID) -> int:
    """How many rows are not validated yet, or are validated again."""
    return max(0, int((await conn.execute(_UNDECIDED, {"id": import_id})).scalar_one()))


async def touch(conn: AsyncConnection, import_id: UUID) -> None:
    """Note that somebody is at work on it."""
    await conn.execute(_TOUCH, {"id": import_id})
