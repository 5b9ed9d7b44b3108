"""What queries cost, counted in pages of the database: the same on every machine, whatever else it does."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

Query = tuple[str, Any]


@contextmanager
def queries_of(engine: AsyncEngine) -> Iterator[list[Query]]:
    """The queries that are made through an engine while the block lasts, with their parameters."""
    made: list[Query] = []

    def note(_conn: object, _cursor: object, statement: str, parameters: Any, *_rest: object) -> None:
        made.append((statement, parameters))

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    try:
        yield made
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", note)


async def pages_read(conn: AsyncConnection, queries: Sequence[Query]) -> int:
    """How many pages these queries touch, made again in this transaction; its settings are theirs."""
    pages = 0
    for statement, parameters in queries:
        if statement.lstrip().upper().startswith("SET"):
            await conn.exec_driver_sql(statement)
        elif statement.lstrip().upper().startswith(("SELECT", "WITH")) and "set_config" not in statement:
            explained = await conn.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", parameters)
            plan = explained.scalar_one()
            plan = json.loads(plan) if isinstance(plan, str) else plan
            pages += plan[0]["Plan"]["Shared Hit Blocks"] + plan[0]["Plan"]["Shared Read Blocks"]
    return pages
