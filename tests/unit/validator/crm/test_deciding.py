"""What becomes of rows of CRM records: matched, merged, linked, refused; each against what the rows above it made."""

from dataclasses import replace
from typing import Any

import pytest

from shared.entities.crm import COMPANIES, NOTES, OPPORTUNITIES, PEOPLE, TASKS
from shared.entities.declaration import Field, Kind, Option, Origin
from tests.harness.crm import Importing, Tenant

CODES = ("id", "name", "emails", "phone_number", "company", "job_title")


def person(name: Any = None, emails: Any = None, phone: Any = None, company: Any = None, job: Any = None) -> list[Any]:
    return [None, name, emails, phone, company, job]


@pytest.fixture
def tenant() -> Tenant:
    return Tenant()


@pytest.fixture
def people(tenant: Tenant) -> Importing:
    return Importing(tenant, CODES)


def own(code: str, kind: Kind = Kind.TEXT, **said: Any) -> Field:
    return Field(code=code, heading=code.title(), kind=kind, section="", about="", origin=Origin.OWN, **said)


def test_the_first_row_of_a_person_makes_it_and_later_ones_change_it(people: Importing, tenant: Tenant) -> None:
    outcome = people.commit(
        [
            person("Ada Lovelace", "ada@acme.example", job="Analyst"),
            person("Ada L.", "ADA@acme.example; ada@home.example", "+45 32123456"),
            person(emails="ada@home.example", job="CTO"),
            person("Grace", "grace@navy.example"),
        ]
    )
    assert outcome.counts == {"created": 2, "updated": 2, "skipped": 0, "failed": 0}
    ada = tenant.named("Ada L.")
    assert ada.fields == {
        "emails": ["ada@acme.example", "ada@home.example"],
        "phone_number": ["+4532123456"],
        "job_title": "CTO",
    }


def test_a_row_that_says_what_is_there_already_changes_nothing(people: Importing, tenant: Tenant) -> None:
    row = person("Ada", "ada@acme.example", "+45 32123456", "Acme", "CTO")
    people.commit([row])
    version = tenant.named("Ada").version
    assert people.commit([row, person(emails="Ada@Acme.example")]).counts["skipped"] == 2
    assert tenant.named("Ada").version == version


def test_the_strongest_value_decides_and_values_of_two_records_are_a_conflict_that_names_both(
    people: Importing, tenant: Tenant
) -> None:
    people.commit([person("Ada", "ada@acme.example"), person("Grace", "grace@navy.example", "+45 32123456")])
    before = tenant.seen()
    outcome = people.commit([person("Who", "new@x.example, ada@acme.example", "+4532123456")])
    assert outcome.errors == [(2, "conflict", "Phone Number")]
    assert 'person "Ada"' in outcome.messages[0]
    assert 'person "Grace"' in outcome.messages[0]
    assert tenant.seen() == before


def test_an_id_only_changes_what_is_there(people: Importing, tenant: Tenant) -> None:
    people.commit([person("Ada", "ada@acme.example")])
    ada = tenant.named("Ada")
    outcome = people.commit(
        [
            [str(ada.id), None, "ada@home.example", None, None, "CTO"],
            ["01HZX3K4Q5W6E7R8T9Y0A1B2C3", "Nobody", "nobody@x.example", None, None, None],
        ]
    )
    assert outcome.counts == {"created": 0, "updated": 1, "skipped": 1, "failed": 0}
    assert [(notice.code, notice.row) for notice in outcome.notices] == [("no_match", 3)]
    assert tenant.named("Ada").fields == {"emails": ["ada@acme.example", "ada@home.example"], "job_title": "CTO"}


@pytest.mark.parametrize(
    ("mode", "counts", "code"),
    [
        ("create", {"created": 1, "updated": 0, "skipped": 2, "failed": 0}, "already_there"),
        ("enrich", {"created": 0, "updated": 1, "skipped": 2, "failed": 0}, "not_there"),
        ("upsert", {"created": 1, "updated": 2, "skipped": 0, "failed": 0}, None),
    ],
)
def test_a_mode_says_what_may_become_of_records(
    people: Importing, mode: str, counts: dict[str, int], code: str | None
) -> None:
    people.commit([person("Ada", "ada@acme.example")])
    outcome = replace(people, mode=mode).commit(
        [
            person("Ada", "ada@acme.example", job="CTO"),
            person("Grace", "grace@navy.example"),
            person("Grace H", "grace@navy.example"),
        ]
    )
    assert outcome.counts == counts
    assert [notice.code for notice in outcome.notices] == ([code] if code else [])


def test_a_row_that_fails_changes_nothing_and_later_ones_go_on_without_it(people: Importing, tenant: Tenant) -> None:
    outcome = people.commit(
        [
            person(None, "ada@acme.example", job="CTO"),
            person("Ada", "ada@acme.example; not an address"),
            person("Ada", "ada@acme.example"),
        ]
    )
    assert [(row, code) for row, code, _ in outcome.errors] == [(2, "required"), (3, "invalid_email")]
    assert outcome.counts["created"] == 1
    assert tenant.named("Ada").fields == {"emails": ["ada@acme.example"]}


def test_blank_keeps_and_clears_only_where_it_is_asked_to(people: Importing, tenant: Tenant) -> None:
    people.commit([person("Ada", "ada@acme.example", "+4532123456", job="CTO")])
    people.commit([person(None, "ada@acme.example")])
    assert tenant.named("Ada").fields["job_title"] == "CTO"  # type: ignore[index]
    replace(people, clears_blanks=True).commit([person(None, "ada@acme.example")])
    assert tenant.named("Ada").fields == {"emails": ["ada@acme.example"]}
    # What is cleared finds nobody any more.
    assert people.decide([person("Bob", None, "+4532123456")]).counts["created"] == 1


def test_more_parts_than_a_record_may_have_are_refused_after_they_were_put_together(people: Importing) -> None:
    people.commit([person("Ada", "; ".join(f"ada{n}@acme.example" for n in range(4)))])
    outcome = people.commit([person(None, "ada0@acme.example; a@b.example; c@d.example")])
    assert outcome.errors == [(2, "too_many_values", "Emails")]
    assert "4 of them are there already" in outcome.messages[0]


def test_companies_are_made_on_the_way_once_and_found_by_name_or_domain(people: Importing, tenant: Tenant) -> None:
    people.commit(
        [
            person("Ada", "ada@acme.example", company="Acme"),
            person("Bob", "bob@acme.example", company=" ACME "),
            person("Cid", "cid@acme.example", company="https://www.acme.example/about"),
            person("Dan", "dan@acme.example", company="acme.example"),
        ]
    )
    assert tenant.made_on_the_way == 2
    people.commit([person("Eve", "eve@acme.example", company="acme")])
    assert tenant.made_on_the_way == 2
    assert tenant.links(tenant.named("Eve"), "company") == ["Acme"]


def test_another_company_takes_the_place_of_the_one_that_is_there_and_is_told_by_name(
    people: Importing, tenant: Tenant
) -> None:
    people.commit([person("Ada", "ada@acme.example", company="Acme")])
    outcome = people.commit([person("Ada", "ada@acme.example", company="Initech")])
    (group,) = outcome.decisions
    (change,) = group.changes  # type: ignore[union-attr]
    assert change.before["company"] == "Acme"
    assert change.after == {"company": "Initech"}
    assert tenant.links(tenant.named("Ada"), "company") == ["Initech"]


def test_what_a_row_links_to_is_made_even_when_a_later_row_links_elsewhere(people: Importing, tenant: Tenant) -> None:
    people.commit(
        [person("Ada", "ada@acme.example", company="Acme"), person(None, "ada@acme.example", company="Initech")]
    )
    assert tenant.made_on_the_way == 2
    assert tenant.links(tenant.named("Ada"), "company") == ["Initech"]


def test_users_are_found_by_address_and_never_made(tenant: Tenant) -> None:
    tenant.user("owner@example.com", "Olga Owner")
    companies = Importing(tenant, ("name", "account_owner", "domains"), COMPANIES)
    outcome = companies.commit([["Acme", "Owner@example.com", "acme.example"], ["Initech", "nobody@example.com", None]])
    assert outcome.errors == [(3, "not_found", "Account Owner")]
    assert "nobody@example.com" in outcome.messages[0]
    assert tenant.links(tenant.named("Acme", "companies"), "account_owner") == ["Olga Owner"]


def test_each_part_of_a_list_of_links_counts_by_itself(people: Importing, tenant: Tenant) -> None:
    people.commit([person("Ada", "ada@acme.example", company="Acme")])
    tasks = Importing(tenant, ("title", "companies", "people", "opportunities"), TASKS)
    outcome = tasks.commit(
        [
            ["Call", "acme; Initech; acme.example", "ada@acme.example, new@x.example", None],
            ["Mail", None, None, "Deal 7"],
        ]
    )
    call = tenant.named("Call", "tasks")
    assert tenant.links(call, "companies") == ["Acme", "Initech", "acme.example"]
    assert tenant.links(call, "people") == ["Ada", "new@x.example"]
    assert outcome.errors == [(3, "not_found", "Opportunities")]
    outcome = tasks.commit([["Call", "Hooli", None, None]])
    assert outcome.counts["created"] == 1


def test_links_of_many_are_added_to_those_that_are_there(tenant: Tenant) -> None:
    tasks = Importing(tenant, ("id", "title", "companies"), TASKS)
    tasks.commit([[None, "Call", "Acme"]])
    call = tenant.named("Call", "tasks")
    outcome = tasks.commit([[str(call.id), None, "Initech; acme"]])
    assert tenant.links(tenant.named("Call", "tasks"), "companies") == ["Acme", "Initech"]
    (group,) = outcome.decisions
    assert group.changes[0].after == {"companies": ["Acme", "Initech"]}  # type: ignore[union-attr]


def test_a_unique_field_is_one_records_alone(tenant: Tenant) -> None:
    entity = PEOPLE.with_fields([own("badge", is_unique=True)])
    people = Importing(tenant, ("name", "emails", "badge"), entity)
    outcome = people.commit(
        [
            ["Ada", "ada@x.example", "A-1"],
            ["Bob", "bob@x.example", "a-1"],
            ["Bob", "bob@x.example", "B-2"],
            [None, "ada@x.example", "A-9"],
            ["Cid", "cid@x.example", "A-1"],
        ]
    )
    assert outcome.errors == [(3, "duplicate_in_file", "Badge")]
    assert "row 2" in outcome.messages[0]
    tenant.named("Bob").import_id = None
    outcome = people.commit([["Dan", "dan@x.example", "b-2"]])
    assert outcome.errors == [(2, "already_exists", "Badge")]
    assert 'person "Bob"' in outcome.messages[0]


def test_changes_are_told_with_names_of_options_and_can_be_put_back(tenant: Tenant) -> None:
    entity = OPPORTUNITIES.with_fields(
        [own("plan", Kind.SELECT, options=(Option("o-1", "Gold"), Option("o-2", "Tin")))]
    )
    deals = Importing(tenant, ("id", "name", "amount", "stage", "plan"), entity)
    deals.commit([[None, "200 licences", "1234567890123456.78", "prospecting", "gold"]])
    deal = tenant.named("200 licences", "opportunities")
    outcome = deals.commit([[str(deal.id), "300 licences", 12.5, "Closed Won", "Tin"]])
    (group,) = outcome.decisions
    (change,) = group.changes  # type: ignore[union-attr]
    was = change.before.pop("_was")
    assert change.before == {
        "name": "200 licences",
        "amount": "1234567890123456.78",
        "stage": "Prospecting",
        "plan": "Gold",
    }
    assert change.after == {"name": "300 licences", "amount": "12.5", "stage": "Closed Won", "plan": "Tin"}
    assert (str(was["amount"]), was["stage"], was["plan"]) == ("1234567890123456.78", "prospecting", "o-1")


def test_required_fields_of_ones_own_are_asked_for_when_a_record_is_made(tenant: Tenant) -> None:
    entity = PEOPLE.with_fields([own("badge", required=True)])
    people = Importing(tenant, ("name", "emails", "badge"), entity, clears_blanks=True)
    outcome = people.commit(
        [["Ada", "ada@x.example", None], ["Bob", "bob@x.example", "B"], [None, "bob@x.example", None]]
    )
    assert outcome.errors == [(2, "required", "Badge")]
    assert tenant.named("Bob").fields["badge"] == "B"  # type: ignore[index]


def test_a_record_of_the_same_file_is_found_by_links_of_its_own_type(tenant: Tenant) -> None:
    boss = own("boss", Kind.RECORD, target="people", found_by=("id", "email", "name"), creates_target=True)
    people = Importing(tenant, ("name", "emails", "boss"), PEOPLE.with_fields([boss]))
    people.commit([["Ada", "ada@x.example", None], ["Bob", "bob@x.example", "ada@x.example"], ["Cid", None, "bob"]])
    assert tenant.made_on_the_way == 0
    assert tenant.links(tenant.named("Cid"), "boss") == ["Bob"]


def test_notes_are_always_made(tenant: Tenant) -> None:
    notes = Importing(tenant, ("title", "body"), NOTES)
    assert notes.commit([["Call", "x"], ["Call", "x"]]).counts["created"] == 2


def test_a_number_without_its_area_code_is_kept_finds_nobody_and_is_told(people: Importing, tenant: Tenant) -> None:
    outcome = people.commit([person("Ada", phone="253-0000"), person("Bob", phone="253-0000")])
    assert outcome.counts["created"] == 2
    assert tenant.named("Ada").fields == {"phone_number": ["253-0000"]}
    (notice,) = outcome.notices
    assert (notice.code, notice.column, notice.row, notice.count) == ("local_phone", "Phone Number", 2, 2)


@pytest.mark.parametrize(("code", "kind"), [("company", None), ("site", Kind.LINK), ("badge", Kind.TEXT)], ids=str)
def test_what_no_index_can_hold_is_refused_by_its_row_and_not_by_the_database(
    tenant: Tenant, code: str, kind: Kind | None
) -> None:
    entity = PEOPLE if kind is None else PEOPLE.with_fields([own(code, kind, is_unique=True)])
    long = "".join(chr(0x4E00 + number * 7 % 20_000) for number in range(1_900))
    said = f"https://acme.example/{long}" if kind is Kind.LINK else long
    outcome = Importing(tenant, ("name", code), entity).commit([["Ada", said], ["Bob", None]])
    assert [found for _, found, _ in outcome.errors] == ["invalid_cell"]
    assert "at most 2,500 can be kept" in outcome.messages[0]
    assert outcome.counts == {"created": 1, "updated": 0, "skipped": 0, "failed": 1}
