"""What a row refers to is its own tenant's, whichever table and whichever service: each foreign key is tried."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.roles import ROLES
from tests.harness.world import World

FOREIGN_KEYS = text(
    """
    SELECT k.conname AS name, format('%I.%I', n.nspname, c.relname) AS referring,
           format('%I.%I', tn.nspname, t.relname) AS referred_to,
           (SELECT array_agg(a.attname ORDER BY u.place) FROM unnest(k.conkey) WITH ORDINALITY AS u (number, place)
              JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number) AS columns,
           (SELECT array_agg(a.attname ORDER BY u.place) FROM unnest(k.confkey) WITH ORDINALITY AS u (number, place)
              JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.number) AS referred_columns
      FROM pg_constraint k
      JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_class t ON t.oid = k.confrelid JOIN pg_namespace tn ON tn.oid = t.relnamespace
     WHERE k.contype = 'f'
       AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id')
       AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attname = 'tenant_id')
     ORDER BY 1
    """
)
OTHERS = text(
    """
    SELECT format('ALTER TABLE %s DROP CONSTRAINT %I CASCADE', k.conrelid::regclass, k.conname)
      FROM pg_constraint k
     WHERE k.conrelid = ANY(CAST(CAST(:tables AS text[]) AS regclass[])) AND k.conname <> :name AND k.contype IN ('c', 'f')
    """
)
COLUMNS = text(
    """
    SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type FROM pg_attribute a
     WHERE a.attrelid = CAST(:table AS regclass) AND a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull
    """
)
VALUES = {
    "uuid": "gen_random_uuid()",
    "jsonb": "'{}'",
    "json": "'{}'",
    "bytea": "''",
    "boolean": "false",
    "text": "'x'",
}


UNUSED = "1987654321"
"""A number that no row of another test has for an id."""


def _any_value(type_name: str) -> str:
    if type_name.startswith("timestamp"):
        return "now()"
    return UNUSED if type_name in {"integer", "bigint"} else "1"


@dataclass(frozen=True)
class ForeignKey:
    """One between two tables that both have tenants."""

    name: str
    referring: str
    referred_to: str
    columns: Sequence[str]
    referred_columns: Sequence[str]


async def insert(conn: AsyncConnection, table: str, fixed: dict[str, str]) -> None:
    """A row with these values, as SQL, and with anything in the other columns that need a value."""
    needed = {
        row.name: VALUES.get(row.type, _any_value(row.type)) for row in await conn.execute(COLUMNS, {"table": table})
    }
    row = {**needed, **fixed}
    names, values = ", ".join(f'"{name}"' for name in row), ", ".join(row.values())
    await conn.exec_driver_sql(f"INSERT INTO {table} ({names}) OVERRIDING SYSTEM VALUE VALUES ({values})")


async def refer(conn: AsyncConnection, key: ForeignKey, tenant: str) -> None:
    """Have a service write a row of a tenant that refers to a row of tenant `mine`; nothing else is in its way."""
    await conn.exec_driver_sql("ALTER TABLE imports.imports DISABLE TRIGGER USER")
    for drop in (await conn.execute(OTHERS, {"tables": [key.referring, key.referred_to], "name": key.name})).scalars():
        await conn.exec_driver_sql(drop)
    types = {row.name: row.type for row in await conn.execute(COLUMNS, {"table": key.referred_to})}
    theirs = {
        name: "'mine'" if name == "tenant_id" else "gen_random_uuid()" if types[name] == "uuid" else UNUSED
        for name in key.referred_columns
    }
    for name, value in theirs.items():
        if value == "gen_random_uuid()":
            theirs[name] = f"'{(await conn.exec_driver_sql('SELECT gen_random_uuid()')).scalar_one()}'"
    await insert(conn, key.referred_to, {"tenant_id": "'mine'", **theirs})
    role = (
        await conn.execute(
            text(
                "SELECT role FROM unnest(CAST(:roles AS text[])) AS role WHERE has_table_privilege(role, :table, 'INSERT')"
            ),
            {"roles": list(ROLES), "table": key.referring},
        )
    ).scalars()
    await conn.exec_driver_sql(f"SET LOCAL ROLE {next(iter(role))}")
    await conn.exec_driver_sql(f"SET LOCAL winnow.tenant_id = '{tenant}'")
    given = {name: theirs[there] for name, there in zip(key.columns, key.referred_columns, strict=True)}
    await insert(conn, key.referring, {**given, "tenant_id": f"'{tenant}'"})


async def foreign_keys(world: World) -> list[ForeignKey]:
    async with world.database() as conn:
        return [ForeignKey(*row) for row in await conn.execute(FOREIGN_KEYS)]


async def test_every_foreign_key_refuses_a_row_of_another_tenant_and_takes_one_of_the_same(idle_world: World) -> None:
    keys = await foreign_keys(idle_world)
    assert len(keys) >= 25
    for key in keys:
        async with idle_world.database() as conn:
            await refer(conn, key, "mine")
            await conn.rollback()
        async with idle_world.database() as conn:
            with pytest.raises(IntegrityError, match=f'violates foreign key constraint "{key.name}"'):
                await refer(conn, key, "other")
            await conn.rollback()
