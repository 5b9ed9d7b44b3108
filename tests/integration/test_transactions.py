"""Senders that publish in Kafka transactions: what they abort is never seen, and what ends a transaction is no work."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from sqlalchemy import text
from uuid_utils.compat import uuid7

from shared.events import FileUploaded
from shared.events.topics import FILE_UPLOADED
from shared.messaging.dead_letters import DeadLetters
from shared.messaging.envelope import seal
from shared.messaging.lag import topic_lag
from tests.harness.files import catalogue, text_file
from tests.harness.messaging import MemoryPublisher
from tests.harness.world import World, eventually


@pytest.fixture
async def sender(world: World) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=world.servers.kafka, transactional_id=f"upstream-{uuid7()}")
    await producer.start()
    yield producer
    await producer.stop()


def event_of(world: World, tenant: str, folder: Path, number: int) -> FileUploaded:
    path = text_file(folder / f"{number}.csv", [[*row] for row in catalogue(1 + number, variants=1)])
    return FileUploaded(
        tenant_id=tenant,
        user_id="u-1",
        entity_type="products",
        mode="create",
        object_key=world.put(tenant, path),
        file_name=path.name,
        import_id=uuid7(),
    )


async def publish(sender: AIOKafkaProducer, topic: str, event: FileUploaded) -> None:
    sealed = seal(event)
    headers = [(name, value.encode()) for name, value in sealed.headers.items()]
    await sender.send_and_wait(topic, sealed.body, key=sealed.key, headers=headers)


async def lag_of(world: World) -> int:
    (found,) = [lag for lag in await topic_lag(world.servers.kafka) if lag.topic == FILE_UPLOADED.name]
    return found.lag


async def test_only_what_a_transaction_has_committed_is_imported_and_its_marker_is_no_lag(
    world: World, sender: AIOKafkaProducer, tenant: str, tmp_path: Path
) -> None:
    aborted, committed = event_of(world, tenant, tmp_path, 1), event_of(world, tenant, tmp_path, 2)
    async with sender.transaction():
        await publish(sender, FILE_UPLOADED.name, committed)
    await sender.begin_transaction()
    await publish(sender, FILE_UPLOADED.name, aborted)
    await sender.abort_transaction()
    after = event_of(world, tenant, tmp_path, 3)
    async with sender.transaction():
        await publish(sender, FILE_UPLOADED.name, after)
    assert committed.import_id is not None
    assert after.import_id is not None
    await world.ended(committed.import_id)
    await world.ended(after.import_id)

    async def none_waits() -> bool:
        return await lag_of(world) == 0

    await eventually("everything is acknowledged, so nothing lags", none_waits)
    async with world.database() as conn:
        found = await conn.execute(text("SELECT id FROM imports.imports WHERE tenant_id = :t"), {"t": tenant})
        assert set(found.scalars()) == {committed.import_id, after.import_id}


async def test_records_that_wait_are_counted_and_what_surrounds_them_is_not(
    idle_world: World, tenant: str, tmp_path: Path
) -> None:
    before = await lag_of(idle_world)
    producer = AIOKafkaProducer(bootstrap_servers=idle_world.servers.kafka, transactional_id=f"upstream-{uuid7()}")
    await producer.start()
    try:
        for _ in range(3):
            async with producer.transaction():
                await publish(producer, FILE_UPLOADED.name, event_of(idle_world, tenant, tmp_path, 1))
            await producer.begin_transaction()
            await publish(producer, FILE_UPLOADED.name, event_of(idle_world, tenant, tmp_path, 1))
            await producer.abort_transaction()
        assert await lag_of(idle_world) == before + 3
    finally:
        await producer.stop()


async def test_dead_letters_are_listed_although_their_topic_ends_with_a_transaction(
    idle_world: World, sender: AIOKafkaProducer, tenant: str, tmp_path: Path
) -> None:
    await sender.begin_transaction()
    await publish(sender, FILE_UPLOADED.dead_letter, event_of(idle_world, tenant, tmp_path, 1))
    await sender.abort_transaction()
    letters = await DeadLetters(idle_world.servers.kafka, MemoryPublisher()).waiting([FILE_UPLOADED])
    assert [letter for letter in letters if letter.key == tenant.encode()] == []
