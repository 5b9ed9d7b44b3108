"""CRM records are committed in sets: each once, whoever else writes at the same time, with what they are known by and link to."""

import asyncio
import random
from typing import Any
from uuid import UUID

import pytest

from tests.harness.records_desk import RecordsDesk
from tests.harness.world import World
from tests.integration.conftest import EngineOf


@pytest.fixture
def records(engine_of: EngineOf, tenant: str, running_world: World) -> RecordsDesk:
    """Stages rows of CRM records, and has them validated and committed by the real handlers, and by nobody else."""
    running_world.fleet.stop()
    return RecordsDesk(engine_of, tenant)


def person(name: str, *emails: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "emails": ", ".join(emails) or None, **more}


async def of_type(records: RecordsDesk, entity_type: str) -> list[tuple[Any, ...]]:
    return await records.rows(
        "SELECT name, fields, version FROM crm.records WHERE entity_type = :type ORDER BY name", type=entity_type
    )


async def known_by(records: RecordsDesk, kind: str) -> dict[str, str]:
    found = await records.rows(
        "SELECT i.value, r.name FROM crm.identifiers i JOIN crm.records r ON r.id = i.record_id WHERE i.kind = :kind",
        kind=kind,
    )
    return dict(found)


async def links(records: RecordsDesk) -> set[tuple[Any, ...]]:
    return set(
        await records.rows(
            "SELECT f.name, l.code, t.name FROM crm.links l"
            " JOIN crm.records f ON f.id = l.from_id JOIN crm.records t ON t.id = l.to_id"
        )
    )


async def ended(records: RecordsDesk, import_id: UUID) -> tuple[Any, ...]:
    (found,) = await records.rows(
        "SELECT status, created_rows, updated_rows, skipped_rows, failed_rows, summary FROM imports.imports WHERE id = :id",
        id=import_id,
    )
    return found


async def nothing_is_left_staged(records: RecordsDesk) -> bool:
    tables = ("groups", "crm_records", "crm_identifiers", "crm_links", "changes")
    return not [t for t in tables if await records.rows(f"SELECT 1 FROM staging.{t}")]


async def test_people_are_made_with_their_companies_and_changed_by_what_they_are_known_by(records: RecordsDesk) -> None:
    first = await records.bring_in(
        "people",
        [
            person("Ada", "ada@x.example", "Ada@Y.example", company="Acme", job_title="CTO"),
            person("Bob", "bob@x.example", company="  ACME "),
            person("Cyd", "cyd@x.example", company="globex.example"),
        ],
    )
    assert await ended(records, first) == (
        *("completed", 3, 0, 0, 0),
        {
            "people": {"created": 3, "updated": 0},
            "links": {"created": 3},
            "entities": {"companies": {"created": 2}},
        },
    )
    assert await of_type(records, "companies") == [
        ("Acme", {}, 1),
        ("globex.example", {"domains": ["globex.example"]}, 1),
    ]
    assert await links(records) == {
        ("Ada", "company", "Acme"),
        ("Bob", "company", "Acme"),
        ("Cyd", "company", "globex.example"),
    }
    second = await records.bring_in(
        "people",
        [
            person("Ada Lovelace", "ADA@y.example", "ada@z.example", company="Acme"),
            person("Bob", "bob@x.example", company="Globex"),
            person("Cyd", "cyd@x.example"),
        ],
    )
    status, created, updated, skipped, failed, _ = await ended(records, second)
    assert (status, created, updated, skipped, failed) == ("completed", 0, 2, 1, 0)
    assert [(name, fields.get("emails"), version) for name, fields, version in await of_type(records, "people")] == [
        ("Ada Lovelace", ["ada@x.example", "Ada@y.example", "ada@z.example"], 2),
        ("Bob", ["bob@x.example"], 2),
        ("Cyd", ["cyd@x.example"], 1),
    ]
    assert await links(records) == {
        ("Ada Lovelace", "company", "Acme"),
        ("Bob", "company", "Globex"),
        ("Cyd", "company", "globex.example"),
    }
    assert set(await known_by(records, "people.emails")) == {
        *("ada@x.example", "ada@y.example", "ada@z.example", "bob@x.example", "cyd@x.example")
    }
    assert set(await known_by(records, "people.name")) == {"ada lovelace", "bob", "cyd"}
    assert await nothing_is_left_staged(records)


async def test_a_company_is_made_once_and_spelled_as_the_first_row_of_the_file_whichever_chunk_is_first(
    records: RecordsDesk,
) -> None:
    rows = [[person(f"P{n}", f"p{n}@x.example", company=name)] for n, name in enumerate(("acme", "ACME", "Acme"))]
    events = [await records.validate(event) for event in await records.stage("people", *rows)]
    for event in reversed(events):
        await records.commit(event)
    assert await of_type(records, "companies") == [("acme", {}, 1)]
    assert len(await links(records)) == 3


async def test_two_that_make_the_same_person_at_once_make_one(records: RecordsDesk) -> None:
    (one,) = await records.ready("people", [person("Ada", "ada@x.example", job_title="CTO")])
    (other,) = await records.ready("people", [person("Ada L.", "ada@x.example", "ada@y.example")])
    await records.commit(one)
    await records.commit(other)
    assert await records.state(other) == "staged", "it is decided again"
    await records.settle(other)
    ((name, fields, version),) = await of_type(records, "people")
    assert (name, version, fields["job_title"]) == ("Ada L.", 2, "CTO")
    assert fields["emails"] == ["ada@x.example", "ada@y.example"]
    assert (await ended(records, other.import_id))[:3] == ("completed", 0, 1)


async def test_imports_that_share_people_and_companies_in_crossed_orders_make_each_once_and_never_wait_for_each_other(
    records: RecordsDesk,
) -> None:
    seed = random.randrange(10**6)
    print(f"seed: {seed}")  # noqa: T201 - says what the run did
    chance = random.Random(seed)
    companies = [f"Company {n}" for n in range(40)]
    people = list(range(60))

    def rows(entity_type: str) -> list[dict[str, Any]]:
        if entity_type == "companies":
            return [{"name": name, "domains": f"{name.split()[1]}.example"} for name in chance.sample(companies, 25)]
        return [
            person(
                f"Person {n}",
                f"p{n}@x.example",
                f"q{n}@x.example",
                company=chance.choice([name, name.upper(), f"{name.split()[1]}.example"]),
            )
            for n in chance.sample(people, 40)
            for name in [chance.choice(companies)]
        ]

    staged = []
    for entity_type in ("people", "companies", "people", "people", "companies"):
        staged += await records.stage(entity_type, *(rows(entity_type) for _ in range(3)))
    chance.shuffle(staged)
    async with asyncio.timeout(90):
        await records.settle_together(*staged)
    assert await records.rows("SELECT * FROM imports.imports WHERE status <> 'completed' OR failed_rows > 0") == []
    names = [name for name, _, _ in await of_type(records, "people")]
    assert len(names) == len(set(names)), "each person once"
    for kind in ("people.emails", "companies.domains", "companies.name"):
        held = await records.rows(
            "SELECT i.value FROM crm.identifiers i LEFT JOIN crm.records r ON r.id = i.record_id"
            " WHERE i.kind = :kind AND r.id IS NULL",
            kind=kind,
        )
        assert held == [], "what a record is known by belongs to one that is there"
    assert (
        await records.rows(
            "SELECT r.name FROM crm.records r WHERE NOT EXISTS (SELECT FROM crm.identifiers i WHERE i.record_id = r.id) AND on_the_way"
        )
        == []
    )
    assert len(await links(records)) == len(await records.rows("SELECT from_id FROM crm.links"))
    assert await nothing_is_left_staged(records)


async def test_a_record_that_was_changed_meanwhile_is_decided_again(records: RecordsDesk) -> None:
    await records.bring_in("people", [person("Ada", "ada@x.example")])
    (waiting,) = await records.ready("people", [person("Ada", "ada@x.example", job_title="CTO")])
    await records.bring_in("people", [person("Ada", "ada@x.example", linkedin="https://linkedin.com/in/ada")])
    await records.commit(waiting)
    assert await records.state(waiting) == "staged"
    await records.settle(waiting)
    ((_, fields, version),) = await of_type(records, "people")
    assert (set(fields), version) == ({"emails", "job_title", "linkedin"}, 3)


async def test_rows_about_one_record_stand_and_fall_together(records: RecordsDesk, running_world: World) -> None:
    """What the database refuses of a record fails each row about it, and nothing else of the chunk."""
    async with running_world.database() as conn:
        await conn.exec_driver_sql(
            "ALTER TABLE crm.records ADD CONSTRAINT not_mallory CHECK (name <> 'Mallory') NOT VALID"
        )
    try:
        made = await records.bring_in(
            "people",
            [
                person("Mallory", "m@x.example", company="Evil"),
                person("Ada", "ada@x.example", company="Acme"),
                person("Mallory", "m@x.example", "n@x.example"),
            ],
        )
    finally:
        async with running_world.database() as conn:
            await conn.exec_driver_sql("ALTER TABLE crm.records DROP CONSTRAINT not_mallory")
    assert (await ended(records, made))[:5] == ("completed_with_failures", 1, 0, 0, 2)
    errors = await records.rows(
        "SELECT row_no, group_row, code FROM imports.row_errors WHERE import_id = :id ORDER BY row_no", id=made
    )
    assert errors == [(2, 2, "rejected"), (4, 4, "rejected")]
    assert [name for name, _, _ in await of_type(records, "companies")] == ["Acme"]
    assert set(await known_by(records, "people.emails")) == {"ada@x.example"}


async def test_what_is_deleted_is_found_by_nobody_and_links_to_it_are_looked_for_again(
    records: RecordsDesk, running_world: World
) -> None:
    await records.bring_in("companies", [{"name": "Acme", "domains": "acme.example"}])
    (waiting,) = await records.ready("people", [person("Ada", "ada@x.example", company="acme.example")])
    async with running_world.database() as conn:
        await conn.exec_driver_sql(f"UPDATE crm.records SET deleted_at = now() WHERE tenant_id = '{records.tenant}'")
    assert await known_by(records, "companies.domains") == {}
    await records.settle(waiting)
    assert await links(records) == {("Ada", "company", "acme.example")}


async def test_an_import_that_is_undone_leaves_what_others_made_or_use(records: RecordsDesk) -> None:
    await records.bring_in("people", [person("Ada", "ada@x.example", company="Acme")])
    before = await everything(records)
    second = await records.bring_in(
        "people",
        [
            person("Ada L.", "ada@x.example", "ada@z.example", company="Globex", job_title="CTO"),
            person("Bob", "bob@x.example", company="Initech"),
            person("Cyd", "cyd@x.example", company="Globex"),
            person("Bob", "bob@x.example", "bob@z.example"),
        ],
    )
    third = await records.bring_in("people", [person("Dan", "dan@x.example", company="Initech")])
    undone = await records.undo(second)
    assert (await ended(records, undone))[:5] == ("completed", 0, 4, 0, 0)
    assert [name for name, _, _ in await of_type(records, "companies")] == ["Acme", "Initech"], "Initech is Dan's"
    await records.undo(third)
    assert [name for name, _, _ in await of_type(records, "companies")] == ["Acme", "Initech"], "of the import before"
    found = await everything(records)
    assert {kind: rows - {("companies.name", "initech", "Initech")} for kind, rows in found.items()} == before
    assert await nothing_is_left_staged(records)


async def everything(records: RecordsDesk) -> dict[str, set[tuple[Any, ...]]]:
    """What people see of it."""
    known = "SELECT i.kind, i.value, r.name FROM crm.identifiers i JOIN crm.records r ON r.id = i.record_id"
    people = "SELECT name, CAST(fields AS text), 'people' FROM crm.records WHERE entity_type = 'people'"
    return {
        "known": set(await records.rows(known)),
        "people": set(await records.rows(people)),
        "links": await links(records),
    }


async def test_tags_that_nobody_has_used_before_join_the_options_of_their_field_once(
    records: RecordsDesk, running_world: World
) -> None:
    async with running_world.database() as conn:
        await conn.exec_driver_sql(
            "INSERT INTO crm.custom_fields (id, tenant_id, entity_type, code, name, type, created_by)"
            " VALUES (uuidv7(), $1, 'people', 'interests', 'Interests', 'tags', 'tester')",
            (records.tenant,),
        )
    staged = await records.stage(
        "people",
        [person("Ada", "ada@x.example", interests="Chess, Go")],
        [person("Bob", "bob@x.example", interests="go; Sailing")],
    )
    await records.settle_together(*staged)
    options = "SELECT name_key FROM crm.options WHERE entity_type = 'people' AND code = 'interests' ORDER BY position, name_key"
    assert sorted(await records.rows(options)) == [("chess",), ("go",), ("sailing",)]
    await records.bring_in("people", [person("Ada", "ada@x.example", interests="Sailing, Tennis")])
    assert [key for (key,) in await records.rows(options)][-1] == "tennis"
    ((_, fields, _), _) = await of_type(records, "people")
    assert [tag.casefold() for tag in fields["interests"]] == ["chess", "go", "sailing", "tennis"]
