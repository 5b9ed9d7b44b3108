"""The floor of people: one process that reads, copies and upserts in sets, without Kafka, look-ups, or a second chunk at a time.

It uses the same rules, the same tables and the same commit as the services. Run as a process of its own by
`tests.benchmarks.crm`; prints its figures as JSON.
"""

import argparse
import asyncio
import csv
import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from uuid_utils.compat import uuid7

from services.committer.families import families
from services.validator.asked import Asked
from services.validator.crm import Crm
from services.validator.crm.stored import Known
from services.validator.outcomes import Planned, StagedRecords
from services.validator.repository import raw_rows
from services.validator.rows import RowReader
from shared.entities.columns import Columns
from shared.entities.own_fields import entity_of
from shared.runtime.process import tune_garbage_collection
from shared.values import How
from tests.benchmarks.crm import HEADINGS, OWN
from tests.benchmarks.one_process import Cut, one_process

TENANT = "floor"


async def run(path: Path, admin_url: str, chunk_rows: int) -> dict[str, Any]:
    """Import a file of people; seconds by step. The administrator's role: no row-level security."""
    entity = entity_of("people", OWN)
    columns = Columns(entity, HEADINGS, {_code(heading, entity): place for place, heading in enumerate(HEADINGS)})
    import_id = UUID(str(uuid7()))
    async with one_process(admin_url, families()["people"]) as floor:
        floor.begin()
        await floor.take(
            TENANT, import_id, _chunks(path, chunk_rows), partial(_decided, Crm(entity), columns, import_id)
        )
        return floor.figures


def _code(heading: str, entity: Any) -> str:
    field = entity.field_of(heading)
    assert field is not None, heading
    return str(field.code)


def _chunks(path: Path, chunk_rows: int) -> Iterator[Cut]:
    with path.open(newline="", encoding="utf-8") as file:
        records = csv.reader(file)
        next(records)
        rows = ((row, row, orjson.dumps(cells).decode()) for row, cells in enumerate(records, start=2))
        number = 0
        while cut := [row for row, _ in zip(rows, range(chunk_rows), strict=False)]:
            number += 1
            yield number, cut


def _decided(rules: Crm, columns: Columns, import_id: UUID, cut: Sequence[tuple[int, int, str]]) -> list[StagedRecords]:
    groups = RowReader(columns).read_all(raw_rows(cut))
    needs = rules.needs(groups, columns, {code: How() for code in columns.fields})
    decided = rules.decide(groups, columns, Known(needs), Asked("upsert", import_id))
    planned = [
        (outcome.row, outcome.row_count, outcome.action, outcome.creates, outcome.updates)
        for outcome in decided.outcomes
        if isinstance(outcome, Planned)
    ]
    assert len(planned) == len(decided.outcomes), "the benchmark's file has no bad rows"
    pending = StagedRecords("groups", ("group_row", "row_count", "action", "creates", "updates"), planned)
    return [pending, *decided.records]


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("admin_url")
    arguments.add_argument("path", type=Path)
    arguments.add_argument("--chunk-rows", type=int, default=4000)
    given = arguments.parse_args()
    tune_garbage_collection()
    print(json.dumps(asyncio.run(run(given.path, given.admin_url, given.chunk_rows))))
