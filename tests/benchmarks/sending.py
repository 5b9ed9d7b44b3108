"""Files sent at once, by their events, and how long each took."""

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.s3_server import UPLOADS
from deploy.local.stack import Stack
from shared.db.transaction import tenant_transaction
from shared.events import FileUploaded
from shared.events.model import FileOptions
from shared.ledger.tenants import register_tenant
from shared.messaging.envelope import seal, wire_headers
from shared.messaging.kafka import BrokerPublisher, connected_publisher
from shared.states import ImportStatus
from shared.storage import ObjectStore
from tests.benchmarks.stack import administrator, intake_of, uploads_of
from tests.harness.sent_files import FileToSend, announced

PATIENCE = 1_800.0

_ENDED = text("SELECT id, status, completed_at FROM imports.imports WHERE id = ANY(:ids) AND completed_at IS NOT NULL")
_COMMITTED = text("SELECT count(*) FROM imports.import_chunks WHERE import_id = :id AND committed_at IS NOT NULL")


@dataclass(frozen=True)
class Sender:
    """Uploads files and publishes their events, as systems do that send many."""

    stack: Stack
    intake: AsyncEngine
    store: ObjectStore
    publisher: BrokerPublisher

    async def register(self, *tenants: str) -> None:
        """Let files of these tenants be taken."""
        for tenant in tenants:
            async with tenant_transaction(self.intake, tenant) as conn:
                await register_tenant(conn, tenant)

    async def upload(self, tenant: str, path: Path, mode: str = "create", *, again: bool = False) -> FileUploaded:
        """Put a file where its event says it is; the event itself is yet to be published."""
        event = announced(FileToSend(path, tenant, "bench", mode, FileOptions(allow_repeat=again)))
        await self.store.upload(UPLOADS, event.object_key, path, "application/octet-stream")
        return event

    async def publish(self, events: Sequence[FileUploaded]) -> datetime:
        """Publish events at once; when that began."""
        began = datetime.now(UTC)
        for sealed in map(seal, events):
            await self.publisher.publish(sealed.topic.name, sealed.key, sealed.body, list(wire_headers(sealed.headers)))
        return began

    async def seconds(
        self,
        events: Sequence[FileUploaded],
        began: datetime,
        *,
        ends: Collection[str] = (ImportStatus.COMPLETED,),
        every: float = 0.1,
    ) -> list[float]:
        """Of each event the seconds until its import had ended, by the clock of the database."""
        ids = [event.import_id for event in events]
        deadline = time.monotonic() + PATIENCE
        async with administrator(self.stack) as conn:
            while len(found := (await conn.execute(_ENDED, {"ids": ids})).all()) < len(ids):
                await conn.commit()
                assert time.monotonic() < deadline, f"{len(found)} of {len(ids)} files were imported"
                await asyncio.sleep(every)
        assert {row.status for row in found} <= set(ends), found
        at = {row.id: row.completed_at for row in found}
        return [(at[import_id] - began).total_seconds() for import_id in ids]

    async def committed_chunks(self, event: FileUploaded, *, at_least: int) -> None:
        """Wait until so many chunks of an import are in production."""
        deadline = time.monotonic() + PATIENCE
        async with administrator(self.stack) as conn:
            while (await conn.execute(_COMMITTED, {"id": event.import_id})).scalar_one() < at_least:
                await conn.commit()
                assert time.monotonic() < deadline
                await asyncio.sleep(0.02)


@asynccontextmanager
async def sending(stack: Stack) -> AsyncIterator[Sender]:
    """A sender to a stack whose services run."""
    intake = intake_of(stack)
    try:
        async with connected_publisher(stack.endpoints.kafka_bootstrap, client_id="winnow-bench") as publisher:
            yield Sender(stack, intake, uploads_of(stack), publisher)
    finally:
        await intake.dispose()
