"""The keeper's rounds: topics that were deleted, work that is stuck, work that is lost, gauges."""

import json
from datetime import timedelta

import confluent_kafka.admin
import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text

from deploy.local.stack import Stack
from services.keeper.handler import Rounds
from services.keeper.settings import KeeperSettings
from shared.db.transaction import tenant_transaction
from shared.events import TOPICS, RowsStaged
from shared.events.topics import ROWS_STAGED
from shared.ledger import Dismissed, dismiss_import
from shared.messaging import outbox
from shared.messaging.kafka import apply_topics
from tests.harness.files import catalogue, product
from tests.harness.staging import Desk
from tests.harness.world import World, eventually
from tests.integration.conftest import EngineOf


@pytest.fixture
def rounds(idle_world: World, engine_of: EngineOf, stack: Stack) -> Rounds:
    """A keeper with no patience."""
    settings = KeeperSettings(stuck_publishes=3, stuck_after=timedelta(0), lost_after=timedelta(0))
    return Rounds(engine_of("winnow_keeper"), stack.endpoints.kafka_bootstrap, settings)


async def topics_of(world: World, tenant: str) -> list[tuple[str, int]]:
    """What waits in the outbox: (topic, chunk)."""
    async with world.database() as conn:
        found = await conn.execute(
            text("SELECT topic, chunk_no FROM imports.outbox WHERE tenant_id = :t ORDER BY topic, chunk_no"),
            {"t": tenant},
        )
        return [(row.topic, row.chunk_no) for row in found]


async def lose_events(world: World, tenant: str) -> None:
    async with world.database() as conn:
        await conn.execute(text("DELETE FROM imports.outbox WHERE tenant_id = :t"), {"t": tenant})


async def test_topics_that_were_deleted_are_created_again(rounds: Rounds, stack: Stack) -> None:
    admin = confluent_kafka.admin.AdminClient({"bootstrap.servers": stack.endpoints.kafka_bootstrap})
    doomed = ["rows-staged", "import-completed.dead-letter"]
    for deleted in admin.delete_topics(doomed).values():
        deleted.result(30)

    async def back() -> bool:
        await rounds.keep_topics()
        return set(doomed) <= admin.list_topics(timeout=10).topics.keys()

    await eventually("both are back", back)
    assert await apply_topics(stack.endpoints.kafka_bootstrap) == []


async def test_work_that_no_process_gets_through_ends_with_a_reference(
    idle_world: World, rounds: Rounds, desk: Desk, engine_of: EngineOf, tenant: str
) -> None:
    stuck, fine = await desk.stage(catalogue(30), chunk_rows=60)
    async with tenant_transaction(engine_of("winnow_parser"), tenant) as conn:
        for event in (stuck, fine):
            await outbox.append(conn, event)
    async with idle_world.database() as conn:
        await conn.execute(
            text(
                "UPDATE imports.outbox SET published_at = now(), attempts = CASE chunk_no WHEN 1 THEN 3 ELSE 2 END "
                "WHERE tenant_id = :t"
            ),
            {"t": tenant},
        )
    await rounds.end_stuck_work()
    states = await idle_world.scalar(
        "SELECT array_agg(state || coalesce(' ' || left(reference, 2), '') ORDER BY chunk_no) "
        "FROM imports.import_chunks WHERE import_id = :id",
        id=stuck.import_id,
    )
    assert states == ["quarantined W-", "staged"]
    assert await topics_of(idle_world, tenant) == [("rows-staged", 2)]
    errors = await idle_world.errors(stuck.import_id)
    assert len(errors) == stuck.row_count
    assert {code for _row, _heading, code, _message in errors} == {"internal"}


async def test_a_chunk_that_no_event_is_about_is_announced_again(
    idle_world: World, rounds: Rounds, desk: Desk, tenant: str
) -> None:
    first, _second = await desk.stage(catalogue(30), chunk_rows=60)
    await desk.validate(first)
    await lose_events(idle_world, tenant)
    await rounds.resume_lost_work()
    assert await topics_of(idle_world, tenant) == [("rows-staged", 2), ("rows-validated", 1)]
    await rounds.resume_lost_work()
    assert await topics_of(idle_world, tenant) == [("rows-staged", 2), ("rows-validated", 1)]


async def test_an_import_that_lost_its_events_at_any_point_ends_all_the_same(
    idle_world: World, rounds: Rounds, desk: Desk, tenant: str
) -> None:
    events = await desk.stage([*catalogue(20), *product(99, weight_g="heavy")], chunk_rows=60)
    await lose_events(idle_world, tenant)
    idle_world.fleet.start({"parser": 1, "validator": 1, "committer": 1})
    await rounds.resume_lost_work()

    async def ended() -> bool:
        seen = await idle_world.progress(events[0].import_id)
        return seen is not None and seen.ended

    await eventually("what was announced again is acted on", ended)
    await lose_events(idle_world, tenant)
    await rounds.resume_lost_work()
    assert await topics_of(idle_world, tenant) == [("import-completed", 0)], "its files are still to be written"


async def test_a_file_that_nobody_reads_is_announced_again(
    idle_world: World, rounds: Rounds, desk: Desk, tenant: str
) -> None:
    (event,) = await desk.stage(catalogue(3))
    async with idle_world.database() as conn:
        await conn.execute(text("UPDATE imports.imports SET parsed_at = NULL WHERE id = :id"), {"id": event.import_id})
    await lose_events(idle_world, tenant)
    await rounds.resume_lost_work()
    assert await topics_of(idle_world, tenant) == [("file-uploaded", 0), ("rows-staged", 1)]


async def test_a_held_import_waits_for_a_person_and_not_for_an_event(
    idle_world: World, rounds: Rounds, desk: Desk, tenant: str
) -> None:
    (event,) = await desk.stage(catalogue(3))
    await desk.validate(event)
    async with idle_world.database() as conn:
        await conn.execute(
            text("UPDATE imports.imports SET status = 'previewing', hold = true WHERE id = :id"),
            {"id": event.import_id},
        )
    await lose_events(idle_world, tenant)
    await rounds.resume_lost_work()
    assert await topics_of(idle_world, tenant) == []


async def test_what_was_touched_lately_is_left_alone(
    idle_world: World, engine_of: EngineOf, stack: Stack, desk: Desk, tenant: str
) -> None:
    await desk.stage(catalogue(3))
    await lose_events(idle_world, tenant)
    patient = Rounds(engine_of("winnow_keeper"), stack.endpoints.kafka_bootstrap, KeeperSettings())
    await patient.resume_lost_work()
    assert await topics_of(idle_world, tenant) == []


async def test_the_gauges_say_what_is_under_way(
    idle_world: World, rounds: Rounds, desk: Desk, engine_of: EngineOf, tenant: str
) -> None:
    async with idle_world.database() as conn:
        await conn.execute(text("DELETE FROM imports.outbox"))
    events: list[RowsStaged] = await desk.stage(catalogue(60), chunk_rows=60)
    async with tenant_transaction(engine_of("winnow_parser"), tenant) as conn:
        for event in events:
            await outbox.append(conn, event)
    async with idle_world.database() as conn:
        await conn.execute(text("UPDATE imports.outbox SET published_at = now() WHERE chunk_no = 1"))
    await rounds.publish_gauges()

    def gauge(name: str, **labels: str) -> float | None:
        return REGISTRY.get_sample_value(name, labels)

    assert gauge("winnow_outbox_events", topic=ROWS_STAGED.name, state="in_flight") == 1
    assert gauge("winnow_outbox_events", topic=ROWS_STAGED.name, state="waiting") == len(events) - 1
    assert gauge("winnow_imports_open") == await idle_world.scalar(
        "SELECT count(*) FROM imports.imports WHERE status IN ('uploading', 'importing')"
    )
    for topic in TOPICS:
        for group in topic.groups:
            assert gauge("winnow_topic_lag", topic=topic.name, group=group) is not None


async def test_an_import_all_of_whose_chunks_have_ended_is_closed(
    idle_world: World, rounds: Rounds, desk: Desk, tenant: str
) -> None:
    events = await desk.ready(catalogue(20), chunk_rows=60)
    for event in events:
        await desk.commit(event)
    async with idle_world.database() as conn:
        await conn.execute(
            text("UPDATE imports.imports SET status = 'importing', completed_at = NULL WHERE id = :id"),
            {"id": events[0].import_id},
        )
    await lose_events(idle_world, tenant)
    await rounds.resume_lost_work()
    ended = await idle_world.progress(events[0].import_id)
    assert ended is not None
    assert (ended.status, ended.created_rows) == ("completed", 60)
    assert await topics_of(idle_world, tenant) == [("import-completed", 0)]


async def test_files_of_an_import_that_was_dismissed_are_announced_again_as_it_ended(
    idle_world: World, rounds: Rounds, desk: Desk, engine_of: EngineOf, tenant: str
) -> None:
    (event,) = await desk.ready([*catalogue(1), *product(9, weight_g="heavy")])
    await desk.commit(event)
    async with tenant_transaction(engine_of("winnow_intake"), tenant) as conn:
        assert isinstance(await dismiss_import(conn, event.import_id), Dismissed)
    await lose_events(idle_world, tenant)
    await rounds.resume_lost_work()
    assert await topics_of(idle_world, tenant) == [("import-completed", 0)]
    body = await idle_world.scalar(
        "SELECT convert_from(body, 'UTF8') FROM imports.outbox WHERE tenant_id = :t", t=tenant
    )
    assert json.loads(body)["status"] == "completed_with_failures"


async def test_work_that_cannot_be_taken_up_is_in_no_other_works_way(
    idle_world: World, rounds: Rounds, desk: Desk, engine_of: EngineOf, tenant: str
) -> None:
    broken, fine = [(await desk.stage(catalogue(1, start=number)))[0] for number in (1, 2)]
    await lose_events(idle_world, tenant)
    async with idle_world.database() as conn:
        # No event can be made of it.
        await conn.execute(
            text("UPDATE imports.imports SET mode = '', updated_at = updated_at - interval '1 day' WHERE id = :id"),
            {"id": broken.import_id},
        )
        await conn.execute(text("UPDATE imports.imports SET parsed_at = NULL WHERE id = :id"), {"id": broken.import_id})
    await rounds.resume_lost_work()
    announced = await idle_world.scalar(
        "SELECT array_agg(topic) FROM imports.outbox WHERE import_id = :id", id=fine.import_id
    )
    assert announced == ["rows-staged"]

    async with tenant_transaction(engine_of("winnow_parser"), tenant) as conn:
        await outbox.append(conn, broken)
    async with idle_world.database() as conn:
        await conn.execute(
            text(
                "UPDATE imports.outbox SET published_at = now(), attempts = 3, created_at = created_at - interval '1 hour', "
                "body = CASE import_id WHEN :id THEN 'not an event'::bytea ELSE body END WHERE tenant_id = :t"
            ),
            {"t": tenant, "id": broken.import_id},
        )
    await rounds.end_stuck_work()
    states = await idle_world.scalar(
        "SELECT array_agg(state) FROM imports.import_chunks WHERE import_id = :id", id=fine.import_id
    )
    assert states == ["quarantined"]
    await lose_events(idle_world, tenant)
    async with idle_world.database() as conn:
        await conn.execute(text("DELETE FROM imports.imports WHERE id = :id"), {"id": broken.import_id})
