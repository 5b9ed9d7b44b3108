"""What is refused, and what breaks, is said as a problem: its kind, a sentence, and nothing that was sent."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, HTTPException
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, SecretStr
from structlog.testing import capture_logs

from services.gateway import problems
from services.gateway.problems import Refused
from shared.api.problems import BY_SLUG, KINDS, MEDIA_TYPE


class Body(BaseModel):
    count: int
    password: SecretStr | None = None


def app() -> FastAPI:
    made = FastAPI()
    problems.install(made)

    @made.post("/v1/things/{number}")
    async def act(number: int, body: Body) -> dict[str, int]:
        return {"count": body.count + number}

    @made.get("/v1/refused")
    async def refuse() -> None:
        raise Refused(
            "imported-before", "It was.", headers={"X-Said": "so"}, import_id="0199d3c5-7a51-7e1a-a2f4-53f1c9f0a1b2"
        )

    @made.get("/v1/status/{status}")
    async def status(status: int) -> None:
        raise HTTPException(status)

    @made.get("/v1/broken")
    async def broken() -> None:
        raise ZeroDivisionError("secret of a customer")

    @made.get("/v1/files/{token}")
    async def linked(token: str) -> None:
        raise ConnectionRefusedError("storage.internal:9000")

    @made.get("/v1/away")
    async def away() -> None:
        raise ConnectionRefusedError("db.internal:5432")

    @made.get("/v1/stream")
    async def stream() -> StreamingResponse:
        async def body() -> AsyncIterator[bytes]:
            yield b"begun"
            raise ZeroDivisionError("half way")

        return StreamingResponse(body())

    return made


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app()), base_url="http://winnow") as made:
        yield made


def problem(response: httpx.Response) -> dict[str, Any]:
    assert response.headers["content-type"] == MEDIA_TYPE
    said: dict[str, Any] = response.json()
    assert said["status"] == response.status_code
    assert said["type"].startswith("https://winnow.invalid/problems/")
    assert said["title"]
    assert said["detail"]
    return said


async def test_a_refusal_says_its_kind_and_where(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/refused")
    said = problem(answer)
    assert (said["type"], said["instance"]) == (BY_SLUG["imported-before"].type, "/v1/refused")
    assert said["import_id"] == "0199d3c5-7a51-7e1a-a2f4-53f1c9f0a1b2"
    assert answer.headers["x-said"] == "so"


async def test_what_is_wrong_with_a_body_is_said_field_by_field_and_not_repeated(client: httpx.AsyncClient) -> None:
    said = problem(await client.post("/v1/things/x", json={"count": "many", "password": ["hunter2"]}))
    assert said["status"] == 422
    assert {each["field"] for each in said["errors"]} == {"number", "count", "password"}
    assert "hunter2" not in json.dumps(said)


async def test_a_body_that_is_no_json_is_malformed(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/things/1", content=b"{", headers={"content-type": "application/json"})
    assert problem(answer)["type"] == BY_SLUG["malformed"].type


async def test_a_wrong_address_and_a_wrong_method_are_problems(client: httpx.AsyncClient) -> None:
    assert problem(await client.get("/v1/nothing"))["status"] == 404
    answer = await client.delete("/v1/refused")
    assert problem(answer)["status"] == 405
    assert answer.headers["allow"] == "GET"


@pytest.mark.parametrize("status", sorted({kind.status for kind in KINDS}))
async def test_whatever_status_a_library_refuses_with_has_a_kind(client: httpx.AsyncClient, status: int) -> None:
    said = problem(await client.get(f"/v1/status/{status}"))
    assert said["status"] == status


async def test_what_nobody_foresaw_has_a_reference_that_is_in_the_log(client: httpx.AsyncClient) -> None:
    with capture_logs() as logs:
        said = problem(await client.get("/v1/broken"))
    assert said["status"] == 500
    (line,) = logs
    assert line["reference"] == said["reference"]
    assert isinstance(line["exc_info"], ZeroDivisionError)
    assert said["reference"] in said["detail"]
    assert "customer" not in json.dumps(said)


async def test_a_server_that_is_away_is_said_so_with_when_to_try_again(client: httpx.AsyncClient) -> None:
    with capture_logs() as logs:
        answer = await client.get("/v1/away")
    said = problem(answer)
    assert (said["status"], logs[0]["reference"]) == (503, said["reference"])
    assert int(answer.headers["retry-after"]) > 0
    assert "db.internal" not in json.dumps(said)


async def test_an_answer_that_breaks_off_is_not_taken_for_a_whole_one(client: httpx.AsyncClient) -> None:
    with capture_logs() as logs, pytest.raises(Exception, match="reference"):
        await client.get("/v1/stream")
    assert logs[0]["event"] == "request.failed"


def test_documented_refusals_name_kinds_that_there_are() -> None:
    documented = problems.of(404, 409)
    assert {404, 409, 429, 500, 503} <= documented.keys()
    assert "imported-before" in documented[409]["description"]


async def test_an_address_that_is_a_secret_is_not_in_the_log(client: httpx.AsyncClient) -> None:
    with capture_logs() as logged:
        assert (await client.get("/v1/files/what-opens-it")).status_code == 503
    assert [line["path"] for line in logged] == ["/v1/files/{token}"]
