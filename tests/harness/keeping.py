"""What is kept of imports, made older than it is: storage does not let anybody change when an object was stored."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text

from deploy.local.s3_server import RESULTS, UPLOADS
from deploy.local.stack import Stack
from shared.connections import StorageConnection
from shared.db.engine import create_engine
from shared.retention.cleanup import Buckets, Cleanup
from shared.storage import ListedObject, ObjectStore
from tests.harness.world import World

LONG = timedelta(days=400)
_MOMENTS = ("created_at", "updated_at", "parsed_at", "started_at", "completed_at", "cancelled_at")


class AgedStore(ObjectStore):
    """A storage in which every object lies for so much longer, but for those whose keys are in `fresh`."""

    def __init__(self, connection: StorageConnection, by: timedelta, fresh: set[str]) -> None:
        super().__init__(connection)
        self._by = by
        self._fresh = fresh

    async def pages(self, bucket: str) -> AsyncIterator[Sequence[ListedObject]]:
        async for page in super().pages(bucket):
            yield [self._aged(each) for each in page]

    async def find(self, bucket: str, key: str) -> ListedObject | None:
        found = await super().find(bucket, key)
        return None if found is None else self._aged(found)

    def _aged(self, found: ListedObject) -> ListedObject:
        return found if found.key in self._fresh else replace(found, modified=found.modified - self._by)


def keeper_of(stack: Stack, *, fresh: set[str] | None = None, dry_run: bool = False) -> Cleanup:
    """What the keeper does, with its own role and key; all objects are old."""
    endpoints = stack.endpoints
    store = AgedStore(StorageConnection(endpoints.s3_endpoint, *stack.storage_keys("keeper")), LONG, fresh or set())
    engine = create_engine(stack.database_url("winnow_keeper"), connections=2, name="test-keeping")
    return Cleanup(engine, store, Buckets(UPLOADS, RESULTS), dry_run=dry_run)


async def age(world: World, import_id: UUID, **by: float) -> None:
    """Let an import have been known, and have ended, so much earlier (`days=31`)."""
    moments = ", ".join(f"{name} = {name} - CAST(:by AS interval)" for name in _MOMENTS)
    async with world.database() as conn:
        await conn.execute(
            text(f"UPDATE imports.imports SET {moments} WHERE id = :id"), {"id": import_id, "by": timedelta(**by)}
        )
        await conn.execute(
            text(
                "UPDATE imports.import_chunks SET staged_at = staged_at - CAST(:by AS interval), "
                "validated_at = validated_at - CAST(:by AS interval) WHERE import_id = :id"
            ),
            {"id": import_id, "by": timedelta(**by)},
        )


def killed_after(stack: Stack, steps: int) -> bool:
    """Run the keeper's round in a process of its own that is killed before its step of this number; whether it was."""
    import subprocess

    program = (
        "import asyncio\nfrom deploy.local.stack import Stack\nfrom tests.harness.keeping import dying\n"
        f"asyncio.run(dying(Stack(), {steps}))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "WINNOW_HOME": str(stack.home)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode in {0, -signal.SIGKILL}, ended.stderr
    return ended.returncode != 0


async def dying(stack: Stack, steps: int) -> None:
    """A round that kills its own process before the step of this number."""
    left = steps

    def beat() -> None:
        nonlocal left
        left -= 1
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    await replace(keeper_of(stack), beat=beat).run()
    await asyncio.sleep(0)
