"""The floor of people: one process that reads, copies and upserts in sets, without Kafka, look-ups, or a second chunk at a time.

It uses the same rules, the same tables and the same commit as the services. Run as a process of its own by
`tests.benchmarks.crm`; prints its figures as JSON.
"""

import argparse
import asyncio
import csv
import json
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from uuid_utils.compat import uuid7

from services.committer.families import families as committer_families
from services.committer.refusals import DatabaseRefusal
from services.committer.repository import pending_groups, write_groups
from services.validator.asked import Asked
from services.validator.crm import Crm
from services.validator.crm.stored import Known
from services.validator.outcomes import Planned, StagedRecords
from services.validator.repository import raw_rows
from services.validator.rows import RowReader
from shared.db.transaction import tenant_transaction
from shared.entities.columns import Columns
from shared.entities.own_fields import entity_of
from shared.entities.scope import ChunkScope
from shared.runtime.process import tune_garbage_collection
from shared.states import Action
from shared.values import How
from tests.benchmarks.crm import HEADINGS, OWN

TENANT = "floor"


async def run(path: Path, admin_url: str, chunk_rows: int) -> dict[str, Any]:
    """Import a file of people; seconds by step. The administrator's role: no row-level security."""
    seconds = dict.fromkeys(("read", "copy_raw", "rules", "copy_staging", "commit"), 0.0)
    engine = create_async_engine(admin_url, pool_size=1)
    copying = await asyncpg.connect(
        make_url(admin_url).set(drivername="postgresql").render_as_string(hide_password=False)
    )
    entity = entity_of("people", OWN)
    columns = Columns(entity, HEADINGS, {_code(heading, entity): place for place, heading in enumerate(HEADINGS)})
    rules, family = Crm(entity), committer_families()["people"]
    import_id = UUID(str(uuid7()))
    rows = 0
    began = time.perf_counter()
    chunks = _chunks(path, chunk_rows)
    while True:
        clock = _Clock(seconds)
        chunk = next(chunks, None)
        clock.lap("read")
        if chunk is None:
            break
        number, cut = chunk
        rows += len(cut)
        await copying.copy_records_to_table(
            "raw_rows",
            schema_name="imports",
            columns=["import_id", "row_no", "tenant_id", "chunk_no", "group_row", "cells"],
            records=[(import_id, row, TENANT, number, group, cells) for row, group, cells in cut],
        )
        clock.lap("copy_raw")
        staged = _decided(rules, columns, cut, import_id)
        clock.lap("rules")
        for records in staged:
            await copying.copy_records_to_table(
                records.table,
                schema_name="staging",
                columns=["tenant_id", "import_id", "chunk_no", *records.columns],
                records=[(TENANT, import_id, number, *row) for row in records.rows],
            )
        clock.lap("copy_staging")
        scope = ChunkScope(TENANT, import_id, number)
        async with tenant_transaction(engine, TENANT) as conn:
            groups = list(await pending_groups(conn, scope))
            plan = await family.plan(conn, scope, {Action.CREATE})
            written = await write_groups(conn, family, scope, groups, plan.steps)
            assert not isinstance(written, DatabaseRefusal), written
        clock.lap("commit")
    total = time.perf_counter() - began
    await copying.close()
    await engine.dispose()
    return {
        "rows": rows,
        "seconds": total,
        "steps": seconds,
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


class _Clock:
    """Adds up seconds by step."""

    def __init__(self, seconds: dict[str, float]) -> None:
        self._seconds = seconds
        self._at = time.perf_counter()

    def lap(self, step: str) -> None:
        now = time.perf_counter()
        self._seconds[step] += now - self._at
        self._at = now


def _code(heading: str, entity: Any) -> str:
    field = entity.field_of(heading)
    assert field is not None, heading
    return str(field.code)


def _chunks(path: Path, chunk_rows: int) -> Iterator[tuple[int, list[tuple[int, int, str]]]]:
    with path.open(newline="", encoding="utf-8") as file:
        records = csv.reader(file)
        next(records)
        rows = ((row, row, orjson.dumps(cells).decode()) for row, cells in enumerate(records, start=2))
        number = 0
        while cut := [row for row, _ in zip(rows, range(chunk_rows), strict=False)]:
            number += 1
            yield number, cut


def _decided(rules: Crm, columns: Columns, cut: list[tuple[int, int, str]], import_id: UUID) -> list[StagedRecords]:
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
