"""The buckets: made where they are missing."""

import asyncio
from collections.abc import Sequence

from minio import Minio
from minio.error import S3Error

from shared.connections import DEFAULT_REGION, StorageConnection
from shared.storage.object_store import client

_THERE = {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}


async def apply_buckets(connection: StorageConnection, buckets: Sequence[str]) -> list[str]:
    """Create the buckets that are missing; the names of those created. What is there is left as it is.

    Raises:
        S3Error: the key may not see or make one.
    """
    storage = client(connection)
    return [name for name in buckets if await asyncio.to_thread(_made, storage, name, connection.region)]


def _made(storage: Minio, name: str, region: str) -> bool:
    if storage.bucket_exists(name):
        return False
    try:
        # The default region is the one that is not named.
        storage.make_bucket(name, location=None if region == DEFAULT_REGION else region)
    except S3Error as error:
        if error.code not in _THERE or not storage.bucket_exists(name):
            raise
        return False
    return True
