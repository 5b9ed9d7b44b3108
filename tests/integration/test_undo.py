"""Imports that are taken back: what they made goes, what they changed is as it was, and nobody else's work is lost."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text

from services.validator.families import families
from shared.db import catalog
from shared.db.transaction import tenant_transaction
from shared.events import RowsStaged, RowsValidated
from shared.ledger import NotUndone, Undoing, cancel_import, undo_import
from shared.ledger.quarantine import give_up
from tests.harness.decisions import counts, ended
from tests.harness.files import catalogue, product, row
from tests.harness.production import Snapshot, difference, snapshot
from tests.harness.staging import Desk
from tests.harness.world import World, eventually

# How often a product was changed is no part of what it says.
_BESIDE = {"version", "version_since", "version_import_id"}


async def _sent(world: World, desk: Desk, rows: Sequence[Sequence[Any]], mode: str = "create", **how: Any) -> UUID:
    staged = await desk.stage(rows, mode=mode, **how)
    import_id = staged[0].import_id
    for event in staged:
        await _through(world, desk, event)
    await ended(world, import_id)
    return import_id


async def _through(world: World, desk: Desk, event: RowsStaged) -> None:
    """A chunk through both stages, as often as it is decided."""
    while True:
        await desk.commit(await desk.validate(event))
        async with world.database() as conn:
            state = text("SELECT state FROM imports.import_chunks WHERE import_id = :i AND chunk_no = :n")
            found = await conn.execute(state, {"i": event.import_id, "n": event.chunk_no})
        if found.scalar_one() == "committed":
            return


async def _begun(desk: Desk, import_id: UUID) -> Undoing:
    async with tenant_transaction(desk.engine_of("winnow_intake"), desk.tenant) as conn:
        outcome = await undo_import(conn, import_id, user_id="ann")
    assert isinstance(outcome, Undoing), outcome
    return outcome


async def _chunks(world: World, import_id: UUID) -> list[RowsStaged]:
    async with world.database() as conn:
        found = await conn.execute(
            text(
                "SELECT c.tenant_id, c.import_id, i.entity_type, i.mode, c.chunk_no, c.first_row, c.last_row, c.row_count,"
                "       c.epoch FROM imports.import_chunks c JOIN imports.imports i ON i.id = c.import_id"
                " WHERE c.import_id = :id ORDER BY c.chunk_no"
            ),
            {"id": import_id},
        )
        return [RowsStaged(**chunk) for chunk in found.mappings()]


async def _undone(world: World, desk: Desk, import_id: UUID) -> Any:
    begun = await _begun(desk, import_id)
    for event in await _chunks(world, begun.id):
        await _through(world, desk, event)
    return await ended(world, begun.id)


async def _catalogue(world: World, tenant: str) -> Snapshot:
    async with world.database() as conn:
        return await snapshot(conn, tenant, without=_BESIDE)


async def _entities(world: World, tenant: str) -> dict[str, set[str]]:
    async with world.database() as conn:
        return {
            entity.name: set(
                (
                    await conn.execute(text(f"SELECT name FROM {entity.fullname} WHERE tenant_id = :t"), {"t": tenant})
                ).scalars()
            )
            for entity in catalog.ENTITIES
        }


async def test_what_an_import_made_is_removed_with_the_entities_that_nothing_else_uses(
    running_world: World, desk: Desk, tenant: str
) -> None:
    await _sent(running_world, desk, product(1, tags="linen", eco_claims="Organic"))
    before, entities = await _catalogue(running_world, tenant), await _entities(running_world, tenant)
    rows = catalogue(3, start=2) + product(
        9, tags="Neon", attribute_1="Fit", attribute_value_1="Slim", stitching="Ateliers"
    )
    second = await _sent(running_world, desk, rows, chunk_rows=4)
    assert (await _entities(running_world, tenant)) != entities
    progress = await _undone(running_world, desk, second)
    assert counts(progress) == (0, len(rows), 0, 0)
    assert progress.summary["products"] == {"created": 0, "updated": 0, "removed": 4}
    assert progress.summary["variants"] == {"created": 0, "updated": 0, "removed": len(rows)}
    assert (progress.status, progress.mode) == ("completed", "undo")
    assert not difference(before, await _catalogue(running_world, tenant))
    assert await _entities(running_world, tenant) == entities


CHANGED = [
    row(
        title="New title",
        handle="shirt-1",
        barcode=10_000_000_100,
        sku="SKU-1-0",
        manufacturer="Other Mills",
        description="Said",
        image_url="https://x.y/z.png",
        status="published",
        category="Clothing > T-shirts & Polos",
        season="AW30",
        tags="Neon; wool",
        materials="Wool; Silk",
        percentages="30; 70",
        carbon_kg=1,
        weight_g=9,
        eco_claims="Organic",
        stitching="Ateliers; Maison",
        attribute_1="Fit",
        attribute_value_1="Slim",
        attribute_2="Size",
        attribute_value_2="XXL",
    ),
    row(barcode=10_000_000_101, sku="SKU-1-1-new", title="Own title", materials="Hemp", carbon_kg=3, weight_g=1),
    row(barcode=10_000_000_190, sku="SKU-1-9", title="A variant more"),
]


async def test_what_an_import_changed_is_as_it_was_whatever_kind_it_is_of(
    running_world: World, desk: Desk, tenant: str
) -> None:
    await _sent(running_world, desk, catalogue(2))
    before, entities = await _catalogue(running_world, tenant), await _entities(running_world, tenant)
    second = await _sent(running_world, desk, CHANGED + product(7), mode="upsert")
    assert difference(before, await _catalogue(running_world, tenant))
    progress = await _undone(running_world, desk, second)
    assert counts(progress)[1:] == (4, 0, 0)
    assert not difference(before, await _catalogue(running_world, tenant))
    assert await _entities(running_world, tenant) == entities


async def test_imports_that_built_on_each_other_are_taken_back_from_the_last_to_the_first(
    running_world: World, desk: Desk, tenant: str
) -> None:
    states = [await _catalogue(running_world, tenant)]
    imports = []
    for rows, mode in (
        (catalogue(2), "create"),
        (CHANGED, "upsert"),
        ([row(sku="SKU-2-1", materials="Silk"), row(sku="SKU-1-2", title="Enriched")], "enrich"),
        (product(1, title="Once more"), "upsert"),
    ):
        imports.append(await _sent(running_world, desk, rows, mode=mode, chunk_rows=2))
        states.append(await _catalogue(running_world, tenant))
    for import_id, state in zip(reversed(imports), reversed(states[:-1]), strict=True):
        progress = await _undone(running_world, desk, import_id)
        assert progress.failed_rows == 0, await running_world.errors(progress.id)
        assert not difference(state, await _catalogue(running_world, tenant))
    assert not any((await _entities(running_world, tenant)).values())


async def test_what_somebody_changed_since_is_left_as_it_is_and_named_and_the_rest_is_undone(
    running_world: World, desk: Desk, tenant: str
) -> None:
    first = await _sent(running_world, desk, catalogue(3))
    second = await _sent(running_world, desk, [row(sku="SKU-2-1", title="Enriched")], mode="enrich")
    third = await _sent(running_world, desk, [row(handle="shirt-3", sku="SKU-3-9", title="Shirt 3")], mode="upsert")
    progress = await _undone(running_world, desk, first)
    assert (progress.status, counts(progress)) == ("completed_with_failures", (0, 3, 0, 6))
    assert not progress.has_exportable_failures, "there is no file to put right"
    said = [(row_no, code, message) for row_no, _, code, message in await running_world.errors(progress.id)]
    assert [(row_no, code) for row_no, code, _ in said] == [(6, "changed_since"), (8, "changed_since")]
    assert str(second) in said[0][2]
    assert 'variant with SKU "SKU-2-1"' in said[0][2]
    assert str(third) in said[1][2]
    assert 'Product "shirt-3"' in said[1][2]
    async with running_world.database() as conn:
        handles = text("SELECT handle FROM catalog.products WHERE tenant_id = :t ORDER BY handle")
        assert list((await conn.execute(handles, {"t": tenant})).scalars()) == ["shirt-2", "shirt-3"]
    for import_id in (second, third, first):
        assert (await _undone(running_world, desk, import_id)).failed_rows == 0
    assert not any((await _catalogue(running_world, tenant)).values())


async def test_undone_twice_nothing_is_left_to_be_done(running_world: World, desk: Desk, tenant: str) -> None:
    await _sent(running_world, desk, catalogue(1))
    second = await _sent(running_world, desk, CHANGED, mode="upsert")
    await _undone(running_world, desk, second)
    state = await _catalogue(running_world, tenant)
    again = await _undone(running_world, desk, second)
    assert counts(again) == (0, 0, 3, 0)
    assert not difference(state, await _catalogue(running_world, tenant))


async def test_of_two_that_undo_an_import_at_once_the_second_finds_the_first(
    running_world: World, desk: Desk, tenant: str
) -> None:
    first = await _sent(running_world, desk, catalogue(1))
    engine = desk.engine_of("winnow_intake")

    async def second() -> Any:
        async with tenant_transaction(engine, tenant) as conn:
            pids.append((await conn.execute(text("SELECT pg_backend_pid()"))).scalar_one())
            return await undo_import(conn, first, user_id="bob")

    async def waits() -> bool:
        query = text("SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = :pid")
        async with running_world.database() as conn:
            return bool(pids) and bool((await conn.execute(query, {"pid": pids[0]})).scalar_one())

    pids: list[int] = []
    async with tenant_transaction(engine, tenant) as conn:
        begun = await undo_import(conn, first, user_id="ann")
        other = asyncio.ensure_future(second())
        await eventually("the second waits for the first", waits)
    assert isinstance(begun, Undoing)
    found = await other
    assert isinstance(found, NotUndone)
    assert found.why == f"import {begun.id} is undoing it"


async def test_chunks_that_are_undone_at_once_and_a_product_that_stands_in_several(
    running_world: World, desk: Desk, tenant: str
) -> None:
    await _sent(running_world, desk, product(1, variants=30))
    before = await _catalogue(running_world, tenant)
    rows = [row(sku=f"SKU-1-{place}", title=f"Own {place}", weight_g=place + 1) for place in range(30)]
    second = await _sent(running_world, desk, rows, mode="enrich", chunk_rows=4)
    begun = await _begun(desk, second)
    assert (begun.rows, begun.chunks > 3) == (30, True)
    await asyncio.gather(*(_through(running_world, desk, event) for event in await _chunks(running_world, begun.id)))
    assert counts(await ended(running_world, begun.id)) == (0, 30, 0, 0)
    assert not difference(before, await _catalogue(running_world, tenant))


async def test_a_record_that_is_changed_while_its_import_is_undone_is_decided_again(
    running_world: World, desk: Desk, tenant: str
) -> None:
    first = await _sent(running_world, desk, catalogue(1))
    begun = await _begun(desk, first)
    (event,) = await _chunks(running_world, begun.id)
    decided = await desk.validate(event)
    between = await _sent(running_world, desk, [row(sku="SKU-1-2", title="Meanwhile")], mode="enrich")
    await desk.commit(decided)
    await _through(running_world, desk, event)
    assert counts(await ended(running_world, begun.id)) == (0, 0, 0, 3)
    ((_, _, _, message),) = await running_world.errors(begun.id)
    assert str(between) in message


async def test_a_chunk_of_an_undo_that_is_given_up_says_so_of_each_row_it_was_about(
    running_world: World, desk: Desk, tenant: str
) -> None:
    first = await _sent(running_world, desk, [*product(1, variants=2), *product(2, carbon_kg="heavy"), *product(3)])
    begun = await _begun(desk, first)
    (event,) = await _chunks(running_world, begun.id)
    async with tenant_transaction(desk.engine_of("winnow_validator"), tenant) as conn:
        await give_up(conn, event, "W-1")
    assert counts(await ended(running_world, begun.id)) == (0, 0, 0, 3)
    said = [(row_no, code) for row_no, _, code, _ in await running_world.errors(begun.id)]
    assert said == [(2, "internal"), (3, "internal"), (5, "internal")]
    assert len(await running_world.errors(first)) == 1, "what it says of its own rows stays"


async def test_an_undo_that_is_cancelled_awaits_no_file_and_the_rest_can_be_undone_later(
    running_world: World, desk: Desk, tenant: str
) -> None:
    first = await _sent(running_world, desk, catalogue(4), chunk_rows=6)
    begun = await _begun(desk, first)
    event, *_ = await _chunks(running_world, begun.id)
    await _through(running_world, desk, event)
    async with tenant_transaction(desk.engine_of("winnow_intake"), tenant) as conn:
        assert await cancel_import(conn, begun.id)
    progress = await ended(running_world, begun.id)
    assert (progress.status, progress.updated_rows, progress.unprocessed_rows) == ("cancelled", 6, 6)
    assert progress.files_ready, "there is no file of which rows could be handed back"
    again = await _undone(running_world, desk, first)
    assert counts(again) == (0, 6, 6, 0)
    assert not any((await _catalogue(running_world, tenant)).values())


async def test_what_cannot_be_undone_is_said(running_world: World, desk: Desk, tenant: str) -> None:
    first = await _sent(running_world, desk, catalogue(1))
    failed = await _sent(running_world, desk, [row(title="No handle")])
    (waiting,) = await desk.stage(product(5))
    old = await _sent(running_world, desk, product(6))
    async with running_world.database() as conn:
        days = text("UPDATE imports.imports SET completed_at = now() - interval '8 days' WHERE id = :id")
        await conn.execute(days, {"id": old})
    begun = await _begun(desk, first)

    async def why(import_id: UUID, tenant: str = desk.tenant) -> str | None:
        async with tenant_transaction(desk.engine_of("winnow_intake"), tenant) as conn:
            outcome = await undo_import(conn, import_id, user_id="ann")
        if outcome is None:
            return None
        assert isinstance(outcome, NotUndone)
        return outcome.why

    assert await why(first) == f"import {begun.id} is undoing it"
    assert await why(begun.id) == "it takes another import back, and cannot be taken back itself"
    assert await why(failed) == "it changed nothing"
    assert await why(waiting.import_id) == "it has not ended; cancel it first"
    assert await why(old) == "it ended more than 7 days ago"
    assert await why(first, tenant="somebody-else") is None


async def test_only_what_is_announced_is_done(running_world: World, desk: Desk) -> None:
    """The event says an import and a chunk; what there is to do is in the ledger."""
    first = await _sent(running_world, desk, catalogue(1))
    begun = await _begun(desk, first)
    async with running_world.database() as conn:
        waiting = text("SELECT topic, chunk_no FROM imports.outbox WHERE import_id = :id ORDER BY chunk_no")
        assert [tuple(found) for found in await conn.execute(waiting, {"id": begun.id})] == [("rows-staged", 1)]
    (event,) = await _chunks(running_world, begun.id)
    await desk.commit(RowsValidated(**event.model_dump()))
    assert families()["products"] is not None
    async with running_world.database() as conn:
        state = text("SELECT state FROM imports.import_chunks WHERE import_id = :id")
        assert (await conn.execute(state, {"id": begun.id})).scalar_one() == "staged"
