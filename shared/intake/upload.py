"""A file on its way in: into storage under its tenant's prefix, then one event."""

import asyncio
import hashlib
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from uuid_utils.compat import uuid7

from services.cli.running import UPLOADS_BUCKET, Running
from shared.events import FileUploaded
from shared.events.model import FileOptions
from shared.messaging.envelope import seal, wire_headers

_TYPES = {".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


@dataclass(frozen=True)
class Sending:
    """What is sent, for whom, and how it is to be read."""

    path: Path
    tenant: str
    user: str
    entity: str
    mode: str
    options: FileOptions
    parent: UUID | None = None


async def send(winnow: Running, sending: Sending) -> FileUploaded:
    """Upload the file and publish that it is there; the event as it was published."""
    import_id = UUID(str(uuid7()))
    path = sending.path
    event = FileUploaded(
        tenant_id=sending.tenant,
        user_id=sending.user,
        entity_type=sending.entity,
        mode=sending.mode,
        object_key=f"{sending.tenant}/uploads/{import_id}/{_safe(path.name)}",
        file_name=path.name,
        import_id=import_id,
        file_size=path.stat().st_size,
        file_sha256=await asyncio.to_thread(_sha256, path),
        parent_import_id=sending.parent,
        options=sending.options,
    )
    content_type = _TYPES.get(path.suffix.lower(), "application/octet-stream")
    await winnow.storage("upstream").upload(UPLOADS_BUCKET, event.object_key, path, content_type)
    envelope = seal(event)
    async with winnow.publisher() as publisher:
        await publisher.publish(envelope.topic.name, envelope.key, envelope.body, wire_headers(envelope.headers))
    return event


def _safe(name: str) -> str:
    """A file name as the last part of an object key."""
    return "".join(char if char.isprintable() and char not in "/\\" else "_" for char in name)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
