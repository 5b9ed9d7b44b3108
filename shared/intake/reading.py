"""How a file was read: what was decided of it, and which column went where."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.entities import ENTITY_TYPES, EntityType
from shared.entities.decisions import Decision
from shared.entities.names import column_letter
from shared.entities.own_fields import entity_of


@dataclass(frozen=True)
class ReadColumn:
    """One column of the file: its letter and heading, the field it was read as (None when ignored), one cell of it."""

    letter: str
    heading: str
    field: str | None
    example: str | None


@dataclass(frozen=True)
class FileReading:
    """What was decided, in the order in which it was, and the columns from left to right."""

    decisions: tuple[Decision, ...]
    columns: tuple[ReadColumn, ...]

    @property
    def ignored(self) -> tuple[ReadColumn, ...]:
        """The columns that were not imported."""
        return tuple(column for column in self.columns if column.field is None)


_TYPE = text("SELECT entity_type, own FROM imports.imports WHERE id = :id")
_READ = text("SELECT entity_type, headers, column_mappings, layout, own FROM imports.imports WHERE id = :id")


async def read_entity(conn: AsyncConnection, import_id: UUID) -> EntityType | None:
    """What rows of an import describe, with the tenant's own fields as they were when it was read; None when nobody knows the type."""
    found = (await conn.execute(_TYPE, {"id": import_id})).one_or_none()
    return None if found is None or found.entity_type not in ENTITY_TYPES else entity_of(found.entity_type, found.own)


async def read_reading(conn: AsyncConnection, import_id: UUID) -> FileReading | None:
    """How the file of an import was read; None before it was looked into."""
    found = (await conn.execute(_READ, {"id": import_id})).one_or_none()
    if found is None or found.entity_type not in ENTITY_TYPES or found.layout is None:
        return None
    return reading_of(entity_of(found.entity_type, found.own), found.headers, found.column_mappings, found.layout)


def reading_of(
    entity: EntityType, headings: Sequence[str], fields: Mapping[str, int], layout: Mapping[str, Any]
) -> FileReading:
    """The same from what the ledger keeps: headings, field code → column, and the layout."""
    meaning = {index: entity.by_code[code].heading for code, index in fields.items() if code in entity.by_code}
    examples: Sequence[str | None] = layout.get("samples", ())
    columns = tuple(
        ReadColumn(
            letter=column_letter(index),
            heading=heading,
            field=meaning.get(index),
            example=examples[index] if index < len(examples) else None,
        )
        for index, heading in enumerate(headings)
    )
    return FileReading(tuple(Decision(**decided) for decided in layout.get("decisions", ())), columns)
