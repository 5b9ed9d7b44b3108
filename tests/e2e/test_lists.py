"""Dry runs, rows, lists and templates as people and scripts ask for them, on running services."""

import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from deploy.local.stack import Stack
from shared.entities import PRODUCTS
from tests.e2e.test_command import Command
from tests.harness.files import catalogue, product, workbook
from tests.harness.world import World

IN_PRODUCTION = "SELECT count(*) FROM catalog.products WHERE tenant_id = :tenant"


@pytest.fixture
async def winnow(stack: Stack, world: World, tmp_path: Path, tenant: str) -> Command:
    """The command, for a tenant that is registered."""
    await world.register(tenant)
    return Command(stack, tmp_path)


def counts(ended: dict[str, Any]) -> dict[str, int]:
    return {
        "create": ended["created_rows"],
        "update": ended["updated_rows"],
        "skip": ended["skipped_rows"],
        "fail": ended["failed_rows"],
    }


async def test_a_dry_run_says_what_a_start_then_does(
    world: World, winnow: Command, tenant: str, tmp_path: Path
) -> None:
    path = workbook(tmp_path / "autumn.xlsx", [*catalogue(700), *product(900, variants=2, weight_g="heavy")])
    dry = await winnow("import", path, "--tenant", tenant, "--dry-run", "--json")
    assert dry.returncode == 2, dry.stderr
    said = json.loads(dry.stdout)
    assert said["status"] == "previewing"
    assert said["preview"]["rows"] == {"create": 2100, "update": 0, "skip": 0, "fail": 2}
    assert said["preview"]["groups"] == {"create": 700, "update": 0, "skip": 0, "fail": 1}
    assert await world.scalar(IN_PRODUCTION, tenant=tenant) == 0

    shown = await winnow("preview", said["id"])
    assert shown.returncode == 2
    assert "2,102 rows = 2,100 to create + 0 to update + 0 unchanged + 2 to hand back" in shown.stdout
    assert "products: 700 new, 0 changed, 0 unchanged, 1 handed back" in shown.stdout
    assert f"start {said['id']}" in shown.stdout
    assert f"cancel {said['id']}" in shown.stdout

    failed = await winnow.json("rows", said["id"], "--status", "failed")
    assert [(row["row"], row["status"], row["outcome"]) for row in failed["rows"]] == [
        (2102, "failed", "fail"),
        (2103, "failed", "fail"),
    ]
    page = await winnow.json("rows", said["id"], "--status", "pending", "--limit", "2", "--after", "2000")
    assert ([row["row"] for row in page["rows"]], page["next"]) == ([2001, 2002], 2002)
    assert {row["outcome"] for row in page["rows"]} == {"create"}
    assert dict(zip(page["headings"], page["rows"][0]["cells"], strict=True))["SKU"] == "SKU-667-1"

    assert (await winnow.json("start", said["id"]))["started"]
    ended = json.loads((await winnow("watch", said["id"], "--json")).stdout)
    assert counts(ended) == said["preview"]["rows"]
    assert await world.scalar(IN_PRODUCTION, tenant=tenant) == 700
    assert (await winnow.json("preview", said["id"]))["rows"] == said["preview"]["rows"]


async def test_a_dry_run_of_a_good_file_ends_with_code_0_and_can_be_dropped(
    world: World, winnow: Command, tenant: str, tmp_path: Path
) -> None:
    dry = await winnow("import", workbook(tmp_path / "a.xlsx", catalogue(2)), "--tenant", tenant, "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert "6 rows = 6 to create + 0 to update + 0 unchanged + 0 to hand back" in dry.stdout
    (found,) = (await winnow.json("imports", "--tenant", tenant))["imports"]
    assert (await winnow("cancel", found["id"])).returncode == 0
    assert await world.scalar(IN_PRODUCTION, tenant=tenant) == 0
    assert (await winnow("preview", found["id"])).returncode == 1


async def test_a_dry_run_of_what_cannot_be_read_ends_with_code_1(winnow: Command, tenant: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Colour;Price\nred;12\n")
    dry = await winnow("import", path, "--tenant", tenant, "--dry-run")
    assert dry.returncode == 1
    assert "has no row of headings we know" in " ".join(dry.stdout.split())


async def test_categories_nobody_knows_and_names_of_a_catalogue_are_listed(
    winnow: Command, tenant: str, tmp_path: Path
) -> None:
    rows = [
        *product(1, season="AW27"),
        *product(2, category="Printed T-shirts"),
        *product(3, category="printed t-shirts"),
    ]
    sent = json.loads(
        (await winnow("import", workbook(tmp_path / "a.xlsx", rows), "--tenant", tenant, "--watch", "--json")).stdout
    )
    (unmatched,) = await winnow.json("unmatched", sent["id"])
    assert (unmatched["text"], unmatched["rows"], unmatched["first_row"]) == ("Printed T-shirts", 2, 3)
    assert unmatched["suggestions"] == ["Clothing > T-shirts & Polos > Printed T-shirts"]
    shown = await winnow("unmatched", sent["id"])
    assert "Printed T-shirts  2 rows, first in row 3" in shown.stdout

    seasons = await winnow.json("catalogue", "seasons", "--tenant", tenant)
    assert [value["name"] for value in seasons["values"]] == ["AW27"]
    assert (await winnow("catalogue", "attributes", "--tenant", tenant)).stdout == "Size  S\n"
    assert (await winnow("catalogue", "eco-claims", "--tenant", tenant, "--search", "RECY")).stdout == "Recycled\n"
    unknown = await winnow("catalogue", "seasons", "--tenant", f"{tenant}x")
    assert unknown.returncode == 64
    assert f'Did you mean "{tenant}"?' in unknown.stderr


async def test_imports_are_found_by_file_status_and_user(winnow: Command, tenant: str, tmp_path: Path) -> None:
    for name, user in (("autumn.xlsx", "ann"), ("spring.xlsx", "ben"), ("autumn-2.xlsx", "ben")):
        path = workbook(tmp_path / name, product(1, handle=name, variants=1))
        assert (await winnow("import", path, "--tenant", tenant, "--user", user, "--watch")).returncode in {0, 2}

    async def found(*asked: str) -> list[str]:
        listed = await winnow.json("imports", "--tenant", tenant, *asked)
        return [each["file_name"] for each in listed["imports"]]

    assert await found() == ["autumn-2.xlsx", "spring.xlsx", "autumn.xlsx"]
    assert await found("--file", "AUTUMN") == ["autumn-2.xlsx", "autumn.xlsx"]
    assert await found("--user", "ben", "--status", "completed_with_failures") == ["autumn-2.xlsx", "spring.xlsx"]
    assert await found("--since", "2100-01-01") == await found("--until", "2020-01-01") == []
    first = await winnow.json("imports", "--tenant", tenant, "--limit", "2")
    assert await found("--after", first["next"]) == ["autumn.xlsx"]
    wrong = await winnow("imports", "--status", "done")
    assert wrong.returncode == 64
    assert "choose uploading" in wrong.stderr


async def test_the_template_offers_what_a_tenant_has_and_is_imported_however_it_is_filled_in(
    world: World, winnow: Command, tenant: str, tmp_path: Path
) -> None:
    path = workbook(tmp_path / "a.xlsx", product(1, season="AW27"))
    assert (await winnow("import", path, "--tenant", tenant, "--watch")).returncode == 0
    template = tmp_path / "mine.xlsx"
    assert (await winnow("template", "products", "--tenant", tenant, "-o", template)).returncode == 0
    book = openpyxl.load_workbook(template)
    offered = {str(cell.value) for column in book["Lists"].iter_cols() for cell in column}
    assert {"AW27", "Acme Mills", "Clothing > Jeans", "Size"} <= offered

    # A product typed over the example in what it is known by, and whole ones below it.
    place = {field.code: number for number, field in enumerate(PRODUCTS.fields, start=1)}
    for code, value in {"title": "Mine", "handle": "mine", "barcode": "0012345678905", "sku": "0017"}.items():
        book["Products"].cell(3, place[code]).value = value
    for cells in [*product(2, variants=2), *product(3, variants=2)]:
        book["Products"].append(cells)
    book.save(template)
    done = await winnow("import", template, "--tenant", tenant, "--watch", "--json")
    assert done.returncode == 0, done.stdout
    assert json.loads(done.stdout)["created_rows"] == 5
    barcode = "SELECT barcode FROM catalog.product_variants WHERE tenant_id = :tenant AND sku = '0017'"
    assert await world.scalar(barcode, tenant=tenant) == "0012345678905"


async def test_lists_of_another_tenants_import_are_not_shown(winnow: Command, tenant: str, tmp_path: Path) -> None:
    sent = await winnow.json("import", workbook(tmp_path / "a.xlsx", catalogue(2)), "--tenant", tenant)
    for command in ("preview", "rows", "unmatched"):
        done = await winnow(command, sent["id"], "--tenant", "somebody-else")
        assert done.returncode == 1, command
        assert "There is no import" in done.stderr


async def test_a_dry_run_of_a_file_that_changes_records_shows_each_field_before_and_after_and_a_start_does_that(
    world: World, winnow: Command, tenant: str, tmp_path: Path
) -> None:
    there = workbook(tmp_path / "a.xlsx", catalogue(40, variants=2))
    assert (await winnow("import", there, "--tenant", tenant, "--watch")).returncode == 0
    rows = catalogue(41, variants=2)
    place = {field.code: number for number, field in enumerate(PRODUCTS.fields)}
    rows[0][place["title"]] = "Renamed"
    rows[3][place["weight_g"]] = 250
    rows[4][place["materials"]], rows[4][place["percentages"]] = "Silk", "100"
    rows[6][place["carbon_kg"]] = "heavy"
    before = await world.production(tenant)
    path = workbook(tmp_path / "b.xlsx", rows)
    dry = await winnow("import", path, "--tenant", tenant, "--mode", "upsert", "--dry-run", "--json")
    assert dry.returncode == 2, dry.stderr
    said = json.loads(dry.stdout)
    assert said["preview"]["rows"] == {"create": 2, "update": 3, "skip": 75, "fail": 2}
    assert said["preview"]["groups"] == {"create": 1, "update": 3, "skip": 36, "fail": 1}
    changes = {change["row"]: change for change in said["preview"]["changes"]}
    assert (changes[2]["record"], changes[2]["before"], changes[2]["after"]) == (
        "product",
        {"title": "Shirt 1"},
        {"title": "Renamed"},
    )
    assert changes[5]["record"] == "variant"
    assert set(changes) == {2, 5, 6}
    assert await world.production(tenant) == before, "nothing of it is in production"

    page = await winnow.json("rows", said["id"], "--status", "pending", "--limit", "500")
    outcomes = {row["row"]: row["outcome"] for row in page["rows"]}
    assert [outcomes[row] for row in (2, 3, 4, 5, 6, 7, 82, 83)] == [
        *("update", "skip", "skip", "update", "update", "skip", "create", "create"),
    ]
    assert [row["row"] for row in page["rows"] if row["changes"]] == [2, 5, 6]
    shown = " ".join((await winnow("preview", said["id"])).stdout.split())
    assert "82 rows = 2 to create + 3 to update + 75 unchanged + 2 to hand back" in shown
    assert "row 2 · product: Product Title: Shirt 1 → Renamed" in shown
    assert "Linen" in shown
    assert "Silk" in shown

    assert (await winnow.json("start", said["id"]))["started"]
    ended = json.loads((await winnow("watch", said["id"], "--json")).stdout)
    assert counts(ended) == said["preview"]["rows"]
    after = await winnow.json("rows", said["id"], "--status", "committed", "--limit", "500")
    assert {row["row"]: row["changes"] for row in after["rows"] if row["changes"]} == {
        row["row"]: row["changes"] for row in page["rows"] if row["changes"]
    }


async def test_a_dry_run_in_enrich_says_what_it_does_not_find(
    world: World, winnow: Command, tenant: str, tmp_path: Path
) -> None:
    there = workbook(tmp_path / "a.xlsx", catalogue(2, variants=2))
    assert (await winnow("import", there, "--tenant", tenant, "--watch")).returncode == 0
    text = "SKU;Grams Weight\nSKU-1-0;230\nSKU-1-1;77\nSKU-9-0;1\n"
    (tmp_path / "b.csv").write_text(text)
    dry = await winnow("import", tmp_path / "b.csv", "--tenant", tenant, "--mode", "enrich", "--dry-run", "--json")
    said = json.loads(dry.stdout)
    assert said["preview"]["rows"] == {"create": 0, "update": 1, "skip": 1, "fail": 1}
    assert (await winnow("cancel", said["id"])).returncode == 0
    weights = "SELECT count(*) FROM catalog.variant_weight WHERE tenant_id = :tenant"
    assert await world.scalar(weights, tenant=tenant) == 0
