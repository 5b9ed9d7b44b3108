"""No tenant sees or changes another's data: in Postgres itself, for every table that has a tenant."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from sqlalchemy import Table, delete, func, insert, select, text
from sqlalchemy.exc import DBAPIError
from uuid_utils.compat import uuid7

from shared.db import flat
from shared.db.imports import imports
from shared.db.metadata import metadata
from shared.db.roles import ROLES
from shared.db.transaction import tenant_transaction
from shared.messaging.failures import sqlstate_of
from tests.harness.files import product, row
from tests.harness.made_up import made_up
from tests.harness.staging import Desk
from tests.harness.world import World
from tests.integration.conftest import EngineOf

# Who may see across tenants, and what: claims and counts, never a row of a file.
ACROSS = {
    ("winnow_relay", "imports.outbox"),
    ("winnow_operator", "imports.imports"),
    ("winnow_operator", "imports.import_chunks"),
    ("winnow_operator", "imports.outbox"),
    ("winnow_keeper", "imports.imports"),
    ("winnow_keeper", "imports.import_chunks"),
    ("winnow_keeper", "imports.outbox"),
    # Ids of uploads that are to be looked at.
    ("winnow_parser", "gateway.looks"),
    # Where files lie that nobody goes on with.
    ("winnow_keeper", "gateway.uploads"),
    # What waits to be told, and what is old enough to go: whom, and what they answered.
    ("winnow_notifier", "gateway.deliveries"),
    ("winnow_keeper", "gateway.deliveries"),
    # Names of tenants only: a misspelt one is answered with the nearest.
    ("winnow_operator", "imports.tenants"),
    ("winnow_intake", "imports.tenants"),
    ("winnow_parser", "imports.tenants"),
}
GUIDED = {"replacements", "saved_mappings", "listed_columns", "column_values"}
MADE_UP = {"outbox", "tenants", "changes", "row_origins", "repair_counts", *GUIDED}
TENANTS = ("rls-one", "rls-two")
FLAT = [tables.produced for tables in flat.TABLES.values()]

EVERYTHING = [
    *product(1, variants=2),
    row(
        sku="OWN-1",
        attribute_1="Size",
        attribute_value_1="XL",
        materials="Silk",
        eco_claims="Local",
        carbon_kg=1,
        weight_g=9,
        weaving="Mill",
    ),
    *product(2, carbon_kg="none"),
]


def tables() -> list[Table]:
    return [table for table in metadata.sorted_tables if "tenant_id" in table.columns]


@pytest.fixture
async def filled(running_world: World, engine_of: EngineOf) -> AsyncIterator[None]:
    """Rows of both tenants in every table that has a tenant."""
    for tenant in TENANTS:
        there = await running_world.scalar("SELECT count(*) FROM imports.imports WHERE tenant_id = :t", t=tenant)
        if not there:
            for event in await Desk(engine_of, tenant).ready(EVERYTHING):
                await Desk(engine_of, tenant).commit(event)
    made: list[tuple[Table, str]] = []
    async with running_world.database() as conn:
        # What refers to others refers to nothing here.
        await conn.execute(text("SET LOCAL session_replication_role = replica"))
        for table in tables():
            for tenant in TENANTS:
                held = await conn.scalar(select(func.count()).select_from(table).where(table.c.tenant_id == tenant))
                if not held:
                    is_made_up = table.schema in {"staging", "gateway", "crm"} or table.name in MADE_UP or table in FLAT
                    assert is_made_up, f"{table} has no rows to look at"
                    row = _row_of(table, tenant)
                    if table.name == "row_origins":
                        row["import_id"] = await conn.scalar(
                            select(imports.c.id).where(imports.c.tenant_id == tenant).limit(1)
                        )
                    await conn.execute(insert(table).values(row))
                    made.append((table, tenant))
    yield
    async with running_world.database() as conn:
        # What refers to nothing would be in the way of a backup.
        await conn.execute(text("SET LOCAL session_replication_role = replica"))
        await conn.execute(text("DELETE FROM imports.outbox WHERE tenant_id LIKE 'rls-%'"))
        for table, tenant in made:
            await conn.execute(delete(table).where(table.c.tenant_id == tenant))


def _row_of(table: Table, tenant: str) -> dict[str, object]:
    if table.name == "outbox":
        return {
            "id": UUID(str(uuid7())),
            "tenant_id": tenant,
            "import_id": UUID(str(uuid7())),
            # Of no topic, so that no relay takes it away.
            "topic": "none",
            "key": "k",
            "headers": {},
            "body": b"{}",
        }
    if table in FLAT or table.schema in {"gateway", "crm"} or table.name in {"repair_counts", *GUIDED}:
        return made_up(table, tenant)
    row = {"tenant_id": tenant, "import_id": UUID(str(uuid7())), "chunk_no": 1, "row_no": 2, "group_row": 2}
    if table.name == "groups":
        row |= {"row_count": 1, "action": "create"}
    if table.name == "row_origins":
        row |= {"origin_import_id": UUID(str(uuid7())), "origin_row": 2, "in_production": False}
    if table.name == "changes":
        row |= {"record": "product", "record_id": UUID(str(uuid7())), "before": {}, "after": {}}
    return {name: value for name, value in row.items() if name in table.columns}


async def test_every_table_with_a_tenant_has_row_level_security_forced(running_world: World) -> None:
    async with running_world.database() as conn:
        found = await conn.execute(
            text(
                "SELECT n.nspname || '.' || c.relname AS name, c.relrowsecurity, c.relforcerowsecurity, "
                "       (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid) AS policies "
                "  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                "  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped "
                " WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema') "
                "   AND c.relpersistence <> 't'"
            )
        )
        rows = found.all()
    assert {row.name for row in rows} == {table.fullname for table in tables()}
    assert [row.name for row in rows if not (row.relrowsecurity and row.relforcerowsecurity and row.policies)] == []


async def test_no_role_of_ours_can_go_around_it(running_world: World) -> None:
    async with running_world.database() as conn:
        roles = (
            await conn.execute(
                text(
                    "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, "
                    "       (SELECT count(*) FROM pg_class WHERE relowner = r.oid AND relnamespace NOT IN "
                    "           (SELECT oid FROM pg_namespace WHERE nspname LIKE 'pg_%temp%' OR nspname = 'pg_toast')) AS owned, "
                    "       (SELECT count(*) FROM pg_auth_members WHERE member = r.oid) AS memberships "
                    "  FROM pg_roles r WHERE rolname LIKE 'winnow%'"
                )
            )
        ).all()
    assert {role.rolname for role in roles} == set(ROLES)
    assert [role for role in roles if any(tuple(role)[1:])] == []


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_sees_the_rows_of_the_tenant_that_is_set_and_no_others(
    running_world: World, engine_of: EngineOf, filled: None, role: str
) -> None:
    looked = 0
    for table in tables():
        if not await _may(running_world, role, table, "SELECT"):
            continue
        looked += 1
        across = (role, table.fullname) in ACROSS
        tenants = select(table.c.tenant_id).distinct()
        async with tenant_transaction(engine_of(role), TENANTS[0]) as conn:
            seen = set((await conn.execute(tenants)).scalars())
        assert seen == {TENANTS[0]} or (across and seen >= set(TENANTS)), (table.fullname, seen)
        async with engine_of(role).connect() as conn:
            unset = set((await conn.execute(tenants)).scalars())
        assert unset == set() or across, (table.fullname, unset)
    assert looked, "a role that may read nothing is of no use"


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_cannot_write_a_row_of_another_tenant(
    running_world: World, engine_of: EngineOf, filled: None, role: str
) -> None:
    mine, other = TENANTS
    for table in tables():
        if await _may(running_world, role, table, "UPDATE") and (role, table.fullname) not in ACROSS:
            with pytest.raises(DBAPIError) as refused:
                async with tenant_transaction(engine_of(role), mine) as conn:
                    await conn.execute(table.update().values(tenant_id=other))
            # Keys that are referred to never change, and that is looked at first.
            assert sqlstate_of(refused.value) in {"42501", "23503"}, table.fullname
            async with tenant_transaction(engine_of(role), mine) as conn:
                taken = await conn.execute(table.update().where(table.c.tenant_id == other).values(tenant_id=mine))
            assert taken.rowcount == 0, table.fullname
        if await _may(running_world, role, table, "DELETE") and (role, table.fullname) not in ACROSS:
            async with tenant_transaction(engine_of(role), mine) as conn:
                gone = await conn.execute(table.delete().where(table.c.tenant_id == other))
            assert gone.rowcount == 0, table.fullname


async def test_a_transaction_of_one_tenant_leaves_nothing_set_for_the_next(engine_of: EngineOf) -> None:
    engine = engine_of("winnow_reader")
    async with tenant_transaction(engine, TENANTS[0]):
        pass
    async with engine.connect() as conn:
        assert await conn.scalar(text("SELECT coalesce(current_setting('winnow.tenant_id', true), '')")) == ""


async def _may(world: World, role: str, table: Table, what: str) -> bool:
    return bool(
        await world.scalar("SELECT has_table_privilege(:role, :name, :what)", role=role, name=table.fullname, what=what)
    )
