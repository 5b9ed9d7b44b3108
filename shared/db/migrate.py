"""`winnow migrate`: the database, its tables and the passwords of its roles."""

from collections.abc import Callable
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from shared.db.roles import ROLES, role_password

DATABASE = "winnow"
_SCRIPTS = Path(__file__).parent / "migrations"
# Any number; two migrations at once wait for each other.
_LOCK = 7_295_310_418


async def migrate(admin_url: str, secret: str, *, database: str = DATABASE) -> None:
    """Bring the database to the newest version and give every role its password. Repeating it changes nothing.

    Args:
        admin_url: address of a role that may create databases and roles; its database part is not used.
        secret: what the roles' passwords are derived from (`shared.db.roles.role_password`).
        database: name of the database, created when missing.
    """
    url = make_url(admin_url).set(drivername="postgresql")
    admin = await asyncpg.connect(url.set(database="postgres").render_as_string(hide_password=False))
    try:
        await admin.execute("SELECT pg_advisory_lock($1)", _LOCK)
        if not await admin.fetchval("SELECT count(*) FROM pg_database WHERE datname = $1", database):
            await admin.execute(f"CREATE DATABASE \"{database}\" TEMPLATE template0 ENCODING 'UTF8'")
        await upgrade(url.set(drivername="postgresql+asyncpg", database=database).render_as_string(hide_password=False))
        for role in ROLES:
            await admin.execute(f"ALTER ROLE {role} LOGIN PASSWORD '{role_password(secret, role)}'")
    finally:
        await admin.close()


async def upgrade(url: str, revision: str = "head") -> None:
    """Run the migrations up to a revision in the database of `url` (postgresql+asyncpg)."""
    await _run(url, lambda config: command.upgrade(config, revision))


async def downgrade(url: str, revision: str = "base") -> None:
    """Undo the migrations down to a revision."""
    await _run(url, lambda config: command.downgrade(config, revision))


async def _run(url: str, step: Callable[[Config], None]) -> None:
    def run(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(_SCRIPTS))
        config.attributes["connection"] = connection
        step(config)

    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with engine.begin() as conn:
            await conn.run_sync(run)
    finally:
        await engine.dispose()
