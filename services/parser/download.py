"""The object of an import, brought here and held against what was said of it."""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from services.parser.refusals import OBJECT_MISSING, FileRefused
from services.parser.repository import KnownImport
from shared.storage import ObjectMissing, ObjectStat


class UploadStore(Protocol):
    """What is needed of object storage. Real and in memory, it passes tests/contract/storage."""

    async def stat(self, bucket: str, key: str) -> ObjectStat | None:
        """Size and tag of an object; None when there is no such object."""

    async def download(self, bucket: str, key: str, path: Path) -> None:
        """Stream an object to a file; raises ObjectMissing when there is none."""


@dataclass(frozen=True)
class Download:
    """Brings objects of one bucket here. `beat` is called whenever it has got on."""

    store: UploadStore
    bucket: str
    largest_megabytes: int
    beat: Callable[[], None]

    async def fetch(self, known: KnownImport, path: Path) -> str:
        """Bring the import's object to a file; its SHA-256.

        Raises:
            FileRefused: it is not there, is not what was announced, is too large, or is another than was read before.
        """
        found = await self.store.stat(self.bucket, known.object_key)
        if found is None:
            raise _missing(known)
        self._check_size(known, found.size)
        try:
            await self.store.download(self.bucket, known.object_key, path)
        except ObjectMissing:
            raise _missing(known) from None
        self.beat()
        sha256 = await asyncio.to_thread(_sha256, path)
        _check_sha256(known, sha256)
        return sha256

    def _check_size(self, known: KnownImport, size: int) -> None:
        if known.file_size is not None and known.file_size != size:
            if known.started_at is not None:
                raise _changed(known)
            raise FileRefused(
                "size_mismatch",
                f'"{known.file_name}" has {size:,} bytes in storage, but {known.file_size:,} were announced. The upload was '
                f"cut short or replaced; upload it once more and send a new event",
            )
        if size > self.largest_megabytes * 1_000_000:
            raise FileRefused(
                "too_large",
                f'"{known.file_name}" has {size / 1_000_000:,.1f} MB; at most {self.largest_megabytes:,} MB are read '
                f"(WINNOW_PARSER_FILE_MEGABYTES). Split it into several files and send those",
            )


def _check_sha256(known: KnownImport, sha256: str) -> None:
    if known.file_sha256 is None or known.file_sha256.lower() == sha256:
        return
    if known.started_at is not None:
        raise _changed(known)
    raise FileRefused(
        "checksum_mismatch",
        f'"{known.file_name}" is not the file that was announced: announced sha256 {known.file_sha256}, found {sha256}. It was '
        f"changed or cut short on the way; upload it once more and send a new event",
    )


def _missing(known: KnownImport) -> FileRefused:
    return FileRefused(
        OBJECT_MISSING,
        f'There is no object "{known.object_key}" in the uploads bucket. Upload the file first, then send the event again',
    )


def _changed(known: KnownImport) -> FileRefused:
    return FileRefused(
        "file_changed",
        f'"{known.file_name}" was replaced in storage while it was being read. Upload it under a key of its own and send '
        f"a new event",
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
