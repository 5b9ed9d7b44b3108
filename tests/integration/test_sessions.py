"""Sessions of browsers: signed in by the local issuer's own process, kept in the real tables."""

import re
from collections.abc import AsyncIterator
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from fastapi import FastAPI, Form, Request
from sqlalchemy import text

from deploy.local.stack import Stack
from services.gateway.asking import Importer, PageOperator, PageViewer, Viewer
from services.gateway.people import Person, Role
from services.gateway.who.credentials import hashed
from tests.harness.gateway import GatewayClient, gateway_here
from tests.harness.world import World

MARA = "nordlys"


def probed(app: FastAPI) -> FastAPI:
    """With routes of the test's own beside the gateway's."""

    @app.get("/probe")
    async def page(person: PageViewer) -> dict[str, Any]:
        return {"tenant": person.tenant, "user": person.user, "csrf": person.csrf}

    @app.post("/probe")
    async def change(person: Importer, word: Annotated[str, Form()] = "") -> dict[str, str]:
        return {"user": person.user, "word": word}

    @app.put("/probe")
    async def put(person: Importer, request: Request) -> dict[str, int]:
        return {"bytes": len(await request.body())}

    @app.get("/probe/operations")
    async def operations(person: PageOperator) -> dict[str, str]:
        return {"user": person.user}

    @app.get("/v1/probe")
    async def api(person: Viewer) -> dict[str, str]:
        return {"user": person.user}

    return app


class Browser:
    """A browser: it keeps cookies, and follows where it is told when it is told."""

    def __init__(self, app: FastAPI, address: str) -> None:
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=address)

    async def sign_in(self, hint: str, *, afterwards: str = "/probe") -> httpx.Response:
        """Over the issuer and back; the answer that begins the session."""
        start = await self.http.get("/sign-in/start", params={"next": afterwards, "hint": hint})
        assert start.status_code == 303, start.text
        async with httpx.AsyncClient() as outside:
            sent_back = await outside.get(start.headers["location"])
        return await self.http.get(sent_back.headers["location"])

    async def csrf(self) -> str:
        """What the pages of this session repeat."""
        return str((await self.http.get("/probe")).json()["csrf"])

    @property
    def token(self) -> str:
        """The secret in the cookie."""
        (found,) = [cookie.value for cookie in self.http.cookies.jar if re.fullmatch(r"winnow-\d+", cookie.name)]
        return str(found)


@pytest.fixture
async def app(stack: Stack) -> AsyncIterator[FastAPI]:
    async with gateway_here(stack) as (app, _):
        yield probed(app)


@pytest.fixture
async def browser(app: FastAPI, stack: Stack) -> AsyncIterator[Browser]:
    browser = Browser(app, stack.gateway_url)
    yield browser
    await browser.http.aclose()


@pytest.fixture
async def mara(browser: Browser) -> Browser:
    assert (await browser.sign_in("mara")).status_code == 303
    return browser


async def test_the_people_of_the_demo_sign_in_with_a_click_each(browser: Browser) -> None:
    page = await browser.http.get("/sign-in", params={"next": "/probe?a=1"})
    assert page.status_code == 200
    for name in ("Mara Lindqvist", "Jonas Berg", "Aiko Tanaka", "Priya Nair", "nordlys", "brightwater", "all tenants"):
        assert name in page.text
    (link,) = [found for found in re.findall(r'href="(/sign-in/start[^"]*)"', page.text) if "aiko" in found]
    assert dict(parse_qsl(urlsplit(link.replace("&amp;", "&")).query)) == {"hint": "aiko", "next": "/probe?a=1"}
    answer = await browser.sign_in("aiko", afterwards="/probe?a=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/probe?a=1")
    assert (await browser.http.get("/probe")).json()["tenant"] == "brightwater"


async def test_a_page_sends_who_is_not_signed_in_to_sign_in_and_back_to_it(browser: Browser) -> None:
    answer = await browser.http.get("/probe", params={"q": "a&b"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Fprobe%3Fq%3Da%2526b")
    assert (await browser.http.get("/v1/probe")).status_code == 401


async def test_a_part_of_a_page_and_a_stream_are_told_without_being_sent_elsewhere(browser: Browser) -> None:
    part = await browser.http.get("/probe", headers={"HX-Request": "true"})
    assert (part.status_code, part.headers["HX-Redirect"]) == (401, "/sign-in?next=%2Fprobe")
    assert (await browser.http.get("/probe", headers={"Accept": "text/event-stream"})).status_code == 401


async def test_who_is_signed_in_asks_the_api_as_well(mara: Browser) -> None:
    assert (await mara.http.get("/v1/probe")).json() == {"user": "mara"}
    again = await mara.http.get("/sign-in", params={"next": "/probe"})
    assert (again.status_code, again.headers["location"]) == (303, "/probe")


async def test_a_lesser_role_is_told_so_and_not_sent_to_sign_in(mara: Browser) -> None:
    answer = await mara.http.get("/probe/operations")
    assert answer.status_code == 403
    assert "your login needs the role operator" in answer.text


async def test_an_operator_belongs_to_no_tenant(browser: Browser) -> None:
    await browser.sign_in("priya")
    assert (await browser.http.get("/probe/operations")).json() == {"user": "priya"}
    assert (await browser.http.get("/probe")).status_code == 403


async def test_the_cookie_is_hidden_from_scripts_and_other_sites(browser: Browser) -> None:
    (cookie,) = [
        header for header in (await browser.sign_in("mara")).headers.get_list("set-cookie") if "Max-Age=0" not in header
    ]
    assert re.fullmatch(r"winnow-\d+=[\w-]{43}; HttpOnly; Max-Age=43200; Path=/; SameSite=lax", cookie)


async def test_over_tls_the_cookie_is_of_this_host_only(stack: Stack) -> None:
    async with gateway_here(stack, public_url="https://winnow.example") as (app, _):
        http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://winnow.example")
        async with http:
            start = await http.get("/sign-in/start", params={"hint": "mara"})
        (cookie,) = start.headers.get_list("set-cookie")
    assert cookie.startswith("__Host-winnow-sign-in=")
    assert {"HttpOnly", "Path=/", "SameSite=lax", "Secure"} < set(cookie.split("; "))
    assert "Domain" not in cookie


async def test_the_database_has_nothing_that_signs_anybody_in(mara: Browser, running_world: World) -> None:
    kept = await running_world.scalar(
        "SELECT s::text FROM gateway.sessions s WHERE token_hash = :hash", hash=hashed(mara.token)
    )
    assert mara.token not in kept


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
    ],
)
async def test_signing_in_never_leads_to_another_site(browser: Browser, elsewhere: str) -> None:
    assert (await browser.sign_in("mara", afterwards=elsewhere)).headers["location"] == "/"
    assert (await browser.http.get("/sign-in", params={"next": elsewhere})).headers["location"] == "/"


async def test_nobody_signs_somebody_else_in(app: FastAPI, browser: Browser, stack: Stack) -> None:
    """A link with the attacker's own code, opened by somebody else: their browser has not begun it."""
    attacker = Browser(app, stack.gateway_url)
    start = await attacker.http.get("/sign-in/start", params={"hint": "mara"})
    async with httpx.AsyncClient() as outside:
        link = (await outside.get(start.headers["location"])).headers["location"]
    answer = await browser.http.get(link)
    assert answer.status_code == 403
    assert "was not begun here" in answer.text
    assert (await browser.http.get("/probe")).status_code == 303
    assert (await attacker.http.get(link)).status_code == 303
    await attacker.http.aclose()


async def test_a_code_signs_in_once(browser: Browser) -> None:
    start = await browser.http.get("/sign-in/start", params={"hint": "mara"})
    begun = dict(browser.http.cookies)
    async with httpx.AsyncClient() as outside:
        link = (await outside.get(start.headers["location"])).headers["location"]
    assert (await browser.http.get(link)).status_code == 303
    browser.http.cookies = httpx.Cookies(begun)
    assert (await browser.http.get(link)).status_code == 403


async def test_of_two_windows_that_sign_in_the_later_goes_on_as_well(browser: Browser) -> None:
    first = await browser.http.get("/sign-in/start", params={"hint": "mara"})
    await browser.sign_in("mara")
    async with httpx.AsyncClient() as outside:
        link = (await outside.get(first.headers["location"])).headers["location"]
    answer = await browser.http.get(link)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


@pytest.mark.parametrize(("hint", "page"), [("mara", "/import"), ("jonas", "/history"), ("priya", "/operations")])
async def test_who_wanted_no_page_comes_to_the_one_they_can_do_most_on(browser: Browser, hint: str, page: str) -> None:
    start = await browser.http.get("/sign-in/start", params={"hint": hint})
    async with httpx.AsyncClient() as outside:
        link = (await outside.get(start.headers["location"])).headers["location"]
    home = (await browser.http.get(link)).headers["location"]
    assert (await browser.http.get(home)).headers["location"] == page


async def test_a_session_put_into_a_browser_beforehand_is_not_taken_over(browser: Browser, stack: Stack) -> None:
    planted = "planted-by-somebody"
    browser.http.cookies.set(f"winnow-{stack.state.gateway_port}", planted, domain="127.0.0.1")
    await browser.sign_in("mara")
    assert browser.token != planted


async def goes_on(app: FastAPI, stack: Stack, token: str) -> bool:
    """Whether a session's secret signs anybody in."""
    http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=stack.gateway_url)
    async with http:
        http.cookies.set(f"winnow-{stack.state.gateway_port}", token)
        return (await http.get("/probe")).status_code == 200


async def test_signing_in_again_ends_the_session_before(mara: Browser, app: FastAPI, stack: Stack) -> None:
    before = mara.token
    await mara.sign_in("mara")
    assert mara.token != before
    assert not await goes_on(app, stack, before)


async def test_a_session_that_was_signed_out_of_is_over_everywhere(mara: Browser, app: FastAPI, stack: Stack) -> None:
    token = mara.token
    answer = await mara.http.post("/sign-out", data={"csrf": await mara.csrf()})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?out=true")
    assert "You are signed out" in (await mara.http.get(answer.headers["location"])).text
    assert not await goes_on(app, stack, token)


async def test_nobody_is_signed_out_by_another_site(mara: Browser, app: FastAPI, stack: Stack) -> None:
    assert (await mara.http.post("/sign-out")).status_code == 403
    assert await goes_on(app, stack, mara.token)


async def test_somebody_can_end_all_their_sessions(mara: Browser, app: FastAPI, stack: Stack) -> None:
    other = Browser(app, stack.gateway_url)
    await other.sign_in("mara")
    jonas = Browser(app, stack.gateway_url)
    await jonas.sign_in("jonas")
    await mara.http.post("/sign-out", data={"csrf": await mara.csrf(), "everywhere": "true"})
    assert not await goes_on(app, stack, other.token)
    assert await goes_on(app, stack, jonas.token)
    await other.http.aclose()
    await jonas.http.aclose()


@pytest.mark.parametrize(
    "passes", ["seen_at = now() - interval '2 hours 1 second'", "expires_at = now() - interval '1 second'"]
)
async def test_a_session_ends_when_it_is_not_used_and_after_its_longest(
    mara: Browser, running_world: World, passes: str
) -> None:
    async with running_world.database() as conn:
        statement = text(f"UPDATE gateway.sessions SET {passes} WHERE token_hash = :hash")
        await conn.execute(statement, {"hash": hashed(mara.token)})
    assert (await mara.http.get("/probe")).status_code == 303


async def test_using_a_session_keeps_it_and_ended_ones_are_removed(mara: Browser, running_world: World) -> None:
    minutes = "SELECT round(extract(epoch FROM now() - seen_at) / 60) FROM gateway.sessions WHERE token_hash = :hash"
    async with running_world.database() as conn:
        statement = text("UPDATE gateway.sessions SET seen_at = now() - interval '1 hour' WHERE token_hash = :hash")
        await conn.execute(statement, {"hash": hashed(mara.token)})
        await conn.execute(
            text(
                "INSERT INTO gateway.sessions (token_hash, tenant_id, user_id, name, roles, expires_at) "
                "VALUES (:hash, 'elsewhere', 'u', 'u', '{}', now() - interval '1 day') ON CONFLICT DO NOTHING"
            ),
            {"hash": b"ended"},
        )
    assert (await mara.http.get("/probe")).status_code == 200
    assert await running_world.scalar(minutes, hash=hashed(mara.token)) == 0
    await mara.sign_in("mara")
    assert (
        await running_world.scalar("SELECT count(*) FROM gateway.sessions WHERE token_hash = :hash", hash=b"ended") == 0
    )


async def test_what_people_are_called_is_kept_for_imports_and_mail(mara: Browser, running_world: World) -> None:
    called = "SELECT name || ' ' || email FROM gateway.people WHERE tenant_id = :t AND user_id = 'mara'"
    assert await running_world.scalar(called, t=MARA) == "Mara Lindqvist mara@nordlys.example"


SENT_BY_OTHERS: dict[str, dict[str, str]] = {
    "another site's page": {"Sec-Fetch-Site": "cross-site"},
    "a site beside ours": {"Sec-Fetch-Site": "same-site"},
    "another origin": {"Origin": "https://evil.example"},
    "no origin to speak of": {"Origin": "null"},
    "ours, without TLS's port": {"Origin": "http://127.0.0.1"},
}


@pytest.mark.parametrize("sent", SENT_BY_OTHERS)
async def test_what_another_site_sends_changes_nothing_even_with_the_token(mara: Browser, sent: str) -> None:
    csrf = await mara.csrf()
    answer = await mara.http.post("/probe", data={"csrf": csrf}, headers=SENT_BY_OTHERS[sent])
    assert answer.status_code == 403
    assert "Nothing was changed" in answer.text


async def test_what_changes_something_repeats_the_sessions_token(mara: Browser, app: FastAPI, stack: Stack) -> None:
    csrf = await mara.csrf()
    jonas = Browser(app, stack.gateway_url)
    await jonas.sign_in("jonas")
    for wrong in ("", "x", "é", csrf[:-1], await jonas.csrf()):
        assert (await mara.http.post("/probe", data={"csrf": wrong, "word": "hej"})).status_code == 403
    assert (await mara.http.post("/probe", json={"csrf": csrf})).status_code == 403
    assert (await mara.http.post("/probe", data={"csrf": csrf, "word": "hej"})).json() == {
        "user": "mara",
        "word": "hej",
    }
    files = {"file": ("a.csv", b"a,b")}
    assert (await mara.http.post("/probe", data={"csrf": csrf, "word": "hej"}, files=files)).json()["word"] == "hej"
    headers = {"X-CSRF-Token": csrf, "Origin": stack.gateway_url, "Sec-Fetch-Site": "same-origin"}
    assert (await mara.http.put("/probe", content=b"1234", headers=headers)).json() == {"bytes": 4}
    await jonas.http.aclose()


async def test_a_form_that_cannot_be_read_changes_nothing(mara: Browser) -> None:
    answer = await mara.http.post("/probe", content=b"--x", headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert answer.status_code in {400, 403, 422}


async def test_who_shows_a_token_needs_no_other(app: FastAPI, stack: Stack) -> None:
    client = GatewayClient(stack.gateway_url, stack.token_for, transport=httpx.ASGITransport(app))
    async with client:
        answer = await client.as_(MARA, "importer").post("/probe", data={"word": "hej"})
    assert answer.json() == {"user": f"importer@{MARA}", "word": "hej"}


async def test_a_token_counts_before_a_session(mara: Browser, stack: Stack) -> None:
    shown = {"Authorization": f"Bearer {stack.token_for('brightwater', 'viewer')}"}
    assert (await mara.http.get("/probe", headers=shown)).json()["tenant"] == "brightwater"
    assert (await mara.http.get("/probe", headers={"Authorization": "Bearer nonsense"})).status_code == 401


async def test_a_tenant_that_is_not_registered_is_told_so(stack: Stack, tenant: str, running_world: World) -> None:
    async with gateway_here(stack, admit_unknown_tenants=False) as (app, _):
        client = GatewayClient(stack.gateway_url, stack.token_for, transport=httpx.ASGITransport(probed(app)))
        async with client:
            answer = await client.as_(tenant, "admin").get("/v1/probe")
            assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (403, "forbidden")
            assert f'"{tenant}", is not registered' in answer.json()["detail"]
            await running_world.register(f"{tenant}-b")
            assert (await client.as_(f"{tenant}-b", "admin").get("/v1/probe")).status_code == 200


async def test_somebody_of_a_tenant_that_is_gone_can_still_sign_out(stack: Stack, tenant: str) -> None:
    async with gateway_here(stack, admit_unknown_tenants=False) as (app, gateway):
        person = Person(tenant, "u-1", "Mara", None, frozenset({Role.ADMIN}), "session")
        browser = Browser(probed(app), stack.gateway_url)
        async with browser.http:
            browser.http.cookies.set(gateway.who.cookie.name, await gateway.who.sessions.begin(person))
            page = await browser.http.get("/probe")
            assert page.status_code == 403
            (csrf,) = re.findall(r'action="/sign-out"><input type="hidden" name="csrf" value="(\w+)"', page.text)
            assert (await browser.http.post("/sign-out", data={"csrf": csrf})).status_code == 303


async def test_a_provider_that_is_away_is_told_as_that(stack: Stack) -> None:
    async with gateway_here(stack, oidc_issuer="http://127.0.0.1:9") as (app, _):
        http = httpx.AsyncClient(transport=httpx.ASGITransport(probed(app)), base_url=stack.gateway_url)
        async with http:
            answer = await http.get("/v1/probe", headers={"Authorization": f"Bearer {stack.token_for('a', 'viewer')}"})
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "15")
            assert (await http.get("/sign-in/start")).status_code == 503
            page = await http.get("/sign-in")
            assert page.status_code == 200
            assert 'href="/sign-in/start?next=' in page.text


async def test_the_local_issuers_new_key_is_learned(app: FastAPI, stack: Stack) -> None:
    client = GatewayClient(stack.gateway_url, stack.token_for, transport=httpx.ASGITransport(app))
    async with client:
        stack.issuer.keys.rotate(keep=0)
        assert (await client.as_(MARA, "viewer").get("/v1/probe")).status_code == 200
