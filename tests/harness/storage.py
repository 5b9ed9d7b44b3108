"""Object storage in memory: what tests of one service use in place of a server. It passes tests/contract/storage."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from shared.storage import (
    LEAST_PART,
    MOST_PARTS,
    ObjectChanged,
    ObjectMissing,
    ObjectStat,
    ObjectTooLarge,
    ObjectUnreadable,
    StoredPart,
    UploadGone,
)
from shared.storage.multipart import Bytes


@dataclass
class MemoryStore:
    """Objects by bucket and key. What is in `refusals` is raised when the object is asked for, `away` by everything."""

    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)
    refusals: dict[tuple[str, str], Exception] = field(default_factory=dict)
    away: Exception | None = None

    async def stat(self, bucket: str, key: str) -> ObjectStat | None:
        self._refuse(bucket, key)
        content = self.objects.get((bucket, key))
        return None if content is None else ObjectStat(len(content), _tag(content))

    async def download(
        self, bucket: str, key: str, path: Path, *, etag: str | None = None, limit: int | None = None
    ) -> None:
        self._refuse(bucket, key)
        if (content := self.objects.get((bucket, key))) is None:
            raise ObjectMissing(bucket, key)
        if etag is not None and etag != _tag(content):
            raise ObjectChanged(bucket, key)
        if limit is not None and len(content) > limit:
            raise ObjectTooLarge(bucket, key, limit)
        await asyncio.to_thread(path.write_bytes, content)

    async def answer(self, bucket: str) -> None:
        if self.away is not None:
            raise self.away

    async def upload(self, bucket: str, key: str, path: Path, content_type: str) -> None:
        assert content_type
        self.objects[bucket, key] = await asyncio.to_thread(path.read_bytes)

    def _refuse(self, bucket: str, key: str) -> None:
        if self.away is not None:
            raise self.away
        if (refusal := self.refusals.get((bucket, key))) is not None:
            raise refusal


@dataclass
class MemoryParts(MemoryStore):
    """The same for objects that arrive in parts. `before_part` is awaited before a part, or a whole object, is stored."""

    begun: dict[tuple[str, str, str], dict[int, bytes]] = field(default_factory=dict)
    before_part: Callable[[bytes], Awaitable[None]] | None = None

    async def begin(self, bucket: str, key: str, content_type: str) -> str:
        assert content_type
        self._refuse(bucket, key)
        name = uuid4().hex
        self.begun[bucket, key, name] = {}
        return name

    async def part(self, bucket: str, key: str, upload: str, number: int, content: Bytes) -> str:
        kept = await self._received(bucket, key, content)
        assert 1 <= number <= MOST_PARTS
        self._parts(bucket, key, upload)[number] = kept
        return _tag(kept)

    async def put(self, bucket: str, key: str, content: Bytes) -> str:
        self.objects[bucket, key] = kept = await self._received(bucket, key, content)
        return _tag(kept)

    async def complete(self, bucket: str, key: str, upload: str, parts: Sequence[StoredPart]) -> None:
        self._refuse(bucket, key)
        there = self._parts(bucket, key, upload)
        for part in parts:
            if part.number not in there or _tag(there[part.number]) != part.etag:
                raise ObjectUnreadable(bucket, key, "InvalidPart", "there is no such part")
        if any(len(there[part.number]) < LEAST_PART for part in parts[:-1]):
            raise ObjectUnreadable(bucket, key, "EntityTooSmall", "a part is too small")
        self.objects[bucket, key] = b"".join(there[part.number] for part in parts)
        del self.begun[bucket, key, upload]

    async def abort(self, bucket: str, key: str, upload: str) -> None:
        self._refuse(bucket, key)
        self.begun.pop((bucket, key, upload), None)

    async def remove(self, bucket: str, key: str) -> None:
        self._refuse(bucket, key)
        self.objects.pop((bucket, key), None)

    async def link(self, bucket: str, key: str, *, expires: timedelta) -> str:
        return f"memory://{bucket}/{key}?{expires.total_seconds():.0f}"

    async def _received(self, bucket: str, key: str, content: Bytes) -> bytes:
        kept = bytes(content)
        if self.before_part is not None:
            await self.before_part(kept)
        self._refuse(bucket, key)
        assert bytes(content) == kept, "nobody writes to what is on its way"
        return kept

    def _parts(self, bucket: str, key: str, upload: str) -> dict[int, bytes]:
        if (bucket, key, upload) not in self.begun:
            raise UploadGone(key)
        return self.begun[bucket, key, upload]


def _tag(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
