"""What every answer tells a browser, whatever it answers."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import cast

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse
from starlette.types import Message

from services.gateway import problems
from services.gateway.app import create_app
from services.gateway.resources import Gateway
from services.gateway.who.bodies import MOST_BYTES, BodyLimit, is_streamed
from services.gateway.who.headers import CONTENT_SECURITY_POLICY, SecurityHeaders
from tests.harness.routes import routes_of


def served(*, over_tls: bool = True, longest_seconds: float = 30) -> FastAPI:
    app = FastAPI()
    problems.install(app)
    app.add_middleware(BodyLimit, longest_seconds=longest_seconds)
    app.add_middleware(SecurityHeaders, over_tls=over_tls)

    @app.get("/good")
    async def good() -> str:
        return "good"

    @app.get("/broken")
    async def broken() -> str:
        raise RuntimeError("a secret")

    @app.get("/kept")
    async def kept() -> Response:
        return Response("x", headers={"Cache-Control": "public, max-age=31536000, immutable"})

    @app.get("/streamed")
    async def streamed() -> StreamingResponse:
        return StreamingResponse(iter([b"a", b"b"]))

    @app.post("/json")
    async def json(body: dict[str, str]) -> int:
        return len(body)

    @app.post("/v1/uploads/presigned")
    async def presigned(body: dict[str, str]) -> int:
        return len(body)

    @app.post("/form")
    async def form(request: Request) -> int:
        return len(await request.form())

    @app.post("/v1/uploads")
    @app.patch("/v1/uploads/{upload}")
    @app.post("/import")
    @app.post("/nothing-read")
    async def unread() -> str:
        return "unread"

    return app


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(served()), base_url="https://winnow.example") as client:
        yield client


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/good", 200),
        ("GET", "/missing", 404),
        ("PUT", "/good", 405),
        ("GET", "/broken", 500),
        ("GET", "/streamed", 200),
        ("POST", "/json", 422),
    ],
)
async def test_every_answer_has_them_errors_included(
    client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await client.request(method, path)
    assert answer.status_code == status
    headers = answer.headers
    assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]
    assert headers["cache-control"] == "no-store"
    assert headers["strict-transport-security"] == "max-age=31536000"


def test_the_policy_lets_nothing_run_that_is_not_ours() -> None:
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert dict(part.split(" ", 1) for part in CONTENT_SECURITY_POLICY.split("; ")) == {
        "default-src": "'none'",
        **{f"{kind}-src": "'self'" for kind in ("script", "style", "img", "font", "connect")},
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }


async def test_what_is_everybodys_is_kept_as_its_route_says(client: httpx.AsyncClient) -> None:
    assert (await client.get("/kept")).headers["cache-control"] == "public, max-age=31536000, immutable"


async def test_without_tls_nobody_is_told_to_use_it() -> None:
    transport = httpx.ASGITransport(served(over_tls=False))
    async with httpx.AsyncClient(transport=transport, base_url="http://winnow.example") as client:
        assert "strict-transport-security" not in (await client.get("/good")).headers


async def _pieces(size: int) -> AsyncIterator[bytes]:
    yield b'{"a": "'
    for _ in range(size // 1000):
        yield b"x" * 1000
    yield b'"}'


@pytest.mark.parametrize("says_its_length", [True, False])
async def test_a_body_that_is_too_large_is_not_read_to_its_end(
    client: httpx.AsyncClient, says_its_length: bool
) -> None:
    content = b'{"a": "' + b"x" * MOST_BYTES + b'"}' if says_its_length else _pieces(MOST_BYTES * 50)
    answer = await client.post("/json", content=content, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (413, "too-large")
    assert "1,024 kB" in answer.json()["detail"]


async def test_a_body_that_is_small_enough_is_read(client: httpx.AsyncClient) -> None:
    answer = await client.post("/json", content=_pieces(MOST_BYTES // 2), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()) == (200, 1)


_WITH_FILES = "multipart/form-data; boundary=x"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/json", "application/json"),
        ("/json", _WITH_FILES),
        ("/json", "text/plain"),
        ("/v1/uploads/presigned", "application/json"),
        ("/v1/uploads/presigned", _WITH_FILES),
        ("/form", _WITH_FILES),
    ],
)
async def test_no_type_or_address_of_a_body_has_more_of_it_read(
    client: httpx.AsyncClient, path: str, kind: str
) -> None:
    read = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal read
        yield (
            b'--x\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n' if path == "/form" else b'{"a": "'
        )
        for _ in range(100):
            read += 1
            yield b"x" * (MOST_BYTES // 10)

    answer = await client.post(path, content=pieces(), headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (413, "too-large")
    assert read < 20


async def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    app = served(longest_seconds=0.05)
    sent: list[Message] = []
    said = False

    async def receive() -> Message:
        nonlocal said
        if said:
            await asyncio.Event().wait()
        said = True
        return {"type": "http.request", "body": b'{"a":', "more_body": True}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/json",
        "raw_path": b"/json",
        "query_string": b"",
        "headers": [],
    }
    async with asyncio.timeout(10):
        await app(scope, receive, send)
    assert sent[0]["status"] == 408
    assert (b"connection", b"close") in sent[0]["headers"]


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/v1/uploads"), ("PATCH", "/v1/uploads/an-id"), ("POST", "/import")]
)
async def test_uploads_have_limits_of_their_own(client: httpx.AsyncClient, method: str, path: str) -> None:
    assert (await client.request(method, path, content=b"x" * (MOST_BYTES + 1))).status_code == 200


def test_what_is_read_piece_by_piece_is_what_takes_a_sender() -> None:
    routes = routes_of(create_app(cast("Gateway", SimpleNamespace(over_tls=False))))
    sending = {(route.method, route.path) for route in routes if any(needs.streams_form for needs in route.needs)}
    streamed = {
        (route.method, route.path)
        for route in routes
        if is_streamed(route.method, route.path.replace("{upload_id}", "01a2171d-fcf7-7599-8572-91a5f23e0770"))
    }
    # The last is PATCH and DELETE for senders that know neither.
    assert streamed == sending | {("POST", "/v1/uploads/{upload_id}")}
    assert len(sending) == 3
