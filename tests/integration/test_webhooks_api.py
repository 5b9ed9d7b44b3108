"""Webhooks over HTTP: what an administrator does with them, and what nobody else does."""

import base64
from collections.abc import AsyncIterator, Callable, Iterator
from ipaddress import ip_network
from typing import Any
from uuid import UUID

import httpx
import pytest
from uuid_utils.compat import uuid7

from deploy.local.stack import Stack
from services.gateway.app import create_app
from services.gateway.asking import someone
from services.gateway.people import Person, Role
from services.gateway.resources import Gateway
from services.gateway.settings import GatewaySettings
from shared.observability.health import Health
from shared.runtime.settings import ServiceSettings, StorageSettings
from shared.webhooks.addresses import AddressRules
from shared.webhooks.signing import signing_key
from tests.harness.files import product
from tests.harness.receivers import MailServer, Receiver, Reply, receiving, taking_mail
from tests.harness.staging import Desk
from tests.harness.verifying import verify
from tests.harness.world import World, eventually
from tests.integration.conftest import EngineOf
from tests.integration.test_notifier import NOWHERE, Told, ended

SECRET = "s" * 40
AddressesOf = Callable[[AddressRules], "Api"]


class Api:
    """The API in this process, asked as somebody."""

    def __init__(self, gateway: Gateway) -> None:
        self.app = create_app(gateway)
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="https://winnow.example.com")

    def sign_in(self, tenant: str | None, *roles: Role, user: str = "ana") -> None:
        person = Person(tenant, user, "Ana", None, frozenset(roles), "token")
        self.app.dependency_overrides[someone] = lambda: person

    async def __call__(self, method: str, path: str, expected: int = 200, **said: Any) -> Any:
        answer = await self.client.request(method, f"/v1{path}", json=said or None)
        assert answer.status_code == expected, answer.text
        return answer.json() if answer.content else None


@pytest.fixture
async def api_with(stack: Stack, engine_of: EngineOf) -> AsyncIterator[AddressesOf]:
    made: list[Api] = []
    told = stack.environment_for("gateway")

    def api(rules: AddressRules) -> Api:
        settings = GatewaySettings(
            public_url="https://winnow.example.com",
            secret=SECRET,
            oidc_issuer="https://issuer.example.com",
            reader_database_url="postgresql+asyncpg://x@localhost/x",
            intake_database_url="postgresql+asyncpg://x@localhost/x",
            operator_database_url="postgresql+asyncpg://x@localhost/x",
        )
        gateway = Gateway(
            settings=settings,
            service=ServiceSettings(
                kafka_bootstrap=told["WINNOW_KAFKA_BOOTSTRAP"],
                database_url=told["WINNOW_DATABASE_URL"],
                relay_database_url=told["WINNOW_RELAY_DATABASE_URL"],
            ),
            storage=StorageSettings(endpoint="localhost:1", access_key="a", secret_key="b"),
            own=engine_of("winnow_gateway"),
            reader=engine_of("winnow_reader"),
            intake=engine_of("winnow_intake"),
            operator=engine_of("winnow_operator"),
            health=Health(),
            addresses=rules,
        )
        made.append(Api(gateway))
        return made[-1]

    yield api
    for one in made:
        await one.client.aclose()


@pytest.fixture
def api(api_with: AddressesOf, tenant: str) -> Api:
    """Asked as an administrator; addresses as in production."""
    found = api_with(AddressRules())
    found.sign_in(tenant, Role.ADMIN)
    return found


@pytest.fixture
def here(api_with: AddressesOf, tenant: str) -> Api:
    """The same, with addresses of this machine."""
    found = api_with(AddressRules(ports=(), allow_http=True, allowed_networks=(ip_network("127.0.0.0/8"),)))
    found.sign_in(tenant, Role.ADMIN)
    return found


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    with taking_mail() as found:
        yield found


@pytest.fixture
def told(idle_world: World, engine_of: EngineOf, tenant: str, mail_server: MailServer) -> Told:
    return Told(idle_world, engine_of, tenant, mail_server)


async def test_a_webhook_is_made_shown_changed_and_deleted(api: Api) -> None:
    made = await api("POST", "/webhooks", 201, url="https://hooks.example.com/in?k=1", description=" ERP ")
    assert (made["active"], made["events"], made["description"]) == (True, ["import-completed"], "ERP")
    assert made["created_by"] == "ana"
    assert len(base64.b64decode(made["secret"].removeprefix("whsec_"))) == 32
    shown = await api("GET", f"/webhooks/{made['id']}")
    assert shown == {name: value for name, value in made.items() if name != "secret"}
    assert (await api("GET", "/webhooks"))["items"] == [shown]
    changed = await api("PATCH", f"/webhooks/{made['id']}", url="https://other.example.com/", active=False)
    assert (changed["url"], changed["active"], changed["description"]) == ("https://other.example.com/", False, "ERP")
    assert changed["disabled_because"] is None
    await api("DELETE", f"/webhooks/{made['id']}", 204)
    await api("GET", f"/webhooks/{made['id']}", 404)
    assert (await api("GET", "/webhooks"))["items"] == []


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://hooks.example.com/", "Only https"),
        ("https://127.0.0.1/", "not a public address"),
        ("https://[::ffff:10.0.0.1]/", "not a public address"),
        ("https://2130706433/", "four of them"),
        ("https://u:p@hooks.example.com/", "user or a password"),
        ("https://hooks.example.com:22/", "Port 22"),
        ("nonsense", "no host"),
    ],
)
async def test_an_address_that_may_not_be_is_refused_when_it_is_said(api: Api, url: str, why: str) -> None:
    refused = await api("POST", "/webhooks", 422, url=url)
    assert refused["type"].endswith("/invalid")
    assert [error["field"] for error in refused["errors"]] == ["url"]
    assert why in refused["detail"]
    made = await api("POST", "/webhooks", 201, url="https://hooks.example.com/")
    await api("PATCH", f"/webhooks/{made['id']}", 422, url=url)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.IMPORTER, Role.OPERATOR])
async def test_a_lesser_role_sees_and_changes_no_webhook(api: Api, tenant: str, role: Role) -> None:
    made = await api("POST", "/webhooks", 201, url="https://hooks.example.com/")
    api.sign_in(tenant, role)
    for method, path in _ROUTES:
        refused = await api(method, path.format(made["id"]), 403, **_SAID.get((method, path), {}))
        assert "hooks.example.com" not in str(refused)


async def test_another_tenants_webhooks_are_as_unknown_ones(api: Api, tenant: str) -> None:
    made = await api("POST", "/webhooks", 201, url="https://hooks.example.com/")
    sent = await api("POST", f"/webhooks/{made['id']}/ping", 202)
    api.sign_in(f"{tenant}-other", Role.ADMIN)
    for method, path in _ROUTES[2:]:
        known = sent["id"] if path.startswith("/deliveries") else made["id"]
        said = _SAID.get((method, path), {})
        other = await api(method, path.format(known), 404, **said)
        unknown = await api(method, path.format(uuid7()), 404, **said)
        assert other["detail"] == unknown["detail"]
    assert (await api("GET", "/webhooks"))["items"] == []


_ROUTES = (
    ("GET", "/webhooks"),
    ("POST", "/webhooks"),
    ("GET", "/webhooks/{}"),
    ("PATCH", "/webhooks/{}"),
    ("DELETE", "/webhooks/{}"),
    ("POST", "/webhooks/{}/rotate"),
    ("POST", "/webhooks/{}/ping"),
    ("GET", "/webhooks/{}/deliveries"),
    ("GET", "/deliveries/{}"),
    ("POST", "/deliveries/{}/redeliver"),
)
_SAID: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/webhooks"): {"url": "https://hooks.example.com/"},
    ("PATCH", "/webhooks/{}"): {"active": False},
}


async def test_a_tenant_has_so_many_webhooks_and_pages_of_them(api: Api) -> None:
    made = [await api("POST", "/webhooks", 201, url=f"https://hooks.example.com/{number}") for number in range(20)]
    refused = await api("POST", "/webhooks", 409, url="https://hooks.example.com/more")
    assert "There are 20 webhooks" in refused["detail"]
    seen, after = [], ""
    while True:
        page = await api("GET", f"/webhooks?limit=7{after}")
        seen += [one["id"] for one in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert seen == [one["id"] for one in made]
    assert (await api("GET", "/webhooks?after=nonsense", 400))["type"].endswith("/cursor")


async def test_a_ping_arrives_signed_and_its_answer_is_listed(here: Api, told: Told, receiver: Receiver) -> None:
    made = await here("POST", "/webhooks", 201, url=receiver.url())
    sent = await here("POST", f"/webhooks/{made['id']}/ping", 202)
    assert (sent["state"], sent["tries"], sent["event"]) == ("waiting", 0, "ping")
    receiver.answer = lambda _request: Reply(202, b"pong")
    async with told.sending(signing_key=_SecretKey()):
        await told.settled()
    (request,) = receiver.received
    said = verify(made["secret"], request.headers, request.body)
    assert (said["type"], said["data"]) == ("ping", {"webhook_id": made["id"]})
    page = await here("GET", f"/webhooks/{made['id']}/deliveries")
    (listed,) = page["items"]
    assert listed == await here("GET", f"/deliveries/{sent['id']}")
    assert (listed["id"], listed["state"], listed["status"], listed["answer"]) == (sent["id"], "delivered", 202, "pong")
    assert (listed["next_try_at"], listed["problem"]) == (None, None)
    assert request.headers["webhook-id"] == sent["id"]


class _SecretKey:
    """The signing key that belongs to the gateway's secret, as a setting holds it."""

    def get_secret_value(self) -> str:
        return signing_key(SECRET)


async def test_the_secret_after_a_rotation_verifies_and_so_does_the_one_before(
    here: Api, told: Told, receiver: Receiver
) -> None:
    made = await here("POST", "/webhooks", 201, url=receiver.url())
    rotated = await here("POST", f"/webhooks/{made['id']}/rotate")
    assert rotated["secret"] != made["secret"]
    assert rotated["rotated_at"] is not None
    await here("POST", f"/webhooks/{made['id']}/ping", 202)
    async with told.sending(signing_key=_SecretKey()):
        await told.settled()
    (request,) = receiver.received
    for secret in (made["secret"], rotated["secret"]):
        verify(secret, request.headers, request.body)
    with pytest.raises(ValueError, match="not ours"):
        verify(f"whsec_{base64.b64encode(b'x' * 32).decode()}", request.headers, request.body)


async def test_what_was_given_up_is_sent_again_under_its_id_once_the_receiver_is_back(
    here: Api, told: Told, desk: Desk, receiver: Receiver
) -> None:
    made = await here("POST", "/webhooks", 201, url=receiver.url())
    receiver.answer = lambda _request: Reply(410)
    await told.tell(await ended(desk, told.world, [*product(1)]), NOWHERE)
    async with told.sending():
        (given_up,) = await told.settled()
        disabled = await here("GET", f"/webhooks/{made['id']}")
        assert (disabled["active"], "410" in disabled["disabled_because"]) == (False, True)
        refused = await here("POST", f"/deliveries/{given_up.id}/redeliver", 409)
        assert "switched off" in refused["detail"]
        await here("POST", f"/webhooks/{made['id']}/ping", 409)
        again = await here("PATCH", f"/webhooks/{made['id']}", active=True)
        assert (again["disabled_because"], again["disabled_at"], again["failing_since"]) == (None, None, None)
        receiver.answer = lambda _request: Reply()
        sent = await here("POST", f"/deliveries/{given_up.id}/redeliver", 202)
        assert (sent["id"], sent["state"], sent["settled_at"]) == (str(given_up.id), "waiting", None)
        (delivered,) = await told.settled()
    assert (delivered.state, delivered.tries) == ("delivered", 2)
    assert receiver.ids == [str(given_up.id)] * 2
    assert receiver.received[0].body == receiver.received[1].body


async def test_what_waits_for_its_next_try_can_be_sent_at_once(here: Api, told: Told, receiver: Receiver) -> None:
    made = await here("POST", "/webhooks", 201, url=receiver.url())
    sent = await here("POST", f"/webhooks/{made['id']}/ping", 202)
    receiver.answer = lambda _request: Reply(200 if len(receiver.received) > 1 else 500)

    async def tried() -> bool:
        return bool((await here("GET", f"/deliveries/{sent['id']}"))["problem"])

    async with told.sending(retry_after_seconds=(3600.0,)):
        await eventually("one try", tried, seconds=20)
        assert (await here("POST", f"/deliveries/{sent['id']}/redeliver", 202))["state"] == "waiting"
        (delivered,) = await told.settled()
    assert delivered.state == "delivered"


async def test_a_webhook_that_is_switched_off_or_deleted_gets_nothing_that_waits(
    here: Api, told: Told, receiver: Receiver
) -> None:
    off = await here("POST", "/webhooks", 201, url=receiver.url("/off"))
    deleted = await here("POST", "/webhooks", 201, url=receiver.url("/deleted"))
    for made in (off, deleted):
        await here("POST", f"/webhooks/{made['id']}/ping", 202)
    await here("PATCH", f"/webhooks/{off['id']}", active=False)
    await here("DELETE", f"/webhooks/{deleted['id']}", 204)
    async with told.sending():
        (given_up,) = await told.settled()
    assert (given_up.webhook_id, given_up.state) == (UUID(off["id"]), "failed")
    assert receiver.received == []


async def test_deliveries_are_listed_newest_first_by_page(here: Api, receiver: Receiver) -> None:
    made = await here("POST", "/webhooks", 201, url=receiver.url())
    other = await here("POST", "/webhooks", 201, url=receiver.url())
    sent = [(await here("POST", f"/webhooks/{made['id']}/ping", 202))["id"] for _ in range(5)]
    await here("POST", f"/webhooks/{other['id']}/ping", 202)
    first = await here("GET", f"/webhooks/{made['id']}/deliveries?limit=3")
    rest = await here("GET", f"/webhooks/{made['id']}/deliveries?limit=3&after={first['next']}")
    assert [one["id"] for one in (*first["items"], *rest["items"])] == sent[::-1]
    assert rest["next"] is None
    strange = await here("GET", f"/webhooks/{other['id']}/deliveries?after={first['next']}", 400)
    assert strange["type"].endswith("/cursor")


async def test_a_person_can_turn_mail_off_and_on(api: Api, tenant: str, told: Told, desk: Desk) -> None:
    await told.person("ana@example.com")
    api.sign_in(tenant, Role.VIEWER, user="tester")
    assert await api("GET", "/me/mail") == {"failures": True}
    for _ in range(2):
        assert await api("PUT", "/me/mail", failures=False) == {"failures": False}
    await told.tell(await ended(desk, told.world, [*product(1), *product(2, carbon_kg="x")]), NOWHERE)
    assert await told.states() == []
    assert await api("PUT", "/me/mail", failures=True) == {"failures": True}
    assert await api("GET", "/me/mail") == {"failures": True}


async def test_no_secret_is_stored(api: Api, told: Told) -> None:
    made = await api("POST", "/webhooks", 201, url="https://hooks.example.com/")
    row = await told.of_webhook(UUID(made["id"]))
    assert made["secret"].removeprefix("whsec_") not in str(row)
