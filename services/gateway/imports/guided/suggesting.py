"""Which field each column of a file is proposed for, and why: its heading, then what it names, then what its values are. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from services.gateway.imports.guided.kinds import ENOUGH, Looks
from shared.entities.declaration import EntityType, Field, Kind
from shared.entities.names import heading_key, name_key

Way: TypeAlias = Literal["heading", "link", "values"]

# What may follow the name of what is linked: `Company Website` names a company.
_BESIDE_A_LINK = frozenset(
    {"id", "name", "email", "mail", "domain", "website", "web", "url", "phone", "record", "recordid"}
)
# Of a kind that says little, a column may be anything.
_BY_VALUES: Mapping[Kind, frozenset[Kind]] = {
    Kind.ID: frozenset({Kind.ID}),
    Kind.EMAIL: frozenset({Kind.EMAIL}),
    Kind.LINK: frozenset({Kind.LINK, Kind.URL}),
    Kind.PHONE: frozenset({Kind.PHONE}),
    Kind.DATE: frozenset({Kind.DATE, Kind.MOMENT}),
    Kind.MOMENT: frozenset({Kind.MOMENT}),
    Kind.COLOUR: frozenset({Kind.COLOUR}),
}


@dataclass(frozen=True)
class ColumnLook:
    """What is looked at of a column: its heading, its first values, what they look like."""

    heading: str
    values: Sequence[str]
    looks: Looks | None


@dataclass(frozen=True)
class Suggested:
    """The field a column is proposed for."""

    field: Field
    way: Way


def suggest(entity: EntityType, columns: Sequence[ColumnLook]) -> dict[int, Suggested]:
    """By column, the field it is proposed for; no field for two of them."""
    found: dict[int, Suggested] = {}
    taken: set[str] = set()

    def take(index: int, field: Field | None, way: Way) -> None:
        if field is not None and field.code not in taken:
            found[index] = Suggested(field, way)
            taken.add(field.code)

    for index, column in enumerate(columns):
        take(index, entity.field_of(column.heading), "heading")
    for index, column in enumerate(columns):
        if index not in found:
            take(index, _link(entity, column.heading), "link")
    for index, column in enumerate(columns):
        if index not in found and entity.field_of(column.heading) is None:
            take(index, _by_values(entity, column, taken), "values")
    return found


def _link(entity: EntityType, heading: str) -> Field | None:
    """The link whose name a heading begins with, and nothing else is said but how it is found."""
    key = heading_key(heading)
    for field in entity.fields:
        if field.kind is not Kind.RECORD:
            continue
        for name in (field.heading, *field.aliases):
            known = heading_key(name)
            if known and key.startswith(known) and key[len(known) :] in _BESIDE_A_LINK:
                return field
    return None


def _by_values(entity: EntityType, column: ColumnLook, taken: set[str]) -> Field | None:
    free = [field for field in entity.fields if field.code not in taken]
    for field in free:
        if field.kind is Kind.SELECT and field.options and _are_options(column.values, field):
            return field
    kinds = _BY_VALUES.get(column.looks.kind, frozenset()) if column.looks is not None else frozenset()
    fitting = [field for field in free if field.kind in kinds]
    return _nearest(entity, fitting, column) if fitting else None


def _are_options(values: Sequence[str], field: Field) -> bool:
    known = {name_key(option.name) for option in field.options}
    return bool(values) and sum(name_key(value) in known for value in values) >= len(values) * ENOUGH


def _nearest(entity: EntityType, fields: Sequence[Field], column: ColumnLook) -> Field | None:
    """Of several fields of a kind the one that heading or values name, else the one by which records are found."""
    if len(fields) == 1:
        return fields[0]
    said = (heading_key(column.heading), *(value.lower() for value in column.values[:20]))
    named = [field for field in fields if any(heading_key(field.code) in text for text in said)]
    if len(named) == 1:
        return named[0]
    return next((field for field in fields if field.code in entity.matches), None)
