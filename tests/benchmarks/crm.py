"""A file of people end to end through Kafka against the floor, in the same run on the same servers (`make bench ROWS=…`).

Name, two e-mail addresses, phone, company by name (made on the way, twenty people each), job title, three fields of the tenant's own.
"""

import argparse
import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from deploy.local.stack import PROJECT
from tests.benchmarks.end_to_end import Case, measure

PEOPLE_OF_ONE_COMPANY = 20
HEADINGS = ("Name", "Emails", "Phone Number", "Company", "Job Title", "Score", "Region", "Met on")
OWN: Sequence[Mapping[str, Any]] = (
    {"code": "score", "name": "Score", "type": "number"},
    {"code": "region", "name": "Region", "type": "text"},
    {"code": "met_on", "name": "Met on", "type": "date"},
)
_TITLES = ("CTO", "Buyer", "Head of Sales", "Engineer", "Office Manager", "CFO", "Consultant")
_REGIONS = ("North", "South", "East", "West", "Overseas")
_ADD = text(
    "INSERT INTO crm.custom_fields (id, tenant_id, entity_type, code, name, type, created_by)"
    " VALUES (:id, :tenant, 'people', :code, :name, :type, 'bench')"
)


def main() -> None:
    """Measure, print a table, and write the same figures as JSON under `.winnow/`."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=100_000)
    arguments.add_argument("--workers", type=int, default=2, help="processes of each stage")
    arguments.add_argument(
        "--pairs", type=int, default=0, help="how often both are measured; 0: 3, once above 200k rows"
    )
    given = arguments.parse_args()
    case = Case(people_file(given.rows), "people", "upsert", "tests.benchmarks.crm_floor", add_own_fields)
    measure(case, f"bench-crm-{given.rows}", given.rows, given.workers, given.pairs)


def people_file(rows: int) -> Path:
    """Good rows about so many people; kept, for it is the same every time."""
    path = PROJECT / ".winnow" / f"bench-people-{rows}.csv"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        made = path.with_suffix(".new")
        with made.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(HEADINGS)
            writer.writerows(map(_person, range(rows)))
        made.replace(path)
    return path


async def add_own_fields(conn: AsyncConnection, tenant: str) -> None:
    """Give a tenant the three fields of its own."""
    for field in OWN:
        await conn.execute(_ADD, {**field, "id": uuid7(), "tenant": tenant})


def _person(number: int) -> tuple[str, ...]:
    # As people come in a file: those of one company do not stand together.
    mixed = number * 7_919 % 1_000_003
    return (
        f"Person {mixed} Lastname",
        f"person.{mixed}@mail.example, p{mixed}@work.example",
        f"+4520{mixed % 1_000_000:06d}" if mixed < 1_000_000 else f"+4521{mixed % 1_000_000:06d}",
        f"Company {mixed // PEOPLE_OF_ONE_COMPANY} Ltd",
        _TITLES[mixed % len(_TITLES)],
        str(mixed % 1000),
        _REGIONS[mixed % len(_REGIONS)],
        f"2026-{mixed % 12 + 1:02d}-{mixed % 28 + 1:02d}",
    )


if __name__ == "__main__":
    main()
