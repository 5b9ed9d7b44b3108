"""The product graph as SQL: how entities are made from what rows name, and how each staging table moves to production.

Derived from the tables' own definitions, so that a column exists once. Every statement acts on a run of pending groups.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Table, text

from services.committer.moves import PENDING, Step, move, set_aside, staged_value
from shared.db import catalog, staging
from shared.entities.products import JOURNEY_STEPS

_ORDER = {catalog.products: "s.handle", catalog.product_variants: "s.barcode, s.sku"}
# Of two operators in one row the one whose column comes first is the first typed.
_STEPS = ", ".join(f"'{step}'" for step in JOURNEY_STEPS)


@dataclass(frozen=True, slots=True)
class _Reference:
    """A staging table that names entities in `{prefix}_name` and `{prefix}_key`."""

    staged: Table
    entity: Table
    prefix: str


def _entity_of(column: Column[object]) -> Table:
    """The entity a column refers to, through the table of its values if need be."""
    (key,) = column.foreign_keys
    return key.column.table if key.column.name == "id" else _entity_of(key.column)


def _references() -> Iterator[_Reference]:
    for produced, staged in staging.MIRRORS.items():
        for column in produced.columns:
            if staging.names_entity(column):
                yield _Reference(staged, _entity_of(column), column.name.removesuffix("_id"))


_REFERENCES = tuple(_references())


def _typed(reference: _Reference) -> str:
    staged, prefix = reference.staged, reference.prefix
    step = f"array_position(ARRAY[{_STEPS}], step)" if "step" in staged.columns else "0"
    position = "position" if "position" in staged.columns else "0"
    within = ", attribute_key AS within" if reference.entity is catalog.attribute_values else ""
    return f"""SELECT {prefix}_key AS key, {prefix}_name AS name, row_no, {step} AS step_no, {position} AS position{within}
                 FROM staging.{staged.name} WHERE {PENDING} AND {prefix}_key IS NOT NULL"""  # noqa: S608 - our names


def _make(entity: Table) -> Step:
    """Makes the entities of one table that rows name and that are unknown. They are kept as first typed in the file, whichever chunk is committed first.

    One that a later row of the same import made is renamed; one that was there before is left alone.
    """
    typed = "\n                UNION ALL\n               ".join(
        _typed(reference) for reference in _REFERENCES if reference.entity is entity
    )
    of_value = entity is catalog.attribute_values
    key = "within, key" if of_value else "key"
    owner, owner_id, known_of = ("", "", "")
    if of_value:
        owner = "JOIN catalog.attributes a ON a.tenant_id = :tenant_id AND a.name_key = f.within"
        owner_id, known_of = "a.id, ", "AND known.attribute_id = a.id"
    columns = "tenant_id, attribute_id, name_key" if of_value else "tenant_id, name_key"
    return Step(
        entity.name,
        text(
            f"""
        WITH first AS (
               SELECT DISTINCT ON ({key}) * FROM (
               {typed}
               ) AS typed ORDER BY {key}, row_no, step_no, position, name
        ), made AS (
               INSERT INTO catalog.{entity.name} AS e
                      (tenant_id, {"attribute_id, " if of_value else ""}name, name_key, created_import_id, created_row_no)
               SELECT :tenant_id, {owner_id}f.name, f.key, :import_id, f.row_no
                 FROM first f {owner}
                WHERE NOT EXISTS (
                      SELECT FROM catalog.{entity.name} known
                       WHERE known.tenant_id = :tenant_id {known_of} AND known.name_key = f.key
                         AND (known.created_import_id IS DISTINCT FROM :import_id
                              OR known.created_row_no <= f.row_no))
                ORDER BY {key}
               ON CONFLICT ({columns}) DO UPDATE
                  SET name = excluded.name, created_row_no = excluded.created_row_no
                WHERE e.created_import_id = excluded.created_import_id
                  AND e.created_row_no > excluded.created_row_no
               RETURNING xmax = 0 AS is_new
        )
        SELECT count(*) FILTER (WHERE is_new) FROM made
        """  # noqa: S608 - our names
        ),
        returning=(entity.name,),
        needs=frozenset(reference.staged.name for reference in _REFERENCES if reference.entity is entity),
    )


def _move(produced: Table, staged: Table) -> Step:
    return move(produced, staged, order=_ORDER.get(produced, ""), value=production_value)


def production_value(column: Column[Any]) -> str:
    """The value of a production column in a staged row `s`: of an entity that the row names, its id."""
    if staging.names_entity(column):
        return _look_up(_entity_of(column), column.name.removesuffix("_id"))
    return staged_value(column)


def _look_up(entity: Table, prefix: str) -> str:
    """The id of the entity a row names, by its unique key.

    Not a join: planned while a tenant has few entities, a join reads all of them for each row, and goes on doing so
    when there are many. Of an entity that was taken away since it was found to be there, an id that none has: the foreign
    key refuses it, and the whole is tried again, where NULL would say that the row names nothing.
    """
    within = ""
    if entity is catalog.attribute_values:
        within = f"e.attribute_id = {_look_up(catalog.attributes, 'attribute')} AND "
    found = f"(SELECT e.id FROM catalog.{entity.name} e WHERE e.tenant_id = :tenant_id AND {within}e.name_key = s.{prefix}_key)"  # noqa: S608
    return f"coalesce({found}, CASE WHEN s.{prefix}_key IS NOT NULL THEN 0 END)"


MAKE_ENTITIES = tuple(_make(entity) for entity in catalog.ENTITIES)
"""In the order in which every transaction takes its locks; attributes before their values."""

MOVES = tuple(_move(produced, staged) for produced, staged in staging.MIRRORS.items())
"""Owners before what they own."""

SET_ASIDE = tuple(set_aside(staged) for staged in (*staging.MIRRORS.values(), staging.changes))
"""Sets groups aside; they are in nobody's way until their import is dismissed."""
