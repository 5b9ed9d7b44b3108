"""Object storage through the minio client, kept off the event loop."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import urllib3
from minio import Minio
from minio.deleteobjects import DeleteObject
from minio.error import S3Error

from shared.connections import StorageConnection

_MISSING = {"NoSuchKey", "NoSuchBucket", "NoSuchObject", "NotFound"}

_KEY_REFUSED = {"ExpiredToken", "InvalidAccessKeyId", "SignatureDoesNotMatch"}


class ObjectMissing(Exception):
    """There is no object "{key}" in bucket "{bucket}"."""

    def __init__(self, bucket: str, key: str) -> None:
        super().__init__(f'There is no object "{key}" in bucket "{bucket}"')


class ObjectNotErased(Exception):
    """The storage does not delete object "{key}" in bucket "{bucket}": {why}."""

    def __init__(self, bucket: str, key: str, why: str) -> None:
        super().__init__(f'The storage does not delete object "{key}" in bucket "{bucket}": {why}')


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


def client(connection: StorageConnection) -> Minio:
    """A client of the storage. Its own retries are few and short: waiting for storage to come back is the courier's."""
    checked: dict[str, Any] = {"ca_certs": str(connection.ca_file)} if connection.ca_file is not None else {}
    pool = urllib3.PoolManager(
        timeout=urllib3.Timeout(connect=5, read=60),
        maxsize=4,
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


class ObjectStore:
    """Asynchronous face of the storage. Every method may raise the client's connection errors (transient)."""

    def __init__(self, connection: StorageConnection) -> None:
        self._client = client(connection)

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

    async def keys(self, bucket: str, prefix: str = "") -> list[str]:
        """The keys of a bucket that begin so, in order."""

        def listed() -> list[str]:
            return [
                found.object_name
                for found in self._client.list_objects(bucket, prefix=prefix, recursive=True)
                if found.object_name is not None
            ]

        return sorted(await asyncio.to_thread(listed))

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
