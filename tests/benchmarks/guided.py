"""The guided path at size (`make bench`): how long a person waits for values, for a replacement to show, for the preview.

A file of people is mapped, all of its columns are looked at, values are replaced: one that a single row has, one that a row in a
thousand has (so nearly every chunk), one by which rows are known, and the format of a column. Nothing is started.
"""

import argparse
import asyncio
import csv
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from rich.console import Console
from rich.table import Table

from deploy.local.s3_server import UPLOADS
from deploy.local.stack import PROJECT, Stack
from shared.api.client import Client
from shared.api.guided import NewFormat, NewMapping, NewReplacement
from shared.api.imports import ImportOptions, NewImport
from shared.ledger.tenants import register_tenant
from tests.benchmarks.crm import add_own_fields, people_file
from tests.benchmarks.stack import administrator, empty, prepare, uploads_of

TENANT = "bench"
GOAL_VALUES, GOAL_PAGE, GOAL_REPLACEMENT, GOAL_PREVIEW = 2.0, 0.1, 1.0, 15.0
_EVERY, _PAGES = 997, 10
_SCORE = 5
T = TypeVar("T")


def main() -> None:
    """Measure, print a table, and write the same figures as JSON under `.winnow/`."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=100_000)
    arguments.add_argument("--workers", type=int, default=2, help="processes of the validator")
    given = arguments.parse_args()
    path = _with_flaws(given.rows)
    stack = Stack(PROJECT / ".winnow" / "bench")
    try:
        stack.up()
        asyncio.run(prepare(stack))
        asyncio.run(empty(stack))
        stack.start_services({"gateway": 1, "parser": 1, "validator": given.workers, "keeper": 1})
        try:
            took = asyncio.run(_measure(stack, path))
        finally:
            stack.stop_services()
    finally:
        stack.down()
        stack.remove()
    console = Console()
    _show(console, given.rows, took)
    target = PROJECT / ".winnow" / f"bench-guided-{given.rows}.json"
    target.write_text(json.dumps({"rows": given.rows, "seconds": took}, indent=2) + "\n")
    console.print(f"The same as JSON: {target.relative_to(PROJECT)}", highlight=False)


def _with_flaws(rows: int) -> Path:
    """The people of the other benchmark; every 997th has a score that is no number, and one has one that nobody else has."""
    path = PROJECT / ".winnow" / f"bench-guided-{rows}.csv"
    with (
        people_file(rows).open(newline="", encoding="utf-8") as read,
        path.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file)
        for number, row in enumerate(csv.reader(read)):
            if number and not number % _EVERY:
                row[_SCORE] = "n/a"
            elif number == rows // 2:
                row[_SCORE] = "1O"
            writer.writerow(row)
    return path


@asynccontextmanager
async def _client(stack: Stack) -> AsyncIterator[Client]:
    async with administrator(stack) as conn:
        await register_tenant(conn, TENANT)
        await add_own_fields(conn, TENANT)
    async with Client(stack.gateway_url, lambda: stack.token_for(TENANT, "importer")) as client:
        yield client


async def _measure(stack: Stack, path: Path) -> dict[str, float]:
    took: dict[str, float] = {}
    key = f"{TENANT}/guided.csv"
    await uploads_of(stack).upload(UPLOADS, key, path, "text/csv")

    async def timed(what: str, act: Callable[[], Awaitable[T]]) -> T:
        began = time.perf_counter()
        done = await act()
        took[what] = round(time.perf_counter() - began, 3)
        return done

    async with _client(stack) as client:
        body = NewImport(object_key=key, entity_type="people", mode="upsert", options=ImportOptions(guided=True))
        import_id = (await client.create_import(body)).known.id
        await timed("file read, columns known", lambda: _until_read(client, import_id))
        columns = await timed("columns shown", lambda: client.get_columns(import_id))
        fields = {column.field: column.index for column in columns.columns if column.field is not None}
        await timed("mapping confirmed", lambda: client.put_mapping(import_id, NewMapping(fields=fields)))
        names = {index: column.heading for index, column in enumerate(columns.columns)}
        for index, name in names.items():
            await timed(f"values of {name}", lambda index=index: client.list_column_values(import_id, index))  # type: ignore[misc]
        for index, name in names.items():
            took[f"further page of {name}"] = await _further(client, import_id, index)
        await timed("values searched", lambda: client.list_column_values(import_id, 0, q="Person 99999"))
        await timed("values sorted by value, a page", lambda: client.list_column_values(import_id, 0, sort="value"))
        await timed("first preview since the mapping", lambda: _until_ready(client, import_id))
        await timed("what needs review", lambda: client.list_column_values(import_id, _SCORE, show="needs_review"))
        for what, index, value, said in (
            ("one row", _SCORE, "1O", "10"),
            ("a row in a thousand", _SCORE, "n/a", "0"),
            ("an e-mail address", 1, "person.7919@mail.example, p7919@work.example", "ada@mail.example"),
        ):
            new = NewReplacement(value=value, replacement=said)
            await timed(f"{what} replaced", lambda i=index, n=new: client.put_column_value(import_id, i, n))  # type: ignore[misc]
            await timed(f"preview after {what}", lambda: _until_ready(client, import_id))
        await timed("format chosen", lambda: client.put_format(import_id, _SCORE, NewFormat(format="comma")))
        await timed("preview after the format", lambda: _until_ready(client, import_id))
        found = await client.get_preview(import_id)
        assert found.rows.fail == 0, found
        took["rows that would be created"] = found.rows.create
    return took


async def _further(client: Client, import_id: UUID, index: int) -> float:
    """Seconds of the slowest of the next pages."""
    slowest, after = 0.0, (await client.list_column_values(import_id, index)).next
    for _ in range(_PAGES):
        if after is None:
            break
        began = time.perf_counter()
        after = (await client.list_column_values(import_id, index, after=after)).next
        slowest = max(slowest, time.perf_counter() - began)
    return round(slowest, 3)


async def _until_read(client: Client, import_id: UUID) -> None:
    while True:
        found = await client.get_import(import_id)
        assert not found.ended, found.error
        if found.guided is not None and found.guided.is_read:
            return
        await asyncio.sleep(0.1)


async def _until_ready(client: Client, import_id: UUID) -> None:
    while not (await client.get_preview(import_id, changes=0)).ready:  # noqa: ASYNC110 - asked over HTTP
        await asyncio.sleep(0.05)


def _goal(what: str) -> float | None:
    goals: Any = (
        ("values of", GOAL_VALUES),
        ("further page", GOAL_PAGE),
        ("replaced", GOAL_REPLACEMENT),
        ("preview", GOAL_PREVIEW),
    )
    return next((goal for part, goal in goals if part in what), None)


def _show(console: Console, rows: int, took: dict[str, float]) -> None:
    table = Table(title=f"The guided path, {rows:,} rows", title_justify="left")
    for heading in ("what", "seconds", "goal"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    for what, seconds in took.items():
        goal = _goal(what)
        missed = goal is not None and seconds > goal
        table.add_row(what, f"{seconds:,.3f}" + (" missed" if missed else ""), "" if goal is None else f"{goal:g}")
    console.print(table)


if __name__ == "__main__":
    main()
