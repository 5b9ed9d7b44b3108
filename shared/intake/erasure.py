"""Everything of one tenant, erased: its rows in every table that has tenants, its objects in the buckets, its dead letters.

Needs a role that owns the tables (the administrator of `winnow migrate`), a storage key that may list and delete, and the
right to delete records of dead-letter topics. Which tables there are is asked of the database, so that a table of a new
entity type is never forgotten. That it was done, by whom and how much it was, is recorded (`imports.erasures`).
"""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from graphlib import TopologicalSorter
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from uuid_utils.compat import uuid7

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
_ARRIVING = text(
    "SELECT object_key, storage_upload FROM gateway.uploads WHERE tenant_id = :tenant AND storage_upload IS NOT NULL"
)
# One that was interrupted is gone on with.
_UNFINISHED = text("SELECT id, erased FROM imports.erasures WHERE tenant = :tenant AND ended_at IS NULL")
_BEGIN = text("INSERT INTO imports.erasures (id, tenant, asked_by) VALUES (:id, :tenant, :asked_by)")
_RECORD = text("UPDATE imports.erasures SET erased = CAST(:erased AS jsonb) WHERE id = :id")
_END = text("UPDATE imports.erasures SET erased = CAST(:erased AS jsonb), ended_at = clock_timestamp() WHERE id = :id")
_FORGET = text("DELETE FROM imports.erasures WHERE id = :id")
_RECORDS = text("SELECT tenant, asked_by, began_at, ended_at, erased FROM imports.erasures ORDER BY began_at DESC, id")
# Any number; of two erasures at once, one would write anew the letters that the other erases.
_ALONE = text("SELECT pg_advisory_xact_lock(7295310419)")
_UNHURRIED = text("SET LOCAL idle_in_transaction_session_timeout = 0")


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


class Letters(Protocol):
    """Where dead letters lie."""

    async def erase(self, tenant_id: str) -> int:
        """Erase those of a tenant; how many there were. Nobody else does the same at once."""


@dataclass(frozen=True)
class Erasure:
    """What was erased: rows by table (only tables that had some), objects by bucket, dead letters."""

    rows: Mapping[str, int]
    objects: Mapping[str, int]
    dead_letters: int

    @property
    def nothing(self) -> bool:
        """Whether there was nothing of this tenant anywhere."""
        return not sum(self.rows.values()) and not sum(self.objects.values()) and not self.dead_letters

    def with_earlier(self, earlier: Mapping[str, Any]) -> "Erasure":
        """The same with what was erased before it was interrupted."""
        return Erasure(
            _added(earlier.get("rows", {}), self.rows),
            _added(earlier.get("objects", {}), self.objects),
            earlier.get("dead_letters", 0) + self.dead_letters,
        )


@dataclass(frozen=True)
class ErasureRecord:
    """That a tenant was erased: who asked for it, when, and how much it was. `ended_at` is None where it was interrupted."""

    tenant: str
    asked_by: str
    began_at: datetime
    ended_at: datetime | None
    erased: Mapping[str, Any]


async def erase_tenant(
    engine: AsyncEngine,
    storage: ObjectStore,
    buckets: Sequence[str],
    letters: Letters,
    tenant_id: str,
    *,
    asked_by: str,
) -> Erasure:
    """Erase a tenant, its registration included, and record it. May be repeated, also after it was interrupted.

    Args:
        engine: the database as the owner of its tables.
        storage: with a key that lists and deletes in the buckets.
        buckets: where objects of tenants lie, each below its tenant's name.
        letters: its dead letters.
        tenant_id: whose everything it is.
        asked_by: who wants it, for the record.

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
        tables = await _tables(conn)
        # Listed nowhere, so given up while it is known what they are called.
        for key, upload in (await conn.execute(_ARRIVING, {"tenant": tenant_id})).all():
            for bucket in buckets:
                await storage.abort(bucket, key, upload)
        rows = {table: await _delete(conn, table, tenant_id) for table in tables}
        rows = {table: number for table, number in rows.items() if number}
        record, earlier = await _begin(conn, tenant_id, asked_by)
        so_far = Erasure(rows, {}, 0).with_earlier(earlier)
        await conn.execute(_RECORD, {"id": record, "erased": _as_json(so_far)})
    objects = {bucket: await storage.erase(bucket, f"{tenant_id}/") for bucket in buckets}
    async with _alone(engine):
        dead_letters = await letters.erase(tenant_id)
    async with tenant_transaction(engine, tenant_id) as conn:
        left = [table for table in tables if await _has_rows(conn, table, tenant_id)]
        erased = Erasure(rows, objects, dead_letters)
        if not left:
            whole = Erasure({}, objects, dead_letters).with_earlier(asdict(so_far))
            statement = _FORGET if whole.nothing else _END
            await conn.execute(statement, {"id": record} | ({} if whole.nothing else {"erased": _as_json(whole)}))
    if left:
        raise SentMeanwhile(tenant_id, left)
    return erased


async def read_erasures(conn: AsyncConnection) -> list[ErasureRecord]:
    """The tenants that were erased, the latest first. Of the role `winnow_operator`."""
    return [ErasureRecord(*row) for row in await conn.execute(_RECORDS)]


async def _begin(conn: AsyncConnection, tenant_id: str, asked_by: str) -> tuple[UUID, Mapping[str, Any]]:
    """The record of this erasure, or of the one it goes on with, and what that had erased."""
    if (found := (await conn.execute(_UNFINISHED, {"tenant": tenant_id})).first()) is not None:
        return found.id, found.erased
    record = UUID(str(uuid7()))
    await conn.execute(_BEGIN, {"id": record, "tenant": tenant_id, "asked_by": asked_by})
    return record, {}


@asynccontextmanager
async def _alone(engine: AsyncEngine) -> AsyncIterator[None]:
    """While no other erasure is at this point."""
    async with engine.begin() as conn:
        await conn.execute(_UNHURRIED)
        await conn.execute(_ALONE)
        yield


def _as_json(erased: Erasure) -> str:
    return json.dumps(asdict(erased))


def _added(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {name: one.get(name, 0) + other.get(name, 0) for name in {**one, **other}}


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
