"""What is listed beside rows: imports, what one would do, categories nobody knows, names a catalogue has."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from uuid_utils.compat import uuid7

from services.gateway.cursors import hand_out, list_name
from services.gateway.imports.history import Wanted, history
from shared.db.transaction import tenant_transaction
from shared.intake.catalogue import (
    KINDS,
    MOST_WITHIN,
    CataloguePage,
    known_names,
    list_attribute_values,
    list_values,
)
from shared.intake.preview import Outcomes, preview
from shared.intake.unmatched import UnmatchedCategory, unmatched_categories
from shared.ledger import cancel_import
from shared.states import ImportStatus
from tests.harness.files import product, row
from tests.harness.query_costs import pages_read, queries_of
from tests.harness.staging import Desk
from tests.harness.world import World
from tests.integration.conftest import EngineOf

EVERY = Wanted()


@pytest.fixture
async def sent(idle_world: World, tenant: str) -> list[UUID]:
    """Twelve imports, an hour between each two, the oldest first; the last two at one moment. And one of somebody else."""
    ids = [UUID(str(uuid7())) for _ in range(12)]
    async with idle_world.database() as conn:
        for number, import_id in enumerate([*ids, UUID(str(uuid7()))]):
            await conn.execute(
                text(
                    "INSERT INTO imports.imports (id, tenant_id, user_id, entity_type, mode, status, file_name, object_key, created_at) "
                    "VALUES (:id, :tenant, :user, 'products', :mode, :status, :file, 'f', "
                    "        CAST('2026-03-01 00:00+00' AS timestamptz) + :hours * interval '1 hour')"
                ),
                {
                    "id": import_id,
                    "tenant": tenant if number < 12 else f"{tenant}-other",
                    "user": "ann" if number % 2 else "ben",
                    "mode": "upsert" if number % 3 else "create",
                    "status": "failed" if number == 4 else "cancelled",
                    "file": f"100%_{number}.xlsx" if number % 4 == 0 else f"Autumn {number}.csv",
                    "hours": min(number, 10),
                },
            )
    return ids


async def listed(engine_of: EngineOf, tenant: str, wanted: Wanted = EVERY, *, limit: int = 5) -> list[UUID]:
    """All pages."""
    found: list[UUID] = []
    after: str | None = None
    while True:
        async with tenant_transaction(engine_of("winnow_reader"), tenant) as conn:
            page = await history(conn, wanted, after=after, limit=limit)
        found += [each.id for each in page.items]
        if page.next is None:
            return found
        assert len(page.items) == limit
        after = page.next


async def test_imports_are_listed_newest_first_by_page(sent: list[UUID], engine_of: EngineOf, tenant: str) -> None:
    expected = [*sorted(sent[10:], reverse=True), *reversed(sent[:10])]
    for limit in (1, 5, 6, 12, 50):
        assert await listed(engine_of, tenant, limit=limit) == expected


async def test_imports_are_found_by_all_that_is_said_of_them(
    idle_world: World, sent: list[UUID], engine_of: EngineOf, tenant: str
) -> None:
    async def numbers(wanted: Wanted) -> list[int]:
        return sorted(sent.index(found) for found in await listed(engine_of, tenant, wanted, limit=2))

    begin = await idle_world.scalar("SELECT created_at FROM imports.imports WHERE id = :id", id=sent[0])
    hour = timedelta(hours=1)
    assert await numbers(Wanted(file_name="100%_")) == [0, 4, 8], "what is typed is no pattern"
    assert await numbers(Wanted(file_name="AUTUMN 1")) == [1, 10, 11]
    assert await numbers(Wanted(file_name="%")) == [0, 4, 8]
    assert await numbers(Wanted(statuses=[ImportStatus.FAILED])) == [4]
    assert await numbers(Wanted(statuses=[ImportStatus.COMPLETED, ImportStatus.UPLOADING])) == []
    assert await numbers(Wanted(mode="create", user="ann")) == [3, 9]
    assert await numbers(Wanted(entity_type="people")) == []
    assert await numbers(Wanted(entity_type="products", since=begin + 2 * hour, before=begin + 4 * hour)) == [
        2,
        3,
    ]


async def test_imports_are_listed_for_their_own_tenant_and_no_place_leads_to_anothers(
    sent: list[UUID], engine_of: EngineOf, tenant: str
) -> None:
    (others,) = await listed(engine_of, f"{tenant}-other")
    assert others not in await listed(engine_of, tenant)
    async with tenant_transaction(engine_of("winnow_reader"), tenant) as conn:
        mine = await history(conn, EVERY, limit=10)
    assert mine.next is not None
    async with tenant_transaction(engine_of("winnow_reader"), f"{tenant}-other") as conn:
        behind = await history(conn, EVERY, after=mine.next)
    assert not {each.id for each in behind.items} & set(sent)


async def test_a_preview_counts_what_a_commit_comes_to(desk: Desk, engine_of: EngineOf, tenant: str) -> None:
    rows = [*product(1, variants=3), *product(2, variants=2, weight_g="heavy"), *product(3), row(description="Total")]
    first, second = await desk.stage(rows, chunk_rows=4)
    validated = await desk.validate(first)

    async def seen() -> tuple[Outcomes, int]:
        async with tenant_transaction(engine_of("winnow_reader"), tenant) as conn:
            found = await preview(conn, first.import_id)
        assert found is not None
        return found.rows, found.undecided

    begun, undecided = await seen()
    assert undecided == second.row_count
    also_validated = await desk.validate(second)
    before = await seen()
    assert before == (Outcomes(create=4, update=0, skip=0, fail=3), 0)
    assert begun.create < before[0].create
    await desk.commit(validated)
    assert await seen() == before, "some of it done, some of it to be done"
    await desk.commit(also_validated)
    assert await seen() == before


async def test_a_preview_counts_groups_and_what_is_not_to_be_done(desk: Desk, engine_of: EngineOf, tenant: str) -> None:
    (event,) = await desk.ready([*product(1, variants=3), *product(2, variants=2, weight_g="heavy"), *product(3)])
    async with tenant_transaction(engine_of("winnow_reader"), tenant) as conn:
        found = await preview(conn, event.import_id)
    assert found is not None
    assert found.groups == Outcomes(create=2, update=0, skip=0, fail=1)
    async with tenant_transaction(engine_of("winnow_intake"), tenant) as conn:
        assert await cancel_import(conn, event.import_id)
    async with tenant_transaction(engine_of("winnow_reader"), tenant) as conn:
        found = await preview(conn, event.import_id)
    assert found is not None
    assert (found.rows, found.unprocessed, found.total_rows) == (Outcomes(0, 0, 0, 0), 6, 6)


async def test_categories_that_were_not_found_are_counted_with_what_is_nearest(
    desk: Desk, engine_of: EngineOf, tenant: str
) -> None:
    said = [
        "Clothing > T-shirts & Polos",
        "Printed T-shirts",
        " printed t-SHIRTS",
        "Clothing > T-shirt & Polo",
        "Furniture",
        "Printed T-shirts",
    ]
    rows = [row for number, category in enumerate(said) for row in product(number, variants=2, category=category)]
    (event,) = await desk.ready(rows)
    async with tenant_transaction(engine_of("winnow_reader"), tenant) as conn:
        found = await unmatched_categories(conn, event.import_id)
        first = await unmatched_categories(conn, event.import_id, limit=1)
    assert found is not None
    printed, polos, furniture = found
    assert first == [printed]
    assert (printed.text, printed.rows, printed.first_row) == ("Printed T-shirts", 3, 4)
    assert printed.suggestions[0] == "Clothing > T-shirts & Polos > Printed T-shirts"
    assert (polos.rows, polos.first_row, polos.suggestions[0]) == (1, 8, "Clothing > T-shirts & Polos")
    assert furniture == UnmatchedCategory("Furniture", 1, 10, ())
    async with tenant_transaction(engine_of("winnow_reader"), f"{tenant}-other") as conn:
        assert await unmatched_categories(conn, event.import_id) is None
        assert await preview(conn, event.import_id) is None


async def test_of_an_import_whose_categories_are_known_none_is_unmatched(
    desk: Desk, engine_of: EngineOf, tenant: str
) -> None:
    (event,) = await desk.ready(product(1, weight_g="heavy"))
    async with tenant_transaction(engine_of("winnow_reader"), tenant) as conn:
        assert await unmatched_categories(conn, event.import_id) == []


CATALOGUE = [
    *product(1, variants=3, season="ss26", tags="Linen; Éte; 50%_off"),
    *product(2, season="AW27", tags="linen", manufacturer="Mill & Sons"),
]


def names(page: CataloguePage | None) -> list[str]:
    assert page is not None
    return [value.name for value in page.values]


async def test_names_of_a_catalogue_are_listed_kind_by_kind(desk: Desk, engine_of: EngineOf, tenant: str) -> None:
    (event,) = await desk.ready(CATALOGUE)
    await desk.commit(event)
    async with tenant_transaction(engine_of("winnow_reader"), tenant) as conn:
        for kind in KINDS:
            assert (await list_values(conn, kind)).values, kind
        assert names(await list_values(conn, "seasons")) == ["AW27", "ss26"]
        assert names(await list_values(conn, "tags")) == ["50%_off", "Linen", "Éte"]
        assert names(await list_values(conn, "tags", search="  LIN")) == ["Linen"]
        assert names(await list_values(conn, "tags", search="é")) == ["Éte"]
        assert names(await list_values(conn, "tags", search="%")) == ["50%_off"]
        assert names(await list_values(conn, "categories", search="printed t-")) == [
            "Clothing > T-shirts & Polos > Printed T-shirts"
        ]
        (size,) = (await list_values(conn, "attributes")).values
        assert (size.name, size.values, size.has_more) == ("Size", ("S", "S1", "S2"), False)
        assert names(await list_attribute_values(conn, " size", search="s1")) == ["S1"]
        assert await list_attribute_values(conn, "Colour") is None
        assert await known_names(conn, ["seasons", "manufacturers"], limit=1) == {
            "seasons": ["AW27"],
            "manufacturers": ["Acme Mills"],
        }


async def test_every_name_is_on_one_page_and_an_attribute_of_many_values_says_so(
    desk: Desk, engine_of: EngineOf, tenant: str
) -> None:
    rows = [row(sku=f"S-{n}", attribute_1="Size", attribute_value_1=f"Size {n}") for n in range(MOST_WITHIN + 5)]
    (event,) = await desk.ready([*product(1, tags="; ".join(f"tag {n}" for n in range(25))), *rows])
    await desk.commit(event)
    tags: list[str] = []
    values: list[str] = []
    async with tenant_transaction(engine_of("winnow_reader"), tenant) as conn:
        (size,) = (await list_values(conn, "attributes")).values
        assert (len(size.values), size.has_more) == (MOST_WITHIN, True)
        after: str | None = ""
        while after is not None:
            page = await list_values(conn, "tags", after=after, limit=7)
            tags, after = [*tags, *names(page)], page.next
        after = ""
        while after is not None:
            found = await list_attribute_values(conn, "Size", after=after, limit=50)
            assert found is not None
            values, after = [*values, *names(found)], found.next
    assert tags == sorted(f"tag {n}" for n in range(25))
    assert len(values) == len(set(values)) == MOST_WITHIN + 6
    async with tenant_transaction(engine_of("winnow_reader"), f"{tenant}-other") as conn:
        for kind in set(KINDS) - {"categories"}:
            assert (await list_values(conn, kind)).values == (), kind
        assert await list_attribute_values(conn, "Size") is None


async def test_the_last_page_of_a_long_list_costs_what_the_first_one_does(
    idle_world: World, engine_of: EngineOf, tenant: str
) -> None:
    many = 20_000
    async with idle_world.database() as conn:
        for statement in (
            (
                "INSERT INTO imports.imports (id, tenant_id, user_id, entity_type, mode, status, file_name, object_key, created_at) "
                "SELECT gen_random_uuid(), :tenant, 'u', 'products', 'create', 'failed', 'f', 'f', now() - n * interval '1 second' "
                f"FROM generate_series(1, {many}) AS n"
            ),
            (
                "INSERT INTO catalog.tags (tenant_id, name, name_key) "
                f"SELECT :tenant, 'Tag ' || lpad(n::text, 6, '0'), 'tag ' || lpad(n::text, 6, '0') FROM generate_series(1, {many}) AS n"
            ),
        ):
            await conn.execute(text(statement.replace("::", "\\:\\:")), {"tenant": tenant})
        for table in ("imports.imports", "catalog.tags"):
            await conn.execute(text(f"ANALYZE {table}"))
        oldest = (
            await conn.execute(
                text(
                    "SELECT id, created_at FROM imports.imports WHERE tenant_id = :tenant ORDER BY created_at LIMIT 1 OFFSET 30"
                ),
                {"tenant": tenant},
            )
        ).one()
    far_down = hand_out(list_name("imports", {"sort": "-started"}), oldest.created_at, oldest.id)
    engine = engine_of("winnow_reader")
    async with tenant_transaction(engine, tenant) as conn:
        costs = []
        for after in (None, far_down):
            with queries_of(engine) as made:
                imports = await history(conn, EVERY, after=after, limit=20)
            assert len(imports.items) == 20
            costs.append(await pages_read(conn, made))
        for name in ("", f"tag {many - 30:06}"):
            with queries_of(engine) as made:
                tags = await list_values(conn, "tags", after=name, limit=20)
            assert len(tags.values) == 20
            costs.append(await pages_read(conn, made))
    first_imports, last_imports, first_tags, last_tags = costs
    assert last_imports < 1.3 * first_imports + 100, costs
    assert last_tags < 1.3 * first_tags + 100, costs
