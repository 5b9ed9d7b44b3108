"""Correction files that come back: in several rounds, sorted, with rows deleted, copied and added, in both kinds of file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from shared.intake.mapping import MappingChanged, change_mapping
from shared.intake.repairs import Repairs, read_repairs
from shared.ledger import ImportProgress, Started, cancel_import, start_import
from shared.ledger.undo import Undoing, undo_import
from tests.harness.corrections import CorrectionFile
from tests.harness.files import HEADINGS, product, row, text_file, workbook
from tests.harness.production import difference
from tests.harness.world import World, eventually

KINDS = pytest.mark.parametrize("kind", ["xlsx", "csv"])
BAD: dict[str, Any] = {"carbon_kg": "heavy"}


def handed_back(world: World, ended: ImportProgress, kind: str) -> CorrectionFile:
    key = ended.correction_object_key if kind == "xlsx" else ended.failed_rows_object_key
    return CorrectionFile.read(world.fetch(str(key)))


async def sent(world: World, tenant: str, path: Path, **fields: Any) -> ImportProgress:
    ended = await world.ended(world.send(tenant, path, **fields))
    assert ended.error is None, ended.error
    return ended


async def repairs_of(world: World, import_id: UUID) -> Repairs:
    async with world.database() as conn:
        return await read_repairs(conn, import_id)


async def numbers(world: World, import_id: UUID) -> tuple[int, int]:
    """Rows repaired, rows open."""
    repairs = await repairs_of(world, import_id)
    return repairs.repaired_rows, repairs.open_rows


async def held(world: World, tenant: str, path: Path) -> UUID:
    """A held import that could be started."""
    import_id = world.send(tenant, path, options={"hold": True})

    async def ready() -> bool:
        found = await world.progress(import_id)
        return found is not None and found.parsed_at is not None and found.stages.validated_rows >= found.total_rows

    await eventually(f"import {import_id} can be started", ready)
    return import_id


def catalogue_of(*bad: int) -> list[list[Any]]:
    """One good product, and these bad ones of two rows each."""
    return [*product(99), *(row for number in bad for row in product(number, variants=2, **BAD))]


@KINDS
async def test_what_is_repaired_in_several_rounds_counts_towards_the_first(
    world: World, tenant: str, tmp_path: Path, kind: str
) -> None:
    first = await sent(world, tenant, workbook(tmp_path / "autumn.xlsx", catalogue_of(1, 2, 3)))
    assert await numbers(world, first.id) == (0, 6)

    once = handed_back(world, first, kind)
    once.mend(once.row_of("handle", "shirt-1"), carbon_kg=1)
    second = await sent(world, tenant, once.saved(), user_id="ana")
    assert (second.parent_import_id, second.created_rows, second.failed_rows) == (first.id, 2, 4)
    assert await numbers(world, first.id) == (2, 4)

    again = handed_back(world, second, kind)
    again.mend(again.row_of("handle", "shirt-3"), carbon_kg=3)
    third = await sent(world, tenant, again.saved(), user_id="ben")
    assert (third.parent_import_id, third.created_rows, third.failed_rows) == (second.id, 2, 2)
    assert await numbers(world, second.id) == (2, 2)
    repairs = await repairs_of(world, first.id)
    assert (repairs.repaired_rows, repairs.open_rows) == (4, 2)
    assert [(one.user_id, one.repaired_rows) for one in repairs.corrections] == [("ana", 2), ("ben", 2)]


@KINDS
async def test_deleted_and_unmended_rows_stay_open_and_new_ones_are_no_repair(
    world: World, tenant: str, tmp_path: Path, kind: str
) -> None:
    first = await sent(world, tenant, workbook(tmp_path / "autumn.xlsx", catalogue_of(1, 2, 3)))
    file = handed_back(world, first, kind)
    file.mend(file.row_of("handle", "shirt-1"), carbon_kg=1)
    deleted = [file.row_of("handle", "shirt-2"), file.row_of("sku", "SKU-2-1")]
    file.rows = [row for row in file.rows if row not in deleted]
    for new in product(7, variants=2):
        file.add(new)
    ended = await sent(world, tenant, file.saved())
    assert (ended.total_rows, ended.created_rows, ended.failed_rows) == (6, 4, 2)
    assert await numbers(world, first.id) == (2, 4)


@KINDS
async def test_rows_are_known_wherever_they_are_moved(world: World, tenant: str, tmp_path: Path, kind: str) -> None:
    first = await sent(
        world, tenant, workbook(tmp_path / "autumn.xlsx", [*product(1, **BAD), *product(2, **BAD), *product(3, **BAD)])
    )
    file = handed_back(world, first, kind)
    file.mend(file.row_of("handle", "shirt-3"), carbon_kg=1, sku="SKU-other", barcode=None)
    file.mend(file.row_of("handle", "shirt-1"), carbon_kg=1, title="Another title")
    file.rows.reverse()
    ended = await sent(world, tenant, file.saved())
    assert (ended.created_rows, ended.failed_rows) == (2, 1)
    repaired = await numbers(world, first.id)
    assert repaired == (1, 2), "with other identifiers, that nothing was wrong with, it is another row"


@KINDS
async def test_a_copied_row_repairs_nothing(world: World, tenant: str, tmp_path: Path, kind: str) -> None:
    first = await sent(world, tenant, workbook(tmp_path / "autumn.xlsx", [*product(1, **BAD), *product(2, **BAD)]))
    file = handed_back(world, first, kind)
    for number in (5, 6):
        copy = list(file.row_of("handle", "shirt-1"))
        file.rows.insert(0, copy)
        file.mend(copy, handle=f"shirt-{number}", sku=f"SKU-{number}", barcode=None, carbon_kg=number)
    file.rows[-1][-1] = file.rows[0][-1]
    ended = await sent(world, tenant, file.saved())
    assert (ended.created_rows, ended.failed_rows) == (2, 2)
    assert await numbers(world, first.id) == (0, 2)


@KINDS
async def test_rows_whose_explanation_was_cleared_are_known_by_their_identifiers(
    world: World, tenant: str, tmp_path: Path, kind: str
) -> None:
    first = await sent(world, tenant, workbook(tmp_path / "autumn.xlsx", catalogue_of(1, 2)))
    file = handed_back(world, first, kind)
    file.mend(file.row_of("handle", "shirt-2"), carbon_kg=1)
    file.forget_explanations()
    for new in product(7):
        file.add(new)
    named = {} if kind == "xlsx" else {"parent_import_id": str(first.id)}
    ended = await sent(world, tenant, file.saved(), **named)
    assert (ended.parent_import_id, ended.created_rows, ended.failed_rows) == (first.id, 3, 2)
    assert await numbers(world, first.id) == (2, 2)


async def test_a_correction_workbook_that_was_saved_as_another_file_is_still_one(
    world: World, tenant: str, tmp_path: Path
) -> None:
    first = await sent(world, tenant, workbook(tmp_path / "autumn.xlsx", catalogue_of(1, 2, 3)))
    file = handed_back(world, first, "xlsx")
    file.mend(file.row_of("handle", "shirt-1"), carbon_kg=1)
    as_csv = await sent(world, tenant, file.saved("mine.csv"))
    assert (as_csv.parent_import_id, as_csv.created_rows) == (first.id, 2)
    file = handed_back(world, as_csv, "csv")
    file.mend(file.row_of("handle", "shirt-2"), carbon_kg=1)
    as_workbook = await sent(world, tenant, file.saved("mine.xlsx", keep_properties=False))
    assert (as_workbook.parent_import_id, as_workbook.created_rows) == (as_csv.id, 2)
    assert await numbers(world, first.id) == (4, 2)


async def test_what_was_not_processed_is_repaired_by_sending_it_again(
    world: World, tenant: str, tmp_path: Path
) -> None:
    path = text_file(tmp_path / "autumn.csv", [*product(1), *product(2), *product(3, **BAD)])
    import_id = await held(world, tenant, path)
    async with world.database() as conn:
        assert await cancel_import(conn, import_id)
    first = await world.ended(import_id)
    assert first.unprocessed_rows == 3
    again = world.fetch(str(first.unprocessed_object_key))
    ended = await sent(world, tenant, again)
    assert (ended.parent_import_id, ended.created_rows, ended.failed_rows) == (first.id, 2, 1)
    assert await numbers(world, first.id) == (2, 1)


async def test_a_file_of_a_persons_own_mapping_is_read_by_it_when_it_comes_back(
    world: World, tenant: str, tmp_path: Path
) -> None:
    headings = ["Product Title", "Product Handle", "SKU", "Rohstoff", "Grams Weight"]
    rows: Sequence[Sequence[Any]] = [["Tee", "tee", "T-1", "Cotton", 200], ["Cap", "cap", "C-1", "Wool", "heavy"]]
    import_id = await held(world, tenant, text_file(tmp_path / "a.csv", rows, headings=headings))
    chosen = {"title": 0, "handle": 1, "sku": 2, "materials": 3, "weight_g": 4}
    async with world.database() as conn:
        assert isinstance(await change_mapping(conn, import_id, chosen), MappingChanged)

    async def started() -> bool:
        async with world.database() as conn:
            return isinstance(await start_import(conn, import_id), Started)

    await eventually("the rows are cut again", started)
    first = await world.ended(import_id)
    assert (first.created_rows, first.failed_rows) == (1, 1)
    file = handed_back(world, first, "csv")
    file.rows[0][4] = 90
    ended = await sent(world, tenant, file.saved())
    assert ended.created_rows == 1
    materials = "SELECT count(*) FROM catalog.materials WHERE tenant_id = :tenant"
    assert await world.scalar(materials, tenant=tenant) == 2


async def test_rows_of_a_total_and_of_another_import_repair_nothing(world: World, tenant: str, tmp_path: Path) -> None:
    first = await sent(
        world, tenant, workbook(tmp_path / "a.xlsx", [*product(1, **BAD), row(title="Total", weight_g=9)])
    )
    other = await sent(world, tenant, workbook(tmp_path / "b.xlsx", product(2, **BAD)))
    file, strange = handed_back(world, first, "xlsx"), handed_back(world, other, "xlsx")
    moved = strange.rows[0]
    strange.mend(moved, carbon_kg=2)
    file.rows = [file.rows[0], moved]
    ended = await sent(world, tenant, file.saved())
    assert (ended.parent_import_id, ended.created_rows, ended.failed_rows) == (first.id, 1, 1)
    assert await numbers(world, first.id) == (0, 2)
    assert len(HEADINGS) == len(file.headings) - 1


@KINDS
async def test_a_correction_is_imported_in_the_mode_of_its_parent_and_its_sender_is_told(
    world: World, tenant: str, tmp_path: Path, kind: str
) -> None:
    await sent(world, tenant, text_file(tmp_path / "there.csv", product(1, description="Old")))
    changed = product(1, description="New", **BAD)
    first = await sent(
        world, tenant, workbook(tmp_path / "autumn.xlsx", changed), mode="upsert", options={"blanks": "clear"}
    )
    assert (first.mode, first.failed_rows) == ("upsert", 1)
    file = handed_back(world, first, kind)
    file.mend(file.rows[0], carbon_kg=1, manufacturer=None)
    ended = await sent(world, tenant, file.saved(), mode="create")
    assert (ended.mode, ended.parent_import_id, ended.updated_rows) == ("upsert", first.id, 1)
    (told,) = [notice["message"] for notice in ended.notices if notice["code"] == "corrects_import"]
    assert "mode upsert, not create" in told
    assert "blanks: clear, not keep" in told
    there = "SELECT description || coalesce(manufacturer_id::text, '') FROM catalog.products WHERE tenant_id = :tenant"
    assert await world.scalar(there, tenant=tenant) == "New", "blank cells clear, as they did in the parent"
    assert await numbers(world, first.id) == (1, 0)


@KINDS
async def test_a_file_that_is_sent_twice_repairs_once_and_collides_with_nothing(
    world: World, tenant: str, tmp_path: Path, kind: str
) -> None:
    first = await sent(world, tenant, workbook(tmp_path / "autumn.xlsx", catalogue_of(1, 2)))
    file = handed_back(world, first, kind)
    file.mend(file.row_of("handle", "shirt-1"), carbon_kg=1)
    path = file.saved()
    once = await sent(world, tenant, path)
    before = await world.production(tenant)
    twice = await sent(world, tenant, path)
    assert (once.created_rows, once.failed_rows) == (2, 2)
    assert (twice.created_rows, twice.skipped_rows, twice.failed_rows) == (0, 2, 2), await world.errors(twice.id)
    assert difference(before, await world.production(tenant)) == []
    repairs = await repairs_of(world, first.id)
    assert (repairs.repaired_rows, repairs.open_rows) == (2, 2)
    assert [one.repaired_rows for one in repairs.corrections] == [2, 0]


async def test_what_a_correction_has_repaired_is_open_again_when_it_is_undone(
    world: World, tenant: str, tmp_path: Path
) -> None:
    first = await sent(world, tenant, workbook(tmp_path / "autumn.xlsx", catalogue_of(1, 2)))
    file = handed_back(world, first, "csv")
    file.mend(file.row_of("handle", "shirt-1"), carbon_kg=1)
    path = file.saved()
    once = await sent(world, tenant, path)
    twice = await sent(world, tenant, path)
    assert (once.created_rows, twice.skipped_rows) == (2, 2)
    async with world.database() as conn:
        undoing = await undo_import(conn, once.id, user_id="ana")
    assert isinstance(undoing, Undoing)
    undone = await world.ended(undoing.id)
    assert undone.status == "completed", await world.errors(undone.id)
    assert await numbers(world, first.id) == (0, 4)
    again = await sent(world, tenant, path)
    assert again.created_rows == 2, await world.errors(again.id)
    assert await numbers(world, first.id) == (2, 2)


async def test_corrections_that_come_at_once_repair_each_row_once(world: World, tenant: str, tmp_path: Path) -> None:
    bad = range(1, 13)
    first = await sent(world, tenant, workbook(tmp_path / "autumn.xlsx", catalogue_of(*bad)))
    file = handed_back(world, first, "csv")
    for number in bad:
        file.mend(file.row_of("handle", f"shirt-{number}"), carbon_kg=number)
    path = file.saved()
    at_once = [world.send(tenant, path) for _ in range(3)]
    ended = [await world.ended(import_id) for import_id in at_once]
    assert sum(one.created_rows for one in ended) == 24, [await world.errors(one.id) for one in ended]
    assert [one.failed_rows for one in ended] == [0, 0, 0], [await world.errors(one.id) for one in ended]
    assert await numbers(world, first.id) == (24, 0)


@KINDS
async def test_a_row_that_failed_alone_is_added_to_its_product_when_it_is_repaired(
    world: World, tenant: str, tmp_path: Path, kind: str
) -> None:
    lost = row(attribute_1="Size", attribute_value_1="XL")
    rows = [*product(1, variants=2), lost, *product(2)]
    first = await sent(world, tenant, workbook(tmp_path / "autumn.xlsx", rows))
    assert (first.created_rows, first.failed_rows) == (3, 1)
    file = handed_back(world, first, kind)
    file.mend(file.row_of("handle", "shirt-1"), sku="SKU-1-XL")
    ended = await sent(world, tenant, file.saved())
    assert ended.failed_rows == 0, await world.errors(ended.id)
    assert await numbers(world, first.id) == (1, 0)
    variants = (
        "SELECT count(*) FROM catalog.product_variants v JOIN catalog.products p ON p.id = v.product_id "
        "WHERE p.tenant_id = :tenant AND p.handle = 'shirt-1'"
    )
    assert await world.scalar(variants, tenant=tenant) == 3
    title = "SELECT title FROM catalog.products WHERE tenant_id = :tenant AND handle = 'shirt-1'"
    assert await world.scalar(title, tenant=tenant) == "Shirt 1"


async def test_a_row_that_failed_alone_in_upsert_says_nothing_of_its_product_when_it_is_repaired(
    world: World, tenant: str, tmp_path: Path
) -> None:
    lost = row(attribute_1="Size", attribute_value_1="XL", weight_g=7)
    rows = [*product(1, variants=2), lost, *product(2)]
    first = await sent(world, tenant, workbook(tmp_path / "autumn.xlsx", rows), mode="upsert")
    assert (first.created_rows, first.failed_rows) == (3, 1)
    file = handed_back(world, first, "xlsx")
    file.mend(file.row_of("handle", "shirt-1"), sku="SKU-1-XL")
    ended = await sent(world, tenant, file.saved(), mode="upsert")
    assert (ended.created_rows, ended.updated_rows, ended.failed_rows) == (1, 0, 0), await world.errors(ended.id)
    weights = (
        "SELECT array_agg(weight ORDER BY position) FROM catalog.effective_variants "
        "WHERE tenant_id = :tenant AND handle = 'shirt-1'"
    )
    assert [float(weight) for weight in await world.scalar(weights, tenant=tenant)] == [230, 230, 7]
