"""Connections to Postgres: one place for what each is told, whoever opens it."""

import socket
import time
from typing import Any

import asyncpg
from sqlalchemy import event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from shared.connections import DatabaseOptions

_DEFAULT = DatabaseOptions()
_OPTIONS = "winnow_database_options"
_RETURNED = "winnow_returned"
_TRUSTED_SECONDS = 1.0
# What libpq's addresses say of TLS, and asyncpg takes from an address only.
_TLS = frozenset(
    {
        "sslmode",
        "sslrootcert",
        "sslcert",
        "sslkey",
        "sslpassword",
        "sslcrl",
        "ssl_min_protocol_version",
        "ssl_max_protocol_version",
    }
)


def create_engine(
    url: str, *, connections: int = 5, name: str, options: DatabaseOptions = _DEFAULT, **also: Any
) -> AsyncEngine:
    """An engine for one role of one process; nothing is connected until it is used.

    Connections that have rested are checked before use, so a restarted server costs one failed attempt and not one a
    connection; one that was used a moment ago is not, for the check costs as much as a small transaction.
    `name` is what `pg_stat_activity.application_name` shows. `also` is handed to SQLAlchemy.
    """
    pool = {} if "poolclass" in also else {"pool_size": connections, "max_overflow": 0, "pool_timeout": 30}
    engine = create_async_engine(
        url,
        **pool,
        # What is sent is the customers' own; an error in a log does without it.
        hide_parameters=True,
        connect_args={**_arguments(name, options), **_statement_names(options)},
        execution_options={_OPTIONS: options},
        **also,
    )
    _prepare_connections(engine, options)
    _check_rested_connections(engine)
    return engine


def keeps_its_session(connection: AsyncConnection) -> bool:
    """Whether what a transaction makes of its session is there for the connection's next one; behind a pooler it may be anybody's."""
    options: DatabaseOptions = connection.sync_engine.get_execution_options().get(_OPTIONS, _DEFAULT)
    return not options.transaction_pooler


async def connect_directly(engine: AsyncEngine, *, name: str) -> "asyncpg.Connection[asyncpg.Record]":
    """A connection beside the engine's own, to the server itself where a pooler is in between: for LISTEN."""
    options: DatabaseOptions = engine.sync_engine.get_execution_options().get(_OPTIONS, _DEFAULT)
    address = asyncpg_url(engine) if options.direct_url is None else _render(make_url(options.direct_url))
    connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(
        address, **_arguments(name, options.past_the_pooler)
    )
    _keep_alive(connection, options)
    return connection


def asyncpg_url(engine: AsyncEngine) -> str:
    """The engine's address as asyncpg itself takes it, password included: not for logs."""
    return _render(engine.url)


def _render(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def _arguments(name: str, options: DatabaseOptions) -> dict[str, Any]:
    """What asyncpg is told.

    A pooler refuses most settings in the first message of a connection; the timeouts are then those that
    `winnow migrate` gave the role. No statement has a name there: the next transaction may be another connection's.
    """
    if options.transaction_pooler:
        return {
            "timeout": options.connect_timeout.total_seconds(),
            "statement_cache_size": 0,
            "server_settings": {"application_name": name},
        }
    return {
        "timeout": options.connect_timeout.total_seconds(),
        "server_settings": {"application_name": name, "jit": "off", **options.timeouts, **options.keepalives},
    }


def _statement_names(options: DatabaseOptions) -> dict[str, Any]:
    if not options.transaction_pooler:
        return {}
    return {"prepared_statement_cache_size": 0, "prepared_statement_name_func": lambda: ""}


def _prepare_connections(engine: AsyncEngine, options: DatabaseOptions) -> None:
    @event.listens_for(engine.sync_engine, "do_connect")
    def _tls(_dialect: object, _record: object, _arguments: object, parameters: dict[str, Any]) -> None:
        said = {key: parameters.pop(key) for key in _TLS & parameters.keys()}
        if said:
            parameters["dsn"] = _render(URL.create("postgresql", query=said))

    @event.listens_for(engine.sync_engine, "connect")
    def _connected(connection: Any, _record: object) -> None:
        _keep_alive(connection.driver_connection, options)


def _check_rested_connections(engine: AsyncEngine) -> None:
    dialect = engine.sync_engine.dialect

    @event.listens_for(engine.sync_engine, "checkin")
    def _returned(_connection: object, record: ConnectionPoolEntry) -> None:
        record.info[_RETURNED] = time.monotonic()

    @event.listens_for(engine.sync_engine, "checkout")
    def _taken(connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
        returned = record.info.get(_RETURNED)
        if returned is None or time.monotonic() - returned < _TRUSTED_SECONDS:
            return
        try:
            dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error as error:
            if not dialect.is_disconnect(error, connection, None):
                raise
            # All that rest are connections to the same server.
            raise InvalidatePoolError from error


def _keep_alive(connection: Any, options: DatabaseOptions) -> None:
    """Have the system notice, within the same times as the server does, that the server's host has vanished."""
    found: socket.socket | None = connection._transport.get_extra_info("socket")  # noqa: SLF001 - asyncpg has no option for it
    if found is None or found.family not in {socket.AF_INET, socket.AF_INET6}:
        return
    wanted = {
        "TCP_KEEPIDLE": int(options.keepalive_idle.total_seconds()),
        "TCP_KEEPINTVL": int(options.keepalive_interval.total_seconds()),
        "TCP_KEEPCNT": options.keepalive_count,
        "TCP_USER_TIMEOUT": int(options.tcp_user_timeout.total_seconds() * 1000),
    }
    found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in wanted.items():
        # Not every system has each of them; zero is the system's own.
        if value and (number := getattr(socket, name, None)) is not None:
            found.setsockopt(socket.IPPROTO_TCP, number, value)
