"""What records are found by: the same key for every spelling of an address, a number, a name or an id."""

import re
import uuid
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeAlias

from shared.entities.declaration import Field, Kind
from shared.entities.names import name_key, seen_identifier
from shared.values.emails import email_key
from shared.values.how import How
from shared.values.parts import linked_parts, parts_of
from shared.values.phones import phone_key, value_key
from shared.values.reading import SEEN_ALONE, Value, part_key
from shared.values.web import domain_key

Kinded: TypeAlias = tuple[str, str]
"""By what another record is found (`id`, `email`, `domain`, `phone`, `name`), and its key."""

_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|[0-9A-Fa-f]{32}")
_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", re.IGNORECASE)


def id_key(text: str) -> str | None:
    """The id of a record, in lower case; None for what is neither a UUID nor a ULID."""
    if _UUID.fullmatch(text):
        return str(uuid.UUID(text))
    return text.lower() if _ULID.fullmatch(text) else None


def match_keys(field: Field, text: str, how: How) -> tuple[str, ...]:
    """The keys of the parts of a cell of a field that rows are matched by, each once; what is no valid part has none."""
    key_of = _KEYS.get(field.kind)
    if key_of is None:
        return ()
    if not text.isascii() and field.kind in SEEN_ALONE:
        text = seen_identifier(text)
    parts = parts_of(field, text)
    if len(parts) == 1:
        key = key_of(parts[0], how)
        return () if key is None else (key,)
    keys = dict.fromkeys(key_of(part, how) for part in parts)
    return tuple(key for key in keys if key is not None)


def value_keys(field: Field, value: Value) -> tuple[str, ...]:
    """The keys of a value that was read (`read_value`) of a field that rows are matched by: those of `match_keys`, each once."""
    key_of = _VALUE_KEYS[field.kind]
    if not isinstance(value, list):
        key = key_of(value)
        return () if key is None else (key,)
    if len(value) == 1:
        key = key_of(value[0])
        return () if key is None else (key,)
    return tuple(key for key in dict.fromkeys(map(key_of, value)) if key is not None)


def unique_keys(field: Field, value: Value) -> tuple[str, ...]:
    """The keys of a value that was read (`read_value`) of a field that is unique, each once."""
    parts = value if isinstance(value, list) else [] if value is None else [value]
    return tuple(dict.fromkeys(_written(part_key(field, part)) for part in parts))


def classify(field: Field, part: str, how: How) -> Kinded | None:
    """By what a part of a cell names another record, as its form says; None when the field cannot find by that."""
    for kind in field.found_by:
        key = _CLASSES[kind](part, how)
        if key:
            return kind, key
    return None


def _written(key: str | bool | Decimal) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, Decimal):
        return format(key.normalize(), "f") if key else "0"
    return name_key(key)


_Key: TypeAlias = Callable[[str, How], str | None]

_CLASSES: Mapping[str, _Key] = {
    "id": lambda text, _how: id_key(text),
    "email": lambda text, _how: email_key(text) if "@" in text else None,
    "domain": lambda text, _how: domain_key(text) if "." in text else None,
    "phone": lambda text, how: phone_key(text, how.region) if any(char.isdecimal() for char in text) else None,
    "name": lambda text, _how: name_key(text),
}

_KEYS: Mapping[Kind, _Key] = {
    Kind.ID: lambda text, _how: id_key(text),
    Kind.EMAIL: lambda text, _how: email_key(text),
    Kind.LINK: lambda text, _how: domain_key(text),
    Kind.PHONE: lambda text, how: phone_key(text, how.region),
    Kind.NAME: lambda text, _how: name_key(text),
}

_VALUE_KEYS: Mapping[Kind, Callable[[Any], str | None]] = {
    Kind.EMAIL: str.lower,
    Kind.LINK: domain_key,
    Kind.PHONE: value_key,
    Kind.NAME: name_key,
}

__all__ = ["Kinded", "classify", "id_key", "linked_parts", "match_keys", "name_key", "unique_keys", "value_keys"]
