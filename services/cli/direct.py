"""The servers of a Winnow, for who administers it, with a role and a key for each purpose. Connected to when they are used."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncEngine

from services.cli.reach import Services
from services.cli.settings import ServerSettings, target
from shared.connections import KafkaConnection
from shared.db.engine import create_engine
from shared.messaging.dead_letters import DeadLetters
from shared.messaging.kafka import connected_publisher
from shared.messaging.letter_erasure import LetterErasure
from shared.storage import ObjectStore

Role = Literal["operator", "intake", "keeper", "administrator"]


class Servers:
    """Connections of one command. `services` is None where nobody here can ask its processes."""

    def __init__(self, settings: ServerSettings, services: Services | None = None) -> None:
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


@asynccontextmanager
async def connected() -> AsyncIterator[Servers]:
    """The servers that are named by the environment or a profile, else those of this checkout.

    Raises:
        CommandFailed: there are none, or a setting is wrong; says what to set or start.
    """
    found = target()
    servers = Servers(found.settings, found.services)
    try:
        yield servers
    finally:
        await servers.close()
