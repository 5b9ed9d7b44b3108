"""A file that lies in storage becomes an import: once for an idempotency key, and never a second time by accident."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from services.gateway.imports.transactions import acting
from services.gateway.people import Person, tenant_of
from services.gateway.problems import Refused, invalid
from services.gateway.resources import Gateway
from services.gateway.uploads.used import UploadNotComplete, UploadUnknown, UploadUsed, use_upload
from shared.api.imports import NewImport
from shared.entities import ENTITY_TYPES
from shared.events import FileOptions, FileUploaded
from shared.intake.registration import register
from shared.ledger.registration import is_import_of
from shared.ledger.repeats import differences, imported_before, of_key
from shared.ledger.tenants import UnknownTenant, require_tenant
from shared.storage import tenant_owns
from shared.storage.answers import ObjectUnreadable

_LONGEST_KEY = 1024


@dataclass(frozen=True)
class Registered:
    """The import's id. A repeat is of one that was there before, by the same idempotency key."""

    import_id: UUID
    is_repeat: bool = False


async def register_new(ways: Gateway, person: Person, asked: NewImport, *, key: str | None) -> Registered:
    """Register what is asked for, with the event that brings it to a parser, in one transaction.

    Raises:
        Refused: it is none of the things that can be imported, contradicts the import of its key, or was imported before.
    """
    _check(asked)
    size = await _size_of_object(ways, person, asked)
    import_id = UUID(str(uuid7()))
    async with acting(ways, person) as conn:
        await _check_scope(conn, person, asked)
        said = await _said(conn, person, asked, import_id, size, key)
        event = _event(person, asked, import_id, said, key)
        if key is not None and (repeat := await _repeat(conn, event, by_key=asked.object_key is not None)) is not None:
            # The upload is as it was: of a repeat nothing is made.
            await conn.rollback()
            return repeat
        await _refuse_repeat(conn, event)
        if await register(conn, event):
            return Registered(import_id)
        # Of two with one key that came at once, the other was first.
        repeat = await _repeat(conn, event, by_key=asked.object_key is not None)
        await conn.rollback()
    assert repeat is not None
    return repeat


def _check(asked: NewImport) -> None:
    entity = ENTITY_TYPES.get(asked.entity_type)
    if entity is None:
        known = ", ".join(sorted(ENTITY_TYPES))
        raise invalid("entity_type", f"this is not imported; what is: {known}.")
    if asked.mode not in entity.modes:
        raise invalid("mode", f"{entity.name} have {', '.join(entity.modes)}.")
    if (misplaced := asked.options.misplaced(asked.mode)) is not None:
        raise invalid(f"options.{misplaced[0].partition(':')[0]}", f"this has a meaning only in {misplaced[1]}.")
    if (asked.upload_id is None) == (asked.object_key is None):
        raise invalid("upload_id", "name an upload, or an object that lies in storage (object_key): one of the two.")


async def _size_of_object(ways: Gateway, person: Person, asked: NewImport) -> int | None:
    if asked.object_key is None:
        return None
    if not tenant_owns(tenant_of(person), asked.object_key) or len(asked.object_key.encode()) > _LONGEST_KEY:
        raise invalid("object_key", f"it begins with {tenant_of(person)}/ and has no way out of that.")
    try:
        found = await ways.store.stat(ways.storage.uploads_bucket, asked.object_key)
    except ObjectUnreadable as unreadable:
        raise invalid("object_key", "storage does not hand this object out.") from unreadable
    if found is None:
        raise invalid("object_key", "there is no such object in the uploads bucket; upload it first.")
    return found.size


async def _check_scope(conn: AsyncConnection, person: Person, asked: NewImport) -> None:
    try:
        await require_tenant(conn, tenant_of(person))
    except UnknownTenant as unknown:
        raise Refused("forbidden", "Your tenant is not registered here, so nothing is imported for it.") from unknown
    if asked.parent_import_id is not None and not await is_import_of(conn, tenant_of(person), asked.parent_import_id):
        raise invalid("parent_import_id", "there is no such import.")


async def _said(
    conn: AsyncConnection, person: Person, asked: NewImport, import_id: UUID, size: int | None, key: str | None
) -> dict[str, Any]:
    """What is known of the file: where it lies, its name, its size, and its checksum where somebody has looked at it."""
    if asked.object_key is not None:
        name = asked.file_name or asked.object_key.rpartition("/")[2][-255:]
        return {
            "object_key": asked.object_key,
            "file_name": name,
            "file_size": size,
            "file_sha256": asked.file_sha256,
        }
    assert asked.upload_id is not None
    upload_id = _upload_id(asked.upload_id)
    try:
        used = await use_upload(conn, tenant_of(person), upload_id, import_id)
    except UploadUnknown as unknown:
        raise invalid("upload_id", "there is no such upload; it may be over.") from unknown
    except UploadNotComplete as part:
        raise Refused("conflict", "The upload is not complete; send the rest of the file first.") from part
    except UploadUsed as before:
        known = None if key is None else await of_key(conn, tenant_of(person), key)
        if known is None or known["id"] != before.import_id:
            raise Refused(
                "conflict", f"Import {before.import_id} was made of this upload.", import_id=before.import_id
            ) from before
        return {
            "object_key": known["object_key"],
            "file_name": asked.file_name or known["file_name"],
            "file_sha256": asked.file_sha256,
        }
    return {
        "object_key": used.object_key,
        "file_name": asked.file_name or used.file_name,
        "file_size": used.size,
        "file_sha256": asked.file_sha256 or used.file_sha256,
    }


def _upload_id(said: str) -> UUID:
    try:
        return UUID(said)
    except ValueError:
        raise invalid("upload_id", "there is no such upload; it may be over.") from None


def _event(person: Person, asked: NewImport, import_id: UUID, said: dict[str, Any], key: str | None) -> FileUploaded:
    return FileUploaded(
        tenant_id=tenant_of(person),
        user_id=person.user,
        entity_type=asked.entity_type,
        mode=asked.mode,
        import_id=import_id,
        parent_import_id=asked.parent_import_id,
        idempotency_key=key,
        options=FileOptions(**asked.options.model_dump()),
        **said,
    )


async def _repeat(conn: AsyncConnection, event: FileUploaded, *, by_key: bool) -> Registered | None:
    assert event.idempotency_key is not None
    known = await of_key(conn, event.tenant_id, event.idempotency_key)
    if known is None:
        return None
    differing = differences(known, event, same_object=False)
    if by_key and known["object_key"] != event.object_key:
        differing = [f'object_key "{known["object_key"]}" (this one says "{event.object_key}")', *differing]
    if differing:
        raise Refused(
            "idempotency-key-reused",
            f"Idempotency-Key: it is the key of import {known['id']}, which has {', '.join(differing)}. Nothing was "
            "imported; give another import another key.",
            import_id=known["id"],
        )
    return Registered(known["id"], is_repeat=True)


async def _refuse_repeat(conn: AsyncConnection, event: FileUploaded) -> None:
    """As the parser does, which has the last word."""
    if event.options.allow_repeat or event.parent_import_id is not None or event.file_sha256 is None:
        return
    before = await imported_before(
        conn, tenant_id=event.tenant_id, entity_type=event.entity_type, sha256=event.file_sha256
    )
    if before is not None:
        raise Refused(
            "imported-before", f"{before.refusal(event.file_name, option='options.allow_repeat')}.", import_id=before.id
        )
