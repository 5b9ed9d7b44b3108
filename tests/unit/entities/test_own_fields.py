"""Declarations of records: the headings people use for them, and a tenant's own fields beside them."""

from typing import Any

import pytest

from shared.entities import ENTITY_TYPES
from shared.entities.crm import CRM, PEOPLE, TASKS
from shared.entities.declaration import Kind, Origin
from shared.entities.mapping import map_headings
from shared.entities.own_fields import KINDS, PREFIX, Own, Type, entity_of
from shared.intake.custom_fields import FieldRefused, WantedField, check_field

NATIVE = {
    "companies": "company, company name, organization, organisation, account, account name, business, firm, client, "
    "customer, vendor, org",
    "people": "full name, person, contact, contact name, individual, member, employee, display name, lead name, "
    "prospect name",
    "opportunities": "deal, deal name, opportunity, title, subject, pipeline",
    "tasks": "task, name, subject, todo, to do item, action, action item, activity",
    "notes": "subject, heading, note subject, summary",
}
SNAPSHOT: dict[str, Any] = {
    "fields": [
        {"code": "tier", "name": "Tier", "type": "select", "options": [{"id": "o-1", "name": "Gold"}]},
        {"code": "owner", "name": "Company", "type": "record", "target": "users", "multi": True},
        {"code": "price", "name": "List price", "type": "currency", "decimals": 4, "required": True},
    ],
    "settings": {"region": "DK"},
}


@pytest.mark.parametrize("entity", CRM, ids=lambda entity: entity.name)
def test_the_headings_people_use_for_what_a_record_is_called_mean_it(entity: object) -> None:
    declared = ENTITY_TYPES[entity.name]  # type: ignore[attr-defined]
    for said in NATIVE[declared.name].split(", "):
        for heading in (said, said.upper(), said.replace(" ", "_"), f" {said.replace(' ', '  ')} "):
            field = declared.field_of(heading)
            assert field is not None, heading
            assert field.code == declared.native, heading
    if declared.matches:
        assert {declared.field_of(said) for said in ("Record ID", "ulid", "ID")} == {declared.by_code["id"]}


@pytest.mark.parametrize(
    ("name", "headings", "codes"),
    [
        ("companies", ["name", "account_owner_email"], ["name", "account_owner"]),
        (
            "people",
            ["name", "company_name", "custom_fields_emails", "custom_fields_phones"],
            ["name", "company", "emails", "phone_number"],
        ),
    ],
)
def test_exports_of_the_other_crm_are_mapped_whole(name: str, headings: list[str], codes: list[str]) -> None:
    mapping = map_headings(ENTITY_TYPES[name], headings, "upsert")
    assert mapping.fields == {code: index for index, code in enumerate(codes)}  # type: ignore[union-attr]


def test_a_snapshot_makes_an_entity_type_with_the_tenants_own_fields() -> None:
    entity = entity_of("people", SNAPSHOT)
    assert entity is entity_of("people", SNAPSHOT["fields"])
    assert [field.code for field in entity.fields if field.origin is Origin.OWN] == ["tier", "owner", "price"]
    assert entity.by_code["tier"].options[0].id == "o-1"
    assert entity.by_code["owner"].found_by == ("id", "email")
    assert entity.by_code["price"].decimals is not None
    assert entity.by_code["price"].decimals.scale == 4
    assert ("price",) in entity.required_columns("upsert")
    assert ("price",) not in entity.required_columns("enrich")
    assert entity.example[-3:] == (None, None, None), "the template's example is the same whatever fields there are"


def test_a_heading_that_means_something_already_goes_on_meaning_it() -> None:
    entity = entity_of("people", SNAPSHOT)
    assert entity.field_of("Company") is PEOPLE.by_code["company"]
    owner = entity.field_of("Custom fields - owner")
    assert owner is not None
    assert (owner.code, owner.heading) == ("owner", "custom_fields_owner")


def test_without_fields_of_its_own_a_tenant_has_the_declaration_itself() -> None:
    nothing: tuple[Own, ...] = (None, [], {"fields": [], "settings": {}})
    for own in nothing:
        assert entity_of("people", own) is PEOPLE
    with pytest.raises(KeyError):
        entity_of("suppliers", None)


def test_every_type_is_read_as_some_kind_and_none_as_a_key() -> None:
    assert set(KINDS) == set(Type)
    assert Kind.ID not in KINDS.values()


@pytest.mark.parametrize("entity", CRM, ids=lambda entity: entity.name)
def test_no_code_of_a_field_that_everybody_has_is_a_tenants_to_give(entity: object) -> None:
    declared = ENTITY_TYPES[entity.name]  # type: ignore[attr-defined]
    prefixed = [said.removeprefix(PREFIX) for field in declared.fields for said in field.aliases if PREFIX in said]
    for code in (*declared.by_code, *prefixed, "id", "name", "title"):
        with pytest.raises(FieldRefused, match="choose another code"):
            check_field(WantedField(declared.name, code, "Something new", Type.TEXT), [])


def test_a_task_may_have_a_field_of_any_name_that_is_no_heading_yet() -> None:
    check_field(WantedField("tasks", "effort", "Effort (h)", Type.NUMBER), [])
    assert TASKS.field_of("Effort (h)") is None
