"""Nobody waits for ever on a connection to Postgres, whoever opened it; what a timeout ends is tried again."""

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.stack import Stack
from shared.connections import DatabaseOptions
from shared.db.engine import connect_directly, create_engine
from shared.db.roles import ROLES
from shared.messaging.failures import FailureKind, kind_of
from tests.harness.world import eventually

HASTY = DatabaseOptions(
    statement_timeout=timedelta(milliseconds=300),
    lock_timeout=timedelta(milliseconds=100),
    idle_in_transaction_timeout=timedelta(milliseconds=200),
)
TIMEOUTS = text(
    "SELECT name, setting FROM pg_settings WHERE name IN ('statement_timeout', 'lock_timeout', "
    "'idle_in_transaction_session_timeout', 'tcp_keepalives_idle', 'tcp_keepalives_interval', 'tcp_keepalives_count', "
    "'tcp_user_timeout')"
)


@pytest.fixture
async def hasty(stack: Stack) -> AsyncIterator[AsyncEngine]:
    """Connections of a service with no patience."""
    engine = create_engine(stack.database_url("winnow_committer"), name="test", options=HASTY)
    yield engine
    await engine.dispose()


@pytest.mark.parametrize("role", ROLES)
async def test_every_role_has_timeouts_and_keepalives(stack: Stack, role: str) -> None:
    engine = create_engine(stack.database_url(role), name="test")
    async with engine.connect() as conn:
        told = {row.name: row.setting for row in await conn.execute(TIMEOUTS)}
        transport = (await conn.get_raw_connection()).driver_connection._transport  # type: ignore[union-attr]
        ours = transport.get_extra_info("socket")
        assert ours.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 30
        assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 60_000
    await engine.dispose()
    assert told == {
        "statement_timeout": "600000",
        "lock_timeout": "15000",
        "idle_in_transaction_session_timeout": "20000",
        "tcp_keepalives_idle": "30",
        "tcp_keepalives_interval": "10",
        "tcp_keepalives_count": "3",
        "tcp_user_timeout": "60000",
    }


async def test_a_connection_that_brings_no_timeouts_gets_those_of_its_role(stack: Stack) -> None:
    through_a_pooler = DatabaseOptions(transaction_pooler=True)
    engine = create_engine(stack.database_url("winnow_parser"), name="test", options=through_a_pooler)
    async with engine.connect() as conn:
        assert (await conn.execute(text("SHOW lock_timeout"))).scalar_one() == "15s"
    await engine.dispose()


async def test_one_that_listens_has_them_too(hasty: AsyncEngine) -> None:
    connection = await connect_directly(hasty, name="test")
    assert await connection.fetchval("SHOW lock_timeout") == "100ms"
    await connection.close()


async def test_a_lock_is_not_waited_for_longer_than_is_said(hasty: AsyncEngine) -> None:
    lock = text("SELECT pg_advisory_xact_lock(4711)")
    async with hasty.begin() as holder:
        await holder.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        await holder.execute(lock)
        with pytest.raises(DBAPIError, match="lock timeout") as late:
            async with hasty.begin() as waiting:
                await waiting.execute(lock)
    assert kind_of(late.value) is FailureKind.TRANSIENT


async def test_a_statement_ends_after_the_time_that_is_said(hasty: AsyncEngine) -> None:
    with pytest.raises(DBAPIError, match="statement timeout") as late:
        async with hasty.begin() as conn:
            await conn.execute(text("SELECT pg_sleep(30)"))
    assert kind_of(late.value) is FailureKind.TRANSIENT


async def test_whoever_falls_silent_within_a_transaction_loses_its_locks(hasty: AsyncEngine) -> None:
    lock = text("SELECT pg_advisory_xact_lock(4712)")
    silent = await hasty.connect()
    await silent.execute(lock)

    async def taken() -> bool:
        try:
            async with hasty.begin() as other:
                await other.execute(lock)
        except DBAPIError as late:
            assert kind_of(late) is FailureKind.TRANSIENT
            return False
        return True

    await eventually("the lock is given back", taken, seconds=10)
    with pytest.raises(DBAPIError) as ended:
        await silent.execute(text("SELECT 1"))
    assert kind_of(ended.value) is FailureKind.TRANSIENT
    await silent.close()


async def test_a_long_stream_outlives_every_timeout_that_is_not_its_own(hasty: AsyncEngine) -> None:
    """As the exporter reads: batch by batch, with a file being written in between."""
    seen = 0
    async with hasty.begin() as conn:
        await conn.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        rows = await conn.stream(text("SELECT n FROM generate_series(1, 6) n"))
        async for part in rows.partitions(1):
            seen += len(part)
            await asyncio.sleep(0.1)  # what the file takes: twice the statement's time in all
    assert seen == 6
