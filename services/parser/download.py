"""The object of an import, brought here and held against what was said of it."""

import asyncio
import gzip
import hashlib
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from services.parser.refusals import OBJECT_MISSING, OBJECT_UNREADABLE, FileRefused
from services.parser.repository import KnownImport
from shared.messaging.failures import FailureKind, kind_of
from shared.storage import ObjectChanged, ObjectMissing, ObjectStat, ObjectTooLarge, ObjectUnavailable, ObjectUnreadable

_GZIP = b"\x1f\x8b"
_PIECE = 1 << 20


class UploadStore(Protocol):
    """What is needed of object storage. Real and in memory, it passes tests/contract/storage."""

    async def stat(self, bucket: str, key: str) -> ObjectStat | None:
        """Size and tag of an object; None when there is no such object."""

    async def download(
        self, bucket: str, key: str, path: Path, *, etag: str | None = None, limit: int | None = None
    ) -> None:
        """Write an object to a file, byte by byte as it is stored; raises what ObjectStore promises."""

    async def answer(self, bucket: str) -> None:
        """Return when storage answers and knows our key; raises the client's errors when it does not."""


class Fetched(NamedTuple):
    """An object as it is stored: its bytes, and their SHA-256. What was packed with gzip is unpacked in the file."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Download:
    """Brings objects of one bucket here. `beat` is called whenever it has got on."""

    store: UploadStore
    bucket: str
    largest_megabytes: int
    beat: Callable[[], None]

    async def fetch(self, known: KnownImport, path: Path) -> Fetched:
        """Bring the import's object to a file, as it can be read.

        Raises:
            FileRefused: it is not there, is not what was announced, is too large, or is another than was read before.
            ObjectUnavailable: it could not be read this time.
        """
        try:
            await self._download(known, path)
        except ObjectMissing:
            raise _missing(known) from None
        except ObjectChanged:
            raise _changed(known) from None
        except ObjectTooLarge:
            raise self._too_large(known.file_name, f"more than {self.largest_megabytes:,}") from None
        except ObjectUnreadable as refused:
            raise unreadable(known, f"{refused.message} ({refused.code})") from refused
        self.beat()
        fetched = await asyncio.to_thread(_fetched, path)
        self._check_size(known, fetched.size)
        _check_sha256(known, fetched.sha256)
        await self._unpack(known.file_name, path)
        return fetched

    async def _download(self, known: KnownImport, path: Path) -> None:
        """Bring it here in one request where that brings no more than was announced; else it is looked at first."""
        if known.file_size is not None and known.file_size <= self._limit:
            try:
                await self.store.download(self.bucket, known.object_key, path, limit=known.file_size)
            except ObjectTooLarge:
                # Another one than was announced: it is looked at to be able to say so.
                pass
            else:
                return
        found = await self.store.stat(self.bucket, known.object_key)
        if found is None:
            raise _missing(known)
        self._check_size(known, found.size)
        await self.store.download(self.bucket, known.object_key, path, etag=found.etag, limit=self._limit)

    async def fetch_unknown(self, key: str, name: str, path: Path) -> Fetched:
        """Bring an object to a file, as it can be read, of which no import is known yet.

        Raises:
            FileRefused: it is too large, or cannot be unpacked.
            ObjectMissing, ObjectUnreadable: it is not there, or nobody gets it.
            ObjectUnavailable: it could not be read this time.
        """
        try:
            await self.store.download(self.bucket, key, path, limit=self._limit)
        except ObjectTooLarge:
            raise self._too_large(name, f"more than {self.largest_megabytes:,}") from None
        self.beat()
        fetched = await asyncio.to_thread(_fetched, path)
        await self._unpack(name, path)
        return fetched

    async def look(self, key: str) -> ObjectStat | None:
        """What is known of an object: None when it is not there, or nobody can tell what it is.

        Raises:
            Exception: storage as a whole is away.
        """
        try:
            return await self.store.stat(self.bucket, key)
        except ObjectUnreadable:
            return None
        except ObjectUnavailable:
            await self.store.answer(self.bucket)
            return None

    async def answers(self) -> bool:
        """Whether storage answers, and knows our key."""
        try:
            await self.store.answer(self.bucket)
        except Exception as error:
            if kind_of(error) is not FailureKind.TRANSIENT:
                raise
            return False
        return True

    @property
    def _limit(self) -> int:
        return self.largest_megabytes * 1_000_000

    async def _unpack(self, name: str, path: Path) -> None:
        """Unpack what is packed with gzip, whatever its name or its headers say."""
        try:
            unpacked = await asyncio.to_thread(_unpacked, path, self._limit)
        except (gzip.BadGzipFile, EOFError, zlib.error):
            raise FileRefused(
                "damaged",
                f'"{name}" is packed with gzip and cannot be unpacked: it is cut short or damaged. Pack it once '
                f"more, or send it as it is",
            ) from None
        if not unpacked:
            raise self._too_large(name, f"more than {self.largest_megabytes:,}", once="once unpacked")
        self.beat()

    def _too_large(self, name: str, megabytes: str, *, once: str = "") -> FileRefused:
        return FileRefused(
            "too_large",
            f'"{name}" has {megabytes} MB{f" {once}" if once else ""}; at most {self.largest_megabytes:,} MB are '
            f"read. Split it into several files and send those",
        )

    def _check_size(self, known: KnownImport, size: int) -> None:
        if known.file_size is not None and known.file_size != size:
            if known.started_at is not None:
                raise _changed(known)
            raise FileRefused(
                "size_mismatch",
                f'"{known.file_name}" has {size:,} bytes in storage, but {known.file_size:,} were announced. The upload was '
                f"cut short or replaced; upload it once more and send a new event",
            )
        if size > self._limit:
            raise self._too_large(known.file_name, f"{size / 1_000_000:,.1f}")


def unreadable(known: KnownImport, why: str) -> FileRefused:
    """Why an object is not read that storage does not hand out."""
    return FileRefused(
        OBJECT_UNREADABLE,
        f'The storage does not let Winnow read the object "{known.object_key}": {why}. It must be stored so that Winnow\'s '
        f"key can read it: not in an archive, not encrypted with a key of your own, not as another account's. Upload it so, "
        f"then send the event again",
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


def _fetched(path: Path) -> Fetched:
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return Fetched(file.tell(), sha256)


def _unpacked(path: Path, limit: int) -> bool:
    """Unpack the file in its place if it is packed; False when it would have more bytes than the limit."""
    with path.open("rb") as file:
        if file.read(len(_GZIP)) != _GZIP:
            return True
    part = path.with_name(f"{path.name}.part")
    with gzip.open(path) as packed, part.open("wb") as file:
        while piece := packed.read(_PIECE):
            if file.tell() + len(piece) > limit:
                return False
            file.write(piece)
    part.replace(path)
    return True
