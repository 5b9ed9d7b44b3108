"""How a client asks: what it asks again, what it makes of refusals, and how tokens are renewed."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from shared.api.client import (
    Contradicts,
    NotAllowed,
    NotFound,
    NotSignedIn,
    Patience,
    Refused,
    TooMany,
    Unavailable,
    Unforeseen,
    Unreachable,
)
from shared.api.client.requests import Requests, Token

AT_ONCE = Patience(attempts=3, first=0, longest=0)
PROBLEM = {
    "type": "https://winnow.invalid/problems/imported-before",
    "title": "The file was imported before",
    "status": 409,
    "detail": '"autumn.xlsx" was imported before',
    "instance": "/v1/imports",
    "reference": "W-17",
    "import_id": "0199",
    "errors": [{"field": "options.sheet", "message": "is too long"}],
}


def requests(
    answer: Callable[[httpx.Request], httpx.Response], *, token: Token = "t", patience: Patience = AT_ONCE
) -> Requests:
    return Requests("http://winnow.test/", token, patience=patience, transport=httpx.MockTransport(answer))


def answers(*said: httpx.Response | Exception) -> tuple[Callable[[httpx.Request], httpx.Response], list[httpx.Request]]:
    """Each request in turn is answered so; what was asked."""
    asked: list[httpx.Request] = []
    left: Iterator[httpx.Response | Exception] = iter(said)

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        found = next(left)
        if isinstance(found, Exception):
            raise found
        return found

    return answer, asked


@pytest.mark.parametrize("failure", [httpx.Response(503), httpx.Response(429), httpx.ConnectError("refused")])
@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
async def test_what_is_safe_to_repeat_is_asked_again(method: str, failure: httpx.Response | Exception) -> None:
    answer, asked = answers(failure, failure, httpx.Response(200))
    assert (await requests(answer).ask(method, "/v1/me")).status_code == 200
    assert len(asked) == 3


@pytest.mark.parametrize("failure", [httpx.Response(503), httpx.ReadError("cut"), httpx.ConnectError("refused")])
async def test_what_may_have_been_done_is_not_asked_again(failure: httpx.Response | Exception) -> None:
    answer, asked = answers(failure)
    with pytest.raises((Unavailable, Unreachable)):
        await requests(answer).ask("POST", "/v1/imports/1/undo")
    assert len(asked) == 1


async def test_a_post_with_a_key_of_its_own_is_asked_again() -> None:
    answer, asked = answers(httpx.ReadError("cut"), httpx.Response(201))
    await requests(answer).ask("POST", "/v1/imports", repeatable=True)
    assert len(asked) == 2


async def test_it_is_given_up_in_the_end_and_says_where_nothing_answers() -> None:
    answer, asked = answers(*[httpx.ConnectError("Connection refused")] * 3)
    with pytest.raises(Unreachable, match=r"http://winnow\.test: Connection refused"):
        await requests(answer).ask("GET", "/v1/me")
    assert len(asked) == 3


@pytest.mark.parametrize(
    ("said", "seconds"), [("7", 7.0), ("0", 0.0), ("3600", 20.0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0)]
)
def test_a_pause_that_is_asked_for_is_kept_to_within_reason(said: str, seconds: float) -> None:
    assert Patience().pause(1, httpx.Response(429, headers={"Retry-After": said})) == seconds


def test_pauses_double_and_differ_between_clients() -> None:
    pauses = [Patience(first=1).pause(3) for _ in range(50)]
    assert all(2 <= pause <= 4 for pause in pauses)
    assert len(set(pauses)) > 1
    assert Patience(first=1).pause(1, httpx.Response(503, headers={"Retry-After": "soon"})) <= 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, NotSignedIn), (403, NotAllowed), (404, NotFound), (410, NotFound), (409, Contradicts), (422, Refused)],
)
async def test_a_problem_is_an_exception_that_says_all_of_it(status: int, kind: type[Refused]) -> None:
    answer, _ = answers(
        httpx.Response(status, json=PROBLEM, headers={"content-type": "application/problem+json; charset=utf-8"})
    )
    with pytest.raises(kind) as raised:
        await requests(answer).ask("POST", "/v1/imports")
    refused = raised.value
    assert (refused.status, refused.kind, refused.reference) == (status, "imported-before", "W-17")
    assert str(refused) == refused.detail == '"autumn.xlsx" was imported before'
    assert refused.more == {"import_id": "0199"}
    assert [(error.field, error.message) for error in refused.errors] == [("options.sheet", "is too long")]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"no"'])
async def test_a_problem_that_is_none_is_said_with_its_status(body: bytes) -> None:
    answer, _ = answers(httpx.Response(422, content=body, headers={"content-type": "application/problem+json"}))
    with pytest.raises(Unforeseen, match="422"):
        await requests(answer).ask("GET", "/v1/me")


async def test_a_strangers_page_is_no_answer() -> None:
    answer, _ = answers(httpx.Response(404, html="<h1>It works!</h1>"))
    with pytest.raises(Unforeseen, match="It works!"):
        await requests(answer).ask("GET", "/v1/me")


async def test_a_proxy_without_a_gateway_behind_it_is_unavailable() -> None:
    answer, asked = answers(*[httpx.Response(502, html="<h1>Bad Gateway</h1>")] * 3)
    with pytest.raises(Unavailable):
        await requests(answer).ask("GET", "/v1/me")
    assert len(asked) == 3


async def test_too_many_requests_are_said_to_be_when_waiting_did_not_help() -> None:
    problem = {"title": "Too many requests", "status": 429, "detail": "Try again in 3 s."}
    kind = {"content-type": "application/problem+json"}
    answer, _ = answers(*[httpx.Response(429, json=problem, headers=kind) for _ in range(3)])
    with pytest.raises(TooMany, match="Try again in 3 s"):
        await requests(answer).ask("GET", "/v1/me")


async def test_a_token_that_has_run_out_is_asked_for_again_once() -> None:
    tokens = iter(["old", "new", "newer"])
    answer, asked = answers(
        httpx.Response(200), httpx.Response(401), httpx.Response(200), httpx.Response(401), httpx.Response(401)
    )
    client = requests(answer, token=lambda: next(tokens))
    for _ in range(2):
        await client.ask("GET", "/v1/me")
    with pytest.raises(Unforeseen):
        await client.ask("GET", "/v1/me")
    said = [request.headers["authorization"] for request in asked]
    assert said == ["Bearer old", "Bearer old", "Bearer new", "Bearer new", "Bearer newer"]


async def test_a_token_of_its_own_that_is_not_taken_is_sent_once() -> None:
    kind = {"content-type": "application/problem+json"}
    answer, asked = answers(httpx.Response(401, json={"detail": "The token has run out."}, headers=kind))
    with pytest.raises(NotSignedIn, match="run out"):
        await requests(answer).ask("GET", "/v1/me")
    assert len(asked) == 1


async def test_a_redirect_is_not_followed_and_takes_the_token_nowhere() -> None:
    answer, asked = answers(httpx.Response(303, headers={"location": "https://elsewhere.test/"}))
    assert (await requests(answer).ask("GET", "/v1/imports/1/corrections")).status_code == 303
    assert len(asked) == 1
