"""Values on running services: dates and numbers as their columns are written, kept exactly, the same again in what is handed back."""

import csv
import datetime as dt
import io
import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import text

from shared.ledger import ImportProgress
from tests.harness.world import World

DEALS = [
    ["Name", "Amount", "Close Date", "Stage"],
    ["Anvils", "1.234,50", "4/5/2026", "closed won"],
    ["Bells", "12,5", "27/3/2026", "Prospecting"],
    ["Cogs", "-3", "2026-01-02", ""],
    ["Drums", "0", "3/29/2026", "Prospecting"],
    ["Eggs", "1.250", "5/4/2026", "Wonn"],
    ["Forks", "dear", "30/2/2026", ""],
]


def deals(path: Path, rows: list[list[str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows(rows)
    return path


async def habits(world: World, tenant: str, **said: str) -> None:
    await world.register(tenant)
    values = {"region": "DE", "time_zone": "Europe/Berlin", "date_format": "european", "decimal": "comma", **said}
    async with world.database() as conn:
        await conn.execute(
            text(
                "INSERT INTO crm.settings (tenant_id, region, time_zone, date_format, decimal, updated_by) "
                "VALUES (:tenant, :region, :time_zone, :date_format, :decimal, 'tester')"
            ),
            {"tenant": tenant, **values},
        )


async def sent(world: World, tenant: str, path: Path, entity_type: str) -> ImportProgress:
    ended = await world.ended(world.send(tenant, path, entity_type=entity_type, mode="upsert"))
    assert ended.error is None, ended.error
    return ended


async def fields(world: World, tenant: str, entity_type: str) -> dict[str, dict[str, Any]]:
    """What a tenant has, by name; numbers as the texts they are kept in."""
    async with world.database() as conn:
        found = await conn.execute(
            text(
                "SELECT name, CAST(fields AS text) AS fields FROM crm.records "
                "WHERE tenant_id = :tenant AND entity_type = :type AND deleted_at IS NULL"
            ),
            {"tenant": tenant, "type": entity_type},
        )
        return {name: json.loads(said, parse_float=str, parse_int=str) for name, said in found}


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
async def test_a_column_is_read_in_one_form_and_what_is_handed_back_in_the_same(
    world: World, tenant: str, tmp_path: Path, kind: str
) -> None:
    # The tenant's own habits say otherwise than the file: its columns decide.
    await habits(world, tenant, date_format="american", decimal="point")
    ended = await sent(
        world, tenant, deals(tmp_path / "deals.csv", [row for row in DEALS if row[0] != "Drums"]), "opportunities"
    )
    assert (ended.created_rows, ended.failed_rows) == (3, 2)
    assert await fields(world, tenant, "opportunities") == {
        "Anvils": {"amount": "1234.50", "close_date": "2026-05-04", "stage": "closed_won"},
        "Bells": {"amount": "12.5", "close_date": "2026-03-27", "stage": "prospecting"},
        "Cogs": {"amount": "-3", "close_date": "2026-01-02"},
    }
    told = [(row, code) for row, _, code, _ in await world.errors(ended.id)]
    assert sorted(told) == [(5, "invalid_choice"), (6, "invalid_date"), (6, "invalid_number")]

    # Sent back as it is, nothing is made of it.
    back = world.fetch(str(ended.correction_object_key if kind == "xlsx" else ended.failed_rows_object_key))
    again = await sent(world, tenant, back, "opportunities")
    assert (again.parent_import_id, again.created_rows, again.failed_rows) == (ended.id, 0, 2)

    # With its stage put right, the other cells of the row mean what they meant.
    mend(back, "Wonn", "Closed Won")
    mended = await sent(world, tenant, back, "opportunities")
    assert (mended.created_rows, mended.failed_rows) == (1, 1)
    eggs = (await fields(world, tenant, "opportunities"))["Eggs"]
    assert eggs == {"amount": "1250", "close_date": "2026-04-05", "stage": "closed_won"}


async def test_a_habit_that_changed_since_does_not_change_what_is_handed_back(
    world: World, tenant: str, tmp_path: Path
) -> None:
    await habits(world, tenant)
    rows = [["Name", "Amount", "Close Date", "Stage"], ["Anvils", "1,250", "4/5/2026", "Wonn"]]
    ended = await sent(world, tenant, deals(tmp_path / "deals.csv", rows), "opportunities")
    assert [(row, code) for row, _, code, _ in await world.errors(ended.id)] == [(2, "invalid_choice")]
    async with world.database() as conn:
        await conn.execute(
            text("UPDATE crm.settings SET date_format = 'american', decimal = 'point' WHERE tenant_id = :tenant"),
            {"tenant": tenant},
        )
    back = world.fetch(str(ended.failed_rows_object_key))
    mend(back, "Wonn", "Closed Won")
    assert (await sent(world, tenant, back, "opportunities")).created_rows == 1
    assert await fields(world, tenant, "opportunities") == {
        "Anvils": {"amount": "1.25", "close_date": "2026-05-04", "stage": "closed_won"}
    }


async def test_in_a_column_of_two_forms_what_may_be_either_is_asked_about(
    world: World, tenant: str, tmp_path: Path
) -> None:
    await habits(world, tenant)
    ended = await sent(world, tenant, deals(tmp_path / "deals.csv", DEALS), "opportunities")
    told = {row: message for row, _, code, message in await world.errors(ended.id) if code == "invalid_date"}
    assert "type 2026-05-04 or 2026-04-05" in told[2]
    assert "type 2026-03-29" in told[5]
    assert sorted(await fields(world, tenant, "opportunities")) == ["Bells", "Cogs"]


async def test_times_are_of_the_tenants_zone_and_dates_of_workbooks_never_shift(
    world: World, tenant: str, tmp_path: Path
) -> None:
    await habits(world, tenant)
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in (
        ["Title", "Due Date", "Status"],
        ["Offer", dt.datetime.fromisoformat("2026-07-01 10:00"), "done"],
        ["Call", dt.date(2026, 7, 1), None],
        ["Mail", "1/7/2026 22:30", "To do"],
        ["Never", "2026-03-29 02:30", None],
        ["Twice", "25/10/2026 02:30", None],
    ):
        sheet.append(row)
    book.save(tmp_path / "tasks.xlsx")
    ended = await sent(world, tenant, tmp_path / "tasks.xlsx", "tasks")
    assert await fields(world, tenant, "tasks") == {
        "Offer": {"due_date": "2026-07-01T08:00:00Z", "status": "done"},
        "Call": {"due_date": "2026-06-30T22:00:00Z"},
        "Mail": {"due_date": "2026-07-01T20:30:00Z", "status": "to_do"},
    }
    messages = [message for _, _, _, message in await world.errors(ended.id)]
    assert ["does not exist in Europe/Berlin" in messages[0], "comes twice in Europe/Berlin" in messages[1]] == [
        True,
        True,
    ]


def mend(path: Path, wrong: str, right: str) -> None:
    """Correct a cell of what was handed back, in whatever kind of file."""
    if path.suffix == ".csv":
        rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
        corrected = [[right if cell == wrong else cell for cell in row] for row in rows]
        with path.open("w", newline="", encoding="utf-8-sig") as out:
            csv.writer(out).writerows(corrected)
        return
    book = openpyxl.load_workbook(path)
    for cells in book.worksheets[0].iter_rows():
        for cell in cells:
            if cell.value == wrong:
                cell.value = right
    book.save(path)
