"""Object storage in memory: what tests of one service use in place of a server. It passes tests/contract/storage."""

import asyncio
import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from shared.storage import ObjectMissing, ObjectStat


@dataclass
class MemoryStore:
    """Objects by bucket and key."""

    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)

    async def stat(self, bucket: str, key: str) -> ObjectStat | None:
        content = self.objects.get((bucket, key))
        if content is None:
            return None
        return ObjectStat(len(content), hashlib.md5(content, usedforsecurity=False).hexdigest())

    async def download(self, bucket: str, key: str, path: Path) -> None:
        if (bucket, key) not in self.objects:
            raise ObjectMissing(bucket, key)
        await asyncio.to_thread(path.write_bytes, self.objects[bucket, key])

    async def upload(self, bucket: str, key: str, path: Path, content_type: str) -> None:
        assert content_type
        self.objects[bucket, key] = await asyncio.to_thread(path.read_bytes)
