"""Tables of flat entity types, derived from their declarations: a record for each row, a column for each field.

The table of `suppliers` is `catalog.suppliers`, its mirror `staging.suppliers`. Their migration is written by hand
(docs/adding-an-entity-type.md); tests/integration/test_migrations.py holds it against what is derived here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlalchemy import CheckConstraint, Column, Numeric, Table, Text, UniqueConstraint, Uuid

from shared.db import catalog
from shared.db.metadata import KEY, metadata, moment, quoted, tenant, written_by
from shared.db.staging import mirror
from shared.entities import ENTITY_TYPES
from shared.entities.declaration import EntityType, Field, Kind

FAMILY = "flat"

_TEXTS = frozenset({Kind.TEXT, Kind.KEY, Kind.NAME, Kind.URL, Kind.CHOICE})


@dataclass(frozen=True, slots=True)
class FlatTables:
    """Where the records of a flat entity type are, and where they wait for their commit."""

    produced: Table
    staged: Table


def _column(entity: EntityType, field: Field) -> Column[Any]:
    if field.kind is Kind.DECIMAL and field.decimals is not None:
        return Column(field.code, Numeric(field.decimals.precision, field.decimals.scale), nullable=not field.required)
    if field.kind not in _TEXTS:
        raise ValueError(f"{entity.name}: a flat entity type has no {field.kind} ({field.code})")
    of = KEY if field.code in entity.by_identifier else Text
    default = field.choices[0] if field.choices else None
    return Column(field.code, of, nullable=not (field.required or field.choices), server_default=default)


def _tables(entity: EntityType) -> FlatTables:
    produced = Table(
        entity.name,
        metadata,
        Column("id", Uuid(), primary_key=True),
        tenant(),
        *(_column(entity, field) for field in entity.fields),
        *written_by(),
        moment("created_at", default=True),
        moment("updated_at", default=True),
        *(UniqueConstraint("tenant_id", identifier.field) for identifier in entity.identifiers),
        *(
            CheckConstraint(f"{quoted(field.code)} IN ({catalog.listed(field.choices)})", name=field.code)
            for field in entity.fields
            if field.choices
        ),
        schema=catalog.SCHEMA,
    )
    return FlatTables(produced, mirror(produced))


TABLES: Mapping[str, FlatTables] = MappingProxyType(
    {entity.name: _tables(entity) for entity in ENTITY_TYPES.values() if entity.family == FAMILY}
)
"""By the entity type's name."""
