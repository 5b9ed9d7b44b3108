"""Servers are asked while there is nothing to do, and health is told by name which of them do not answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from shared.observability.health import Health
from shared.runtime import probes
from shared.runtime.probes import Probe, keep_probing


@asynccontextmanager
async def probing(health: Health, **named: Probe) -> AsyncIterator[None]:
    task = asyncio.create_task(keep_probing(named, health, every=0))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


async def until(health: Health, said: str | None) -> None:
    async with asyncio.timeout(5):
        while health.not_ready != said:  # noqa: ASYNC110 - health is not made to be waited for
            await asyncio.sleep(0)


async def test_one_that_fails_is_named_until_it_answers() -> None:
    health = Health()
    health.start()
    away = True

    async def kafka() -> None:
        if away:
            raise ConnectionError("refused")

    async def postgres() -> None:
        return

    async with probing(health, Kafka=kafka, Postgres=postgres):
        await until(health, "Kafka: ConnectionError: refused")
        away = False
        await until(health, None)


async def test_one_that_hangs_is_named_and_not_asked_again_before_it_has_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(probes, "_PATIENCE", 0.01)
    health = Health()
    health.start()
    asked = 0
    answer = asyncio.Event()

    async def storage() -> None:
        nonlocal asked
        asked += 1
        await answer.wait()

    async with probing(health, storage=storage):
        await until(health, "storage does not answer")
        assert asked == 1
        answer.set()
        await until(health, None)
