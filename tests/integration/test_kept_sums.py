"""Sums that are kept where their parts are written: reasons of an import, repairs of it. At any moment they are what a count comes to."""

import random
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.transaction import tenant_transaction
from shared.intake.repairs import read_repairs
from shared.intake.reports import ErrorGroup, group_errors
from shared.ledger import give_up, reopen_chunk
from shared.ledger.staged_rows import forget_validated
from tests.harness.files import product
from tests.harness.staging import Desk
from tests.harness.world import World
from tests.integration.conftest import EngineOf

_COUNTED = """
    SELECT chunk_no, code, coalesce(heading, '') AS heading, count(*) AS errors, min(row_no) AS first_row,
           (array_agg(position ORDER BY row_no, position))[1] AS first_position,
           (array_agg(message ORDER BY row_no, position))[1] AS example
      FROM imports.row_errors WHERE import_id = :id GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
_KEPT = """
    SELECT chunk_no, code, heading, errors, first_row, first_position, example
      FROM imports.reason_counts WHERE import_id = :id ORDER BY 1, 2, 3
"""


async def check(world: World, import_id: UUID) -> int:
    """Hold the kept sums against a count; how many there are."""
    async with world.database() as conn:
        counted = [tuple(row) for row in await conn.execute(text(_COUNTED), {"id": import_id})]
        kept = [tuple(row) for row in await conn.execute(text(_KEPT), {"id": import_id})]
    assert kept == counted
    return len(kept)


def bad(number: int) -> list[list[object]]:
    return product(
        number, variants=2, weight_g="heavy", category="Nothing", percentages="120; 40" if number % 3 else "60; 40"
    )


async def test_reasons_are_right_through_all_that_happens_to_a_chunk(
    desk: Desk, idle_world: World, engine_of: EngineOf, tenant: str
) -> None:
    rows = [row for number in range(1, 13) for row in (bad(number) if number % 2 else product(number, variants=2))]
    events = await desk.stage(rows, chunk_rows=6)
    import_id = events[0].import_id
    for event in events:
        await desk.validate(event)
        assert await check(idle_world, import_id)
    async with tenant_transaction(engine_of("winnow_reader"), tenant) as conn:
        groups = await group_errors(conn, import_id)
    assert groups[0] == ErrorGroup("invalid_number", "Grams Weight", 6, groups[0].example, 2)
    async with tenant_transaction(engine_of("winnow_validator"), tenant) as conn:
        await forget_validated(conn, import_id, [events[0].chunk_no])
    before = await check(idle_world, import_id)
    async with tenant_transaction(engine_of("winnow_validator"), tenant) as conn:
        await give_up(conn, events[0], "W-1")
    assert await check(idle_world, import_id) == before + 1
    async with tenant_transaction(engine_of("winnow_intake"), tenant) as conn:
        assert await reopen_chunk(conn, events[0])
    assert await check(idle_world, import_id) == before
    async with idle_world.database() as conn:
        await conn.execute(
            text("DELETE FROM imports.import_chunks WHERE import_id = :id AND chunk_no = 2"), {"id": import_id}
        )
    assert await check(idle_world, import_id) < before


@pytest.mark.parametrize("seed", range(4))
async def test_reasons_are_right_whatever_is_written_and_deleted(
    desk: Desk, idle_world: World, tenant: str, seed: int
) -> None:
    chance = random.Random(seed)
    (first, *_) = await desk.stage([row for number in range(20) for row in product(number)], chunk_rows=5)
    async with idle_world.database() as conn:
        for _ in range(30):
            await (_write if chance.random() < 0.6 else _delete)(conn, first.import_id, tenant, chance)
    await check(idle_world, first.import_id)


async def _write(conn: AsyncConnection, import_id: UUID, tenant: str, chance: random.Random) -> None:
    await conn.execute(
        text(
            """
            INSERT INTO imports.row_errors (import_id, row_no, position, tenant_id, chunk_no, group_row, heading, code, message)
            SELECT :id, r.row_no, (SELECT coalesce(max(position) + 1, 0) FROM imports.row_errors e
                                    WHERE e.import_id = :id AND e.row_no = r.row_no), :tenant, r.chunk_no, r.row_no,
                   nullif(CAST(:heading AS text), ''), :code, 'row ' || r.row_no || CAST(:said AS text)
              FROM imports.raw_rows r WHERE r.import_id = :id AND r.row_no BETWEEN :first AND :last
            """
        ),
        {
            "id": import_id,
            "tenant": tenant,
            "heading": chance.choice(["", "A", "B"]),
            "code": chance.choice(["x", "y"]),
            "said": str(chance.random()),
            "first": (first := chance.randint(2, 21)),
            "last": chance.randint(first, 21),
        },
    )


async def _delete(conn: AsyncConnection, import_id: UUID, _tenant: str, chance: random.Random) -> None:
    await conn.execute(
        text("DELETE FROM imports.row_errors WHERE import_id = :id AND (row_no + position + :offset) % :step = 0"),
        {"id": import_id, "offset": chance.randint(0, 3), "step": chance.randint(1, 4)},
    )


async def test_repairs_are_counted_for_the_first_import_through_corrections_of_corrections(
    desk: Desk, engine_of: EngineOf, tenant: str
) -> None:
    async def repaired(import_id: UUID) -> list[int]:
        async with tenant_transaction(engine_of("winnow_reader"), tenant) as conn:
            found = await read_repairs(conn, import_id)
        return [correction.repaired_rows for correction in found.corrections]

    (first,) = await desk.ready(
        [*product(1, weight_g="heavy"), *product(2, weight_g="heavy"), *product(3, weight_g="x")]
    )
    await desk.commit(first)
    (second,) = await desk.ready([*product(1), *product(2, weight_g="heavy")], parent=first.import_id)
    await desk.commit(second)
    assert await repaired(first.import_id) == [1]
    (third,) = await desk.ready(product(2), parent=second.import_id)
    await desk.commit(third)
    assert await repaired(first.import_id) == [1, 1]
    assert await repaired(second.import_id) == [1]
