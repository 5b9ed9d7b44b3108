"""`winnow corrections` and `winnow errors`: what was not imported, and why."""

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from services.cli import exits
from services.cli.exits import CommandFailed
from services.cli.files import place, target_for
from services.cli.hints import typed
from services.cli.options import ImportId, Json
from services.cli.readiness import problems
from services.cli.running import RESULTS_BUCKET, Reason, ReasonCounts, Running, running
from services.cli.showing import counted, plain, print_json, show_rows, terminal
from shared.ledger import ImportProgress

_LINK_WORKS_FOR = timedelta(minutes=15)


def corrections(
    import_id: ImportId,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to write it; a name that ends in .csv gets the CSV.")
    ] = None,
    csv: Annotated[bool, typer.Option("--csv", help="The failed-rows CSV instead of the workbook.")] = False,
    link: Annotated[
        bool, typer.Option("--link", help="Print a signed link that works for 15 minutes, and fetch nothing.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Fetch the rows that were not imported, in the layout of the file they came from."""

    async def run() -> int:
        async with running() as winnow:
            progress = await winnow.import_of(import_id)
            as_csv = csv or (output is not None and output.suffix.lower() == ".csv")
            key = await _key(winnow, progress, as_csv=as_csv)
            if link:
                signed = await winnow.storage("reader").presign(RESULTS_BUCKET, key, expires=_LINK_WORKS_FOR)
                print_json({"id": str(import_id), "link": signed, "object_key": key}) if as_json else print(signed)
                return exits.COMPLETED
            target = _target(output, key)
            await fetch(winnow, key, target)
            if as_json:
                print_json(
                    {"id": str(import_id), "path": str(target), "object_key": key, "failed_rows": progress.failed_rows}
                )
            else:
                mend = "Mend what its last column says" if as_csv else "Mend the red cells"
                terminal().print(
                    f"{counted(progress.failed_rows, 'failed rows')} in {target}. {mend} and import the same file again.",
                    markup=False,
                )
        return exits.COMPLETED

    return asyncio.run(run())


def errors(
    import_id: ImportId,
    limit: Annotated[int, typer.Option(min=1, help="At most this many reasons.")] = 1000,
    as_json: Json = False,
) -> int:
    """Every reason of every failed row: row, column, code and message. The exit code is 0 whatever became of it."""

    async def run() -> int:
        async with running() as winnow:
            progress = await winnow.import_of(import_id)
            reasons = await winnow.reasons(progress, limit=limit)
            found = await winnow.reason_counts(progress)
        if as_json:
            print_json([asdict(reason) for reason in reasons])
        elif not reasons and progress.error is not None:
            terminal().print(f"The import failed as a whole: {plain(progress.error['message'])}")
        elif not reasons:
            so_far = "" if progress.ended else " so far"
            terminal().print(f"No row of this import has failed{so_far}.")
        else:
            show_rows(terminal(), reasons)
            for line in left_unsaid(progress, reasons, found):
                terminal().print(line, markup=False)
        return exits.COMPLETED

    return asyncio.run(run())


def left_unsaid(progress: ImportProgress, shown: Sequence[Reason], found: ReasonCounts) -> list[str]:
    """What a list of reasons does not show: the reasons after the last one, and the rows that have none of their own."""
    lines = []
    if found.reasons > len(shown):
        more = found.reasons - len(shown)
        lines.append(f"… and {counted(more, 'reasons')} more: --limit {found.reasons} shows all")
    without = progress.failed_rows - found.rows
    if progress.ended and without > 0:
        lines.append(f"{counted(without, 'rows')} more failed only because another row of the same product did.")
    if progress.error is not None:
        lines.append(progress.error["message"])
    return lines


async def fetch(winnow: Running, key: str, target: Path) -> None:
    """Download a result; the file is there whole or not at all."""
    with tempfile.TemporaryDirectory(prefix="winnow-") as folder:
        fetched = Path(folder) / "result"
        await winnow.storage("reader").download(RESULTS_BUCKET, key, fetched)
        place(fetched, target)


async def _key(winnow: Running, progress: ImportProgress, *, as_csv: bool) -> str:
    key = progress.failed_rows_object_key if as_csv else progress.correction_object_key
    if key is not None:
        return key
    if not progress.files_ready:
        state = (
            f"The files of import {progress.id} are being written"
            if progress.ended
            else (f"Import {progress.id} has not ended yet")
        )
        wrong = [f"\n{problem}" for problem in await problems(winnow.stack)]
        raise CommandFailed(f"{state}. Wait for it: {typed('watch', progress.id)}{''.join(wrong)}")
    if progress.error is not None:
        raise CommandFailed(f"There is nothing to correct row by row: {progress.error['message']}")
    raise CommandFailed(f"Every row of import {progress.id} was imported; there is nothing to correct")


def _target(output: Path | None, key: str) -> Path:
    """Where to write: what was named, else a free name here; corrections somebody may be mending are not overwritten."""
    target = target_for(output, key.rpartition("/")[2])
    if output is None and target.exists():
        raise CommandFailed(f"{target} is here already; name another with -o", code=exits.USAGE)
    return target
