"""E-mail: what it says, what it never says, and names that try to be more than names."""

import json
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import default
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from services.notifier.mail import written
from services.notifier.said import Reason, mail_facts, title_of
from shared.events import FailureNotice, ImportCompleted

SENDER = Address("Winnow", addr_spec="winnow@example.com")
IMPORT = UUID("0199d3c5-7a51-7e1a-a2f4-53f1c9f0a1b2")


def ended(**said: Any) -> ImportCompleted:
    return ImportCompleted.model_validate(
        {
            "tenant_id": "acme",
            "import_id": IMPORT,
            "entity_type": "products",
            "mode": "create",
            "user_id": "u-1",
            "status": "completed_with_failures",
            "file_name": "autumn.xlsx",
            "total_rows": 1200,
            "created_rows": 1000,
            "updated_rows": 100,
            "skipped_rows": 50,
            "failed_rows": 50,
            "unprocessed_rows": 0,
            "summary": {},
            "has_exportable_failures": True,
            "completed_at": "2026-03-01T12:00:00Z",
            **said,
        }
    )


def mail(event: ImportCompleted, *reasons: Reason, to: str = "ana@example.com") -> EmailMessage:
    """As a receiver reads it."""
    facts = json.loads(mail_facts(event, reasons, "https://winnow.example.com/"))
    sent = written(facts, SENDER, to, message_id=f"<{uuid7()}@winnow.example.com>").as_bytes()
    read = message_from_bytes(sent, policy=default)
    assert isinstance(read, EmailMessage)
    return read


def text_of(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def test_it_says_what_failed_how_often_and_where_to_go() -> None:
    message = mail(ended(), Reason("invalid_number", "Weight", 40), Reason("required", "SKU", 10))
    assert message["Subject"] == "Import of autumn.xlsx: 50 rows failed"
    assert (message["To"], message["From"]) == ("ana@example.com", "Winnow <winnow@example.com>")
    assert message["Auto-Submitted"] == "auto-generated"
    for kind in ("plain", "html"):
        said = text_of(message, kind)
        assert "1,200 rows in the file: 1,150 imported, 50 failed, 0 not processed." in said
        assert "No number that can be kept as it is (Weight): 40" in said
        assert f"https://winnow.example.com/imports/{IMPORT}" in said


def test_a_file_that_failed_says_why_in_our_words_and_not_in_those_of_the_file() -> None:
    error = FailureNotice(code="one_column", message='row 1 was split into one column: "4006381333931;secret"')
    message = mail(
        ended(status="failed", total_rows=0, created_rows=0, updated_rows=0, skipped_rows=0, failed_rows=0, error=error)
    )
    assert message["Subject"] == "Import of autumn.xlsx failed"
    said = text_of(message, "plain")
    assert "A table saved as one column. Name the separator" in said
    assert "secret" not in message.as_string()


@pytest.mark.parametrize(
    "name",
    [
        "a\r\nBcc: everybody@example.com\r\n\r\nbody",
        "a\nSubject: other",
        "<img src=x onerror=alert(1)>.xlsx",
        "\u202egnp.exe\u2066",
        "x" * 400,
        "=?utf-8?q?Bcc:_x?=",
        "Frühjahr 🌱.xlsx",
        '"; drop',
        "\u2028\u2029\x85",
    ],
)
def test_a_name_stays_a_name(name: str) -> None:
    facts = json.loads(mail_facts(ended(), [Reason("required", name, 1)], "https://winnow.example.com"))
    facts["file_name"] = name
    sent = written(facts, SENDER, "ana@example.com", message_id="<a@b>").as_bytes()
    message = message_from_bytes(sent, policy=default)
    assert isinstance(message, EmailMessage)
    assert sorted(message.keys()) == sorted(
        ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"]
    )
    subject = message["Subject"]
    assert subject.startswith("Import of ")
    assert subject.endswith(": 50 rows failed")
    assert len(subject) < 130
    assert subject.isprintable()
    assert "<img" not in text_of(message, "html")


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ana",
        "ana@example.com, eve@example.com",
        "ana@example.com\r\nBcc: eve@example.com",
        "@",
        "a b@example.com",
        "ana@",
    ],
)
def test_what_is_not_one_address_gets_nothing(address: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        mail(ended(), to=address)


@pytest.mark.parametrize(
    ("code", "title"),
    [
        ("required", "A cell that must be filled is blank"),
        ("invalid_barcode", "An identifier that a program has made a number of"),
        ("internal", "An unexpected error on our side"),
        ("made_up", "An unexpected error on our side"),
    ],
)
def test_every_reason_has_a_title(code: str, title: str) -> None:
    assert title_of(code) == title
