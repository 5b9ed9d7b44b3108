"""What is asked before something is done: as a dialog with scripts, as a page without."""

from pathlib import Path
from uuid import UUID

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Site
from tests.harness.browsing import LIGHT, PLAIN, Look
from tests.harness.files import catalogue, product, row, workbook


@pytest.fixture
async def shirts(site: Site, tmp_path: Path) -> UUID:
    """An import of three products, one of which came back."""
    rows = [*product(1), *product(2, category="Tops > Shirts"), *product(3)]
    sent = site.world.send(site.tenant, workbook(tmp_path / "shirts.xlsx", rows))
    await site.world.ended(sent)
    return sent


async def test_a_question_is_a_dialog_whose_harmless_answer_has_the_focus(site: Site, shirts: UUID) -> None:
    async with site.visit(cookies=await site.cookies("importer")) as mara:
        page = mara.page
        await mara.open(f"/imports/{shirts}")
        await page.get_by_role("button", name="More actions").click()
        await page.get_by_role("link", name="Dismiss…").click()
        dialog = page.get_by_role("dialog", name="Dismiss shirts.xlsx?")
        await expect(dialog).to_be_visible()
        await expect(dialog.get_by_role("link", name="Keep")).to_be_focused()
        await mara.assert_accessible()
        await mara.press("Escape")
        await expect(dialog).to_have_count(0)
        await expect(page.get_by_role("button", name="More actions")).to_be_focused()
        await expect(page.locator("main")).to_contain_text("Completed with failures")

        await page.get_by_role("button", name="More actions").click()
        await page.get_by_role("link", name="Dismiss…").click()
        await dialog.get_by_role("button", name="Dismiss").click()
        await expect(page.locator("main .st").first).to_have_text("Dismissed")


@pytest.mark.parametrize("look", [LIGHT, PLAIN], ids=lambda look: look.name)
async def test_an_undo_says_what_goes_what_stays_and_why(site: Site, shirts: UUID, look: Look, tmp_path: Path) -> None:
    changed = workbook(tmp_path / "weights.xlsx", [row(sku="SKU-1-0", weight_g=999)])
    await site.world.ended(site.world.send(site.tenant, changed, mode="enrich"))
    async with site.visit(look, await site.cookies("importer")) as mara:
        page = mara.page
        await mara.open(f"/imports/{shirts}/undo")
        question = page.locator("form.confirm")
        await expect(question).to_contain_text("1 product with 1 variant that this import created are removed")
        await expect(question).to_contain_text("1 product stays, because it was changed since")
        await question.locator("summary").click()
        await expect(question).to_contain_text("shirt-1, changed by weights.xlsx")
        await question.get_by_role("button", name="Undo 1 product").click()
        await expect(page).not_to_have_url(f"{site.address}/imports/{shirts}/undo")
        undoing = UUID(page.url.rpartition("/")[2])
        ended = await site.world.ended(undoing)
        assert (ended.updated_rows + ended.created_rows, ended.failed_rows) == (1, 1)


async def test_a_held_import_is_discarded_and_nothing_of_it_was_written(site: Site, tmp_path: Path) -> None:
    held = site.world.send(site.tenant, workbook(tmp_path / "held.xlsx", catalogue(2)), options={"hold": True})
    async with site.visit(cookies=await site.cookies("importer")) as mara:
        page = mara.page
        await mara.open("/history")
        await expect(page.locator(f"#i-{held}")).to_contain_text("Waiting for you")
        await mara.open(f"/imports/{held}/check")
        await page.get_by_role("link", name="Discard").click()
        dialog = page.get_by_role("dialog", name="Discard held.xlsx?")
        await expect(dialog).to_contain_text("Nothing of held.xlsx was written")
        await dialog.get_by_role("button", name="Discard").click()
        await expect(page.locator("main .st").first).to_have_text("Cancelled")
    assert (await site.world.ended(held)).status == "cancelled"


async def test_what_cannot_be_done_any_more_is_said_in_words(site: Site, shirts: UUID) -> None:
    async with site.visit(cookies=await site.cookies("importer")) as mara:
        await mara.open(f"/imports/{shirts}/cancel", status=409)
        await expect(mara.page.get_by_text("It has ended: there is nothing to cancel.")).to_be_visible()
        await mara.assert_accessible()


async def test_who_may_only_look_is_asked_nothing(site: Site, shirts: UUID) -> None:
    async with site.visit(cookies=await site.cookies("viewer")) as jonas:
        await jonas.open(f"/imports/{shirts}")
        await expect(jonas.page.get_by_role("link", name="Dismiss…")).to_have_count(0)
        await jonas.open(f"/imports/{shirts}/undo", status=403)
        await expect(jonas.page.get_by_role("heading", name="You can look, not change")).to_be_visible()
