"""Files of a Winnow: a link that is good for a moment, and what is behind it."""

import asyncio
import re
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote, urljoin

import httpx

from shared.api.client.problems import Unforeseen, Unreachable
from shared.api.client.requests import Requests

Received = Callable[[int], None]
"""Told how many bytes there are so far."""

_NAME = re.compile(r"filename\*=UTF-8''(?P<coded>[^;]+)|filename=\"(?P<plain>[^\"]*)\"", re.IGNORECASE)


async def link(requests: Requests, path: str, **said: Any) -> str:
    """Where a path leads: the whole address of the file, good for a moment and for whoever has the token.

    Raises:
        ApiError: see `shared.api.client.problems`.
    """
    response = await requests.ask("GET", path, **said)
    location: str = response.headers.get("location", "")
    if response.status_code != HTTPStatus.SEE_OTHER or not location:
        raise Unforeseen(f"{requests.url}{path}", f"status {response.status_code} in place of a link")
    return urljoin(str(response.request.url), location)


async def fetch(requests: Requests, path: str, target: Path, *, received: Received | None = None) -> str | None:
    """Write what is at a path into a file, again from its beginning when it breaks off; the name it is given.

    Raises:
        ApiError: see `shared.api.client.problems`. The file may be there in part.
    """
    attempts = requests.patience.attempts
    for attempt in range(1, attempts + 1):
        try:
            return await _fetch_once(requests, path, target, received or (lambda _bytes: None))
        except httpx.TransportError as error:
            if attempt == attempts:
                raise Unreachable(requests.url, str(error) or type(error).__name__) from error
        await asyncio.sleep(requests.patience.pause(attempt))
    raise AssertionError("the last attempt returns or raises")


async def _fetch_once(requests: Requests, path: str, target: Path, received: Received) -> str | None:
    async with requests.stream("GET", path, headers={"Accept": "*/*"}) as response:
        if response.status_code != HTTPStatus.OK:
            raise Unforeseen(f"{requests.url}{path}", f"status {response.status_code} in place of a file")
        done = 0
        with await asyncio.to_thread(target.open, "wb") as file:
            async for block in response.aiter_bytes(2**18):
                await asyncio.to_thread(_write, file, block)
                done += len(block)
                received(done)
        return _name(response.headers.get("content-disposition", ""))


def _write(file: BinaryIO, block: bytes) -> None:
    file.write(block)


def _name(disposition: str) -> str | None:
    """The file's name, without any folder somebody may have put before it."""
    found = _NAME.search(disposition)
    if found is None:
        return None
    said = unquote(found["coded"]) if found["coded"] else found["plain"]
    return said.replace("\\", "/").rpartition("/")[2].strip(". ") or None
