"""Addresses and numbers of people: what is quick says what the libraries say."""

import phonenumbers
import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.entities.errors import CellError
from shared.values.emails import email_key, read_email
from shared.values.phones import is_local, phone_key, read_phone
from shared.values.web import domain_key, link_key, read_link

REGIONS = ("US", "DK", "DE", "GB", "IT", "AR", "BR", "MX", "FI", "SM", "NZ")
LOCAL, DOMAIN = "abZ09._+-'", "abZ09.-"
TYPED = st.one_of(
    st.from_regex(r"[abZ09._+'-]{1,12}@[abZ09.-]{1,20}(\.[a-zA-Z0-9]{1,5})?", fullmatch=True),
    st.emails(),
    st.builds(
        lambda local, label, tld: f"{local}@{label}.{tld}",
        st.text("abc", min_size=60, max_size=70),
        st.text("abc-", min_size=55, max_size=70),
        st.sampled_from(["com", "de", "xn--p1ai", "test", "local", "c", "中国"]),
    ),
    st.text("aB1@. -,<>é\"'", max_size=20),
)


def by_library(text: str) -> str | None:
    try:
        found = validate_email(text, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError:
        return None
    return found.normalized if "." in found.domain and len(text) <= 254 else None


@settings(max_examples=100)
@given(TYPED)
@example("a@b-.com")
@example("a@b--c.com")
@example("a_b@b_c.com")
@example("a@1.co")
@example("a@b.c1")
@example("ſ@b.com")
@example("a.@b.com")
@example("Ada@ACME.example")
@example("a@b.TEST")
@example("a@local.com")
def test_an_address_is_read_as_the_library_reads_it(text: str) -> None:
    read, expected = read_email(text), by_library(text)
    assert (None if isinstance(read, CellError) else read) == expected
    assert email_key(text) == (None if expected is None else expected.lower())


@pytest.mark.parametrize(
    ("text", "way_out"),
    [
        ("Ada <ada@acme.example>", "type ada@acme.example"),
        ("mailto:ada@acme.example", "type ada@acme.example"),
        ("ada@acme.example bob@acme.example", "keep one of them"),
        ("ada.acme.example", "name@company.com"),
        ("ada@intranet", "its domain has no point"),
        (f"{'a' * 60}@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 60}.example", "at most 254"),
    ],
)
def test_a_wrong_address_is_named_with_the_way_out(text: str, way_out: str) -> None:
    error = read_email(text)
    assert isinstance(error, CellError)
    assert error.code == "invalid_email"
    assert text[:60] in error.message
    assert way_out in error.message


@pytest.mark.parametrize("text", ["ada@acme.local", "ada@acme.test", "ada@mail.invalid"])
def test_an_address_inside_a_company_is_one(text: str) -> None:
    assert read_email(text) == text


def number_by_library(text: str, region: str) -> tuple[str | None, str | None]:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None, None
    possible = phonenumbers.is_possible_number_with_reason(number)
    if possible == phonenumbers.ValidationResult.IS_POSSIBLE_LOCAL_ONLY:
        return text, None
    if possible != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None, None
    key = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return key, key


@settings(max_examples=100)
@given(
    st.sampled_from(sorted(phonenumbers.supported_calling_codes())),
    st.from_regex(r"[ .()-]?[0-9]{2,4}([ .()-]{0,2}[0-9]{1,5}){1,4}", fullmatch=True),
    st.sampled_from(REGIONS),
)
@example(39, "0612345678", "US")
@example(44, "(0)20 7946 0958", "US")
@example(1, "12125550123", "US")
@example(54, "91123456789", "AR")
@example(52, "15512345678", "MX")
def test_a_number_with_its_country_is_read_as_the_library_reads_it(code: int, rest: str, region: str) -> None:
    text = f"+{code}{rest}"
    read = read_phone(text, region)
    assert (None if isinstance(read, CellError) else read, phone_key(text, region)) == number_by_library(text, region)


@settings(max_examples=100)
@given(st.from_regex(r"[(]?[0-9]{1,4}([ .()-]{0,2}[0-9]{1,4}){1,4}", fullmatch=True), st.sampled_from(REGIONS))
@example("00451234567", "DK")
@example("4532123456", "DK")
@example("1 212 555 0123", "US")
@example("15 1234 5678", "AR")
@example("(030) 123456", "DE")
def test_a_number_as_it_is_dialled_is_read_as_the_library_reads_it(text: str, region: str) -> None:
    read = read_phone(text, region)
    if isinstance(read, CellError) and "enter all digits" in read.message:
        assert phone_key(text, region) is None
        return
    assert (None if isinstance(read, CellError) else read, phone_key(text, region)) == number_by_library(text, region)


def test_every_length_in_every_country_is_read_as_the_library_reads_it() -> None:
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for first in ("0", "00", "1", "2", "3", "4", "5", "6", "7", "8", "9", "011", "999"):
            for length in range(3, 13):
                text = f"{first}{'23456789123456'[:length]}"
                assert phone_key(text, region) == number_by_library(text, region)[1], (text, region)


def test_every_possible_length_of_every_country_is_read_as_the_library_reads_it() -> None:
    for code in phonenumbers.supported_calling_codes():
        for first in "0123456789":
            for length in range(4, 16):
                text = f"+{code}{first}{'23456789123456'[: length - 1]}"
                assert phone_key(text, "US") == number_by_library(text, "US")[1], text


@pytest.mark.parametrize(
    ("text", "region", "kept"),
    [
        ("32 12 34 56", "DK", "+4532123456"),
        ("0045 32123456", "DK", "+4532123456"),
        ("(+45) 32123456", "US", "+4532123456"),
        ("٠٠٤٥٣٢١٢٣٤٥٦", "DK", "+4532123456"),
        ("(212) 555-0123", "US", "+12125550123"),
        ("+1 212 555 0123 x5", "US", "+12125550123 ext. 5"),
        ("+12125550123 ext. 5", "DK", "+12125550123 ext. 5"),
        ("tel:+4532123456", "US", "+4532123456"),
        ("+44 (0)20 7946 0958", "US", "+442079460958"),
    ],
)
def test_numbers_as_they_are_dialled(text: str, region: str, kept: str) -> None:
    assert read_phone(text, region) == kept
    assert phone_key(text, region) == kept.partition(" ")[0]


def test_a_number_without_its_area_code_is_kept_and_finds_nobody() -> None:
    assert read_phone("253-0000", "US") == "253-0000"
    assert is_local("253-0000")
    assert phone_key("253-0000", "US") is None


@pytest.mark.parametrize(
    ("text", "way_out"),
    [
        ("123", "too few digits"),
        ("+45 32 12 34 56 78 90", "too many digits"),
        ("115243746.0", "enter all digits"),
        ("4.5E+11", "enter all digits"),
        ("call 32123456", "type 32123456"),
        ("1-800-FLOWERS", "with its country's code"),
        ("Ada", "with its country's code"),
    ],
)
def test_a_wrong_number_is_named_with_the_way_out(text: str, way_out: str) -> None:
    error = read_phone(text, "DK")
    assert isinstance(error, CellError)
    assert error.code == "invalid_phone"
    assert text in error.message
    assert way_out in error.message


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("acme.example", "acme.example"),
        ("https://www.Acme.example/about?x=1", "acme.example"),
        ("WWW.ACME.EXAMPLE", "acme.example"),
        ("http://user@acme.example:8080/", "acme.example"),
        ("acme.example/team", "acme.example"),
        ("www.com", "www.com"),
        ("bücher.example", "bücher.example"),
        ("bu\u0308cher.example", "bücher.example"),
        ("https://xn--bcher-kva.example/", "bücher.example"),
        ("acme", None),
        ("acme .example", None),
        ("acme.123", None),
        ("ftp://acme.example", None),
        ("ada@acme.example", None),
        (f"acme.example/{'x' * 2_048}", None),
    ],
)
def test_the_domain_of_an_address(text: str, domain: str | None) -> None:
    assert domain_key(text) == domain
    read = read_link(text)
    assert read == text if domain else isinstance(read, CellError)


def test_pages_of_one_host_are_different_links() -> None:
    assert link_key("https://www.Linkedin.com/in/Ada/") == link_key("linkedin.com/in/Ada")
    assert link_key("linkedin.com/in/Ada") != link_key("linkedin.com/in/Bob")
