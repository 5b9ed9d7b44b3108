"""Every page and state, in light, dark and on a phone: axe finds nothing, nothing scrolls sideways, the console is silent.

With WINNOW_SCREENSHOTS=docs/screenshots the pictures of the documentation are taken on the way.
"""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.conftest import Site
from tests.harness.browsing import LIGHT, LOOKS, Look, Visitor
from tests.harness.dropping import example
from tests.harness.files import catalogue, product, row, workbook
from tests.harness.past import past_imports

# One of them for each page: a state is a page with a certain import.
PICTURES = {"import", "result", "history", "check", "operations"}

PAGES = {
    "import": "/import",
    "import-repairs": "/import?repairs={failed}",
    "history": "/history?open={failed}",
    "history-nothing": "/history?q=nothing-of-this-name",
    "history-dates": "/history?from=2026-01-01&to=2026-01-31",
    "result": "/imports/{failed}",
    "result-columns": "/imports/{failed}?columns=all",
    "result-made": "/imports/{failed}?show=made",
    "result-file": "/imports/{failed}?show=file",
    "result-activity": "/imports/{failed}?show=activity",
    "result-good": "/imports/{good}",
    "result-refused": "/imports/{refused}",
    "result-undo": "/imports/{undo}",
    "result-cancelled": "/imports/{cancelled}",
    "result-dismissed": "/imports/{dismissed}",
    "check": "/imports/{held}/check",
    "check-fitting": "/imports/{held}/check?show=fitting",
    "check-failing": "/imports/{held}/check?show=failing",
    "ask-cancel": "/imports/{held}/cancel",
    "ask-dismiss": "/imports/{failed}/dismiss",
    "ask-undo": "/imports/{failed}/undo",
}
_NAMES = ("spring-2027.xlsx", "knitwear.xlsx", "price-list-november.csv", "socks-and-tights.xls", "outerwear-2026.xlsx")
REFUSALS = {
    "not-found": (f"/imports/{uuid4()}", 404),
    "too-late": ("/imports/{good}/cancel", 409),
    "nowhere": ("/nowhere", 404),
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def seeded() -> dict[str, Mapping[str, str]]:
    """The imports of this module's tenant, once they are there."""
    return {}


@pytest_asyncio.fixture(loop_scope="session")
async def states(site: Site, seeded: dict[str, Mapping[str, str]], tmp_path: Path) -> tuple[Site, Mapping[str, str]]:
    """A tenant that has an import in every state."""
    # A picture shows the tenant's name.
    mine = replace(site, tenant="nordlys" if "WINNOW_SCREENSHOTS" in os.environ else site.tenant)
    if not seeded:
        await mine.world.register(mine.tenant)
        seeded[mine.tenant] = await every_state(mine, tmp_path)
    tenant, ids = next(iter(seeded.items()))
    return replace(mine, tenant=tenant), ids


async def every_state(site: Site, folder: Path) -> Mapping[str, str]:
    """One import of each kind that has ended, a held one, and one that takes another back; ids by what they are."""
    world, tenant = site.world, site.tenant
    failed = world.send(tenant, example(folder), user_id="mara")
    await world.ended(failed)
    good = world.send(tenant, workbook(folder / "basics.xlsx", catalogue(40)), user_id="mara")
    await world.ended(good)
    old = folder / "stores.xls"
    old.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    refused = world.send(tenant, old, user_id="theo")
    changes = [row(sku=f"SKU-{number}-1", weight_g=200 + number, materials="Hemp") for number in range(1, 30)]
    changes += [row(sku="SKU-unknown", weight_g=1)]
    held = world.send(
        tenant, workbook(folder / "weights.xlsx", changes), mode="enrich", user_id="mara", options={"hold": True}
    )
    dismissed = world.send(
        tenant, workbook(folder / "outerwear.xlsx", product(900, category="Nowhere")), user_id="theo"
    )
    cancelled = world.send(
        tenant, workbook(folder / "companies.xlsx", catalogue(20, start=700)), options={"hold": True}
    )
    await world.ended(refused)
    await world.ended(dismissed)
    async with site.visit(cookies=await site.cookies("importer")) as mara:
        await mara.open(f"/imports/{dismissed}/dismiss")
        await mara.page.get_by_role("button", name="Dismiss").click()
        await checked(mara, cancelled)
        await mara.open(f"/imports/{cancelled}/cancel")
        await mara.page.get_by_role("button", name="Discard").click()
        taken_back = world.send(tenant, workbook(folder / "trial.xlsx", catalogue(3, start=800)), user_id="mara")
        await world.ended(taken_back)
        await mara.open(f"/imports/{taken_back}/undo")
        await mara.page.get_by_role("button", name="Undo 3 products").click()
        await mara.page.wait_for_url("**/imports/*")
        undo = UUID(mara.page.url.rpartition("/")[2])
        await world.ended(undo)
        await world.ended(cancelled)
        await checked(mara, held)
    await past_imports(world, tenant, 12, names=_NAMES)
    found = {
        "failed": failed,
        "good": good,
        "refused": refused,
        "held": held,
        "undo": undo,
        "dismissed": dismissed,
        "cancelled": cancelled,
    }
    return {name: str(import_id) for name, import_id in found.items()}


async def checked(visitor: Visitor, import_id: UUID) -> None:
    """Wait for a held import to be checked."""
    await visitor.open(f"/imports/{import_id}/check")
    await expect(visitor.page.get_by_text("Checked, nothing written")).to_be_visible()


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
async def test_every_page_is_accessible_fits_and_is_silent(states: tuple[Site, Mapping[str, str]], look: Look) -> None:
    site, ids = states
    async with site.visit(look, await site.cookies("importer")) as mara:
        for name, address in PAGES.items():
            await mara.open(address.format(**ids))
            await mara.assert_accessible()
            if look is LIGHT:
                await mara.assert_fits()
            if name in PICTURES:
                await mara.picture(name)
        for name, (address, status) in REFUSALS.items():
            await mara.open(address.format(**ids), status=status)
            await mara.assert_accessible()
            assert mara.look is look, name


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
async def test_pages_of_operators_and_of_nobody_are_as_well(states: tuple[Site, Mapping[str, str]], look: Look) -> None:
    site, _ = states
    async with site.visit(look, await site.cookies("operator", name="Priya Nair")) as priya:
        await priya.open("/operations")
        await priya.assert_accessible()
        if look is LIGHT:
            await priya.assert_fits()
        await priya.picture("operations")
    async with site.visit(look) as nobody:
        await nobody.open("/sign-in")
        await nobody.assert_accessible()
        if look is LIGHT:
            await nobody.assert_fits()
        await nobody.picture("sign-in")


async def test_a_page_of_somebody_who_may_only_look_offers_nothing_else(states: tuple[Site, Mapping[str, str]]) -> None:
    site, ids = states
    async with site.visit(cookies=await site.cookies("viewer", name="Jonas Berg")) as jonas:
        for address in ("/history", f"/imports/{ids['failed']}", f"/imports/{ids['held']}/check"):
            await jonas.open(address)
            await jonas.assert_accessible()
            assert await jonas.page.locator("main form[method=post], main a[data-dialog]").count() == 0, address
