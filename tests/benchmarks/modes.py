"""Modes that change what is there, beside making it (`make bench`): seconds and processor seconds of each.

A catalogue is made; then one of as many rows is upserted of which half are there already, and a tenth of all products say something new;
then the same file once more, of which nothing changes any more.
"""

import argparse
import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from deploy.local.stack import PROJECT, Stack
from services.cli.local.sample import Group, write_catalogue
from tests.benchmarks.sending import Sender, sending
from tests.benchmarks.stack import empty, prepare, server_cpu, services_cpu

VARIANTS = 3
GOAL_UPSERT, GOAL_UNCHANGED = 1.3, 0.5
_CHANGED_OF = 10


@dataclass(frozen=True)
class Took:
    """What an import took."""

    seconds: float
    cpu: dict[str, float]

    @property
    def cpu_seconds(self) -> float:
        """Of all processes together."""
        return sum(self.cpu.values())


def main() -> None:
    """Measure, print a table, and write the same figures as JSON under `.winnow/`."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=100_000)
    arguments.add_argument("--workers", type=int, default=2, help="processes of each stage")
    given = arguments.parse_args()
    stack = Stack(PROJECT / ".winnow" / "bench")
    try:
        stack.up()
        asyncio.run(prepare(stack))
        made, revised = _files(given.rows // VARIANTS)
        asyncio.run(empty(stack))
        stack.start_services(
            {**dict.fromkeys(("parser", "validator", "committer", "exporter"), given.workers), "keeper": 1}
        )
        try:
            took = asyncio.run(_measure(stack, made, revised))
        finally:
            stack.stop_services()
    finally:
        stack.down()
        stack.remove()
    console = Console()
    figures = _figures(given.rows, took)
    _show(console, figures)
    target = PROJECT / ".winnow" / f"bench-modes-{given.rows}.json"
    target.write_text(json.dumps(figures, indent=2) + "\n")
    console.print(f"The same as JSON: {target.relative_to(PROJECT)}", highlight=False)


def _files(products: int) -> tuple[Path, Path]:
    """A catalogue, and one of the same size that begins in the middle of it and goes on as far beyond."""
    folder = PROJECT / ".winnow" / "bench-modes"
    folder.mkdir(parents=True, exist_ok=True)
    made, revised = folder / f"{products}.xlsx", folder / f"{products}-revised.xlsx"
    write_catalogue(made, products=products, variants=VARIANTS, bad=False)
    write_catalogue(
        revised, products=products, variants=VARIANTS, bad=False, left_out=products // 2, change=_say_something_new
    )
    return made, revised


def _say_something_new(group: Group, number: int) -> None:
    if number % _CHANGED_OF == 0:
        group[0]["description"] = f"{group[0]['description']} Now lighter."
        group[0]["weight_g"] -= 5


async def _measure(stack: Stack, made: Path, revised: Path) -> dict[str, Took]:
    async with sending(stack) as sender:
        await sender.register("warm", "modes")
        await _took(sender, "warm", made, "create")
        return {
            "create": await _took(sender, "modes", made, "create"),
            "upsert, half of it there, a tenth new": await _took(sender, "modes", revised, "upsert"),
            "upsert, nothing new": await _took(sender, "modes", revised, "upsert"),
        }


async def _took(sender: Sender, tenant: str, path: Path, mode: str) -> Took:
    event = await sender.upload(tenant, path, mode, again=True)
    before = _cpu(sender.stack)
    (seconds,) = await sender.seconds([event], await sender.publish([event]))
    return Took(seconds, {name: used - before.get(name, 0.0) for name, used in _cpu(sender.stack).items()})


def _cpu(stack: Stack) -> dict[str, float]:
    return {**services_cpu(stack), **server_cpu(stack)}


def _figures(rows: int, took: dict[str, Took]) -> dict[str, Any]:
    create = took["create"]
    return {
        "rows": rows,
        "goals": {"upsert": GOAL_UPSERT, "unchanged": GOAL_UNCHANGED},
        "imports": {
            what: {
                "seconds": round(each.seconds, 2),
                "ratio": round(each.seconds / create.seconds, 2),
                "cpu_seconds_per_100k": round(each.cpu_seconds * 100_000 / rows, 1),
                "cpu_ratio": round(each.cpu_seconds / create.cpu_seconds, 2),
                "cpu": {name: round(seconds, 2) for name, seconds in each.cpu.items()},
            }
            for what, each in took.items()
        },
    }


def _show(console: Console, figures: dict[str, Any]) -> None:
    goals = figures["goals"]
    table = Table(
        title=f"{figures['rows']:,} rows (goals: upsert {goals['upsert']} ×, unchanged {goals['unchanged']} ×)"
    )
    for name in ("", "seconds", "× create", "processor s / 100,000 rows", "× create"):
        table.add_column(name, justify="left" if not name else "right")
    for what, said in figures["imports"].items():
        table.add_row(
            what,
            f"{said['seconds']:.1f}",
            f"{said['ratio']:.2f}",
            f"{said['cpu_seconds_per_100k']:.1f}",
            f"{said['cpu_ratio']:.2f}",
        )
    console.print(table)


if __name__ == "__main__":
    main()
