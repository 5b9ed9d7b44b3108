"""Files of people in which many rows are about the same ones, and what becomes of them read row by row, from above.

This knows nothing of chunks, waves or services: what it comes to is what every run has to come to.
"""

import csv
import random
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

HEADINGS = ("Name", "Email", "Phone", "Company", "Job Title")


@dataclass
class Person:
    """Somebody as production should have them; a company by its name without case."""

    emails: list[str] = field(default_factory=list)
    phones: list[str] = field(default_factory=list)
    name: str = ""
    job: str = ""
    company: str = ""

    @property
    def said(self) -> tuple[str, str, str, tuple[str, ...], tuple[str, ...]]:
        """All of it, to be compared."""
        return self.name, self.job, self.company, tuple(self.emails), tuple(self.phones)


@dataclass
class Expected:
    """What an import comes to: the people it made, and its rows by outcome."""

    people: list[Person] = field(default_factory=list)
    created: int = 0
    updated: int = 0
    failed: int = 0


def write_crowd(path: Path, chance: random.Random, *, rows: int) -> Expected:
    """Write a CSV of so many rows about half as many people, and say what it comes to.

    Rows of one person share an e-mail address or a phone number, in any case and anywhere in the file; some have an address
    that is none, and some turn out to be about two people.
    """
    expected = Expected()
    known: dict[str, Person] = {}
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADINGS)
        for number in range(rows):
            row = _row(chance, number, rows)
            writer.writerow(row)
            _apply(row, known, expected)
    return expected


def _row(chance: random.Random, number: int, rows: int) -> list[str]:
    who = chance.randrange(max(2, rows // 2))
    emails = chance.sample([f"P{who}.{of}@Mail.example" for of in range(3)], chance.choice((1, 1, 2)))
    said = "; ".join(emails) if chance.random() < 0.8 else ""
    return [
        f"Person {number}",
        "nobody at all" if chance.random() < 0.02 else said,
        f"+45 3{who:07}" if chance.random() < 0.6 else "",
        f"Comp{chance.choice(('any', 'ANY'))} {chance.randrange(rows // 10 + 1)}",
        f"Job {number}",
    ]


def _apply(row: list[str], known: dict[str, Person], expected: Expected) -> None:
    name, said, phone, company, job = row
    emails = [each.strip().lower() for each in said.split(";") if each.strip()]
    keys = [*emails, *([phone.replace(" ", "")] if phone else [])]
    found = [known[key] for key in keys if key in known]
    if any("@" not in email for email in emails) or any(each is not found[0] for each in found):
        expected.failed += 1
        return
    if found:
        person = found[0]
        expected.updated += 1
    else:
        person = Person()
        expected.people.append(person)
        expected.created += 1
    for key in keys:
        known[key] = person
        parts = person.emails if "@" in key else person.phones
        if key not in parts:
            parts.append(key)
    person.name, person.job, person.company = name, job, company.casefold()


_PEOPLE = text(
    """
    SELECT p.name, p.fields ->> 'job_title' AS job, lower(c.name) AS company,
           coalesce(p.fields -> 'emails', '[]') AS emails, coalesce(p.fields -> 'phone_number', '[]') AS phones
      FROM crm.records p
      LEFT JOIN crm.links l ON l.from_id = p.id AND l.code = 'company'
      LEFT JOIN crm.records c ON c.id = l.to_id
     WHERE p.tenant_id = :tenant AND p.entity_type = 'people'
    """
)
_COMPANIES = text("SELECT name FROM crm.records WHERE tenant_id = :tenant AND entity_type = 'companies'")


async def assert_as_expected(conn: AsyncConnection, tenant: str, expected: Expected) -> None:
    """Production has exactly these people, and each company once."""
    found = sorted(
        (row.name, row.job, row.company, tuple(map(str.lower, row.emails)), tuple(row.phones))
        for row in await conn.execute(_PEOPLE, {"tenant": tenant})
    )
    assert found == sorted(person.said for person in expected.people)
    companies = [name.casefold() for name in (await conn.execute(_COMPANIES, {"tenant": tenant})).scalars()]
    assert len(companies) == len(set(companies)), "a company is made once, however it is written"
