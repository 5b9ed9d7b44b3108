"""Whether what a process needs is there, asked every few seconds also while there is nothing to do."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from faststream.kafka import KafkaBroker
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool

from shared.messaging.failures import Transient
from shared.observability.health import Health

Probe = Callable[[], Awaitable[object]]
"""Asks a server for something small; raises when it cannot."""

_EVERY, _PATIENCE = 5.0, 4.0


async def keep_probing(probes: Mapping[str, Probe], health: Health, *, every: float = _EVERY) -> None:
    """Ask all of them again and again, and tell `health` by name which of them do not answer, until cancelled."""
    async with asyncio.TaskGroup() as tasks:
        for name, probe in probes.items():
            tasks.create_task(_ask(name, probe, health, every), name=f"probe of {name}")


async def _ask(name: str, probe: Probe, health: Health, every: float) -> None:
    while True:
        asked = asyncio.ensure_future(probe())
        try:
            await asyncio.wait({asked}, timeout=_PATIENCE)
            if not asked.done():
                # Not asked once more before this one has ended: what hangs may be a thread, and they are few.
                health.report(name, f"{name} does not answer")
                await asyncio.wait({asked})
            error = asked.exception()
        finally:
            asked.cancel()
        health.report(name, None if error is None else f"{name}: {type(error).__name__}: {str(error)[:200]}")
        await asyncio.sleep(every)


def database_probe(engine: AsyncEngine) -> Probe:
    """Ask Postgres, unless every connection is at work: then the work itself says when it is away."""

    async def probe() -> None:
        pool = engine.pool
        if isinstance(pool, QueuePool) and pool.checkedout() >= pool.size():
            return
        async with engine.connect() as conn:
            await conn.execute(text("SELECT 1"))

    return probe


def kafka_probe(broker: KafkaBroker) -> Probe:
    """Ask Kafka which brokers there are."""

    async def probe() -> None:
        if not await broker.ping(timeout=_PATIENCE):
            raise Transient("no broker answers")

    return probe
