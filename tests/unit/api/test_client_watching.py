"""Events of a server, over as many connections as it takes."""

import httpx
import pytest

from shared.api.client import NotFound, Patience, Unforeseen, Unreachable
from shared.api.client.requests import Requests
from shared.api.client.watching import Message, messages

AT_ONCE = Patience(attempts=3, first=0, longest=0)


def stream(text: str) -> httpx.Response:
    return httpx.Response(200, content=text.encode(), headers={"content-type": "text/event-stream; charset=utf-8"})


async def watched(*answers: httpx.Response | Exception) -> tuple[list[Message], list[str | None], list[str]]:
    """The messages, what each connection said that it had last, and what was said of those that broke."""
    left, asked = iter(answers), list[str | None]()
    lost: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers.get("last-event-id"))
        found = next(left)
        if isinstance(found, Exception):
            raise found
        return found

    requests = Requests("http://winnow.test", "t", patience=AT_ONCE, transport=httpx.MockTransport(answer))
    found = [m async for m in messages(requests, "/v1/imports/1/events", patience=AT_ONCE, lost=lost.append)]
    return found, asked, lost


async def test_messages_are_read_until_the_one_that_ends() -> None:
    said = (
        ': hello\n\nid: 1\ndata: {"a":\ndata: 1}\n\nevent: note\r\ndata:x\r\n\r\nevent: end\ndata: \n\ndata: never\n\n'
    )
    found, _, lost = await watched(stream(said))
    assert found == [Message("message", '{"a":\n1}', "1"), Message("note", "x", "1")]
    assert lost == []


async def test_a_connection_that_breaks_is_made_again_from_the_last_message_on() -> None:
    found, asked, lost = await watched(
        stream("id: 1\ndata: a\n\nid: 2\ndata: half"),
        httpx.ConnectError("refused"),
        stream("id: 3\ndata: b\n\nevent: end\n\n"),
    )
    assert [message.data for message in found] == ["a", "b"], "half a message is none"
    assert asked == [None, "1", "1"]
    assert len(lost) == 2


async def test_as_long_as_messages_come_it_goes_on_and_then_not_for_ever() -> None:
    with pytest.raises(Unreachable):
        await watched(*[stream("data: a\n\n")] * 5, *[httpx.ConnectError("refused")] * 30)


@pytest.mark.parametrize(
    ("answer", "raised"),
    [
        (httpx.Response(404, json={"detail": "no"}, headers={"content-type": "application/problem+json"}), NotFound),
        (httpx.Response(200, json={}), Unforeseen),
        (httpx.Response(204), Unforeseen),
    ],
)
async def test_what_is_refused_or_is_no_stream_is_raised(answer: httpx.Response, raised: type[Exception]) -> None:
    with pytest.raises(raised):
        await watched(answer)
