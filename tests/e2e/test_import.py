"""File in, files out: what a sender sees."""

import csv
from pathlib import Path
from uuid import UUID

import openpyxl
import pytest
from sqlalchemy import text
from uuid_utils.compat import uuid7

from shared.db import catalog
from shared.entities import PRODUCTS
from tests.harness.files import HEADINGS, catalogue, product, row, text_file, workbook
from tests.harness.production import count, difference
from tests.harness.world import World, eventually


async def test_an_upstream_system_needs_a_file_and_one_event(world: World, tenant: str, tmp_path: Path) -> None:
    key = world.put(tenant, workbook(tmp_path / "autumn.xlsx", catalogue(4)))
    world.publish(
        {
            "tenant_id": tenant,
            "user_id": "u-17",
            "entity_type": "products",
            "mode": "create",
            "object_key": key,
            "file_name": "autumn.xlsx",
        }
    )

    async def its_import() -> UUID | None:
        found: UUID | None = await world.scalar(
            "SELECT max(id::text)::uuid FROM imports.imports WHERE tenant_id = :tenant", tenant=tenant
        )
        return found

    ended = await world.ended(await eventually("the import is registered", its_import))
    assert ended.status == "completed", ended
    assert (ended.total_rows, ended.created_rows, ended.failed_rows) == (12, 12, 0)
    assert ended.file_name == "autumn.xlsx"
    async with world.database() as conn:
        assert await count(conn, catalog.products, tenant) == 4
        assert await count(conn, catalog.product_variants, tenant) == 12


async def test_good_products_go_in_and_bad_ones_come_back_in_the_senders_layout(
    world: World, tenant: str, tmp_path: Path
) -> None:
    rows = [
        *product(1, variants=2),
        *product(2, variants=2, percentages="80; 40"),
        *product(3),
    ]
    ended = await world.ended(world.send(tenant, workbook(tmp_path / "autumn.xlsx", rows)))
    assert ended.status == "completed_with_failures"
    assert (ended.total_rows, ended.created_rows, ended.failed_rows) == (5, 3, 2)

    assert ended.correction_object_key is not None
    book = openpyxl.load_workbook(world.fetch(ended.correction_object_key))
    page = book["Products"]
    assert [cell.value for cell in page[1]] == [*HEADINGS, "Import errors"]
    assert page.freeze_panes == "A2"
    assert page.max_row == 3, "the whole group that failed, and nothing else"
    bad = page.cell(2, HEADINGS.index("Percentages") + 1)
    assert bad.value == "80; 40"
    assert bad.fill.fgColor.rgb == "FFFFE0E0"
    assert bad.comment is not None
    assert "120" in bad.comment.text
    assert "Percentages" in str(page.cell(2, len(HEADINGS) + 1).value)
    assert page.cell(2, HEADINGS.index("kgCO2e Carbon Footprint") + 1).value == 6.55

    assert ended.failed_rows_object_key is not None
    raw = world.fetch(ended.failed_rows_object_key).read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    lines = list(csv.reader(raw.decode("utf-8-sig").splitlines()))
    assert lines[0] == [*HEADINGS, "Import error"]
    assert len(lines) == 3


async def test_a_repaired_correction_file_imports_what_is_in_it(world: World, tenant: str, tmp_path: Path) -> None:
    rows = [*product(1), *product(2, carbon_kg="12abc", title="=SUM(A1)"), *product(3)]
    first = await world.ended(world.send(tenant, workbook(tmp_path / "autumn.xlsx", rows)))
    assert first.failed_rows == 1
    assert first.correction_object_key is not None
    path = world.fetch(first.correction_object_key)
    book = openpyxl.load_workbook(path)
    book["Products"].cell(2, HEADINGS.index("kgCO2e Carbon Footprint") + 1).value = 12.5
    book.save(path)

    second = await world.ended(world.send(tenant, path))
    assert (second.status, second.total_rows, second.created_rows) == ("completed", 1, 1), await world.errors(second.id)
    assert second.parent_import_id == first.id
    title = await world.scalar(
        "SELECT title FROM catalog.products WHERE tenant_id = :tenant AND handle = 'shirt-2'", tenant=tenant
    )
    assert title == "=SUM(A1)", "what was neutralised for spreadsheets is restored"


async def test_a_correction_workbook_without_its_last_column_is_still_one(
    world: World, tenant: str, tmp_path: Path
) -> None:
    path = workbook(tmp_path / "a.xlsx", product(1, carbon_kg="x", sku="-S1", description="@home"), sheet="My list")
    first = await world.ended(world.send(tenant, path))
    assert first.correction_object_key is not None
    path = world.fetch(first.correction_object_key)
    book = openpyxl.load_workbook(path)
    page = book["My list"]
    page.cell(2, HEADINGS.index("kgCO2e Carbon Footprint") + 1).value = 1
    page.delete_cols(len(HEADINGS) + 1)
    book.save(path)
    second = await world.ended(world.send(tenant, path))
    assert (second.created_rows, second.parent_import_id) == (1, first.id)
    sku = await world.scalar("SELECT sku FROM catalog.product_variants WHERE tenant_id = :tenant", tenant=tenant)
    assert sku == "-S1"


async def test_a_text_cut_to_fit_a_cell_is_never_imported_cut(world: World, tenant: str, tmp_path: Path) -> None:
    long_text = "=" + "x" * 32_766
    rows = [product(1)[0], product(2, carbon_kg="x", description="y" * 32_767)[0], product(3, description=long_text)[0]]
    first = await world.ended(world.send(tenant, text_file(tmp_path / "a.csv", rows)))
    assert {(row, heading) for row, heading, *_ in await world.errors(first.id)} == {
        (3, "kgCO2e Carbon Footprint"),
        (4, "Description"),
    }
    assert first.correction_object_key is not None
    path = world.fetch(first.correction_object_key)
    book = openpyxl.load_workbook(path)
    book["Products"].cell(2, HEADINGS.index("kgCO2e Carbon Footprint") + 1).value = 1
    book.save(path)
    second = await world.ended(world.send(tenant, path))
    assert (second.created_rows, second.failed_rows) == (1, 1)
    ((row, heading, code, message),) = await world.errors(second.id)
    assert (row, heading, code) == (3, "Description", "invalid_cell")
    assert "was cut when it was handed back" in message
    whole = await world.scalar(
        "SELECT length(description) FROM catalog.products WHERE tenant_id = :tenant AND handle = 'shirt-2'",
        tenant=tenant,
    )
    assert whole == 32_767


async def test_a_parent_of_another_tenant_is_none(world: World, tenant: str, tmp_path: Path) -> None:
    theirs = await world.ended(world.send(f"{tenant}-2", workbook(tmp_path / "a.xlsx", product(1, carbon_kg="x"))))
    assert theirs.correction_object_key is not None
    from_file = await world.ended(world.send(tenant, world.fetch(theirs.correction_object_key)))
    path = workbook(tmp_path / "b.xlsx", product(2))
    from_event = await world.ended(world.send(tenant, path, parent_import_id=str(theirs.id)))
    assert from_file.parent_import_id is from_event.parent_import_id is None


async def test_a_variant_has_its_products_figures_but_for_its_own(world: World, tenant: str, tmp_path: Path) -> None:
    rows = product(1, variants=2, carbon_kg=5, water_l=100, finishing="Fin", raw_material="Raw")
    rows[1][HEADINGS.index("kgCO2e Carbon Footprint")] = 6
    await world.ended(world.send(tenant, workbook(tmp_path / "a.xlsx", rows)))
    async with world.database() as conn:
        found = await conn.execute(
            text(
                "SELECT carbon_kg, water_l, journey FROM catalog.effective_variants WHERE tenant_id = :tenant "
                "ORDER BY position"
            ),
            {"tenant": tenant},
        )
        first, second = found.all()
    assert [(float(each.carbon_kg), float(each.water_l)) for each in (first, second)] == [(5, 100), (6, 100)]
    assert [step.split(":")[0] for step in second.journey] == ["raw_material", "weaving", "finishing"]


async def test_a_remark_beside_the_table_is_no_row_of_it(world: World, tenant: str, tmp_path: Path) -> None:
    rows = (
        [[*cells, None] for cells in product(1)]
        + [[*[None] * len(HEADINGS), "see below"]]
        + [[*cells, None] for cells in product(2)]
    )
    path = workbook(tmp_path / "a.xlsx", rows, headings=[*HEADINGS, "Remarks"])
    ended = await world.ended(world.send(tenant, path))
    assert (ended.status, ended.total_rows, ended.created_rows) == ("completed", 2, 2)
    assert ("rows_beside_the_data", 3) in {(notice["code"], notice.get("row")) for notice in ended.notices}


async def test_an_import_refused_for_its_entity_type_leaves_nothing_behind_for_any_stage(
    world: World, tenant: str, tmp_path: Path
) -> None:
    path = workbook(tmp_path / "a.xlsx", product(1))
    for _ in range(25):
        refused = await world.ended(world.send(tenant, path, entity_type="widgets"))
    assert refused.status == "failed"
    failing = workbook(tmp_path / "b.xlsx", product(2, carbon_kg="x"))
    assert (await world.ended(world.send(tenant, failing))).correction_object_key is not None


@pytest.mark.parametrize(
    ("delimiter", "encoding"), [(",", "utf-8"), (";", "utf-8-sig"), ("\t", "utf-16"), ("|", "cp1252")]
)
async def test_text_files_give_the_same_products_as_the_workbook(
    world: World, tenant: str, tmp_path: Path, delimiter: str, encoding: str
) -> None:
    rows = [
        *product(1, variants=3, title="Blåbärströja", tags="a|b"),
        *product(2, description='He said "hi"\nand left'),
    ]
    one = await world.ended(world.send(tenant, workbook(tmp_path / "autumn.xlsx", rows)))
    other = f"{tenant}-text"
    path = text_file(tmp_path / "autumn.csv", rows, delimiter=delimiter, encoding=encoding)
    two = await world.ended(world.send(other, path))
    assert (one.created_rows, two.created_rows) == (4, 4), await world.errors(two.id)
    assert difference(await world.production(tenant), await world.production(other)) == []


async def test_the_template_gives_its_products_and_not_its_example(world: World, tenant: str, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.title = "Description"
    book.active.append(["Category", "Value", "Description"])
    page = book.create_sheet("Products")
    sections = {0: "Product", 5: "Publishing", 6: "Organization", 9: "Variants", 17: "Environment", 20: "Composition"}
    page.append([sections.get(number) for number in range(len(HEADINGS))])
    page.append(HEADINGS)
    page.append(PRODUCTS.example)
    for cells in [*product(1, variants=3), *product(2, variants=2)]:
        page.append([float(cell) if isinstance(cell, int) else cell for cell in cells])
    path = tmp_path / "template.xlsx"
    book.save(path)
    ended = await world.ended(world.send(tenant, path))
    assert (ended.status, ended.total_rows, ended.created_rows) == ("completed", 5, 5), await world.errors(ended.id)
    assert ended.summary["products"]["created"] == 2
    assert ended.summary["variants"]["created"] == 5
    barcodes = await world.scalar(
        "SELECT array_agg(barcode ORDER BY barcode) FROM catalog.product_variants WHERE tenant_id = :tenant",
        tenant=tenant,
    )
    assert barcodes[0] == "10000000100"
    assert any("3" in notice["message"] or notice.get("row") == 3 for notice in ended.notices)


async def test_the_same_event_twice_is_one_import(world: World, tenant: str, tmp_path: Path) -> None:
    path = workbook(tmp_path / "autumn.xlsx", catalogue(3))
    ended = await world.ended(world.send(tenant, path, times=3))
    assert ended.created_rows == 9
    imports = await world.scalar("SELECT count(*) FROM imports.imports WHERE tenant_id = :tenant", tenant=tenant)
    assert imports == 1


async def test_the_same_file_again_changes_nothing_and_says_so(world: World, tenant: str, tmp_path: Path) -> None:
    path = workbook(tmp_path / "autumn.xlsx", catalogue(3))
    await world.ended(world.send(tenant, path))
    before = await world.production(tenant)
    refused = await world.ended(world.send(tenant, path))
    assert refused.error is not None
    assert (refused.status, refused.error["code"], refused.total_rows) == ("failed", "imported_before", 0)
    again = await world.ended(world.send(tenant, path, options={"allow_repeat": True}))
    assert (again.total_rows, again.created_rows, again.failed_rows) == (9, 0, 9)
    assert {code for _, _, code, _ in await world.errors(again.id)} == {"already_exists"}
    assert difference(before, await world.production(tenant)) == []


async def test_two_tenants_with_the_same_file_do_not_meet(world: World, tenant: str, tmp_path: Path) -> None:
    path = workbook(tmp_path / "autumn.xlsx", catalogue(3))
    one, two = world.send(tenant, path), world.send(f"{tenant}-2", path)
    assert (await world.ended(one)).created_rows == 9
    assert (await world.ended(two)).created_rows == 9


async def test_the_first_spelling_in_the_file_names_an_entity_created_once(
    world: World, tenant: str, tmp_path: Path
) -> None:
    rows = [
        *product(1, manufacturer="Acme MILLS"),
        *product(2, manufacturer=" acme mills "),
        *product(3, manufacturer="ACME Mills"),
    ]
    ended = await world.ended(world.send(tenant, workbook(tmp_path / "autumn.xlsx", rows)))
    assert ended.created_rows == 3
    names = await world.scalar(
        "SELECT array_agg(name) FROM catalog.manufacturers WHERE tenant_id = :tenant", tenant=tenant
    )
    assert names == ["Acme MILLS"]


async def test_two_files_at_once_never_make_two_of_one(world: World, tenant: str, tmp_path: Path) -> None:
    one = workbook(tmp_path / "one.xlsx", catalogue(300))
    two = workbook(tmp_path / "two.xlsx", catalogue(300, start=151))
    first, second = world.send(tenant, one), world.send(tenant, two)
    ended = [await world.ended(first), await world.ended(second)]
    assert sum(each.created_rows for each in ended) == 450 * 3
    async with world.database() as conn:
        assert await count(conn, catalog.products, tenant) == 450
        assert await count(conn, catalog.manufacturers, tenant) == 1


async def test_a_chosen_import_id_is_the_id_and_another_tenants_cannot_be_taken(
    world: World, tenant: str, tmp_path: Path
) -> None:
    path = workbook(tmp_path / "autumn.xlsx", catalogue(1))
    mine = await world.ended(world.send(tenant, path))
    other = f"{tenant}-other"
    world.send(other, path, import_id=str(mine.id))
    again = await world.ended(world.send(other, workbook(tmp_path / "next.xlsx", catalogue(1))))
    assert again.created_rows == 3
    assert (await world.ended(mine.id)).tenant_id == tenant
    assert uuid7() != mine.id


async def test_an_orphan_variant_row_fails_alone(world: World, tenant: str, tmp_path: Path) -> None:
    rows = [row(sku="LOST-1", attribute_1="Size", attribute_value_1="S"), *product(1)]
    ended = await world.ended(world.send(tenant, workbook(tmp_path / "autumn.xlsx", rows)))
    assert (ended.created_rows, ended.failed_rows) == (1, 1)
    assert [message for *_, message in await world.errors(ended.id)] == ["Variant row found before any product row"]


async def test_a_small_file_does_not_wait_for_a_large_one_of_another_tenant(
    world: World, tenant: str, tmp_path: Path
) -> None:
    large = world.send(tenant, workbook(tmp_path / "large.xlsx", catalogue(6000, variants=4)))

    async def begun() -> bool:
        progress = await world.progress(large)
        return progress is not None and progress.stages.staged_rows > 0

    await eventually("the large file is being read", begun)
    small = await world.ended(world.send(f"{tenant}-small", workbook(tmp_path / "small.xlsx", catalogue(60))))
    ahead = await world.progress(large)
    assert ahead is not None
    assert not ahead.ended, "the large import is still under way when the small one has ended"
    assert small.created_rows == 180
    assert (await world.ended(large)).created_rows == 24_000


async def test_what_a_text_file_leaves_open_is_a_reason_and_comes_back_as_it_was_read(
    world: World, tenant: str, tmp_path: Path
) -> None:
    path = tmp_path / "herbst.csv"
    lines = [
        "Product Title;Product Handle;SKU;Grams Weight;Description",
        "Gürtel;a;A;13,75;schön",
        "Hose;b;B;1.250;weit;x",
        'Hemd;c;C;2;"offen',
        "Mütze;d;D;3;warm",
        'Schal;e;E;4;lang"',
        "Jacke;f;F;1.250,5;rot",
    ]
    path.write_bytes("\r\n".join(lines).encode("cp1252"))
    first = await world.ended(world.send(tenant, path))
    assert (first.total_rows, first.created_rows, first.failed_rows) == (6, 2, 4)
    async with world.database() as conn:
        found = await conn.execute(
            text(
                "SELECT p.title, w.weight FROM catalog.products p JOIN catalog.product_weight w ON w.product_id = p.id "
                "WHERE p.tenant_id = :tenant ORDER BY p.title"
            ),
            {"tenant": tenant},
        )
        assert [(title, float(weight)) for title, weight in found] == [("Gürtel", 13.75), ("Jacke", 1250.5)]
    errors = await world.errors(first.id)
    assert {row for row, *_ in errors} == {3, 4, 5, 6}
    assert any("opened in line 4 of the file and is closed only in line 6" in message for *_, message in errors)

    assert first.correction_object_key is not None
    corrections = world.fetch(first.correction_object_key)
    again = await world.ended(world.send(tenant, corrections))
    assert (again.created_rows, again.failed_rows) == (0, 4), "unmended, nothing is created"

    book = openpyxl.load_workbook(corrections)
    page = book.worksheets[0]
    page.cell(2, 6).value = None
    book.save(corrections)
    mended = await world.ended(world.send(tenant, corrections))
    assert mended.created_rows == 1
    weight = await world.scalar(
        "SELECT w.weight FROM catalog.product_weight w JOIN catalog.products p ON p.id = w.product_id "
        "WHERE p.tenant_id = :tenant AND p.handle = 'b'",
        tenant=tenant,
    )
    assert float(weight) == 1250, "by the decimal comma of the file it came from"
