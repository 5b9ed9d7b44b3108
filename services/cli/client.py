"""The Winnow a command talks to, with a role and a key for each purpose. Connected to when it is used."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Literal, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.cli import exits
from services.cli.exits import CommandFailed
from services.cli.settings import ClientSettings, Services, target
from services.cli.terminal.hints import typed
from shared.connections import KafkaConnection
from shared.db.engine import create_engine
from shared.db.transaction import tenant_transaction
from shared.intake import reports, uploads
from shared.intake.reading import FileReading, read_reading
from shared.intake.repairs import Repairs, read_repairs
from shared.intake.uploads import Sent, Upload
from shared.ledger import ImportProgress, read_import, read_recent
from shared.ledger.tenants import UnknownTenant, require_tenant
from shared.messaging.dead_letters import DeadLetters
from shared.messaging.kafka import connected_publisher
from shared.messaging.letter_erasure import LetterErasure
from shared.storage import ObjectStore

Role = Literal["operator", "reader", "intake", "keeper", "administrator"]
T = TypeVar("T")


class Client:
    """Connections of one command to a Winnow. `services` is None where nobody here can ask its processes."""

    def __init__(self, settings: ClientSettings, services: Services | None = None) -> None:
        self.settings = settings
        self.services = services
        self._engines: dict[str, AsyncEngine] = {}

    def engine(self, role: Role) -> AsyncEngine:
        """The database as a role, or as the administrator, who owns it.

        Raises:
            CommandFailed: nothing says how to reach it; names the variable.
        """
        if role not in self._engines:
            self._engines[role] = create_engine(
                self.settings.database(role), connections=1, name="winnow-cli", options=self.settings.database_options
            )
        return self._engines[role]

    async def problems(self) -> list[str]:
        """A line for every service process that is known not to be ready; none where they cannot be asked."""
        return [] if self.services is None else await self.services.problems()

    async def send(self, upload: Upload) -> Sent:
        """Send a file; see `shared.intake.uploads.send`."""
        return await uploads.send(self.engine("intake"), self.uploads, self.settings.s3_uploads_bucket, upload)

    async def progress(self, import_id: UUID, *, tenant: str | None = None) -> ImportProgress | None:
        """How far an import is; None when there is none of that id (of that tenant)."""
        async with self.engine("operator").connect() as conn:
            found = await read_import(conn, import_id)
        return None if found is not None and tenant not in {None, found.tenant_id} else found

    async def import_of(self, import_id: UUID, *, tenant: str | None = None) -> ImportProgress:
        """The import of this id.

        Raises:
            CommandFailed: there is none (of that tenant).
        """
        if (found := await self.progress(import_id, tenant=tenant)) is None:
            whose = "" if tenant is None else f' of tenant "{tenant}"'
            recent = typed("status") if tenant is None else typed("status", "--tenant", tenant)
            raise CommandFailed(f"There is no import {import_id}{whose}. The recent ones: {recent}")
        return found

    async def require_tenant(self, tenant: str) -> None:
        """Let registered tenants pass.

        Raises:
            UnknownTenant: it is not registered; names the nearest one.
        """
        async with tenant_transaction(self.engine("intake"), tenant) as conn:
            await require_tenant(conn, tenant)

    async def refuse_unknown(self, tenant: str) -> None:
        """Let registered tenants pass, to whoever asks what there is of one.

        Raises:
            CommandFailed: it is not registered; names the nearest one.
        """
        try:
            await self.require_tenant(tenant)
        except UnknownTenant as unknown:
            meant = f' Did you mean "{unknown.nearest}"?' if unknown.nearest else ""
            new = typed("tenants", "add", tenant)
            said = f'Tenant "{tenant}" is not registered.{meant} A new one: {new}'
            raise CommandFailed(said, code=exits.USAGE) from None

    async def recent(self, *, tenant: str | None, limit: int) -> list[ImportProgress]:
        """The latest imports, newest first."""
        async with self.engine("operator").connect() as conn:
            return await read_recent(conn, tenant_id=tenant, limit=limit)

    async def errors(self, progress: ImportProgress, *, limit: int | None) -> list[reports.ReportedError]:
        """The errors of an import's failed rows, in the order of the file."""
        return await self.read(progress, lambda conn: reports.read_errors(conn, progress.id, limit=limit))

    async def error_counts(self, progress: ImportProgress) -> reports.ErrorCounts:
        """How many of them there are."""
        return await self.read(progress, lambda conn: reports.count_errors(conn, progress.id))

    async def error_groups(self, progress: ImportProgress) -> list[reports.ErrorGroup]:
        """The same by kind and column, the most frequent first."""
        return await self.read(progress, lambda conn: reports.group_errors(conn, progress.id))

    async def reading(self, progress: ImportProgress) -> FileReading | None:
        """How its file was read; None before it was looked into."""
        return await self.read(progress, lambda conn: read_reading(conn, progress.id))

    async def repairs(self, progress: ImportProgress) -> Repairs:
        """What was repaired of the rows it handed back, and by which imports."""
        return await self.read(progress, lambda conn: read_repairs(conn, progress.id))

    async def entities_made(self, progress: ImportProgress, *, limit: int | None = None) -> dict[str, list[str]]:
        """The names of entities an import created on the way, by kind; at most so many of each kind."""
        if not progress.summary.get("entities"):
            return {}
        return await self.read(progress, lambda conn: reports.read_entities_made(conn, progress.id, limit=limit))

    async def read(self, progress: ImportProgress, query: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """What a query finds among the rows of an import's tenant."""
        async with tenant_transaction(self.engine("reader"), progress.tenant_id) as conn:
            return await query(conn)

    @property
    def uploads(self) -> ObjectStore:
        """Storage, with the key that puts files into the uploads bucket."""
        return self._storage(upload=True)

    @property
    def results(self) -> ObjectStore:
        """Storage, with the key that reads what is handed back."""
        return self._storage(upload=False)

    @property
    def everything(self) -> ObjectStore:
        """Storage, with the key that lists and deletes in both buckets."""
        return ObjectStore(self.settings.storage_of_administrator())

    @property
    def keeping(self) -> ObjectStore:
        """Storage, with the key that lists and deletes what its time is over for."""
        return ObjectStore(self.settings.storage_of_keeper())

    @property
    def buckets(self) -> tuple[str, str]:
        """Where files lie: those that come in, those that are handed back."""
        return self.settings.s3_uploads_bucket, self.settings.s3_results_bucket

    @property
    def kafka(self) -> KafkaConnection:
        """How Kafka is reached."""
        self.settings.needed("kafka_bootstrap")
        return self.settings.kafka

    @asynccontextmanager
    async def dead_letters(self) -> AsyncIterator[DeadLetters]:
        """Reads dead letters and sends them again; connected while the block lasts."""
        async with connected_publisher(self.kafka, client_id="winnow-cli") as publisher:
            yield DeadLetters(self.kafka, publisher)

    @asynccontextmanager
    async def letter_erasure(self) -> AsyncIterator[LetterErasure]:
        """Erases dead letters; connected while the block lasts."""
        async with connected_publisher(self.kafka, client_id="winnow-cli") as publisher:
            yield LetterErasure(self.kafka, publisher)

    async def close(self) -> None:
        """End the connections."""
        for engine in self._engines.values():
            await engine.dispose()

    def _storage(self, *, upload: bool) -> ObjectStore:
        return ObjectStore(self.settings.storage(upload=upload))


@asynccontextmanager
async def connected() -> AsyncIterator[Client]:
    """The Winnow that is named by the environment or a profile, else the one of this checkout.

    Raises:
        CommandFailed: there is none, or a setting is wrong; says what to set or start.
    """
    found = target()
    client = Client(found.settings, found.services)
    try:
        yield client
    finally:
        await client.close()
