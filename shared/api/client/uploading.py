"""A file on its way to a Winnow, in pieces: what breaks off goes on where it broke off (tus 1.0)."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO

from shared.api.client.problems import ApiError, Contradicts, NotFound, Unavailable, Unforeseen, Unreachable
from shared.api.client.requests import Requests

Sent = Callable[[int, int], None]
"""Told how many bytes have been sent, of how many."""

PIECE = 32 * 2**20
"""Bytes of one request."""

_BLOCK = 512 * 2**10
_TUS = {"Tus-Resumable": "1.0.0"}
_PATH = "/v1/uploads"
_BREAKS = (Unreachable, Unavailable, Contradicts)
"""After these Winnow is asked how much it has, and the rest is sent."""


class Changed(ApiError):
    """{path} was changed while it was sent."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} was changed while it was sent")
        self.path = path


@dataclass(frozen=True)
class _Source:
    path: Path
    size: int


async def upload(
    requests: Requests,
    path: Path,
    *,
    name: str | None = None,
    sent: Sent | None = None,
    upload_id: str | None = None,
    piece: int = PIECE,
) -> str:
    """Send a file; the id of the upload. With an `upload_id`, what that one has already is not sent again.

    What is left when it is interrupted is resumed by its id, or expires.

    Raises:
        ApiError: it did not get there; nothing got on for as many attempts as the patience of `requests` has.
    """
    source = _Source(path, (await asyncio.to_thread(path.stat)).st_size)
    said = sent or (lambda _done, _of: None)
    at = None if upload_id is None else await _offset(requests, upload_id)
    if upload_id is None or at is None:
        upload_id, at = await _create(requests, source, name or path.name), 0
    await _send(requests, source, upload_id, at, said, piece)
    return upload_id


async def _create(requests: Requests, source: _Source, name: str) -> str:
    metadata = f"filename {base64.b64encode(name.encode()).decode()}"
    # One that was made and not heard of is nobody's, and expires.
    response = await requests.ask(
        "POST",
        _PATH,
        repeatable=True,
        headers={**_TUS, "Upload-Length": str(source.size), "Upload-Metadata": metadata},
    )
    location = response.headers.get("location", "")
    if response.status_code != HTTPStatus.CREATED or not location:
        raise Unforeseen(f"{requests.url}{_PATH}", f"status {response.status_code} for a new upload")
    return str(location).rstrip("/").rpartition("/")[2]


async def _send(requests: Requests, source: _Source, upload_id: str, at: int, said: Sent, piece: int) -> None:
    failed = 0
    said(at, source.size)
    while at < source.size:
        try:
            now = await _send_piece(requests, source, upload_id, at, said, piece)
        except _BREAKS:
            failed += 1
            if failed >= requests.patience.attempts:
                raise
            await asyncio.sleep(requests.patience.pause(failed))
            found = await _offset(requests, upload_id)
            if found is None:
                raise
            now = found
        if now > at:
            failed = 0
        at = now
        said(at, source.size)


async def _send_piece(requests: Requests, source: _Source, upload_id: str, at: int, said: Sent, piece: int) -> int:
    size = min(piece, source.size - at)
    response = await requests.ask(
        "PATCH",
        f"{_PATH}/{upload_id}",
        headers={
            **_TUS,
            "Upload-Offset": str(at),
            "Content-Type": "application/offset+octet-stream",
            "Content-Length": str(size),
        },
        content=lambda: _blocks(source, at, size, said),
    )
    return _said_offset(requests, response.headers.get("upload-offset"))


async def _blocks(source: _Source, at: int, size: int, said: Sent) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(source.path.open, "rb") as file:
        await asyncio.to_thread(file.seek, at)
        left = size
        while left:
            block = await asyncio.to_thread(_read, file, min(_BLOCK, left))
            if not block:
                raise Changed(source.path)
            left -= len(block)
            yield block
            said(at + size - left, source.size)


def _read(file: BinaryIO, size: int) -> bytes:
    return file.read(size)


async def _offset(requests: Requests, upload_id: str) -> int | None:
    """How much of it Winnow has; None when it has nothing of it any more."""
    try:
        response = await requests.ask("HEAD", f"{_PATH}/{upload_id}", headers=_TUS)
    except NotFound:
        return None
    return _said_offset(requests, response.headers.get("upload-offset"))


def _said_offset(requests: Requests, said: str | None) -> int:
    if said is None or not said.isdecimal():
        raise Unforeseen(f"{requests.url}{_PATH}", "it does not say how much it has")
    return int(said)
