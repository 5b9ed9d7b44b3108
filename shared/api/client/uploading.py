"""A file on its way to a Winnow, in pieces: what breaks off goes on where it broke off (tus 1.0)."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

import httpx

from shared.api.client.problems import ApiError, Contradicts, NotFound, Unavailable, Unforeseen, Unreachable
from shared.api.client.requests import Requests

Sent = Callable[[int, int], None]
"""Told how many bytes have been sent, of how many."""

PIECE = 32 * 2**20
"""Bytes of one request."""

_BLOCK = 512 * 2**10
TUS = {"Tus-Resumable": "1.0.0"}
"""What a request says that speaks tus."""

_PATH = "/v1/uploads"
_BREAKS = (Unreachable, Unavailable, Contradicts)
"""After these Winnow is asked how much it has, and the rest is sent."""


class Changed(ApiError):
    """{path} was changed while it was sent."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} was changed while it was sent")
        self.path = path


async def upload(
    requests: Requests,
    path: Path,
    *,
    name: str | None = None,
    sent: Sent | None = None,
    upload_id: UUID | None = None,
    piece: int = PIECE,
) -> UUID:
    """Send a file; the id of the upload. With an `upload_id`, what that one has already is not sent again.

    What is left when it is interrupted is resumed by its id, or expires.

    Raises:
        ApiError: it did not get there; nothing got on for as many attempts as the patience of `requests` has.
    """
    size = await _size_of(path)
    said = sent or _nobody
    at = None if upload_id is None else await offset_of(requests, upload_id)
    if upload_id is None or at is None:
        upload_id, at = await _begin(requests, size, name or path.name), 0
    failed = 0
    said(at, size)
    while at < size:
        if await _size_of(path) != size:
            raise Changed(path)
        try:
            now = await send_piece(requests, path, upload_id, at, said, piece=piece)
        except _BREAKS:
            failed += 1
            if failed >= requests.patience.attempts:
                raise
            await asyncio.sleep(requests.patience.pause(failed))
            found = await offset_of(requests, upload_id)
            if found is None:
                raise
            now = found
        failed = 0 if now > at else failed
        at = now
        said(at, size)
    return upload_id


async def send_whole(requests: Requests, path: Path, name: str, sent: Sent | None) -> httpx.Response:
    """Send a file in one request; the answer to it.

    Raises:
        ApiError: it did not get there; nothing of it is kept.
    """
    size = await _size_of(path)
    return await requests.ask(
        "POST",
        _PATH,
        params={"file_name": name},
        headers={"Content-Type": "application/octet-stream", "Content-Length": str(size)},
        content=lambda: _blocks(path, 0, size, size, sent or _nobody),
    )


async def send_piece(
    requests: Requests, path: Path, upload_id: UUID, at: int, sent: Sent | None, *, piece: int = PIECE
) -> int:
    """Send what is in a file from `at` on, at most so many bytes; how much of it there is then.

    Raises:
        ApiError: it did not get there, or not all of it.
    """
    whole = await _size_of(path)
    size = min(piece, whole - at)
    response = await requests.ask(
        "PATCH",
        f"{_PATH}/{upload_id}",
        headers={
            **TUS,
            "Upload-Offset": str(at),
            "Content-Type": "application/offset+octet-stream",
            "Content-Length": str(size),
        },
        content=lambda: _blocks(path, at, size, whole, sent or _nobody),
    )
    return _said_offset(requests, response.headers.get("upload-offset"))


async def offset_of(requests: Requests, upload_id: UUID) -> int | None:
    """How much of an upload there is; None when there is no such upload any more.

    Raises:
        ApiError: it does not say.
    """
    try:
        response = await requests.ask("HEAD", f"{_PATH}/{upload_id}", headers=TUS)
    except NotFound:
        return None
    return _said_offset(requests, response.headers.get("upload-offset"))


async def _begin(requests: Requests, size: int, name: str) -> UUID:
    metadata = f"filename {base64.b64encode(name.encode()).decode()}"
    # One that was begun and not heard of is nobody's, and expires.
    response = await requests.ask(
        "POST",
        _PATH,
        repeatable=True,
        headers={**TUS, "Upload-Length": str(size), "Upload-Metadata": metadata},
    )
    location = str(response.headers.get("location", ""))
    try:
        return UUID(location.rstrip("/").rpartition("/")[2])
    except ValueError:
        raise Unforeseen(f"{requests.url}{_PATH}", f"status {response.status_code} for a new upload") from None


async def _blocks(path: Path, at: int, size: int, whole: int, sent: Sent) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(path.open, "rb") as file:
        await asyncio.to_thread(file.seek, at)
        left = size
        while left > 0:
            block = await asyncio.to_thread(_read, file, min(_BLOCK, left))
            if not block:
                raise Changed(path)
            left -= len(block)
            yield block
            sent(at + size - left, whole)


def _read(file: BinaryIO, size: int) -> bytes:
    return file.read(size)


async def _size_of(path: Path) -> int:
    return (await asyncio.to_thread(path.stat)).st_size


def _nobody(_done: int, _of: int) -> None:
    """Who is told when nobody asked to be."""


def _said_offset(requests: Requests, said: str | None) -> int:
    if said is None or not said.isdecimal():
        raise Unforeseen(f"{requests.url}{_PATH}", "it does not say how much it has")
    return int(said)
