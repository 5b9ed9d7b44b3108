"""Files that are sent past the gateway: into storage, and registered with their event. For benchmarks and for what comes behind."""

import asyncio
import hashlib
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine
from uuid_utils.compat import uuid7

from shared.db.transaction import tenant_transaction
from shared.events import FileUploaded
from shared.events.model import FileOptions
from shared.intake.registration import register
from shared.storage import ObjectStore


@dataclass(frozen=True)
class FileToSend:
    """What is sent, for whom, and how it is to be read."""

    path: Path
    tenant: str
    user: str
    mode: str
    options: FileOptions
    parent: UUID | None = None
    entity_type: str = "products"


def announced(file: FileToSend) -> FileUploaded:
    """The event of a file that is about to be put into storage; reads the file for its checksum."""
    with file.path.open("rb") as content:
        sha256 = hashlib.file_digest(content, "sha256").hexdigest()
    import_id = UUID(str(uuid7()))
    return FileUploaded(
        tenant_id=file.tenant,
        user_id=file.user,
        entity_type=file.entity_type,
        mode=file.mode,
        object_key=f"{file.tenant}/uploads/{import_id}/{file.path.name}",
        file_name=file.path.name,
        import_id=import_id,
        file_size=file.path.stat().st_size,
        file_sha256=sha256,
        parent_import_id=file.parent,
        options=file.options,
    )


async def send(engine: AsyncEngine, store: ObjectStore, bucket: str, file: FileToSend) -> UUID:
    """Put a file into storage and register its import; the import's id. `engine` is the database as `winnow_intake`."""
    event = await asyncio.to_thread(announced, file)
    assert event.import_id is not None
    await store.upload(bucket, event.object_key, file.path, "application/octet-stream")
    async with tenant_transaction(engine, file.tenant) as conn:
        assert await register(conn, event)
    return event.import_id
