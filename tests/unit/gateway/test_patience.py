"""Nobody waits for ever, whatever is frozen behind the gateway."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

from services.gateway import problems
from services.gateway.patience import Patience


@dataclass
class Frozen:
    """A server that takes what is sent and does not answer before `thawed`; what waits for it is not let go of before."""

    thawed: asyncio.Event = field(default_factory=asyncio.Event)
    done: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)

    async def ask(self, what: str) -> str:
        try:
            await self.thawed.wait()
        except asyncio.CancelledError:
            # As a driver that gives back a connection in order.
            await self.thawed.wait()
            self.ended.append(what)
            raise
        self.done.append(what)
        return what


@pytest.fixture
def frozen() -> Frozen:
    return Frozen()


@pytest.fixture
async def client(frozen: Frozen) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.add_middleware(Patience, longest_seconds=0.05, longest_upload_seconds=0.05)
    problems.install(app)

    @app.get("/v1/looked-at")
    async def look() -> str:
        return await frozen.ask("look")

    @app.post("/v1/changed")
    async def change() -> str:
        return await frozen.ask("change")

    @app.patch("/v1/uploads/{upload}")
    async def upload(upload: str, request: Request) -> str:
        async for _piece in request.stream():
            pass
        return upload if upload == "taken" else await frozen.ask(upload)

    @app.get("/v1/streamed")
    async def stream() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            yield b"begun, "
            yield (await frozen.ask("stream")).encode()

        return StreamingResponse(parts())

    @app.get("/v1/broken")
    async def broken() -> None:
        raise ZeroDivisionError

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://winnow") as client:
        yield client
    frozen.thawed.set()


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/looked-at"), ("POST", "/v1/changed"), ("PATCH", "/v1/uploads/frozen")]
)
async def test_who_asks_while_a_server_is_frozen_is_told_to_come_again(
    client: httpx.AsyncClient, method: str, path: str
) -> None:
    async with asyncio.timeout(10):
        answer = await client.request(method, path)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.json()["type"].endswith("/unavailable")


async def test_what_changes_something_goes_on_and_what_only_looks_is_ended(
    client: httpx.AsyncClient, frozen: Frozen
) -> None:
    await client.get("/v1/looked-at")
    await client.post("/v1/changed")
    frozen.thawed.set()
    assert (await client.get("/v1/looked-at")).json() == "look"
    assert (frozen.done, frozen.ended) == (["change", "look"], ["look"])


async def test_what_has_begun_takes_its_time(client: httpx.AsyncClient, frozen: Frozen) -> None:
    asyncio.get_running_loop().call_later(0.2, frozen.thawed.set)
    async with asyncio.timeout(10):
        answer = await client.get("/v1/streamed")
    assert (answer.status_code, answer.text) == (200, "begun, stream")


async def test_a_sender_may_be_slow(client: httpx.AsyncClient, frozen: Frozen) -> None:
    async def slowly() -> AsyncIterator[bytes]:
        for _ in range(2):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.1):
                    await frozen.thawed.wait()
            yield b"a piece"

    async with asyncio.timeout(10):
        answer = await client.patch("/v1/uploads/taken", content=slowly())
    assert answer.status_code == 200


async def test_what_breaks_is_answered_as_ever(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/broken")).status_code == 500
