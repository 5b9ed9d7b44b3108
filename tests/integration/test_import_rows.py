"""The rows of an import by page: of each status, with their errors, and at one cost however far down."""

from collections.abc import AsyncIterator, Sequence
from uuid import UUID

import pytest
from sqlalchemy import text
from uuid_utils.compat import uuid7

from shared.db.transaction import tenant_transaction
from shared.intake.preview import Outcomes, preview
from shared.intake.rows import MOST_ROWS, ImportRow, read_decided, read_rows
from shared.ledger import cancel_import
from shared.states import Action, RowStatus
from tests.harness.files import HEADINGS, product, row
from tests.harness.query_costs import pages_read, queries_of
from tests.harness.staging import Desk
from tests.harness.world import World
from tests.integration.conftest import EngineOf

PENDING, COMMITTED, FAILED, UNPROCESSED = RowStatus
DECIDED = (Action.CREATE, Action.UPDATE, Action.SKIP)

# Data begins in row 2: products 1 and 3 are good, product 2 (rows 4 to 7) is not, with a row between its own that no
# product has, and 8 is a row that stands alone behind it.
ROWS = [
    *product(1, variants=2),
    *product(2, variants=2, weight_g="heavy"),
    row(description="Total: 2 pieces"),
    row(sku="LATE-1"),
    row(description="Checked by Ann"),
    *product(3, variants=2),
]


async def every_row(
    engine_of: EngineOf, tenant: str, import_id: UUID, *, status: RowStatus | None = None, limit: int = 50
) -> list[ImportRow]:
    """All pages of a status, one behind another."""
    rows: list[ImportRow] = []
    after: int | None = 0
    while after is not None:
        async with tenant_transaction(engine_of("winnow_reader"), tenant) as conn:
            page = await read_rows(conn, import_id, status=status, after=after, limit=limit)
        assert page is not None
        assert len(page.rows) == limit or page.next is None
        rows += page.rows
        after = page.next
    return rows


def numbers(rows: Sequence[ImportRow]) -> list[int]:
    return [each.row for each in rows]


@pytest.mark.parametrize("limit", [1, 2, 3, 50])
async def test_rows_are_listed_by_how_far_they_are(desk: Desk, engine_of: EngineOf, tenant: str, limit: int) -> None:
    (event,) = await desk.stage(ROWS)

    async def listed(status: RowStatus | None) -> list[int]:
        return numbers(await every_row(engine_of, tenant, event.import_id, status=status, limit=limit))

    assert await listed(PENDING) == [2, 3, 4, 5, 6, 7, 8, 9, 10]
    assert await listed(FAILED) == await listed(COMMITTED) == []
    validated = await desk.validate(event)
    assert await listed(PENDING) == [2, 3, 9, 10]
    assert await listed(FAILED) == [4, 5, 6, 7, 8]
    await desk.commit(validated)
    assert await listed(PENDING) == await listed(UNPROCESSED) == []
    assert await listed(COMMITTED) == [2, 3, 9, 10]
    assert await listed(FAILED) == [4, 5, 6, 7, 8]
    assert await listed(None) == list(range(2, 11))


async def test_a_row_is_shown_as_it_stands_with_what_is_wrong_and_what_becomes_of_it(
    desk: Desk, engine_of: EngineOf, tenant: str
) -> None:
    rows = [*ROWS, [*row(sku="LONG", carbon_kg=6.5), "", "beyond", ""]]
    (event,) = await desk.ready(rows)
    shown = {each.row: each for each in await every_row(engine_of, tenant, event.import_id)}
    carbon, weight = HEADINGS.index("kgCO2e Carbon Footprint"), HEADINGS.index("Grams Weight")
    assert (shown[2].status, shown[2].outcome, shown[2].cells[carbon], shown[2].cells[weight]) == (
        PENDING,
        "create",
        "6.55",
        "230",
    )
    assert all(len(each.cells) == len(HEADINGS) for each in shown.values() if each.row != 11)
    assert shown[11].cells[len(HEADINGS) :] == ("", "beyond")
    assert (shown[4].status, shown[4].outcome, shown[4].group_row) == (FAILED, "fail", 4)
    (error,) = shown[4].errors
    assert (error.row, error.heading, error.code) == (4, "Grams Weight", "invalid_number")
    assert (shown[5].status, shown[5].errors, shown[5].group_row) == (FAILED, (), 4), "it failed with its product"
    assert {each.code for each in shown[6].errors} == {"unidentified_row"}
    await desk.commit(event)
    shown = {each.row: each for each in await every_row(engine_of, tenant, event.import_id)}
    assert (shown[2].status, shown[2].outcome, shown[4].outcome) == (COMMITTED, None, None)


async def test_rows_of_a_cancelled_import_that_nobody_came_to_are_unprocessed(
    desk: Desk, engine_of: EngineOf, tenant: str
) -> None:
    events = await desk.stage([*product(1, variants=2), *product(2, variants=2), *product(3, variants=2)], chunk_rows=2)
    import_id = events[0].import_id
    await desk.commit(await desk.validate(events[0]))
    await desk.validate(events[1])
    async with tenant_transaction(engine_of("winnow_intake"), tenant) as conn:
        assert await cancel_import(conn, import_id)
    rows = await every_row(engine_of, tenant, import_id, status=UNPROCESSED, limit=3)
    assert [(each.row, each.status, each.outcome) for each in rows] == [
        (number, UNPROCESSED, None) for number in (4, 5, 6, 7)
    ]
    assert numbers(await every_row(engine_of, tenant, import_id, status=COMMITTED)) == [2, 3]


async def test_every_row_of_a_quarantined_chunk_is_a_failed_one(
    idle_world: World, desk: Desk, engine_of: EngineOf, tenant: str
) -> None:
    (event,) = await desk.ready(ROWS)
    async with idle_world.database() as conn:
        await conn.execute(
            text(
                "UPDATE imports.import_chunks SET state = 'quarantined', reference = 'W-1', failed = row_count WHERE import_id = :id"
            ),
            {"id": event.import_id},
        )
        await conn.execute(
            text(
                "INSERT INTO imports.row_errors (tenant_id, import_id, chunk_no, row_no, group_row, position, code, message) "
                "SELECT tenant_id, import_id, chunk_no, row_no, group_row, 9, 'internal', 'W-1' FROM imports.raw_rows WHERE import_id = :id"
            ),
            {"id": event.import_id},
        )
    rows = await every_row(engine_of, tenant, event.import_id, status=FAILED, limit=4)
    assert [(each.row, each.outcome) for each in rows] == [(number, None) for number in range(2, 11)]
    assert await every_row(engine_of, tenant, event.import_id, status=PENDING) == []


async def test_of_an_import_that_takes_another_one_back_the_rows_that_could_not_be_are_listed(
    idle_world: World, desk: Desk, engine_of: EngineOf, tenant: str
) -> None:
    (event,) = await desk.ready(product(1, variants=4))
    await desk.commit(event)
    undo = UUID(str(uuid7()))
    async with idle_world.database() as conn:
        for statement in (
            (
                "INSERT INTO imports.imports (id, tenant_id, user_id, entity_type, mode, status, file_name, object_key, headers, undoes_import_id) "
                "SELECT :undo, tenant_id, user_id, entity_type, 'undo', status, file_name, object_key, headers, id FROM imports.imports WHERE id = :id"
            ),
            (
                "INSERT INTO imports.import_chunks (import_id, chunk_no, tenant_id, first_row, last_row, row_count, state, created, failed) "
                "SELECT :undo, chunk_no, tenant_id, first_row, last_row, row_count, state, 3, 1 FROM imports.import_chunks WHERE import_id = :id"
            ),
            (
                "INSERT INTO imports.row_errors (import_id, row_no, position, tenant_id, chunk_no, group_row, code, message) "
                "SELECT :undo, 4, 0, tenant_id, 1, 2, 'changed_since', 'It was changed' FROM imports.imports WHERE id = :id"
            ),
        ):
            await conn.execute(text(statement), {"undo": undo, "id": event.import_id})
    for status in (None, FAILED):
        (shown,) = await every_row(engine_of, tenant, undo, status=status)
        assert (shown.row, shown.status, shown.cells[HEADINGS.index("SKU")]) == (4, FAILED, "SKU-1-2")
        assert [each.code for each in shown.errors] == ["changed_since"]
    assert await every_row(engine_of, tenant, undo, status=COMMITTED) == []


async def test_an_import_whose_rows_were_not_kept_any_longer_has_none(
    idle_world: World, desk: Desk, engine_of: EngineOf, tenant: str
) -> None:
    (event,) = await desk.ready(ROWS)
    async with idle_world.database() as conn:
        expire = "UPDATE imports.imports SET rows_expired_at = now() WHERE id = :id"
        await conn.execute(text(expire), {"id": event.import_id})
    async with tenant_transaction(engine_of("winnow_reader"), tenant) as conn:
        page = await read_rows(conn, event.import_id)
    assert page is not None
    assert (page.rows, page.next, page.expired) == ((), None, True)


async def test_nobody_sees_the_rows_of_another_tenants_import(desk: Desk, engine_of: EngineOf, tenant: str) -> None:
    (event,) = await desk.ready(ROWS)
    async with tenant_transaction(engine_of("winnow_reader"), f"{tenant}-other") as conn:
        assert await read_rows(conn, event.import_id) is None


@pytest.mark.parametrize("limit", [0, MOST_ROWS + 1])
async def test_a_page_has_its_limits(desk: Desk, engine_of: EngineOf, tenant: str, limit: int) -> None:
    (event,) = await desk.stage(ROWS)
    async with tenant_transaction(engine_of("winnow_reader"), tenant) as conn:
        with pytest.raises(ValueError, match="limit is 1 to"):
            await read_rows(conn, event.import_id, limit=limit)


CHUNK, CHUNKS = 4_000, 26
LAST = CHUNK * CHUNKS


@pytest.fixture(params=["dense", "sparse", "nearly all"])
async def long_import(request: pytest.FixtureRequest, idle_world: World, tenant: str) -> AsyncIterator[UUID]:
    """104,000 rows in groups of four: every tenth group has failed, one in each chunk, or all but one in each."""
    import_id = UUID(str(uuid7()))
    failed = {
        "dense": "group_row % 40 = 2",
        "sparse": f"group_row % {CHUNK} = 1002",
        "nearly all": f"group_row % {CHUNK} <> 1002",
    }[request.param]
    scope = {"id": import_id, "tenant": tenant}
    async with idle_world.database() as conn:
        for statement in (
            (
                "INSERT INTO imports.imports (id, tenant_id, user_id, entity_type, mode, status, file_name, object_key, parsed_at, total_rows) "
                f"VALUES (:id, :tenant, 'u', 'products', 'create', 'importing', 'f.xlsx', 'f.xlsx', now(), {LAST})"
            ),
            (
                "INSERT INTO imports.import_chunks (import_id, chunk_no, tenant_id, first_row, last_row, row_count, state, failed) "
                f"SELECT :id, n, :tenant, (n - 1) * {CHUNK} + 2, n * {CHUNK} + 1, {CHUNK}, 'validated', 4 FROM generate_series(1, {CHUNKS}) AS n"
            ),
            (
                "INSERT INTO imports.raw_rows (import_id, row_no, tenant_id, chunk_no, group_row, cells) "
                f'SELECT :id, n, :tenant, (n - 2) / {CHUNK} + 1, n - (n - 2) % 4, \'["Shirt", "shirt"]\' FROM generate_series(2, {LAST} + 1) AS n'
            ),
            (
                "INSERT INTO imports.row_errors (import_id, row_no, position, tenant_id, chunk_no, group_row, code, message) "
                "SELECT :id, row_no, 0, :tenant, chunk_no, group_row, 'required', 'Barcode or SKU is required' FROM imports.raw_rows "
                f"WHERE import_id = :id AND row_no = group_row + 1 AND {failed}"
            ),
        ):
            await conn.execute(text(statement), scope)
    yield import_id
    async with idle_world.database() as conn:
        for table in ("row_errors", "raw_rows", "import_chunks"):
            await conn.execute(text(f"DELETE FROM imports.{table} WHERE import_id = :id"), scope)


@pytest.mark.parametrize("status", [None, PENDING, FAILED])
async def test_the_hundred_thousandth_row_costs_what_the_first_one_does(
    long_import: UUID, engine_of: EngineOf, tenant: str, status: RowStatus | None
) -> None:
    engine = engine_of("winnow_reader")

    async def pages(after: int) -> tuple[int, int]:
        async with tenant_transaction(engine, tenant) as conn:
            with queries_of(engine) as made:
                page = await read_rows(conn, long_import, status=status, after=after, limit=20)
            assert page is not None
            return await pages_read(conn, made), len(page.rows)

    first, found = await pages(0)
    assert found == 20
    assert first < 3_000 or status is PENDING, "a page is no look at all rows"
    for after in (CHUNK - 3, 50_001, 98_999, 100_000):
        later, found = await pages(after)
        assert found, after
        assert later < 1.3 * first + 100, (after, first, later)


async def test_pages_of_all_statuses_together_have_every_row_once(
    long_import: UUID, engine_of: EngineOf, tenant: str
) -> None:
    pending = numbers(await every_row(engine_of, tenant, long_import, status=PENDING, limit=MOST_ROWS))
    failed = numbers(await every_row(engine_of, tenant, long_import, status=FAILED, limit=MOST_ROWS))
    assert sorted([*pending, *failed]) == list(range(2, LAST + 2))


async def test_a_group_may_create_update_and_skip_and_each_row_says_which(
    idle_world: World, desk: Desk, engine_of: EngineOf, tenant: str
) -> None:
    """What is decided of it is written here as the validator writes it for rows whose product is there."""
    (event,) = await desk.ready(product(1, variants=4))
    scope = {"id": event.import_id, "tenant": tenant}
    async with idle_world.database() as conn:
        for statement in (
            "UPDATE staging.groups SET action = 'update', creates = 1, updates = 2, skips = 1 WHERE import_id = :id",
            "UPDATE staging.product_variants SET action = 'update' WHERE import_id = :id AND row_no IN (2, 3)",
            "DELETE FROM staging.product_variants WHERE import_id = :id AND row_no = 4",
            (
                "INSERT INTO staging.changes (tenant_id, import_id, chunk_no, row_no, group_row, record, record_id, before, after) "
                "SELECT :tenant, :id, 1, n, 2, record, gen_random_uuid(), CAST(before AS jsonb), CAST(after AS jsonb) FROM (VALUES "
                '(2, \'product\', \'{"title": "Shirt"}\', \'{"title": "Shirt 1"}\'), '
                '(3, \'variant\', \'{"weight": null, "image_url": "a"}\', \'{"weight": "250", "image_url": null}\')'
                ") AS said (n, record, before, after)"
            ),
        ):
            await conn.execute(text(statement), scope)
    shown = {each.row: each for each in await every_row(engine_of, tenant, event.import_id, limit=3)}
    assert [shown[row].outcome for row in (2, 3, 4, 5)] == ["update", "update", "skip", "create"]
    assert [(each.record, each.before, each.after) for each in shown[3].changes] == [
        ("variant", {"weight": None, "image_url": "a"}, {"weight": "250", "image_url": None})
    ]
    assert shown[4].changes == shown[5].changes == ()
    async with tenant_transaction(engine_of("winnow_reader"), tenant) as conn:
        found = await preview(conn, event.import_id, changes=1)
        everything = await preview(conn, event.import_id)
        decided = {outcome: await read_decided(conn, event.import_id, outcome) for outcome in DECIDED}
    assert {outcome: page and numbers(page.rows) for outcome, page in decided.items()} == {
        Action.CREATE: [5],
        Action.UPDATE: [2, 3],
        Action.SKIP: [4],
    }
    assert found is not None
    assert everything is not None
    assert found.rows == Outcomes(create=1, update=2, skip=1, fail=0)
    assert found.groups == Outcomes(create=0, update=1, skip=0, fail=0)
    assert [change.row for change in found.changes] == [2]
    assert [(change.row, change.record) for change in everything.changes] == [(2, "product"), (3, "variant")]


async def test_rows_of_which_the_same_was_decided_are_listed_by_page(
    desk: Desk, engine_of: EngineOf, tenant: str
) -> None:
    (event,) = await desk.ready([*product(1, variants=2), *product(2, weight_g="heavy"), *product(3, variants=2)])
    pages, after = [], None
    async with tenant_transaction(engine_of("winnow_reader"), tenant) as conn:
        while True:
            page = await read_decided(conn, event.import_id, Action.CREATE, after=after, limit=1)
            assert page is not None
            pages.append(numbers(page.rows))
            if (after := page.next) is None:
                break
        assert await read_decided(conn, uuid7(), Action.CREATE) is None
        nothing = await read_decided(conn, event.import_id, Action.SKIP)
    # A page ends with a group, and what comes back is in none.
    first, last = pages
    assert (len(first), len(last)) == (2, 2)
    assert nothing is not None
    assert nothing.rows == ()
