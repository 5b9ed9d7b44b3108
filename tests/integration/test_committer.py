"""Chunks into production: in sets, in parallel, once, and without the group at fault."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.committer.bisection import ATTEMPTS
from services.committer.families import Family, families
from services.committer.handler import CommitRows
from services.committer.moves import Step
from services.committer.products.family import Products
from services.committer.products.graph import MAKE_ENTITIES
from services.committer.repository import NamesWhatIsGone
from services.committer.written import Run, Written
from shared.db import catalog
from shared.events import RowsValidated
from shared.messaging.failures import Poison
from tests.harness.files import catalogue, product, row
from tests.harness.production import count, difference
from tests.harness.staging import NOWHERE, Desk
from tests.harness.world import World


@asynccontextmanager
async def refusing(world: World, title: str) -> AsyncIterator[None]:
    """A constraint nobody's rules know, for products of one title."""
    async with world.database() as conn:
        await conn.execute(
            text(f"ALTER TABLE catalog.products ADD CONSTRAINT no_such_title CHECK (title <> '{title}') NOT VALID")
        )
    try:
        yield
    finally:
        async with world.database() as conn:
            await conn.execute(text("ALTER TABLE catalog.products DROP CONSTRAINT no_such_title"))


async def test_a_group_the_database_refuses_fails_alone_and_leaves_nothing_behind(
    running_world: World, desk: Desk, tenant: str
) -> None:
    rows = [
        *catalogue(20, variants=2),
        *product(50, variants=2, title="Refused", manufacturer="Nobody Else", tags="lonely"),
        *catalogue(20, variants=2, start=100),
    ]
    (event,) = await desk.ready(rows)
    async with refusing(running_world, "Refused"):
        await desk.commit(event)
    ended = await running_world.progress(event.import_id)
    assert ended is not None
    assert (ended.status, ended.created_rows, ended.failed_rows) == ("completed_with_failures", 80, 2)
    assert ended.summary["products"]["created"] == 40
    ((number, _heading, code, message),) = await running_world.errors(event.import_id)
    assert (number, code) == (42, "rejected")
    assert "no_such_title" in message
    async with running_world.database() as conn:
        assert await count(conn, catalog.products, tenant) == 40
        makers = await conn.execute(text("SELECT name FROM catalog.manufacturers WHERE tenant_id = :t"), {"t": tenant})
        assert makers.scalars().all() == ["Acme Mills"], "nothing of a group that failed is made on the way"
        assert await count(conn, catalog.tags, tenant) == 2


@pytest.mark.parametrize("every", [1, 2, 7])
async def test_however_many_groups_the_database_refuses_each_has_its_reason_and_every_other_is_written(
    running_world: World, desk: Desk, tenant: str, every: int
) -> None:
    """Also those that are written in short runs, because halving would have no end."""
    groups = 300
    rows = []
    for number in range(groups):
        maker = {"manufacturer": f"Only {number}"} if number % every == 0 else {}
        rows += product(number, variants=2, title="Refused" if number % every == 0 else "Good", **maker)
    (event,) = await desk.ready(rows)
    writes = 0

    def beat() -> None:
        nonlocal writes
        writes += 1

    async with refusing(running_world, "Refused"):
        await CommitRows(desk.engine_of("winnow_committer"), families(), beat=beat)(event, NOWHERE)
    refused = {2 * number + 2 for number in range(0, groups, every)}
    assert writes <= ATTEMPTS + 4, "bounded, whatever the file is"
    ended = await running_world.progress(event.import_id)
    assert ended is not None
    assert ended.failed_rows == 2 * len(refused)
    assert ended.created_rows == 2 * groups - ended.failed_rows
    errors = await running_world.errors(event.import_id)
    assert {number for number, *_ in errors} == refused
    assert {code for _, _, code, _ in errors} == {"rejected"}
    assert all("no_such_title" in message for *_, message in errors)
    async with running_world.database() as conn:
        assert await count(conn, catalog.products, tenant) == groups - len(refused)
        makers = await conn.execute(text("SELECT name FROM catalog.manufacturers WHERE tenant_id = :t"), {"t": tenant})
        assert set(makers.scalars()) <= {"Acme Mills"}, "nothing of a group that failed is made on the way"
    products = ended.summary.get("products", {"created": 0})
    assert products["created"] == groups - len(refused)


async def test_what_another_import_committed_meanwhile_is_named_as_the_validator_would(
    running_world: World, desk: Desk, tenant: str
) -> None:
    (first,) = await desk.ready(product(1, variants=2) + product(2))
    (second,) = await desk.ready(product(1, variants=2) + product(3))
    await asyncio.gather(desk.commit(first), desk.commit(second))
    ended = [await running_world.progress(event.import_id) for event in (first, second)]
    created = sorted(each.created_rows for each in ended if each is not None)
    assert created == [1, 3], "one of both has the product, the other its reasons"
    (loser,) = [each for each in ended if each is not None and each.created_rows == 1]
    said = await running_world.errors(loser.id)
    assert [(number, heading, code) for number, heading, code, _ in said] == [(2, "Product Handle", "already_exists")]


def _earlier_file() -> list[list[Any]]:
    return [*product(1, variants=3), *product(2, variants=2), *product(4), *product(9, barcode=None)]


def _hard_file() -> list[list[Any]]:
    """Rows in whose way products of the earlier file are, in every way there is, with and without other faults."""
    return [
        row(sku="SKU-1-1", barcode=10_000_000_200, title="no handle above it"),
        row(sku="SKU-2-1"),
        *product(1, variants=3),
        *product(2, variants=3, weight_g="heavy"),
        *product(3, variants=2, sku="SKU-1-0", barcode=10_000_000_201),
        *product(4, variants=2, carbon_kg="much"),
        *product(5, sku="SKU-4-0", season="x" * 3000),
        *product(6, barcode=10_000_000_100),
        *product(7, barcode=10_000_000_100, sku="SKU-4-0", title=None),
        *product(8, variants=2),
        row(barcode=10_000_000_400, sku="SKU-9-0", attribute_1="Size", attribute_value_1="XL"),
        *product(9, sku="SKU-1-2"),
        *product(10),
    ]


@pytest.mark.parametrize("same_file", [True, False])
@pytest.mark.parametrize("chunk_rows", [1000, 5])
async def test_the_reasons_of_two_imports_at_once_are_those_of_one_after_the_other(
    running_world: World, desk: Desk, same_file: bool, chunk_rows: int
) -> None:
    repeated = [*product(30, barcode=10_000_000_100), *product(31, weight_g="heavy", sku="SKU-2-1")]
    rows = [*_earlier_file(), *repeated] if same_file else _hard_file()
    earlier = rows if same_file else _earlier_file()
    after = Desk(desk.engine_of, f"{desk.tenant}-after")
    for event in await after.ready(earlier):
        await after.commit(event)
    one_by_one = await after.ready(rows, chunk_rows=chunk_rows)
    for event in one_by_one:
        await after.commit(event)

    first, second = await desk.ready(earlier), await desk.ready(rows, chunk_rows=chunk_rows)
    for event in (*first, *second):
        await desk.commit(event)

    wanted = await running_world.errors(one_by_one[0].import_id)
    assert await running_world.errors(second[0].import_id) == wanted
    assert len([code for _, _, code, _ in wanted if code == "already_exists"]) >= 4
    ended, expected = [await running_world.progress(events[0].import_id) for events in (second, one_by_one)]
    assert ended is not None
    assert expected is not None
    assert (ended.status, ended.created_rows, ended.failed_rows) == (
        expected.status,
        expected.created_rows,
        expected.failed_rows,
    )


async def test_the_reasons_of_files_that_race_are_those_of_whoever_comes_after(
    running_world: World, desk: Desk
) -> None:
    """Whoever has the products has no reason for it; the other has every one, however the commits meet."""
    rows = [*catalogue(30, variants=2), *product(40, weight_g="heavy"), *product(41, barcode=10_000_000_100)]
    after = Desk(desk.engine_of, f"{desk.tenant}-after")
    for _ in range(2):
        (event,) = await after.ready(rows)
        await after.commit(event)
    wanted = await running_world.errors(event.import_id)
    events = [(await desk.ready(rows))[0] for _ in range(4)]
    await asyncio.gather(*(desk.commit(each) for each in events))
    ended = [await running_world.progress(each.import_id) for each in events]
    assert sorted(each.created_rows for each in ended if each is not None) == [0, 0, 0, 60]
    for each in ended:
        assert each is not None
        if not each.created_rows:
            assert await running_world.errors(each.id) == wanted


async def test_chunks_committed_at_once_give_what_they_give_one_by_one(
    running_world: World, desk: Desk, tenant: str
) -> None:
    rows = []
    for number in range(1, 121):
        spelling = ("Acme Mills", "ACME MILLS", "acme mills")[number % 3]
        rows += product(number, variants=2, manufacturer=spelling, tags=f"t{number % 5}; T{number % 3}")
    other = Desk(desk.engine_of, f"{tenant}-one-by-one")
    parallel = await desk.ready(rows, chunk_rows=20)
    await asyncio.gather(*(desk.commit(event) for event in reversed(parallel)))
    sequential = await other.ready(rows, chunk_rows=20)
    for event in sequential:
        await other.commit(event)
    assert len(parallel) > 5
    assert difference(await running_world.production(tenant), await running_world.production(other.tenant)) == []
    one, two = [await running_world.progress(events[0].import_id) for events in (parallel, sequential)]
    assert one is not None
    assert two is not None
    assert (one.status, one.summary) == ("completed", two.summary)


async def test_a_chunk_is_committed_once_however_often_it_is_announced(
    running_world: World, desk: Desk, tenant: str
) -> None:
    (event,) = await desk.ready(catalogue(5))
    await asyncio.gather(*(desk.commit(event) for _ in range(4)))
    await desk.commit(event)
    ended = await running_world.progress(event.import_id)
    assert ended is not None
    assert (ended.status, ended.created_rows) == ("completed", 15)
    async with running_world.database() as conn:
        assert await count(conn, catalog.product_variants, tenant) == 15


async def test_a_chunk_that_is_not_validated_yet_is_left_alone(running_world: World, desk: Desk) -> None:
    (staged,) = await desk.stage(catalogue(2))
    await desk.commit(RowsValidated(**staged.model_dump()))
    state = await running_world.scalar(
        "SELECT state FROM imports.import_chunks WHERE import_id = :id", id=staged.import_id
    )
    assert state == "staged"


async def test_a_chunk_nobody_knows_is_poison(desk: Desk) -> None:
    (event,) = await desk.ready(catalogue(1))
    with pytest.raises(Poison):
        await desk.commit(event.model_copy(update={"chunk_no": 99}))


async def test_the_import_ends_with_its_last_chunk_and_not_before(running_world: World, desk: Desk) -> None:
    first, *others = await desk.ready(catalogue(30), chunk_rows=30)
    await desk.commit(first)

    async def status(import_id: UUID) -> str:
        return str(await running_world.scalar("SELECT status FROM imports.imports WHERE id = :id", id=import_id))

    assert await status(first.import_id) == "importing"
    for event in others:
        await desk.commit(event)
    assert await status(first.import_id) == "completed"


async def test_every_staged_row_of_what_was_committed_has_left_staging(
    running_world: World, desk: Desk, tenant: str
) -> None:
    (event,) = await desk.ready([*catalogue(3), *product(9, weight_g="heavy")])
    await desk.commit(event)
    left = await running_world.scalar(
        "SELECT array_agg(row_status || ' ' || coalesce(sku, '')) FROM staging.product_variants WHERE tenant_id = :t",
        t=tenant,
    )
    assert left == ["failed SKU-9-0"], "those of failed groups stay for the preview"


class _Forgetful(Products):
    """Products that are written while what they name is taken away, as by an undo that ends at that instant."""

    def __init__(self, world: World, tenant: str) -> None:
        self._world = world
        self._tenant = tenant

    async def write(self, conn: AsyncConnection, run: Run, steps: Sequence[Step]) -> Written:
        made = len(MAKE_ENTITIES)
        await super().write(conn, run, steps[:made])
        async with self._world.database() as other:
            await other.execute(text("DELETE FROM catalog.products WHERE tenant_id = :t"), {"t": self._tenant})
            await other.execute(text("DELETE FROM catalog.manufacturers WHERE tenant_id = :t"), {"t": self._tenant})
        return await super().write(conn, run, steps[made:])


async def test_what_a_row_names_is_not_left_out_because_it_was_taken_away_when_the_row_was_written(
    running_world: World, desk: Desk, tenant: str
) -> None:
    (first,) = await desk.ready(product(1))
    await desk.commit(first)
    (event,) = await desk.ready(product(2))
    taking_away: Family = _Forgetful(running_world, tenant)
    with pytest.raises(NamesWhatIsGone):
        await desk.commit(event, taking_away)
    await desk.commit(event)
    async with running_world.database() as conn:
        named = await conn.execute(
            text(
                "SELECT p.handle, m.name FROM catalog.products p LEFT JOIN catalog.manufacturers m"
                " ON m.id = p.manufacturer_id WHERE p.tenant_id = :t"
            ),
            {"t": tenant},
        )
        assert [tuple(found) for found in named] == [("shirt-2", "Acme Mills")]
