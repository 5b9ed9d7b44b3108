"""What cells of records say, kind by kind."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.entities.cells import Cell
from shared.entities.crm import COMPANIES, OPPORTUNITIES, PEOPLE, TASKS
from shared.entities.dates import DateFormat
from shared.entities.decimals import ColumnSign, Sign
from shared.entities.declaration import Field, Kind, Option
from shared.entities.errors import CellError
from shared.values import How, displayed, from_json, merged, read_value, to_json
from shared.values.keys import classify, linked_parts, match_keys, unique_keys

COMMA = How(sign=ColumnSign(Sign.COMMA, decided=True))
BERLIN = How(time_zone="Europe/Berlin", region="DE")
ICP, DOMAINS = COMPANIES.by_code["icp"], COMPANIES.by_code["domains"]
EMAILS, PHONES, JOB, NAME = (PEOPLE.by_code[code] for code in ("emails", "phone_number", "job_title", "name"))
AMOUNT, CLOSES, STAGE = (OPPORTUNITIES.by_code[code] for code in ("amount", "close_date", "stage"))
DUE, DESCRIPTION = TASKS.by_code["due_date"], TASKS.by_code["description"]


def own(kind: Kind, **more: Any) -> Field:
    return Field(code="own", heading="Own", kind=kind, section="Own", about="", **more)


SIZES = own(Kind.SELECT, multi=True, options=(Option("s", "Small"), Option("m", "Medium, wide"), Option("l", "Large")))
TAGS = own(Kind.TAGS, multi=True, options=(Option("1", "VIP"),))
COLOUR = own(Kind.COLOUR)


@pytest.mark.parametrize(
    ("field", "said", "how", "kept"),
    [
        (ICP, "Yes", How(), True),
        (ICP, "OFF", How(), False),
        (ICP, "0", How(), False),
        (ICP, 1, How(), True),
        (ICP, 1.0, How(), True),
        (ICP, False, How(), False),
        (AMOUNT, "1.234,50", COMMA, Decimal("1234.50")),
        (AMOUNT, "1,234.5", How(), Decimal("1234.5")),
        (AMOUNT, "-12", How(), Decimal(-12)),
        (AMOUNT, "0", How(), Decimal(0)),
        (own(Kind.NUMBER), "12345678901234567890.1200000000000000000000", How(), Decimal("12345678901234567890.12")),
        (AMOUNT, 12.5, COMMA, Decimal("12.5")),
        (AMOUNT, {"number": 1200, "as": "$#,##0.00"}, How(), Decimal(1200)),
        (CLOSES, "27/3/2026", How(date=DateFormat.EUROPEAN), "2026-03-27"),
        (CLOSES, {"date": "2026-06-08", "as": "d-mmm"}, How(date=DateFormat.AMERICAN), "2026-06-08"),
        (CLOSES, {"date": "2026-06-08T00:00:00"}, BERLIN, "2026-06-08"),
        (DUE, {"date": "2026-06-08T10:00:00", "as": "h:mm"}, BERLIN, "2026-06-08T08:00:00Z"),
        (DUE, {"date": "2026-06-08"}, BERLIN, "2026-06-07T22:00:00Z"),
        (STAGE, "closed WON", How(), "closed_won"),
        (STAGE, "closed_won", How(), "closed_won"),
        (SIZES, "small; medium, WIDE; l", How(), ["s", "m", "l"]),
        (SIZES, "small, large, Small", How(), ["s", "l"]),
        (TAGS, "vip, new; New\nold", How(), ["VIP", "new", "old"]),
        (EMAILS, "Ada@ACME.example, ada@acme.example; b@acme.example", How(), ["Ada@acme.example", "b@acme.example"]),
        (EMAILS, "a\u200bda@acme.example", How(), ["ada@acme.example"]),
        (EMAILS, {"text": "Ada", "link": "mailto:ada@acme.example?subject=x"}, How(), ["ada@acme.example"]),
        (PHONES, "030 123456; +4930123456", BERLIN, ["+4930123456"]),
        (PHONES, 4930123456, BERLIN, ["+4930123456"]),
        (PHONES, {"number": 30123456, "as": "00 00 00 00"}, How(region="DK"), ["+4530123456"]),
        (DOMAINS, "acme.example, www.acme.example; https://a.example/x,y", How(), ["acme.example", "https://a.example/x,y"]),
        (DOMAINS, {"text": "Shop", "link": "https://shop.example/"}, How(), ["https://shop.example/"]),
        (COLOUR, "#1A7", How(), "#1A7"),
        (JOB, 3.0, How(), "3"),
        (JOB, {"date": "2026-06-08", "as": "d-mmm"}, How(), "8-Jun"),
        (DESCRIPTION, "Two\nlines; one, two", How(), "Two\nlines; one, two"),
    ],
)  # fmt: skip
def test_what_is_said_is_kept(field: Field, said: Cell, how: How, kept: object) -> None:
    assert read_value(field, said, how) == kept


@pytest.mark.parametrize("field", [ICP, AMOUNT, CLOSES, STAGE, EMAILS, TAGS, NAME, COLOUR])
def test_blank_says_nothing(field: Field) -> None:
    for said in (None, "", "  \u00a0\u200b"):
        assert read_value(field, said, How()) is None


@pytest.mark.parametrize(
    ("field", "said", "code", "message"),
    [
        (ICP, "maybe", "invalid_boolean", '"maybe" is neither yes nor no'),
        (AMOUNT, "12,5", "invalid_number", "type 12.5"),
        (AMOUNT, "€ 12", "invalid_number", "type 12"),
        (AMOUNT, "12.345", "invalid_number", "2 are kept"),
        (AMOUNT, {"number": 0.8, "as": "0%"}, "invalid_number", '"80%"'),
        (CLOSES, {"date": "2026-06-08T10:00:00"}, "invalid_date", "type 2026-06-08"),
        (CLOSES, {"time": "10:00:00"}, "invalid_date", '"10:00:00"'),
        (CLOSES, 46000, "invalid_date", '"46000"'),
        (STAGE, "Wonn", "invalid_choice", "choose Prospecting, Qualification, Needs Analysis, Value Proposition or"),
        (STAGE, "Closed Wn", "invalid_choice", "choose Closed Won"),
        (SIZES, "small, huge; tiny", "invalid_choice", '"huge" is no option of Own'),
        (SIZES, "small, huge; tiny", "invalid_choice", '"tiny" is no option of Own'),
        (EMAILS, "a@acme.example; b@; c", "invalid_email", '"b@" is no e-mail address'),
        (EMAILS, "a@acme.example; b@; c", "invalid_email", '"c" is no e-mail address'),
        (EMAILS, ", ".join(f"{n}@acme.example" for n in range(6)), "too_many_values", "Emails has 6 values; at most 5"),
        (PHONES, 493012345678901234, "invalid_phone", "enter all digits"),
        (PHONES, "4.93E+11", "invalid_phone", "enter all digits"),
        (DOMAINS, "nope", "invalid_link", '"nope" is no web address'),
        (COLOUR, "1A73E8", "invalid_colour", "type #1A73E8"),
        (NAME, {"date": "2026-06-08"}, "invalid_cell", "made a date of this"),
        (NAME, "x" * 3_000, "invalid_cell", "too long"),
        (own(Kind.TEXT, longest=5), "123456", "invalid_cell", "has 6 characters; at most 5"),
    ],
)
def test_what_cannot_be_kept_is_named_with_the_way_out(field: Field, said: Cell, code: str, message: str) -> None:
    error = read_value(field, said, How())
    assert isinstance(error, CellError)
    assert error.code == code
    assert message in error.message


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15, places=2))
def test_a_number_is_the_same_in_both_forms_and_in_json(number: Decimal) -> None:
    text = format(number, "f")
    for how, typed in ((How(), text), (COMMA, text.replace(".", ","))):
        read = read_value(AMOUNT, typed, how)
        assert isinstance(read, Decimal)
        assert read == number
        assert from_json(to_json({"amount": read})) == {"amount": number}


@given(
    st.text(max_size=40),
    st.sampled_from([*PEOPLE.fields, *COMPANIES.fields, *OPPORTUNITIES.fields, *TASKS.fields, SIZES, TAGS, COLOUR]),
)
def test_any_text_is_a_value_or_says_why_not(text: str, field: Field) -> None:
    if field.kind in {Kind.ID, Kind.RECORD}:
        for part in linked_parts(field, text):
            classify(field, part, BERLIN)
        return
    value = read_value(field, text, BERLIN)
    if isinstance(value, CellError):
        assert value.message
        return
    assert from_json(to_json(value)) == value
    # What is kept is read as itself again.
    if value is not None and field.kind is not Kind.BOOLEAN:
        assert read_value(field, displayed(field, value), BERLIN) == value
    match_keys(field, text, BERLIN)


def test_zeros_behind_the_places_of_a_field_are_left_away() -> None:
    assert to_json(read_value(AMOUNT, "1.25000", How())) == "1.25"
    assert to_json(read_value(AMOUNT, "-0", How())) == "0"
    assert to_json(read_value(AMOUNT, 1e15, How())) == "1000000000000000"


def test_values_join_those_that_are_there_without_repeats() -> None:
    assert merged(EMAILS, ["Ada@acme.example"], ["b@acme.example", "ada@acme.example"]) == [
        "Ada@acme.example",
        "b@acme.example",
    ]
    assert merged(TAGS, ["VIP"], ["vip", "new"]) == ["VIP", "new"]
    assert merged(DOMAINS, ["https://www.acme.example/"], ["acme.example", "acme.example/team"]) == ["https://www.acme.example/", "acme.example/team"]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "text", "keys"),
    [
        ("emails", "Ada@ACME.example, nobody; ada@acme.example", ("ada@acme.example",)),
        ("phone_number", "+45 32 12 34 56; 123", ("+4532123456",)),
        ("id", "0190F2F0-0000-7000-8000-000000000001", ("0190f2f0-0000-7000-8000-000000000001",)),
        ("id", "01ARZ3NDEKTSV4RRFFQ69G5FAV", ("01arz3ndektsv4rrffq69g5fav",)),
        ("id", "17", ()),
        ("name", " Ada  ", ("ada",)),
    ],
)
def test_rows_are_matched_by_the_keys_of_valid_parts(code: str, text: str, keys: tuple[str, ...]) -> None:
    assert match_keys(PEOPLE.by_code[code], text, How()) == keys


def test_a_company_is_matched_by_the_host_of_its_domains() -> None:
    assert match_keys(DOMAINS, "https://www.Acme.example/about; ACME.example; b.example", How()) == (
        "acme.example",
        "b.example",
    )


def test_unique_values_are_told_apart_as_their_kind_says() -> None:
    page = own(Kind.LINK, is_unique=True)
    assert unique_keys(page, "https://www.x.example/Ada/") == unique_keys(page, "x.example/Ada")
    assert unique_keys(page, "x.example/ada") != unique_keys(page, "x.example/bob")
    assert unique_keys(own(Kind.NUMBER), Decimal("12.50")) == ("12.5",)
    assert unique_keys(own(Kind.TEXT), "A 1") == unique_keys(own(Kind.TEXT), " a 1")
    assert unique_keys(TAGS, None) == ()


@pytest.mark.parametrize(
    ("field", "part", "found"),
    [
        (PEOPLE.by_code["company"], "Acme", ("name", "acme")),
        (PEOPLE.by_code["company"], "https://www.acme.example", ("domain", "acme.example")),
        (PEOPLE.by_code["company"], "01ARZ3NDEKTSV4RRFFQ69G5FAV", ("id", "01arz3ndektsv4rrffq69g5fav")),
        (OPPORTUNITIES.by_code["contact"], "ADA@acme.example", ("email", "ada@acme.example")),
        (OPPORTUNITIES.by_code["contact"], "+45 32123456", ("phone", "+4532123456")),
        (OPPORTUNITIES.by_code["contact"], "Ada 2nd", ("name", "ada 2nd")),
        (TASKS.by_code["assignees"], "Bob", None),
        (TASKS.by_code["opportunities"], "200 licences", None),
    ],
)
def test_a_link_is_found_by_what_its_form_says(field: Field, part: str, found: tuple[str, str] | None) -> None:
    assert classify(field, part, How(region="DK")) == found


def test_names_of_companies_keep_their_legal_form() -> None:
    companies = TASKS.by_code["companies"]
    assert linked_parts(companies, "Acme, Inc., Beta") == ["Acme, Inc.", "Beta"]
    assert linked_parts(companies, "Acme, Inc.; Beta, Ltd\nGamma") == ["Acme, Inc.", "Beta, Ltd", "Gamma"]
    assert linked_parts(replace(companies, multi=False), "Acme, Beta; Gamma") == ["Acme, Beta; Gamma"]


def test_a_date_of_a_workbook_never_shifts() -> None:
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        assert read_value(CLOSES, {"date": dt.date(2026, 1, 1).isoformat()}, How(time_zone=zone)) == "2026-01-01"
