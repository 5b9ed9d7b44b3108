"""One file end to end through Kafka against the floor, in the same run on the same servers (`make bench ROWS=…`)."""

import argparse
import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.request import urlopen
from uuid import UUID

import psutil
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console
from rich.table import Table
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from deploy.local.s3_server import UPLOADS
from deploy.local.stack import PROJECT, Stack
from services.cli.local.sample import write_catalogue
from shared.db.transaction import tenant_transaction
from shared.events.model import FileOptions
from shared.ledger import ImportProgress, read_import
from shared.ledger.tenants import register_tenant
from tests.benchmarks.stack import administrator, empty, intake_of, prepare, server_cpu, uploads_of
from tests.harness.sent_files import FileToSend, send

VARIANTS = 3
_LOOK_EVERY = 0.15
MEMORY_LIMIT_MB = 256
GOAL = 0.7
_STAGES = {"parser": "file-uploaded", "validator": "rows-staged", "committer": "rows-validated"}


@dataclass(frozen=True)
class Case:
    """What is measured: a file of an entity type, and the module that is its floor; `prepared` readies the tenant for it."""

    path: Path
    entity_type: str = "products"
    mode: str = "create"
    floor: str = "tests.benchmarks.floor"
    prepared: Callable[[AsyncConnection, str], Awaitable[None]] | None = None


def main() -> None:
    """Measure, print a table, and write the same figures as JSON under `.winnow/`."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=100_000)
    arguments.add_argument("--workers", type=int, default=2, help="processes of each stage")
    arguments.add_argument(
        "--pairs", type=int, default=0, help="how often both are measured; 0: 3, once above 200k rows"
    )
    given = arguments.parse_args()
    measure(Case(_file(given.rows)), f"bench-{given.rows}", given.rows, given.workers, given.pairs)


def measure(case: Case, name: str, rows: int, workers: int, pairs: int) -> None:
    """Measure a file and its floor, in pairs; print a table, and write the same figures as JSON of this name."""
    console = Console()
    stack = Stack(PROJECT / ".winnow" / "bench")
    try:
        stack.up()
        asyncio.run(prepare(stack))
        measured = [_pair(stack, case, workers, console) for _ in range(pairs or (3 if rows <= 200_000 else 1))]
    finally:
        stack.down()
        stack.remove()
    figures = _figures(rows, workers, case.path, measured)
    _show(console, figures)
    target = PROJECT / ".winnow" / f"{name}.json"
    target.write_text(json.dumps(figures, indent=2) + "\n")
    console.print(f"The same as JSON: {target.relative_to(PROJECT)}", highlight=False)


def _file(rows: int) -> Path:
    """A catalogue of good products of so many rows; kept, for it is the same every time."""
    path = PROJECT / ".winnow" / f"bench-{rows}.xlsx"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        made = path.with_suffix(".new.xlsx")
        write_catalogue(made, products=rows // VARIANTS, variants=VARIANTS, bad=False)
        made.replace(path)
    return path


def _pair(stack: Stack, case: Case, workers: int, console: Console) -> dict[str, Any]:
    """The floor and the pipeline, one after the other, each on empty tables."""
    asyncio.run(empty(stack))
    floor = json.loads(
        subprocess.run(
            [sys.executable, "-m", case.floor, stack.admin_database_url, str(case.path)],
            cwd=PROJECT,
            check=True,
            stdout=subprocess.PIPE,
        ).stdout
    )
    asyncio.run(empty(stack))
    stack.start_services({**dict.fromkeys(("parser", "validator", "committer", "exporter"), workers), "keeper": 1})
    try:
        with _memory(stack) as memory:
            pipeline = asyncio.run(_pipeline(stack, case))
        busy = {stage: _busy(stack, stage, topic) for stage, topic in _STAGES.items()}
    finally:
        stack.stop_services()
    pipeline |= {"peak_memory_mb": memory.peaks, "cpu_seconds": memory.cpu, "busy_seconds": busy}
    console.print(
        f"floor {floor['rows'] / floor['seconds']:,.0f} rows/s · pipeline {pipeline['rows'] / pipeline['seconds']:,.0f} "
        f"rows/s · ratio {pipeline['seconds'] / floor['seconds']:.2f}",
        highlight=False,
    )
    return {"floor": floor, "pipeline": pipeline}


async def _pipeline(stack: Stack, case: Case) -> dict[str, Any]:
    intake = intake_of(stack)
    async with tenant_transaction(intake, "bench") as conn:
        await register_tenant(conn, "bench")
        if case.prepared is not None:
            await case.prepared(conn, "bench")
    cpu = server_cpu(stack)
    began = datetime.now(UTC)
    file = FileToSend(case.path, "bench", "bench", case.mode, FileOptions(), entity_type=case.entity_type)
    import_id = await send(intake, uploads_of(stack), UPLOADS, file)
    await intake.dispose()
    progress = await _ended(stack, import_id)
    assert progress.status == "completed", progress
    assert progress.completed_at is not None
    async with administrator(stack) as conn:
        spans = await _spans(conn, import_id)
    return {
        "rows": progress.total_rows,
        "seconds": (progress.completed_at - began).total_seconds(),
        "first_committed_seconds": (spans["committed"][0] - began).total_seconds(),
        "stage_rows_per_second": {
            stage: round(progress.total_rows / (last - (first if stage != "staged" else began)).total_seconds())
            for stage, (first, last) in spans.items()
            if last > first
        },
        "server_cpu_seconds": {name: round(after - cpu[name], 1) for name, after in server_cpu(stack).items()},
    }


async def _ended(stack: Stack, import_id: UUID) -> ImportProgress:
    async with administrator(stack) as conn:
        while True:
            found = await read_import(conn, import_id)
            if found is not None and found.files_ready:
                return found
            await conn.commit()
            await asyncio.sleep(_LOOK_EVERY)


async def _spans(conn: AsyncConnection, import_id: UUID) -> dict[str, tuple[datetime, datetime]]:
    """When the first and the last chunk passed each stage."""
    row = (
        await conn.execute(
            text(
                "SELECT min(staged_at), max(staged_at), min(validated_at), max(validated_at), min(committed_at), "
                "max(committed_at) FROM imports.import_chunks WHERE import_id = :id"
            ),
            {"id": import_id},
        )
    ).one()
    return {"staged": (row[0], row[1]), "validated": (row[2], row[3]), "committed": (row[4], row[5])}


def _busy(stack: Stack, stage: str, topic: str) -> float:
    """Seconds all processes of a stage spent with events."""
    busy = 0.0
    for name, service in stack.state.services.items():
        if name.startswith(stage):
            with urlopen(f"http://127.0.0.1:{int(service['port'])}/metrics", timeout=5) as answer:
                for family in text_string_to_metric_families(answer.read().decode()):
                    busy += sum(
                        sample.value
                        for sample in family.samples
                        if sample.name == "winnow_handling_seconds_sum" and sample.labels["topic"] == topic
                    )
    return round(busy, 2)


@dataclass
class _Peaks:
    """Most memory (resident, MB) of any process of a kind, and processor seconds of all of them since the watch began."""

    peaks: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    cpu: dict[str, float] = field(default_factory=dict)
    before: dict[int, float] = field(default_factory=dict)
    used: dict[int, tuple[str, float]] = field(default_factory=dict)


@contextmanager
def _memory(stack: Stack) -> Iterator[_Peaks]:
    """Watch what every service process, and the reader under the parser, holds at most."""
    peaks, ended = _Peaks(), threading.Event()

    def watch() -> None:
        while not ended.is_set():
            _look(stack, peaks)
            ended.wait(0.1)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield peaks
    finally:
        ended.set()
        watcher.join()
        peaks.peaks = {name: round(peak, 1) for name, peak in sorted(peaks.peaks.items())}
        for name, seconds in sorted(peaks.used.values()):
            peaks.cpu[name] = round(peaks.cpu.get(name, 0.0) + seconds, 2)


def _look(stack: Stack, peaks: _Peaks) -> None:
    assert stack.state.supervisor is not None
    supervisor = stack.state.supervisor.process
    for process in supervisor.children(recursive=True) if supervisor else ():
        try:
            command = process.cmdline()
            name = next((part.removeprefix("services.") for part in command if part.startswith("services.")), None)
            if name is None:
                continue
            status = Path(f"/proc/{process.pid}/status").read_text()
            times = process.cpu_times()
            used = float(times.user + times.system)
            peaks.used[process.pid] = (name, used - peaks.before.setdefault(process.pid, used))
        except (psutil.NoSuchProcess, OSError):
            continue
        high = next((line for line in status.splitlines() if line.startswith("VmHWM")), None)
        if high is not None:
            peaks.peaks[name] = max(peaks.peaks[name], int(high.split()[1]) / 1024)


def _figures(rows: int, workers: int, path: Path, pairs: list[dict[str, Any]]) -> dict[str, Any]:
    """The pair of the median ratio, and the ratios of all."""
    ratios = [pair["pipeline"]["seconds"] / pair["floor"]["seconds"] for pair in pairs]
    without_rules = [
        pair["pipeline"]["seconds"] / (pair["floor"]["seconds"] - pair["floor"]["steps"]["rules"]) for pair in pairs
    ]
    middle = pairs[ratios.index(statistics.median_low(ratios))]
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "rows": rows,
        "workers": workers,
        "machine": {"cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()},
        "file_mb": round(path.stat().st_size / 1e6, 1),
        "ratios": [round(ratio, 3) for ratio in ratios],
        "ratio": round(statistics.median_low(ratios), 3),
        "ratio_against_floor_without_rules": round(statistics.median_low(without_rules), 3),
        "goal": GOAL,
        "memory_limit_mb": MEMORY_LIMIT_MB,
        **middle,
    }


def _show(console: Console, figures: dict[str, Any]) -> None:
    floor, pipeline = figures["floor"], figures["pipeline"]
    table = Table(
        title=f"{figures['rows']:,} rows, {figures['workers']} workers a stage, {figures['machine']['cores']} cores"
    )
    for name in ("", "seconds", "rows/s", "× floor"):
        table.add_column(name, justify="left" if not name else "right")
    table.add_row("floor (one process)", f"{floor['seconds']:.1f}", f"{floor['rows'] / floor['seconds']:,.0f}", "1.00")
    for step, seconds in floor["steps"].items():
        table.add_row(
            f"  {step}",
            f"{seconds:.1f}",
            f"{floor['rows'] / max(seconds, 1e-9):,.0f}",
            f"{seconds / floor['seconds']:.2f}",
        )
    table.add_section()
    table.add_row(
        "pipeline, end to end",
        f"{pipeline['seconds']:.1f}",
        f"{pipeline['rows'] / pipeline['seconds']:,.0f}",
        f"{figures['ratio']:.2f} (goal {figures['goal']})",
    )
    for stage, pace in pipeline["stage_rows_per_second"].items():
        table.add_row(f"  {stage}", "", f"{pace:,}", "")
    table.add_row("  first row committed after", f"{pipeline['first_committed_seconds']:.2f}", "", "")
    for stage, seconds in pipeline["busy_seconds"].items():
        table.add_row(
            f"  {stage}s busy, together", f"{seconds:.1f}", f"{pipeline['rows'] / max(seconds, 1e-9):,.0f}", ""
        )
    for name, seconds in {**pipeline["cpu_seconds"], **pipeline["server_cpu_seconds"]}.items():
        table.add_row(f"  {name}: processor time", f"{seconds:.1f}", "", "")
    table.add_section()
    table.add_row("peak memory, MB (limit 256)", "", "", "")
    table.add_row("  floor", f"{floor['peak_memory_mb']:.0f}", "", "")
    for name, peak in pipeline["peak_memory_mb"].items():
        table.add_row(f"  {name}", f"{peak:.0f}", "", "[red]over[/]" if peak > figures["memory_limit_mb"] else "")
    console.print(table)
    console.print(
        f"Ratios of all pairs: {figures['ratios']}; against a floor that applies no rules: "
        f"{figures['ratio_against_floor_without_rules']}",
        highlight=False,
    )


if __name__ == "__main__":
    began_at = time.perf_counter()
    main()
    print(f"{time.perf_counter() - began_at:.0f} s in all")
