"""Files in every mode, from their staged rows to what readers see: by the rules' own decisions, on a real database."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from shared.events import RowsStaged
from shared.ledger import ImportProgress
from tests.harness.decisions import counts, effective, ended, made, physical, versions
from tests.harness.files import catalogue, product, row
from tests.harness.staging import Desk
from tests.harness.world import World

CHANGING = pytest.mark.parametrize("mode", ["enrich", "upsert"])


async def sent(
    world: World,
    desk: Desk,
    rows: Sequence[Sequence[Any]],
    *,
    mode: str = "upsert",
    chunk_rows: int = 1000,
    **asked: Any,
) -> ImportProgress:
    """An import that has ended; its chunks are decided and committed one after another, waves after what they follow."""
    staged = await desk.stage(rows, mode=mode, chunk_rows=chunk_rows, **asked)
    async with world.database() as conn:
        query = text("SELECT chunk_no FROM imports.import_chunks WHERE import_id = :id ORDER BY wave, chunk_no")
        order = (await conn.execute(query, {"id": staged[0].import_id})).scalars().all()
    events = {event.chunk_no: event for event in staged}
    for chunk_no in order:
        await desk.commit(await desk.validate(events[chunk_no]))
    return await ended(world, staged[0].import_id)


async def errors(world: World, import_id: UUID) -> list[tuple[int, str, str]]:
    """Every reason of an import: (row, heading, code)."""
    async with world.database() as conn:
        query = text(
            "SELECT row_no, coalesce(heading, ''), code FROM imports.row_errors WHERE import_id = :id ORDER BY 1, position"
        )
        return [tuple(found) for found in await conn.execute(query, {"id": import_id})]


async def staged(world: World, table: str, import_id: UUID) -> list[dict[str, Any]]:
    async with world.database() as conn:
        query = text(f"SELECT * FROM staging.{table} WHERE import_id = :id ORDER BY row_no")
        return [dict(found) for found in (await conn.execute(query, {"id": import_id})).mappings()]


@CHANGING
async def test_what_differs_is_staged_and_nothing_beside_it(
    running_world: World, desk: Desk, tenant: str, mode: str
) -> None:
    await made(running_world, desk, product(1, variants=3))
    rows = [
        row(handle="shirt-1", sku="SKU-1-0", title="Shirt 1", tags="linen; new", weight_g=230, water_l=5),
        row(sku="SKU-1-1", materials="Silk:100", weight_g=230),
        row(sku="SKU-1-2"),
    ]
    (event,) = await desk.ready(rows, mode=mode)
    of_product = await staged(running_world, "products", event.import_id)
    of_variants = await staged(running_world, "product_variants", event.import_id)
    written = ["tags", "environment", *(("rows_digest", "rows_version") if mode == "upsert" else ())]
    assert [(each["row_no"], each["action"], each["said"], each["handle"]) for each in of_product] == [
        (2, "update", written, "shirt-1")
    ]
    assert [(each["row_no"], each["action"], each["said"]) for each in of_variants] == [(3, "update", ["materials"])]
    tags = await staged(running_world, "product_tags", event.import_id)
    assert [(tag["tag_name"], tag["product_id"]) for tag in tags] == [
        ("linen", of_product[0]["id"]),
        ("new", of_product[0]["id"]),
    ]
    (figures,) = await staged(running_world, "product_environment", event.import_id)
    assert (figures["carbon_kg"], figures["water_l"]) == (Decimal("6.55"), 5), "the other figure stays"
    assert await staged(running_world, "product_weight", event.import_id) == []
    changes = await staged(running_world, "changes", event.import_id)
    assert [(each["record"], each["record_id"], each["before"], each["after"]) for each in changes] == [
        (
            "product",
            of_product[0]["id"],
            {"tags": [{"name": "linen"}, {"name": "summer"}], "water_l": "4223"},
            {"tags": [{"name": "linen"}, {"name": "new"}], "water_l": "5"},
        ),
        ("variant", of_variants[0]["id"], {"materials": []}, {"materials": [{"name": "Silk", "percentage": "100"}]}),
    ]
    async with running_world.database() as conn:
        query = text(
            "SELECT action, target_id, seen_version, creates, updates, skips FROM staging.groups WHERE import_id = :id"
        )
        assert tuple((await conn.execute(query, {"id": event.import_id})).one()) == (
            *("update", of_product[0]["id"], 1),
            *(0, 2, 1),
        )
    await desk.commit(event)
    assert counts(await ended(running_world, event.import_id)) == (0, 2, 1, 0)
    assert (await effective(running_world, tenant, "SKU-1-1"))["materials"] == ["Silk 100 %"]
    assert (await effective(running_world, tenant, "SKU-1-2"))["tags"] == ["linen", "new"]


@CHANGING
async def test_what_was_created_changes_nothing_when_it_comes_again_and_nothing_is_written(
    running_world: World, desk: Desk, tenant: str, mode: str
) -> None:
    rows = catalogue(20, variants=3)
    rows[1][2] = None
    own = row(
        sku="SKU-1-1", barcode=10_000_000_101, attribute_1="Size", attribute_value_1="S1", weight_g=1, carbon_kg=6.55
    )
    rows[1] = [*own]
    rows[4] = row(
        sku="SKU-2-1", barcode=10_000_000_201, weaving="Own; Mill", materials="Linen; Organic Cotton", title="Own"
    )
    await made(running_world, desk, rows)
    before = await physical(running_world, tenant)
    progress = await sent(running_world, desk, rows, mode=mode, chunk_rows=25)
    assert counts(progress) == (0, 0, 60, 0)
    assert await physical(running_world, tenant) == before
    assert set((await versions(running_world, tenant)).values()) == {1}


async def test_upsert_makes_what_is_not_there_and_knows_who_made_and_who_changed_a_record(
    running_world: World, desk: Desk, tenant: str
) -> None:
    first = await made(running_world, desk, product(1, variants=2))
    rows = [
        *product(2),
        row(handle="shirt-1", sku="SKU-1-1", title="Other"),
        row(sku="NEW", weight_g=5, attribute_1="Size", attribute_value_1="XS"),
        row(barcode=10_000_000_100, sku="CHANGED", attribute_1="Color", attribute_value_1="Red"),
    ]
    progress = await sent(running_world, desk, rows)
    assert counts(progress) == (2, 2, 0, 0)
    new = await effective(running_world, tenant, "NEW")
    assert (new["title"], new["position"], new["weight"], new["attributes"]) == ("Other", 2, 5, ["Size=XS"])
    changed = await effective(running_world, tenant, "CHANGED")
    assert (changed["barcode"], changed["attributes"]) == ("10000000100", ["Size=S", "Color=Red"])
    async with running_world.database() as conn:
        query = text(
            "SELECT coalesce(v.sku, v.barcode), v.created_import_id, v.created_row_no, v.import_id, v.import_row_no "
            "FROM catalog.product_variants v WHERE tenant_id = :t ORDER BY v.created_row_no, v.sku"
        )
        found = {sku: rest for sku, *rest in await conn.execute(query, {"t": tenant})}
        query = text(
            "SELECT created_import_id, created_row_no, import_id, import_row_no FROM catalog.products "
            "WHERE tenant_id = :t AND handle = 'shirt-1'"
        )
        assert tuple((await conn.execute(query, {"t": tenant})).one()) == (first, 2, progress.id, 3)
    assert found["SKU-1-1"] == [first, 3, first, 3], "a row that changes the product alone changes no variant"
    assert found["NEW"] == [progress.id, 4, progress.id, 4]
    assert found["CHANGED"] == [first, 2, progress.id, 5]
    assert await versions(running_world, tenant) == {"shirt-1": 2, "shirt-2": 1}


async def test_blank_cells_clear_where_that_is_asked_for(running_world: World, desk: Desk, tenant: str) -> None:
    await made(running_world, desk, product(1, variants=2, description="d", image_url="https://x.y/z.png"))
    rows = [row(handle="shirt-1", sku="SKU-1-0")]
    assert counts(await sent(running_world, desk, rows)) == (0, 0, 1, 0)
    assert counts(await sent(running_world, desk, rows, blanks="clear")) == (0, 1, 0, 0)
    found = await effective(running_world, tenant, "SKU-1-1")
    assert found["title"] == "Shirt 1"
    nothing = ("description", "image_url", "manufacturer", "category", "season", "carbon_kg", "water_l", "weight")
    assert {name: found[name] for name in nothing} == dict.fromkeys(nothing)
    assert [found[name] for name in ("tags", "eco_claims", "materials", "journey")] == [[], [], [], []]
    assert found["attributes"] == ["Size=S1"]
    assert counts(await sent(running_world, desk, rows, blanks="clear")) == (0, 0, 1, 0)


async def test_a_file_in_any_order_of_its_rows_is_read_as_if_its_products_stood_together(
    running_world: World, desk: Desk, tenant: str
) -> None:
    """Sorted by SKU, each with the handle of its product and all that the product says."""
    whole = [
        row(handle=handle, title=f"Tee {handle}", sku=f"{place}-{handle}", weight_g=200 + place, tags="a")
        for place in range(3)
        for handle in ("x", "y")
    ]
    progress = await sent(running_world, desk, whole)
    assert counts(progress) == (6, 0, 0, 0)
    assert (await effective(running_world, tenant, "2-x"))["weight"] == 202
    assert (await effective(running_world, tenant, "0-x"))["weight"] == 200
    assert counts(await sent(running_world, desk, whole)) == (0, 0, 6, 0)
    lighter = [
        row(handle="x", sku="2-x", weight_g=1),
        row(handle="y", sku="0-y", weight_g=1),
        row(handle="x", sku="1-x", weight_g=1),
    ]
    assert counts(await sent(running_world, desk, lighter, mode="enrich")) == (0, 3, 0, 0)
    assert [(await effective(running_world, tenant, sku))["weight"] for sku in ("0-x", "1-x", "2-x")] == [1, 1, 1]


async def test_rows_that_follow_rows_that_failed_say_so(running_world: World, desk: Desk, tenant: str) -> None:
    rows = [row(handle="x", title="X", sku="1", weight_g="heavy"), *product(1), row(handle="x", title="X", sku="2")]
    progress = await sent(running_world, desk, rows)
    assert counts(progress) == (1, 0, 0, 2)
    assert await errors(running_world, progress.id) == [
        (2, "Grams Weight", "invalid_number"),
        (4, "Product Handle", "first_rows_failed"),
    ]


async def test_rows_without_a_handle_stand_alone_in_enrich(running_world: World, desk: Desk, tenant: str) -> None:
    await made(running_world, desk, catalogue(3, variants=2))
    rows = [
        row(sku="SKU-3-1", weight_g=1),
        row(barcode=10_000_000_100, weight_g=2, season="AW30"),
        row(sku="NOBODY", weight_g=3),
        row(sku="SKU-1-1", weight_g=4),
    ]
    progress = await sent(running_world, desk, rows, mode="enrich", chunk_rows=2)
    assert counts(progress) == (0, 3, 0, 1)
    assert await errors(running_world, progress.id) == [(4, "SKU", "not_found")]
    weights = [(await effective(running_world, tenant, f"SKU-{of}"))["weight"] for of in ("3-1", "1-0", "1-1", "3-0")]
    assert weights == [1, 2, 4, 230]
    assert (await effective(running_world, tenant, "SKU-1-0"))["season"] == "SS26"


async def test_conflicts_are_named_by_what_is_there(running_world: World, desk: Desk, tenant: str) -> None:
    await made(running_world, desk, catalogue(2, variants=2))
    rows = [
        row(sku="SKU-1-0", barcode=10_000_000_101),
        row(sku="SKU-1-1", barcode=999),
        row(handle="shirt-1", sku="SKU-2-0"),
    ]
    progress = await sent(running_world, desk, rows, mode="enrich")
    assert await errors(running_world, progress.id) == [
        (2, "Barcode", "conflict"),
        (2, "SKU", "conflict"),
        (3, "Barcode", "conflict"),
        (4, "SKU", "conflict"),
    ]
    progress = await sent(running_world, desk, [row(handle="shirt-1", sku="SKU-2-0")])
    assert await errors(running_world, progress.id) == [(2, "SKU", "already_exists")]


async def test_a_whole_file_that_is_sent_again_is_left_alone_where_that_is_asked_for(
    running_world: World, desk: Desk, tenant: str
) -> None:
    await made(running_world, desk, catalogue(3, variants=2))
    before = await physical(running_world, tenant)
    progress = await sent(running_world, desk, catalogue(5, variants=2), mode="create", existing="skip")
    assert counts(progress) == (4, 0, 6, 0)
    after = await physical(running_world, tenant)
    assert all(before[table] <= after[table] for table in before), "what was there is as it was"
    refused = await sent(running_world, desk, catalogue(3, variants=2), mode="create")
    assert counts(refused) == (0, 0, 0, 6)


async def test_a_correction_adds_what_is_missing_and_finds_the_rest_of_its_family(
    running_world: World, desk: Desk, tenant: str
) -> None:
    first = await made(running_world, desk, product(1, variants=2))
    missing = row(handle="shirt-1", title="Shirt 1", sku="LATE", weight_g=7)
    once = await sent(running_world, desk, [missing], mode="create", parent=first)
    assert counts(once) == (1, 0, 0, 0)
    assert (await effective(running_world, tenant, "LATE"))["weight"] == 7
    again = await sent(running_world, desk, [*product(1, variants=2), missing], mode="create", parent=once.id)
    assert counts(again) == (0, 0, 3, 0)
    third = await sent(running_world, desk, [missing], mode="create", parent=first)
    assert counts(third) == (0, 0, 1, 0), "another correction of the same import"
    other = await sent(running_world, desk, [missing], mode="create")
    assert await errors(running_world, other.id) == [(2, "Product Handle", "already_exists")]


async def test_two_files_of_the_same_products_at_once_lose_nothing(
    running_world: World, desk: Desk, tenant: str
) -> None:
    await made(running_world, desk, product(1, variants=2))
    (heavier,) = await desk.ready([row(handle="shirt-1", sku="SKU-1-0", weight_g=999)], mode="enrich")
    (named,) = await desk.ready([row(handle="shirt-1", sku="SKU-1-0", title="Named", tags="x")], mode="upsert")
    await desk.commit(heavier)
    await desk.commit(named)
    async with running_world.database() as conn:
        query = text("SELECT state, decided FROM imports.import_chunks WHERE import_id = :id")
        assert tuple((await conn.execute(query, {"id": named.import_id})).one()) == ("staged", 1)
    await desk.commit(await desk.validate(RowsStaged(**named.model_dump())))
    assert counts(await ended(running_world, named.import_id)) == (0, 1, 0, 0)
    found = await effective(running_world, tenant, "SKU-1-0")
    assert (found["weight"], found["title"], found["tags"]) == (999, "Named", ["x"])


async def test_rows_that_were_applied_are_known_by_what_they_say(running_world: World, desk: Desk, tenant: str) -> None:
    rows = catalogue(6, variants=3)
    await made(running_world, desk, rows)
    async with running_world.database() as conn:
        # Found without looking at what it is: what nobody told the version of is not seen.
        await conn.execute(text("UPDATE catalog.products SET title = 'Odd' WHERE tenant_id = :t"), {"t": tenant})
    assert counts(await sent(running_world, desk, rows)) == (0, 0, 18, 0)
    other = [list(cells) for cells in rows]
    other[0][0] = "Other"
    assert counts(await sent(running_world, desk, other)) == (0, 1, 17, 0)
    assert counts(await sent(running_world, desk, other)) == (0, 0, 18, 0)
    assert counts(await sent(running_world, desk, other, mode="enrich")) == (0, 5, 13, 0), "it compares"


async def test_what_was_changed_since_is_compared_again(running_world: World, desk: Desk, tenant: str) -> None:
    rows = product(1, variants=2)
    await made(running_world, desk, rows)
    assert counts(await sent(running_world, desk, [row(sku="SKU-1-1", weight_g=1)], mode="enrich")) == (0, 1, 0, 0)
    again = [rows[0], [*rows[1]]]
    assert counts(await sent(running_world, desk, again)) == (0, 0, 2, 0), "a blank cell keeps what is there"
    assert counts(await sent(running_world, desk, again, blanks="clear")) == (0, 1, 1, 0)
    assert (await effective(running_world, tenant, "SKU-1-1"))["weight"] == 230
    assert counts(await sent(running_world, desk, [row(handle="shirt-1", sku="SKU-1-0", title="New")])) == (0, 1, 0, 0)
    assert counts(await sent(running_world, desk, again)) == (0, 1, 1, 0)
    assert (await effective(running_world, tenant, "SKU-1-0"))["title"] == "Shirt 1"


async def test_a_variant_that_a_later_row_has_changed_already_is_not_changed_by_an_earlier_one_as_well(
    running_world: World, desk: Desk, tenant: str
) -> None:
    await made(running_world, desk, product(1, variants=4))
    rows = [
        row(barcode=10_000_000_101, title="By its barcode"),
        row(sku="SKU-1-2", title="Another"),
        row(sku="SKU-1-1", title="By its SKU"),
    ]
    earlier, _, later = await desk.stage(rows, mode="enrich", chunk_rows=1)
    decided = await desk.validate(earlier)
    await desk.commit(await desk.validate(later))
    await desk.commit(decided)
    await desk.commit(await desk.validate(earlier))
    assert await errors(running_world, earlier.import_id) == [(2, "Barcode", "duplicate_in_file")]
    assert (await effective(running_world, tenant, "SKU-1-1"))["title"] == "By its SKU"


async def test_each_committed_change_of_a_product_is_a_version_of_it_wherever_its_rows_stand(
    running_world: World, desk: Desk, tenant: str
) -> None:
    await made(running_world, desk, catalogue(3))
    rows = [
        row(handle="shirt-1", sku="SKU-1-0", title="Shirt 1"),
        row(handle="shirt-2", sku="SKU-2-0", title="Shirt 2"),
        row(handle="shirt-1", sku="SKU-1-1", title="Own 1"),
        row(handle="shirt-3", sku="SKU-3-0", title="New 3"),
        row(handle="shirt-2", sku="SKU-2-1", title="Own 2"),
        row(handle="shirt-3", sku="SKU-3-1", title="Own 3"),
    ]
    assert counts(await sent(running_world, desk, rows)) == (0, 4, 2, 0)
    assert await versions(running_world, tenant) == {"shirt-1": 2, "shirt-2": 2, "shirt-3": 3}
