"""`winnow corrections` and `winnow errors`: what was not imported, and why."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli import exits
from services.cli.exits import CommandFailed
from services.cli.terminal.files import copy_whole, refuse_to_overwrite, target_for
from services.cli.terminal.hints import near, typed
from services.cli.terminal.options import Force, ImportId, Json, Tenant

if TYPE_CHECKING:
    from services.cli.client import Client
    from shared.intake.reports import ErrorCounts, ReportedError
    from shared.ledger import ImportProgress

_LINK_WORKS_FOR = timedelta(minutes=15)
_WORKBOOK, _CSV = ".xlsx", ".csv"


def corrections(
    import_id: ImportId,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Where to write it: .xlsx is the workbook, .csv the failed-rows CSV."),
    ] = None,
    csv: Annotated[bool, typer.Option("--csv", help="The failed-rows CSV instead of the workbook.")] = False,
    unprocessed: Annotated[
        bool,
        typer.Option(
            "--unprocessed",
            help="The CSV with the rows that were neither imported nor refused, to be sent again as it is.",
        ),
    ] = False,
    force: Force = False,
    link: Annotated[
        bool, typer.Option("--link", help="Print a signed link that works for 15 minutes, and fetch nothing.")
    ] = False,
    tenant: Tenant = None,
    as_json: Json = False,
) -> int:
    """Fetch the rows that were not imported, in the layout of the file they came from."""
    as_csv = wants_csv(output, csv=csv or unprocessed)
    if unprocessed and not as_csv:
        raise CommandFailed(
            f"{output} is to end in {_CSV}: rows that were not processed are in a CSV", code=exits.USAGE
        )
    if output is not None and output.is_file() and not link:
        refuse_to_overwrite(output, force=force)

    async def run() -> int:
        from services.cli.client import connected
        from services.cli.terminal.display import counted, print_json, terminal

        async with connected() as winnow:
            progress = await winnow.import_of(import_id, tenant=tenant)
            key = await _key(winnow, progress, _wanted(progress, as_csv=as_csv, unprocessed=unprocessed))
            if link:
                bucket = winnow.settings.s3_results_bucket
                signed = await winnow.results.presign(bucket, key, expires=_LINK_WORKS_FOR)
                print_json({"id": str(import_id), "link": signed, "object_key": key}) if as_json else print(signed)
                return exits.COMPLETED
            target = target_for(output, key.rpartition("/")[2])
            refuse_to_overwrite(target, force=force)
            await fetch(winnow, key, target)
        if as_json:
            counts = {"failed_rows": progress.failed_rows, "unprocessed_rows": progress.unprocessed_rows}
            print_json({"id": str(import_id), "path": str(target), "object_key": key, **counts})
        elif unprocessed:
            terminal().print(
                f"{counted(progress.unprocessed_rows, 'rows')} not processed in {target}. Import the file as it is.",
                markup=False,
            )
        else:
            fix = "Fix what the last column says" if as_csv else "Fix the red cells"
            terminal().print(
                f"{counted(progress.failed_rows, 'failed rows')} in {target}. {fix} in {target.name} and import that file:\n"
                f"{typed('import', near(target), '--tenant', progress.tenant_id, '--entity', progress.entity_type, '--watch')}",
                markup=False,
            )
            if progress.unprocessed_object_key is not None:
                terminal().print(unprocessed_rows(progress), markup=False)
        return exits.COMPLETED

    return asyncio.run(run())


def wants_csv(output: Path | None, *, csv: bool) -> bool:
    """Whether the CSV is meant: the name's ending decides, and does not contradict --csv.

    Raises:
        CommandFailed: the name ends in something else, or --csv is said of a workbook's name.
    """
    if output is None or output.is_dir():
        return csv
    ending = output.suffix.lower()
    if ending not in {_WORKBOOK, _CSV}:
        raise CommandFailed(
            f"{output} is to end in {_WORKBOOK} (the workbook) or {_CSV} (the failed-rows CSV)", code=exits.USAGE
        )
    if csv and ending == _WORKBOOK:
        raise CommandFailed(
            f"--csv asks for a CSV and {output.name} is a workbook's name; name it {output.with_suffix(_CSV).name}",
            code=exits.USAGE,
        )
    return ending == _CSV


def errors(
    import_id: ImportId,
    limit: Annotated[int, typer.Option(min=1, help="At most this many errors; a file gets all of them.")] = 1000,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write every error to a file: .csv or .json.")
    ] = None,
    force: Force = False,
    tenant: Tenant = None,
    as_json: Json = False,
) -> int:
    """Every error of every failed row: row, column, code and message. The exit code is 0 whatever became of the import."""
    if output is not None:
        _check_listing(output, force=force)

    async def run() -> int:
        from dataclasses import asdict

        from services.cli.client import connected
        from services.cli.terminal.display import counted, print_json, show_errors, terminal

        async with connected() as winnow:
            progress = await winnow.import_of(import_id, tenant=tenant)
            found = await winnow.errors(progress, limit=limit if output is None else None)
            counts = await winnow.error_counts(progress)
        if output is not None:
            write_listing(output, found)
        if output is not None and as_json:
            print_json({"id": str(import_id), "path": str(output), "errors": len(found)})
        elif output is not None:
            terminal().print(f"{counted(len(found), 'errors')} in {output}.", markup=False)
        elif as_json:
            print_json([asdict(error) for error in found])
        elif not found:
            for line in without_errors(progress):
                terminal().print(line, markup=False)
        else:
            show_errors(terminal(), found)
            for line in left_unsaid(progress, found, counts):
                terminal().print(line, markup=False)
        return exits.COMPLETED

    return asyncio.run(run())


def without_errors(progress: ImportProgress) -> list[str]:
    """What there is to say of an import of which no error is known."""
    from services.cli.terminal.display import counted

    kept = progress.kept_for(progress.rows_expired_at)
    if progress.failed_rows and kept is not None:
        failed = counted(progress.failed_rows, "failed rows")
        return [f"The errors of {failed} were kept for {kept} and are gone since {_day(progress.rows_expired_at)}."]
    if progress.error is not None:
        failed = "" if progress.cancelled_at is not None else "The import failed as a whole: "
        lines = [f"{failed}{progress.error['message']}"]
    else:
        lines = [f"No row of this import has failed{'' if progress.ended else ' so far'}."]
    if progress.unprocessed_object_key is not None and progress.results_removed_at is None:
        lines.append(unprocessed_rows(progress))
    return lines


def left_unsaid(progress: ImportProgress, shown: Sequence[ReportedError], found: ErrorCounts) -> list[str]:
    """What a list of errors does not show: the errors after the last one, and the rows that have none of their own."""
    from services.cli.terminal.display import counted

    lines = []
    if found.errors > len(shown):
        more = found.errors - len(shown)
        lines.append(f"… and {counted(more, 'errors')} more: --limit {found.errors} shows all")
    without = progress.failed_rows - found.rows
    if progress.ended and without > 0:
        lines.append(f"{counted(without, 'rows')} more failed only because another row of the same product did.")
    if progress.error is not None:
        lines.append(progress.error["message"])
    if progress.unprocessed_object_key is not None and progress.results_removed_at is None:
        lines.append(unprocessed_rows(progress))
    return lines


def unprocessed_rows(progress: ImportProgress) -> str:
    """How many rows were not processed, and what to type for them."""
    from services.cli.terminal.display import counted

    command = typed("corrections", progress.id, "--unprocessed", "-o", "unprocessed.csv")
    return f"{counted(progress.unprocessed_rows, 'rows')} not processed, in a file to send again: {command}"


def write_listing(target: Path, found: Sequence[ReportedError]) -> None:
    """Write errors to a file, as CSV with headings or as JSON, by the ending of its name; whole or not at all.

    Raises:
        CommandFailed: it cannot be written there.
    """
    import csv
    import json
    from dataclasses import asdict

    from shared.corrections.formulas import neutralise

    with tempfile.TemporaryDirectory(prefix="winnow-") as folder:
        written = Path(folder) / "errors"
        with written.open("w", encoding="utf-8-sig" if target.suffix.lower() == _CSV else "utf-8", newline="") as file:
            if target.suffix.lower() == _CSV:
                lines = csv.writer(file)
                lines.writerow(("row", "column", "code", "error"))
                lines.writerows(
                    (error.row, neutralise(error.heading or ""), error.code, neutralise(error.message))
                    for error in found
                )
            else:
                json.dump([asdict(error) for error in found], file, ensure_ascii=False, indent=2)
        copy_whole(written, target)


async def fetch(winnow: Client, key: str, target: Path) -> None:
    """Download a result; the file is there whole or not at all."""
    with tempfile.TemporaryDirectory(prefix="winnow-") as folder:
        fetched = Path(folder) / "result"
        await winnow.results.download(winnow.settings.s3_results_bucket, key, fetched)
        copy_whole(fetched, target)


def _check_listing(output: Path, *, force: bool) -> None:
    if output.suffix.lower() not in {_CSV, ".json"}:
        raise CommandFailed(f"{output} is to end in .csv or .json", code=exits.USAGE)
    refuse_to_overwrite(target_for(output, output.name), force=force)


def _wanted(progress: ImportProgress, *, as_csv: bool, unprocessed: bool) -> str | None:
    """The key of the file that is asked for; None when there is none."""
    if unprocessed:
        return progress.unprocessed_object_key
    return progress.failed_rows_object_key if as_csv else progress.correction_object_key


def _day(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone().strftime("%Y-%m-%d")


async def _key(winnow: Client, progress: ImportProgress, key: str | None) -> str:
    if key is not None and (kept := progress.kept_for(progress.results_removed_at)) is not None:
        raise CommandFailed(
            f"The files of import {progress.id} were kept for {kept} and are gone since {_day(progress.results_removed_at)}. "
            f"Its numbers stay: {typed('status', progress.id)}"
        )
    if key is not None:
        return key
    if not progress.files_ready:
        state = (
            f"The files of import {progress.id} are being written"
            if progress.ended
            else (f"Import {progress.id} has not ended yet")
        )
        wrong = [f"\n{problem}" for problem in await winnow.problems()]
        raise CommandFailed(f"{state}. Wait for it: {typed('watch', progress.id)}{''.join(wrong)}")
    if progress.undoes_import_id is not None:
        raise CommandFailed(
            f"Import {progress.id} takes back import {progress.undoes_import_id}, so there is no file to correct. "
            f"What it left as it is, and why: {typed('errors', progress.id)}"
        )
    left = f". {unprocessed_rows(progress)}" if progress.unprocessed_object_key is not None else ""
    if progress.error is not None:
        raise CommandFailed(f"There is nothing to correct row by row: {progress.error['message']}{left}")
    if progress.unprocessed_rows:
        again = left or ". Send the file again to import them"
        raise CommandFailed(
            f"No row of import {progress.id} failed, so there is nothing to correct: it was cancelled, and "
            f"{progress.unprocessed_rows:,} of its rows were not processed{again}"
        )
    raise CommandFailed(f"Every row of import {progress.id} was imported; there is nothing to correct")
