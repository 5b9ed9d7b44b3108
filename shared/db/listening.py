"""Being told by the database what has happened (LISTEN), for as long as somebody wants to be."""

import asyncio
from collections.abc import Callable

import asyncpg
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.db.engine import connect_directly

log = structlog.get_logger(__name__)

_AGAIN_SECONDS = 1.0


async def listen(
    engine: AsyncEngine,
    channel: str,
    heard: Callable[[str], None],
    *,
    name: str,
    begun: Callable[[], None] = lambda: None,
) -> None:
    """Call `heard` with what is notified on a channel, until cancelled. A connection that is lost is made anew.

    `begun` is called each time it listens: of what was notified before nothing was heard. Whoever listens looks for itself
    now and then as well, so that with the connection only promptness is lost. `name` is the connection's.
    """
    while True:
        try:
            connection = await connect_directly(engine, name=name)
            try:
                gone = asyncio.Event()
                connection.add_termination_listener(lambda _connection, gone=gone: gone.set())
                await connection.add_listener(channel, lambda *said: heard(str(said[3])))
                begun()
                await gone.wait()
            finally:
                connection.terminate()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            log.warning("listening.deaf", listener=name, error=repr(error))
            await asyncio.sleep(_AGAIN_SECONDS)
