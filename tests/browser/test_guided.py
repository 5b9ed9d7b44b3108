"""A people file step by step, in a browser: columns, values, preview, and what came of it."""

import os
import re
from dataclasses import replace
from pathlib import Path
from uuid import UUID

from playwright.async_api import Page, expect

from services.gateway.pages.example_people import FILE_NAME, example_people
from tests.browser.conftest import Site
from tests.harness.browsing import LIGHT, LOOKS, PLAIN, Visitor

DEALS = "Deal;Close date;Amount;Company\nNew licences;3/4/2027;1.200,50;Analytical Engines\nMore seats;5/6/2027;800,00;Analytical Engines\n"


def people(folder: Path) -> Path:
    """The example file of people: 31 rows, three of which have a mistake."""
    path = folder / FILE_NAME
    path.write_bytes(example_people())
    return path


async def column(page: Page, name: str) -> None:
    """Go to the values of a column."""
    await page.get_by_role("navigation", name="Columns").get_by_role("link", name=re.compile(f"^{name}")).click()
    await expect(page.get_by_role("heading", name=name, level=2)).to_be_visible()


async def map_columns(page: Page) -> None:
    """Say what the columns of the example file are; what is chosen twice is said at once."""
    await expect(page.get_by_role("heading", name="Map columns")).to_be_visible()
    await expect(page.get_by_text("6 of 7 columns found their field.")).to_be_visible()
    await page.get_by_label("Field for Internal note").select_option("Job Title")
    await expect(page.get_by_text("Job Title is chosen twice: Position and Internal note").first).to_be_visible()
    await page.get_by_label("Field for Position").select_option("Do not import")
    await expect(page.get_by_text("chosen twice")).to_have_count(0)
    await page.get_by_label("Field for Internal note").select_option("Do not import")
    await page.get_by_label("Field for Position").select_option("Job Title")
    await expect(page.locator("#dock")).to_contain_text("6 of 7 columns are imported")


async def put_right(mara: Visitor) -> None:
    """Put right what is wrong in the example file: one value is another, two are skipped, one of them twice."""
    page = mara.page
    await column(page, "E-mail")
    wrong = page.get_by_label("Use instead of info@@engines.example")
    await expect(wrong).to_be_visible()
    await wrong.fill("lise@engines.example")
    await wrong.blur()
    await expect(page.locator(".prob", has_text="Fits now")).to_be_visible()
    await page.get_by_role("button", name="Skip value dorothy@navyresearch").click()
    await expect(page.locator(".prob", has_text="Skipped, counts as blank")).to_be_visible()
    await page.get_by_role("button", name="Undo what was done to dorothy@navyresearch").click()
    await expect(page.get_by_role("button", name="Skip value dorothy@navyresearch")).to_be_focused()
    await mara.press("Enter")
    await expect(page.locator(".prob", has_text="Skipped, counts as blank")).to_be_visible()
    await expect(page.get_by_role("navigation", name="Which values")).to_contain_text("Modified 1")
    await mara.assert_accessible()
    await column(page, "Mobile")
    await page.get_by_role("button", name="Skip value call the front desk").click()
    await expect(page.locator("#dock")).to_contain_text("Every value fits.")


async def test_people_are_mapped_replaced_previewed_and_imported(site: Site, tmp_path: Path) -> None:
    async with site.visit(cookies=await site.cookies("importer")) as mara:
        page = mara.page
        await mara.open("/import")
        await page.set_input_files("#file", people(tmp_path))
        # What the file looks like chooses the tile, and with it what is asked.
        await expect(page.locator("[data-look=people]")).to_be_visible()
        await expect(
            page.get_by_text("Changes people that are found by e-mail or phone, adds the others.")
        ).to_be_visible()
        await page.get_by_role("button", name="Go on to columns").click()

        await map_columns(page)
        address = re.search(r"/imports/[0-9a-f-]{36}", page.url)
        assert address is not None
        await page.get_by_role("button", name="Go on to values").click()

        await put_right(mara)

        # The browser is closed, and opened again: the step it was at is there, and another tenant has no such import.
        await mara.open(address[0])
        await expect(page.get_by_role("heading", name="Review values")).to_be_visible()
        await (
            page.get_by_role("link", name="Go on to preview")
            .or_(page.get_by_role("button", name="Go on to preview"))
            .click()
        )

        await expect(page.get_by_role("heading", name="Preview", level=1)).to_be_visible()
        await expect(page.locator("dl.sum")).to_contain_text("To be created")
        await expect(page.locator("#dock")).to_contain_text("Creates 30 people and 6 companies")
        assert await records(site) == 0
        await page.get_by_role("link", name=re.compile("Companies to link")).click()
        await expect(page.get_by_role("row", name=re.compile("Analytical Engines.*Will be created"))).to_be_visible()
        await page.get_by_role("link", name=re.compile("^Created 30")).click()
        await expect(page.get_by_role("row", name=re.compile("Ada Byron"))).to_be_visible()
        await mara.assert_accessible()
        await page.get_by_role("button", name="Start import").click()

        await expect(page.get_by_role("heading", name="All 31 rows are in")).to_be_visible()
        assert await records(site) == 36
        await page.get_by_role("link", name=re.compile("What was made")).click()
        await expect(page.locator(".made")).to_contain_text("6 companies")
        await page.get_by_role("button", name="More actions").click()
        await page.get_by_role("link", name="Undo this import").click()
        asked = page.get_by_role("dialog", name=re.compile("Undo"))
        await expect(asked).to_contain_text("30 people that this import created are removed.")
        await asked.get_by_role("link", name="Keep everything").click()
        await page.get_by_role("navigation", name="Main").get_by_role("link", name="History").click()
        await expect(page.locator("tbody tr").first).to_contain_text("People")


async def test_without_scripts_a_format_and_duplicates_are_asked_about_and_what_changes_is_shown(
    site: Site, tmp_path: Path
) -> None:
    deals = tmp_path / "deals.csv"
    deals.write_text(DEALS, encoding="utf8")
    async with site.visit(PLAIN, await site.cookies("importer")) as mara:
        page = mara.page
        mara.allow("status of 422")
        await mara.open("/import?type=opportunities")
        await page.set_input_files("#file", deals)
        await page.get_by_role("button", name="Go on to columns").click()
        await expect(page.get_by_role("heading", name="Map columns")).to_be_visible()
        await expect(page.get_by_label("Field for Deal")).to_be_visible()
        await page.get_by_role("button", name="Go on to values").click()
        await expect(page).to_have_title(re.compile("^Error: "))
        await page.get_by_label("Date format of Close date").select_option("european")
        await page.get_by_role("button", name="Go on to values").click()
        # Nothing finds the opportunities that are there.
        await expect(page.get_by_role("heading", name="Avoid creating duplicates?")).to_be_visible()
        await page.get_by_role("button", name="Go on without").click()

        await expect(page.get_by_role("heading", name="Review values")).to_be_visible()
        await column(page, "Company")
        await page.get_by_role("navigation", name="Which values").get_by_role("link", name=re.compile("^All")).click()
        await page.get_by_label("Use instead of Analytical Engines").fill("Difference Engines")
        await mara.press("Enter")
        await expect(page.get_by_label("Use instead of Analytical Engines")).to_have_value("Difference Engines")
        await page.get_by_role("button", name="Go on to preview").click()
        await expect(page.locator("#dock")).to_contain_text("Creates 2 opportunities and 1 company")
        await page.get_by_role("button", name="Start import").click()
        await expect(page.get_by_role("heading", name="All 2 rows are in")).to_be_visible()
    amounts = await site.world.scalar(
        "SELECT string_agg(fields ->> 'close_date', ' ' ORDER BY name) FROM crm.records"
        " WHERE tenant_id = :tenant AND entity_type = 'opportunities'",
        tenant=site.tenant,
    )
    assert amounts == "2027-06-05 2027-04-03"


async def guided(site: Site, path: Path) -> UUID:
    """A people file that waits for somebody."""
    return site.world.send(
        site.tenant, path, entity_type="people", mode="upsert", user_id="mara", options={"guided": True}
    )


async def test_every_step_is_accessible_fits_and_is_silent(site: Site, tmp_path: Path) -> None:
    # A picture shows the tenant's name.
    site = replace(site, tenant="nordlys" if "WINNOW_SCREENSHOTS" in os.environ else site.tenant)
    await site.world.register(site.tenant)
    before = tmp_path / "before.csv"
    before.write_text("Name,Email,Job title\nAda Byron,ada.byron@engines.example,Countess\n", encoding="utf8")
    await site.world.ended(site.world.send(site.tenant, before, entity_type="people", mode="upsert", user_id="mara"))
    import_id = await guided(site, people(tmp_path))
    async with site.visit(cookies=await site.cookies("importer")) as mara:
        page = mara.page
        await mara.open(f"/imports/{import_id}")
        await page.get_by_label("Field for E-mail").select_option("Do not import")
        await page.get_by_label("Field for Mobile").select_option("Do not import")
        await page.get_by_role("button", name="Go on to values").click()
        await expect(page.get_by_role("dialog", name="Avoid creating duplicates?")).to_be_visible()
        await mara.assert_accessible()
        await page.get_by_role("button", name="Choose a column").click()
        await page.get_by_label("Field for E-mail").select_option("Emails")
        await page.get_by_label("Field for Mobile").select_option("Phone Number")
        await page.get_by_role("button", name="Go on to values").click()
        await expect(page.get_by_role("heading", name="Review values")).to_be_visible()
        await page.get_by_role("button", name="Go on to preview").click()
        await expect(page.get_by_role("button", name="Start import")).to_be_visible()
        await expect(page.get_by_role("row", name=re.compile("Job Title.*Countess.*Director"))).to_be_visible()
        await expect(page.get_by_text("found by ada.byron@engines.example")).to_be_visible()
        await expect(page.get_by_text("made by this file")).to_be_visible()
    steps = {"import-people": "/import?type=people", "map": f"/imports/{import_id}/map", "preview": f"/imports/{import_id}/preview", "review": f"/imports/{import_id}/review/1"}  # fmt: skip
    for look in LOOKS:
        async with site.visit(look, await site.cookies("importer")) as mara:
            for name, address in steps.items():
                await mara.open(address)
                await mara.assert_accessible()
                if look is LIGHT:
                    await mara.assert_fits()
                await mara.picture(name)
    await stays_out(site, import_id)
    async with site.visit(cookies=await site.cookies("importer")) as mara:
        await mara.open(f"/imports/{import_id}/map")
        await mara.page.get_by_role("link", name="Start over").click()
        await mara.page.get_by_role("dialog").get_by_role("button", name="Start over").click()
        await expect(mara.page.get_by_text("6 of 7 columns found their field.")).to_be_visible()
        await expect(mara.page.get_by_role("link", name="Review values")).to_have_count(0)


async def stays_out(site: Site, import_id: UUID) -> None:
    """Who may only look changes nothing, and to another tenant there is no such import."""
    async with site.visit(cookies=await site.cookies("viewer", name="Jonas Berg")) as jonas:
        for step in ("map", "review", "preview"):
            await jonas.open(f"/imports/{import_id}/{step}")
            await jonas.assert_accessible()
            assert await jonas.page.locator("main form[method=post] button, main a[data-dialog]").count() == 0, step
    other = f"{site.tenant}-other"
    await site.world.register(other)
    async with site.visit(cookies=await site.cookies("importer", tenant=other)) as stranger:
        await stranger.open(f"/imports/{import_id}/map", status=404)


async def records(site: Site) -> int:
    """How many CRM records the tenant has."""
    count = await site.world.scalar("SELECT count(*) FROM crm.records WHERE tenant_id = :tenant", tenant=site.tenant)
    return int(count)
