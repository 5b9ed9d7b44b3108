"""The migrations make what the code declares, and can be undone."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, ForeignKeyConstraint, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from deploy.local.stack import Stack
from shared.db.metadata import BY_STATEMENT, NAMES, metadata
from shared.db.migrate import downgrade, migrate, upgrade

SCHEMAS = {"imports", "staging", "catalog", "gateway", "crm"}


@pytest.fixture
async def database(stack: Stack) -> AsyncIterator[str]:
    """A migrated database of its own; its address."""
    await migrate(stack.endpoints.postgres_admin_url, stack.state.secret, database="migrations")
    url = make_url(stack.admin_database_url).set(database="migrations").render_as_string(hide_password=False)
    yield url
    engine = create_async_engine(stack.admin_database_url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    async with engine.connect() as conn:
        await conn.execute(text("DROP DATABASE migrations WITH (FORCE)"))
    await engine.dispose()


async def _run(url: str, look: Any) -> Any:
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.connect() as conn:
        found = await conn.run_sync(look)
    await engine.dispose()
    return found


def _differences(connection: Connection) -> Sequence[Any]:
    def ours(name: str | None, kind: str, _parents: object) -> bool:
        return kind != "schema" or name in SCHEMAS

    def is_a_constraint(declared: Any, _name: object, kind: str, _reflected: object, _other: object) -> bool:
        return kind != "foreign_key_constraint" or not declared.info.get(BY_STATEMENT)

    context = MigrationContext.configure(
        connection,
        opts={
            "include_schemas": True,
            "include_name": ours,
            "include_object": is_a_constraint,
            "compare_type": True,
        },
    )
    return [
        difference for difference in compare_metadata(context, metadata) if "alembic_version" not in str(difference)
    ]


def _named(key: ForeignKeyConstraint) -> dict[str, str]:
    return {"table_name": key.table.name, "column_0_N_name": "_".join(key.column_keys)}


def _tables(connection: Connection) -> set[str]:
    found = connection.execute(
        text(
            "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname IN ('imports', 'staging', 'catalog', 'gateway', 'crm')"
        )
    )
    return set(found.scalars())


async def test_the_migrated_database_is_what_the_code_declares(database: str) -> None:
    assert await _run(database, _differences) == []


async def test_references_held_by_triggers_are_those_the_code_declares(database: str) -> None:
    def look(connection: Connection) -> list[tuple[str, str, list[str], str, list[str]]]:
        found = connection.execute(
            text("SELECT name, referring, columns, entity, keys FROM catalog.entity_references ORDER BY 1")
        )
        return [tuple(row) for row in found]

    declared = [
        (
            str(key.name or NAMES["fk"] % _named(key)),
            key.table.name,
            list(key.column_keys),
            key.referred_table.name,
            [element.column.name for element in key.elements],
        )
        for table in metadata.tables.values()
        for key in table.foreign_key_constraints
        if key.info.get(BY_STATEMENT)
    ]
    assert sorted(declared) == await _run(database, look)


async def test_migrations_can_be_undone_and_done_again(database: str) -> None:
    before = await _run(database, _tables)
    await downgrade(database)
    assert await _run(database, _tables) == set()
    await upgrade(database)
    assert await _run(database, _tables) == before


async def test_migrating_twice_changes_nothing(stack: Stack, database: str) -> None:
    await migrate(stack.endpoints.postgres_admin_url, stack.state.secret, database="migrations")
    assert await _run(database, _differences) == []


async def test_the_category_tree_is_there_and_hangs_together(database: str) -> None:
    def look(connection: Connection) -> tuple[int, int]:
        counted = connection.execute(
            text(
                "SELECT count(*), count(*) FILTER (WHERE c.path <> coalesce(p.path || ' > ', '') || c.name) "
                "FROM catalog.taxonomy_categories c LEFT JOIN catalog.taxonomy_categories p ON p.id = c.parent_id"
            )
        ).one()
        return counted[0], counted[1]

    categories, broken = await _run(database, look)
    assert categories > 300
    assert broken == 0


async def test_what_was_under_way_before_an_upgrade_goes_on_after_it(database: str) -> None:
    """A chunk that waits for its commit has its groups counted, and whoever has imports is a tenant."""
    await downgrade(database, "0001")

    def write(connection: Connection) -> None:
        for statement in (
            (
                "INSERT INTO imports.imports (id, tenant_id, user_id, entity_type, mode, status, file_name, object_key, parsed_at) "
                "VALUES (:id, 'older', 'u', 'products', 'create', 'importing', 'f.xlsx', 'older/f.xlsx', now())"
            ),
            (
                "INSERT INTO imports.import_chunks (import_id, chunk_no, tenant_id, first_row, last_row, row_count, state, failed) "
                "VALUES (:id, 1, 'older', 2, 4, 3, 'validated', 2), (:id, 2, 'older', 5, 5, 1, 'quarantined', 1)"
            ),
            (
                "INSERT INTO imports.raw_rows (import_id, row_no, tenant_id, chunk_no, group_row, cells) "
                "SELECT :id, row_no, 'older', chunk, group_row, '[]' FROM (VALUES (2, 1, 2), (3, 1, 3), (4, 1, 3), (5, 2, 5)) AS r (row_no, chunk, group_row)"
            ),
            (
                "INSERT INTO imports.row_errors (import_id, row_no, position, tenant_id, chunk_no, group_row, code, message) "
                "VALUES (:id, 4, 0, 'older', 1, 3, 'required', 'SKU is required'), (:id, 5, 0, 'older', 2, 5, 'internal', 'W-1')"
            ),
        ):
            connection.execute(text(statement), {"id": "0190f2f0-0000-7000-8000-00000000000a"})
        connection.commit()

    def look(connection: Connection) -> tuple[Sequence[Any], Sequence[Any]]:
        groups = connection.execute(text("SELECT group_row, row_count, action, status FROM staging.groups ORDER BY 1"))
        tenants = connection.execute(text("SELECT tenant_id FROM imports.tenants"))
        return [tuple(row) for row in groups], list(tenants.scalars())

    await _run(database, write)
    await upgrade(database)
    groups, tenants = await _run(database, look)
    assert groups == [(2, 1, "create", "pending"), (3, 2, "create", "failed"), (5, 1, "create", "pending")]
    assert tenants == ["older"]
