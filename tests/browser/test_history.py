"""The history in a browser: finding imports, looking at one, and what changes meanwhile."""

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Route, expect
from sqlalchemy import text

from tests.browser.conftest import Site
from tests.harness.browsing import PHONE
from tests.harness.files import catalogue, product, workbook
from tests.harness.past import past_imports


@pytest.fixture
async def past(site: Site) -> Site:
    """Thirty imports of the last thirty days: ended in every way, the newest first `file-00.xlsx`."""
    await past_imports(site.world, site.tenant, 30)
    return site


async def test_imports_are_listed_newest_first_and_go_on_on_older_pages(past: Site) -> None:
    async with past.visit(cookies=await past.cookies("viewer")) as mara:
        await mara.open("/history")
        page = mara.page
        files = page.locator("tbody th a.file")
        assert await files.all_inner_texts() == [f"file-{number:02}.xlsx" for number in range(25)]
        await expect(page.get_by_text("1–25 of 30 imports")).to_be_visible()
        await page.get_by_role("link", name="Older").click()
        await expect(files.first).to_have_text("file-25.xlsx")
        assert await files.count() == 5
        await mara.press("[")
        await expect(files.first).to_have_text("file-00.xlsx")


async def test_imports_are_found_by_name_state_and_date_and_the_filters_are_in_the_address(past: Site) -> None:
    async with past.visit(cookies=await past.cookies("viewer")) as mara:
        await mara.open("/history")
        page = mara.page
        await mara.press("/")
        await page.keyboard.type("FILE-0")
        await mara.press("Enter")
        await expect(page.locator("tbody tr")).to_have_count(10)
        assert page.url.endswith("/history?q=FILE-0")
        await page.get_by_label("Status", exact=True).select_option("Failed")
        await expect(page.locator("tbody tr")).to_have_count(2)
        assert "status=failed" in page.url
        assert "Failed" in await page.locator("tbody tr").first.inner_text()
        await page.get_by_label("Started").select_option("Today")
        await expect(page.get_by_role("heading", name="No import fits")).to_be_visible()
        await page.get_by_role("link", name="Search all dates").click()
        await expect(page.locator("tbody tr")).to_have_count(2)
        await page.get_by_role("link", name="Clear").click()
        await expect(page.locator("tbody tr")).to_have_count(25)


async def test_imports_are_sorted_by_a_heading_and_the_other_way_round_by_it_again(past: Site) -> None:
    async with past.visit(cookies=await past.cookies("viewer")) as mara:
        await mara.open("/history")
        page = mara.page
        await page.get_by_role("link", name="Failed", exact=True).click()
        heading = page.get_by_role("columnheader", name="Failed")
        await expect(heading).to_have_attribute("aria-sort", "descending")
        failed = [
            int(text) for text in await page.locator("tbody tr td:nth-of-type(8)").all_inner_texts() if text != "–"
        ]
        assert failed == sorted(failed, reverse=True)
        assert failed[0] > 0
        await heading.get_by_role("link").click()
        await expect(heading).to_have_attribute("aria-sort", "ascending")
        await expect(page.locator("[aria-sort]")).to_have_count(1)


async def test_one_import_is_looked_at_beside_the_list_and_escape_goes_back_to_its_row(past: Site) -> None:
    async with past.visit(cookies=await past.cookies("viewer")) as mara:
        await mara.open("/history")
        page = mara.page
        await page.get_by_role("link", name="Details of file-03.xlsx").click()
        panel = page.get_by_role("complementary", name="file-03.xlsx")
        await expect(panel).to_contain_text("Completed with failures")
        await expect(panel).to_contain_text("100 = 97 created + 3 failed")
        assert "open=" in page.url
        await mara.assert_accessible()
        address = page.url
        await mara.press("Escape")
        await expect(panel).to_have_count(0)
        await expect(page.get_by_role("link", name="Details of file-03.xlsx")).to_be_focused()
        assert "open=" not in page.url
        await page.goto(address)
        await expect(panel).to_be_visible()


async def test_rows_are_gone_through_with_keys_and_enter_opens_one(past: Site) -> None:
    async with past.visit(cookies=await past.cookies("viewer")) as mara:
        await mara.open("/history")
        await mara.press("j", "j", "j", "k")
        await expect(mara.page.get_by_role("link", name="file-01.xlsx", exact=True)).to_be_focused()
        await mara.press("Enter")
        await expect(mara.page.get_by_role("heading", level=1)).to_have_text("file-01.xlsx")


async def test_a_row_in_view_follows_its_import_and_a_new_one_waits_to_be_shown(site: Site, tmp_path: Path) -> None:
    (running,) = await past_imports(site.world, site.tenant, 1)
    async with site.world.database() as conn:
        await conn.execute(
            text(
                "UPDATE imports.imports SET status = 'importing', completed_at = NULL, total_rows = 0, failed_rows = 0, "
                "created_rows = 0 WHERE id = :id"
            ),
            {"id": running},
        )
    async with site.visit(cookies=await site.cookies("viewer")) as mara:
        await mara.open("/history")
        page = mara.page
        row = page.locator(f"#i-{running}")
        await expect(row).to_contain_text("Importing")
        async with site.world.database() as conn:
            await conn.execute(
                text(
                    "UPDATE imports.imports SET status = 'completed', completed_at = now(), total_rows = 7, created_rows = 7 "
                    "WHERE id = :id"
                ),
                {"id": running},
            )
        await expect(row).to_contain_text("Completed")
        await expect(row.locator("td.num").first).to_have_text("7")
        sent = site.world.send(site.tenant, workbook(tmp_path / "arrives.xlsx", catalogue(2)))
        pill = page.get_by_role("link", name="1 new import")
        await expect(pill).to_be_visible()
        await expect(page.locator("tbody tr")).to_have_count(1)
        await site.world.ended(sent)
        await pill.click()
        await expect(page.locator("tbody tr")).to_have_count(2)
        await expect(page.locator("tbody tr").first).to_contain_text("arrives.xlsx")


async def test_updates_come_also_when_the_script_for_streams_is_the_last_to_arrive(past: Site) -> None:
    async with past.visit(cookies=await past.cookies("viewer")) as mara:

        async def late(route: Route) -> None:
            await asyncio.sleep(0.5)  # a slow network
            await route.continue_()

        await mara.page.route("**/static/htmx-sse*", late)
        async with mara.page.expect_response("**/history/live*") as streamed:
            await mara.open("/history")
        assert (await streamed.value).status == 200


async def test_what_has_just_been_imported_is_in_the_history_with_its_numbers(site: Site, tmp_path: Path) -> None:
    rows = [*product(1), *product(2, category="Tops > Shirts"), *product(3)]
    await site.world.ended(site.world.send(site.tenant, workbook(tmp_path / "shirts.xlsx", rows)))
    async with site.visit(cookies=await site.cookies("viewer")) as mara:
        await mara.open("/history")
        assert (await mara.page.locator("tbody tr td.num").all_inner_texts()) == ["3", "2", "0", "0", "1"]
        await mara.page.get_by_role("link", name="Details of shirts.xlsx").click()
        panel = mara.page.get_by_role("complementary", name="shirts.xlsx")
        await expect(panel).to_contain_text("2 products, 2 variants")
        async with mara.page.expect_download() as download:
            await panel.get_by_role("link", name="Corrections").click()
        assert (await download.value).suggested_filename.endswith(".xlsx")


async def test_nothing_imported_yet_says_what_will_be_there(site: Site) -> None:
    async with site.visit(cookies=await site.cookies("importer")) as mara:
        await mara.open("/history")
        await expect(mara.page.get_by_role("heading", name="Nothing imported yet")).to_be_visible()
        await mara.page.get_by_role("link", name="Import a file").last.click()
        await expect(mara.page).to_have_url(f"{site.address}/import")


async def test_on_a_phone_imports_are_cards(past: Site) -> None:
    async with past.visit(PHONE, await past.cookies("viewer")) as mara:
        await mara.open("/history")
        card = mara.page.locator("tbody tr").nth(3)
        await expect(card).to_contain_text("3 failed")
        await mara.assert_fits()
        await card.get_by_role("link", name="file-03.xlsx").click()
        await expect(mara.page.get_by_role("heading", level=1)).to_have_text("file-03.xlsx")
