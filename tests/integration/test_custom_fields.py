"""Fields of a tenant's own, its members, how it writes values: over HTTP, on the real tables, and in the file that comes next."""

import asyncio
import csv
from collections.abc import AsyncIterator, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import openpyxl
import pytest

from deploy.local.stack import Stack
from shared.db.transaction import tenant_transaction
from shared.entities.own_fields import MAY_BE_MULTI, TARGETS, Type
from shared.intake.mapping import MappingChanged, change_mapping
from tests.conftest import with_services
from tests.harness.gateway import GatewayClient, gateway_here
from tests.harness.world import World, eventually
from tests.integration.conftest import EngineOf

FIELDS, MEMBERS, SETTINGS = "/v1/custom-fields", "/v1/members", "/v1/settings"
TIER = {"entity_type": "people", "code": "tier", "name": "Tier", "type": "select"}


@pytest.fixture
async def here(stack: Stack, running_world: World) -> AsyncIterator[GatewayClient]:
    async with gateway_here(stack) as (app, gateway):
        address = gateway.settings.public_url
        async with GatewayClient(address, stack.token_for, transport=httpx.ASGITransport(app)) as client:
            yield client


@pytest.fixture
def parsing(running_world: World) -> Iterator[World]:
    """With a parser, which is gone afterwards: other tests ask what waits for one."""
    yield with_services(running_world, "parser")
    running_world.fleet.stop()


async def added(admin: httpx.AsyncClient, **asked: Any) -> dict[str, Any]:
    answer = await admin.post(FIELDS, json={"entity_type": "people", "name": asked["code"].title(), **asked})
    assert answer.status_code == 201, answer.text
    field: dict[str, Any] = answer.json()
    return field


async def own(client: httpx.AsyncClient, entity_type: str = "people") -> dict[str, dict[str, Any]]:
    items = (await client.get(FIELDS, params={"entity_type": entity_type})).json()["items"]
    return {field["code"]: field for field in items if field["origin"] == "own"}


def options(*names: str) -> list[dict[str, str]]:
    return [{"name": name} for name in names]


async def test_a_field_of_every_type_is_added_and_listed_behind_those_that_everybody_has(
    here: GatewayClient, tenant: str
) -> None:
    admin = here.as_(tenant, "admin")
    for type_ in Type:
        asked: dict[str, Any] = {"code": f"f_{type_}", "type": type_, "multi": type_ in MAY_BE_MULTI}
        asked |= {"options": options("Gold", "Silver")} if "select" in type_ else {}
        asked |= {"target": "companies"} if type_ is Type.RECORD else {}
        await added(admin, **asked)
    listed = (await here.as_(tenant, "viewer").get(FIELDS, params={"entity_type": "people"})).json()["items"]
    of = {field["code"]: field for field in listed}
    assert [field["origin"] for field in listed] == ["native"] * 3 + ["built_in"] * 4 + ["own"] * len(Type)
    assert (of["emails"]["type"], of["emails"]["most"], of["job_title"]["id"]) == ("email", 5, None)
    assert [of[f"f_{type_}"]["type"] for type_ in Type] == list(Type)
    assert of["f_tags"]["multi"]
    assert of["f_currency"]["decimals"] is None
    assert of["f_text"]["headings"] == ["F_Text", "custom_fields_f_text"]


@pytest.mark.parametrize(
    ("wrong", "about", "word"),
    [
        ({"code": "emails"}, "code", "Emails"),
        ({"code": "phones"}, "code", "Phone Number"),
        ({"code": "ti_er"}, "code", "Tier"),
        ({"code": "2nd"}, "code", "pattern"),
        ({"name": "Mobile"}, "name", "Phone Number"),
        ({"name": "TIER"}, "name", "Tier"),
        ({"name": "Import error"}, "name", "heading"),
        ({"name": "- -"}, "name", "heading"),
        ({"type": "select"}, "options", "choose from"),
        ({"type": "select", "options": options("One", " oNe ")}, "options", "case"),
        ({"type": "multi_select", "options": options("One, two")}, "options", "several"),
        ({"type": "number", "options": options("One")}, "options", "select"),
        ({"type": "record"}, "target", "companies"),
        ({"type": "boolean", "unique": True}, "unique", "email"),
        ({"type": "text", "multi": True}, "multi", "phone"),
        ({"type": "date", "longest": 5}, "longest", "text"),
        ({"type": "text", "most": 5}, "most", "several"),
    ],
)
async def test_what_can_be_no_field_is_refused_in_words_and_by_its_part(
    here: GatewayClient, tenant: str, wrong: dict[str, Any], about: str, word: str
) -> None:
    admin = here.as_(tenant, "admin")
    await added(admin, code="tier", type="text")
    asked = {"entity_type": "people", "code": "other", "name": "Other", "type": "text", **wrong}
    answer = await admin.post(FIELDS, json=asked)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert about in error["field"]
    assert word.lower() in error["message"].lower()
    assert set(await own(admin)) == {"tier"}


async def test_only_administrators_change_anything_and_nobody_what_is_anothers(
    here: GatewayClient, tenant: str
) -> None:
    theirs = await added(here.as_(f"{tenant}-other", "admin"), code="theirs", type="text")
    for role in ("viewer", "importer"):
        client = here.as_(tenant, role)
        for method, path in (("POST", FIELDS), ("POST", MEMBERS), ("PATCH", SETTINGS)):
            assert (await client.request(method, path, json={})).status_code == 403
        for path in (FIELDS, MEMBERS, SETTINGS):
            assert (await client.get(path)).status_code == 200
    admin = here.as_(tenant, "admin")
    for method, body in (("GET", None), ("PATCH", {"name": "Mine"}), ("DELETE", None)):
        assert (await admin.request(method, f"{FIELDS}/{theirs['id']}", json=body)).status_code == 404
    assert await own(admin) == {}
    assert (await admin.delete(f"{MEMBERS}/{uuid4()}")).status_code == 404


async def test_options_are_renamed_reordered_left_out_and_come_back_as_who_they_were(
    here: GatewayClient, tenant: str
) -> None:
    admin = here.as_(tenant, "admin")
    made = await added(admin, **TIER, options=options("Gold", "Silver", "Bronze"))
    ids = {option["name"]: option["id"] for option in made["options"]}
    place = f"{FIELDS}/{made['id']}"

    async def changed(*wanted: dict[str, str]) -> list[tuple[str, str]]:
        answer = await admin.patch(place, json={"options": list(wanted)})
        assert answer.status_code == 200, answer.text
        return [(option["id"], option["name"]) for option in answer.json()["options"]]

    swapped = [{"id": ids["Gold"], "name": "Silver"}, {"id": ids["Silver"], "name": "Gold"}]
    first, second, third = await changed(*swapped, {"name": "Tin"})
    assert [first, second, third[1]] == [(ids["Gold"], "Silver"), (ids["Silver"], "Gold"), "Tin"]
    back = await changed({"name": "bronze"}, *swapped)
    assert back[0] == (ids["Bronze"], "bronze"), "records that have it name it again"
    assert (await changed({"id": ids["Bronze"], "name": "TIN"}))[0] == (ids["Bronze"], "TIN")
    stranger = await admin.patch(place, json={"options": [{"id": str(uuid4()), "name": "Lead"}]})
    assert stranger.status_code == 422


async def test_a_field_that_was_removed_is_there_again_when_it_is_added_as_what_it_was(
    here: GatewayClient, tenant: str
) -> None:
    admin = here.as_(tenant, "admin")
    made = await added(admin, **TIER, options=options("Gold"))
    assert (await admin.delete(f"{FIELDS}/{made['id']}")).status_code == 204
    assert (await admin.get(f"{FIELDS}/{made['id']}")).status_code == 404
    assert (await admin.delete(f"{FIELDS}/{made['id']}")).status_code == 404
    other = await admin.post(FIELDS, json={**TIER, "type": "text"})
    assert other.status_code == 422
    assert "was a field of type select" in other.json()["detail"]
    again = await added(admin, **{**TIER, "name": "Level"}, options=options("gold", "Tin"))
    assert (again["id"], again["name"]) == (made["id"], "Level")
    assert again["options"][0]["id"] == made["options"][0]["id"]


async def test_who_signs_in_is_a_member_under_the_address_the_login_says_now(
    here: GatewayClient, tenant: str, stack: Stack
) -> None:
    admin = here.as_(tenant, "admin")
    entered = await admin.post(MEMBERS, json={"email": "Ada@Acme.example", "name": "Ada"})
    assert (entered.status_code, entered.json()["email"]) == (201, "ada@acme.example")
    assert (await admin.post(MEMBERS, json={"email": "ADA@acme.example"})).status_code == 200
    assert (await admin.post(MEMBERS, json={"email": "ada"})).status_code == 422

    async def signs_in(subject: str, name: str, email: str, role: str = "viewer") -> None:
        claims = {"sub": subject, "name": name, "email": email, "tenant": tenant, "roles": [role]}
        issuer = stack.issuer
        token = issuer.keys.token(issuer.url, claims, kind="at+jwt")
        assert (await here.with_token(token).get("/v1/me")).status_code == 200

    async def members() -> dict[str, tuple[str | None, bool]]:
        listed = (await admin.get(MEMBERS)).json()["items"]
        return {one["name"]: (one["email"], one["has_signed_in"]) for one in listed}

    await signs_in("s-1", "Ada L.", "ada@acme.example")
    await signs_in("s-9", "No role", "none@acme.example", role="nothing")
    assert await members() == {"Ada L.": ("ada@acme.example", True)}
    (ada,) = (await admin.get(MEMBERS, params={"q": "ADA"})).json()["items"]
    assert ada["id"] == entered.json()["id"], "whom records name stays who they are"
    await signs_in("s-2", "Bob", "ada@acme.example")
    assert await members() == {"Ada L.": (None, True), "Bob": ("ada@acme.example", True)}
    assert (await admin.delete(f"{MEMBERS}/{ada['id']}")).status_code == 204
    assert await members() == {"Bob": ("ada@acme.example", True)}


async def test_of_those_who_do_the_same_at_once_one_has_it(here: GatewayClient, tenant: str, stack: Stack) -> None:
    admin = here.as_(tenant, "admin")
    asked = [
        {"entity_type": "people", "code": code, "name": code, "type": "text"} for code in ("a_b", "ab", "AB", "a__b")
    ]
    answers = await asyncio.gather(*(admin.post(FIELDS, json=each) for each in asked))
    assert sorted(answer.status_code for answer in answers) == [201, 422, 422, 422]
    issuer = stack.issuer
    claims = [
        {"sub": f"s-{n}", "name": f"S {n}", "email": "one@acme.example", "tenant": tenant, "roles": ["viewer"]}
        for n in range(4)
    ]
    tokens = [issuer.keys.token(issuer.url, each, kind="at+jwt") for each in claims]
    seen = await asyncio.gather(*(here.with_token(token).get("/v1/me") for token in tokens))
    assert [answer.status_code for answer in seen] == [200] * 4
    listed = (await admin.get(MEMBERS, params={"q": "S "})).json()["items"]
    assert sorted(str(member["email"]) for member in listed) == ["None"] * 3 + ["one@acme.example"]


async def test_a_key_of_a_system_is_no_member(here: GatewayClient, tenant: str) -> None:
    admin = here.as_(tenant, "admin")
    key = (await admin.post("/v1/api-keys", json={"name": "ERP nightly"})).json()
    assert (await here.with_token(key["secret"]).get("/v1/me")).status_code == 200
    assert (await admin.get(MEMBERS)).json()["items"] == [], "nor is a token that says no address"


async def test_how_values_are_written_is_changed_part_by_part(here: GatewayClient, tenant: str) -> None:
    admin = here.as_(tenant, "admin")
    assert (await admin.get(SETTINGS)).json()["region"] == "US"
    changed = await admin.patch(SETTINGS, json={"region": "dk", "time_zone": "Europe/Copenhagen"})
    assert changed.status_code == 200
    changed = await admin.patch(SETTINGS, json={"date_format": "european"})
    said = changed.json()
    assert [said[name] for name in ("region", "time_zone", "date_format", "decimal")] == [
        *("DK", "Europe/Copenhagen", "european", "point"),
    ]
    assert said["updated_by"] == f"admin@{tenant}"
    for wrong in ({"region": "XX"}, {"time_zone": "Copenhagen"}, {"decimal": "dot"}, {"currency": "DKK"}):
        assert (await admin.patch(SETTINGS, json=wrong)).status_code == 422


async def test_a_file_is_read_by_the_fields_there_are_when_its_reading_begins(
    here: GatewayClient, tenant: str, parsing: World, engine_of: EngineOf, tmp_path: Path
) -> None:
    """Also the template has them; an import under way is read by those it began with; what is required has to be there."""
    await parsing.register(tenant)
    admin = here.as_(tenant, "admin")
    await added(admin, **TIER, options=options("Gold", "Silver"))
    since = await added(admin, code="since", type="date", name="Customer since")
    template = await admin.get("/v1/templates/people.xlsx")
    headings = next(openpyxl.load_workbook(BytesIO(template.content))["People"].iter_rows(min_row=2, values_only=True))
    assert headings[-2:] == ("Tier", "Customer since")

    async def sent(*headings: str) -> dict[str, Any]:
        path = tmp_path / f"{uuid4()}.csv"
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([headings, *([f"{heading} {row}" for heading in headings] for row in range(3))])
        import_id = parsing.send(tenant, path, entity_type="people", mode="upsert", options={"hold": True})

        async def read() -> dict[str, Any] | None:
            found = await here.as_(tenant, "viewer").get(f"/v1/imports/{import_id}")
            said: dict[str, Any] = found.json() if found.status_code == 200 else {}
            return {**said, "id": import_id} if said.get("error") or said.get("total_rows") else None

        return await eventually("the import is read", read)

    with_both = await sent("Name", "tier", "custom_fields_since", "Nothing")
    kept = await parsing.scalar("SELECT own FROM imports.imports WHERE id = :id", id=with_both["id"])
    assert [field["code"] for field in kept["fields"]] == ["tier", "since"]
    assert kept["settings"]["date_format"] == "iso"
    mapped = await parsing.scalar("SELECT column_mappings FROM imports.imports WHERE id = :id", id=with_both["id"])
    assert mapped == {"name": 0, "tier": 1, "since": 2}
    assert (await admin.delete(f"{FIELDS}/{since['id']}")).status_code == 204
    async with tenant_transaction(engine_of("winnow_intake"), tenant) as conn:
        remapped = await change_mapping(conn, with_both["id"], {"name": 0, "since": 2})
    assert isinstance(remapped, MappingChanged), remapped
    await added(admin, code="region", type="text", name="Sales region", required=True)
    refused = await sent("Name", "tier")
    assert "Sales region" in refused["error"]["message"]


def test_every_target_of_a_record_field_is_an_entity_type_or_users() -> None:
    assert TARGETS == ("companies", "people", "opportunities", "tasks", "notes", "users")
