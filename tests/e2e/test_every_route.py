"""Every route there is: nothing without a login, with a lesser role, or with another tenant's login, and nothing by accident."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import httpx
import pytest

from services.gateway.app import create_app
from services.gateway.people import Role
from services.gateway.resources import Gateway
from tests.harness.files import product, workbook
from tests.harness.gateway import GatewayClient
from tests.harness.routes import UNSAFE, RouteSeen, routes_of
from tests.harness.world import World

OPEN = {
    "GET /": "leads to a page, or to the sign-in",
    "GET /sign-in": "who is not signed in begins here",
    "GET /sign-in/start": "leads to the provider",
    "GET /sign-in/return": "believes the provider only",
    "POST /sign-out": "ends the session of who asks, by its own token",
    "POST /theme": "a cookie that says light or dark",
    "GET /static/{name}": "the same for all",
    "GET /v1/openapi.json": "what the API is, and nothing that is in it",
}
"""What is open to everybody, and why that is no harm."""

SAME_FOR_ALL = {"index": "0", "entity_type": "products", "kind": "categories"}
"""What addresses are filled with that is no tenant's."""

OPERATORS = {"topic": "file-uploaded", "partition": "0", "offset": "0", "letter_id": "file-uploaded:0:0"}
"""What addresses of operators are filled with."""

EXAMPLES: dict[str, dict[str, Any]] = {
    "HEAD /v1/uploads/{upload_id}": {"headers": {"Tus-Resumable": "1.0.0"}},
    "PATCH /v1/uploads/{upload_id}": {
        "headers": {
            "Tus-Resumable": "1.0.0",
            "Upload-Offset": "0",
            "Content-Type": "application/offset+octet-stream",
        },
        "content": b"x",
    },
    "POST /v1/uploads/{upload_id}": {"headers": {"Tus-Resumable": "1.0.0", "X-HTTP-Method-Override": "DELETE"}},
    "PATCH /v1/custom-fields/{field_id}": {"json": {"name": "another's"}},
    "PATCH /v1/webhooks/{webhook_id}": {"json": {"description": "another's"}},
    "PUT /v1/imports/{import_id}/mapping": {"json": {"fields": {}}},
    "PUT /v1/imports/{import_id}/columns/{index}/values": {"json": {"value": "x", "skip": True}},
    "DELETE /v1/imports/{import_id}/columns/{index}/values": {"params": {"value": "x"}},
    "PUT /v1/imports/{import_id}/columns/{index}/format": {"json": {"format": "iso"}},
    "POST /imports/{import_id}/review/{index}": {"data": {"value": "x", "replacement": "y"}},
    "POST /imports/{import_id}/review/{index}/format": {"data": {"format": "iso"}},
    "POST /v1/imports/{import_id}/step": {"json": {"step": "map"}},
    "DELETE /v1/uploads/{upload_id}": {"headers": {"Tus-Resumable": "1.0.0"}},
}
"""What is sent with routes that look at what is sent before they look whose it is."""

_AN_ID = 20

ROLES = (None, Role.VIEWER, Role.IMPORTER, Role.ADMIN, Role.OPERATOR)
ALL = routes_of(create_app(cast("Gateway", SimpleNamespace(over_tls=False))))
GUARDED = [route for route in ALL if route.name not in OPEN]


def named(routes: list[RouteSeen]) -> pytest.MarkDecorator:
    """Each route as a test of its own."""
    return pytest.mark.parametrize("route", routes, ids=lambda route: route.name)


@dataclass(frozen=True)
class Owned:
    """What a tenant has, and the words by which it would be known anywhere."""

    tenant: str
    places: Mapping[str, str]
    object_key: str
    words: tuple[str, ...]


@pytest.fixture(scope="module")
def belongings() -> dict[str, Owned]:
    """What was made once for all routes."""
    return {}


@pytest.fixture
async def owned(world: World, gateway: GatewayClient, belongings: dict[str, Owned]) -> Owned:
    """A tenant with one of everything: an import with failures, an upload, a key."""
    if "one" in belongings:
        return belongings["one"]
    mark = os.urandom(4).hex()
    tenant = f"owner-{mark}"
    rows = [*product(1, title=f"Secret shirt {mark}"), *product(2, title=f"Secret flaw {mark}", carbon_kg="none")]
    import_id = world.send(tenant, workbook(world.folder / f"secret-{mark}.xlsx", rows))
    await world.ended(import_id)
    importer, admin = gateway.as_(tenant, "importer"), gateway.as_(tenant, "admin")
    begun = {"Tus-Resumable": "1.0.0", "Upload-Length": "10", "Upload-Metadata": "filename c2VjcmV0LmNzdg=="}
    upload = await importer.post("/v1/uploads", headers=begun)
    key = (await admin.post("/v1/api-keys", json={"name": f"Secret system {mark}"})).json()
    hook = (await admin.post("/v1/webhooks", json={"url": f"https://example.com/{mark}"})).json()
    delivery = (await admin.post(f"/v1/webhooks/{hook['id']}/ping")).json()
    field = {"entity_type": "people", "code": f"secret_{mark}", "name": f"Secret {mark}", "type": "text"}
    own_field = (await admin.post("/v1/custom-fields", json=field)).json()
    member = (await admin.post("/v1/members", json={"email": f"{mark}@example.com"})).json()
    linked = await importer.get(f"/v1/imports/{import_id}/corrections")
    assert linked.status_code == 303, linked.text
    places = {
        "import_id": str(import_id),
        "upload_id": upload.json()["id"],
        "key_id": key["id"],
        "webhook_id": hook["id"],
        "delivery_id": delivery["id"],
        "field_id": own_field["id"],
        "member_id": member["id"],
        "token": linked.headers["location"].rpartition("/")[2],
    }
    object_key = await world.scalar("SELECT object_key FROM imports.imports WHERE id = :id", id=import_id)
    belongings["one"] = Owned(tenant, places, object_key, (mark, *places.values(), key["prefix"]))
    return belongings["one"]


def filled(route: RouteSeen, owned: Mapping[str, str]) -> str:
    """The route's address; a parameter that nobody has said anything about is an error."""
    known = {**SAME_FOR_ALL, **OPERATORS, **owned}
    unknown = route.parameters - known.keys()
    assert not unknown, f"say in this test what {unknown} of {route.name} is filled with, and whose that is"
    return route.address(**known)


def anything(route: RouteSeen) -> str:
    """The route's address with ids of nothing."""
    return route.address(**{name: str(uuid4()) for name in route.parameters} | SAME_FOR_ALL)


def unrepeated(body: str, address: str) -> str:
    """What was answered, without what was asked for: ids are repeated, and names of failures are each their own."""
    for part in re.split(r"[/?=&]", address):
        body = body.replace(part, "") if len(part) >= _AN_ID else body
    return re.sub(r"W-[0-9A-F]{8}", "", body)


def said(route: RouteSeen, answer: httpx.Response) -> str:
    """What was answered, by kind: where it was sent, or which problem it is."""
    kind = answer.headers.get("content-type", "")
    problem = answer.json()["type"].rpartition("/")[2] if "problem+json" in kind else ""
    return f"{answer.status_code} {answer.headers.get('location', '').partition('?')[0]}{problem}".strip()


@named(ALL)
def test_a_route_says_who_may_ask_or_why_everybody_may(route: RouteSeen) -> None:
    assert route.needs or route.name in OPEN, (
        "take a Viewer, an Importer, an Admin or an Operator (services.gateway.asking)"
    )
    assert not (route.needs and route.name in OPEN)


def test_nothing_is_open_that_is_not_there() -> None:
    assert OPEN.keys() <= {route.name for route in ALL}


@named(GUARDED)
def test_no_file_is_read_before_it_is_known_who_sends_it(route: RouteSeen) -> None:
    """The framework reads what a route declares as files whole, and first; `uploads.forms` reads them afterwards."""
    assert not route.takes_files


def test_pages_send_to_sign_in_and_the_api_does_not() -> None:
    assert [route.name for route in GUARDED if route.is_page == route.path.startswith("/v1/")] == []


@named(GUARDED)
async def test_without_a_login_there_is_nothing(gateway: GatewayClient, route: RouteSeen) -> None:
    answer = await gateway.request(route.method, anything(route))
    if route.is_page:
        assert said(route, answer) == "303 /sign-in"
    else:
        assert answer.status_code == 401
        assert route.method == "HEAD" or said(route, answer) == "401 unauthenticated"
    assert len(answer.content) < 1000


@named(GUARDED)
async def test_with_a_lesser_role_there_is_nothing(gateway: GatewayClient, tenant: str, route: RouteSeen) -> None:
    for role in ROLES:
        if not route.may(role):
            client = gateway.as_(tenant, "none" if role is None else role)
            answer = await client.request(route.method, anything(route))
            assert answer.status_code == 403, f"{role}: {answer.status_code} {answer.text[:200]}"


@named([route for route in GUARDED if route.method in UNSAFE])
async def test_what_changes_something_is_not_done_for_another_sites_page(
    gateway: GatewayClient, route: RouteSeen
) -> None:
    async with signed_in(gateway, "priya" if route.may(Role.OPERATOR) else "mara") as browser:
        forged: tuple[dict[str, Any], ...] = (
            {},
            {"headers": {"Sec-Fetch-Site": "cross-site"}},
            {"data": {"csrf": "x"}},
        )
        for sent in forged:
            answer = await browser.request(route.method, anything(route), **sent)
            assert answer.status_code == 403, answer.text[:200]
            if not route.is_page:
                assert said(route, answer) == "403 csrf"


@named([route for route in GUARDED if not route.may(Role.OPERATOR)])
async def test_with_another_tenants_login_there_is_nothing(
    gateway: GatewayClient, owned: Owned, tenant: str, route: RouteSeen
) -> None:
    address = filled(route, owned.places)
    role = next(role for role in ROLES if route.may(role))
    client = gateway.as_(tenant, cast("Role", role))
    status, body = await begun(client, route, address)
    assert [word for word in owned.words if word in unrepeated(body, address)] == []
    if not route.parameters & owned.places.keys():
        assert status < 500, body[:300]
        return
    assert status != 422, "EXAMPLES has to have what is sent with it: so it was not looked whose it is"
    # As of what is not there at all. Streams have begun before they know.
    nothing = filled(route, {name: str(uuid4()) for name in owned.places})
    there_is_none = await begun(client, route, nothing)
    assert there_is_none[0] == 404 or "event: end" in there_is_none[1]
    assert (status, unrepeated(body, address)) == (there_is_none[0], unrepeated(there_is_none[1], nothing))


REFERRING: dict[str, tuple[str, str, Callable[[Owned], dict[str, Any]]]] = {
    "an import of another's upload": (
        "POST",
        "/v1/imports",
        lambda owned: {"json": {"upload_id": owned.places["upload_id"], "entity_type": "products", "mode": "create"}},
    ),
    "an import of another's object": (
        "POST",
        "/v1/imports",
        lambda owned: {"json": {"object_key": owned.object_key, "entity_type": "products", "mode": "create"}},
    ),
    "a repair of another's import": (
        "GET",
        "/import",
        lambda owned: {"params": {"repairs": owned.places["import_id"]}},
    ),
    "another's import, opened in the history": (
        "GET",
        "/history",
        lambda owned: {"params": {"open": owned.places["import_id"]}},
    ),
}
"""Where a request names something elsewhere than in its address."""


@pytest.mark.parametrize("what", REFERRING)
async def test_naming_what_another_tenant_has_finds_nothing(
    world: World, gateway: GatewayClient, owned: Owned, tenant: str, what: str
) -> None:
    await world.register(tenant)
    method, path, sent = REFERRING[what]
    answer = await gateway.as_(tenant, "importer").request(method, path, **sent(owned))
    if method in UNSAFE:
        assert answer.status_code in {404, 422}, answer.text
    assert answer.status_code < 500
    assert [word for word in owned.words if word in unrepeated(answer.text, str(answer.url))] == []


async def test_what_a_tenant_has_is_there_for_the_tenant(gateway: GatewayClient, owned: Owned) -> None:
    """Else the tests above would find nothing because there is nothing."""
    admin = gateway.as_(owned.tenant, "admin")
    assert (await admin.head(f"/v1/uploads/{owned.places['upload_id']}", headers={"Tus-Resumable": "1.0.0"})).is_success
    assert owned.places["key_id"] in (await admin.get("/v1/api-keys")).text


def signed_in(gateway: GatewayClient, hint: str) -> "_SignedIn":
    return _SignedIn(gateway, hint)


class _SignedIn:
    """A browser with a session of one of the people of the demo."""

    def __init__(self, gateway: GatewayClient, hint: str) -> None:
        self._browser = gateway.in_browser()
        self._hint = hint

    async def __aenter__(self) -> httpx.AsyncClient:
        start = await self._browser.get("/sign-in/start", params={"hint": self._hint})
        async with httpx.AsyncClient() as outside:
            sent_back = await outside.get(start.headers["location"])
        assert (await self._browser.get(sent_back.headers["location"])).status_code == 303
        return self._browser

    async def __aexit__(self, *_error: object) -> None:
        await self._browser.aclose()


async def begun(client: httpx.AsyncClient, route: RouteSeen, address: str) -> tuple[int, str]:
    """Status and body of an answer; of one that does not end, its beginning."""
    body = ""
    sent = EXAMPLES.get(route.name, {})
    async with client.stream(route.method, address, timeout=httpx.Timeout(20, read=2), **sent) as answer:
        try:
            async for part in answer.aiter_text():
                body += part
                if len(body) > 200_000:
                    break
        except httpx.ReadTimeout:
            assert "event-stream" in answer.headers.get("content-type", "")
        return answer.status_code, body
