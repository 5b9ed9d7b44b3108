"""CRM records: companies, people, opportunities, tasks and notes. A row is one record. Source: crm.md."""

from collections.abc import Mapping
from types import MappingProxyType

from shared.entities.cells import Cell
from shared.entities.declaration import USERS, Decimals, EntityType, Field, Kind, Option, Origin, RequiredColumns
from shared.entities.not_imported import ToleratedHeading

MONEY = Decimals(precision=18, scale=2)

_MODES = ("create", "enrich", "upsert")
_RECORD, _DETAILS, _LINKS = "Record", "Details", "Links"
_STAGES = (
    *("Prospecting", "Qualification", "Needs Analysis", "Value Proposition", "Id. Decision Makers"),
    *("Perception Analysis", "Proposal/Price Quote", "Negotiation/Review", "Closed Won", "Closed Lost"),
)


def _options(*names: str) -> tuple[Option, ...]:
    return tuple(
        Option("_".join("".join(c if c.isalnum() else " " for c in name.lower()).split()), name) for name in names
    )


def _finds(*codes: str) -> RequiredColumns:
    """What only changes records has to find them."""
    return RequiredColumns(any_of=codes, modes=("enrich",))


def _id(noun: str) -> Field:
    return Field(
        code="id",
        heading="Record ID",
        kind=Kind.ID,
        section=_RECORD,
        about=f"The id of a {noun} that is there already; blank for a new one.",
        aliases=("id", "ulid"),
    )


def _native(code: str, about: str, example: str, *aliases: str) -> Field:
    return Field(
        code=code,
        heading=code.capitalize(),
        kind=Kind.NAME,
        section=_RECORD,
        about=about,
        aliases=aliases,
        required=True,
        is_name=True,
        example=example,
    )


def _built_in(
    code: str,
    heading: str,
    kind: Kind,
    about: str,
    *,
    example: Cell = None,
    aliases: tuple[str, ...] = (),
    most: int | None = None,
    multi: bool = False,
    options: tuple[Option, ...] = (),
    decimals: Decimals | None = None,
) -> Field:
    return Field(
        code=code,
        heading=heading,
        kind=kind,
        section=_DETAILS,
        about=about,
        aliases=(f"custom_fields_{code}", *aliases),
        example=example,
        origin=Origin.BUILT_IN,
        most=most,
        multi=multi,
        options=options,
        decimals=decimals,
    )


def _link(
    code: str,
    heading: str,
    target: str,
    found_by: tuple[str, ...],
    *,
    aliases: tuple[str, ...] = (),
    multi: bool = False,
    example: str | None = None,
) -> Field:
    creates = target != USERS and "name" in found_by
    return Field(
        code=code,
        heading=heading,
        kind=Kind.RECORD,
        section=_LINKS,
        about=f"Found by {', '.join(found_by)}" + ("; made when it is not there." if creates else "."),
        aliases=aliases,
        example=example,
        multi=multi,
        target=target,
        found_by=found_by,
        creates_target=creates,
    )


_COMPANY, _PERSON = ("id", "domain", "name"), ("id", "email", "phone", "name")
_USER = ("id", "email")
FOUND_BY: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"companies": _COMPANY, "people": _PERSON, "opportunities": ("id",), "tasks": ("id",), "notes": ("id",)}
)
"""By what a record of each type is found that another one names, in this order."""
_OWNER = ("owner", "owner email", "account_owner_email", "account owner id")

COMPANIES = EntityType(
    name="companies",
    family="crm",
    sheet="Companies",
    record_noun="company",
    modes=_MODES,
    matches=("id", "domains"),
    required=(_finds("id", "domains"),),
    native="name",
    can_be_undone=True,
    fields=(
        _id("company"),
        _native(
            "name",
            "What the company is called.",
            "Acme Corporation",
            *("company", "company name", "organization", "organisation", "account", "account name", "business", "firm"),
            *("client", "customer", "vendor", "org"),
        ),
        _link("account_owner", "Account Owner", USERS, _USER, aliases=_OWNER, example="owner@example.com"),
        _built_in("icp", "ICP", Kind.BOOLEAN, "Whether it is the kind of customer you look for.", example="yes"),
        _built_in(
            "domains",
            "Domains",
            Kind.LINK,
            "Its domains, up to five; a company is found by them.",
            aliases=("domain", "website", "web site", "company domain", "company website"),
            multi=True,
            most=5,
            example="acme.example",
        ),
        _built_in(
            "linkedin",
            "LinkedIn",
            Kind.LINK,
            "Its page on LinkedIn.",
            aliases=("linkedin url", "company linkedin"),
            example="https://linkedin.com/company/acme",
        ),
    ),
)

PEOPLE = EntityType(
    name="people",
    family="crm",
    sheet="People",
    record_noun="person",
    modes=_MODES,
    matches=("id", "emails", "phone_number"),
    required=(_finds("id", "emails", "phone_number"),),
    native="name",
    can_be_undone=True,
    fields=(
        _id("person"),
        _native(
            "name",
            "What the person is called.",
            "Ada Lovelace",
            *("full name", "person", "contact", "contact name", "individual", "member", "employee", "display name"),
            *("lead name", "prospect name"),
        ),
        _link(
            "company",
            "Company",
            "companies",
            _COMPANY,
            aliases=(
                "company name",
                "company_domain",
                "company id",
                "organization",
                "organisation",
                "account",
                "employer",
            ),
            example="Acme Corporation",
        ),
        _built_in(
            "emails",
            "Emails",
            Kind.EMAIL,
            "Up to five; a person is found by them.",
            aliases=("email", "e-mail", "e-mails", "email address", "email addresses", "mail"),
            multi=True,
            most=5,
            example="ada@acme.example",
        ),
        _built_in(
            "phone_number",
            "Phone Number",
            Kind.PHONE,
            "With the country's code, or of your own country.",
            aliases=(
                "phone",
                "phones",
                "phone numbers",
                "mobile",
                "telephone",
                "custom_fields_phones",
                "custom_fields_phone",
            ),
            multi=True,
            example="+45 32 12 34 56",
        ),
        _built_in(
            "job_title", "Job Title", Kind.TEXT, "What they do.", aliases=("title", "position", "role"), example="CTO"
        ),
        _built_in(
            "linkedin",
            "LinkedIn",
            Kind.LINK,
            "Their page on LinkedIn.",
            aliases=("linkedin url", "linkedin profile"),
            example="https://linkedin.com/in/ada",
        ),
    ),
)

OPPORTUNITIES = EntityType(
    name="opportunities",
    family="crm",
    sheet="Opportunities",
    record_noun="opportunity",
    modes=_MODES,
    matches=("id",),
    required=(_finds("id"),),
    native="name",
    can_be_undone=True,
    fields=(
        _id("opportunity"),
        _native(
            "name",
            "What it is about.",
            "200 licences",
            "deal",
            "deal name",
            "opportunity",
            "title",
            "subject",
            "pipeline",
        ),
        _link(
            "company",
            "Company",
            "companies",
            _COMPANY,
            aliases=("company name", "account", "account name", "company id"),
        ),
        _link(
            "contact",
            "Contact",
            "people",
            _PERSON,
            aliases=("contact name", "contact email", "person", "primary contact", "contact id"),
        ),
        _built_in(
            "amount",
            "Amount",
            Kind.NUMBER,
            "In your own currency.",
            aliases=("value", "deal value"),
            decimals=MONEY,
            example=12000,
        ),
        _built_in(
            "close_date",
            "Close Date",
            Kind.DATE,
            "When it is expected to be decided.",
            aliases=("expected close date",),
            example="2027-03-31",
        ),
        _built_in(
            "stage",
            "Stage",
            Kind.SELECT,
            "How far it is.",
            aliases=("deal stage", "status"),
            options=_options(*_STAGES),
            example="Prospecting",
        ),
    ),
)

_OF_MANY = (
    _link("companies", "Companies", "companies", _COMPANY, aliases=("company", "company name"), multi=True),
    _link("people", "People", "people", _PERSON, aliases=("person", "contact", "contacts"), multi=True),
    _link(
        "opportunities", "Opportunities", "opportunities", ("id",), aliases=("opportunity", "deal", "deals"), multi=True
    ),
)

TASKS = EntityType(
    name="tasks",
    family="crm",
    sheet="Tasks",
    record_noun="task",
    modes=_MODES,
    matches=("id",),
    required=(_finds("id"),),
    native="title",
    can_be_undone=True,
    fields=(
        _id("task"),
        _native(
            "title",
            "What is to be done.",
            "Send the offer",
            *("task", "name", "subject", "todo", "to do item", "action", "action item", "activity"),
        ),
        *_OF_MANY,
        _link(
            "assignees",
            "Assignees",
            USERS,
            _USER,
            aliases=("assignee", "assigned to", "assignee email", "owner"),
            multi=True,
        ),
        _built_in(
            "status",
            "Status",
            Kind.SELECT,
            "How far it is.",
            options=_options("To do", "In progress", "Done"),
            example="To do",
        ),
        _built_in(
            "priority",
            "Priority",
            Kind.SELECT,
            "How much it matters.",
            options=_options("Low", "Medium", "High"),
            example="Medium",
        ),
        _built_in(
            "description",
            "Description",
            Kind.LONG_TEXT,
            "More about it.",
            aliases=("details", "notes"),
            example="With last year's prices.",
        ),
        _built_in(
            "due_date",
            "Due Date",
            Kind.MOMENT,
            "When it has to be done.",
            aliases=("due", "deadline", "due at"),
            example="2027-03-31 12:00",
        ),
    ),
)

NOTES = EntityType(
    name="notes",
    family="crm",
    sheet="Notes",
    record_noun="note",
    modes=_MODES,
    native="title",
    can_be_undone=True,
    tolerated=tuple(
        ToleratedHeading(heading, notice="a note is always a new one") for heading in ("Record ID", "id", "ulid")
    ),
    fields=(
        _native("title", "What it is about.", "First call", "subject", "heading", "note subject", "summary"),
        *_OF_MANY,
        _built_in(
            "body",
            "Body",
            Kind.LONG_TEXT,
            "The note itself.",
            aliases=("note", "content", "text"),
            example="They want a demo.",
        ),
    ),
)

CRM: tuple[EntityType, ...] = (COMPANIES, PEOPLE, OPPORTUNITIES, TASKS, NOTES)
