"""How long others wait beside one sender's large file, or beside one that is mostly refused (`make bench`)."""

import argparse
import asyncio
import json
import statistics
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from deploy.local.stack import PROJECT, Stack
from services.cli.local.sample import write_catalogue
from shared.states import ImportStatus
from tests.benchmarks.sending import Sender, sending
from tests.benchmarks.stack import administrator, empty, prepare

VARIANTS = 3
GOAL_TIMES_ALONE = 3.0
_SMALL_ROWS = 200
_OTHERS = 8
_REFUSED_GROUPS = 2_000
# What no rule of ours foresees: every second product of one tenant.
_REFUSE = text(
    "ALTER TABLE catalog.products ADD CONSTRAINT bench_refuses CHECK (tenant_id <> 'refused' OR handle !~ '[02468]$')"
)
_REFUSE_NO_MORE = text("ALTER TABLE catalog.products DROP CONSTRAINT bench_refuses")


def main() -> None:
    """Measure, print a table, and write the same figures as JSON under `.winnow/`."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=300_000, help="rows of the large file")
    arguments.add_argument("--workers", type=int, default=2, help="processes of each stage")
    given = arguments.parse_args()
    stack = Stack(PROJECT / ".winnow" / "bench")
    try:
        stack.up()
        asyncio.run(prepare(stack))
        asyncio.run(empty(stack))
        stack.start_services(
            {**dict.fromkeys(("parser", "validator", "committer", "exporter"), given.workers), "keeper": 1}
        )
        try:
            figures = asyncio.run(_measure(stack, given.rows))
        finally:
            stack.stop_services()
    finally:
        stack.down()
        stack.remove()
    console = Console()
    _show(console, figures)
    target = PROJECT / ".winnow" / f"bench-beside-{given.rows}.json"
    target.write_text(json.dumps(figures, indent=2) + "\n")
    console.print(f"The same as JSON: {target.relative_to(PROJECT)}", highlight=False)


def _file(products: int, first: int = 1) -> Path:
    path = PROJECT / ".winnow" / "bench-beside" / f"{products}-{first}.xlsx"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        write_catalogue(path, products=products, variants=VARIANTS, bad=False, first=first)
    return path


async def _measure(stack: Stack, rows: int) -> dict[str, Any]:
    others = [f"other-{number}" for number in range(_OTHERS)]
    async with sending(stack) as sender:
        await sender.register("large", "refused", *others)
        alone = [await _small(sender, others[0], number) for number in range(4)]
        large = await sender.upload("large", _file(rows // VARIANTS))
        began = await sender.publish([large])
        await sender.committed_chunks(large, at_least=2)
        beside = [await _small(sender, others[1], number) for number in range(3)]
        (took,) = await sender.seconds([large], began)
        refused = await _beside_refused(sender, others)
    median = statistics.median(alone[1:])
    return {
        "rows": rows,
        "goal_times_alone": GOAL_TIMES_ALONE,
        "alone_seconds": round(median, 2),
        "beside_seconds": [round(seconds, 2) for seconds in beside],
        "times_alone": round(statistics.median(beside) / median, 2),
        "large_seconds": round(took, 1),
        "refused": refused,
    }


async def _small(sender: Sender, tenant: str, number: int) -> float:
    products = _SMALL_ROWS // VARIANTS
    event = await sender.upload(tenant, _file(products, first=1 + number * products))
    (seconds,) = await sender.seconds([event], await sender.publish([event]), every=0.02)
    return seconds


async def _beside_refused(sender: Sender, others: list[str]) -> dict[str, Any]:
    """Small files of others that are sent together with one of which only the database refuses every second group."""
    async with administrator(sender.stack) as conn:
        await conn.execute(_REFUSE)
    bad = await sender.upload("refused", _file(_REFUSED_GROUPS * 2))
    products = _SMALL_ROWS // VARIANTS
    small = [await sender.upload(other, _file(products, first=1 + 9 * products)) for other in others]
    began = await sender.publish([bad])
    await sender.committed_chunks(bad, at_least=1)
    seconds = await sender.seconds(small, await sender.publish(small), every=0.02)
    (took,) = await sender.seconds([bad], began, ends=(ImportStatus.COMPLETED_WITH_FAILURES,))
    async with administrator(sender.stack) as conn:
        await conn.execute(_REFUSE_NO_MORE)
    return {
        "groups": _REFUSED_GROUPS,
        "seconds": round(took, 1),
        "others_seconds": sorted(round(s, 2) for s in seconds),
    }


def _show(console: Console, figures: dict[str, Any]) -> None:
    table = Table(title="Small files beside others'")
    table.add_column("")
    table.add_column("", justify="right")
    refused = figures["refused"]
    for what, said in (
        (f"{_SMALL_ROWS} rows alone, s", f"{figures['alone_seconds']:.2f}"),
        (
            f"{_SMALL_ROWS} rows behind {figures['rows']:,} rows of another tenant, s",
            ", ".join(map(str, figures["beside_seconds"])),
        ),
        ("  × alone (median)", f"{figures['times_alone']:.1f} (goal {figures['goal_times_alone']:.0f})"),
        (f"the {figures['rows']:,} rows, s", f"{figures['large_seconds']:.1f}"),
        (
            f"{_OTHERS} files of {_SMALL_ROWS} rows beside {refused['groups']:,} groups that only the database refuses, s",
            ", ".join(map(str, refused["others_seconds"])),
        ),
        ("the file with those groups, s", f"{refused['seconds']:.1f}"),
    ):
        table.add_row(what, said)
    console.print(table)


if __name__ == "__main__":
    main()
