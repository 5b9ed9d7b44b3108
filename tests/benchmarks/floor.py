"""The floor: one process that reads, copies and commits, without Kafka, rules for delivery, or a second chunk at a time.

It uses the same streaming reader, the same rules, the same tables and the same commit as the services, so that what
the pipeline adds (and what it gains by working in parallel) is all that differs. Run as a process of its own by
`tests.benchmarks.end_to_end`; prints its figures as JSON.
"""

import argparse
import asyncio
import json
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain, product
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from uuid_utils.compat import uuid7

from services.committer.families import families
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
from shared.entities import ENTITY_TYPES
from shared.entities.columns import Columns
from shared.runtime.process import tune_garbage_collection
from tests.benchmarks.one_process import one_process

PRODUCTS = ENTITY_TYPES["products"]


async def run(paths: Sequence[Path], admin_url: str, chunk_rows: int, tenants: int) -> dict[str, Any]:
    """Import workbooks in template layout, each for every tenant; seconds by step.

    The administrator's role: no row-level security.
    """
    async with one_process(admin_url, families()[PRODUCTS.name]) as floor:
        tree = await floor.copying.fetch("SELECT id, path FROM catalog.taxonomy_categories ORDER BY path")
        references = References(
            Known(frozenset(), {}, {}), Categories((row["id"], row["path"].split(" > ")) for row in tree)
        )
        columns = Columns(
            PRODUCTS, PRODUCTS.headings, {field.code: place for place, field in enumerate(PRODUCTS.fields)}
        )
        floor.begin()
        for tenant, path in product((f"floor-{number}" for number in range(tenants)), paths):
            chunks = ((chunk.number, chunk.rows) for chunk in _chunks(path, chunk_rows))
            await floor.take(tenant, UUID(str(uuid7())), chunks, partial(_decided, columns, references))
        return floor.figures


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


def _decided(columns: Columns, references: References, cut: Sequence[tuple[int, int, str]]) -> list[StagedRecords]:
    groups = RowReader(columns).read_all(raw_rows(cut))
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
