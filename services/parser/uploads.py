"""What an upload event claims, and whether an import can come of it. Pure."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter, ValidationError
from uuid_utils.compat import uuid7

from services.parser.refusals import FileRefused
from services.parser.repository import KnownImport
from shared.entities import ENTITY_TYPES
from shared.events import FileUploaded
from shared.events.model import TenantId
from shared.ledger import identity
from shared.ledger.registration import Registration, asked_by
from shared.messaging.envelope import Delivery
from shared.storage import tenant_owns

_TENANT: TypeAdapter[str] = TypeAdapter(TenantId)
_UNKNOWN = "unknown"
_LONGEST_KEY = 1024
_RESERVED_MODES = ("enrich", "upsert")


def check_claim(event: FileUploaded) -> None:
    """Let only claims pass of which an import can come.

    Raises:
        FileRefused: unknown entity type or mode, a key no object can have, or an object outside the tenant's own part of the storage.
    """
    entity = ENTITY_TYPES.get(event.entity_type)
    if entity is None:
        known = ", ".join(sorted(ENTITY_TYPES))
        raise FileRefused(
            "unknown_entity_type",
            f'"{event.entity_type}" is not an entity type Winnow imports; it imports {known}. Send the event again with '
            f"one of these as entity_type",
        )
    if event.mode not in entity.modes:
        modes = ", ".join(entity.modes)
        why = "is not available yet" if event.mode in _RESERVED_MODES else "is not a mode"
        raise FileRefused(
            "unknown_mode",
            f'Mode "{event.mode}" {why} for {entity.name}; there is {modes}. Send the event again with one of these as mode',
        )
    if (size := len(event.object_key.encode())) > _LONGEST_KEY:
        raise FileRefused(
            "invalid_object_key",
            f"The object key has {size:,} bytes; no storage has room for more than {_LONGEST_KEY:,}. Put the file under a "
            f"shorter key and send the event again",
        )
    if not tenant_owns(event.tenant_id, event.object_key):
        raise FileRefused(
            "foreign_object",
            f'The object key "{event.object_key}" does not lie in the tenant\'s own part of the storage. Put the file under '
            f'"{event.tenant_id}/" (without "." or ".." in the key) and send the event again',
        )


def contradiction(known: KnownImport, event: FileUploaded) -> str | None:
    """How an event that is taken for a repeat of a registered one says something else; None when it does not.

    What it leaves out it does not contradict.
    """
    claims: dict[str, tuple[object, object]] = {
        "object_key": (known.object_key, event.object_key),
        "file_name": (known.file_name, event.file_name),
        "entity_type": (known.entity_type, event.entity_type),
        "mode": (known.mode, event.mode),
        "file_size": (known.file_size, event.file_size),
        "file_sha256": (known.file_sha256, event.file_sha256 and event.file_sha256.lower()),
    }
    claims |= {
        f"options.{name}": (known.options.get(name), getattr(event.options, name))
        for name in event.options.model_fields_set
    }
    differing = [
        f'{name} "{there}" (this event says "{said}")'
        for name, (there, said) in claims.items()
        if there is not None and said is not None and str(there).lower() != str(said).lower()
    ]
    if not differing:
        return None
    return (
        f"this is known as a repeat of import {known.id}, which has {', '.join(differing)}. One import is one file: nothing "
        f"was changed. For another import give the event another import_id, idempotency_key or ce_id"
    )


def registration(event: FileUploaded, delivery: Delivery, etag: str) -> Registration:
    """The import an event asks for. When two events are one import: docs/decisions/0005-how-an-import-is-known.md."""
    return asked_by(event, event.import_id or uuid7(), _identity(event.import_id, delivery, etag))


def is_nameless(event: FileUploaded, delivery: Delivery) -> bool:
    """Whether an event is known by nothing but what it says, and so by the content of its object too."""
    return event.import_id is None and not event.idempotency_key and not delivery.event_id


def refused_registration(raw: Mapping[str, Any], delivery: Delivery) -> Registration | None:
    """The import an invalid event meant, as far as it is legible; None when it does not even say whose it is."""
    try:
        tenant_id = _TENANT.validate_python(raw.get("tenant_id"), strict=True)
    except ValidationError:
        return None
    import_id = _uuid(raw.get("import_id"))
    given = raw.get("idempotency_key")
    key = _legible(given) if isinstance(given, str) and given else _identity(import_id, delivery, "")
    return Registration(
        id=import_id or uuid7(),
        tenant_id=tenant_id,
        user_id=_legible(raw.get("user_id")),
        entity_type=_legible(raw.get("entity_type")),
        mode=_legible(raw.get("mode")),
        file_name=_legible(raw.get("file_name")),
        object_key=_legible(raw.get("object_key")),
        file_size=None,
        file_sha256=None,
        idempotency_key=key,
        parent_import_id=None,
        options={},
    )


def _identity(import_id: UUID | None, delivery: Delivery, etag: str) -> str:
    if import_id is not None:
        return identity.of_import(import_id)
    if delivery.event_id:
        return identity.of_event(delivery.source, delivery.event_id)
    return identity.of_body(delivery.body, etag)


def _legible(value: object) -> str:
    """Whatever was sent, as a short text that can be stored."""
    text = value if isinstance(value, str) else "" if value is None else str(value)
    return "".join(character for character in text if character.isprintable())[:255] or _UNKNOWN


def _uuid(value: object) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None
