"""What the columns of a file mean, said by a person; mappings that are kept under a name and offered again."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.gateway.imports.guided.formats import DATED, chosen_formats, format_of, is_format_of, with_choice
from services.gateway.imports.guided.found import GuidedImport, find, mapped
from services.gateway.imports.transactions import acting
from services.gateway.people import Person
from services.gateway.problems import Refused, invalid
from services.gateway.resources import Gateway
from shared.api.guided import FormatName, NewFormat, NewMapping, SavedMapping
from shared.entities.mapping import ColumnMapping, chosen_mapping
from shared.entities.names import heading_key, seen_name
from shared.intake.mapping import MappingRefused, change_mapping
from shared.ledger.rechecking import validate_again
from shared.states import GuidedStep

_SAVE = text(
    """
    INSERT INTO imports.saved_mappings (tenant_id, entity_type, headings, name, fields, formats, user_id)
    VALUES (:tenant, :entity, :headings, :name, CAST(:fields AS jsonb), CAST(:formats AS jsonb), :user)
    ON CONFLICT (tenant_id, entity_type, headings, name) DO UPDATE
       SET fields = excluded.fields, formats = excluded.formats, user_id = excluded.user_id, saved_at = now()
    """
)
_SAVED = text(
    """
    SELECT name, fields, formats, saved_at FROM imports.saved_mappings
     WHERE tenant_id = :tenant AND entity_type = :entity AND headings = :headings ORDER BY saved_at DESC, name LIMIT 20
    """
)
_READ_BY = text(
    "UPDATE imports.imports SET layout = CAST(:layout AS jsonb), updated_at = clock_timestamp() WHERE id = :id"
)
_CHUNKS = text("SELECT chunk_no FROM imports.import_chunks WHERE import_id = :id")
_ON = text("UPDATE imports.imports SET guided_step = :step, updated_at = clock_timestamp() WHERE id = :id")


@dataclass(frozen=True)
class Saved:
    """A mapping that was kept: by field, the column of this file; by column, its format."""

    name: str
    fields: Mapping[str, int]
    formats: Mapping[int, FormatName]
    saved_at: datetime

    @property
    def said(self) -> SavedMapping:
        """As it is answered."""
        return SavedMapping(name=self.name, fields=self.fields, formats=self.formats, saved_at=self.saved_at)


async def set_mapping(ways: Gateway, person: Person, import_id: UUID, asked: NewMapping) -> None:
    """Let the columns mean what a person says, and go on to their values; the rows are cut by it, and validated.

    Nothing is cut again where it is what it was.

    Raises:
        Refused: there is no such import; a field that is needed has no column, a column two meanings, or a format is missing.
    """
    async with acting(ways, person) as conn:
        found = await find(conn, import_id, locked=True)
        mapping = _mapping(found, asked)
        layout = dict(found.layout)
        for index, name in asked.formats.items():
            field = next((found.entity.by_code[code] for code, at in mapping.fields.items() if at == index), None)
            if field is None:
                raise Refused(
                    "invalid",
                    f"formats.{index}: this column is not imported.",
                    errors=[(f"formats.{index}", "It is not imported.")],
                )
            layout = with_choice(layout, field, index, name)
        _check_formats(found, mapping, layout)
        if asked.save_as is not None:
            await _save(conn, person, found, _name_of(asked.save_as), mapping.fields, chosen_formats(layout))
        if dict(mapping.fields) != dict(found.fields) or found.error is not None:
            outcome = await change_mapping(conn, import_id, mapping.fields, layout=layout)
            if isinstance(outcome, MappingRefused):
                raise Refused("conflict", f"{'; '.join(outcome.problems)}.")
            return
        if layout != found.layout:
            await _read_by(conn, import_id, layout)
        await conn.execute(_ON, {"id": import_id, "step": GuidedStep.REVIEW})


async def set_format(ways: Gateway, person: Person, import_id: UUID, index: int, asked: NewFormat) -> None:
    """Have a column's dates or numbers read in this way; all rows are validated again.

    Raises:
        Refused: there is no such import or column, or it is no format of what it holds.
    """
    async with acting(ways, person) as conn:
        found, field = await mapped(conn, import_id, index, locked=True)
        layout = with_choice(found.layout, field, index, asked.format)
        if layout != found.layout:
            await _read_by(conn, import_id, layout)


async def saved_for(conn: AsyncConnection, found: GuidedImport) -> list[Saved]:
    """Mappings that were kept for the same headings, the latest first; what they say of fields that are gone is left out."""
    said = {"tenant": found.tenant_id, "entity": found.entity.name, "headings": headings_digest(found.headers)}
    columns = {heading_key(heading): index for index, heading in enumerate(found.headers)}
    kept = []
    for row in await conn.execute(_SAVED, said):
        fields = {
            code: columns[key] for code, key in row.fields.items() if code in found.entity.by_code and key in columns
        }
        by_column = {index: found.entity.by_code[code] for code, index in fields.items()}
        formats: dict[int, FormatName] = {
            columns[key]: name
            for key, name in row.formats.items()
            if columns.get(key) in by_column and is_format_of(by_column[columns[key]].kind, name)
        }
        kept.append(Saved(row.name, fields, formats, row.saved_at))
    return kept


def headings_digest(headings: Sequence[str]) -> UUID:
    """What two files have in common that have the same headings, in whatever order and case."""
    keys = sorted(heading_key(heading) for heading in headings)
    return UUID(bytes=hashlib.blake2b(json.dumps(keys).encode("utf-8", "replace"), digest_size=16).digest())


def _name_of(said: str) -> str:
    if name := seen_name(said):
        return name
    raise invalid("save_as", "a mapping is kept under a name that can be seen.")


def _mapping(found: GuidedImport, asked: NewMapping) -> ColumnMapping:
    mapping = chosen_mapping(found.entity, found.headers, found.mode, asked.fields)
    if isinstance(mapping, ColumnMapping):
        return mapping
    raise Refused("invalid", f"{'; '.join(mapping)}.", errors=[("fields", f"{problem}.") for problem in mapping])


def _check_formats(found: GuidedImport, mapping: ColumnMapping, layout: Mapping[str, Any]) -> None:
    """Dates of which nobody knows which is the day are not read by guess."""
    problems = []
    for code, index in mapping.fields.items():
        field = found.entity.by_code[code]
        if field.kind in DATED and (said := format_of(field.kind, layout, index, found.settings)) and said.name is None:
            problems.append((f"formats.{index}", f"{found.headers[index]}: {said.proof}."))
    if problems:
        raise Refused("invalid", " ".join(message for _, message in problems), errors=problems)


async def _read_by(conn: AsyncConnection, import_id: UUID, layout: Mapping[str, Any]) -> None:
    await conn.execute(_READ_BY, {"id": import_id, "layout": json.dumps(dict(layout))})
    chunks = list((await conn.execute(_CHUNKS, {"id": import_id})).scalars())
    await validate_again(conn, import_id, chunks)


async def _save(
    conn: AsyncConnection,
    person: Person,
    found: GuidedImport,
    name: str,
    fields: Mapping[str, int],
    formats: Mapping[int, FormatName],
) -> None:
    keys = [heading_key(heading) for heading in found.headers]
    await conn.execute(
        _SAVE,
        {
            "tenant": found.tenant_id,
            "entity": found.entity.name,
            "headings": headings_digest(found.headers),
            "name": name,
            "fields": json.dumps({code: keys[index] for code, index in fields.items()}),
            "formats": json.dumps({keys[index]: format_ for index, format_ in formats.items()}),
            "user": person.user,
        },
    )
