"""Imports of CRM records are taken back: what they made goes, what they changed is as it was, what others changed since stays."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from tests.harness.records_desk import RecordsDesk
from tests.harness.world import World
from tests.integration.conftest import EngineOf


@pytest.fixture
def records(engine_of: EngineOf, tenant: str, running_world: World) -> RecordsDesk:
    """Stages rows of CRM records, and has them validated and committed by the real handlers, and by nobody else."""
    running_world.fleet.stop()
    return RecordsDesk(engine_of, tenant)


def person(name: str | None, *emails: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "emails": ", ".join(emails) or None, **more}


async def seen(records: RecordsDesk) -> list[tuple[Any, ...]]:
    """All there is, in words that depend on no id and no version."""
    return await records.rows(
        "SELECT r.entity_type, r.name, CAST(r.fields AS text),"
        " ARRAY(SELECT i.kind || '=' || i.value FROM crm.identifiers i WHERE i.record_id = r.id ORDER BY 1),"
        " ARRAY(SELECT l.code || '=' || t.name FROM crm.links l JOIN crm.records t ON t.id = l.to_id"
        "        WHERE l.from_id = r.id ORDER BY 1)"
        "  FROM crm.records r ORDER BY 1, 2, 3"
    )


async def errors(records: RecordsDesk, import_id: UUID) -> list[tuple[Any, ...]]:
    return await records.rows(
        "SELECT row_no, code, message FROM imports.row_errors WHERE import_id = :id ORDER BY row_no", id=import_id
    )


async def ended(records: RecordsDesk, import_id: UUID) -> tuple[Any, ...]:
    (found,) = await records.rows(
        "SELECT status, updated_rows, skipped_rows, failed_rows FROM imports.imports WHERE id = :id", id=import_id
    )
    return found


async def test_changes_are_taken_back_as_a_whole_whatever_chunk_they_are_of(records: RecordsDesk) -> None:
    await records.bring_in(
        "people", [person("Ada", "ada@x.example", company="Acme", job_title="CTO"), person("Bob", "bob@x.example")]
    )
    before = await seen(records)
    second = await records.bring_in(
        "people",
        [
            person("Ada L.", "ada@x.example", "ada@y.example", company="Initech", job_title="CEO"),
            person("Cid", "cid@x.example"),
            person(None, "ada@y.example", phone_number="+4532123456"),
        ],
        [person(None, "ada@y.example", job_title="Chair"), person(None, "cid@x.example", job_title="Clerk")],
    )
    assert len(await seen(records)) == 5
    undone = await records.undo(second)
    assert await seen(records) == before
    # What goes back with the first chunk's rows is nothing of the second one's any more.
    assert await ended(records, undone) == ("completed", 3, 2, 0)
    again = await records.undo(second)
    assert (await ended(records, again))[1:] == (0, 5, 0)


async def test_what_others_changed_since_is_refused_by_their_name_and_the_rest_goes(records: RecordsDesk) -> None:
    await records.bring_in("people", [person("Dan", "dan@x.example", company="Acme")])
    nobody = await seen(records)
    first = await records.bring_in(
        "people",
        [
            person("Ada", "ada@x.example", company="Acme", job_title="CTO"),
            person("Bob", "bob@x.example", company="Acme"),
        ],
    )
    before = await seen(records)
    second = await records.bring_in("people", [person(None, "ada@x.example", "ada@y.example", company="Initech")])
    refused = await records.undo(first)
    ((row, code, message),) = await errors(records, refused)
    assert (row, code) == (2, "changed_since")
    assert 'Person "Ada" was changed since by "desk.csv"' in message
    assert [name for _, name, *_ in await seen(records)] == ["Acme", "Initech", "Ada", "Dan"]
    await records.undo(second)
    assert await seen(records) == [each for each in before if each[1] != "Bob"]
    await records.undo(first)
    assert await seen(records) == nobody


async def test_a_record_that_others_link_to_stays(records: RecordsDesk) -> None:
    first = await records.bring_in("people", [person("Ada", "ada@x.example"), person("Bob", "bob@x.example")])
    await records.bring_in("opportunities", [{"name": "Deal", "contact": "ada@x.example"}])
    ((row, code, message),) = await errors(records, await records.undo(first))
    assert (row, code) == (2, "changed_since")
    assert 'was linked since by "desk.csv"' in message
    assert [name for _, name, *_ in await seen(records)] == ["Deal", "Ada"]


async def test_what_somebody_else_is_known_by_since_is_not_taken_from_them(
    records: RecordsDesk, running_world: World
) -> None:
    await records.bring_in("people", [person("Ada", "ada@x.example"), person("Bob", "bob@x.example")])
    second = await records.bring_in("people", [person("Ada", "ada@x.example", job_title="CTO")])
    before = await seen(records)
    async with running_world.database() as conn:
        # As if the import had taken an address away that another person was given since.
        await conn.execute(
            text(
                "UPDATE catalog.changes SET before = CAST(:before AS jsonb) WHERE import_id = :id",
            ),
            {"id": second, "before": '{"emails": ["ada@x.example", "bob@x.example"], "job_title": null}'},
        )
    ((row, code, message),) = await errors(records, await records.undo(second))
    assert (row, code) == (2, "changed_since")
    assert '"bob@x.example" was of person "Ada" and is of person "Bob" by now' in message
    assert await seen(records) == before
