"""Many small files of many tenants at once, and one that has everything to itself (`make bench`).

The floor is the same files read, decided and committed by one process one after the other, in the same run on the same
servers (`tests.benchmarks.floor`): what the pipeline adds to a small file is all that differs.
"""

import argparse
import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from deploy.local.stack import PROJECT, Stack
from services.cli.local.sample import write_catalogue
from tests.benchmarks.sending import Sender, sending
from tests.benchmarks.stack import administrator, empty, prepare, server_cpu, services_cpu

VARIANTS = 3
GOAL_FILES_A_SECOND = 15.0
GOAL_ALONE_SECONDS = 0.5


@dataclass(frozen=True)
class Load:
    """How many files of how many rows, of how many tenants."""

    files: int
    rows: int
    tenants: int
    workers: int
    alone: int
    """Files of 100 rows that are sent one after the other."""


def main() -> None:
    """Measure, print a table, and write the same figures as JSON under `.winnow/`."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--files", type=int, default=300)
    arguments.add_argument("--rows", type=int, default=120, help="rows of each file")
    arguments.add_argument("--tenants", type=int, default=20)
    arguments.add_argument("--workers", type=int, default=2, help="processes of each stage")
    arguments.add_argument("--alone", type=int, default=9, help="files of 100 rows that are sent one after the other")
    load = Load(**vars(arguments.parse_args()))
    console = Console()
    stack = Stack(PROJECT / ".winnow" / "bench")
    try:
        stack.up()
        asyncio.run(prepare(stack))
        paths = _files(load)
        asyncio.run(empty(stack))
        floor = _floor(stack, paths, load.tenants)
        asyncio.run(empty(stack))
        stack.start_services(
            {**dict.fromkeys(("parser", "validator", "committer", "exporter"), load.workers), "keeper": 1}
        )
        try:
            pipeline = asyncio.run(_pipeline(stack, paths, load))
        finally:
            stack.stop_services()
    finally:
        stack.down()
        stack.remove()
    figures = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        **vars(load),
        "machine": {"cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()},
        "ratio": round(pipeline["seconds"] / floor["seconds"], 2),
        "goals": {"files_a_second": GOAL_FILES_A_SECOND, "alone_seconds": GOAL_ALONE_SECONDS},
        "floor": floor,
        "pipeline": pipeline,
    }
    _show(console, figures)
    target = PROJECT / ".winnow" / f"bench-{load.files}-files.json"
    target.write_text(json.dumps(figures, indent=2) + "\n")
    console.print(f"The same as JSON: {target.relative_to(PROJECT)}", highlight=False)


def _files(load: Load) -> list[Path]:
    """What every tenant sends: catalogues of good products that share none."""
    return [_file(number, load.rows) for number in range(load.files // load.tenants)]


def _file(number: int, rows: int) -> Path:
    products = max(1, rows // VARIANTS)
    path = PROJECT / ".winnow" / "bench-small" / f"{number}-{rows}.xlsx"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_catalogue(path, products=products, variants=VARIANTS, bad=False, first=1 + number * products)
    return path


def _floor(stack: Stack, paths: Sequence[Path], tenants: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.benchmarks.floor", stack.admin_database_url, *map(str, paths)]
    done = subprocess.run([*command, "--tenants", str(tenants)], cwd=PROJECT, check=True, stdout=subprocess.PIPE)
    said: dict[str, Any] = json.loads(done.stdout)
    return said | {"files_a_second": len(paths) * tenants / said["seconds"]}


async def _pipeline(stack: Stack, paths: Sequence[Path], load: Load) -> dict[str, Any]:
    tenants = [f"bench-{number}" for number in range(load.tenants)]
    async with sending(stack) as sender:
        await sender.register(*tenants, "alone")
        alone = [await _alone(sender, number) for number in range(load.alone + 1)]
        cpu, transactions = {**services_cpu(stack), **server_cpu(stack)}, await _transactions(stack)
        together = await _together(sender, [(tenant, path) for path in paths for tenant in tenants])
        used = {**services_cpu(stack), **server_cpu(stack)}
        transactions = await _transactions(stack) - transactions
    return {
        **together,
        "transactions": transactions,
        "cpu_seconds": {name: round(used[name] - cpu.get(name, 0.0), 1) for name in used},
        # The first opens connections and fills caches.
        "alone_seconds": {"median": round(statistics.median(alone[1:]), 3), "first": round(alone[0], 3)},
    }


async def _transactions(stack: Stack) -> int:
    """Transactions that were committed so far, those of this benchmark included."""
    committed = text(
        "SELECT pg_stat_force_next_flush(), xact_commit FROM pg_stat_database WHERE datname = current_database()"
    )
    async with administrator(stack) as conn:
        return int((await conn.execute(committed)).one().xact_commit)


async def _alone(sender: Sender, number: int) -> float:
    """Seconds from the event of a file of 100 rows to its end."""
    event = await sender.upload("alone", _file(number, 100))
    (seconds,) = await sender.seconds([event], await sender.publish([event]), every=0.02)
    return seconds


async def _together(sender: Sender, files: Sequence[tuple[str, Path]]) -> dict[str, Any]:
    events = [await sender.upload(tenant, path) for tenant, path in files]
    seconds = sorted(await sender.seconds(events, await sender.publish(events)))
    return {
        "files": len(events),
        "seconds": round(seconds[-1], 2),
        "files_a_second": round(len(events) / seconds[-1], 2),
        "median_seconds": round(statistics.median(seconds), 2),
        "p95_seconds": round(seconds[int(len(seconds) * 0.95)], 2),
    }


def _show(console: Console, figures: dict[str, Any]) -> None:
    floor, pipeline, goals = figures["floor"], figures["pipeline"], figures["goals"]
    table = Table(
        title=f"{pipeline['files']} files of {figures['rows']} rows, {figures['tenants']} tenants, {figures['workers']} "
        f"workers a stage, {figures['machine']['cores']} cores"
    )
    table.add_column("")
    table.add_column("", justify="right")
    for what, said in (
        ("floor (one process), files/s", f"{floor['files_a_second']:.1f}"),
        ("pipeline, files/s", f"{pipeline['files_a_second']:.1f} (goal {goals['files_a_second']:.0f})"),
        ("pipeline × floor, seconds", f"{figures['ratio']:.2f}"),
        ("from event to completed, median s", f"{pipeline['median_seconds']:.1f}"),
        ("from event to completed, 95 % s", f"{pipeline['p95_seconds']:.1f}"),
        (
            "100 rows alone, from event to completed, median s",
            f"{pipeline['alone_seconds']['median']:.2f} (goal {goals['alone_seconds']})",
        ),
        ("transactions a file", f"{pipeline['transactions'] / pipeline['files']:.1f}"),
        *(
            (f"  {name}: processor ms a file", f"{1000 * seconds / pipeline['files']:.0f}")
            for name, seconds in (*pipeline["cpu_seconds"].items(), ("all", sum(pipeline["cpu_seconds"].values())))
        ),
    ):
        table.add_row(what, said)
    console.print(table)


if __name__ == "__main__":
    main()
