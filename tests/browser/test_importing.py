"""An import from the file on the desktop to the last repaired row, in a browser."""

import re
from pathlib import Path

from playwright.async_api import Page, expect

from tests.browser.conftest import Site
from tests.harness.dropping import drop, example, repair


async def test_a_file_is_dropped_imported_repaired_and_found_in_the_history(site: Site, tmp_path: Path) -> None:
    async with site.visit(cookies=await site.cookies("importer")) as mara:
        page = mara.page
        await mara.open("/import")
        await drop(mara, example(tmp_path))
        await expect(page.locator("[data-look=products]")).to_be_visible()
        await page.get_by_role("button", name="Start import").click()
        await expect(page.get_by_text("3 products", exact=False).first).to_be_visible()
        first = page.url
        await expect(page.locator("dl.sum")).to_contain_text("111")
        await mara.assert_accessible()

        corrections = await downloaded(page, "Download corrections", tmp_path)
        await page.get_by_role("link", name="Upload repaired file").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Upload the repaired file")
        await page.set_input_files("#file", repair(corrections))
        await page.get_by_role("button", name=re.compile("Start")).click()
        await expect(page.get_by_role("heading", name="All 9 rows are in")).to_be_visible()
        await mara.open(first.removeprefix(site.address))
        await expect(page.get_by_text("9 of 9 rows repaired")).to_be_visible()
        await mara.assert_accessible()

        await page.get_by_role("navigation", name="Main").get_by_role("link", name="History").click()
        states = await page.locator("tbody tr td:nth-of-type(2)").all_inner_texts()
        assert [state.strip() for state in states] == ["Completed", "Repaired"]


async def test_progress_is_live_until_the_result_is_there(site: Site, tmp_path: Path) -> None:
    async with site.visit(cookies=await site.cookies("importer")) as mara:
        page = mara.page
        await mara.open("/import")
        await page.set_input_files("#file", example(tmp_path))
        await expect(page.get_by_role("group", name="example-products.xlsx")).to_contain_text("uploaded")
        await page.get_by_role("button", name="Start import").click()
        # The page of the import is its progress first, and turns into its result by itself.
        await expect(page).to_have_url(re.compile("/imports/[0-9a-f-]{36}$"))
        await expect(page.get_by_role("link", name="Download corrections")).to_be_visible()
        await expect(page).to_have_title(re.compile("9 failed"))


async def test_a_file_is_checked_first_and_nothing_is_written_before_it_is_started(site: Site, tmp_path: Path) -> None:
    async with site.visit(cookies=await site.cookies("importer")) as mara:
        page = mara.page
        await mara.open("/import")
        await page.set_input_files("#file", example(tmp_path))
        await expect(page.locator("[data-look=products]")).to_be_visible()
        await page.get_by_role("button", name="Check first").click()
        await expect(page.get_by_text("Checked, nothing written")).to_be_visible()
        await expect(page.locator("dl.sum")).to_contain_text("Would be created")
        assert await products(site) == 0
        await page.get_by_role("link", name="Failing 9").click()
        await expect(page.locator("td.bad").first).to_contain_text("Tops > Shirts")
        await mara.assert_accessible()
        await page.get_by_role("button", name="Start import").click()
        await expect(page.get_by_role("link", name="Download corrections")).to_be_visible()
        assert await products(site) == 37


async def test_a_file_that_cannot_be_read_is_refused_before_it_is_sent(site: Site, tmp_path: Path) -> None:
    old = tmp_path / "stores.xls"
    old.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
    async with site.visit(cookies=await site.cookies("importer")) as mara:
        await mara.open("/import")
        await mara.page.set_input_files("#file", old)
        await expect(mara.page.get_by_text("stores.xls is an old Excel file (.xls)").first).to_be_visible()
        await expect(mara.page.locator("#file")).to_be_focused()
        await mara.assert_accessible()
        await mara.page.get_by_role("button", name="Start import").click()
        await expect(mara.page.get_by_text("Choose a file first").first).to_be_visible()


async def downloaded(page: Page, name: str, folder: Path) -> Path:
    """What a link with this in its name downloads."""
    async with page.expect_download() as download:
        await page.get_by_role("link", name=re.compile(name)).first.click()
    file = await download.value
    path = folder / file.suggested_filename
    await file.save_as(path)
    return path


async def products(site: Site) -> int:
    """How many products the tenant has."""
    count = await site.world.scalar(
        "SELECT count(*) FROM catalog.products WHERE tenant_id = :tenant", tenant=site.tenant
    )
    return int(count)
