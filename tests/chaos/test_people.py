"""kill -9 while people are imported of whom many rows are about the same ones, and two imports at once name the same companies."""

import random
from pathlib import Path

from tests.harness.people import assert_as_expected, write_crowd
from tests.harness.world import World, assert_ledger_closes

_NAMED_TWICE = """
    SELECT count(*) - count(DISTINCT lower(name)) FROM crm.records WHERE tenant_id = :tenant AND entity_type = 'companies'
"""
_OF_NOBODY = """
    SELECT count(*) FROM crm.identifiers i
     WHERE tenant_id = :tenant AND NOT EXISTS (SELECT FROM crm.records r WHERE r.id = i.record_id)
"""
_PEOPLE = "SELECT count(*) FROM crm.records WHERE tenant_id = :tenant AND entity_type = 'people'"
STAGES = {"parser": 2, "validator": 2, "committer": 2, "exporter": 1, "keeper": 1}
ROWS, KILLS = 6_000, 8


async def test_whoever_dies_every_person_is_as_the_file_read_from_above_says(
    idle_world: World, chance: random.Random, tenant: str, tmp_path: Path
) -> None:
    world = idle_world
    expected = write_crowd(tmp_path / "people.csv", chance, rows=ROWS)
    world.fleet.start(STAGES)
    import_id = world.send(tenant, tmp_path / "people.csv", entity_type="people", mode="upsert")
    kills = [await world.fleet.lose_one(chance, (0.1, 1.0)) for _ in range(KILLS)]
    ended = await world.ended(import_id, seconds=300)
    print(f"kills: {kills}")  # noqa: T201 - says what the run did
    assert_ledger_closes(ended)
    assert (ended.created_rows, ended.updated_rows, ended.failed_rows) == (
        expected.created,
        expected.updated,
        expected.failed,
    )
    async with world.database() as conn:
        await assert_as_expected(conn, tenant, expected)


async def test_imports_at_once_that_name_the_same_people_and_companies_make_each_of_them_once(
    idle_world: World, chance: random.Random, tenant: str, tmp_path: Path
) -> None:
    world = idle_world
    expected = write_crowd(tmp_path / "people.csv", chance, rows=1_500)
    world.fleet.start(STAGES)
    options = {"allow_repeat": True}
    sent = [
        world.send(tenant, tmp_path / "people.csv", entity_type="people", mode="upsert", options=options)
        for _ in range(3)
    ]
    for import_id in sent:
        ended = await world.ended(import_id, seconds=300)
        assert_ledger_closes(ended)
    assert await world.scalar(_NAMED_TWICE, tenant=tenant) == 0, "a company is made once, whoever names it"
    assert await world.scalar(_OF_NOBODY, tenant=tenant) == 0, "what is known by something is there"
    # Rows that nothing finds anybody by are somebody new each time; all others are one of the file's people.
    by_name_alone = sum(not person.emails and not person.phones for person in expected.people)
    people = await world.scalar(_PEOPLE, tenant=tenant)
    assert people == len(expected.people) + (len(sent) - 1) * by_name_alone
