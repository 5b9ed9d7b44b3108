"""One process at a time reads a file. The lease is Postgres's: it ends with the connection, so a kill ends it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

_TRY = text("SELECT pg_try_advisory_lock(hashtextextended('winnow-import:' || :id, 0))")
_RELEASE = text("SELECT pg_advisory_unlock(hashtextextended('winnow-import:' || :id, 0))")


@asynccontextmanager
async def reading_lease(engine: AsyncEngine, import_id: UUID, *, patience: float) -> AsyncIterator[bool]:
    """Hold the right to read an import's file; False when somebody else holds it for longer than `patience`."""
    async with engine.connect() as connection:
        conn = await connection.execution_options(isolation_level="AUTOCOMMIT")
        deadline = time.monotonic() + patience
        while not (held := bool((await conn.execute(_TRY, {"id": str(import_id)})).scalar_one())):
            if time.monotonic() > deadline:
                break
            await asyncio.sleep(0.2)
        try:
            yield held
        finally:
            if held:
                await conn.execute(_RELEASE, {"id": str(import_id)})
