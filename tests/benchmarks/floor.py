"""The floor: one process that reads, copies and commits, without Kafka, rules for delivery, or a second chunk at a time.

It uses the same streaming reader, the same rules, the same tables and the same commit as the services, so that what
the pipeline adds (and what it gains by working in parallel) is all that differs. Run as a process of its own by
`tests.benchmarks.end_to_end`; prints its figures as JSON.
"""

import argparse
import asyncio
import json
import resource
import time
from collections.abc import Iterator, Sequence
from itertools import chain, product
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from uuid_utils.compat import uuid7

from services.committer.families import families
from services.committer.refusals import DatabaseRefusal
from services.committer.repository import pending_groups, write_groups
from services.parser.formats.prescan import prescan
from services.parser.formats.workbook import WorkbookReader
from services.parser.mapping.chunks import Chunk, ChunkCutter, ChunkSizes
from services.parser.mapping.interpretation import Interpretation, KeyedRow, data_keys
from services.parser.reading.limits import Limits
from services.validator.outcomes import Planned, StagedRecords
from services.validator.products.categories import Categories
from services.validator.products.groups import References
from services.validator.products.product import Known
from services.validator.products.records import outcome_of, staged_records
from services.validator.products.rules import check, named
from services.validator.repository import raw_rows
from services.validator.rows import RowReader
from shared.db.transaction import tenant_transaction
from shared.entities import ENTITY_TYPES
from shared.entities.columns import Columns
from shared.entities.scope import ChunkScope
from shared.runtime.process import tune_garbage_collection
from shared.states import Action

PRODUCTS = ENTITY_TYPES["products"]


async def run(paths: Sequence[Path], admin_url: str, chunk_rows: int, tenants: int) -> dict[str, Any]:
    """Import workbooks in template layout, each for every tenant; seconds by step.

    The administrator's role: no row-level security.
    """
    seconds = dict.fromkeys(("read", "copy_raw", "rules", "copy_staging", "commit"), 0.0)
    engine = create_async_engine(admin_url, pool_size=1)
    copying = await asyncpg.connect(
        make_url(admin_url).set(drivername="postgresql").render_as_string(hide_password=False)
    )
    tree = await copying.fetch("SELECT id, path FROM catalog.taxonomy_categories ORDER BY path")
    references = References(
        Known(frozenset(), {}, {}), Categories((row["id"], row["path"].split(" > ")) for row in tree)
    )
    columns = Columns(PRODUCTS, PRODUCTS.headings, {field.code: place for place, field in enumerate(PRODUCTS.fields)})
    family = families()[PRODUCTS.name]
    rows = 0
    began = time.perf_counter()
    for tenant, path in product((f"floor-{number}" for number in range(tenants)), paths):
        import_id = UUID(str(uuid7()))
        chunks = _chunks(path, chunk_rows)
        while True:
            clock = _Clock(seconds)
            chunk = next(chunks, None)
            clock.lap("read")
            if chunk is None:
                break
            rows += len(chunk.rows)
            await copying.copy_records_to_table(
                "raw_rows",
                schema_name="imports",
                columns=["import_id", "row_no", "tenant_id", "chunk_no", "group_row", "cells"],
                records=[(import_id, row, tenant, chunk.number, group, cells) for row, group, cells in chunk.rows],
            )
            clock.lap("copy_raw")
            staged = _decided(chunk, columns, references)
            clock.lap("rules")
            for records in staged:
                await copying.copy_records_to_table(
                    records.table,
                    schema_name="staging",
                    columns=["tenant_id", "import_id", "chunk_no", *records.columns],
                    records=[(tenant, import_id, chunk.number, *row) for row in records.rows],
                )
            clock.lap("copy_staging")
            scope = ChunkScope(tenant, import_id, chunk.number)
            async with tenant_transaction(engine, tenant) as conn:
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


def _chunks(path: Path, chunk_rows: int) -> Iterator[Chunk]:
    reader = WorkbookReader(path, path.name, prescan(path, path.name, Limits()))
    cutter = ChunkCutter(PRODUCTS, ChunkSizes(first_rows=chunk_rows, rows=chunk_rows))
    places = {field.code: place for place, field in enumerate(PRODUCTS.fields)}
    interpretation = Interpretation(PRODUCTS, places, heading_row=1)
    for number, cells in enumerate(reader.rows(PRODUCTS.sheet), start=1):
        if number > 1:
            keys = data_keys(interpretation.keys(number, cells))
            yield from chain.from_iterable(cutter.add(KeyedRow(number, keys, orjson.dumps(cells).decode())))
    yield from cutter.finish()


def _decided(chunk: Chunk, columns: Columns, references: References) -> list[StagedRecords]:
    groups = RowReader(columns).read_all(raw_rows(chunk.rows))
    named(groups)
    products = check(groups, columns, references).products
    outcomes = [outcome_of(product) for product in products]
    planned = [(outcome.row, outcome.row_count, outcome.action) for outcome in outcomes if isinstance(outcome, Planned)]
    assert len(planned) == len(outcomes), "the benchmark's file has no bad rows"
    pending = StagedRecords("groups", ("group_row", "row_count", "action"), planned)
    return [pending, *staged_records(products, new_id=uuid7)]


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("admin_url")
    arguments.add_argument("paths", type=Path, nargs="+")
    arguments.add_argument("--chunk-rows", type=int, default=4000)
    arguments.add_argument("--tenants", type=int, default=1, help="how many send each file")
    given = arguments.parse_args()
    tune_garbage_collection()
    print(json.dumps(asyncio.run(run(given.paths, given.admin_url, given.chunk_rows, given.tenants))))
