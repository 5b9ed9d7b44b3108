"""Servers that die, topics that are lost, events that come twice and in any order."""

import asyncio
import json
import os
import random
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import confluent_kafka
import confluent_kafka.admin
import psutil
import pytest
from sqlalchemy import text

from deploy.local.stack import Stack
from shared.events import TOPICS
from tests.chaos.conftest import Undisturbed
from tests.harness.fleet import ServiceProcess
from tests.harness.world import World, eventually

FLEET = {"parser": 1, "validator": 2, "committer": 2, "exporter": 1, "keeper": 1}


async def under_way(world: World, tenant: str) -> None:
    """Wait until some of the import is committed and some is not."""

    async def some() -> bool:
        return bool(
            await world.scalar(
                "SELECT count(*) FROM imports.import_chunks WHERE tenant_id = :tenant AND state = 'committed'",
                tenant=tenant,
            )
        )

    await eventually("a first chunk is committed", some, every=0.02)


@pytest.mark.parametrize("server", ["kafka", "postgres", "s3"])
async def test_killing_a_server_in_the_middle_of_an_import_changes_nothing(
    idle_world: World, undisturbed: Undisturbed, chance: random.Random, stack: Stack, tenant: str, server: str
) -> None:
    idle_world.fleet.start(FLEET)
    import_id = idle_world.send(tenant, undisturbed.path)
    if server != "s3":
        await under_way(idle_world, tenant)
    victim = getattr(stack, server)
    victim.kill()
    await asyncio.sleep(chance.uniform(0.5, 3))  # how long it is away is chance
    await asyncio.to_thread(victim.start)
    ended = await idle_world.ended(import_id, seconds=240)
    await undisturbed.assert_same(idle_world, tenant, ended)
    assert all(member.running for member in idle_world.fleet.members), "services wait for servers, they do not die"


async def test_a_broker_cut_off_for_longer_than_a_session_changes_nothing(
    idle_world: World, undisturbed: Undisturbed, stack: Stack, tenant: str
) -> None:
    idle_world.fleet.start(FLEET)
    import_id = idle_world.send(tenant, undisturbed.path)
    await under_way(idle_world, tenant)
    record = stack.kafka.record
    assert record is not None
    os.kill(record.pid, signal.SIGSTOP)
    await asyncio.sleep(12)  # longer than the session of a consumer
    os.kill(record.pid, signal.SIGCONT)
    ended = await idle_world.ended(import_id, seconds=240)
    await undisturbed.assert_same(idle_world, tenant, ended)


async def test_processes_that_stay_frozen_for_longer_than_any_patience_change_nothing(
    idle_world: World, undisturbed: Undisturbed, chance: random.Random, tenant: str
) -> None:
    """Until the import has ended without them, however long that takes; then they come back and act on what they had."""
    world = idle_world
    world.fleet.start({**FLEET, "parser": 2, "exporter": 2})
    import_id = world.send(tenant, undisturbed.path)
    await _some_chunk(world, tenant, "staged")
    frozen = [await _freeze(world, chance, "parser")]
    await _some_chunk(world, tenant, "validated")
    frozen.append(await _freeze(world, chance, "validator"))
    await _some_chunk(world, tenant, "committed")
    frozen += [await _freeze(world, chance, "committer"), await _freeze(world, chance, "exporter")]
    ended = await world.ended(import_id, seconds=150)
    await undisturbed.assert_same(world, tenant, ended)
    for member in frozen:
        member.signal(signal.SIGCONT)
    for member in frozen:
        await asyncio.to_thread(member.wait_ready)
    another = await world.ended(world.send(f"{tenant}-after", undisturbed.path), seconds=150)
    await undisturbed.assert_same(world, f"{tenant}-after", another)
    await undisturbed.assert_same(world, tenant, ended)
    assert all(member.running for member in world.fleet.members)


async def _some_chunk(world: World, tenant: str, state: str) -> None:
    """Wait until a chunk has got that far."""

    async def some() -> bool:
        return bool(
            await world.scalar(
                "SELECT count(*) FROM imports.import_chunks WHERE tenant_id = :tenant"
                " AND CASE :state WHEN 'staged' THEN true WHEN 'validated' THEN validated_at IS NOT NULL"
                " ELSE committed_at IS NOT NULL END",
                tenant=tenant,
                state=state,
            )
        )

    await eventually(f"a first chunk is {state}", some, every=0.01)


async def _freeze(world: World, chance: random.Random, service: str) -> ServiceProcess:
    """Freeze one of two processes; where it can be had within some tries, in the middle of a transaction."""
    open_ports = text(
        "SELECT client_port FROM pg_stat_activity WHERE state = 'idle in transaction' AND application_name LIKE :name"
    )
    member = chance.choice(world.fleet.of(service))
    for _ in range(20):
        member.signal(signal.SIGSTOP)
        assert member.process is not None
        ports = {each.laddr.port for each in psutil.Process(member.process.pid).net_connections()}
        async with world.database() as conn:
            inside = ports & set((await conn.execute(open_ports, {"name": f"winnow-{service}%"})).scalars())
        if inside:
            break
        member.signal(signal.SIGCONT)
        await asyncio.sleep(chance.uniform(0, 0.02))  # another instant
    else:
        member.signal(signal.SIGSTOP)
    print(f"{service} is frozen {'inside' if inside else 'outside'} a transaction")  # noqa: T201 - says what the run did
    return member


async def test_losing_every_topic_in_the_middle_of_an_import_changes_nothing(
    idle_world: World, undisturbed: Undisturbed, tenant: str
) -> None:
    idle_world.fleet.start(FLEET)
    import_id = idle_world.send(tenant, undisturbed.path)
    await under_way(idle_world, tenant)
    admin = confluent_kafka.admin.AdminClient({"bootstrap.servers": idle_world.servers.kafka})
    for deleted in admin.delete_topics([topic.name for topic in TOPICS]).values():
        deleted.result(30)
    ended = await idle_world.ended(import_id, seconds=240)
    await undisturbed.assert_same(idle_world, tenant, ended)
    # As the runbook says: how far a group was in the old topic may be a place in the new one.
    idle_world.fleet.stop()

    async def forgotten() -> bool:
        ours = [group.group_id for group in admin.list_consumer_groups().result(30).valid if "winnow" in group.group_id]
        try:
            for deleted in admin.delete_consumer_groups(ours).values() if ours else ():
                deleted.result(30)
        except confluent_kafka.KafkaException as error:
            # Until the broker misses its members.
            assert error.args[0].code() == confluent_kafka.KafkaError.NON_EMPTY_GROUP
            return False
        return True

    await eventually("what groups had read of the old topics is forgotten", forgotten, every=0.5)


async def test_every_event_twice_and_out_of_order_changes_nothing(
    idle_world: World, undisturbed: Undisturbed, chance: random.Random, tenant: str
) -> None:
    idle_world.fleet.start(FLEET)
    with repeating(idle_world, chance) as repeated:
        import_id = idle_world.send(tenant, undisturbed.path, times=2)
        ended = await idle_world.ended(import_id, seconds=240)

        async def enough() -> bool:
            return repeated() >= 10

        await eventually("events were repeated", enough)
    await undisturbed.assert_same(idle_world, tenant, ended)
    imports = await idle_world.scalar("SELECT count(*) FROM imports.imports WHERE tenant_id = :tenant", tenant=tenant)
    assert imports == 1


@contextmanager
def repeating(world: World, chance: random.Random) -> Iterator[Callable[[], int]]:
    """Publish every event of ours once more, late and shuffled; yields how many were."""
    stop, listening = threading.Event(), threading.Event()
    repeated = 0

    def repeat() -> None:
        nonlocal repeated
        consumer = confluent_kafka.Consumer(
            {
                "bootstrap.servers": world.servers.kafka,
                "group.id": f"repeater-{chance.random()}",
                "auto.offset.reset": "latest",
            }
        )
        producer = confluent_kafka.Producer({"bootstrap.servers": world.servers.kafka})

        def from_here(_consumer: confluent_kafka.Consumer, partitions: list[confluent_kafka.TopicPartition]) -> None:
            # Said now: where "latest" is, is found out with the first fetch, and events may have come by then.
            for partition in partitions:
                _, partition.offset = consumer.get_watermark_offsets(partition, timeout=30)
            consumer.assign(partitions)
            listening.set()

        consumer.subscribe([topic.name for topic in TOPICS], on_assign=from_here)
        held: list[confluent_kafka.Message] = []
        while not stop.is_set():
            held.extend(
                message
                for message in consumer.consume(20, 0.2)
                if not message.error() and "repeated" not in dict(message.headers() or [])
            )
            chance.shuffle(held)
            for message in held[: chance.randrange(0, len(held) + 1)]:
                producer.produce(
                    str(message.topic()), message.value(), headers=[*(message.headers() or []), ("repeated", b"1")]
                )
                held.remove(message)
                repeated += 1
            producer.flush(5)
        consumer.close()

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    assert listening.wait(30), "the repeater hears events from before the first one on"
    try:
        yield lambda: repeated
    finally:
        stop.set()
        thread.join(20)


async def test_events_of_the_ledger_forged_in_the_wrong_order_change_nothing(
    idle_world: World, undisturbed: Undisturbed, tenant: str
) -> None:
    """`rows-validated` for every chunk, before anything was validated."""
    idle_world.fleet.start(FLEET)
    import_id = idle_world.send(tenant, undisturbed.path)
    for chunk in range(1, 6):
        forged = {
            "tenant_id": tenant,
            "import_id": str(import_id),
            "entity_type": "products",
            "mode": "create",
            "chunk_no": chunk,
            "first_row": 2,
            "last_row": 3,
            "row_count": 2,
        }
        idle_world.publish(json.dumps(forged).encode(), topic="rows-validated")
    ended = await idle_world.ended(import_id, seconds=240)
    await undisturbed.assert_same(idle_world, tenant, ended)
