"""People as another CRM exports them, with companies by name and by domain and a few bad rows; the same for the same seed."""

import csv
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

HEADINGS = ("Full Name", "Email", "Phone", "Company", "Job Title", "LinkedIn")

_GIVEN = ("Ada", "Björn", "Chiara", "Dmitri", "Élodie", "Farah", "Grace", "Hana", "Ivo", "Jadwiga", "Kofi", "Lærke")
_FAMILY = ("Almeida", "Bjerre", "Castellani", "Dvořák", "Eriksen", "Fontaine", "Grünwald", "Hansen", "Ito", "Jensen")
_COMPANIES = (
    *("Nordic Outdoor", "Casa Norte", "Fjord & Field", "Baltic Linen", "Jaipur Cotton Works", "Atelier Lune"),
    *("harbour-goods.example", "alpine-supply.example"),
)
_NEW_COMPANIES = _COMPANIES[-3:]
"""Those that nobody worked for earlier."""
_TITLES = ("Buyer", "Head of Design", "CEO", "Sourcing Manager", "Store Manager", "CFO", "Merchandiser")

Person = dict[str, str]
"""Cells by heading."""


@dataclass(frozen=True)
class People:
    """What was made: the file, how many rows it has, and how many of them cannot be imported."""

    path: Path
    rows: int
    bad: int


def write_people(path: Path, *, people: int, first: int = 1, seed: int = 2026, bad: bool = True) -> People:
    """Write a CSV of so many people, numbered from `first`; with `bad` one in thirty is bad in one of the ways `BAD` lists.

    A person of one number is the same in files of the same seed but for their job, and maybe their company, which a file
    without bad rows has from earlier.
    """
    rows = list(_people(range(first, first + people), seed=seed, bad=bad))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, HEADINGS)
        writer.writeheader()
        writer.writerows(person for person, _ in rows)
    return People(path, len(rows), sum(is_bad for _, is_bad in rows))


def _people(numbers: range, *, seed: int, bad: bool) -> Iterator[tuple[Person, bool]]:
    ways = list(BAD.values())
    for number in numbers:
        person = _person(number, seed, earlier=not bad)
        is_bad = bad and number % 30 == 17  # noqa: PLR2004 - one in thirty
        yield {**person, **(ways[number // 30 % len(ways)] if is_bad else {})}, is_bad


def _person(number: int, seed: int, *, earlier: bool) -> Person:
    chance = random.Random(seed * 1_000_003 + number)  # noqa: S311 - a sample, not a secret
    given, family = chance.choice(_GIVEN), chance.choice(_FAMILY)
    company, title = chance.choice(_COMPANIES), chance.choice(_TITLES)
    if earlier and company in _NEW_COMPANIES:
        company = _COMPANIES[0]
    return {
        "Full Name": f"{given} {family}",
        "Email": f"person-{number:06d}@mail.example",
        "Phone": f"+45 32 {number // 10_000 % 100:02d} {number // 100 % 100:02d} {number % 100:02d}",
        "Company": company,
        "Job Title": f"Assistant {title}" if earlier else title,
        "LinkedIn": f"https://linkedin.com/in/person-{number:06d}",
    }


BAD: Mapping[str, Person] = {
    "no e-mail address": {"Email": "person at mail.example"},
    "no phone number": {"Phone": "12"},
    # Of somebody who is known it would only keep the name.
    "no name": {"Full Name": ""},
    "no address of a page": {"LinkedIn": "not on LinkedIn"},
}
"""The ways in which a person of the sample can be bad."""
