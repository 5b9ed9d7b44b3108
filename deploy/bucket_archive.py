"""A bucket as one tar file, and back: for backups where the storage has no copies of its own.

`python -m deploy.bucket_archive save BUCKET FILE` and `load BUCKET FILE`, told of the storage by the environment
(`WINNOW_S3_ENDPOINT`, `WINNOW_S3_ACCESS_KEY`, `WINNOW_S3_SECRET_KEY`).
"""

import argparse
import asyncio
import sys
import tarfile
import tempfile
from pathlib import Path

from shared.runtime.settings import StorageSettings
from shared.storage import ObjectMissing, ObjectStore

_CONTENT_TYPES = {
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".csv": "text/csv; charset=utf-8",
}


async def save(store: ObjectStore, bucket: str, archive: Path) -> int:
    """Write every object of a bucket into a new archive, under its key; how many.

    An object that is deleted meanwhile is left out. The archive is there whole or not at all.
    """
    saved = 0
    partial = archive.with_name(f".{archive.name}.part")
    with tempfile.TemporaryDirectory(prefix="winnow-") as folder:
        copy = Path(folder) / "object"
        with tarfile.open(partial, "w", format=tarfile.PAX_FORMAT) as tar:
            for key in await store.keys(bucket):
                try:
                    await store.download(bucket, key, copy)
                except ObjectMissing:
                    continue
                tar.add(copy, arcname=key)
                saved += 1
    partial.replace(archive)
    return saved


async def load(store: ObjectStore, bucket: str, archive: Path) -> int:
    """Store every object of an archive in a bucket; one that is there already is replaced. How many."""
    loaded = 0
    with tempfile.TemporaryDirectory(prefix="winnow-") as folder:
        copy = Path(folder) / "object"
        with tarfile.open(archive) as tar:
            for member in tar:
                content = tar.extractfile(member)
                if content is None:
                    continue
                with copy.open("wb") as file:
                    while part := content.read(1 << 20):
                        file.write(part)
                kind = _CONTENT_TYPES.get(Path(member.name).suffix.lower(), "application/octet-stream")
                await store.upload(bucket, member.name, copy, kind)
                loaded += 1
    return loaded


def main(arguments: list[str]) -> int:
    """Run one of the two."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.bucket_archive", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("what", choices=("save", "load"))
    parser.add_argument("bucket")
    parser.add_argument("file", type=Path)
    told = parser.parse_args(arguments)
    store = ObjectStore(StorageSettings().connection)
    number = asyncio.run({"save": save, "load": load}[told.what](store, told.bucket, told.file))
    sys.stdout.write(f"{told.bucket}: {number} objects.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
