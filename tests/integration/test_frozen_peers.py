"""A process that is frozen, or whose host is gone, keeps nothing that others wait for."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.parser.lease import reading_lease
from shared.db.engine import create_engine
from shared.db.roles import RELAY_ROLE, SERVICE_ROLES
from shared.messaging.failures import FailureKind, kind_of
from tests.harness.files import catalogue
from tests.harness.fleet import ROOT
from tests.harness.staging import Desk
from tests.harness.world import World
from tests.integration.conftest import EngineOf

SILENCE = timedelta(seconds=2)

_HOLDER = """
import asyncio, datetime, os, sys, uuid
from services.parser.lease import reading_lease
from shared.db.engine import create_engine

async def main():
    engine = create_engine(os.environ["URL"], name="holder")
    lease = reading_lease(engine, uuid.UUID(os.environ["IMPORT"]), patience=0, silence=datetime.timedelta(seconds=2))
    async with lease as held:
        print("held" if held else "not held", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@asynccontextmanager
async def lease_held_elsewhere(url: str, import_id: UUID) -> AsyncIterator[asyncio.subprocess.Process]:
    """Another process that holds the lease."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _HOLDER,
        cwd=ROOT,
        env={**os.environ, "URL": url, "IMPORT": str(import_id)},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"held\n"
        yield process
    finally:
        process.kill()
        await process.wait()


async def test_the_lease_of_a_reader_that_lives_is_kept_however_long_it_reads(
    idle_world: World, engine_of: EngineOf
) -> None:
    engine, import_id = engine_of("winnow_parser"), uuid4()
    elsewhere = lease_held_elsewhere(engine.url.render_as_string(hide_password=False), import_id)
    async with elsewhere, reading_lease(engine, import_id, patience=3 * SILENCE.total_seconds()) as held:
        assert not held


async def test_the_lease_of_a_reader_that_is_frozen_goes_to_the_next_one_within_seconds(
    idle_world: World, engine_of: EngineOf
) -> None:
    engine, import_id = engine_of("winnow_parser"), uuid4()
    async with lease_held_elsewhere(engine.url.render_as_string(hide_password=False), import_id) as holder:
        holder.send_signal(signal.SIGSTOP)
        async with reading_lease(engine, import_id, patience=30) as held:
            assert held


async def test_a_lease_that_was_lost_ends_without_an_error(idle_world: World, engine_of: EngineOf) -> None:
    engine = engine_of("winnow_parser")
    async with reading_lease(engine, uuid4(), patience=0, silence=SILENCE) as held:
        assert held
        ended = await idle_world.scalar(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'test-winnow_parser'"
        )
        assert ended >= 1
    async with reading_lease(engine, uuid4(), patience=0) as held:
        assert held


async def test_a_chunk_that_a_frozen_process_has_locked_is_committed_by_another(
    idle_world: World, desk: Desk, engine_of: EngineOf
) -> None:
    (event,) = await desk.ready(catalogue(3))
    frozen = create_engine(engine_of("winnow_committer").url.render_as_string(hide_password=False), name="frozen")
    async with frozen.connect() as conn:
        await conn.execute(text("SELECT set_config('winnow.tenant_id', :t, true)"), {"t": event.tenant_id})
        # Shorter than it is otherwise, for the sake of the test.
        await conn.execute(text("SET LOCAL idle_in_transaction_session_timeout = '2s'"))
        await conn.execute(
            text("SELECT FROM imports.import_chunks WHERE import_id = :id FOR UPDATE"), {"id": event.import_id}
        )
        await desk.commit(event)
        await conn.invalidate()
    await frozen.dispose()
    ended = await idle_world.progress(event.import_id)
    assert ended is not None
    assert ended.status == "completed"


@pytest.mark.parametrize("role", [*SERVICE_ROLES, RELAY_ROLE])
async def test_no_connection_waits_for_a_lock_or_keeps_one_for_ever(
    idle_world: World, engine_of: EngineOf, role: str
) -> None:
    async with engine_of(role).connect() as conn:
        for name in ("lock_timeout", "idle_in_transaction_session_timeout"):
            seconds = await conn.execute(
                text("SELECT setting::int / 1000 FROM pg_settings WHERE name = :name"), {"name": name}
            )
            assert 0 < seconds.scalar_one() <= 60, name


async def test_having_waited_too_long_for_a_lock_is_a_reason_to_try_again(
    idle_world: World, engine_of: EngineOf
) -> None:
    engine = engine_of("winnow_committer")
    lock = text("SELECT pg_advisory_xact_lock(1)")
    async with engine.begin() as holder, engine.connect() as waiting:
        await holder.execute(lock)
        await waiting.execute(text("SET LOCAL lock_timeout = '100ms'"))
        with pytest.raises(DBAPIError) as raised:
            await waiting.execute(lock)
    assert kind_of(raised.value) is FailureKind.TRANSIENT
