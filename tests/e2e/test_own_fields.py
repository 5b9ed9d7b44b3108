"""A tenant's own fields, all the way: added over the API, filled by a file, kept typed, handed back where a cell is wrong, repaired."""

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import openpyxl

from deploy.local.stack import Stack
from shared.api.client import Client
from shared.api.custom_fields import CustomFieldChange, NewCustomField, OptionAsked
from shared.api.members import NewMember
from shared.api.settings import SettingsChange
from shared.entities.own_fields import Type
from tests.harness.world import World

_PERSON = "SELECT CAST(fields AS text) FROM crm.records WHERE tenant_id = :t AND entity_type = 'people' AND name = :n"
_LINKED = """
    SELECT t.name FROM crm.links l JOIN crm.records f ON f.id = l.from_id JOIN crm.records t ON t.id = l.to_id
     WHERE l.tenant_id = :t AND f.name = :n AND l.code = :code
"""
_TAGS = "SELECT array_agg(name ORDER BY name) FROM crm.options WHERE tenant_id = :t AND code = 'topics'"

OWN: Mapping[str, dict[str, Any]] = {
    "level": {"type": Type.SELECT, "options": ("Gold", "Silver")},
    "regions": {"type": Type.MULTI_SELECT, "options": ("North", "South", "West")},
    "topics": {"type": Type.TAGS},
    "budget": {"type": Type.CURRENCY},
    "score": {"type": Type.NUMBER},
    "since": {"type": Type.DATE},
    "seen": {"type": Type.DATE_TIME},
    "vip": {"type": Type.BOOLEAN, "required": True},
    "colour": {"type": Type.COLOUR},
    "badge": {"type": Type.TEXT, "unique": True, "longest": 8},
    "about": {"type": Type.MARKDOWN},
    "site": {"type": Type.LINK},
    "assistant": {"type": Type.EMAIL, "multi": True, "most": 2},
    "partner": {"type": Type.RECORD, "target": "companies"},
}
GOOD = {
    "Name": "Ada Lovelace",
    "Emails": "ada@home.example",
    "level": "gold",
    "custom_fields_regions": "west; North",
    "Topics": "key account, North",
    "budget": "1250.50",
    "score": "-7.125",
    "since": "27/3/2026",
    "seen": "27/3/2026 14:30",
    "vip": "YES",
    "colour": "#abc",
    "badge": "B-1",
    "about": "# Ada\n\nfirst",
    "site": "https://ada.example/me",
    "assistant": "A@x.example; b@x.example",
    "partner": "Analytical Engines",
}
WRONG = {
    "level": ("Platinum", "invalid_choice"),
    "since": ("32/3/2026", "invalid_date"),
    "colour": ("reddish", "invalid_colour"),
    "assistant": ("a@x.example; b@x.example; c@x.example", ""),
    "badge": ("much too long", ""),
    "budget": ("a lot", "invalid_number"),
    "vip": ("", "required"),
}


async def prepared(stack: Stack, tenant: str) -> None:
    async with Client(stack.gateway_url, stack.token_for(tenant, "admin")) as admin:
        for code, said in OWN.items():
            options = tuple(OptionAsked(name=name) for name in said.get("options", ()))
            rest = {**said, "options": options}
            await admin.add_custom_field(
                NewCustomField(entity_type="people", code=code, name=code.capitalize(), **rest)
            )
        await admin.change_settings(SettingsChange(time_zone="Europe/Copenhagen"))
        await admin.add_member(NewMember(email="mara@acme.example", name="Mara"))


def written(path: Path, *rows: Mapping[str, str]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        rows_of = csv.DictWriter(file, list(rows[0]))
        rows_of.writeheader()
        rows_of.writerows(rows)
    return path


async def handed_back(world: World, import_id: UUID) -> tuple[list[dict[str, str]], Path]:
    """The failed rows as CSV, and the correction workbook."""
    query = "SELECT {}_object_key FROM imports.imports WHERE id = :id"
    failed = world.fetch(await world.scalar(query.format("failed_rows"), id=import_id))
    workbook = world.fetch(await world.scalar(query.format("correction"), id=import_id))
    return list(csv.DictReader(io.StringIO(failed.read_text(encoding="utf-8-sig")))), workbook


async def test_own_fields_are_filled_kept_typed_and_handed_back(
    world: World, stack: Stack, tenant: str, tmp_path: Path
) -> None:
    await world.register(tenant)
    await prepared(stack, tenant)
    bad = [
        {**GOOD, "Name": f"Bad {code}", "Emails": f"bad{n}@x.example", "badge": f"W-{n}", code: cell}
        for n, (code, (cell, _)) in enumerate(WRONG.items())
    ]
    taken = {**GOOD, "Name": "Not Ada", "Emails": "not@x.example", "badge": "b-1"}
    import_id = world.send(
        tenant, written(tmp_path / "people.csv", GOOD, *bad, taken), entity_type="people", mode="upsert"
    )
    ended = await world.ended(import_id)
    assert ended.error is None, ended.error
    errors = await world.errors(import_id)
    by_row = {row: (heading, code) for row, heading, code, _ in errors}
    for row, (code, (_, reason)) in enumerate(WRONG.items(), start=3):
        assert by_row[row][0] == code, errors
        assert by_row[row][1] == reason or not reason, errors
    assert (ended.created_rows, ended.failed_rows) == (1, len(bad) + 1), errors
    fields = await world.scalar(_PERSON, t=tenant, n="Ada Lovelace")
    kept = json.loads(fields)
    assert kept["budget"] == 1250.5
    assert kept["score"] == -7.125
    assert (kept["since"], kept["seen"]) == ("2026-03-27", "2026-03-27T13:30:00Z")
    assert (kept["vip"], kept["topics"]) == (True, ["key account", "North"])
    assert kept["assistant"] == ["A@x.example", "b@x.example"]
    assert await world.scalar(_LINKED, t=tenant, n="Ada Lovelace", code="partner") == "Analytical Engines"
    assert await world.scalar(_TAGS, t=tenant) == ["North", "key account"]
    async with Client(stack.gateway_url, stack.token_for(tenant, "viewer")) as viewer:
        listed = {field.code: field for field in (await viewer.list_custom_fields(entity_type="people")).items}
    ids = {option.name: option.id for code in ("level", "regions") for option in listed[code].options}
    assert (kept["level"], kept["regions"]) == (ids["Gold"], [ids["West"], ids["North"]])

    rows, workbook = await handed_back(world, import_id)
    assert [row["Name"] for row in rows] == [*(f"Bad {code}" for code in WRONG), "Not Ada"]
    assert list(rows[0])[: len(GOOD)] == list(GOOD)
    book = openpyxl.load_workbook(workbook)
    sheet = book.worksheets[0]
    headings = [cell.value for cell in sheet[1]]
    for line in sheet.iter_rows(min_row=2):
        line[headings.index("badge")].value = f"R-{line[0].row}"
        for code, (cell, _) in WRONG.items():
            if line[headings.index(code)].value == (cell or None):
                line[headings.index(code)].value = GOOD[code]
    book.save(workbook)
    repaired = world.send(tenant, workbook, entity_type="people", mode="upsert")
    after = await world.ended(repaired)
    assert (after.created_rows, after.failed_rows) == (len(bad) + 1, 0), await world.errors(repaired)


async def test_an_option_that_is_no_choice_any_more_is_still_called_by_its_name(
    world: World, stack: Stack, tenant: str, tmp_path: Path
) -> None:
    await world.register(tenant)
    await prepared(stack, tenant)
    made = world.send(tenant, written(tmp_path / "people.csv", GOOD), entity_type="people", mode="upsert")
    assert (await world.ended(made)).created_rows == 1
    async with Client(stack.gateway_url, stack.token_for(tenant, "admin")) as admin:
        listed = (await admin.list_custom_fields(entity_type="people")).items
        level = next(field for field in listed if field.code == "level")
        silver = next(option for option in level.options if option.name == "Silver")
        assert level.id is not None
        await admin.change_custom_field(
            level.id, CustomFieldChange(options=(OptionAsked(id=silver.id, name="Sterling"),))
        )
        row = {"email": GOOD["Emails"], "level": "sterling", "Topics": "KEY account; New"}
        changed = world.send(tenant, written(tmp_path / "more.csv", row), entity_type="people", mode="enrich")
        ended = await world.ended(changed)
        assert (ended.updated_rows, ended.failed_rows) == (1, 0), await world.errors(changed)
        (change,) = (await admin.list_changes(changed)).items
    assert (change.before, change.after) == (
        {"level": "Gold", "topics": ["key account", "North"]},
        {"level": "Sterling", "topics": ["key account", "North", "New"]},
    )
    gone = world.send(
        tenant, written(tmp_path / "gone.csv", {**row, "level": "Gold"}), entity_type="people", mode="enrich"
    )
    assert (await world.ended(gone)).failed_rows == 1
    ((_, _, code, message),) = await world.errors(gone)
    assert (code, "Sterling" in message) == ("invalid_choice", True)
