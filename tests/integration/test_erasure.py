"""A tenant is erased: from every table that has tenants, every bucket and every dead-letter topic; that it was is recorded."""

import io
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import Table, func, insert, select, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from deploy.local.s3_server import RESULTS, UPLOADS
from deploy.local.stack import Stack
from shared.connections import StorageConnection
from shared.db.metadata import metadata
from shared.events import TOPICS
from shared.intake.erasure import Erasure, erase_tenant, read_erasures
from shared.messaging.dead_letters import Cause, DeadLetter, DeadLetters, DeadLetterWriter
from shared.messaging.envelope import Delivery
from shared.messaging.kafka import connected_publisher
from shared.messaging.letter_erasure import LetterErasure
from shared.storage import ObjectStore
from tests.harness.files import product
from tests.harness.made_up import made_up
from tests.harness.staging import Desk
from tests.harness.world import World
from tests.integration.conftest import EngineOf

ONE_OF_A_FEW = {
    "action": "create",
    "record": "product",
    "status": "pending",
    "state": "staged",
    "carbon_kg": 1,
    "step": "weaving",
}
# Erased is only who has nothing under way.
ALWAYS_EMPTY = {"imports.outbox"}
# Sums that go with what they are of.
GONE_BY_THEMSELVES = {"imports.reason_counts"}


class Letters:
    """The dead letters of a test."""

    def __init__(self, kafka: str, publisher: Any) -> None:
        self.list = DeadLetters(kafka, publisher)
        self._writer = DeadLetterWriter(publisher)
        self.erasure = LetterErasure(kafka, publisher)

    async def write(self, topic: str, body: bytes, **headers: str) -> None:
        cause = Cause(error="Poison", message="of a test", attempt=1)
        await self._writer.write(Delivery(topic, 0, 0, body, b"key", headers), cause, stage="test")

    async def waiting(self) -> list[DeadLetter]:
        return await self.list.waiting()


@pytest.fixture
async def letters(stack: Stack) -> AsyncIterator[Letters]:
    kafka = stack.endpoints.kafka_bootstrap
    async with connected_publisher(kafka, client_id="test-erasure") as publisher:
        yield Letters(kafka, publisher)


async def erase(stack: Stack, letters: Letters, tenant: str, *, store: ObjectStore | None = None) -> Erasure:
    engine = create_async_engine(stack.admin_database_url, poolclass=NullPool)
    return await erase_tenant(
        engine, store or _storage(stack), (UPLOADS, RESULTS), letters.erasure, tenant, asked_by="maria"
    )


def _storage(stack: Stack) -> ObjectStore:
    endpoints = stack.endpoints
    return ObjectStore(StorageConnection(endpoints.s3_endpoint, endpoints.s3_access_key, endpoints.s3_secret_key))


def tables() -> list[Table]:
    return [table for table in metadata.sorted_tables if "tenant_id" in table.columns]


def one_of(table: Table, tenant: str) -> dict[str, Any]:
    """A row the table takes."""
    few = {name: value for name, value in ONE_OF_A_FEW.items() if name in table.columns and table.schema != "gateway"}
    return made_up(table, tenant, **few)


async def fill(world: World, engine_of: EngineOf, tenant: str) -> None:
    """Rows of a tenant in every table that has tenants, and objects in both buckets."""
    rows = [*product(1, variants=2), *product(2, carbon_kg="heavy")]
    for event in await Desk(engine_of, tenant).ready(rows):
        await Desk(engine_of, tenant).commit(event)
    await world.register(tenant)
    async with world.database() as conn:
        await conn.execute(
            text("UPDATE imports.imports SET status = 'completed_with_failures' WHERE tenant_id = :t"), {"t": tenant}
        )
        await conn.execute(text("DELETE FROM imports.outbox WHERE tenant_id = :t"), {"t": tenant})
        await conn.execute(text("SET LOCAL session_replication_role = replica"))
        for table in tables():
            if table.fullname not in ALWAYS_EMPTY and not await _count(conn, table, tenant):
                await conn.execute(insert(table).values(one_of(table, tenant)))
    for bucket in (UPLOADS, RESULTS):
        for name in ("a.xlsx", "deep/er/b.csv"):
            world.storage.put_object(bucket, f"{tenant}/{name}", io.BytesIO(b"a"), 1)


async def _count(conn: Any, table: Table, tenant: str) -> int:
    return int(await conn.scalar(select(func.count()).select_from(table).where(table.c.tenant_id == tenant)))


async def counts(world: World, tenant: str) -> dict[str, int]:
    async with world.database() as conn:
        return {table.fullname: await _count(conn, table, tenant) for table in tables()}


def objects(world: World, tenant: str) -> list[str]:
    return [
        f"{bucket.name}:{found.object_name}"
        for bucket in world.storage.list_buckets()
        for found in world.storage.list_objects(bucket.name, prefix=f"{tenant}/", recursive=True)
    ]


async def test_nothing_of_an_erased_tenant_is_left_in_any_table_bucket_or_dead_letter_topic(
    idle_world: World, stack: Stack, engine_of: EngineOf, letters: Letters, tenant: str
) -> None:
    neighbour = f"{tenant}-2"
    for name in (tenant, neighbour):
        await fill(idle_world, engine_of, name)
        assert [table for table, rows in (await counts(idle_world, name)).items() if not rows] == sorted(ALWAYS_EMPTY)
        for topic in TOPICS:
            await letters.write(
                topic.name, f'{{"tenant_id": "{name}", "note": "for {tenant} and {neighbour}"}}'.encode()
            )
        await letters.write("file-uploaded", f'not json, "object_key": "{name}/a.xlsx"'.encode())
        await letters.write("file-uploaded", b"\xff\x00", ce_subject=name)
    before = await counts(idle_world, neighbour), objects(idle_world, neighbour)
    others = [letter for letter in await letters.waiting() if _names(letter, neighbour, tenant)]
    assert len(others) == len(TOPICS) + 2

    erased = await erase(stack, letters, tenant)
    assert erased.dead_letters == len(TOPICS) + 2
    assert erased.objects == {UPLOADS: 2, RESULTS: 2}
    assert erased.rows.keys() == {table.fullname for table in tables()} - ALWAYS_EMPTY - GONE_BY_THEMSELVES
    assert not any((await counts(idle_world, tenant)).values())
    assert objects(idle_world, tenant) == []

    left = await letters.waiting()
    assert not [letter for letter in left if _names(letter, tenant, neighbour)]
    kept = [letter for letter in left if _names(letter, neighbour, tenant)]
    assert [(each.body, each.key, each.headers, each.at) for each in kept] == [
        (each.body, each.key, each.headers, each.at) for each in others
    ], "another tenant's letters are what they were"
    assert (await counts(idle_world, neighbour), objects(idle_world, neighbour)) == before
    assert (await erase(stack, letters, tenant)).nothing


def _names(letter: DeadLetter, tenant: str, other: str) -> bool:
    """Whether a letter is of the one and not of the other tenant, whose name begins like it."""
    said = b"|".join([letter.body.split(b'"note"')[0], *(value.encode() for value in letter.headers.values())]).decode(
        errors="replace"
    )
    longer, shorter = sorted((tenant, other), key=len, reverse=True)
    return longer in said if tenant == longer else shorter in said.replace(longer, "")


async def test_a_letter_that_was_sent_again_does_not_come_back_when_another_tenant_is_erased(
    idle_world: World, stack: Stack, letters: Letters, tenant: str
) -> None:
    gone, stays = (f'{{"tenant_id": "{tenant}-{name}"}}'.encode() for name in ("sent", "stays"))
    for body in (gone, stays, f'{{"tenant_id": "{tenant}"}}'.encode()):
        await letters.write("rows-staged", body)
    (sent,) = [letter for letter in await letters.waiting() if letter.body == gone]
    await letters.list.mark(sent)
    assert (await erase(stack, letters, tenant)).dead_letters == 1
    assert [letter.body for letter in await letters.waiting() if tenant.encode() in letter.body] == [stays]


async def test_that_a_tenant_was_erased_is_recorded_and_outlives_erasing_it_again(
    idle_world: World, stack: Stack, engine_of: EngineOf, letters: Letters, tenant: str
) -> None:
    await fill(idle_world, engine_of, tenant)
    erased = await erase(stack, letters, tenant)
    await erase(stack, letters, tenant)
    async with engine_of("winnow_operator").connect() as conn:
        (record,) = [each for each in await read_erasures(conn) if each.tenant == tenant]
    assert record.asked_by == "maria"
    assert record.ended_at is not None
    assert record.erased == {"rows": erased.rows, "objects": erased.objects, "dead_letters": 0}


async def test_what_was_never_there_leaves_no_record(
    stack: Stack, engine_of: EngineOf, letters: Letters, tenant: str
) -> None:
    assert (await erase(stack, letters, tenant)).nothing
    async with engine_of("winnow_operator").connect() as conn:
        assert [each for each in await read_erasures(conn) if each.tenant == tenant] == []


class _Away(ObjectStore):
    """A storage that is away when objects are to be erased."""

    async def erase(self, bucket: str, prefix: str) -> int:
        raise ConnectionError(bucket, prefix)


async def test_an_erasure_that_was_interrupted_is_gone_on_with_and_is_one_record(
    idle_world: World, stack: Stack, engine_of: EngineOf, letters: Letters, tenant: str
) -> None:
    await fill(idle_world, engine_of, tenant)
    away = _Away(StorageConnection(stack.endpoints.s3_endpoint, "a", "b"))
    with pytest.raises(ConnectionError):
        await erase(stack, letters, tenant, store=away)
    async with engine_of("winnow_operator").connect() as conn:
        (record,) = [each for each in await read_erasures(conn) if each.tenant == tenant]
    assert record.ended_at is None
    again = await erase(stack, letters, tenant)
    assert (dict(again.rows), again.objects) == ({}, {UPLOADS: 2, RESULTS: 2})
    async with engine_of("winnow_operator").connect() as conn:
        (record,) = [each for each in await read_erasures(conn) if each.tenant == tenant]
    assert record.ended_at is not None
    assert record.erased["rows"]["catalog.products"] == 1
    assert record.erased["objects"] == {UPLOADS: 2, RESULTS: 2}
