"""What a run is written by is one call: the same as its steps one by one, and there whenever it is called."""

from collections.abc import Sequence
from contextlib import suppress

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.committer.moves import Step
from services.committer.one_call import OneCall
from services.committer.products.family import Products
from services.committer.written import Run, Written
from shared.connections import DatabaseOptions
from shared.db.engine import create_engine
from shared.db.transaction import tenant_transaction
from tests.harness.files import catalogue, product
from tests.harness.production import difference
from tests.harness.staging import Desk
from tests.harness.world import World

STEPS = (
    Step("chunk", text("SELECT CAST(:chunk_no AS integer), CAST(:first AS integer)"), returning=("chunk", "first")),
    Step("rows", text("UPDATE imports.import_chunks SET row_count = row_count WHERE import_id = :import_id")),
)
_FUNCTIONS = text("SELECT count(*) FROM pg_proc WHERE pronamespace = pg_my_temp_schema()")


class _OneByOne(Products):
    """Products whose steps are taken one by one."""

    async def write(self, conn: AsyncConnection, run: Run, steps: Sequence[Step]) -> Written:
        return await super().write(conn, run, list(steps))


@pytest.fixture
def engine(desk: Desk) -> AsyncEngine:
    return desk.engine_of("winnow_committer")


async def run_of(desk: Desk) -> Run:
    (event,) = await desk.ready(catalogue(1))
    return Run(desk.tenant, event.import_id, 7, 2, 9)


async def test_one_call_writes_what_the_steps_write_one_by_one(running_world: World, desk: Desk, tenant: str) -> None:
    rows = [*catalogue(30), *product(90, tags="a; b; A", manufacturer="Acme"), *product(91, weight_g="heavy")]
    other = Desk(desk.engine_of, f"{tenant}-one-by-one")
    (event,) = await desk.ready(rows)
    await desk.commit(event)
    (same,) = await other.ready(rows)
    await other.commit(same, _OneByOne())
    assert difference(await running_world.production(tenant), await running_world.production(other.tenant)) == []
    one, two = [await running_world.progress(each.import_id) for each in (event, same)]
    assert one is not None
    assert two is not None
    assert (one.status, one.created_rows, one.summary) == (two.status, two.created_rows, two.summary)


async def test_a_call_counts_what_each_step_counts(desk: Desk, engine: AsyncEngine) -> None:
    run = await run_of(desk)
    async with tenant_transaction(engine, desk.tenant) as conn:
        assert await OneCall(STEPS).take(conn, run) == [7, 2, 1]


async def test_the_function_is_made_once_a_session(desk: Desk, engine: AsyncEngine) -> None:
    run = await run_of(desk)
    for _ in range(4):
        async with tenant_transaction(engine, desk.tenant) as conn:
            before = (await conn.execute(text("SELECT pg_current_xact_id_if_assigned()"))).scalar_one()
            assert before is None
            assert await OneCall(STEPS[:1]).take(conn, run) == [7, 2]
            wrote = (await conn.execute(text("SELECT pg_current_xact_id_if_assigned() IS NOT NULL"))).scalar_one()
            assert (await conn.execute(_FUNCTIONS)).scalar_one() == 1
    assert not wrote, "the last call made nothing"


async def test_what_a_transaction_made_that_was_taken_back_is_made_again(desk: Desk, engine: AsyncEngine) -> None:
    run = await run_of(desk)
    for _ in range(2):
        with suppress(ZeroDivisionError):
            async with tenant_transaction(engine, desk.tenant) as conn:
                assert await OneCall(STEPS).take(conn, run) == [7, 2, 1]
                raise ZeroDivisionError
    async with tenant_transaction(engine, desk.tenant) as conn:
        for _ in range(2):
            with suppress(ZeroDivisionError):
                async with conn.begin_nested():
                    assert await OneCall(STEPS).take(conn, run) == [7, 2, 1]
                    raise ZeroDivisionError
        async with conn.begin_nested():
            assert await OneCall(STEPS).take(conn, run) == [7, 2, 1]
        assert await OneCall(STEPS).take(conn, run) == [7, 2, 1]
    async with tenant_transaction(engine, desk.tenant) as conn:
        assert await OneCall(STEPS).take(conn, run) == [7, 2, 1]


async def test_behind_a_pooler_steps_are_taken_one_by_one(desk: Desk, engine: AsyncEngine) -> None:
    run = await run_of(desk)
    pooled = create_engine(
        engine.url.render_as_string(hide_password=False),
        name="test-pooled",
        options=DatabaseOptions(transaction_pooler=True),
    )
    try:
        async with tenant_transaction(pooled, desk.tenant) as conn:
            assert await OneCall(STEPS).take(conn, run) is None
            assert (await conn.execute(_FUNCTIONS)).scalar_one() == 0
    finally:
        await pooled.dispose()
