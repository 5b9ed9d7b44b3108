"""The migrations make what the code declares, and can be undone."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from deploy.local.stack import Stack
from shared.db.metadata import metadata
from shared.db.migrate import downgrade, migrate, upgrade

SCHEMAS = {"imports", "staging", "catalog"}


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

    context = MigrationContext.configure(
        connection, opts={"include_schemas": True, "include_name": ours, "compare_type": True}
    )
    return [
        difference for difference in compare_metadata(context, metadata) if "alembic_version" not in str(difference)
    ]


def _tables(connection: Connection) -> set[str]:
    found = connection.execute(
        text(
            "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname IN ('imports', 'staging', 'catalog')"
        )
    )
    return set(found.scalars())


async def test_the_migrated_database_is_what_the_code_declares(database: str) -> None:
    assert await _run(database, _differences) == []


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
