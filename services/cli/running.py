"""The Winnow a command talks to: the stack of this checkout, with a role and a key for each purpose."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.s3_server import RESULTS, UPLOADS
from deploy.local.stack import NotRunning, Stack
from services.cli.exits import CommandFailed
from services.cli.hints import typed
from shared.connections import StorageConnection
from shared.db.catalog import ENTITIES
from shared.db.engine import create_engine
from shared.db.transaction import tenant_transaction
from shared.ledger import ImportProgress, read_import, read_recent
from shared.messaging.kafka import BrokerPublisher, connected_publisher
from shared.storage import ObjectStore

Role = Literal["operator", "reader", "committer"]


@dataclass(frozen=True)
class Reason:
    """One reason of one row, as it was given to the sender."""

    row: int
    heading: str | None
    code: str
    message: str


@dataclass(frozen=True)
class ReasonCounts:
    """How many reasons an import has, and how many rows have one."""

    reasons: int
    rows: int


@dataclass(frozen=True)
class GroupedReason:
    """Reasons of one kind in one column: how many, and one of them."""

    code: str
    heading: str | None
    count: int
    example: str
    row: int


_REASONS = text(
    """
    SELECT row_no, heading, code, message FROM imports.row_errors
     WHERE import_id = :id ORDER BY row_no, position LIMIT :limit
    """
)
_REASON_COUNTS = text(
    "SELECT count(*) AS reasons, count(DISTINCT row_no) AS rows FROM imports.row_errors WHERE import_id = :id"
)
_GROUPED = text(
    """
    SELECT code, heading, count(*) AS times, (array_agg(message ORDER BY row_no, position))[1] AS example,
           min(row_no) AS row
      FROM imports.row_errors WHERE import_id = :id GROUP BY code, heading ORDER BY count(*) DESC, code, heading
    """
)
_VARIANTS = text(
    """
    SELECT e.handle, e.title, e.barcode, e.sku, e.attributes, e.materials, e.carbon_kg, e.manufacturer, e.category
      FROM catalog.effective_variants e JOIN catalog.product_variants v ON v.id = e.variant_id
     WHERE v.import_id = :id ORDER BY v.import_row_no LIMIT :limit
    """
)
# In the order of the file, as they were first typed.
_MADE = text(
    " UNION ALL ".join(
        f"(SELECT '{entity.name}' AS kind, name, created_row_no FROM catalog.{entity.name}"  # noqa: S608 - our names
        " WHERE created_import_id = :id ORDER BY created_row_no, name LIMIT CAST(:limit AS bigint))"
        for entity in ENTITIES
    )
)


class Running:
    """Connections of one command to a running Winnow."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._engines: dict[str, AsyncEngine] = {}

    def engine(self, role: Role) -> AsyncEngine:
        """The database as a role; connected when it is used."""
        if role not in self._engines:
            url = self.stack.database_url(f"winnow_{role}")
            self._engines[role] = create_engine(url, connections=1, name="winnow-cli")
        return self._engines[role]

    async def progress(self, import_id: UUID) -> ImportProgress | None:
        """How far an import is; None when there is none of that id."""
        async with self.engine("operator").connect() as conn:
            return await read_import(conn, import_id)

    async def import_of(self, import_id: UUID) -> ImportProgress:
        """The import of this id.

        Raises:
            CommandFailed: there is none.
        """
        if (found := await self.progress(import_id)) is None:
            raise CommandFailed(f"There is no import {import_id}. The recent ones: {typed('status')}")
        return found

    async def recent(self, *, tenant: str | None, limit: int) -> list[ImportProgress]:
        """The latest imports, newest first."""
        async with self.engine("operator").connect() as conn:
            return await read_recent(conn, tenant_id=tenant, limit=limit)

    async def reasons(self, progress: ImportProgress, *, limit: int) -> list[Reason]:
        """The reasons of an import's failed rows, in the order of the file."""
        rows = await self._read(progress, _REASONS, limit=limit)
        return [Reason(row.row_no, row.heading, row.code, row.message) for row in rows]

    async def reason_counts(self, progress: ImportProgress) -> ReasonCounts:
        """How many of them there are."""
        (row,) = await self._read(progress, _REASON_COUNTS)
        return ReasonCounts(row.reasons, row.rows)

    async def grouped_reasons(self, progress: ImportProgress) -> list[GroupedReason]:
        """The same by kind and column, the most frequent first."""
        rows = await self._read(progress, _GROUPED)
        return [GroupedReason(row.code, row.heading, row.times, row.example, row.row) for row in rows]

    async def variants(self, progress: ImportProgress, *, limit: int) -> list[Row[tuple[object, ...]]]:
        """The first rows an import brought into production, as readers see them."""
        return await self._read(progress, _VARIANTS, limit=limit)

    async def entities_made(self, progress: ImportProgress, *, limit: int | None = None) -> dict[str, list[str]]:
        """The names of entities an import created on the way, by kind, in the order of the file.

        At most so many of each kind; all of them when None.
        """
        made: dict[str, list[str]] = {}
        for row in await self._read(progress, _MADE, limit=limit) if progress.summary.get("entities") else ():
            made.setdefault(row.kind, []).append(row.name)
        return made

    def storage(self, principal: str) -> ObjectStore:
        """Storage with the key of one principal."""
        access_key, secret_key = self.stack.storage_keys(principal)
        return ObjectStore(StorageConnection(self.stack.endpoints.s3_endpoint, access_key, secret_key))

    @asynccontextmanager
    async def publisher(self) -> AsyncIterator[BrokerPublisher]:
        """Publishes records; connected while the block lasts."""
        async with connected_publisher(self.stack.endpoints.kafka_bootstrap, client_id="winnow-cli") as publisher:
            yield publisher

    async def close(self) -> None:
        """End the connections."""
        for engine in self._engines.values():
            await engine.dispose()

    async def _read(self, progress: ImportProgress, query: object, **also: object) -> list[Row[tuple[object, ...]]]:
        values = {"id": progress.id, **also}
        async with tenant_transaction(self.engine("reader"), progress.tenant_id) as conn:
            return list((await conn.execute(query, values)).all())  # type: ignore[call-overload]


UPLOADS_BUCKET = UPLOADS
RESULTS_BUCKET = RESULTS


@asynccontextmanager
async def running(stack: Stack | None = None) -> AsyncIterator[Running]:
    """The Winnow of this checkout.

    Raises:
        NotRunning: its servers do not run.
    """
    stack = stack or Stack()
    if not stack.running:
        raise NotRunning
    connected = Running(stack)
    try:
        yield connected
    finally:
        await connected.close()
