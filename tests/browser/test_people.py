"""Who sees what: signing in with the local issuer, two people of two tenants, links that end."""

import time
from pathlib import Path
from uuid import UUID

import pytest
from itsdangerous import TimestampSigner, URLSafeTimedSerializer
from playwright.async_api import expect

from services.gateway.imports import links
from services.gateway.resources import Gateway
from tests.browser.conftest import Site
from tests.harness.dropping import example
from tests.harness.files import product, workbook


@pytest.fixture
async def demo(site: Site) -> Site:
    """The tenants of the people of the demo."""
    for tenant in ("nordlys", "brightwater"):
        await site.world.register(tenant)
    return site


async def test_each_of_two_people_of_two_tenants_signs_in_and_sees_their_own_imports(
    demo: Site, tmp_path: Path
) -> None:
    rows = [*product(1), *product(2, category="Tops > Shirts")]
    sent = demo.world.send("nordlys", workbook(tmp_path / f"{demo.tenant}.xlsx", rows))
    await demo.world.ended(sent)
    async with demo.visit() as mara, demo.visit() as aiko:
        await mara.open(f"/imports/{sent}")
        await expect(mara.page).to_have_url(f"{demo.address}/sign-in?next=%2Fimports%2F{sent}")
        await mara.assert_accessible()
        await mara.page.get_by_text("Mara Lindqvist").click()
        await expect(mara.page.get_by_role("heading", level=1)).to_have_text(f"{demo.tenant}.xlsx")
        await mara.open("/history")
        await expect(mara.page.locator(f"#i-{sent}")).to_be_visible()

        await aiko.open("/sign-in")
        await aiko.page.get_by_text("Aiko Tanaka").click()
        await expect(aiko.page.get_by_role("heading", name="Import a file")).to_be_visible()
        await aiko.open("/history")
        await expect(aiko.page.locator(f"#i-{sent}")).to_have_count(0)
        for path in ("", "/check", "/undo", "/corrections"):
            await aiko.open(f"/imports/{sent}{path}", status=404)
            await expect(aiko.page.get_by_role("heading", name="There is no such import")).to_be_visible()

        await mara.page.get_by_role("button", name="Mara Lindqvist").click()
        await mara.page.get_by_role("button", name="Sign out").click()
        await expect(mara.page.get_by_text("You are signed out")).to_be_visible()
        await mara.open("/history")
        await expect(mara.page).to_have_url(f"{demo.address}/sign-in?next=%2Fhistory")


async def test_a_link_to_a_file_ends_after_a_minute_and_is_nobody_elses(
    site: Site, gateway_inside: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = site.world.send(site.tenant, example(tmp_path))
    await site.world.ended(sent)
    fresh = links.sign(gateway_inside, site.tenant, sent, "corrections")
    old = signed_before(gateway_inside, site.tenant, sent, seconds=links.GOOD_FOR + 5, monkeypatch=monkeypatch)
    await site.world.register(f"{site.tenant}-other")
    async with site.visit(cookies=await site.cookies("viewer")) as mara:
        answer = await mara.context.request.get(f"{site.address}/v1/files/{fresh}")
        assert answer.status == 200
        assert "attachment" in answer.headers["content-disposition"]
        assert (await mara.context.request.get(f"{site.address}/v1/files/{old}")).status == 410
    others = await site.cookies("admin", tenant=f"{site.tenant}-other", name="Aiko Tanaka")
    async with site.visit(cookies=others) as aiko:
        assert (await aiko.context.request.get(f"{site.address}/v1/files/{fresh}")).status == 404
    async with site.visit() as nobody:
        assert (await nobody.context.request.get(f"{site.address}/v1/files/{fresh}")).status == 401


def signed_before(gateway: Gateway, tenant: str, of: UUID, *, seconds: int, monkeypatch: pytest.MonkeyPatch) -> str:
    """The token of a link that was given out so long ago."""
    with monkeypatch.context() as then:
        then.setattr(TimestampSigner, "get_timestamp", lambda _self: int(time.time()) - seconds)
        signer = URLSafeTimedSerializer(gateway.settings.secret.get_secret_value(), salt=links._SALT)
        signed: str = signer.dumps([tenant, str(of), "corrections"])
        return signed


async def test_a_form_of_another_session_does_nothing(site: Site, tmp_path: Path) -> None:
    sent = site.world.send(site.tenant, example(tmp_path))
    await site.world.ended(sent)
    async with site.visit(cookies=await site.cookies("importer")) as mara:
        await mara.open(f"/imports/{sent}/dismiss")
        await mara.page.eval_on_selector("form.confirm input[name=csrf]", "(field) => { field.value = 'not-mine'; }")
        mara.allow("status of 403")
        await mara.page.get_by_role("button", name="Dismiss").click()
        await expect(mara.page.get_by_role("heading", name="This form is out of date")).to_be_visible()
    assert (await site.world.ended(sent)).status == "completed_with_failures"
