"""A file on its way in: into storage under its tenant's prefix, then into the ledger with the event that announces it.

The import is registered and its event written to the outbox in one transaction, and nothing is published from here:

* an import is known from the moment it was sent, also while Kafka or every parser is away;
* there is no instant at which one is there and the other not, whatever dies when;
* the relay of any parser publishes the event, and again until a parser has read the file to its end, so a broker that
  loses it loses nothing; and many files of one tenant leave room for those of others.

The parser registers what it is told by events in the same way, by the same id, and takes up what it finds.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from uuid_utils.compat import uuid7

from shared.db.transaction import tenant_transaction
from shared.events import FileUploaded
from shared.events.model import FileOptions
from shared.ledger import identity
from shared.ledger.registration import asked_by, is_import_of, register_import
from shared.ledger.repeats import ImportedBefore, differences, imported_before, of_key
from shared.ledger.tenants import require_tenant
from shared.messaging import outbox
from shared.messaging.envelope import new_traceparent
from shared.storage import ObjectStore

_TYPES = {".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


@dataclass(frozen=True)
class Upload:
    """What is sent, for whom, and how it is to be read."""

    path: Path
    tenant: str
    user: str
    entity: str
    mode: str
    options: FileOptions
    parent: UUID | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True)
class Sent:
    """The event that announces an import. A repeat is of an import that was there before: nothing was uploaded."""

    event: FileUploaded
    is_repeat: bool = False

    @property
    def import_id(self) -> UUID:
        """The import's id."""
        assert self.event.import_id is not None
        return self.event.import_id


class ContradictsAnother(Exception):
    """The tenant has an import of this idempotency key, and it is another one: {differences}."""

    def __init__(self, import_id: UUID, differences: Sequence[str]) -> None:
        super().__init__(f"import {import_id} has {', '.join(differences)}")
        self.import_id = import_id
        self.differences = differences


class SentBefore(Exception):
    """The file was imported before, by the import `before`."""

    def __init__(self, before: ImportedBefore) -> None:
        super().__init__(f"import {before.id}")
        self.before = before


class UnknownParent(Exception):
    """The tenant has no import `parent` that a file could be the correction file of."""

    def __init__(self, parent: UUID) -> None:
        super().__init__(f"there is no import {parent}")
        self.parent = parent


async def send(engine: AsyncEngine, store: ObjectStore, bucket: str, upload: Upload) -> Sent:
    """Upload a file and register its import.

    Until it returns, nothing is imported: a file in storage that no import names is nobody's work. A file with the
    idempotency key of an import that was sent before is that import. `engine` is the database as `winnow_intake`.

    Raises:
        UnknownTenant: the tenant is not registered; nothing was uploaded.
        UnknownParent: the tenant has no import of the parent's id; nothing was uploaded.
        ContradictsAnother: the import of its idempotency key is of another file, or was to be read otherwise.
        SentBefore: a file of the same bytes was imported before, and the options do not allow it; nothing was uploaded.
    """
    event = await asyncio.to_thread(announced, upload, UUID(str(uuid7())))
    async with tenant_transaction(engine, upload.tenant) as conn:
        await require_tenant(conn, upload.tenant)
        if upload.parent is not None and not await is_import_of(conn, upload.tenant, upload.parent):
            raise UnknownParent(upload.parent)
        if (repeat := await _repeat(conn, event)) is not None:
            return repeat
        await _refuse_repeat(conn, event)
    content_type = _TYPES.get(upload.path.suffix.lower(), "application/octet-stream")
    await store.upload(bucket, event.object_key, upload.path, content_type)
    async with tenant_transaction(engine, upload.tenant) as conn:
        if await register(conn, event):
            return Sent(event)
        # Of two with one key that are sent at once, the other was first.
        return await _repeat(conn, event) or Sent(event)


async def _repeat(conn: AsyncConnection, event: FileUploaded) -> Sent | None:
    """The import that the event's idempotency key is of already; None when there is none."""
    known = None if event.idempotency_key is None else await of_key(conn, event.tenant_id, event.idempotency_key)
    if known is None:
        return None
    if differing := differences(known, event, same_object=False):
        raise ContradictsAnother(known["id"], differing)
    return Sent(event.model_copy(update={"import_id": known["id"], "object_key": known["object_key"]}), is_repeat=True)


async def _refuse_repeat(conn: AsyncConnection, event: FileUploaded) -> None:
    """As the parser does, which has the last word: by then another import of these bytes may have come."""
    if event.options.allow_repeat or event.parent_import_id is not None or event.file_sha256 is None:
        return
    before = await imported_before(
        conn, tenant_id=event.tenant_id, entity_type=event.entity_type, sha256=event.file_sha256
    )
    if before is not None:
        raise SentBefore(before)


def announced(upload: Upload, import_id: UUID) -> FileUploaded:
    """The event of a file that is about to be uploaded; reads the file for its checksum."""
    with upload.path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return FileUploaded(
        tenant_id=upload.tenant,
        user_id=upload.user,
        entity_type=upload.entity,
        mode=upload.mode,
        object_key=f"{upload.tenant}/uploads/{import_id}/{_safe(upload.path.name)}",
        file_name=upload.path.name,
        import_id=import_id,
        file_size=upload.path.stat().st_size,
        file_sha256=sha256,
        parent_import_id=upload.parent,
        idempotency_key=upload.idempotency_key,
        options=upload.options,
    )


async def register(conn: AsyncConnection, event: FileUploaded) -> bool:
    """Write an import down as waiting for a parser, with the event that brings it to one.

    Repeating it is harmless. False, and nothing is written, when another import has its idempotency key.
    """
    assert event.import_id is not None
    asked = asked_by(event, event.import_id, identity.of_import(event.import_id))
    trace = new_traceparent()
    if not await register_import(conn, replace(asked, traceparent=trace)) and event.idempotency_key is not None:
        known = await of_key(conn, event.tenant_id, event.idempotency_key)
        if known is not None and known["id"] != event.import_id:
            return False
    await outbox.append(conn, event, traceparent=trace)
    return True


def _safe(name: str) -> str:
    """A file name as the last part of an object key."""
    return "".join(char if char.isprintable() and char not in "/\\" else "_" for char in name)
