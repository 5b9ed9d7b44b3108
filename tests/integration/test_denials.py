"""What is denied is written down, without what was shown."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from structlog.testing import capture_logs

from deploy.local.stack import Stack
from services.gateway.asking import PageViewer, Sender, Viewer
from tests.harness.gateway import GatewayClient, gateway_here


def probed(app: FastAPI) -> FastAPI:
    """With routes of the test's own beside the gateway's."""

    @app.get("/v1/probe/{secret}")
    async def see(person: Viewer, secret: str) -> str:
        return person.user

    @app.post("/v1/probe")
    async def send(person: Sender) -> str:
        return person.user

    @app.get("/probe")
    async def page(person: PageViewer) -> str:
        return person.user

    return app


@pytest.fixture
async def app(stack: Stack) -> AsyncIterator[FastAPI]:
    async with gateway_here(stack) as (app, _):
        yield probed(app)


@pytest.fixture
async def here(app: FastAPI, stack: Stack) -> AsyncIterator[GatewayClient]:
    client = GatewayClient(stack.gateway_url, stack.token_for, transport=httpx.ASGITransport(app))
    async with client:
        yield client


def denials(lines: Any) -> list[dict[str, Any]]:
    """The lines about it."""
    return [line for line in lines if line["event"] == "access.denied"]


SECRET = "a-signed-link-that-opens-something"


@pytest.mark.parametrize(
    ("shown", "status", "reason"),
    [
        (None, 401, "no_login"),
        ("Basic bWFyYTpzZXNhbWU=", 401, "scheme"),
        ("Bearer ", 401, "scheme"),
        ("Bearer sesame-opens-nothing", 401, "no_token"),
        ("Bearer wnw_deadbeef_nothing", 401, "key"),
    ],
)
async def test_a_denial_is_a_line_with_its_reason_and_no_secret(
    here: GatewayClient, shown: str | None, status: int, reason: str
) -> None:
    with capture_logs() as lines:
        answer = await here.get(f"/v1/probe/{SECRET}", headers={} if shown is None else {"Authorization": shown})
    assert answer.status_code == status
    (line,) = denials(lines)
    assert line == {
        "event": "access.denied",
        "log_level": "warning",
        "status": status,
        "reason": reason,
        "method": "GET",
        "route": "/v1/probe/{secret}",
    }
    everything = f"{lines} {answer.text.replace(f'/v1/probe/{SECRET}', '')} {answer.headers}"
    assert SECRET not in everything
    assert shown is None or shown.partition(" ")[2] in {"", None} or shown.partition(" ")[2] not in everything


async def test_the_gateways_own_routes_are_named_by_their_pattern(here: GatewayClient) -> None:
    with capture_logs() as lines:
        await here.get(f"/v1/files/{SECRET}")
        await here.delete("/v1/api-keys/0199c5a4-7c1d-7000-8000-000000000000")
    assert [line["route"] for line in denials(lines)] == ["/v1/files/{token}", "/v1/api-keys/{key_id}"]


async def test_who_is_known_is_named(here: GatewayClient, tenant: str) -> None:
    with capture_logs() as lines:
        assert (await here.as_(tenant, "nothing").get("/v1/probe/x")).status_code == 403
    (line,) = denials(lines)
    assert (line["reason"], line["tenant"], line["user"], line["via"]) == (
        "not_viewer",
        tenant,
        f"nothing@{tenant}",
        "token",
    )


async def test_a_tenant_that_asks_too_much_is_told_when_to_come_back(stack: Stack, tenant: str) -> None:
    async with gateway_here(stack, requests_per_minute=2) as (app, _):
        client = GatewayClient(stack.gateway_url, stack.token_for, transport=httpx.ASGITransport(probed(app)))
        async with client:
            one = client.as_(tenant, "viewer")
            with capture_logs() as lines:
                answers = [await one.get("/v1/probe/x") for _ in range(3)]
            assert [answer.status_code for answer in answers] == [200, 200, 429]
            assert answers[2].json()["type"].rpartition("/")[2] == "too-many-requests"
            assert 1 <= int(answers[2].headers["retry-after"]) <= 60
            assert [line["reason"] for line in denials(lines)] == ["rate"]
            assert (await client.as_(f"{tenant}-b", "viewer").get("/v1/probe/x")).status_code == 200


async def test_a_tenant_with_too_many_uploads_is_told_when_to_come_back(stack: Stack, tenant: str) -> None:
    async with gateway_here(stack, upload_requests_at_once=1) as (app, gateway):
        client = GatewayClient(stack.gateway_url, stack.token_for, transport=httpx.ASGITransport(probed(app)))
        async with client:
            one = client.as_(tenant, "importer")
            assert (await one.post("/v1/probe")).status_code == 200
            person = await gateway.who.person(_shown(stack.token_for(tenant, "importer")))
            assert person is not None
            async with gateway.who.limits.upload(person):
                answer = await one.post("/v1/probe")
            assert (answer.status_code, answer.headers["retry-after"]) == (429, "20")
            assert answer.json()["detail"] == "Too many uploads at once; try again in 20 s."
            assert (await one.post("/v1/probe")).status_code == 200


def _shown(token: str) -> Any:
    from starlette.requests import Request

    return Request({"type": "http", "headers": [(b"authorization", f"Bearer {token}".encode())]})


async def test_a_page_for_nobody_is_no_denial(here: GatewayClient) -> None:
    with capture_logs() as lines:
        assert (await here.get("/probe")).status_code == 303
    assert denials(lines) == []
