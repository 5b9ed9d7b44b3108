"""A live page: the whole state at once, again when it is another, and an end."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import cast

import pytest
from fastapi.responses import StreamingResponse
from sqlalchemy.ext.asyncio import create_async_engine
from structlog.testing import capture_logs

from services.gateway.live import Live, Shown, Streams
from services.gateway.people import Person, Role
from services.gateway.problems import Refused

ANN = Person("acme", "ann", "Ann", None, frozenset({Role.VIEWER}), "token")
BEN = Person("acme", "ben", "Ben", None, frozenset({Role.VIEWER}), "token")


@pytest.fixture
def live() -> Live:
    """Nobody listens: whoever waits is told every now and then."""
    return Live(create_async_engine("postgresql+asyncpg://nobody@127.0.0.1:1/x"), at_most_every=0, poll=0.01)


async def events(response: StreamingResponse) -> list[str]:
    return [part.decode() async for part in cast("AsyncIterator[bytes]", response.body_iterator)]


async def test_each_state_is_sent_once_and_the_last_ends_it(live: Live) -> None:
    states = iter([Shown("1", "a\nb"), Shown("1", "a\nb"), Shown("2", "c", ended=True)])

    async def look() -> Shown | None:
        return next(states)

    sent = await events(Streams(live, most=1, most_of_one=1).stream(ANN, look, tenant="acme"))
    assert sent == [
        "retry: 3000\n\n",
        "id: 1\ndata: a\ndata: b\n\n",
        "id: 2\ndata: c\n\n",
        "id: 2\nevent: end\ndata: ended\n\n",
    ]
    assert live.waiting == 0


async def test_what_is_gone_ends(live: Live) -> None:
    async def look() -> Shown | None:
        return None

    sent = await events(Streams(live, most=1, most_of_one=1).stream(ANN, look, tenant="acme"))
    assert sent[1:] == ["event: end\ndata: gone\n\n"]


async def test_a_database_that_is_away_for_a_moment_does_not_end_it(live: Live) -> None:
    states: Iterator[Exception | Shown] = iter([ConnectionRefusedError(), Shown("1", "a", ended=True)])

    async def look() -> Shown | None:
        found = next(states)
        if isinstance(found, Exception):
            raise found
        return found

    with capture_logs() as logs:
        sent = await events(Streams(live, most=1, most_of_one=1).stream(ANN, look, tenant="acme"))
    assert sent[1] == "id: 1\ndata: a\n\n"
    assert [line["event"] for line in logs] == ["request.server_away"]


async def test_what_nobody_foresaw_breaks_it_off_and_is_logged(live: Live) -> None:
    async def look() -> Shown | None:
        raise ZeroDivisionError

    with capture_logs() as logs:
        sent = await events(Streams(live, most=1, most_of_one=1).stream(ANN, look, tenant="acme"))
    assert sent == ["retry: 3000\n\n"]
    assert logs[0]["reference"].startswith("W-")


async def test_a_person_and_a_process_have_so_many_places_and_they_come_back(live: Live) -> None:
    held = asyncio.Event()

    async def look() -> Shown | None:
        await held.wait()
        return None

    async def receive() -> dict[str, str]:
        await asyncio.Event().wait()
        return {}

    async def send(_message: object) -> None:
        pass

    streams = Streams(live, most=2, most_of_one=1)
    scope = {"type": "http", "asgi": {"spec_version": "2.4"}}
    open_ones = []
    for person in (ANN, BEN):
        answer = streams.stream(person, look, tenant="acme")
        open_ones.append(asyncio.ensure_future(answer(scope, receive, send)))
        await asyncio.sleep(0)
        with pytest.raises(Refused) as refused:
            streams.stream(person, look, tenant="acme")
        assert refused.value.kind.status == 429
        assert refused.value.headers["Retry-After"] == "10"
    assert streams.open == 2
    held.set()
    await asyncio.gather(*open_ones)
    assert streams.open == 0
