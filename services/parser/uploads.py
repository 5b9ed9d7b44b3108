"""What an upload event claims, and whether an import can come of it. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter, ValidationError
from uuid_utils.compat import uuid7

from services.parser.refusals import INVALID_EVENT, UNKNOWN_PARENT, FileRefused
from services.parser.repository import KnownImport
from shared.entities import ENTITY_TYPES, MODES
from shared.events import FileUploaded
from shared.events.model import TenantId
from shared.ledger import identity
from shared.ledger.registration import Registration, asked_by
from shared.ledger.repeats import differences
from shared.messaging.envelope import Delivery, new_traceparent
from shared.storage import tenant_owns

_TENANT: TypeAdapter[str] = TypeAdapter(TenantId)
_UNKNOWN = "unknown"
_ID_VERSION = 7
_LONGEST_KEY = 1024
_LONGEST_IDEMPOTENCY_KEY = 200
_LONGEST_REPEATED = 1024


def check_claim(event: FileUploaded) -> None:
    """Let only claims pass of which an import can come.

    Raises:
        FileRefused: unknown entity type or mode, an option that the mode has not, a key no object can have, or an object outside the tenant's own part of the storage.
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
        why = "is not available yet" if event.mode in MODES else "is not a mode"
        raise FileRefused(
            "unknown_mode",
            f'Mode "{event.mode}" {why} for {entity.name}; there is {modes}. Send the event again with one of these as mode',
        )
    if (misplaced := event.options.misplaced(event.mode)) is not None:
        option, modes = misplaced
        raise FileRefused(
            "option_of_another_mode",
            f"The option {option} has no meaning in mode {event.mode}, only in {modes}. Send the event again without it",
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


def owns_object(event: FileUploaded) -> bool:
    """Whether an import can come of what an event claims, so that its object may be looked at."""
    try:
        check_claim(event)
    except FileRefused:
        return False
    return True


def contradiction(known: KnownImport, event: FileUploaded) -> str | None:
    """How an event that is taken for a repeat of a registered one says something else; None when it does not."""
    differing = differences(known.__dict__, event)
    if not differing:
        return None
    return (
        f"this is known as a repeat of import {known.id}, which has {', '.join(differing)}. One import is one file: nothing "
        f"was changed. For another import give the event another import_id, idempotency_key or ce_id"
    )


def check_ids(event: FileUploaded, *, parent_is_known: bool) -> None:
    """Let ids pass that a new import can have.

    Raises:
        FileRefused: the import's own id is of another version than 7, or the tenant has no import of the parent's id.
    """
    if event.import_id is not None and event.import_id.version != _ID_VERSION:
        raise FileRefused(
            INVALID_EVENT,
            f"import_id {event.import_id} is no UUIDv7: ids of imports are in the order of their making. Send the event "
            f"again with a UUIDv7, or without import_id and with an idempotency_key of your own",
        )
    if event.parent_import_id is not None and not parent_is_known:
        raise FileRefused(
            UNKNOWN_PARENT,
            f"parent_import_id {event.parent_import_id} is no import that this tenant has. Send the event again with the "
            f"import whose correction file this is, or without parent_import_id",
        )


def check_origin(known: KnownImport, origin: UUID, *, is_known: bool) -> None:
    """Let a correction workbook pass that says it came from the import `origin`, when that is this import's parent.

    Raises:
        FileRefused: the tenant has no such import, or the event named another parent.
    """
    if not is_known:
        raise FileRefused(
            UNKNOWN_PARENT,
            f'"{known.file_name}" is the correction file of import {origin}, which this tenant does not have. Send it for '
            f"the tenant it was handed back to; if its rows are meant for this one, copy them into a file of your own, without the "
            f"last column",
        )
    if known.parent_import_id not in {None, origin}:
        raise FileRefused(
            "other_parent",
            f'"{known.file_name}" is the correction file of import {origin}, and parent_import_id says '
            f"{known.parent_import_id}. Send the file with the parent it has, or without parent_import_id",
        )


def registration(event: FileUploaded, delivery: Delivery, etag: str) -> Registration:
    """The import an event asks for. When two events are one import: docs/decisions/0005-how-an-import-is-known.md."""
    asked = asked_by(event, event.import_id or uuid7(), _identity(event.import_id, delivery, etag))
    return _from(asked, delivery)


def contradicting_registration(event: FileUploaded, key: str, delivery: Delivery) -> Registration:
    """What tells the sender of an event that contradicts the import of this key: an import of its own, to be refused."""
    return beside(_from(asked_by(event, uuid7(), key), delivery), delivery)


def beside(meant: Registration, delivery: Delivery) -> Registration:
    """The refusal of what an event meant, where its id or key is that of an import that came of another event."""
    key = identity.of_contradiction(meant.idempotency_key, delivery.body)
    return replace(meant, id=uuid7(), idempotency_key=key, parent_import_id=None)


def _from(asked: Registration, delivery: Delivery) -> Registration:
    """The same with what its sender knows its event by."""
    return replace(
        asked,
        event_source=_repeatable(delivery.source),
        event_id=_repeatable(delivery.event_id),
        traceparent=delivery.traceparent or new_traceparent(),
    )


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
    asked = Registration(
        id=import_id or uuid7(),
        tenant_id=tenant_id,
        user_id=_legible(raw.get("user_id")),
        entity_type=_legible(raw.get("entity_type")),
        mode=_legible(raw.get("mode")),
        file_name=_legible(raw.get("file_name")),
        object_key=_legible(raw.get("object_key"), _LONGEST_KEY),
        file_size=None,
        file_sha256=None,
        idempotency_key=_given_key(raw.get("idempotency_key")) or _identity(import_id, delivery, ""),
        parent_import_id=None,
        options={},
    )
    return _from(asked, delivery)


def _given_key(said: object) -> str | None:
    """The idempotency key of an invalid event; one that can be none stands for itself all the same."""
    if not isinstance(said, str) or not said:
        return None
    usable = len(said) <= _LONGEST_IDEMPOTENCY_KEY and _is_line(said)
    return said if usable else identity.of_unusable(said)


def _repeatable(said: str | None) -> str | None:
    """What a sender calls its event, where it can be kept and said again whole; else it is left out, not cut."""
    return said if said and len(said) <= _LONGEST_REPEATED and _is_line(said) else None


def _is_line(text: str) -> bool:
    return not any(char < " " or char == "\x7f" or "\ud800" <= char <= "\udfff" for char in text)


def _identity(import_id: UUID | None, delivery: Delivery, etag: str) -> str:
    if import_id is not None:
        return identity.of_import(import_id)
    if delivery.event_id:
        return identity.of_event(delivery.source, delivery.event_id)
    return identity.of_body(delivery.body, etag)


def _legible(value: object, longest: int = 255) -> str:
    """Whatever was sent, as a short text that can be stored."""
    text = value if isinstance(value, str) else "" if value is None else str(value)
    return "".join(character for character in text if character.isprintable())[:longest] or _UNKNOWN


def _uuid(value: object) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None
