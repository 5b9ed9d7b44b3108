"""Connections to Postgres."""

from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine


def create_engine(url: str, *, connections: int = 5, name: str) -> AsyncEngine:
    """An engine for one role of one process; nothing is connected until it is used.

    Connections are checked before use, so a restarted server costs one failed attempt and not one a connection.
    `name` is what `pg_stat_activity.application_name` shows.
    """
    return create_async_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        pool_pre_ping=True,
        pool_timeout=30,
        # What is sent is the customers' own; an error in a log does without it.
        hide_parameters=True,
        connect_args={
            "timeout": 10,
            "server_settings": {
                "application_name": name,
                "jit": "off",
                # Nobody waits longer for a peer that is frozen or whose host is gone.
                "lock_timeout": "15s",
                "idle_in_transaction_session_timeout": "20s",
            },
        },
    )


def asyncpg_url(engine: AsyncEngine) -> str:
    """The engine's address as asyncpg itself takes it, password included: not for logs."""
    return engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
