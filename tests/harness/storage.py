"""Object storage in memory: what tests of one service use in place of a server. It passes tests/contract/storage."""

import asyncio
import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from shared.storage import ObjectChanged, ObjectMissing, ObjectStat, ObjectTooLarge


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


def _tag(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
