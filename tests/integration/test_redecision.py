"""What no longer holds when it is to be committed is decided again: no change is lost, and no import waits for ever."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import text

from shared.events import RowsStaged, RowsValidated
from shared.ledger import MOST_DECISIONS, start_import
from tests.harness.decisions import (
    Change,
    Decisions,
    changed,
    counts,
    effective,
    ended,
    made,
    physical,
    ready,
    versions,
)
from tests.harness.files import catalogue, product
from tests.harness.staging import Desk
from tests.harness.world import World


async def again(desk: Desk, event: RowsValidated, decisions: Decisions) -> None:
    """Validate and commit a chunk that was given back."""
    await desk.validate(RowsStaged(**event.model_dump()), decisions)
    await desk.commit(event)


async def state(world: World, event: RowsValidated) -> tuple[str, int]:
    async with world.database() as conn:
        query = text("SELECT state, decided FROM imports.import_chunks WHERE import_id = :id AND chunk_no = :chunk")
        found = (await conn.execute(query, {"id": event.import_id, "chunk": event.chunk_no})).one()
        return found.state, found.decided


async def waiting(world: World, event: RowsValidated) -> list[tuple[str, int]]:
    """The events of the chunk that nobody has acted on, with the failures that are counted of each."""
    async with world.database() as conn:
        query = text("SELECT topic, failures FROM imports.outbox WHERE import_id = :id AND chunk_no > 0")
        return [tuple(found) for found in await conn.execute(query, {"id": event.import_id})]


async def test_what_another_import_changed_meanwhile_is_decided_again_and_nothing_of_it_is_lost(
    running_world: World, desk: Desk, tenant: str
) -> None:
    await made(running_world, desk, catalogue(4))
    late, decisions = await ready(
        desk,
        Change("shirt-1", {"title": "Late"}),
        Change("shirt-2", {"description": "Late"}),
        Change("nobody", {"tags": ["never"]}),
        Change("cap", {"title": "Cap"}, {"CAP-1": {}}),
    )
    await changed(running_world, desk, Change("shirt-1", {"title": "Early", "weight": 3}))
    before = await physical(running_world, tenant)
    await desk.commit(late)
    assert await state(running_world, late) == ("staged", 1)
    assert await waiting(running_world, late) == [("rows-staged", 0)]
    assert await physical(running_world, tenant) == before, "nothing of a chunk is written by halves"
    for table in ("staging.groups", "staging.products", "staging.changes", "imports.row_errors"):
        left = await running_world.scalar(f"SELECT count(*) FROM {table} WHERE import_id = :id", id=late.import_id)
        assert left == 0, table
    await desk.commit(late)
    assert await state(running_world, late) == ("staged", 1), "an old event does nothing"
    await again(desk, late, decisions)
    progress = await ended(running_world, late.import_id)
    assert counts(progress) == (1, 2, 0, 1)
    assert decisions.times == 2
    shirt = await effective(running_world, tenant, "SKU-1-0")
    assert (shirt["title"], shirt["weight"]) == ("Late", 3)
    assert len(await running_world.errors(late.import_id)) == 1, "reasons are not said twice"


async def test_a_product_that_was_removed_meanwhile_is_decided_again(
    running_world: World, desk: Desk, tenant: str
) -> None:
    await made(running_world, desk, catalogue(2, variants=1))
    event, decisions = await ready(
        desk, Change("shirt-1", {"weight": 3}), Change("shirt-2", {"title": "Made"}, {"SKU-2-0": {}})
    )
    async with running_world.database() as conn:
        await conn.execute(text("DELETE FROM catalog.products WHERE tenant_id = :t"), {"t": tenant})
    await desk.commit(event)
    await again(desk, event, decisions)
    progress = await ended(running_world, event.import_id)
    assert counts(progress) == (1, 0, 0, 1)
    assert [code for _, _, code, _ in await running_world.errors(event.import_id)] == ["not_found"]


@pytest.mark.parametrize("mode", ["upsert", "enrich"])
async def test_an_identifier_that_somebody_else_was_faster_to_use_is_decided_again(
    running_world: World, desk: Desk, tenant: str, mode: str
) -> None:
    await made(running_world, desk, product(1))
    one, decisions = await ready(desk, Change("cap", {"title": "Cap"}, {"CAP-1": {}}), mode=mode)
    two, _ = await ready(desk, Change("cap", {"title": "Cap"}, {"CAP-1": {}, "CAP-2": {}}), mode=mode)
    await desk.commit(two)
    await desk.commit(one)
    assert await state(running_world, one) == ("staged", 1)
    await again(desk, one, decisions)
    assert counts(await ended(running_world, one.import_id)) == (0, 1, 0, 0)
    assert (await versions(running_world, tenant))["cap"] == 2


async def test_what_is_changed_again_and_again_is_handed_back_at_last_and_the_rest_is_written(
    running_world: World, desk: Desk, tenant: str
) -> None:
    await made(running_world, desk, catalogue(2))
    event, decisions = await ready(desk, Change("shirt-1", {"weight": 3}), Change("shirt-2", {"weight": 3}))
    for number in range(MOST_DECISIONS + 1):
        assert await state(running_world, event) == ("validated", number)
        await changed(running_world, desk, Change("shirt-2", {"title": f"Title {number}"}))
        await desk.commit(event)
        if number < MOST_DECISIONS:
            await desk.validate(RowsStaged(**event.model_dump()), decisions)
    progress = await ended(running_world, event.import_id)
    assert counts(progress) == (0, 1, 0, 1)
    ((row, _, code, message),) = await running_world.errors(event.import_id)
    assert (row, code) == (3, "changed_meanwhile")
    assert "product" in message
    assert (await effective(running_world, tenant, "SKU-1-0"))["weight"] == 3
    assert (await effective(running_world, tenant, "SKU-2-0"))["title"] == f"Title {MOST_DECISIONS}"


@pytest.mark.parametrize("many", [1, 60])
async def test_identifiers_that_others_have_whatever_is_decided_are_handed_back_at_last(
    running_world: World, desk: Desk, tenant: str, many: int
) -> None:
    """Found by halves where they are few, in short runs where they are many."""
    await made(running_world, desk, catalogue(many))
    changes = [Change(f"cap-{n}", {"title": "Cap"}, {f"SKU-{n}-0": {}, f"CAP-{n}": {}}) for n in range(1, many + 1)]
    event, decisions = await ready(desk, *changes, Change("hat", {"title": "Hat"}, {"HAT": {}}))
    for number in range(MOST_DECISIONS):
        await desk.commit(event)
        assert await state(running_world, event) == ("staged", number + 1)
        await desk.validate(RowsStaged(**event.model_dump()), decisions)
    await desk.commit(event)
    assert counts(await ended(running_world, event.import_id)) == (1, 0, 0, 2 * many)
    assert {code for _, _, code, _ in await running_world.errors(event.import_id)} == {"changed_meanwhile"}
    assert "hat" in await versions(running_world, tenant)


async def test_a_held_import_that_is_started_is_held_against_what_is_there_then(
    running_world: World, desk: Desk, tenant: str
) -> None:
    await made(running_world, desk, product(1))
    decisions = Decisions({"g0": Change("shirt-1", {"title": "Held"})})
    (staged,) = await desk.stage(product(9000, handle="g0"), mode="upsert")
    async with running_world.database() as conn:
        hold = text("UPDATE imports.imports SET hold = true, status = 'previewing' WHERE id = :id")
        await conn.execute(hold, {"id": staged.import_id})
    event = await desk.validate(staged, decisions)
    await changed(running_world, desk, Change("shirt-1", {"title": "Meanwhile"}))
    async with running_world.database() as conn:
        await start_import(conn, event.import_id)
    await desk.commit(event)
    assert await state(running_world, event) == ("staged", 1)
    await desk.validate(staged, decisions)
    assert await waiting(running_world, event) == [("rows-validated", 0)], "it has been started"
    await desk.commit(event)
    assert counts(await ended(running_world, event.import_id)) == (0, 1, 0, 0)
    assert (await effective(running_world, tenant, "SKU-1-0"))["title"] == "Held"


async def test_rows_of_one_import_that_name_variants_of_one_product_in_any_order_do_not_wait_for_each_other(
    running_world: World, desk: Desk, tenant: str
) -> None:
    """As a file does that knows SKUs and no products; each chunk was decided before any other was committed."""
    await made(running_world, desk, product(1, variants=12) + product(2, variants=12))
    said = {
        f"g{place}": Change(f"shirt-{1 + place % 2}", {}, {f"SKU-{1 + place % 2}-{place // 2}": {"weight": place}})
        for place in range(24)
    }
    said["g5"] = Change("shirt-2", {}, {"SKU-2-2": {}})
    rows = [row for place in range(24) for row in product(9000 + place, handle=f"g{place}")]
    decisions = Decisions(said)
    events = await desk.ready(rows, decisions, chunk_rows=3, mode="enrich")
    assert len(events) > 6
    await asyncio.gather(*(desk.commit(event) for event in events))
    assert counts(await ended(running_world, events[0].import_id)) == (0, 23, 1, 0)
    assert decisions.times == len(events), "none is decided again"
    for place in set(range(24)) - {5}:
        assert (await effective(running_world, tenant, f"SKU-{1 + place % 2}-{place // 2}"))["weight"] == place
    assert await versions(running_world, tenant) == {"shirt-1": 1 + 8, "shirt-2": 1 + 8}


async def test_what_another_row_of_the_import_changed_of_the_product_itself_does_count(
    running_world: World, desk: Desk, tenant: str
) -> None:
    await made(running_world, desk, product(1, variants=2))
    decisions = Decisions(
        {"g0": Change("shirt-1", {"title": "All"}), "g1": Change("shirt-1", {}, {"SKU-1-1": {"title": "Own"}})}
    )
    one, two = await desk.ready(
        product(9000, handle="g0") + product(9001, handle="g1"), decisions, chunk_rows=1, mode="enrich"
    )
    await desk.commit(one)
    await desk.commit(two)
    assert await state(running_world, two) == ("staged", 1)
    await again(desk, two, decisions)
    await ended(running_world, one.import_id)


async def test_imports_that_change_the_same_products_at_once_all_end_and_no_change_is_lost(
    running_world: World, desk: Desk, tenant: str
) -> None:
    """Each in an order of its own; a chunk that comes too late is decided again until it is in."""
    await made(running_world, desk, catalogue(30, variants=2))
    numbers = list(range(1, 31))
    fields: list[tuple[list[int], Mapping[str, Any]]] = [
        (numbers, {"weight": 1}),
        (numbers[::-1], {"description": "said"}),
        (numbers[15:] + numbers[:15], {"tags": ["one", "two"]}),
        (sorted(numbers, key=lambda n: n * 7 % 31), {"materials": [("Wool", None)]}),
    ]
    chunks = [await ready(desk, *(Change(f"shirt-{n}", said) for n in order)) for order, said in fields]

    async def through(event: RowsValidated, decisions: Decisions) -> None:
        await desk.commit(event)
        while (await state(running_world, event))[0] == "staged":
            await again(desk, event, decisions)

    await asyncio.gather(*(through(*chunk) for chunk in chunks))
    for event, _ in chunks:
        assert counts(await ended(running_world, event.import_id)) == (0, 30, 0, 0)
    assert set((await versions(running_world, tenant)).values()) == {5}
    for n in numbers:
        found = await effective(running_world, tenant, f"SKU-{n}-0")
        assert (found["weight"], found["description"], found["tags"], found["materials"]) == (
            1,
            "said",
            ["one", "two"],
            ["Wool"],
        )


@pytest.mark.parametrize("modes", [("create", "upsert"), ("upsert", "create"), ("upsert", "upsert")])
async def test_imports_that_make_the_same_products_at_once_make_each_once(
    running_world: World, desk: Desk, tenant: str, modes: tuple[str, str]
) -> None:
    changes = [
        Change(f"cap-{n}", {"title": f"Cap {n}", "tags": ["t"]}, {f"CAP-{n}-1": {}, f"CAP-{n}-2": {}})
        for n in range(40)
    ]
    chunks = [await ready(desk, *order, mode=mode) for order, mode in zip((changes, changes[::-1]), modes, strict=True)]

    async def through(event: RowsValidated, decisions: Decisions) -> None:
        await desk.commit(event)
        while (await state(running_world, event))[0] == "staged":
            await again(desk, event, decisions)

    await asyncio.gather(*(through(*chunk) for chunk in chunks))
    progress = [await ended(running_world, event.import_id) for event, _ in chunks]
    assert sum(each.created_rows for each in progress) == 80
    for each in progress:
        if not each.created_rows:
            wanted = (0, 0, 0, 80) if each.mode == "create" else (0, 40, 40, 0)
            assert counts(each) == wanted
    assert len(await versions(running_world, tenant)) == 40
