"""Products that are changed: what was decided is written, and nothing beside it, whatever kind it is of."""

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import event as listening
from sqlalchemy import text

from services.committer.families import families
from services.committer.handler import CommitRows
from shared.db.transaction import tenant_transaction
from tests.harness.decisions import Change, changed, counts, effective, ended, made, physical, ready, versions
from tests.harness.files import catalogue, product
from tests.harness.staging import NOWHERE, Desk
from tests.harness.world import World

KINDS: list[tuple[str, Any, str, Any]] = [
    ("title", "New", "title", "New"),
    ("description", "Said", "description", "Said"),
    ("description", None, "description", None),
    ("image_url", "https://x.y/z.png", "image_url", "https://x.y/z.png"),
    ("materials", [("Wool", 60), ("Linen", None)], "materials", ["Wool 60 %", "Linen"]),
    ("eco_claims", ["Organic", "recycled"], "eco_claims", ["Organic", "Recycled"]),
    ("journey_steps", [("weaving", "Loom"), ("assembly", "Acme")], "journey", ["weaving: Loom", "assembly: Acme"]),
    ("weight", Decimal(9), "weight", Decimal(9)),
    ("environment", (Decimal(2), None), "carbon_kg", Decimal(2)),
    ("environment", (Decimal(2), Decimal(7)), "water_l", Decimal(7)),
]
OF_PRODUCTS: list[tuple[str, Any, str, Any]] = [
    *KINDS,
    ("status", "published", "status", "published"),
    ("manufacturer_id", "Other Mills", "manufacturer", "Other Mills"),
    ("manufacturer_id", None, "manufacturer", None),
    ("season_id", "AW30", "season", "AW30"),
    ("category_id", None, "category", None),
    ("tags", ["Blue", "LINEN"], "tags", ["Blue", "linen"]),
    ("tags", [], "tags", []),
    ("materials", [], "materials", []),
    ("eco_claims", [], "eco_claims", []),
    ("journey_steps", [], "journey", []),
    ("weight", None, "weight", None),
    ("environment", None, "carbon_kg", None),
]


@pytest.mark.parametrize(("kind", "value", "shown", "wanted"), OF_PRODUCTS)
async def test_of_a_product_what_is_said_is_written_and_nothing_beside_it(
    running_world: World, desk: Desk, tenant: str, kind: str, value: Any, shown: str, wanted: Any
) -> None:
    first = await made(running_world, desk, product(1, variants=2, description="Old") + product(2))
    before = await effective(running_world, tenant, "SKU-1-1")
    progress = await changed(running_world, desk, Change("shirt-1", {kind: value}, {"SKU-1-0": {}, "SKU-1-1": {}}))
    assert counts(progress) == (0, 1, 1, 0), "the row that says the product is the one that changes something"
    assert progress.summary["products"] == {"created": 0, "updated": 1}
    assert progress.summary["variants"] == {"created": 0, "updated": 0}
    after = await effective(running_world, tenant, "SKU-1-1")
    assert after[shown] == wanted
    of_kind = (
        {shown, "carbon_kg", "water_l"}
        if kind == "environment"
        else {shown, "weight_unit"}
        if kind == "weight"
        else {shown}
    )
    assert {name for name in before if before[name] != after[name]} <= of_kind
    assert await versions(running_world, tenant) == {"shirt-1": 2, "shirt-2": 1}
    async with running_world.database() as conn:
        written = await conn.execute(
            text(
                "SELECT import_id, import_row_no, created_import_id, created_row_no, updated_at > created_at AS later"
                "  FROM catalog.products WHERE tenant_id = :t AND handle = 'shirt-1'"
            ),
            {"t": tenant},
        )
        assert tuple(written.one()) == (progress.id, 2, first, 2, True)
        variants = await conn.execute(
            text("SELECT DISTINCT import_id FROM catalog.product_variants WHERE tenant_id = :t"), {"t": tenant}
        )
        assert variants.scalars().all() == [first], "who wrote a variant last is another question"


@pytest.mark.parametrize(("kind", "value", "shown", "wanted"), KINDS)
async def test_a_variant_has_its_own_of_a_kind_in_place_of_its_products_and_its_products_again(
    running_world: World, desk: Desk, tenant: str, kind: str, value: Any, shown: str, wanted: Any
) -> None:
    await made(running_world, desk, product(1, variants=3, description="Old"))
    before = [await effective(running_world, tenant, f"SKU-1-{place}") for place in range(3)]
    progress = await changed(running_world, desk, Change("shirt-1", {}, {"SKU-1-1": {kind: value}}))
    assert counts(progress) == (0, 1, 0, 0)
    assert progress.summary["variants"] == {"created": 0, "updated": 1}
    after = [await effective(running_world, tenant, f"SKU-1-{place}") for place in range(3)]
    assert [after[0], after[2]] == [before[0], before[2]], "others have their product's"
    inherited = before[1]["description"] if (kind, value) == ("description", None) else wanted
    assert after[1][shown] == inherited
    if kind == "environment":
        assert after[1]["water_l"] == (before[1]["water_l"] if value[1] is None else value[1]), "each figure by itself"
    else:
        others = {shown, "weight_unit"}
        assert {name: said for name, said in after[1].items() if name not in others} == {
            name: said for name, said in before[1].items() if name not in others
        }, "of that kind only"
    await changed(
        running_world, desk, Change("shirt-1", {}, {"SKU-1-1": {kind: [] if isinstance(value, list) else None}})
    )
    assert await effective(running_world, tenant, "SKU-1-1") == before[1]
    assert await versions(running_world, tenant) == {"shirt-1": 3}


PARTS: list[tuple[str, Any, list[tuple[Any, ...]], list[tuple[Any, ...]]]] = [
    (
        "materials",
        [("Wool", 60), ("Linen", None)],
        [(0, "Wool", Decimal(60), True), (1, "Linen", None, True)],
        [(0, "Organic Cotton", Decimal(60), False), (1, "Linen", Decimal(40), False)],
    ),
    ("eco_claims", ["Organic"], [(0, "Organic", True)], [(0, "Recycled", False)]),
    ("journey_steps", [("assembly", "Acme")], [("assembly", 0, "Acme", True)], [("weaving", 0, "Weaving Inc.", False)]),
]


@pytest.mark.parametrize(("kind", "value", "own", "inherited"), PARTS, ids=[kind for kind, *_ in PARTS])
async def test_lists_that_hold_for_a_variant_are_its_own_whole_or_its_products(
    running_world: World,
    desk: Desk,
    tenant: str,
    kind: str,
    value: Any,
    own: list[tuple[Any, ...]],
    inherited: list[tuple[Any, ...]],
) -> None:
    await made(running_world, desk, product(1, variants=2))
    await changed(running_world, desk, Change("shirt-1", {}, {"SKU-1-1": {kind: value}}))
    query = text(
        f"SELECT e.* FROM catalog.effective_{kind} e JOIN catalog.product_variants v ON v.id = e.variant_id"
        " WHERE e.tenant_id = :t AND v.sku = :sku ORDER BY e.position"
    )
    for sku, wanted in (("SKU-1-0", inherited), ("SKU-1-1", own)):
        async with tenant_transaction(desk.engine_of("winnow_reader"), tenant) as conn:
            assert [tuple(found)[2:] for found in await conn.execute(query, {"t": tenant, "sku": sku})] == wanted


async def test_attributes_are_added_and_given_other_values_and_never_taken_away(
    running_world: World, desk: Desk, tenant: str
) -> None:
    await made(running_world, desk, product(1, attribute_2="Color", attribute_value_2="Red"))
    said = {"attributes": [("size", "XL"), ("Fit", "Slim")]}
    await changed(running_world, desk, Change("shirt-1", {}, {"SKU-1-0": said}))
    assert sorted((await effective(running_world, tenant, "SKU-1-0"))["attributes"]) == [
        "Color=Red",
        "Fit=Slim",
        "Size=XL",
    ]


async def test_variants_are_added_to_a_product_and_identifiers_filled_in(
    running_world: World, desk: Desk, tenant: str
) -> None:
    first = await made(running_world, desk, product(1, variants=2, barcode=None))
    said: dict[str, dict[str, Any]] = {
        "SKU-1-0": {"barcode": "4006381333931"},
        "SKU-1-7": {"title": "Another", "materials": [("Hemp", 100)], "attributes": [("Size", "XL")]},
    }
    progress = await changed(running_world, desk, Change("shirt-1", {"title": "Both"}, said))
    assert counts(progress) == (1, 1, 0, 0)
    assert progress.summary["products"] == {"created": 0, "updated": 1}
    assert progress.summary["variants"] == {"created": 1, "updated": 1}
    assert progress.summary["entities"] == {"attribute_values": {"created": 1}, "materials": {"created": 1}}
    added = await effective(running_world, tenant, "SKU-1-7")
    assert (added["position"], added["title"], added["materials"]) == (2, "Another", ["Hemp 100 %"])
    assert (await effective(running_world, tenant, "SKU-1-0"))["barcode"] == "4006381333931"
    async with running_world.database() as conn:
        lineage = await conn.execute(
            text(
                "SELECT sku, import_id, import_row_no, created_import_id, created_row_no FROM catalog.product_variants"
                " WHERE tenant_id = :t ORDER BY sku"
            ),
            {"t": tenant},
        )
        assert [tuple(found) for found in lineage] == [
            ("SKU-1-0", progress.id, 2, first, 2),
            ("SKU-1-1", first, 3, first, 3),
            ("SKU-1-7", progress.id, 3, progress.id, 3),
        ]
    assert await versions(running_world, tenant) == {"shirt-1": 2}, "once, whatever was changed of it"


async def test_a_product_has_another_version_whoever_wrote_it_last_and_wherever_in_the_file(
    running_world: World, desk: Desk, tenant: str
) -> None:
    """As rows that stand apart do: the row that says their product may lie among those of their chunk."""
    await made(running_world, desk, catalogue(3))
    of_variants = [Change(f"shirt-{n}", {}, {f"SKU-{n}-0": {"weight": 3}}) for n in (1, 2)]
    event, _ = await ready(desk, *of_variants, Change("shirt-3", {"title": "New"}, {"SKU-3-0": {"weight": 3}}))
    async with running_world.database() as conn:
        ours = text("UPDATE catalog.products SET import_id = :id, import_row_no = 3 WHERE tenant_id = :t")
        await conn.execute(ours, {"id": event.import_id, "t": tenant})
    await desk.commit(event)
    assert counts(await ended(running_world, event.import_id)) == (0, 3, 0, 0)
    assert await versions(running_world, tenant) == {"shirt-1": 2, "shirt-2": 2, "shirt-3": 2}


async def test_what_was_changed_is_kept_with_what_it_was(running_world: World, desk: Desk, tenant: str) -> None:
    await made(running_world, desk, product(1, variants=2))
    change = Change("shirt-1", {"title": "New", "tags": ["Blue"]}, {"SKU-1-0": {}, "SKU-1-1": {"weight": 5}})
    progress = await changed(running_world, desk, change)
    async with running_world.database() as conn:
        kept = await conn.execute(
            text("SELECT row_no, record, after FROM catalog.changes WHERE import_id = :id ORDER BY row_no"),
            {"id": progress.id},
        )
        assert [tuple(found) for found in kept] == [
            (2, "product", {"title": "New", "tags": ["Blue"]}),
            (3, "variant", {"weight": 5}),
        ]
    left = await running_world.scalar("SELECT count(*) FROM staging.changes WHERE import_id = :id", id=progress.id)
    assert left == 0


async def test_what_changes_nothing_writes_nothing(running_world: World, desk: Desk, tenant: str) -> None:
    await made(running_world, desk, catalogue(20, variants=2))
    before = await physical(running_world, tenant)
    same = [Change(f"shirt-{n}", {}, {f"SKU-{n}-0": {}, f"SKU-{n}-1": {}}) for n in range(1, 21)]
    progress = await changed(running_world, desk, *same)
    assert counts(progress) == (0, 0, 40, 0)
    assert progress.status == "completed"
    assert await physical(running_world, tenant) == before


async def test_beside_changes_what_is_as_it_was_is_not_written(running_world: World, desk: Desk, tenant: str) -> None:
    await made(running_world, desk, catalogue(3, variants=2))
    before = await physical(running_world, tenant)
    progress = await changed(
        running_world,
        desk,
        Change("shirt-1", {}, {"SKU-1-0": {}}),
        Change("shirt-2", {}, {"SKU-2-0": {"weight": 4}, "SKU-2-1": {}}),
        Change("cap", {"title": "Cap"}, {"CAP-1": {}}),
    )
    assert counts(progress) == (1, 1, 2, 0)
    after = await physical(running_world, tenant)
    gone = {table: len(before[table] - after[table]) for table in before}
    assert {table: count for table, count in gone.items() if count} == {"products": 1, "product_variants": 1}


@pytest.mark.parametrize("many", [3, 60])
async def test_a_change_that_the_database_refuses_fails_alone(
    running_world: World, desk: Desk, tenant: str, many: int
) -> None:
    """Found by halves where they are few, in short runs where they are many."""
    await made(running_world, desk, catalogue(120, variants=2))
    refused = set(range(1, 121, 120 // many))
    changes = [
        Change(
            f"shirt-{n}",
            {"weight": -1 if n in refused else 7, "tags": [f"only-{n}"]},
            {f"SKU-{n}-0": {}, f"SKU-{n}-1": {"environment": (n, None)}, f"SKU-{n}-9": {"materials": [("Hemp", 1)]}},
        )
        for n in range(1, 121)
    ]
    event, _ = await ready(desk, *changes)
    beats = 0

    def beat() -> None:
        nonlocal beats
        beats += 1

    await CommitRows(desk.engine_of("winnow_committer"), families(), beat=beat)(event, NOWHERE)
    progress = await ended(running_world, event.import_id)
    good = 120 - len(refused)
    assert counts(progress) == (good, 2 * good, 0, 3 * len(refused))
    assert progress.summary["products"] == {"created": 0, "updated": good}
    assert progress.summary["variants"] == {"created": good, "updated": good}
    assert progress.summary["entities"]["tags"] == {"created": good}, (
        "nothing of a group that failed is made on the way"
    )
    assert {code for _, _, code, _ in await running_world.errors(event.import_id)} == {"rejected"}
    assert {
        int(handle.removeprefix("shirt-")) for handle, v in (await versions(running_world, tenant)).items() if v == 1
    } == refused


async def test_new_products_take_the_statements_they_took_when_there_were_no_changes(
    running_world: World, desk: Desk
) -> None:
    """And what changes nothing takes few, however much it is."""
    taken: list[str] = []
    engine = desk.engine_of("winnow_committer")
    (event,) = await desk.ready(catalogue(3))
    listening.listen(engine.sync_engine, "before_cursor_execute", lambda *said: taken.append(said[2]))
    await desk.commit(event)
    assert len(taken) <= 20
    assert not [said for said in taken if "seen_version" in said or "said <>" in said]
    same, _ = await ready(desk, *(Change(f"shirt-{n}", {}, {f"SKU-{n}-0": {}}) for n in range(1, 4)))
    taken.clear()
    await desk.commit(same)
    assert len(taken) <= 23
    assert not [said for said in taken if "INSERT INTO catalog" in said]
