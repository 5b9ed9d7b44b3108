"""Object storage through the minio client, kept off the event loop."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import urllib3
from minio import Minio
from minio.error import S3Error

_MISSING = {"NoSuchKey", "NoSuchBucket", "NoSuchObject", "NotFound"}

_KEY_REFUSED = {"ExpiredToken", "InvalidAccessKeyId", "SignatureDoesNotMatch"}


class ObjectMissing(Exception):
    """There is no object "{key}" in bucket "{bucket}"."""

    def __init__(self, bucket: str, key: str) -> None:
        super().__init__(f'There is no object "{key}" in bucket "{bucket}"')


@dataclass(frozen=True)
class ObjectStat:
    """What storage knows of an object: bytes and the tag of its content."""

    size: int
    etag: str


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


class ObjectStore:
    """Asynchronous face of the storage. Every method may raise the client's connection errors (transient)."""

    def __init__(self, endpoint: str, access_key: str, secret_key: str) -> None:
        secure = endpoint.startswith("https://")
        # The client's own retries are few and short: waiting for storage to come back is the courier's.
        pool = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=5, read=60),
            maxsize=4,
            retries=urllib3.Retry(total=2, backoff_factor=0.1),
        )
        self._client = Minio(
            endpoint.removeprefix("https://").removeprefix("http://"),
            access_key=access_key,
            secret_key=secret_key,
            secure=secure,
            region="us-east-1",
            http_client=pool,
        )

    async def stat(self, bucket: str, key: str) -> ObjectStat | None:
        """Size and tag of an object; None when there is no such object."""
        try:
            found = await asyncio.to_thread(self._client.stat_object, bucket, key)
        except S3Error as error:
            if error.code in _MISSING:
                return None
            raise
        return ObjectStat(size=found.size or 0, etag=found.etag or "")

    async def download(self, bucket: str, key: str, path: Path) -> None:
        """Stream an object to a file.

        Raises:
            ObjectMissing: there is no such object.
        """
        try:
            await asyncio.to_thread(self._client.fget_object, bucket, key, str(path))
        except S3Error as error:
            if error.code in _MISSING:
                raise ObjectMissing(bucket, key) from error
            raise

    async def upload(self, bucket: str, key: str, path: Path, content_type: str) -> None:
        """Store a file; an object of that key is replaced whole."""
        await asyncio.to_thread(self._client.fput_object, bucket, key, str(path), content_type=content_type)

    async def presign(self, bucket: str, key: str, *, expires: timedelta) -> str:
        """A signed link to an object that ends to work after `expires`."""
        return await asyncio.to_thread(self._client.presigned_get_object, bucket, key, expires=expires)

    async def answer(self, bucket: str) -> None:
        """Return when storage answers and knows our key: whatever else it says of an object that is not there."""
        try:
            await self.stat(bucket, "is-anybody-there")
        except S3Error as error:
            if error.code in _KEY_REFUSED:
                raise
