"""How an import becomes known: one row, waiting for a parser. By whom it is sent makes no difference."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.events import FileOptions, FileUploaded
from shared.states import GuidedStep, ImportStatus

# A parent that is not there, or another tenant's, is left out: whoever registers refuses it in words.
_HAS = text("SELECT EXISTS (SELECT FROM imports.imports WHERE tenant_id = :tenant_id AND id = :id)")
_REGISTER = text(
    f"""
    INSERT INTO imports.imports
           (id, tenant_id, user_id, entity_type, mode, status, file_name, object_key, file_size, file_sha256,
            idempotency_key, parent_import_id, options, hold, guided_step, event_source, event_id, traceparent)
    VALUES (:id, :tenant_id, :user_id, :entity_type, :mode, '{ImportStatus.UPLOADING}', :file_name, :object_key, :file_size,
            :file_sha256, :idempotency_key,
            (SELECT p.id FROM imports.imports p WHERE p.tenant_id = :tenant_id AND p.id = :parent_import_id),
            CAST(:options AS jsonb), :hold, :guided_step, :event_source, :event_id, :traceparent)
    ON CONFLICT DO NOTHING
    RETURNING id
    """  # noqa: S608 - our own words
)


@dataclass(frozen=True)
class Registration:
    """An import to be registered. `idempotency_key` is what makes two events one import.

    Size and SHA-256 are what the sender says of the file: it is held against them when it is read. `event_source`,
    `event_id` and `traceparent` are of the event it came by, repeated when it ends.
    """

    id: UUID
    tenant_id: str
    user_id: str
    entity_type: str
    mode: str
    file_name: str
    object_key: str
    file_size: int | None
    file_sha256: str | None
    idempotency_key: str
    parent_import_id: UUID | None
    options: Mapping[str, Any]
    event_source: str | None = None
    event_id: str | None = None
    traceparent: str | None = None

    @property
    def values(self) -> dict[str, Any]:
        """As statements take it."""
        guided = bool(self.options.get("guided"))
        return {
            **self.__dict__,
            "options": json.dumps(dict(self.options)),
            # Who goes on step by step says when it begins.
            "hold": guided or bool(self.options.get("hold")),
            "guided_step": GuidedStep.MAP if guided else None,
        }


def asked_by(event: FileUploaded, import_id: UUID, idempotency_key: str) -> Registration:
    """The import an event asks for, under this id; the event's own key comes before the one given."""
    return Registration(
        id=import_id,
        tenant_id=event.tenant_id,
        user_id=event.user_id,
        entity_type=event.entity_type,
        mode=event.mode,
        file_name=event.file_name,
        object_key=event.object_key,
        file_size=event.file_size,
        file_sha256=event.file_sha256,
        idempotency_key=event.idempotency_key or idempotency_key,
        parent_import_id=event.parent_import_id,
        options=event.options.model_dump(exclude_none=True),
    )


async def is_import_of(conn: AsyncConnection, tenant_id: str, import_id: UUID) -> bool:
    """Whether the tenant has an import of this id; whether another tenant has one, nobody is told."""
    return bool((await conn.execute(_HAS, {"tenant_id": tenant_id, "id": import_id})).scalar_one())


async def register_import(conn: AsyncConnection, registration: Registration) -> bool:
    """Register an import; False when one of its id, or of its key within the tenant, is there: it is left as it is."""
    return (await conn.execute(_REGISTER, registration.values)).first() is not None


def upload_event(known: Mapping[str, Any] | RowMapping) -> FileUploaded:
    """The event that announces a registered import, in the ledger's words. `known` are columns of its row, by name."""
    same = ("tenant_id", "user_id", "entity_type", "mode", "object_key", "file_name", "file_size", "file_sha256")
    said: dict[str, Any] = {name: known[name] for name in (*same, "parent_import_id")}
    return FileUploaded(import_id=known["id"], options=FileOptions(**known["options"]), **said)
