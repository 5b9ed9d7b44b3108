"""One running Winnow of a test: its servers, its service processes, an upstream system and an operator."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Container, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import confluent_kafka
from minio import Minio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool
from uuid_utils.compat import uuid7

from shared.ledger import ImportProgress, read_import
from shared.ledger.tenants import register_tenant
from tests.harness.fleet import Fleet
from tests.harness.production import Snapshot, snapshot


class DidNotHappen(AssertionError):
    """What a test waited for did not come about in time."""


T = TypeVar("T")


async def eventually(
    what: str, look: Callable[[], Awaitable[T | None]], *, seconds: float = 60, every: float = 0.1
) -> T:
    """Look again and again until there is something to see (not None, not False)."""
    deadline = time.monotonic() + seconds
    while True:
        seen = await look()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise DidNotHappen(f"not within {seconds:.0f} s: {what}")
        await asyncio.sleep(every)  # the condition lies in another process


@dataclass(frozen=True)
class Servers:
    """Where the three servers of a test are, with the keys to everything."""

    kafka: str
    admin_url: str
    s3_endpoint: str
    s3_access_key: str
    s3_secret_key: str


@dataclass
class World:
    """Winnow as a test sees it: files and events in, ledger, production and files out."""

    servers: Servers
    fleet: Fleet
    folder: Path
    _engine: AsyncEngine = field(init=False)

    def __post_init__(self) -> None:
        self._engine = create_async_engine(self.servers.admin_url, poolclass=NullPool)

    @asynccontextmanager
    async def database(self) -> AsyncIterator[AsyncConnection]:
        """The database as its administrator, who sees all tenants."""
        async with self._engine.begin() as conn:
            yield conn

    @property
    def storage(self) -> Minio:
        """Storage with the key that may do everything."""
        return Minio(
            self.servers.s3_endpoint.removeprefix("http://"),
            access_key=self.servers.s3_access_key,
            secret_key=self.servers.s3_secret_key,
            secure=False,
            region="us-east-1",
        )

    async def register(self, tenant: str) -> None:
        """Register a tenant, as an operator would."""
        async with self.database() as conn:
            await register_tenant(conn, tenant)

    def put(self, tenant: str, path: Path, *, key: str | None = None) -> str:
        """Put a file into the uploads bucket, as an upstream system would; its key."""
        object_key = key or f"{tenant}/uploads/{uuid7()}/{path.name}"
        self.storage.fput_object("winnow-uploads", object_key, str(path))
        return object_key

    def publish(
        self,
        body: Mapping[str, Any] | bytes,
        *,
        topic: str = "file-uploaded",
        headers: Mapping[str, str] | None = None,
        times: int = 1,
    ) -> None:
        """Publish with a client that is not FastStream."""
        value = body if isinstance(body, bytes) else json.dumps(body).encode()
        producer = confluent_kafka.Producer({"bootstrap.servers": self.servers.kafka, "message.max.bytes": 2_000_000})
        refused: list[object] = []
        for _ in range(times):
            producer.produce(
                topic,
                value,
                headers=[(name, said.encode()) for name, said in (headers or {}).items()],
                on_delivery=lambda error, _message: refused.append(error) if error else None,
            )
        assert producer.flush(30) == 0, "the broker did not take the event"
        assert refused == [], "the broker refused the event"

    def send(self, tenant: str, path: Path, *, times: int = 1, **fields: Any) -> UUID:
        """Put a file into storage and publish its event; the id of the import."""
        import_id = uuid7()
        self.publish(
            {
                "tenant_id": tenant,
                "user_id": "tester",
                "entity_type": "products",
                "mode": "create",
                "object_key": self.put(tenant, path),
                "file_name": path.name,
                "import_id": str(import_id),
                **fields,
            },
            times=times,
        )
        return import_id

    async def progress(self, import_id: UUID) -> ImportProgress | None:
        """The import as the ledger has it now."""
        async with self.database() as conn:
            return await read_import(conn, import_id)

    async def ended(self, import_id: UUID, *, seconds: float = 90) -> ImportProgress:
        """The import when it has ended and what is handed back lies in storage."""

        async def look() -> ImportProgress | None:
            found = await self.progress(import_id)
            return found if found is not None and found.files_ready else None

        try:
            ended = await eventually(f"import {import_id} ends", look, seconds=seconds)
        except DidNotHappen as late:
            raise DidNotHappen(f"{late}; {await self._where(import_id)}") from None
        assert_ledger_closes(ended)
        return ended

    async def errors(self, import_id: UUID) -> list[tuple[int, str | None, str, str]]:
        """(row, heading, code, message) of every reason, in order."""
        async with self.database() as conn:
            rows = await conn.execute(
                text(
                    "SELECT row_no, heading, code, message FROM imports.row_errors WHERE import_id = :id "
                    "ORDER BY row_no, position"
                ),
                {"id": import_id},
            )
            return [(row.row_no, row.heading, row.code, row.message) for row in rows]

    async def production(self, tenant: str, *, without: Container[str] = ()) -> Snapshot:
        """What a tenant has in production, in terms that do not depend on the run."""
        async with self.database() as conn:
            return await snapshot(conn, tenant, without=without)

    async def scalar(self, query: str, **values: Any) -> Any:
        """One value out of the database."""
        async with self.database() as conn:
            return (await conn.execute(text(query), values)).scalar_one()

    def fetch(self, object_key: str) -> Path:
        """Download what was handed back."""
        path = self.folder / object_key.replace("/", "_")
        self.storage.fget_object("winnow-results", object_key, str(path))
        return path

    async def _where(self, import_id: UUID) -> str:
        async with self.database() as conn:
            progress = await read_import(conn, import_id)
            chunks = await conn.execute(
                text("SELECT state, count(*) FROM imports.import_chunks WHERE import_id = :id GROUP BY state"),
                {"id": import_id},
            )
            waiting = await conn.execute(
                text("SELECT topic, count(*), count(published_at), max(attempts) FROM imports.outbox GROUP BY topic")
            )
            return f"{progress}; chunks {chunks.all()}; outbox {waiting.all()}"


def assert_ledger_closes(ended: ImportProgress) -> None:
    """The law of the ledger: every row ended in exactly one way."""
    assert ended.total_rows == (
        ended.created_rows + ended.updated_rows + ended.skipped_rows + ended.failed_rows + ended.unprocessed_rows
    ), ended
    if ended.status in {"completed", "completed_with_failures"}:
        assert ended.unprocessed_rows == 0
        assert (ended.status == "completed_with_failures") == (ended.failed_rows > 0)
