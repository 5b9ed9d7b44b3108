"""People on running services: a file in which rows of one person stand anywhere comes to what its rows come to one after another."""

import csv
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from uuid_utils.compat import uuid7

from shared.entities.crm import FOUND_BY, OPPORTUNITIES, PEOPLE
from shared.entities.declaration import Field, Kind, Origin
from shared.intake.repairs import read_repairs
from shared.ledger import ImportProgress, Started, Undoing, start_import, undo_import
from shared.values import to_json
from tests.harness.corrections import CorrectionFile
from tests.harness.crm import Importing, Tenant
from tests.harness.fleet import Fleet
from tests.harness.world import World, eventually

SMALL_CHUNKS = {"WINNOW_PARSER_FIRST_CHUNK_ROWS": "20", "WINNOW_PARSER_CHUNK_ROWS": "40"}
BADGE = Field("badge", "Badge", Kind.TEXT, "", "", origin=Origin.OWN, is_unique=True)
BOSS = Field(
    *("boss", "Boss", Kind.RECORD, "", ""),
    origin=Origin.OWN,
    target="people",
    found_by=FOUND_BY["people"],
    creates_target=True,
)
CODES = ("name", "emails", "phone_number", "company", "job_title", "badge", "boss")
ENTITY = PEOPLE.with_fields([BADGE, BOSS])
HEADINGS = [ENTITY.by_code[code].heading for code in CODES]

_RECORDS = """
    SELECT r.entity_type, r.name, CAST(r.fields AS text) AS fields,
           ARRAY(SELECT i.kind || '=' || i.value FROM crm.identifiers i
                  WHERE i.record_id = r.id AND i.kind NOT LIKE '%.name' ORDER BY 1) AS keys,
           ARRAY(SELECT l.code || '=' || lower(t.name) FROM crm.links l JOIN crm.records t ON t.id = l.to_id
                  WHERE l.from_id = r.id ORDER BY 1) AS links
      FROM crm.records r WHERE r.tenant_id = :tenant AND r.deleted_at IS NULL
"""


@dataclass
class Row:
    """Something a person may be said by."""

    name: str | None = None
    emails: str | None = None
    phone: str | None = None
    company: str | None = None
    job: str | None = None
    badge: str | None = None
    boss: str | None = None

    @property
    def cells(self) -> list[str | None]:
        return [self.name, self.emails, self.phone, self.company, self.job, self.badge, self.boss]


def small_chunks(fleet: Fleet) -> None:
    told = fleet.environment_of
    fleet.environment_of = lambda service, replica: {**told(service, replica), **SMALL_CHUNKS}


def messy(chance: random.Random, rows: int) -> list[list[str | None]]:
    """Rows of which many are about the same people, by one address, another, or a phone; some of which are wrong."""
    made = []
    for n in range(rows):
        who = chance.randrange(rows // 3)
        addresses = [f"p{who}@home.example", f"P{who}@Work.example", f"shared{who // 20}@x.example"]
        said = Row(
            name=chance.choice([f"Person {who}", f"Person {who}", f"P. {who}", None]),
            emails="; ".join(chance.sample(addresses[:2], chance.randint(1, 2))) if chance.random() < 0.8 else None,
            phone=chance.choice([f"+45 30 00 {who // 100:02} {who % 100:02}", None]),
            company=chance.choice([f"Company {who % 9}", f"company {who % 9} ", f"www.c{who % 7}.example", None]),
            job=chance.choice(["CTO", "CEO", "Analyst", None]),
            badge=f"B-{who}" if n % 11 == 0 else None,
            boss=f"P{chance.randrange(rows // 2)}@home.example" if n % 6 == 0 else None,
        )
        if n % 37 == 5:
            said.emails = "no address"
        if n % 29 == 3:
            said.emails = addresses[2]
        made.append(said.cells)
    return [cells for cells in made if any(cells)]


def file_of(path: Path, rows: Sequence[Sequence[str | None]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows([HEADINGS, *rows])
    return path


async def with_own_fields(world: World, tenant: str) -> None:
    """Fields of the tenant's own: one of which no two people have the same, and one that names another person."""
    await world.register(tenant)
    async with world.database() as conn:
        for code, kind, is_unique, target in (("badge", "text", True, None), ("boss", "record", False, "people")):
            await conn.execute(
                text(
                    "INSERT INTO crm.custom_fields (id, tenant_id, entity_type, code, name, type, is_unique, target, created_by)"
                    " VALUES (:id, :tenant, 'people', :code, initcap(:code), :kind, :is_unique, :target, 'tester')"
                ),
                {"id": uuid7(), "tenant": tenant, "code": code, "kind": kind, "is_unique": is_unique, "target": target},
            )


async def seen(world: World, tenant: str) -> list[Any]:
    """All a tenant has, in words that depend on no id; which of several people of one name is found by it is nobody's promise."""
    async with world.database() as conn:
        found = await conn.execute(text(_RECORDS), {"tenant": tenant})
        return sorted(
            (each.entity_type, each.name.strip().lower(), each.fields, each.keys, each.links) for each in found
        )


def one_by_one(*files: Sequence[Sequence[Any]], mode: str = "upsert") -> tuple[Tenant, dict[str, int], list[Any]]:
    """What rows come to, decided one after another."""
    tenant = Tenant()
    for rows in files:
        outcome = Importing(tenant, CODES, ENTITY, mode).commit([list(row) for row in rows])
    return tenant, outcome.counts, sorted(outcome.errors)


def seen_of(tenant: Tenant) -> list[Any]:
    """The same of a production in memory."""
    return [
        (
            record.entity_type,
            record.name.strip().lower(),
            to_json(dict(sorted((record.fields or {}).items()))),
            sorted(
                f"{key.kind}={key.value}"
                for key, owner in tenant.keys.items()
                if owner == record.id and not key.kind.endswith(".name")
            ),
            sorted(f"{code}={to.strip().lower()}" for code in record.links for to in tenant.links(record, code)),
        )
        for record in tenant.records.values()
    ]


def plain(found: list[Any]) -> list[Any]:
    return sorted(
        (entity_type, name, sorted(json.loads(fields).items()), list(keys), list(links))
        for entity_type, name, fields, keys, links in found
    )


def counts(ended: ImportProgress) -> dict[str, int]:
    return {
        "created": ended.created_rows,
        "updated": ended.updated_rows,
        "skipped": ended.skipped_rows,
        "failed": ended.failed_rows,
    }


async def undone(world: World, import_id: UUID) -> ImportProgress:
    async with world.database() as conn:
        begun = await undo_import(conn, import_id, user_id="tester")
    assert isinstance(begun, Undoing), begun
    return await world.ended(begun.id, seconds=120)


async def test_rows_of_one_person_anywhere_in_a_file_come_to_what_they_come_to_one_after_another_whatever_is_killed(
    idle_world: World, tenant: str, tmp_path: Path
) -> None:
    world, seed = idle_world, random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - how the run can be repeated
    chance = random.Random(seed)
    small_chunks(world.fleet)
    world.fleet.start({"parser": 1, "validator": 2, "committer": 2, "exporter": 1, "keeper": 1})
    await with_own_fields(world, tenant)
    rows = messy(chance, 400)
    import_id = world.send(tenant, file_of(tmp_path / "people.csv", rows), entity_type="people", mode="upsert")
    kills = 0
    mortal = [member for member in world.fleet.members if member.service != "exporter"]
    while kills < 8 and ((now := await world.progress(import_id)) is None or not now.ended):
        kills += await world.fleet.lose_one(chance, (0.1, 0.6), of=mortal) is not None
    ended = await world.ended(import_id, seconds=180)
    waves = await world.scalar("SELECT max(wave) FROM imports.import_chunks WHERE import_id = :id", id=import_id)
    assert waves >= 3
    expected, expected_counts, errors = one_by_one(rows)
    assert counts(ended) == expected_counts
    told = [(row, code) for row, _, code, _ in await world.errors(import_id)]
    assert sorted(told) == sorted((row, code) for row, code, _ in errors)
    assert plain(await seen(world, tenant)) == plain(seen_of(expected))

    # Sent again, those that nothing identifies are made again, and the others changed once more.
    before = await seen(world, tenant)
    again = world.send(
        tenant, tmp_path / "people.csv", entity_type="people", mode="upsert", options={"allow_repeat": True}
    )
    assert counts(await world.ended(again, seconds=120)) == one_by_one(rows, rows)[1]
    # Taken back, each is as it was.
    await undone(world, again)
    assert plain(await seen(world, tenant)) == plain(before)
    await undone(world, import_id)
    assert await seen(world, tenant) == []


async def test_a_held_file_shows_what_its_start_will_do(idle_world: World, tenant: str, tmp_path: Path) -> None:
    world, seed = idle_world, random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - how the run can be repeated
    chance = random.Random(seed)
    small_chunks(world.fleet)
    world.fleet.start({"parser": 1, "validator": 2, "committer": 2, "exporter": 1})
    await with_own_fields(world, tenant)
    there, rows = messy(chance, 60), messy(chance, 240)
    await world.ended(world.send(tenant, file_of(tmp_path / "there.csv", there), entity_type="people", mode="upsert"))
    before = await seen(world, tenant)
    import_id = world.send(
        tenant, file_of(tmp_path / "f.csv", rows), entity_type="people", mode="upsert", options={"hold": True}
    )

    async def validated() -> bool:
        now = await world.progress(import_id)
        return now is not None and now.parsed_at is not None and now.stages.validated_rows == now.total_rows

    await eventually("it is validated", validated)
    assert await seen(world, tenant) == before
    async with world.database() as conn:
        found = await conn.execute(
            text(
                "SELECT coalesce(sum(creates), 0), coalesce(sum(updates), 0), coalesce(sum(skips), 0), "
                "coalesce(sum(row_count) FILTER (WHERE status = 'failed'), 0) FROM staging.groups WHERE import_id = :id"
            ),
            {"id": import_id},
        )
        previewed = tuple(found.one())
        assert isinstance(await start_import(conn, import_id), Started)
    ended = await world.ended(import_id, seconds=120)
    assert tuple(counts(ended).values()) == previewed
    expected, expected_counts, _ = one_by_one(there, rows)
    assert counts(ended) == expected_counts
    assert plain(await seen(world, tenant)) == plain(seen_of(expected))


async def test_an_undo_gives_back_what_the_import_itself_gave_to_others(
    world: World, tenant: str, tmp_path: Path
) -> None:
    await with_own_fields(world, tenant)
    there = [
        Row(name="Ann", emails="ann@x.example", badge="B-1").cells,
        Row(name="Bob", emails="bob@x.example", badge="B-2").cells,
    ]
    await world.ended(world.send(tenant, file_of(tmp_path / "there.csv", there), entity_type="people", mode="upsert"))
    before = await seen(world, tenant)
    rows = [
        Row(emails="ann@x.example", badge="B-3").cells,
        Row(emails="bob@x.example", badge="B-1").cells,
        Row(name="Cid", emails="cid@x.example", badge="B-2", boss="dan@x.example").cells,
        # Named before, and so made by a row that changes it.
        Row(name="Dan", emails="dan@x.example", job="CTO", boss="eve@x.example").cells,
    ]
    changed = await world.ended(
        world.send(tenant, file_of(tmp_path / "f.csv", rows), entity_type="people", mode="upsert")
    )
    assert counts(changed) == {"created": 1, "updated": 3, "skipped": 0, "failed": 0}
    taken_back = await undone(world, changed.id)
    assert (taken_back.failed_rows, await world.errors(taken_back.id)) == (0, [])
    assert await seen(world, tenant) == before


async def test_what_a_row_gives_up_is_free_for_rows_of_other_chunks_below_it(
    idle_world: World, tenant: str, tmp_path: Path
) -> None:
    world = idle_world
    small_chunks(world.fleet)
    world.fleet.start({"parser": 1, "validator": 2, "committer": 1, "exporter": 1})
    await world.register(tenant)
    async with world.database() as conn:
        await conn.execute(
            text(
                "INSERT INTO crm.custom_fields (id, tenant_id, entity_type, code, name, type, is_unique, created_by)"
                " VALUES (:id, :tenant, 'opportunities', 'badge', 'Badge', 'text', true, 'tester')"
            ),
            {"id": uuid7(), "tenant": tenant},
        )
    path = tmp_path / "there.csv"
    path.write_text("Name,Badge\nFirst,B-1\n", encoding="utf-8")
    await world.ended(world.send(tenant, path, entity_type=OPPORTUNITIES.name, mode="upsert"))
    known = await world.scalar("SELECT CAST(id AS text) FROM crm.records WHERE tenant_id = :tenant", tenant=tenant)
    lines = ["Record ID,Name,Badge", f"{known},First,B-2", *(f",Between {n}," for n in range(50)), ",Second,B-1"]
    path = tmp_path / "f.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    ended = await world.ended(world.send(tenant, path, entity_type=OPPORTUNITIES.name, mode="upsert"))
    assert counts(ended) == {"created": 51, "updated": 1, "skipped": 0, "failed": 0}
    waves = await world.scalar("SELECT max(wave) FROM imports.import_chunks WHERE import_id = :id", id=ended.id)
    assert waves == 1, "the row waits for the one that gives it up, and is not lucky"


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
async def test_rows_that_come_back_mended_are_applied_to_what_the_others_made(
    world: World, tenant: str, tmp_path: Path, kind: str
) -> None:
    rows: list[list[Any]] = [
        ["Ada", "ada@x.example", None, "Acme", "CTO"],
        ["Ada L.", "ada@x.example; ada@home.example", "call me", "acme", None],
        ["Bob", "bob at home", None, "Initech", None],
        ["Who", "ada@x.example", "+45 32 12 34 56", None, None],
        ["Cid", "cid@x.example", "+4532123457", "Acme", None],
        ["Cid", "cid@x.example; ada@x.example", None, None, None],
    ]
    path = tmp_path / "people.csv"
    with path.open("w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows([HEADINGS[:5], *rows])
    first = await world.ended(world.send(tenant, path, entity_type="people", mode="upsert"))
    assert counts(first) == {"created": 2, "updated": 1, "skipped": 0, "failed": 3}
    codes = {row: code for row, _, code, _ in await world.errors(first.id)}
    assert codes == {3: "invalid_phone", 4: "invalid_email", 7: "conflict"}

    key = first.correction_object_key if kind == "xlsx" else first.failed_rows_object_key
    file = CorrectionFile.read(world.fetch(str(key)))
    file.entity = PEOPLE
    # The workbook has every column of its type, the CSV those of the file.
    file.mend(file.row_of("name", "Ada L."), phone_number="+45 32 12 34 58")
    file.mend(file.row_of("name", "Bob"), emails="bob@x.example")
    file.mend(file.row_of("name", "Cid"), emails="cid@x.example; cid@home.example")
    again = await world.ended(world.send(tenant, file.saved(), entity_type="people", mode="upsert"))
    assert counts(again) == {"created": 1, "updated": 2, "skipped": 0, "failed": 0}
    async with world.database() as conn:
        repairs = await read_repairs(conn, first.id)
    assert (repairs.repaired_rows, repairs.open_rows) == (3, 0)
    people = {name: fields for kind_, name, fields, *_ in plain(await seen(world, tenant)) if kind_ == "people"}
    assert people == {
        "ada l.": [
            ("emails", ["ada@x.example", "ada@home.example"]),
            ("job_title", "CTO"),
            ("phone_number", ["+4532123456", "+4532123458"]),
        ],
        "bob": [("emails", ["bob@x.example"])],
        "cid": [("emails", ["cid@x.example", "cid@home.example"]), ("phone_number", ["+4532123457"])],
    }
