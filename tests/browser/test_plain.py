"""The pages without JavaScript, and with a keyboard alone."""

import re
from pathlib import Path

from playwright.async_api import expect

from tests.browser.conftest import Site
from tests.harness.browsing import PLAIN
from tests.harness.dropping import example


async def test_without_scripts_a_file_is_imported_and_its_corrections_are_downloaded(
    site: Site, tmp_path: Path
) -> None:
    async with site.visit(PLAIN, await site.cookies("importer")) as mara:
        page = mara.page
        await mara.open("/import")
        await page.set_input_files("#file", example(tmp_path))
        await page.get_by_role("button", name="Start import").click()
        await expect(page).to_have_url(re.compile("/imports/[0-9a-f-]{36}$"))
        # The progress page asks again by itself; the result is the same address.
        link = page.get_by_role("link", name=re.compile("Download corrections"))
        await expect(link).to_be_visible()
        async with page.expect_download() as download:
            await link.click()
        assert (await download.value).suggested_filename.endswith(".xlsx")

        await page.get_by_role("link", name="History").first.click()
        await page.get_by_label("File name").fill("example")
        await page.get_by_role("button", name="Find").click()
        await expect(page.locator("tbody tr")).to_have_count(1)
        await page.get_by_role("link", name=re.compile("Details of")).click()
        await expect(page.locator("#details")).to_contain_text("120 = 111 created + 9 failed")
        await page.get_by_role("link", name="Close details").click()
        await expect(page.locator("#details")).to_have_count(0)


async def test_without_a_file_the_form_says_so(site: Site) -> None:
    async with site.visit(PLAIN, await site.cookies("importer")) as mara:
        await mara.open("/import")
        mara.allow("status of 422")
        await mara.page.get_by_role("button", name="Start import").click()
        await expect(mara.page.get_by_text("Choose a file first").first).to_be_visible()
        await expect(mara.page).to_have_title(re.compile("^Error: "))


async def test_with_a_keyboard_alone_a_file_becomes_an_import_and_its_corrections(site: Site, tmp_path: Path) -> None:
    path = example(tmp_path)
    async with site.visit(cookies=await site.cookies("importer")) as mara:
        page = mara.page
        await mara.open("/history")
        await mara.press("g", "i")
        await expect(page.get_by_role("heading", name="Import a file")).to_be_visible()
        async with page.expect_file_chooser() as chooser:
            await mara.press("u")
        await (await chooser.value).set_files(path)
        await expect(page.locator("[data-look=products]")).to_be_visible()
        for _ in range(20):
            await mara.press("Tab")
            if await page.evaluate("document.activeElement.matches('[data-start]')"):
                break
        await mara.press("Enter")
        await expect(page.get_by_role("link", name=re.compile("Download corrections"))).to_be_visible()
        async with page.expect_download() as download:
            await mara.press("d")
        assert (await download.value).suggested_filename.endswith(".xlsx")
        await mara.press("?")
        await expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
        await mara.assert_accessible()
        await mara.press("Escape")
        await mara.press("g", "h")
        await expect(page.get_by_role("heading", name="History")).to_be_visible()


async def test_the_first_tab_leads_past_the_navigation(site: Site) -> None:
    async with site.visit(cookies=await site.cookies("viewer")) as mara:
        await mara.open("/history")
        await mara.press("Tab")
        await expect(mara.page.get_by_role("link", name="Skip to content")).to_be_focused()
        await mara.press("Enter")
        await expect(mara.page.locator("#main")).to_be_focused()


async def test_shortcuts_can_be_switched_off(site: Site) -> None:
    async with site.visit(cookies=await site.cookies("viewer")) as mara:
        page = mara.page
        await mara.open("/history")
        await mara.press("?")
        await page.get_by_label("Use single-key shortcuts").uncheck()
        await mara.press("Escape")
        await mara.press("?")
        await expect(page.get_by_role("dialog")).to_have_count(0)
