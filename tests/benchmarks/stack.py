"""What every benchmark does with the local stack: prepares it, empties it, and asks what its servers have used."""

import psutil
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from deploy.local.stack import Stack
from shared.connections import StorageConnection
from shared.db.engine import create_engine
from shared.db.migrate import migrate
from shared.messaging.kafka import apply_topics
from shared.storage import ObjectStore


async def prepare(stack: Stack) -> None:
    """Tables and topics."""
    await migrate(stack.endpoints.postgres_admin_url, stack.state.secret)
    await apply_topics(stack.endpoints.kafka_bootstrap)


def intake_of(stack: Stack) -> AsyncEngine:
    """The database as who sends files."""
    return create_engine(stack.database_url("winnow_intake"), connections=1, name="winnow-bench")


def uploads_of(stack: Stack) -> ObjectStore:
    """Storage, with the key of a system that sends files."""
    return ObjectStore(StorageConnection(stack.endpoints.s3_endpoint, *stack.storage_keys("upstream")))


async def empty(stack: Stack) -> None:
    """No rows, and nothing left to clean up."""
    async with administrator(stack) as conn:
        tables = await conn.execute(
            text(
                "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables "
                "WHERE schemaname IN ('imports', 'staging', 'catalog', 'gateway', 'crm') AND tablename <> 'taxonomy_categories'"
            )
        )
        await conn.execute(text(f"TRUNCATE {', '.join(tables.scalars())} CASCADE"))
    async with administrator(stack) as conn:
        await conn.execute(text("COMMIT"))
        await conn.execute(text("VACUUM ANALYZE"))
        await conn.execute(text("CHECKPOINT"))


class administrator:  # noqa: N801 - reads as a function
    """The database as its administrator."""

    def __init__(self, stack: Stack) -> None:
        self._engine = create_async_engine(stack.admin_database_url, poolclass=NullPool)

    async def __aenter__(self) -> AsyncConnection:
        self._conn = await self._engine.connect()
        return self._conn

    async def __aexit__(self, *_error: object) -> None:
        await self._conn.commit()
        await self._conn.close()
        await self._engine.dispose()


def server_cpu(stack: Stack) -> dict[str, float]:
    """Processor seconds of the servers so far, children included."""
    used = {}
    for server in stack.servers:
        record = server.record
        if record is not None and (process := record.process) is not None:
            used[server.name] = sum(_cpu(member) for member in [process, *process.children(recursive=True)])
    return used


def services_cpu(stack: Stack) -> dict[str, float]:
    """Processor seconds of the service processes so far by kind, with those of the processes they have started."""
    used: dict[str, float] = {}
    supervisor = stack.state.supervisor
    for service in supervisor.process.children() if supervisor is not None and supervisor.process is not None else ():
        kind = next((part.removeprefix("services.") for part in service.cmdline() if part.startswith("services.")), "?")
        used[kind] = used.get(kind, 0.0) + sum(_cpu(each) for each in [service, *service.children(recursive=True)])
    return used


def _cpu(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)
