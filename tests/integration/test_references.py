"""What a row refers to is its own tenant's, whichever table and whichever service: each foreign key is tried."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from sqlalchemy import TextClause, text
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
    UNION ALL
    SELECT name, format('catalog.%I', referring), format('catalog.%I', entity), columns, keys
      FROM catalog.entity_references
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
OTHER_TRIGGERS = text(
    """
    SELECT format('ALTER TABLE %s DISABLE TRIGGER %I', t.tgrelid::regclass, t.tgname)
      FROM pg_trigger t
     WHERE t.tgrelid = ANY(CAST(CAST(:tables AS text[]) AS regclass[])) AND NOT t.tgisinternal
       AND NOT starts_with(t.tgname, :name) AND t.tgname <> 'key_stays'
    """
)
COLUMNS = text(
    """
    SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type FROM pg_attribute a
     WHERE a.attrelid = CAST(:table AS regclass) AND a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull AND a.attgenerated = ''
    """
)
VALUES = {
    "uuid": "gen_random_uuid()",
    "jsonb": "'{}'",
    "json": "'{}'",
    "bytea": "''",
    "boolean": "false",
    "text": "'x'",
    "text[]": "'{}'",
}


PRODUCT = "0190f2f0-0000-7000-8000-0000000000ab"
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
    for others in (OTHERS, OTHER_TRIGGERS):
        found = await conn.execute(others, {"tables": [key.referring, key.referred_to], "name": key.name})
        for drop in found.scalars().all():
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
    # Sums are kept by triggers, in their owner's name.
    await conn.exec_driver_sql(f"SET LOCAL ROLE {next(iter(role), 'NONE')}")
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


async def test_an_entity_that_rows_name_stays_and_one_that_none_names_can_go(idle_world: World) -> None:
    keys = [key for key in await foreign_keys(idle_world) if await _is_held_by_triggers(idle_world, key)]
    assert len(keys) == 11
    for key in keys:
        async with idle_world.database() as conn:
            await refer(conn, key, "mine")
            await conn.exec_driver_sql("RESET ROLE")
            with pytest.raises(IntegrityError, match=f'violates foreign key constraint "{key.name}"'):
                async with conn.begin_nested():
                    await conn.exec_driver_sql(f"DELETE FROM {key.referred_to} WHERE tenant_id = 'mine'")
            with pytest.raises(IntegrityError, match="does not change"):
                async with conn.begin_nested():
                    await conn.exec_driver_sql(f"UPDATE {key.referred_to} SET tenant_id = 'other'")
            await conn.exec_driver_sql(f"DELETE FROM {key.referring} WHERE tenant_id = 'mine'")
            gone = await conn.exec_driver_sql(f"DELETE FROM {key.referred_to} WHERE tenant_id = 'mine'")
            assert gone.rowcount == 1
            await conn.rollback()


async def test_a_row_cannot_be_changed_to_name_what_is_not_there_and_can_name_nothing(idle_world: World) -> None:
    (key,) = [key for key in await foreign_keys(idle_world) if key.name == "products_tenant_id_season_id_fkey"]
    async with idle_world.database() as conn:
        await refer(conn, key, "mine")
        with pytest.raises(IntegrityError, match=f'violates foreign key constraint "{key.name}"'):
            async with conn.begin_nested():
                await conn.exec_driver_sql("UPDATE catalog.products SET season_id = 1987654322")
        named = await conn.exec_driver_sql("UPDATE catalog.products SET season_id = NULL RETURNING season_id")
        assert named.scalar_one() is None
        await conn.rollback()


async def test_of_naming_and_deleting_an_entity_at_once_only_the_first_is_done(idle_world: World, tenant: str) -> None:
    async with idle_world.database() as conn:
        made = await conn.execute(
            text(
                "INSERT INTO catalog.tags (tenant_id, name, name_key) VALUES (:t, 'a', 'a'), (:t, 'b', 'b') RETURNING id"
            ),
            {"t": tenant},
        )
        first, second = made.scalars()
        await conn.execute(
            text(
                "INSERT INTO catalog.products (id, tenant_id, handle, title, import_id, import_row_no) "
                "VALUES (:id, :t, 'p', 'P', :id, 1)"
            ),
            {"t": tenant, "id": PRODUCT},
        )
        await conn.commit()
    name = text(
        "INSERT INTO catalog.product_tags (tenant_id, product_id, tag_id, position, import_id, import_row_no) "
        "VALUES (:t, :id, :tag, 0, :id, 1)"
    )
    delete = text("DELETE FROM catalog.tags WHERE tenant_id = :t AND id = :tag")
    for tag, (done, refused) in {first: (name, delete), second: (delete, name)}.items():
        values = {"t": tenant, "id": PRODUCT, "tag": tag}
        async with idle_world.database() as conn, idle_world.database() as other:
            await conn.execute(done, values)
            waiting = asyncio.create_task(_refused(other, refused, values))
            await _until_somebody_waits(idle_world)
            await conn.commit()
            assert "product_tags_tenant_id_tag_id_fkey" in await waiting


async def _refused(conn: AsyncConnection, statement: TextClause, values: dict[str, object]) -> str:
    with pytest.raises(IntegrityError) as refused:
        await conn.execute(statement, values)
    await conn.rollback()
    return str(refused.value)


async def _until_somebody_waits(world: World) -> None:
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    while True:
        async with world.database() as conn:
            if (await conn.execute(waiting)).scalar_one():
                return
        await asyncio.sleep(0.01)


async def _is_held_by_triggers(world: World, key: ForeignKey) -> bool:
    listed = text("SELECT EXISTS (SELECT FROM catalog.entity_references WHERE name = :name)")
    async with world.database() as conn:
        return bool((await conn.execute(listed, {"name": key.name})).scalar_one())
