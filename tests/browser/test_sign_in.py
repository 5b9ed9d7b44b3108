"""Signing in and out, in a browser: over the local issuer and back."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Site
from tests.harness.browsing import LOOKS, PLAIN, Look

PEOPLE = ("Mara Lindqvist", "Jonas Berg", "Aiko Tanaka", "Priya Nair")


async def test_somebody_signs_in_with_a_click_and_comes_to_the_page_they_wanted(site: Site) -> None:
    async with site.visit() as mara:
        await mara.open("/history?q=spring")
        page = mara.page
        await expect(page.get_by_role("heading", level=1, name="Sign in to the demo")).to_be_visible()
        for name in PEOPLE:
            await expect(page.get_by_role("link", name=name)).to_be_visible()
        await page.get_by_role("link", name="Mara Lindqvist").click()
        await expect(page.get_by_role("heading", level=1, name="History")).to_be_visible()
        assert page.url == f"{site.address}/history?q=spring"
        cookies = {cookie["name"]: cookie for cookie in await mara.context.cookies() if "winnow" in cookie["name"]}
        (session,) = cookies.values()
        assert (session["httpOnly"], session["sameSite"]) == (True, "Lax")
        assert "winnow" not in await page.evaluate("document.cookie")


async def test_who_signs_out_is_out_also_by_the_back_button(site: Site) -> None:
    async with site.visit(cookies=await site.cookies("viewer")) as mara:
        await mara.open("/history")
        page = mara.page
        await page.get_by_role("button", name="account").click()
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_text("You are signed out.")).to_be_visible()
        await page.go_back()
        await expect(page.get_by_role("heading", level=1, name="Sign in to the demo")).to_be_visible()


async def test_without_scripts_and_with_the_keyboard_alone_it_is_the_same(site: Site) -> None:
    async with site.visit(PLAIN) as aiko:
        await aiko.open("/history")
        page = aiko.page
        focused = page.locator(":focus")
        for _ in range(10):
            await aiko.press("Tab")
            if "Aiko" in await focused.inner_text():
                break
        await aiko.press("Enter")
        await expect(page.get_by_role("heading", level=1, name="History")).to_be_visible()


async def test_a_sign_in_that_was_begun_elsewhere_says_what_to_do(site: Site) -> None:
    async with site.visit() as mara:
        await mara.open("/sign-in/return?code=x&state=y", status=403)
        await expect(mara.page.get_by_role("alert").first).to_contain_text("You were not signed in.")
        assert (await mara.page.title()).startswith("Error: ")
        await mara.assert_accessible()


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
async def test_the_page_is_for_everybody(site: Site, look: Look) -> None:
    async with site.visit(look) as mara:
        await mara.open("/sign-in")
        await mara.assert_accessible()
        await mara.assert_fits()
