"""What is in production, in terms that do not depend on the run: names in place of ids."""

import uuid
from collections import Counter
from collections.abc import Container, Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, FromClause, Select, Table, func, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db import catalog

# Ids, tenants and moments differ between two runs of one file; everything else must not.
OF_THE_RUN = {
    *("id", "tenant_id", "import_id", "created_import_id", "version_import_id", "created_at", "updated_at"),
    *("version", "version_since", "rows_digest", "rows_version"),
}

Snapshot = dict[str, Counter[tuple[Any, ...]]]


async def snapshot(conn: AsyncConnection, tenant_id: str, *, without: Container[str] = ()) -> Snapshot:
    """Every imported record and every entity of a tenant, by table. `conn` must see all tenants.

    Columns `without` which it is compared are named alone, or after their table (`product_variants.position`).
    """
    return {
        table.name: Counter(tuple(row) for row in await conn.execute(_natural(table, tenant_id, without)))
        for table in (*catalog.ENTITIES, *catalog.IMPORTED)
    }


async def count(conn: AsyncConnection, table: Table, tenant_id: str) -> int:
    """How many records of a tenant a table has."""
    counted = await conn.execute(select(func.count()).select_from(table).where(table.c.tenant_id == tenant_id))
    return int(counted.scalar_one())


def _natural(table: Table, tenant_id: str, without: Container[str]) -> Select[Any]:
    source: FromClause = table
    columns: list[ColumnElement[Any]] = []
    for column in table.columns:
        if column.name in OF_THE_RUN or column.name in without or f"{table.name}.{column.name}" in without:
            continue
        named, source = _named(column, source)
        columns.append(named.label(column.name))
    return select(*columns).select_from(source).where(table.c.tenant_id == tenant_id)


def _named(column: Column[Any], source: FromClause) -> tuple[ColumnElement[Any], FromClause]:
    targets = [key.column.table for key in column.foreign_keys]
    if not targets or targets[0] is catalog.taxonomy_categories:
        return column, source
    # A reference through a composite key points at attribute values.
    target = targets[0].alias(f"n_{uuid.uuid4().hex[:8]}")
    if column.name == "attribute_id" and targets[0] is catalog.attribute_values:
        # The value beside it says which attribute it is of.
        return literal(None), source
    joined = source.outerjoin(target, target.c.id == column)
    if targets[0] is catalog.products:
        return target.c.handle, joined
    if targets[0] is catalog.product_variants:
        return func.concat(target.c.barcode, "/", target.c.sku), joined
    if targets[0] is catalog.attribute_values:
        attribute = catalog.attributes.alias(f"a_{uuid.uuid4().hex[:8]}")
        joined = joined.outerjoin(attribute, attribute.c.id == target.c.attribute_id)
        return func.concat(attribute.c.name, "=", target.c.name), joined
    return target.c.name, joined


def difference(one: Snapshot, other: Snapshot, *, limit: int = 5) -> Sequence[str]:
    """What one snapshot has and the other has not, said in a few lines; empty when they are the same."""
    said: list[str] = []
    for table in one:
        missing = one[table] - other[table]
        surplus = other[table] - one[table]
        if missing or surplus:
            said.append(
                f"{table}: {missing.total()} missing {list(missing)[:limit]}, "
                f"{surplus.total()} too many {list(surplus)[:limit]}"
            )
    return said
