"""Changes of imports as whoever shows them is told of them, by a real Postgres."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from uuid import UUID

import pytest
from sqlalchemy import text

from services.gateway.live import Live
from shared.db.transaction import tenant_transaction
from shared.ledger import cancel_import
from tests.harness.files import product
from tests.harness.staging import Desk
from tests.harness.world import World, eventually
from tests.integration.conftest import EngineOf


@pytest.fixture
async def live(engine_of: EngineOf) -> AsyncIterator[Live]:
    made = Live(engine_of("winnow_gateway"), at_most_every=0.01, poll=30, check=30)
    running = asyncio.create_task(made.run())

    async def listens() -> bool:
        return made.listening

    await eventually("it listens", listens, seconds=10)
    yield made
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


@pytest.fixture
async def told(live: Live) -> AsyncIterator[Callable[..., "Told"]]:
    everybody: list[Told] = []

    def tell(tenant: str | None, import_id: UUID | None = None) -> Told:
        everybody.append(Told(live, tenant, import_id))
        return everybody[-1]

    yield tell
    for each in everybody:
        await each.stop()


class Told:
    """Somebody who waits for changes, and how often they were told."""

    def __init__(self, live: Live, tenant: str | None, import_id: UUID | None) -> None:
        self.times = 0
        self._changes = live.changes(tenant, import_id)
        self._task = asyncio.create_task(self._count())

    async def _count(self) -> None:
        async for _ in self._changes:
            self.times += 1

    async def more_than(self, times: int) -> None:
        async def look() -> bool:
            return self.times > times

        await eventually(f"told more than {times} times", look, seconds=10, every=0.01)

    async def stop(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        await self._changes.aclose()


async def test_whoever_shows_an_import_is_told_of_each_step_of_it_and_of_no_others(
    desk: Desk, told: Callable[..., Told], tenant: str
) -> None:
    (first,) = await desk.stage(product(1))
    of_it, of_tenant, of_all, of_others = (
        told(tenant, first.import_id),
        told(tenant),
        told(None),
        told(f"{tenant}-other"),
    )
    for each in (of_it, of_tenant, of_all, of_others):
        await each.more_than(0)
    validated = await desk.validate(first)
    for each in (of_it, of_tenant, of_all):
        await each.more_than(1)
    seen = of_it.times
    await desk.commit(validated)
    await of_it.more_than(seen)
    before, of_all_before = of_it.times, of_all.times
    await desk.stage(product(2))
    await of_tenant.more_than(before)
    await of_all.more_than(of_all_before)
    assert of_others.times == 1
    assert of_it.times == before


async def test_a_transaction_announces_an_import_once_however_many_chunks_it_changes(
    desk: Desk, engine_of: EngineOf, idle_world: World, tenant: str
) -> None:
    rows = [row for number in range(20) for row in product(number)]
    events = await desk.stage(rows, chunk_rows=1, hold=True)
    assert len(events) == 20
    heard: list[str] = []
    async with engine_of("winnow_gateway").connect() as conn:
        raw = (await conn.get_raw_connection()).driver_connection
        assert raw is not None
        await raw.add_listener("winnow_imports", lambda *said: heard.append(said[-1]))
        async with tenant_transaction(engine_of("winnow_intake"), tenant) as acting:
            assert await cancel_import(acting, events[0].import_id)
        # What is announced arrives with the next answer.
        await raw.execute("SELECT 1")
    assert heard.count(f"{tenant}:{events[0].import_id}") == 1


async def test_an_import_is_told_of_corrections_of_it_and_of_corrections_of_those(
    desk: Desk, told: Callable[..., Told], tenant: str
) -> None:
    (first,) = await desk.ready(product(1, weight_g="heavy"))
    await desk.commit(first)
    (second,) = await desk.ready(product(1, weight_g="heavy"), parent=first.import_id)
    await desk.commit(second)
    of_first = told(tenant, first.import_id)
    await of_first.more_than(0)
    (third,) = await desk.ready(product(1), parent=second.import_id)
    await of_first.more_than(1)
    before = of_first.times
    await desk.commit(third)
    await of_first.more_than(before)


async def test_a_lost_connection_is_made_anew_and_what_happened_meanwhile_is_told(
    idle_world: World, live: Live, told: Callable[..., Told], tenant: str
) -> None:
    somebody = told(tenant)
    await somebody.more_than(0)
    async with idle_world.database() as conn:
        ended = await conn.execute(
            text(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'winnow-gateway-live'"
            )
        )
        assert ended.scalar_one() == 1

    async def deaf() -> bool:
        return not live.listening

    async def listens() -> bool:
        return live.listening

    await eventually("it is deaf", deaf, seconds=10, every=0.01)
    await somebody.more_than(1)
    await eventually("it listens again", listens, seconds=10)


async def test_where_nothing_can_be_heard_everybody_is_told_again_and_again(engine_of: EngineOf, tenant: str) -> None:
    live = Live(engine_of("winnow_gateway"), at_most_every=0, poll=0.05)
    changes = live.changes(tenant)
    assert [await anext(changes) for _ in range(4)] == [True] * 4
    await changes.aclose()
    assert live.waiting == 0
