"""One process at a time reads a file. The lease is Postgres's: it ends with a transaction, so a kill ends it.

Of a transaction and not of a session: through a pooler that hands out transactions, a session is nobody's own.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

_TRY = text("SELECT pg_try_advisory_xact_lock(hashtextextended('winnow-import:' || :id, 0))")
# Nothing is asked of this connection while the file is read. It holds no snapshot, so nothing is kept from vacuum.
_QUIET = text("SET LOCAL idle_in_transaction_session_timeout = 0")


@asynccontextmanager
async def reading_lease(engine: AsyncEngine, import_id: UUID, *, patience: float) -> AsyncIterator[bool]:
    """Hold the right to read an import's file; False when somebody else holds it for longer than `patience`."""
    async with engine.connect() as conn:
        deadline = time.monotonic() + patience
        while not (held := bool((await conn.execute(_TRY, {"id": str(import_id)})).scalar_one())):
            await conn.rollback()
            if time.monotonic() > deadline:
                break
            await asyncio.sleep(0.2)
        if held:
            await conn.execute(_QUIET)
        yield held
