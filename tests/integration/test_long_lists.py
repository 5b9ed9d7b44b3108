"""Lists of a long history, and of very many failed rows: a page costs what it shows, however much there is."""

import json
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.gateway.imports import history as lists
from services.gateway.imports import seen
from services.gateway.imports.history import Sort, Wanted, history
from services.gateway.imports.results import preview_of, reasons_of, repairs_of
from services.gateway.imports.rows import rows_of
from services.gateway.problems import Refused
from shared.api.limits import RECENT
from shared.db.planner import BY_INDEX
from shared.db.transaction import tenant_transaction
from shared.intake.changes import list_changes
from shared.intake.reports import list_errors
from shared.intake.unmatched import unmatched_categories
from shared.states import ImportStatus, RowStatus
from tests.harness.history import settle_down, write_failed_rows, write_history
from tests.harness.query_costs import Query, pages_read, queries_of
from tests.harness.world import World
from tests.integration.conftest import EngineOf

MANY, FEW, NEIGHBOURS = 6_000, 1_000, 300


@pytest.fixture
async def reader(engine_of: EngineOf) -> AsyncEngine:
    return engine_of("winnow_reader")


async def put(world: World, tenant: str, imports: int, rows: int) -> UUID:
    async with world.database() as conn:
        await write_history(conn, tenant, imports)
        failed = await write_failed_rows(conn, tenant, rows)
    async with world._engine.connect() as conn:
        await settle_down(await conn.execution_options(isolation_level="AUTOCOMMIT"))
    return failed


Ask = Callable[[AsyncConnection, UUID], Awaitable[Any]]
PAGES: dict[str, Ask] = {
    "the newest": lambda conn, _: history(conn, Wanted(), limit=50),
    "by a frequent name": lambda conn, _: history(conn, Wanted(file_name="spring"), limit=50),
    "the recent ones": lambda conn, _: history(conn, Wanted(), limit=RECENT),
    "one": seen,
    "failed rows": lambda conn, found: rows_of(conn, found, status=RowStatus.FAILED, limit=50),
    "failed rows far down": lambda conn, found: rows_of(conn, found, status=RowStatus.FAILED, after=900, limit=50),
    "all rows": lambda conn, found: rows_of(conn, found, after=500, limit=50),
    "imported rows, of which there are none": lambda conn, found: rows_of(conn, found, status=RowStatus.COMMITTED),
    "reasons": reasons_of,
    "errors": lambda conn, found: list_errors(conn, found, after=(500, 0), limit=50),
    "a preview": lambda conn, found: preview_of(conn, found, changes=20),
    "repairs": repairs_of,
    "changes": lambda conn, found: list_changes(conn, found, limit=50),
    "unmatched categories": lambda conn, found: unmatched_categories(conn, found, limit=1),
}
GROWS_TO_A_BOUND: dict[str, Ask] = {
    "by a rare name, counted": lambda conn, _: history(conn, Wanted(file_name="nowhere"), count=True),
    "sorted by name": lambda conn, _: history(conn, Wanted(), sort="file", count=True),
    "sorted by failed rows, of one status": lambda conn, _: history(
        conn, Wanted(statuses=[ImportStatus.FAILED]), sort="-failed", count=True
    ),
}


async def scans(conn: AsyncConnection, queries: list[Query]) -> set[tuple[str, str]]:
    """How tables of the ledger are read by these queries: (kind of scan, table)."""
    found: set[tuple[str, str]] = set()

    def walk(plan: dict[str, Any]) -> None:
        if "Relation Name" in plan:
            found.add((plan["Node Type"], plan["Relation Name"]))
        for below in plan.get("Plans", ()):
            walk(below)

    for statement, parameters in queries:
        if statement.lstrip().upper().startswith("SET"):
            await conn.exec_driver_sql(statement)
        elif statement.lstrip().upper().startswith(("SELECT", "WITH")) and "set_config" not in statement:
            explained = (await conn.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters)).scalar_one()
            walk((json.loads(explained) if isinstance(explained, str) else explained)[0]["Plan"])
    return found


async def test_no_page_reads_more_of_a_long_list_than_of_a_short_one(
    idle_world: World, reader: AsyncEngine, tenant: str
) -> None:
    async with idle_world.database() as conn:
        # Among so many a large tenant is thought to be like all the others.
        for number in range(NEIGHBOURS):
            await write_history(conn, f"{tenant}-{number}", 1)
    short = await put(idle_world, f"{tenant}-short", FEW, FEW)
    long = await put(idle_world, f"{tenant}-long", MANY, MANY)
    costs: dict[str, list[int]] = {}
    for whose, failed in ((f"{tenant}-short", short), (f"{tenant}-long", long)):
        for name, ask in {**PAGES, **GROWS_TO_A_BOUND}.items():
            async with tenant_transaction(reader, whose) as conn:
                # As every transaction of the gateway that reads.
                with queries_of(reader) as made:
                    await conn.execute(BY_INDEX)
                    await ask(conn, failed)
            async with tenant_transaction(reader, whose) as conn:
                costs.setdefault(name, []).append(await pages_read(conn, made))
                read = await scans(conn, made)
            whole = {table for kind, table in read if "Seq Scan" in kind} - {"taxonomy_categories"}
            assert whole == set(), (name, read)
            if name in GROWS_TO_A_BOUND:
                assert ("Index Only Scan", "imports") in read, (name, read)
    grown = {name: (few, many) for name, (few, many) in costs.items() if many > 1.5 * few + 150 and name in PAGES}
    assert grown.keys() - {"unmatched categories"} == set(), grown


async def all_of(reader: AsyncEngine, tenant: str, wanted: Wanted, sort: Sort, limit: int) -> list[UUID]:
    found: list[UUID] = []
    after: str | None = None
    while True:
        async with tenant_transaction(reader, tenant) as conn:
            page = await history(conn, wanted, sort=sort, after=after, limit=limit)
        found += [each.id for each in page.items]
        if page.next is None:
            return found
        after = page.next


EXPECTED = {
    "-started": "created_at DESC, id DESC",
    "started": "created_at, id",
    "file": 'lower(file_name) COLLATE "C", created_at DESC, id DESC',
    "-file": 'lower(file_name) COLLATE "C" DESC, created_at DESC, id DESC',
    "-failed": "failed_rows DESC, created_at DESC, id DESC",
    "status": "status, created_at DESC, id DESC",
    "-rows": "total_rows DESC, created_at DESC, id DESC",
    "type": "entity_type, created_at DESC, id DESC",
}
FILTERS = {
    "true": Wanted(),
    "file_name ILIKE '%TOCK 1%'": Wanted(file_name="TOCK 1"),
    "status = 'failed'": Wanted(statuses=[ImportStatus.FAILED]),
    "mode = 'enrich' AND user_id = 'ben' AND status IN ('completed_with_failures', 'completed')": Wanted(
        mode="enrich", user="ben", statuses=[ImportStatus.COMPLETED_WITH_FAILURES, ImportStatus.COMPLETED]
    ),
}


@pytest.mark.parametrize("looked_at", [100_000, 70], ids=["at once", "in many looks"])
async def test_pages_together_are_the_whole_list_in_its_order(
    idle_world: World, reader: AsyncEngine, tenant: str, looked_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "MOST_LOOKED_AT", looked_at)
    monkeypatch.setattr(lists, "_FIRST_LOOK", min(looked_at, 40))
    async with idle_world.database() as conn:
        await write_history(conn, tenant, 400)
    for order in ("-started", "started") if looked_at < 400 else EXPECTED:
        for condition, wanted in FILTERS.items():
            async with idle_world.database() as conn:
                rows = await conn.execute(
                    text(
                        f"SELECT id FROM imports.imports WHERE tenant_id = :tenant AND {condition} ORDER BY {EXPECTED[order]}"
                    ),
                    {"tenant": tenant},
                )
                expected = list(rows.scalars())
            assert await all_of(reader, tenant, wanted, order, 13) == expected, (order, condition)
            async with tenant_transaction(reader, tenant) as conn:
                counted = (await history(conn, wanted, count=True, limit=1)).total
            if looked_at >= 400:
                assert counted == len(expected)


async def test_a_place_of_another_list_is_none_of_this_one(idle_world: World, reader: AsyncEngine, tenant: str) -> None:
    async with idle_world.database() as conn:
        await write_history(conn, tenant, 5)
    async with tenant_transaction(reader, tenant) as conn:
        page = await history(conn, Wanted(), limit=2)
        assert page.next is not None
        for wanted, sort in ((Wanted(mode="create"), "-started"), (Wanted(), "started"), (Wanted(), "file")):
            with pytest.raises(Refused) as refused:
                await history(conn, wanted, sort=sort, after=page.next)  # type: ignore[arg-type]
            assert refused.value.kind.slug == "cursor"


async def test_a_page_of_failed_rows_ends_with_a_group(idle_world: World, reader: AsyncEngine, tenant: str) -> None:
    async with idle_world.database() as conn:
        failed = await write_failed_rows(conn, tenant, 90)
    seen_rows: list[int] = []
    after = 0
    async with tenant_transaction(reader, tenant) as conn:
        while True:
            page = await rows_of(conn, failed, status=RowStatus.FAILED, after=after, limit=10)
            assert page is not None
            rows = [row.row for row in page.items]
            assert len(rows) in {8, 10}, rows
            seen_rows += rows
            if page.next is None:
                break
            after = int(page.next)
            assert after == rows[-1]
        one_group = await rows_of(conn, failed, status=RowStatus.FAILED, limit=3)
    assert seen_rows == list(range(2, 92))
    assert one_group is not None
    assert [row.row for row in one_group.items] == [2, 3, 4], "a group that is longer than a page is cut"
