"""Keys of upstream systems, with the real tables."""

from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy import text

from deploy.local.stack import Stack
from services.gateway.asking import Viewer
from shared.api.api_keys import MadeApiKey
from tests.harness.gateway import GatewayClient, gateway_here
from tests.harness.world import World


@pytest.fixture
async def here(stack: Stack) -> AsyncIterator[GatewayClient]:
    async with gateway_here(stack) as (app, gateway):

        @app.get("/v1/me-of-the-test")
        async def me(person: Viewer) -> dict[str, object]:
            return {"tenant": person.tenant, "user": person.user, "roles": sorted(person.roles), "via": person.via}

        address = gateway.settings.public_url
        async with GatewayClient(address, stack.token_for, transport=httpx.ASGITransport(app)) as client:
            yield client


async def made(here: GatewayClient, tenant: str, **asked: object) -> MadeApiKey:
    answer = await here.as_(tenant, "admin").post("/v1/api-keys", json={"name": "ERP nightly", **asked})
    assert answer.status_code == 201, answer.text
    return MadeApiKey.model_validate(answer.json())


async def test_a_key_is_shown_once_and_logs_in_its_system(
    here: GatewayClient, tenant: str, running_world: World
) -> None:
    key = await made(here, tenant)
    system = here.with_token(key.secret)
    assert (await system.get("/v1/me-of-the-test")).json() == {
        "tenant": tenant,
        "user": f"key:{key.prefix}",
        "roles": ["importer"],
        "via": "key",
    }
    (listed,) = (await here.as_(tenant, "admin").get("/v1/api-keys")).json()["items"]
    assert listed["used_at"] is not None
    assert "secret" not in listed
    kept = await running_world.scalar("SELECT k::text FROM gateway.api_keys k WHERE id = :id", id=key.id)
    assert key.secret.rpartition("_")[2] not in kept
    assert (listed["created_by"], listed["prefix"]) == (f"admin@{tenant}", key.secret[: len(key.prefix)])


async def test_a_key_that_was_revoked_logs_in_nobody_and_stays_listed(here: GatewayClient, tenant: str) -> None:
    key = await made(here, tenant)
    admin = here.as_(tenant, "admin")
    for _ in range(2):
        revoked = (await admin.delete(f"/v1/api-keys/{key.id}")).json()
        assert (revoked["revoked_by"], revoked["id"]) == (f"admin@{tenant}", str(key.id))
    assert (await here.with_token(key.secret).get("/v1/me-of-the-test")).status_code == 401
    assert (await admin.get("/v1/api-keys")).json()["items"][0]["revoked_at"] == revoked["revoked_at"]


async def test_a_key_that_is_over_logs_in_nobody(here: GatewayClient, tenant: str, running_world: World) -> None:
    key = await made(here, tenant)
    async with running_world.database() as conn:
        await conn.execute(text("UPDATE gateway.api_keys SET expires_at = now() WHERE id = :id"), {"id": key.id})
    answer = await here.with_token(key.secret).get("/v1/me-of-the-test")
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (401, "unauthenticated")


async def test_another_tenants_keys_are_not_there(here: GatewayClient, tenant: str) -> None:
    key = await made(here, tenant)
    other = here.as_(f"{tenant}-b", "admin")
    assert (await other.get("/v1/api-keys")).json()["items"] == []
    assert (await other.delete(f"/v1/api-keys/{key.id}")).status_code == 404
    assert (await here.with_token(key.secret).get("/v1/me-of-the-test")).status_code == 200


async def test_keys_are_for_administrators_and_never_make_keys(here: GatewayClient, tenant: str) -> None:
    key = await made(here, tenant)
    for client in (here.as_(tenant, "importer"), here.with_token(key.secret)):
        assert (await client.get("/v1/api-keys")).status_code == 403
    for role in ("admin", "operator", "owner"):
        refused = await here.as_(tenant, "admin").post("/v1/api-keys", json={"name": "x", "role": role})
        assert refused.status_code == 422


@pytest.mark.parametrize(
    "asked",
    [
        {"name": ""},
        {"name": "  "},
        {"name": "x" * 81},
        {"name": "a\nb"},
        {"expires_in_days": 0},
        {"expires_in_days": 4000},
    ],
    ids=str,
)
async def test_a_key_has_a_name_and_an_end(here: GatewayClient, tenant: str, asked: dict[str, object]) -> None:
    answer = await here.as_(tenant, "admin").post("/v1/api-keys", json={"name": "ERP", **asked})
    assert answer.status_code == 422


async def test_keys_are_listed_page_by_page_newest_first(here: GatewayClient, tenant: str) -> None:
    names = [f"system {number}" for number in range(5)]
    for name in names:
        await made(here, tenant, name=name)
    admin, after = here.as_(tenant, "admin"), None
    seen: list[str] = []
    while True:
        query = {"limit": 2} | ({} if after is None else {"after": after})
        page = (await admin.get("/v1/api-keys", params=query)).json()
        seen += [key["name"] for key in page["items"]]
        if (after := page["next"]) is None:
            break
    assert seen == names[::-1]
    for nonsense in ("x", "2026-01-01~", "2026-01-01T00:00:00~0199d5bd-0000-7000-8000-000000000000"):
        assert (await admin.get("/v1/api-keys", params={"after": nonsense})).status_code == 400


@pytest.mark.parametrize("secret", ["wnw_", "wnw_deadbeef_", "wnw_deadbeef_" + "a" * 43, "wnw_\udce9"])
async def test_a_key_that_nobody_has_is_refused(here: GatewayClient, secret: str) -> None:
    headers = {b"Authorization": f"Bearer {secret}".encode("utf-8", "surrogateescape")}
    assert (await here.get("/v1/me-of-the-test", headers=headers)).status_code == 401
