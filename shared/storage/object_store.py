"""Object storage through the minio client, kept off the event loop."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from itertools import islice, takewhile
from pathlib import Path
from typing import Any

import urllib3
from minio import Minio
from minio.deleteobjects import DeleteObject
from minio.error import MinioException, S3Error
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError

from shared.connections import StorageConnection
from shared.storage.answers import KEY_REFUSED, ObjectMissing, ObjectTooLarge, meaning

_PIECE = 1 << 20
_PAGE = 1000

NO_UPLOAD = "NoSuchUpload"
"""What storage says of an object in parts that it does not know: it was completed, or given up."""


class ObjectNotErased(Exception):
    """The storage does not delete object "{key}" in bucket "{bucket}": {why}."""

    def __init__(self, bucket: str, key: str, why: str) -> None:
        super().__init__(f'The storage does not delete object "{key}" in bucket "{bucket}": {why}')


@dataclass(frozen=True)
class ObjectStat:
    """What storage knows of an object: bytes as they are stored, and the tag of its content."""

    size: int
    etag: str


@dataclass(frozen=True)
class ListedObject:
    """An object as a bucket lists it: its key, and since when it has the content it has."""

    key: str
    modified: datetime


def tenant_owns(tenant_id: str, object_key: str) -> bool:
    """Whether an object key lies in a tenant's own part of a bucket, with no way out of it."""
    parts = object_key.split("/")
    return (
        len(parts) > 1
        and parts[0] == tenant_id
        and all(part not in {"", ".", ".."} for part in parts)
        and "\\" not in object_key
        and object_key.isprintable()
    )


def client(connection: StorageConnection, *, connections: int = 4) -> Minio:
    """A client of the storage. Its own retries are few and short: waiting for storage to come back is the courier's."""
    checked: dict[str, Any] = {"ca_certs": str(connection.ca_file)} if connection.ca_file is not None else {}
    pool = urllib3.PoolManager(
        timeout=urllib3.Timeout(connect=5, read=60),
        maxsize=connections,
        retries=urllib3.Retry(total=2, backoff_factor=0.1),
        cert_reqs="CERT_REQUIRED",
        **checked,
    )
    made = Minio(
        connection.host,
        access_key=connection.access_key,
        secret_key=connection.secret_key,
        session_token=connection.session_token,
        secure=connection.secure,
        region=connection.region,
        http_client=pool,
    )
    if connection.addressing == "virtual":
        made.enable_virtual_style_endpoint()  # type: ignore[no-untyped-call]
    elif connection.addressing == "path":
        made.disable_virtual_style_endpoint()  # type: ignore[no-untyped-call]
    return made


def abort_upload(storage: Minio, bucket: str, key: str, upload: str) -> None:
    """Give up an object that arrives in parts, and what storage has of it; what is not there any more is fine."""
    try:
        # The client has no public name for it.
        storage._abort_multipart_upload(bucket, key, upload)  # noqa: SLF001
    except S3Error as error:
        if error.code != NO_UPLOAD:
            raise


class ObjectStore:
    """Asynchronous face of the storage.

    What is asked of one object raises what is promised; every other method may raise the client's connection errors
    (transient).
    """

    def __init__(self, connection: StorageConnection) -> None:
        self._client = client(connection)

    async def stat(self, bucket: str, key: str) -> ObjectStat | None:
        """Size and tag of an object; None when there is no such object.

        Raises:
            ObjectUnreadable: storage does not hand it out, now or later.
            ObjectUnavailable: not this time.
        """
        try:
            return await asyncio.to_thread(self._stat, bucket, key)
        except ObjectMissing:
            return None

    async def download(
        self, bucket: str, key: str, path: Path, *, etag: str | None = None, limit: int | None = None
    ) -> None:
        """Write an object to a file: its bytes as they are stored, whatever its headers say of them, or nothing.

        With `etag`, only the object of that tag; with `limit`, at most so many bytes.

        Raises:
            ObjectMissing: there is no such object.
            ObjectChanged: it is not the one of this tag.
            ObjectTooLarge: it has more bytes.
            ObjectUnreadable: storage does not hand it out, now or later.
            ObjectUnavailable: not this time.
        """
        given_up = threading.Event()
        try:
            await asyncio.to_thread(self._download, bucket, key, path, etag, limit, given_up)
        except asyncio.CancelledError:
            given_up.set()
            raise

    def _stat(self, bucket: str, key: str) -> ObjectStat:
        try:
            found = self._client.stat_object(bucket, key)
        except S3Error as error:
            if error.code in {"NoSuchKey", "NoSuchBucket"}:
                raise ObjectMissing(bucket, key) from error
        except (MinioException, HTTPError, ValueError):
            # Said without words, as an answer to HEAD has none, or not to be understood: asked again below.
            pass
        else:
            return ObjectStat(size=found.size or 0, etag=found.etag or "")
        with self._opened(bucket, key, {"Range": "bytes=0-0"}) as response:
            extent = response.headers.get("content-range", "").rpartition("/")[2]
            size = extent if extent.isdecimal() else response.headers.get("content-length", "")
            return ObjectStat(int(size) if size.isdecimal() else 0, response.headers.get("etag", "").strip('"'))

    def _download(
        self, bucket: str, key: str, path: Path, etag: str | None, limit: int | None, given_up: threading.Event
    ) -> None:
        part = path.with_name(f"{path.name}.part")
        try:
            with (
                self._opened(bucket, key, {"If-Match": f'"{etag}"'} if etag else {}) as response,
                part.open("wb") as file,
            ):
                for piece in _pieces(bucket, key, response):
                    if given_up.is_set():
                        return
                    file.write(piece)
                    if limit is not None and file.tell() > limit:
                        raise ObjectTooLarge(bucket, key, limit)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    @contextmanager
    def _opened(self, bucket: str, key: str, headers: dict[str, Any]) -> Iterator[BaseHTTPResponse]:
        try:
            response = self._client.get_object(bucket, key, request_headers=headers)
        except (MinioException, HTTPError, ValueError, SyntaxError) as error:
            raise meaning(bucket, key, error, conditional="If-Match" in headers) from error
        try:
            yield response
        finally:
            # What was not read to its end is of no use to the next request.
            response.close()
            response.release_conn()

    async def upload(self, bucket: str, key: str, path: Path, content_type: str) -> None:
        """Store a file; an object of that key is replaced whole."""
        await asyncio.to_thread(self._client.fput_object, bucket, key, str(path), content_type=content_type)

    async def presign(self, bucket: str, key: str, *, expires: timedelta) -> str:
        """A signed link to an object that ends to work after `expires`."""
        return await asyncio.to_thread(self._client.presigned_get_object, bucket, key, expires=expires)

    async def answer(self, bucket: str) -> None:
        """Return when storage answers and knows our key: whatever else it says of an object that is not there."""
        try:
            await asyncio.to_thread(self._ask, bucket, "is-anybody-there")
        except S3Error as error:
            if error.code in KEY_REFUSED or error.response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise

    def _ask(self, bucket: str, key: str) -> None:
        # Not HEAD: what is answered to that does not say why.
        response = self._client.get_object(bucket, key)
        response.close()
        response.release_conn()

    @asynccontextmanager
    async def opened(self, bucket: str, key: str) -> AsyncIterator["OpenObject"]:
        """An object, read while the block lasts: never whole in memory.

        Raises:
            ObjectMissing: there is no such object.
            ObjectUnreadable: storage does not hand it out, now or later.
            ObjectUnavailable: not this time.
        """
        opening = self._opened(bucket, key, {})
        response = await asyncio.to_thread(opening.__enter__)
        try:
            yield OpenObject(bucket, key, response)
        finally:
            await asyncio.to_thread(opening.__exit__, None, None, None)

    async def keys(self, bucket: str, prefix: str = "") -> list[str]:
        """The keys of a bucket that begin so, in order."""

        def listed() -> list[str]:
            return [
                found.object_name
                for found in self._client.list_objects(bucket, prefix=prefix, recursive=True)
                if found.object_name is not None
            ]

        return sorted(await asyncio.to_thread(listed))

    async def pages(self, bucket: str) -> AsyncIterator[Sequence[ListedObject]]:
        """Every object of a bucket, in the order of the keys, a page at a time; what is deleted meanwhile may be missing."""
        listed = iter(self._client.list_objects(bucket, recursive=True))
        while page := await asyncio.to_thread(lambda: list(islice(listed, _PAGE))):
            yield [_listed(each) for each in page if each.object_name is not None]

    async def find(self, bucket: str, key: str) -> ListedObject | None:
        """An object by its key, asked of whoever may list and not read; None when there is none."""
        return await asyncio.to_thread(self._find, bucket, key)

    async def remove(self, bucket: str, key: str) -> bool:
        """Delete an object, with all its versions where the bucket keeps any; False when there was none.

        Raises:
            ObjectNotErased: storage refused to delete it.
        """
        return await asyncio.to_thread(self._remove, bucket, key)

    async def abort(self, bucket: str, key: str, upload: str) -> None:
        """Give up an object that arrives in parts; what is not there any more is fine."""
        await asyncio.to_thread(abort_upload, self._client, bucket, key, upload)

    def _find(self, bucket: str, key: str) -> ListedObject | None:
        # An object that has exactly the name others begin with is the first of them.
        for each in islice(self._client.list_objects(bucket, prefix=key, recursive=True), 1):
            return _listed(each) if each.object_name == key else None
        return None

    def _remove(self, bucket: str, key: str) -> bool:
        listed = self._client.list_objects(bucket, prefix=key, recursive=True, include_version=True)
        versions = list(takewhile(lambda each: each.object_name == key, listed))
        refused = self._client.remove_objects(
            bucket, [DeleteObject(key, version_id=each.version_id) for each in versions]
        )
        for error in refused:
            raise ObjectNotErased(bucket, key, error.message or error.code)
        return bool(versions)

    async def erase(self, bucket: str, prefix: str) -> int:
        """Delete every object whose key begins so, with all its versions where the bucket keeps any; how many there were.

        Raises:
            ObjectNotErased: storage refused to delete one.
        """
        return await asyncio.to_thread(self._erase, bucket, prefix)

    def _erase(self, bucket: str, prefix: str) -> int:
        found = [
            each
            for each in self._client.list_objects(bucket, prefix=prefix, recursive=True, include_version=True)
            if each.object_name is not None
        ]
        refused = self._client.remove_objects(
            bucket, [DeleteObject(str(each.object_name), version_id=each.version_id) for each in found]
        )
        for error in refused:
            raise ObjectNotErased(bucket, error.name or prefix, error.message or error.code)
        return len({each.object_name for each in found})


class OpenObject:
    """An object that is being read."""

    def __init__(self, bucket: str, key: str, response: BaseHTTPResponse) -> None:
        self._pieces = _pieces(bucket, key, response)
        length = response.headers.get("content-length", "")
        self.size = int(length) if length.isdecimal() else None
        """Bytes as they are stored; None where storage does not say."""

    async def pieces(self) -> AsyncIterator[bytes]:
        """Its bytes, in the order in which they are stored."""
        while (piece := await asyncio.to_thread(next, self._pieces, None)) is not None:
            yield piece


def _listed(found: Any) -> ListedObject:
    return ListedObject(str(found.object_name), found.last_modified or datetime.now(UTC))


def _pieces(bucket: str, key: str, response: BaseHTTPResponse) -> Iterator[bytes]:
    """The body as it was sent: not decoded, for anybody can store an object under an untrue Content-Encoding."""
    try:
        yield from response.stream(_PIECE, decode_content=False)
    except HTTPError as error:
        raise meaning(bucket, key, error) from error
