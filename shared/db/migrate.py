"""`winnow migrate`: the database, its tables and the passwords of its roles."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from shared.connections import DatabaseOptions
from shared.db.engine import create_engine
from shared.db.roles import ROLES, role_password

DATABASE = "winnow"
_SCRIPTS = Path(__file__).parent / "migrations"
# Any number; two migrations at once wait for each other.
_LOCK = 7_295_310_418
_LOGIN = "SELECT format('ALTER ROLE %I LOGIN PASSWORD %L', $1::text, $2::text)"
_NONE = timedelta(0)
# A migration may rewrite a table; it takes as long as it takes.
_UNHURRIED = DatabaseOptions(statement_timeout=_NONE, lock_timeout=_NONE, idle_in_transaction_timeout=_NONE)


class PasswordMissing(Exception):
    """A role would have no password: {which, and what to give}."""


async def migrate(
    admin_url: str,
    secret: str | None,
    *,
    database: str = DATABASE,
    passwords: Mapping[str, str] = MappingProxyType({}),
    options: DatabaseOptions = DatabaseOptions(),  # noqa: B008 - frozen
) -> None:
    """Bring the database to the newest version and give every role its password. Repeating it changes nothing.

    Args:
        admin_url: address of a role that may create databases and roles; its database part is not used.
        secret: what the roles' passwords are derived from (`shared.db.roles.role_password`); None when all are given.
        database: name of the database, created when missing.
        passwords: by role, in place of derived ones.
        options: the timeouts the roles get, for connections that bring none (through a pooler, by hand).

    Raises:
        PasswordMissing: a role has neither a password of its own nor a secret to derive it from.
    """
    known = role_passwords(secret, passwords)
    url = make_url(admin_url).set(drivername="postgresql")
    admin = await asyncpg.connect(url.set(database="postgres").render_as_string(hide_password=False))
    try:
        await admin.execute("SELECT pg_advisory_lock($1)", _LOCK)
        if not await admin.fetchval("SELECT count(*) FROM pg_database WHERE datname = $1", database):
            await admin.execute(f"CREATE DATABASE {_quoted(database)} TEMPLATE template0 ENCODING 'UTF8'")
        await upgrade(url.set(drivername="postgresql+asyncpg", database=database).render_as_string(hide_password=False))
        for role, password in known.items():
            await admin.execute(await admin.fetchval(_LOGIN, role, password))
            for name, value in options.timeouts.items():
                await admin.execute(f"ALTER ROLE {role} IN DATABASE {_quoted(database)} SET {name} = {value}")
    finally:
        await admin.close()


def role_passwords(secret: str | None, given: Mapping[str, str]) -> dict[str, str]:
    """The password of every role: the given one, else the derived one.

    Raises:
        PasswordMissing: there is no secret, and a role has no password; or there is no such role.
    """
    if unknown := sorted(set(given) - set(ROLES)):
        raise PasswordMissing(f"There is no role {', '.join(unknown)}; the roles are {', '.join(ROLES)}")
    if secret is None and (missing := [role for role in ROLES if role not in given]):
        raise PasswordMissing(f"No secret is given, and no password for {', '.join(missing)}")
    return {role: given.get(role) or role_password(secret or "", role) for role in ROLES}


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

    engine = create_engine(url, name="winnow-migrate", options=_UNHURRIED, poolclass=NullPool)
    try:
        async with engine.begin() as conn:
            await conn.run_sync(run)
    finally:
        await engine.dispose()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
