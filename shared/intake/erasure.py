"""Everything of one tenant, erased: its rows in every table that has tenants, and its objects in the buckets.

Needs a role that owns the tables (the administrator of `winnow migrate`) and a storage key that may list and delete. Which
tables there are is asked of the database, so that a table of a new entity type is never forgotten.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.db.transaction import tenant_transaction
from shared.states import ENDED, sql_list
from shared.storage import ObjectStore

_TABLES = text(
    """
    SELECT c.oid::bigint AS id, format('%I.%I', n.nspname, c.relname) AS name
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
     WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
       AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
    """
)
# Foreign keys, and what is held in their place (0004_references.sql).
_REFERENCES = text(
    """
    SELECT conrelid::bigint AS child, confrelid::bigint AS owner FROM pg_constraint
     WHERE contype = 'f' AND conrelid <> confrelid
    UNION
    SELECT format('catalog.%I', referring)::regclass::bigint, format('catalog.%I', entity)::regclass::bigint
      FROM catalog.entity_references
    """
)
_OPEN = text(
    f"SELECT count(*) FROM imports.imports WHERE tenant_id = :tenant AND status NOT IN ({sql_list(ENDED)})"  # noqa: S608 - our own words
)
_IN_FLIGHT = text("SELECT count(*) FROM imports.outbox WHERE tenant_id = :tenant")


class TenantInUse(Exception):
    """Tenant "{tenant}" has {imports} open imports and {events} events in flight."""

    def __init__(self, tenant_id: str, imports: int, events: int) -> None:
        super().__init__(
            f'Nothing is erased: tenant "{tenant_id}" has {imports} open imports and {events} events that wait for a '
            "stage. Cancel the imports, or wait for their end, and repeat it."
        )


class SentMeanwhile(Exception):
    """Something was sent for tenant "{tenant}" while it was being erased."""

    def __init__(self, tenant_id: str, left: Sequence[str]) -> None:
        super().__init__(
            f'Something was sent for tenant "{tenant_id}" while it was being erased; it is in {", ".join(left)}. '
            "Stop who sends it (its storage key, its access to Kafka), and repeat it."
        )


@dataclass(frozen=True)
class Erasure:
    """What was erased: rows by table (only tables that had some), objects by bucket."""

    rows: Mapping[str, int]
    objects: Mapping[str, int]

    @property
    def nothing(self) -> bool:
        """Whether there was nothing of this tenant anywhere."""
        return not sum(self.rows.values()) and not sum(self.objects.values())


async def erase_tenant(engine: AsyncEngine, storage: ObjectStore, buckets: Sequence[str], tenant_id: str) -> Erasure:
    """Erase a tenant, its registration included. May be repeated, also after it was interrupted.

    Args:
        engine: the database as the owner of its tables.
        storage: with a key that lists and deletes in the buckets.
        buckets: where objects of tenants lie, each below its tenant's name.
        tenant_id: whose everything it is.

    Raises:
        TenantInUse: imports of it are open, or events about them in flight; nothing was erased.
        SentMeanwhile: a file came while its rows were being erased; what was there before is gone.
        ValueError: the text cannot be a tenant's id.
    """
    async with tenant_transaction(engine, tenant_id) as conn:
        imports = int((await conn.execute(_OPEN, {"tenant": tenant_id})).scalar_one())
        events = int((await conn.execute(_IN_FLIGHT, {"tenant": tenant_id})).scalar_one())
        if imports or events:
            raise TenantInUse(tenant_id, imports, events)
        rows = {table: await _delete(conn, table, tenant_id) for table in await _tables(conn)}
    objects = {bucket: await storage.erase(bucket, f"{tenant_id}/") for bucket in buckets}
    async with tenant_transaction(engine, tenant_id) as conn:
        left = [table for table in rows if await _has_rows(conn, table, tenant_id)]
    if left:
        raise SentMeanwhile(tenant_id, left)
    return Erasure({table: number for table, number in rows.items() if number}, objects)


async def _tables(conn: AsyncConnection) -> list[str]:
    """Every table with tenants, each before those it refers to."""
    names = {row.id: row.name for row in await conn.execute(_TABLES)}
    order: TopologicalSorter[int] = TopologicalSorter(dict.fromkeys(names, ()))
    for row in await conn.execute(_REFERENCES):
        if row.child in names and row.owner in names:
            order.add(row.owner, row.child)
    return [names[table] for table in order.static_order()]


async def _delete(conn: AsyncConnection, table: str, tenant_id: str) -> int:
    # The name comes quoted from the database.
    done = await conn.execute(text(f"DELETE FROM {table} WHERE tenant_id = :tenant"), {"tenant": tenant_id})  # noqa: S608
    return done.rowcount


async def _has_rows(conn: AsyncConnection, table: str, tenant_id: str) -> bool:
    found = await conn.execute(
        text(f"SELECT EXISTS (SELECT FROM {table} WHERE tenant_id = :tenant)"),  # noqa: S608 - as above
        {"tenant": tenant_id},
    )
    return bool(found.scalar_one())
