"""Fields of a tenant's own: added, changed and removed while everything runs.

An import is read by the fields there are when its reading begins. Records keep what they have of a field that is removed, so its
code is never another field's: added again as what it was, it is the same field. Runs in a transaction of the tenant, as the
role `winnow_intake`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from shared.entities.names import heading_key, name_key, seen_name
from shared.entities.own_fields import (
    ALWAYS_MULTI,
    HAVE_DECIMALS,
    HAVE_LENGTH,
    HAVE_OPTIONS,
    MAY_BE_MULTI,
    MAY_BE_UNIQUE,
    MOST_FIELDS,
    PREFIX,
    RESERVED,
    TARGETS,
    Type,
    entity_of,
)
from shared.ledger.own_fields import read_own_fields

_SEPARATORS = frozenset(",;\n\r")

# Of two changes at once, the second sees what the first made of the headings.
_ALONE = text("SELECT pg_advisory_xact_lock(hashtextextended('custom fields of ' || :tenant, 0))")
_COLUMNS = """id, entity_type, code, name, type, multi, is_unique, required, most, longest, decimals, target,
              created_at, updated_at, removed_at"""
_ALL = text(
    f"SELECT {_COLUMNS} FROM crm.custom_fields WHERE removed_at IS NULL ORDER BY entity_type, created_at, code"  # noqa: S608 - our own words
)
_BY_CODE = text(
    f"SELECT {_COLUMNS} FROM crm.custom_fields WHERE entity_type = :entity_type AND code = :code"  # noqa: S608 - our own words
)
_ADD = text(
    f"""
    INSERT INTO crm.custom_fields (id, tenant_id, entity_type, code, name, type, multi, is_unique, required, most, longest,
                                   decimals, target, created_by)
    VALUES (:id, :tenant, :entity_type, :code, :name, :type, :multi, :is_unique, :required, :most, :longest,
            :decimals, :target, :by)
    ON CONFLICT (tenant_id, entity_type, code) DO UPDATE
       SET name = excluded.name, required = excluded.required, most = excluded.most, longest = excluded.longest,
           decimals = excluded.decimals, removed_at = NULL, updated_at = clock_timestamp()
    RETURNING {_COLUMNS}
    """  # noqa: S608 - our own words
)
_CHANGE = text(
    f"""
    UPDATE crm.custom_fields
       SET name = :name, required = :required, most = :most, longest = :longest, decimals = :decimals,
           updated_at = clock_timestamp()
     WHERE id = :id AND removed_at IS NULL
    RETURNING {_COLUMNS}
    """  # noqa: S608 - our own words
)
_REMOVE = text(
    "UPDATE crm.custom_fields SET removed_at = clock_timestamp() WHERE id = :id AND removed_at IS NULL RETURNING entity_type, code"
)
_OPTIONS = text(
    """
    SELECT entity_type, code, id, name, name_key FROM crm.options
     WHERE removed_at IS NULL ORDER BY entity_type, code, position, name_key
    """
)
# Tags are words of records; of a choice, records have the id.
_DROP_OPTIONS = text(
    """
    WITH gone AS (
           DELETE FROM crm.options
            WHERE entity_type = :entity_type AND code = :code AND :tags AND NOT id = ANY(CAST(:kept AS uuid[]))
    )
    UPDATE crm.options SET removed_at = clock_timestamp()
     WHERE entity_type = :entity_type AND code = :code AND NOT :tags AND removed_at IS NULL
       AND NOT id = ANY(CAST(:kept AS uuid[]))
    """
)
# Two options may take each other's name, and one the name of another that was removed.
_FREE_NAMES = text(
    """
    UPDATE crm.options SET name_key = ' ' || id
     WHERE entity_type = :entity_type AND code = :code
       AND (id = ANY(CAST(:ids AS uuid[])) OR removed_at IS NOT NULL AND name_key = ANY(CAST(:keys AS text[])))
    """
)
_SET_OPTIONS = text(
    """
    INSERT INTO crm.options (id, tenant_id, entity_type, code, name, name_key, position)
    SELECT new.id, :tenant, :entity_type, :code, new.name, new.name_key, new.position
      FROM unnest(CAST(:ids AS uuid[]), CAST(:names AS text[]), CAST(:keys AS text[]), CAST(:positions AS integer[]))
           AS new (id, name, name_key, position)
    ON CONFLICT (tenant_id, entity_type, code, name_key) DO UPDATE
       SET name = excluded.name, position = excluded.position, removed_at = NULL
    """
)
_RENAME_OPTIONS = text(
    """
    UPDATE crm.options o SET name = new.name, name_key = new.name_key, position = new.position
      FROM unnest(CAST(:ids AS uuid[]), CAST(:names AS text[]), CAST(:keys AS text[]), CAST(:positions AS integer[]))
           AS new (id, name, name_key, position)
     WHERE o.id = new.id AND o.entity_type = :entity_type AND o.code = :code
    """
)


class FieldRefused(Exception):
    """Nothing was changed: what is wrong with which part of what was asked for, and the way out."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


@dataclass(frozen=True)
class WantedOption:
    """An option as it is to be; one that is there has an id."""

    name: str
    id: UUID | None = None


@dataclass(frozen=True)
class WantedField:
    """A field as it is to be."""

    entity_type: str
    code: str
    name: str
    type: Type
    multi: bool = False
    is_unique: bool = False
    required: bool = False
    most: int | None = None
    longest: int | None = None
    decimals: int | None = None
    target: str | None = None
    options: tuple[WantedOption, ...] = ()

    @property
    def is_the_same_as(self) -> tuple[object, ...]:
        """What never changes of a field: its values in records are such."""
        return (self.type, self.multi, self.is_unique, self.target)


@dataclass(frozen=True)
class OwnField:
    """A field of a tenant's own. `options` are (id, name)."""

    id: UUID
    entity_type: str
    code: str
    name: str
    type: Type
    multi: bool
    is_unique: bool
    required: bool
    most: int | None
    longest: int | None
    decimals: int | None
    target: str | None
    options: tuple[tuple[UUID, str], ...]
    created_at: datetime
    updated_at: datetime

    @property
    def wanted(self) -> WantedField:
        """The same as something to be asked for."""
        names = (
            "entity_type",
            "code",
            "name",
            "type",
            "multi",
            "is_unique",
            "required",
            "most",
            "longest",
            "decimals",
            "target",
        )
        options = tuple(WantedOption(name, id_) for id_, name in self.options)
        return WantedField(**{name: getattr(self, name) for name in names}, options=options)


async def list_fields(conn: AsyncConnection) -> list[OwnField]:
    """The tenant's own fields, by entity type, the oldest first. Also of the role `winnow_reader`."""
    options: dict[tuple[str, str], list[tuple[UUID, str]]] = {}
    for option in await conn.execute(_OPTIONS):
        options.setdefault((option.entity_type, option.code), []).append((option.id, option.name))
    return [_field(row, options.get((row.entity_type, row.code), ())) for row in await conn.execute(_ALL)]


async def find_field(conn: AsyncConnection, field_id: UUID) -> OwnField | None:
    """One of them; None when the tenant has none of this id."""
    return next((field for field in await list_fields(conn) if field.id == field_id), None)


async def add_field(conn: AsyncConnection, tenant_id: str, wanted: WantedField, *, by: str) -> OwnField:
    """Add a field. One of the same code that was removed is that field again, with what records have of it.

    Raises:
        FieldRefused: it cannot be such a field, or is in the way of another.
    """
    await conn.execute(_ALONE, {"tenant": tenant_id})
    wanted = _plain(wanted)
    own = (await read_own_fields(conn, wanted.entity_type))[wanted.entity_type]
    check_field(wanted, own)
    before = (await conn.execute(_BY_CODE, {"entity_type": wanted.entity_type, "code": wanted.code})).one_or_none()
    if before is not None and _field(before, ()).wanted.is_the_same_as != wanted.is_the_same_as:
        raise FieldRefused(
            "code",
            f'"{wanted.code}" was a field of type {before.type} that was removed, and records still have its values: add it again '
            f"as it was (type {before.type}, multi {_yes(before.multi)}, unique {_yes(before.is_unique)}), or choose another code",
        )
    values = {name: value for name, value in wanted.__dict__.items() if name != "options"}
    made = (await conn.execute(_ADD, {**values, "id": uuid7(), "tenant": tenant_id, "by": by})).one()
    if wanted.type in HAVE_OPTIONS:
        await _set_options(conn, tenant_id, wanted)
    return await _found(conn, made.id)


async def change_field(
    conn: AsyncConnection, tenant_id: str, field_id: UUID, changes: Mapping[str, Any]
) -> OwnField | None:
    """Change what is said of a field (`name`, `required`, `most`, `longest`, `decimals`, `options`); None when there is none.

    Raises:
        FieldRefused: it cannot be such a field, or is in the way of another.
    """
    await conn.execute(_ALONE, {"tenant": tenant_id})
    found = await find_field(conn, field_id)
    if found is None:
        return None
    wanted = _plain(replace(found.wanted, **changes))
    others = [
        said
        for said in (await read_own_fields(conn, found.entity_type))[found.entity_type]
        if said["code"] != found.code
    ]
    check_field(wanted, others)
    known = {id_ for id_, _ in found.options}
    strangers = [option for option in wanted.options if option.id is not None and option.id not in known]
    if strangers:
        raise FieldRefused("options", f"{strangers[0].id} is no option of {found.code}: leave the id of a new one out")
    values = {name: getattr(wanted, name) for name in ("name", "required", "most", "longest", "decimals")}
    await conn.execute(_CHANGE, {**values, "id": field_id})
    if "options" in changes:
        await _set_options(conn, tenant_id, wanted)
    return await _found(conn, field_id)


async def remove_field(conn: AsyncConnection, tenant_id: str, field_id: UUID) -> bool:
    """Remove a field: files have it no more. Whether there was one."""
    await conn.execute(_ALONE, {"tenant": tenant_id})
    return (await conn.execute(_REMOVE, {"id": field_id})).first() is not None


def check_field(wanted: WantedField, others: Sequence[Mapping[str, Any]]) -> None:
    """Let a field pass that can be one beside those the tenant has of the entity type (as snapshots have them).

    Raises:
        FieldRefused: the first thing that is wrong with it.
    """
    for part, wrong, message in (*_of_type(wanted), *_of_options(wanted)):
        if wrong:
            raise FieldRefused(part, message)
    if len(others) >= MOST_FIELDS:
        raise FieldRefused(
            "entity_type",
            f"There are {MOST_FIELDS} own fields of {wanted.entity_type}; remove one that is not used first",
        )
    entity = entity_of(wanted.entity_type, others)
    prefixed = entity.by_heading_key.get(heading_key(PREFIX + wanted.code))
    if wanted.code in RESERVED[wanted.entity_type] or prefixed is not None:
        whose = entity.by_code.get(wanted.code) or prefixed
        named = f", which is {whose.heading}" if whose is not None else ""
        raise FieldRefused("code", f'{wanted.entity_type} have a field "{wanted.code}"{named}; choose another code')
    other = entity.field_of(wanted.name)
    if other is not None:
        raise FieldRefused(
            "name", f'A column called "{wanted.name}" means {other.heading} ({other.code}) already; choose another name'
        )
    if heading_key(wanted.name) in entity.tolerated_by_heading_key or not heading_key(wanted.name):
        raise FieldRefused("name", f'"{wanted.name}" cannot be the heading of a field; choose another name')


def _of_type(wanted: WantedField) -> tuple[tuple[str, bool, str], ...]:
    type_ = wanted.type
    multi = wanted.multi or type_ in ALWAYS_MULTI
    return (
        ("multi", wanted.multi and type_ not in {*MAY_BE_MULTI, *ALWAYS_MULTI}, _only("Several values", MAY_BE_MULTI)),
        ("unique", wanted.is_unique and type_ not in MAY_BE_UNIQUE, _only("No two alike", MAY_BE_UNIQUE)),
        ("longest", wanted.longest is not None and type_ not in HAVE_LENGTH, _only("A length", HAVE_LENGTH)),
        ("decimals", wanted.decimals is not None and type_ not in HAVE_DECIMALS, _only("Decimals", HAVE_DECIMALS)),
        ("most", wanted.most is not None and not multi, "A number of values is for fields that can have several"),
        ("target", wanted.target is None and type_ is Type.RECORD, f"Say what it names: {', '.join(TARGETS)}"),
        ("target", wanted.target is not None and type_ is not Type.RECORD, _only("What is named", {Type.RECORD})),
    )


def _of_options(wanted: WantedField) -> tuple[tuple[str, bool, str], ...]:
    names = [option.name for option in wanted.options]
    keys = [name_key(name) for name in names]
    repeated = next((name for name, key in zip(names, keys, strict=True) if keys.count(key) > 1), "")
    split = next((name for name in names if _SEPARATORS & set(name)), "") if wanted.type in ALWAYS_MULTI else ""
    blank = "" in keys
    needs = wanted.type in HAVE_OPTIONS - {Type.TAGS}
    return (
        ("options", bool(names) and wanted.type not in HAVE_OPTIONS, _only("Options", HAVE_OPTIONS)),
        ("options", needs and not names, "Say the options there are to choose from"),
        ("options", blank, "An option needs a name"),
        ("options", bool(repeated), f'There are two options "{repeated}": case makes no difference'),
        (
            "options",
            bool(split),
            f'"{split}" would be read as several: leave commas, semicolons and line breaks out of its name',
        ),
    )


def _only(what: str, types: frozenset[Type] | set[Type]) -> str:
    return f"{what} goes with {', '.join(type_ for type_ in Type if type_ in types)} only"


def _yes(said: bool) -> str:
    return "yes" if said else "no"


def _plain(wanted: WantedField) -> WantedField:
    """As it is kept: the code in lower case, names without what nobody sees, what is always multi said so."""
    options = tuple(replace(option, name=seen_name(option.name)) for option in wanted.options)
    return replace(
        wanted,
        code=wanted.code.lower(),
        name=seen_name(wanted.name),
        multi=wanted.multi or wanted.type in ALWAYS_MULTI,
        options=options,
    )


async def _set_options(conn: AsyncConnection, tenant_id: str, wanted: WantedField) -> None:
    """Let the field have these options, in this order, and no others."""
    of_field = {"entity_type": wanted.entity_type, "code": wanted.code}
    places = list(enumerate(wanted.options, start=1))
    kept = _columns([(place, option.id, option.name) for place, option in places if option.id is not None])
    new = _columns([(place, uuid7(), option.name) for place, option in places if option.id is None])
    await conn.execute(_DROP_OPTIONS, {**of_field, "kept": kept["ids"], "tags": wanted.type is Type.TAGS})
    await conn.execute(_FREE_NAMES, {**of_field, "ids": kept["ids"], "keys": kept["keys"]})
    await conn.execute(_SET_OPTIONS, {**of_field, **new, "tenant": tenant_id})
    await conn.execute(_RENAME_OPTIONS, {**of_field, **kept})


def _columns(options: Sequence[tuple[int, UUID, str]]) -> dict[str, list[Any]]:
    return {
        "positions": [place for place, _, _ in options],
        "ids": [id_ for _, id_, _ in options],
        "names": [name for _, _, name in options],
        "keys": [name_key(name) for _, _, name in options],
    }


async def _found(conn: AsyncConnection, field_id: UUID) -> OwnField:
    found = await find_field(conn, field_id)
    assert found is not None, "it was written in this transaction"
    return found


def _field(row: Any, options: Sequence[tuple[UUID, str]]) -> OwnField:
    said = {name: value for name, value in row._mapping.items() if name != "removed_at"}  # noqa: SLF001 - SQLAlchemy's public name for it
    return OwnField(**{**said, "type": Type(said["type"])}, options=tuple(options))
