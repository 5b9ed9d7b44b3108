"""`winnow corrections` and `winnow errors`: what was not imported, and why."""

import asyncio
import os
import shutil
import tempfile
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from services.cli import exits
from services.cli.exits import CommandFailed
from services.cli.imports import ImportId, Json, print_json
from services.cli.running import RESULTS_BUCKET, Running, running
from services.cli.showing import terminal
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
            key = _key(progress, as_csv=as_csv)
            if link:
                signed = await winnow.storage("reader").presign(RESULTS_BUCKET, key, expires=_LINK_WORKS_FOR)
                print_json({"id": str(import_id), "link": signed, "object_key": key}) if as_json else print(signed)
                return exits.COMPLETED
            target = _free(output, key)
            await fetch(winnow, key, target)
            if as_json:
                print_json(
                    {"id": str(import_id), "path": str(target), "object_key": key, "failed_rows": progress.failed_rows}
                )
            else:
                terminal().print(
                    f"{progress.failed_rows:,} failed rows in {target}. Mend the red cells and import the same file again.",
                    highlight=False,
                    soft_wrap=True,
                )
        return exits.COMPLETED

    return asyncio.run(run())


def errors(
    import_id: ImportId,
    limit: Annotated[int, typer.Option(min=1, help="At most this many reasons.")] = 1000,
    as_json: Json = False,
) -> int:
    """Every reason of every failed row: row, column, code and message."""

    async def run() -> int:
        async with running() as winnow:
            reasons = await winnow.reasons(await winnow.import_of(import_id), limit=limit)
        if as_json:
            print_json([asdict(reason) for reason in reasons])
            return exits.COMPLETED
        table = Table(box=None, pad_edge=False)
        for name in ("row", "column", "code", "reason"):
            table.add_column(name, header_style="dim", overflow="fold")
        for reason in reasons:
            table.add_row(str(reason.row), reason.heading or "", reason.code, reason.message.replace("[", "\\["))
        terminal().print(table if reasons else "No row of this import has failed.")
        return exits.COMPLETED

    return asyncio.run(run())


async def fetch(winnow: Running, key: str, target: Path) -> None:
    """Download a result; the file is there whole or not at all."""
    with tempfile.TemporaryDirectory(prefix="winnow-") as folder:
        fetched = Path(folder) / "result"
        await winnow.storage("reader").download(RESULTS_BUCKET, key, fetched)
        partial = target.with_name(f".{target.name}.part")
        try:
            shutil.copyfile(fetched, partial)
            os.replace(partial, target)  # noqa: PTH105 - says what it does: atomic within a folder
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise CommandFailed(f"{target} cannot be written: {error.strerror}") from error


def _key(progress: ImportProgress, *, as_csv: bool) -> str:
    key = progress.failed_rows_object_key if as_csv else progress.correction_object_key
    if key is not None:
        return key
    if not progress.ended:
        raise CommandFailed(f"Import {progress.id} has not ended yet. Wait for it: winnow watch {progress.id}")
    if progress.awaits_files:
        raise CommandFailed(f"The files of import {progress.id} are being written. Wait: winnow watch {progress.id}")
    if progress.error is not None:
        raise CommandFailed(f"There is nothing to correct row by row: {progress.error['message']}")
    raise CommandFailed(f"Every row of import {progress.id} was imported; there is nothing to correct")


def _free(output: Path | None, key: str) -> Path:
    """Where to write: what was named, else a free name here; corrections somebody may be mending are not overwritten."""
    if output is not None:
        if output.is_dir():
            return output / key.rpartition("/")[2]
        if not output.absolute().parent.is_dir():
            raise CommandFailed(f"There is no folder {output.parent} to write to", code=exits.USAGE)
        return output
    target = Path(key.rpartition("/")[2])
    if target.exists():
        raise CommandFailed(f"{target} is here already; name another with -o", code=exits.USAGE)
    return target
