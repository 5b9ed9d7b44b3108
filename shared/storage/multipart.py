"""Objects that arrive in parts, and those that others put there by a signed link.

The client of the storage has no public way to send an object part by part over several processes; what it has for itself is
used here, and nowhere else. Parts go over signed links, so that their bytes are not hashed once more on the way: TLS, where
there is any, guards them, and storage's own tag of each is what completes the object.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http import HTTPStatus
from typing import NamedTuple, TypeVar

from minio.datatypes import Part
from minio.error import InvalidResponseError, MinioException, S3Error
from urllib3.exceptions import HTTPError

from shared.connections import StorageConnection
from shared.storage.answers import meaning
from shared.storage.object_store import NO_UPLOAD, ObjectStat, abort_upload, client

LEAST_PART = 5 << 20
"""Storage takes no smaller part, but for the last."""

MOST_PARTS = 10_000
"""Storage numbers no more parts of one object."""

_LINK_LIVES = timedelta(minutes=15)

Bytes = bytes | bytearray | memoryview
T = TypeVar("T")


class UploadGone(Exception):
    """Storage knows nothing of this upload in parts: it was completed, or given up."""


class StoredPart(NamedTuple):
    """A part that storage has: its number, and the tag storage gave it."""

    number: int
    etag: str


class MultipartStore:
    """Asynchronous face of the storage for objects in parts; at most `at_once` requests at a time.

    Every method raises ObjectUnavailable when it cannot be done this time, and ObjectUnreadable when storage refuses it for
    good.
    """

    def __init__(self, connection: StorageConnection, *, at_once: int = 4) -> None:
        self._client = client(connection, connections=at_once)
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="storage")

    def close(self) -> None:
        """Let go of its threads, when what they do is done."""
        self._threads.shutdown(wait=False)

    async def begin(self, bucket: str, key: str, content_type: str) -> str:
        """Begin an object in parts; storage's name of it."""

        def begun() -> str:
            return self._client._create_multipart_upload(bucket, key, {"Content-Type": content_type})  # noqa: SLF001

        return await self._ask(bucket, key, begun)

    async def part(self, bucket: str, key: str, upload: str, number: int, content: Bytes) -> str:
        """Send a part; its tag. One of the same number that was there before is replaced.

        Raises:
            UploadGone: there is no such upload.
        """
        about = {"partNumber": str(number), "uploadId": upload}
        return await self._ask(bucket, key, lambda: self._put(bucket, key, content, about))

    async def put(self, bucket: str, key: str, content: Bytes) -> str:
        """Store an object that is in memory as a whole; its tag."""
        return await self._ask(bucket, key, lambda: self._put(bucket, key, content, {}))

    async def complete(self, bucket: str, key: str, upload: str, parts: Sequence[StoredPart]) -> None:
        """Make an object of parts, in the order of their numbers. Parts that are not among them are dropped.

        Raises:
            UploadGone: there is no such upload, any more or at all.
        """

        def completed() -> None:
            self._client._complete_multipart_upload(bucket, key, upload, [Part(*part) for part in parts])  # noqa: SLF001

        await self._ask(bucket, key, completed)

    async def abort(self, bucket: str, key: str, upload: str) -> None:
        """Give an upload in parts up, and what storage has of it. What is not there any more is fine."""
        await self._ask(bucket, key, lambda: abort_upload(self._client, bucket, key, upload))

    async def stat(self, bucket: str, key: str) -> ObjectStat | None:
        """Size and tag of an object; None when there is none."""

        def found() -> ObjectStat | None:
            try:
                seen = self._client.stat_object(bucket, key)
            except S3Error as error:
                if error.code in {"NoSuchKey", "NoSuchObject"}:
                    return None
                raise
            return ObjectStat(size=seen.size or 0, etag=seen.etag or "")

        return await self._ask(bucket, key, found)

    async def remove(self, bucket: str, key: str) -> None:
        """Delete an object; what is not there is fine."""

        def removed() -> None:
            try:
                self._client.remove_object(bucket, key)
            except S3Error as error:
                if error.code not in {"NoSuchKey", "NoSuchObject"}:
                    raise

        await self._ask(bucket, key, removed)

    async def link(self, bucket: str, key: str, *, expires: timedelta) -> str:
        """A signed link to which an object of this key may be sent with PUT, until it ends to work after `expires`."""
        return await self._ask(bucket, key, lambda: self._client.presigned_put_object(bucket, key, expires=expires))

    async def _ask(self, bucket: str, key: str, what: Callable[[], T]) -> T:
        asked = asyncio.get_running_loop().run_in_executor(self._threads, what)
        try:
            return await asyncio.shield(asked)
        except asyncio.CancelledError:
            # What it sends is in memory that others will write to.
            await asyncio.wait({asked})
            raise
        except S3Error as error:
            if error.code == NO_UPLOAD:
                raise UploadGone(key) from error
            raise meaning(bucket, key, error) from error
        except (MinioException, HTTPError, OSError, ValueError, SyntaxError) as error:
            raise meaning(bucket, key, error) from error

    def _put(self, bucket: str, key: str, content: Bytes, about: dict[str, str]) -> str:
        link = self._client.get_presigned_url(
            "PUT", bucket, key, expires=_LINK_LIVES, extra_query_params={**about} or None
        )
        response = self._client._http.urlopen("PUT", link, body=content)  # noqa: SLF001
        if response.status == HTTPStatus.OK:
            return response.headers.get("etag", "").strip('"')
        if "xml" in response.headers.get("content-type", "") and response.data:
            raise S3Error.fromxml(response)
        raise InvalidResponseError(response.status, response.headers.get("content-type"), None)
