"""What a Winnow tells as it happens (server-sent events), over as many connections as it takes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from http import HTTPStatus

import httpx

from shared.api.client.problems import Refused, TooMany, Unavailable, Unforeseen, Unreachable
from shared.api.client.requests import Patience, Requests

END = "end"
"""The event after which nothing follows."""

# Winnow says something at least every 15 seconds.
_SILENCE = httpx.Timeout(45, connect=5)
_KIND = "text/event-stream"


@dataclass(frozen=True)
class Message:
    """One message: the name of its event, its data, its id."""

    event: str
    data: str
    id: str | None = None


@dataclass
class _Reader:
    """Lines become messages, as the HTML standard says."""

    event: str = ""
    data: list[str] = field(default_factory=list)
    last_id: str | None = None
    read_id: str | None = None
    retry: float | None = None

    def read(self, line: str) -> Message | None:
        if not line:
            return self._ended()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self.data.append(value)
        elif name == "event":
            self.event = value
        elif name == "id" and "\0" not in value:
            self.read_id = value
        elif name == "retry" and value.isdecimal():
            self.retry = int(value) / 1000
        return None

    def _ended(self) -> Message | None:
        event, data = self.event or "message", self.data
        self.event, self.data, self.last_id = "", [], self.read_id
        # Without data it is none, but for the one that ends: some servers leave its data out.
        if not data and event != END:
            return None
        return Message(event, "\n".join(data), self.last_id)


async def messages(
    requests: Requests, path: str, *, patience: Patience | None = None, lost: Callable[[str], None] | None = None
) -> AsyncIterator[Message]:
    """Every message until the one that ends; a connection that breaks is made again, from the last message on.

    `lost` is told why, each time one breaks.

    Raises:
        ApiError: it is refused, or no connection was made for as many attempts as `patience` has.
    """
    patience = patience or Patience(attempts=20, first=0.5, longest=10)
    reader = _Reader()
    failed = 0
    while True:
        asked = {"Accept": _KIND, **({} if reader.last_id is None else {"Last-Event-ID": reader.last_id})}
        try:
            async with requests.stream("GET", path, repeatable=False, headers=asked, timeout=_SILENCE) as response:
                _refuse_others(response)
                reader.event, reader.data, reader.read_id = "", [], reader.last_id
                async for line in response.aiter_lines():
                    message = reader.read(line)
                    if message is None:
                        continue
                    failed = 0
                    if message.event == END:
                        return
                    yield message
            why: Exception = Unreachable(requests.url, "the connection ended")
        except (Unreachable, Unavailable, TooMany) as error:
            why = error
        except httpx.TransportError as error:
            why = Unreachable(requests.url, str(error) or type(error).__name__)
        failed += 1
        if failed >= patience.attempts:
            raise why
        if lost is not None:
            lost(why.detail if isinstance(why, Refused) else str(why))
        await asyncio.sleep(
            patience.pause(failed) if reader.retry is None else max(reader.retry, patience.pause(failed))
        )


def _refuse_others(response: httpx.Response) -> None:
    if response.status_code != HTTPStatus.OK or not response.headers.get("content-type", "").startswith(_KIND):
        raise Unforeseen(str(response.request.url), f"status {response.status_code} in place of a stream of events")
