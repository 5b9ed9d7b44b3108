"""What is listed beside rows: imports, what one would do, categories nobody knows, names a catalogue has."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from uuid_utils.compat import uuid7

from shared.db.transaction import tenant_transaction
from shared.intake.catalogue import (
    KINDS,
    MOST_WITHIN,
    CataloguePage,
    known_names,
    list_attribute_values,
    list_values,
)
from shared.intake.history import MOST_RECENT, RECENT, ImportFilter, list_imports, recent_imports
from shared.intake.preview import Outcomes, preview
from shared.intake.unmatched import UnmatchedCategory, unmatched_categories
from shared.ledger import cancel_import
from shared.states import ImportStatus
from tests.harness.files import product, row
from tests.harness.query_costs import pages_read, queries_of
from tests.harness.staging import Desk
from tests.harness.world import World
from tests.integration.conftest import EngineOf

EVERY = ImportFilter()


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


async def listed(engine_of: EngineOf, tenant: str, wanted: ImportFilter = EVERY, *, limit: int = 5) -> list[UUID]:
    """All pages."""
    found: list[UUID] = []
    after: UUID | None = None
    while True:
        async with tenant_transaction(engine_of("winnow_reader"), tenant) as conn:
            page = await list_imports(conn, wanted, after=after, limit=limit)
        found += [each.id for each in page.imports]
        if page.next is None:
            return found
        assert len(page.imports) == limit
        after = page.next


async def test_imports_are_listed_newest_first_by_page(sent: list[UUID], engine_of: EngineOf, tenant: str) -> None:
    expected = [*sorted(sent[10:], reverse=True), *reversed(sent[:10])]
    for limit in (1, 5, 6, 12, 50):
        assert await listed(engine_of, tenant, limit=limit) == expected


async def test_imports_are_found_by_all_that_is_said_of_them(
    idle_world: World, sent: list[UUID], engine_of: EngineOf, tenant: str
) -> None:
    async def numbers(wanted: ImportFilter) -> list[int]:
        return sorted(sent.index(found) for found in await listed(engine_of, tenant, wanted, limit=2))

    begin = await idle_world.scalar("SELECT created_at FROM imports.imports WHERE id = :id", id=sent[0])
    hour = timedelta(hours=1)
    assert await numbers(ImportFilter(file_name="100%_")) == [0, 4, 8], "what is typed is no pattern"
    assert await numbers(ImportFilter(file_name="AUTUMN 1")) == [1, 10, 11]
    assert await numbers(ImportFilter(file_name="%")) == [0, 4, 8]
    assert await numbers(ImportFilter(statuses=[ImportStatus.FAILED])) == [4]
    assert await numbers(ImportFilter(statuses=[ImportStatus.COMPLETED, ImportStatus.UPLOADING])) == []
    assert await numbers(ImportFilter(mode="create", user="ann")) == [3, 9]
    assert await numbers(ImportFilter(entity_type="people")) == []
    assert await numbers(ImportFilter(entity_type="products", since=begin + 2 * hour, before=begin + 4 * hour)) == [
        2,
        3,
    ]


async def test_imports_of_all_tenants_are_an_operators_to_list_and_of_one_a_readers(
    sent: list[UUID], engine_of: EngineOf, tenant: str
) -> None:
    tenants: set[str] = set()
    after: UUID | None = None
    async with engine_of("winnow_operator").connect() as conn:
        while not tenants or after is not None:
            everybodys = await list_imports(conn, ImportFilter(), after=after, limit=200)
            tenants |= {each.tenant_id for each in everybodys.imports}
            after = everybodys.next
        one = await list_imports(conn, ImportFilter(tenant=f"{tenant}-other"), limit=200)
    assert tenants >= {tenant, f"{tenant}-other"}
    (others,) = one.imports
    assert others.id not in await listed(engine_of, tenant)
    assert await listed(engine_of, tenant, ImportFilter(tenant=f"{tenant}-other")) == []
    async with tenant_transaction(engine_of("winnow_reader"), f"{tenant}-other") as conn:
        assert (await list_imports(conn, ImportFilter(), after=sent[3])).imports == ()


async def test_the_recent_imports_are_five_unless_one_to_ten_are_wanted(
    sent: list[UUID], engine_of: EngineOf, tenant: str
) -> None:
    async with tenant_transaction(engine_of("winnow_reader"), tenant) as conn:
        assert [each.id for each in await recent_imports(conn)] == (await listed(engine_of, tenant))[:RECENT]
        assert len(await recent_imports(conn, limit=MOST_RECENT)) == MOST_RECENT
        for limit in (0, MOST_RECENT + 1):
            with pytest.raises(ValueError, match="1 to 10"):
                await recent_imports(conn, limit=limit)


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
                text("SELECT id FROM imports.imports WHERE tenant_id = :tenant ORDER BY created_at LIMIT 1 OFFSET 30"),
                {"tenant": tenant},
            )
        ).scalar_one()
    engine = engine_of("winnow_reader")
    async with tenant_transaction(engine, tenant) as conn:
        costs = []
        for after in (None, oldest):
            with queries_of(engine) as made:
                imports = await list_imports(conn, ImportFilter(), after=after, limit=20)
            assert len(imports.imports) == 20
            costs.append(await pages_read(conn, made))
        for name in ("", f"tag {many - 30:06}"):
            with queries_of(engine) as made:
                tags = await list_values(conn, "tags", after=name, limit=20)
            assert len(tags.values) == 20
            costs.append(await pages_read(conn, made))
    first_imports, last_imports, first_tags, last_tags = costs
    assert last_imports < 1.3 * first_imports + 100, costs
    assert last_tags < 1.3 * first_tags + 100, costs
