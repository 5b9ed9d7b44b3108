"""Bytes of one request into pieces, and pieces into storage, one behind the other.

While two pieces are on their way to storage the next one is filled; each counts when all before it do. What is too little for a part when the request ends, or breaks
off, waits in the database for what comes behind it, so a sender whose connection breaks every few seconds gets on as well.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from services.gateway.uploads import repository
from services.gateway.uploads.names import content_type, object_key
from services.gateway.uploads.pieces import Piece, Pieces
from services.gateway.uploads.repository import Advance, Upload, WriterReplaced
from shared.db.transaction import tenant_transaction
from shared.storage import LEAST_PART, MOST_PARTS, ObjectStat, StoredPart
from shared.storage.multipart import Bytes

ON_THE_WAY = 2
"""Pieces of one file that are sent to storage at the same time."""

# Seconds for which a piece may be filled while others wait for one.
_TURN = 3.0


class PartStore(Protocol):
    """What is needed of storage. Real and in memory, it passes tests/contract/storage."""

    async def begin(self, bucket: str, key: str, content_type: str) -> str:
        """Begin an object in parts; storage's name of it."""

    async def part(self, bucket: str, key: str, upload: str, number: int, content: Bytes) -> str:
        """Send a part; its tag."""

    async def put(self, bucket: str, key: str, content: Bytes) -> str:
        """Store an object as a whole; its tag."""

    async def complete(self, bucket: str, key: str, upload: str, parts: Sequence[StoredPart]) -> None:
        """Make an object of parts."""

    async def abort(self, bucket: str, key: str, upload: str) -> None:
        """Give an upload in parts up; what is not there any more is fine."""

    async def stat(self, bucket: str, key: str) -> ObjectStat | None:
        """Size and tag of an object; None when there is none."""

    async def remove(self, bucket: str, key: str) -> None:
        """Delete an object; what is not there is fine."""

    async def link(self, bucket: str, key: str, *, expires: timedelta) -> str:
        """A signed link to which an object may be sent with PUT."""


class TooManyBytes(Exception):
    """More bytes came than the file was to have, or than are taken."""

    def __init__(self, most: int) -> None:
        super().__init__(f"more than {most:,} bytes")
        self.most = most


class TooManyParts(Exception):
    """It was begun again more often than storage has numbers for."""


class BrokenOff(Exception):
    """The sender is gone."""


class Silent(Exception):
    """Nothing came for a long time."""


class Receiver:
    """Takes what one request brings of an upload, from where the upload is. To be used once.

    `upload` is as this request, the `writer`, has claimed it. At most `most` bytes are taken of the file as a whole.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        store: PartStore,
        bucket: str,
        pieces: Pieces,
        upload: Upload,
        writer: UUID,
        *,
        most: int,
        lives: timedelta,
        silence: float,
    ) -> None:
        self.stored_whole: str | None = None
        """The key of the object, where the file was small enough to be stored as a whole."""
        self._engine = engine
        self._store = store
        self._bucket = bucket
        self._pieces = pieces
        self._upload = upload
        self._writer = writer
        self._most = most
        self._lives = lives
        self._silence = silence
        self._object_key, self._storage_upload = upload.object_key, upload.storage_upload
        self._numbers = deque(range(upload.next_part - ON_THE_WAY, upload.next_part))
        # Bytes that are counted; bytes that have come; of these, where the piece in hand begins.
        self._received = self._position = self._start = upload.received
        self._has_waiting = True
        self._piece: Piece | None = None
        self._since = 0.0
        self._sending: deque[asyncio.Task[None]] = deque()

    @property
    def received(self) -> int:
        """How much of the file outlives this process."""
        return self._received

    @property
    def position(self) -> int:
        """How much of it has come."""
        return self._position

    async def take(self, stream: AsyncIterator[bytes], *, whole: bool = False) -> None:
        """Take all that comes. What came before something went wrong is kept as far as it can be.

        Of a `whole` file the end is where the stream ends; it is not gone on with, so nothing of it is kept.

        Raises:
            TooManyBytes, TooManyParts, WriterReplaced, NoRoom, Silent: as they say.
            ObjectUnavailable: storage is away.
            UploadGone: storage has given up what it had of it.
        """
        try:
            async for chunk in _spoken(stream, self._silence):
                await self._add(memoryview(chunk))
        except BaseException:
            with contextlib.suppress(Exception):
                await self._sent()
                if not whole:
                    await self._settle()
            raise
        else:
            await self._settle(is_end=whole)
        finally:
            if self._piece is not None:
                self._pieces.give_back(self._piece)

    async def _add(self, left: memoryview) -> None:
        if self._position + len(left) > self._most:
            raise TooManyBytes(self._most)
        while left:
            piece = self._piece or await self._take_piece()
            if piece.is_full:
                await self._hand_over(is_end=False)
                continue
            filled = piece.fill(left)
            self._position += filled
            left = left[filled:]
        if self._pieces.is_short and time.monotonic() - self._since > _TURN:
            await self._step_aside()

    async def _take_piece(self) -> Piece:
        piece = self._piece = await self._pieces.take()
        self._since = time.monotonic()
        if self._has_waiting:
            async with tenant_transaction(self._engine, self._upload.tenant_id) as conn:
                for content in await repository.waiting(conn, self._upload.id):
                    piece.fill(memoryview(content))
            self._has_waiting = False
        self._start = self._position - piece.filled
        return piece

    async def _step_aside(self) -> None:
        """Let others have the piece in hand, where its sender is slow and they wait for one."""
        await self._settle()
        if self._piece is not None:
            self._pieces.give_back(self._piece)
            self._piece = None

    async def _settle(self, *, is_end: bool = False) -> None:
        """Have all that has come counted. Of a file that has come as a whole, nothing waits in the database."""
        await self._sent()
        is_end = is_end or self._position == self._upload.size
        if self._piece is None or self._position == self._received or self._start > self._received:
            # Nothing more has come, or what came before it did not arrive.
            return
        if is_end or self._piece.filled >= LEAST_PART:
            await self._hand_over(is_end=is_end)
            await self._sent()
        else:
            await self._keep(self._piece)

    async def _hand_over(self, *, is_end: bool) -> None:
        """Have the piece in hand sent, when not too many are on their way."""
        if len(self._sending) == ON_THE_WAY:
            await asyncio.wait({self._sending[0]})
            if self._sending[0].exception() is not None:
                await self._sent()
            self._sending.popleft()
        if self._numbers[0] > MOST_PARTS:
            raise TooManyParts
        is_whole = is_end and self._storage_upload is None
        if self._storage_upload is None and not is_whole:
            await self._begin(self._own_key())
        piece, self._piece = self._piece, None
        assert piece is not None
        if is_whole:
            sending = self._send_whole(piece)
        else:
            before = self._sending[-1] if self._sending else None
            sending = self._send(piece, self._start, self._numbers.popleft(), before, is_end=is_end)
        self._sending.append(asyncio.create_task(sending))

    async def _sent(self) -> None:
        """Wait until the pieces that are on their way have arrived, whatever becomes of this request meanwhile."""
        if self._sending:
            await asyncio.wait(self._sending)
            sent = list(self._sending)
            self._sending.clear()
            for failed in [task.exception() for task in sent]:
                if failed is not None:
                    raise failed

    async def _send_whole(self, piece: Piece) -> None:
        try:
            key = self._own_key()
            await self._store.put(self._bucket, key, piece.content)
            self.stored_whole = key
        finally:
            self._pieces.give_back(piece)

    async def _send(
        self, piece: Piece, start: int, number: int, before: "asyncio.Task[None] | None", *, is_end: bool
    ) -> None:
        """Send a part, and count it when the one before it counts."""
        upload = self._upload
        assert self._object_key is not None
        assert self._storage_upload is not None
        try:
            etag = await self._store.part(self._bucket, self._object_key, self._storage_upload, number, piece.content)
            if before is not None:
                await asyncio.wait({before})
                before.result()
            advance = Advance(self._received, start + piece.filled, is_end)
            async with tenant_transaction(self._engine, upload.tenant_id) as conn:
                further = await repository.add_part(
                    conn, upload, self._writer, advance, start, StoredPart(number, etag), self._lives
                )
            self._received = advance.end
            self._numbers.append(further)
        finally:
            self._pieces.give_back(piece)

    def _own_key(self) -> str:
        """A key that no other request has for this upload."""
        upload = self._upload
        return object_key(upload.tenant_id, str(upload.id), upload.next_part, upload.file_name)

    async def _begin(self, key: str) -> None:
        storage_upload = await self._store.begin(self._bucket, key, content_type(self._upload.file_name))
        try:
            async with tenant_transaction(self._engine, self._upload.tenant_id) as conn:
                await repository.name_in_storage(
                    conn, self._upload.id, self._writer, object_key=key, storage_upload=storage_upload
                )
        except WriterReplaced:
            await self._store.abort(self._bucket, key, storage_upload)
            raise
        self._object_key, self._storage_upload = key, storage_upload

    async def _keep(self, piece: Piece) -> None:
        """Have what is too little for a part wait in the database."""
        advance = Advance(self._received, self._position)
        async with self._pieces.keeping, tenant_transaction(self._engine, self._upload.tenant_id) as conn:
            content = bytes(piece.content[advance.start - self._start :])
            await repository.add_waiting(conn, self._upload, self._writer, advance, content, self._lives)
        self._received = advance.end
        self._has_waiting = True


async def _spoken(stream: AsyncIterator[bytes], silence: float) -> AsyncIterator[bytes]:
    """What comes, but for what says nothing.

    Raises:
        Silent: nothing came for so many seconds.
    """
    while True:
        try:
            async with asyncio.timeout(silence):
                chunk = await anext(stream)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise Silent from None
        if chunk:
            yield chunk
