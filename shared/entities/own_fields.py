"""Fields of a tenant's own: what types there are, and an entity type with the fields that an import was accepted with. Pure.

An import keeps a snapshot of them (`imports.imports.own`), `{"fields": [...], "settings": {...}}`, so that all stages read
its rows by the same, whatever is changed meanwhile.
"""

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Any, TypeAlias

from shared.entities import ENTITY_TYPES
from shared.entities.crm import CRM, FOUND_BY, MONEY
from shared.entities.declaration import USERS, Decimals, EntityType, Field, Kind, Option, Origin

FAMILY = "crm"
"""The family whose entity types may have fields of a tenant's own."""

LONGEST_CODE = 63
LONGEST_NAME = 100
MOST_OPTIONS = 500
MOST_FIELDS = 100
"""So many of its own a tenant may have of an entity type."""
MOST_DECIMALS = 9
MOST_KNOWN_TAGS = 1_000
"""So many of the tags that a field has by now are in a snapshot: any word is one."""
SECTION = "Your own fields"
PREFIX = "custom_fields_"
"""Begins the heading that means a field by its code, whatever the field is called."""


class Type(StrEnum):
    """What a field of a tenant's own holds."""

    TEXT = "text"
    TEXTAREA = "textarea"
    RICH_TEXT = "rich_text"
    MARKDOWN = "markdown"
    EMAIL = "email"
    LINK = "link"
    PHONE = "phone"
    NUMBER = "number"
    CURRENCY = "currency"
    DATE = "date"
    DATE_TIME = "date_time"
    BOOLEAN = "boolean"
    SELECT = "select"
    MULTI_SELECT = "multi_select"
    TAGS = "tags"
    COLOUR = "colour"
    RECORD = "record"


KINDS: Mapping[Type, Kind] = MappingProxyType(
    {
        Type.TEXT: Kind.TEXT,
        Type.TEXTAREA: Kind.LONG_TEXT,
        Type.RICH_TEXT: Kind.LONG_TEXT,
        Type.MARKDOWN: Kind.LONG_TEXT,
        Type.EMAIL: Kind.EMAIL,
        Type.LINK: Kind.LINK,
        Type.PHONE: Kind.PHONE,
        Type.NUMBER: Kind.NUMBER,
        Type.CURRENCY: Kind.NUMBER,
        Type.DATE: Kind.DATE,
        Type.DATE_TIME: Kind.MOMENT,
        Type.BOOLEAN: Kind.BOOLEAN,
        Type.SELECT: Kind.SELECT,
        Type.MULTI_SELECT: Kind.SELECT,
        Type.TAGS: Kind.TAGS,
        Type.COLOUR: Kind.COLOUR,
        Type.RECORD: Kind.RECORD,
    }
)

ALWAYS_MULTI = frozenset({Type.MULTI_SELECT, Type.TAGS})
MAY_BE_MULTI = frozenset({Type.EMAIL, Type.LINK, Type.PHONE, Type.RECORD})
MAY_BE_UNIQUE = frozenset({Type.TEXT, Type.EMAIL, Type.LINK, Type.PHONE})
HAVE_OPTIONS = frozenset({Type.SELECT, Type.MULTI_SELECT, Type.TAGS})
HAVE_LENGTH = frozenset({Type.TEXT, Type.TEXTAREA, Type.RICH_TEXT, Type.MARKDOWN})
HAVE_DECIMALS = frozenset({Type.NUMBER, Type.CURRENCY})
TARGETS: tuple[str, ...] = (*FOUND_BY, USERS)
"""What a record field may name."""

RESERVED: Mapping[str, frozenset[str]] = MappingProxyType(
    {entity.name: frozenset({"id", "name", "title", *entity.by_code}) for entity in CRM}
)
"""Codes that are no tenant's to give, by entity type; nor is one with which `PREFIX` begins a heading of the type."""

DEFAULT_SETTINGS: Mapping[str, str] = MappingProxyType(
    {"region": "US", "time_zone": "UTC", "date_format": "iso", "decimal": "point"}
)
"""How a tenant writes values that has said nothing of it: whose phone numbers have no country's code, where naive times
are, and which form of dates and numbers is meant where the values themselves decide nothing."""

Own: TypeAlias = Mapping[str, Any] | Sequence[Mapping[str, Any]] | None
"""An import's snapshot, or the fields of one alone; None where there are none."""


def entity_of(entity_type: str, own: Own) -> EntityType:
    """A known entity type with the fields of a tenant's own that a snapshot has.

    Raises:
        KeyError: there is no such entity type.
    """
    fields = own.get("fields", ()) if isinstance(own, Mapping) else own
    return _entity_of(entity_type, json.dumps(list(fields), sort_keys=True)) if fields else ENTITY_TYPES[entity_type]


@lru_cache(maxsize=256)
def _entity_of(entity_type: str, fields: str) -> EntityType:
    return ENTITY_TYPES[entity_type].with_fields([own_field(said) for said in json.loads(fields)])


def own_field(said: Mapping[str, Any]) -> Field:
    """The field that one of a snapshot declares."""
    type_ = Type(said["type"])
    kind = KINDS[type_]
    target = said.get("target")
    found_by = FOUND_BY.get(target, ("id", "email")) if target else ()
    options = tuple(Option(option["id"], option["name"]) for option in said.get("options", ()))
    return Field(
        code=said["code"],
        heading=said["name"],
        kind=kind,
        section=SECTION,
        about=_about(type_, said, found_by),
        aliases=(PREFIX + said["code"],),
        required=bool(said.get("required")),
        decimals=_decimals(type_, said.get("decimals")),
        origin=Origin.OWN,
        multi=type_ in ALWAYS_MULTI or bool(said.get("multi")),
        most=said.get("most"),
        options=options,
        past_options=tuple(Option(option["id"], option["name"]) for option in said.get("past_options", ())),
        is_unique=bool(said.get("is_unique")),
        longest=said.get("longest"),
        target=target,
        found_by=found_by,
        creates_target="name" in found_by,
    )


def type_of(field: Field) -> str:
    """What type a declared field would be of, were it a tenant's own; `id` of what only finds records."""
    if field.kind is Kind.SELECT:
        return Type.MULTI_SELECT if field.multi else Type.SELECT
    if field.kind is Kind.NUMBER:
        return Type.NUMBER if field.decimals is None else Type.CURRENCY
    if field.kind is Kind.LONG_TEXT:
        return Type.RICH_TEXT
    kind = Kind.TEXT if field.kind is Kind.NAME else field.kind
    return next((type_ for type_ in Type if KINDS[type_] is kind), field.kind)


def _decimals(type_: Type, places: int | None) -> Decimals | None:
    if type_ not in HAVE_DECIMALS or (type_ is Type.NUMBER and places is None):
        return None
    return MONEY if places is None else Decimals(precision=MONEY.whole_digits + places, scale=places)


def _about(type_: Type, said: Mapping[str, Any], found_by: Sequence[str]) -> str:
    if type_ is Type.RECORD:
        return f"Names {said['target']}, found by {', '.join(found_by)}."
    words = [type_.value.replace("_", " ").capitalize()]
    if (most := said.get("most")) is not None:
        words.append(f"up to {most}")
    if said.get("is_unique"):
        words.append("no two records have the same")
    return ", ".join(words) + "."
