"""By what records are known (`crm.identifiers.kind`). Pure."""

from typing import NamedTuple

from shared.entities.declaration import USERS, Field

_FIELDS = {"email": "emails", "domain": "domains", "phone": "phone_number", "name": "name"}
"""The field a value of a link is looked up in, by what it looks like."""

NAMED = frozenset({"companies", "people"})
"""The types whose records are found by their name: the first one of a name has it."""

BY_ID = "id"


class Key(NamedTuple):
    """What one record of a tenant alone is known by."""

    kind: str
    value: str


def kind_of(entity_type: str, code: str) -> str:
    """The kind of what a field of an entity type says."""
    return f"{entity_type}.{code}"


def kind_of_link(field: Field, looks_like: str) -> str:
    """The kind of what a link's value names its target by; `BY_ID`, or `email` of a user, where that is no identifier."""
    if looks_like == BY_ID or field.target == USERS:
        return looks_like
    return kind_of(field.target or "", _FIELDS[looks_like])
