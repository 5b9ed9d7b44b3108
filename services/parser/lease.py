"""One process at a time reads a file.

The lease is a lock of a transaction in which something is said every few seconds. It ends with the connection, so a kill
ends it; and Postgres ends it when nothing is said, so a process that is frozen, or whose host is gone, does not keep it.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

log = structlog.get_logger(__name__)

_BEGIN = text("SELECT set_config('idle_in_transaction_session_timeout', :milliseconds, true)")
_TRY = text("SELECT pg_try_advisory_xact_lock(hashtextextended('winnow-import:' || :id, 0))")
_STILL_HERE = text("SELECT 1")

_SILENCE = timedelta(seconds=10)


@asynccontextmanager
async def reading_lease(
    engine: AsyncEngine, import_id: UUID, *, patience: float, silence: timedelta = _SILENCE
) -> AsyncIterator[bool]:
    """Hold the right to read an import's file; False when somebody else holds it for longer than `patience`.

    Who has not been heard of for `silence` has lost it, and does not know: chunks are staged under the import's lock, so
    of two that read one file only one stages a chunk.
    """
    async with engine.connect() as conn:
        milliseconds = str(int(silence.total_seconds() * 1000))
        await conn.execute(_BEGIN, {"milliseconds": milliseconds})
        deadline = time.monotonic() + patience
        while not (held := bool((await conn.execute(_TRY, {"id": str(import_id)})).scalar_one())):
            if time.monotonic() > deadline:
                break
            await asyncio.sleep(0.2)
        if not held:
            yield False
            return
        ended = asyncio.Event()
        # Told to end and never cancelled: a cancelled query would leave the connection in an unknown state.
        renewing = asyncio.create_task(_renew(conn, silence.total_seconds() / 4, ended))
        try:
            yield True
        finally:
            ended.set()
            await renewing
            with contextlib.suppress(SQLAlchemyError):
                # The work is done or given up; a connection that is lost by now has let go of the lease itself.
                await conn.rollback()


async def _renew(conn: AsyncConnection, every: float, ended: asyncio.Event) -> None:
    while not ended.is_set():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(every):
                await ended.wait()
                return
        try:
            await conn.execute(_STILL_HERE)
        except (SQLAlchemyError, OSError) as error:
            log.warning("lease.lost", error=repr(error)[:300])
            await conn.invalidate()
            return
