"""What the gateway works with: a role of the database for each purpose, storage, Kafka for operators."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from sqlalchemy.ext.asyncio import AsyncEngine

from services.gateway.live import Live, Once, Shown, Streams
from services.gateway.settings import GatewaySettings, UploadSettings
from services.gateway.uploads.uploads import Uploads
from services.gateway.who.identification import Who
from shared.api.operations import Operations
from shared.connections import KafkaConnection
from shared.db.engine import create_engine
from shared.messaging.dead_letters import DeadLetter
from shared.observability.health import Health
from shared.runtime.settings import ServiceSettings, StorageSettings, WebhookSettings
from shared.storage import MultipartStore, ObjectStore
from shared.webhooks.addresses import AddressRules


@dataclass(frozen=True)
class Gateway:
    """The gateway of one process. Built once; nothing is connected until it is used.

    `addresses` says which ones webhooks may have.

    `own` is the database as `winnow_gateway` (schema `gateway`), `reader` reads a tenant's rows, `intake` acts for a
    tenant, `operator` sees imports of all tenants and no rows.
    """

    settings: GatewaySettings
    service: ServiceSettings
    storage: StorageSettings
    own: AsyncEngine
    reader: AsyncEngine
    intake: AsyncEngine
    operator: AsyncEngine
    health: Health
    addresses: AddressRules = field(default_factory=AddressRules)
    upload_settings: UploadSettings = field(default_factory=UploadSettings)

    @cached_property
    def store(self) -> ObjectStore:
        """Storage, with the gateway's key."""
        return ObjectStore(self.storage.connection)

    @cached_property
    def uploads(self) -> Uploads:
        """Files on their way in through this process."""
        settings, connection = self.upload_settings, self.storage.connection
        store = MultipartStore(connection, at_once=settings.parts_at_once)
        links = (
            store
            if settings.public_storage_endpoint is None
            else MultipartStore(replace(connection, endpoint=settings.public_storage_endpoint), at_once=1)
        )
        return Uploads(self.own, store, self.storage.uploads_bucket, settings, links=links)

    @cached_property
    def who(self) -> Who:
        """Finds out who asks."""
        return Who(self.settings, self.own, self.reader)

    @cached_property
    def live(self) -> Live:
        """Tells of changes of imports; listens once `live.run` runs."""
        return Live(self.own)

    @cached_property
    def streams(self) -> Streams:
        """The live pages of this process."""
        return Streams(self.live, most=self.settings.live_streams, most_of_one=self.settings.live_streams_of_one)

    @cached_property
    def watched(self) -> "Once[Shown | None]":
        """Imports that many watch, read once for all of them."""
        return Once(seconds=0.4)

    @cached_property
    def operations(self) -> "Once[Operations]":
        """What operators see, found out for all who look."""
        return Once(seconds=2)

    @cached_property
    def letters(self) -> "Once[Sequence[DeadLetter]]":
        """The dead letters that wait, read for all who look."""
        return Once(seconds=5)

    @property
    def kafka(self) -> KafkaConnection:
        """How Kafka is reached: for lag and dead letters."""
        return self.service.kafka

    @property
    def over_tls(self) -> bool:
        """Whether people reach it over TLS."""
        return self.settings.public_url.startswith("https://")

    async def close(self) -> None:
        """End the connections that are its own; `own` is the process's."""
        await self.who.close()
        for engine in (self.reader, self.intake, self.operator):
            await engine.dispose()


def build(
    settings: GatewaySettings, service: ServiceSettings, storage: StorageSettings, own: AsyncEngine, health: Health
) -> Gateway:
    """The gateway that the settings describe."""

    def engine(url: str, purpose: str) -> AsyncEngine:
        return create_engine(
            url,
            connections=service.database_connections,
            name=f"winnow-gateway-{purpose}",
            options=service.database_options,
        )

    return Gateway(
        settings=settings,
        service=service,
        storage=storage,
        own=own,
        # All that is said in one answer is of one moment.
        reader=engine(settings.reader_database_url.get_secret_value(), "reader").execution_options(
            isolation_level="REPEATABLE READ"
        ),
        intake=engine(settings.intake_database_url.get_secret_value(), "intake"),
        operator=engine(settings.operator_database_url.get_secret_value(), "operator"),
        health=health,
        addresses=WebhookSettings().rules,
    )
