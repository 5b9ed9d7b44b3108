"""`winnow corrections` and `winnow errors`: what was not imported, and why."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from services.cli import exits
from services.cli.exits import CommandFailed
from services.cli.terminal.files import copy_whole, refuse_to_overwrite, target_for
from services.cli.terminal.hints import near, typed
from services.cli.terminal.options import Force, ImportId, Json, Tenant
from shared.api.limits import MOST_ROWS

if TYPE_CHECKING:
    from services.cli.reach import Winnow
    from shared.api.imports import FileKind, HandedBack, Import
    from shared.api.rows import RowError

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
        bool,
        typer.Option(
            "--link",
            help="Print a signed link that works for a minute, for a login of the same tenant, and fetch nothing.",
        ),
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
        from services.cli.reach import reached
        from services.cli.terminal.display import counted, print_json, terminal
        from services.cli.terminal.standing import file_of

        kind: FileKind = "unprocessed_rows" if unprocessed else "failed_rows" if as_csv else "corrections"
        async with reached(tenant, import_id=import_id) as winnow:
            progress = await winnow.import_of(import_id)
            file = await _file(winnow, progress, kind)
            signed = await _link(winnow, import_id, kind)
            if link:
                print_json({"id": str(import_id), "link": signed, "file_name": file.file_name}) if as_json else print(
                    signed
                )
                return exits.COMPLETED
            target = target_for(output, file.file_name)
            refuse_to_overwrite(target, force=force)
            await fetch(winnow, signed, target)
        if as_json:
            counts = {"failed_rows": progress.failed_rows, "unprocessed_rows": progress.unprocessed_rows}
            print_json({"id": str(import_id), "path": str(target), "file_name": file.file_name, **counts})
        elif unprocessed:
            terminal().print(
                f"{counted(progress.unprocessed_rows, 'rows')} not processed in {target}. Import the file as it is.",
                markup=False,
            )
        else:
            fix = "Fix what the last column says" if as_csv else "Fix the red cells"
            terminal().print(
                f"{counted(progress.failed_rows, 'failed rows')} in {target}. {fix} in {target.name} and import that file:\n"
                f"{typed('import', near(target), *winnow.as_typed, '--entity', progress.entity_type, '--watch')}",
                markup=False,
            )
            if file_of(progress, "unprocessed_rows") is not None:
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
        from services.cli.reach import reached
        from services.cli.terminal.display import counted, print_json, show_errors, terminal
        from services.cli.terminal.standing import is_about_a_category

        async with reached(tenant, import_id=import_id) as winnow:
            progress = await winnow.import_of(import_id)
            # A page of them costs the same however few are shown, and says how many rows have any.
            known = await _errors(winnow, import_id, max(limit, MOST_ROWS) if output is None else None)
            total = (await winnow.api.get_reasons(import_id)).errors
        found = known if output is not None else known[:limit]
        if output is not None:
            write_listing(output, found)
        if output is not None and as_json:
            print_json({"id": str(import_id), "path": str(output), "errors": len(found)})
        elif output is not None:
            terminal().print(f"{counted(len(found), 'errors')} in {output}.", markup=False)
        elif as_json:
            print_json([error.model_dump(mode="json") for error in found])
        elif not found:
            for line in without_errors(progress):
                terminal().print(line, markup=False)
        else:
            show_errors(terminal(), found)
            if any(is_about_a_category(progress, error.code, error.heading) for error in found):
                nearest = typed("unmatched", progress.id)
                terminal().print(f"The known categories that are nearest: {nearest}", markup=False)
            for line in left_unsaid(
                progress, len(found), total, rows=len({error.row for error in known}) if len(known) == total else None
            ):
                terminal().print(line, markup=False)
        return exits.COMPLETED

    return asyncio.run(run())


async def _errors(winnow: Winnow, import_id: UUID, limit: int | None) -> list[RowError]:
    """The first so many errors; all of them when None."""
    found: list[RowError] = []
    after = None
    while limit is None or len(found) < limit:
        size = MOST_ROWS if limit is None else min(limit - len(found), MOST_ROWS)
        page = await winnow.api.list_errors(import_id, after=after, limit=size)
        found += page.items
        if (after := page.next) is None:
            break
    return found


def without_errors(progress: Import) -> list[str]:
    """What there is to say of an import of which no error is known."""
    from services.cli.terminal.display import counted
    from services.cli.terminal.standing import file_of, kept_for

    kept = kept_for(progress, progress.rows_expired_at)
    if progress.failed_rows and kept is not None:
        failed = counted(progress.failed_rows, "failed rows")
        return [f"The errors of {failed} were kept for {kept} and are gone since {_day(progress.rows_expired_at)}."]
    if progress.error is not None:
        failed = "" if progress.cancelled_at is not None else "The import failed as a whole: "
        lines = [f"{failed}{progress.error.message}"]
    else:
        lines = [f"No row of this import has failed{'' if progress.ended else ' so far'}."]
    if file_of(progress, "unprocessed_rows") is not None:
        lines.append(unprocessed_rows(progress))
    return lines


def left_unsaid(progress: Import, shown: int, total: int, *, rows: int | None) -> list[str]:
    """What a list of errors does not show: those after the last one, and the rows that failed without any of their own.

    So many are `shown`, of so many in `total`; `rows` are those that have one, if all are known.
    """
    from services.cli.terminal.display import counted
    from services.cli.terminal.standing import file_of

    lines = []
    if total > shown:
        lines.append(f"… and {counted(total - shown, 'errors')} more: --limit {total} shows all")
    without = 0 if rows is None else progress.failed_rows - rows
    if progress.ended and without > 0:
        lines.append(f"{counted(without, 'rows')} more failed only because another row of the same product did.")
    if progress.error is not None:
        lines.append(progress.error.message)
    if file_of(progress, "unprocessed_rows") is not None:
        lines.append(unprocessed_rows(progress))
    return lines


def unprocessed_rows(progress: Import) -> str:
    """How many rows were not processed, and what to type for them."""
    from services.cli.terminal.display import counted

    command = typed("corrections", progress.id, "--unprocessed", "-o", "unprocessed.csv")
    return f"{counted(progress.unprocessed_rows, 'rows')} not processed, in a file to send again: {command}"


def write_listing(target: Path, found: Sequence[RowError]) -> None:
    """Write errors to a file, as CSV with headings or as JSON, by the ending of its name; whole or not at all.

    Raises:
        CommandFailed: it cannot be written there.
    """
    import csv
    import json

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
                json.dump([error.model_dump(mode="json") for error in found], file, ensure_ascii=False, indent=2)
        copy_whole(written, target)


async def fetch(winnow: Winnow, link: str, target: Path) -> None:
    """Download what is behind a link; the file is there whole or not at all."""
    with tempfile.TemporaryDirectory(prefix="winnow-") as folder:
        fetched = Path(folder) / "result"
        await winnow.api.download_file(link, fetched)
        copy_whole(fetched, target)


def _check_listing(output: Path, *, force: bool) -> None:
    if output.suffix.lower() not in {_CSV, ".json"}:
        raise CommandFailed(f"{output} is to end in .csv or .json", code=exits.USAGE)
    refuse_to_overwrite(target_for(output, output.name), force=force)


def _day(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone().strftime("%Y-%m-%d")


async def _link(winnow: Winnow, import_id: UUID, kind: FileKind) -> str:
    if kind == "unprocessed_rows":
        return await winnow.api.get_unprocessed_rows(import_id)
    if kind == "failed_rows":
        return await winnow.api.get_failed_rows(import_id)
    return await winnow.api.get_corrections(import_id)


async def _file(winnow: Winnow, progress: Import, kind: FileKind) -> HandedBack:
    from services.cli.terminal.standing import file_of, kept_for

    kept = kept_for(progress, progress.results_removed_at)
    if kept is not None and progress.failed_rows + progress.unprocessed_rows:
        raise CommandFailed(
            f"The files of import {progress.id} were kept for {kept} and are gone since {_day(progress.results_removed_at)}. "
            f"Its numbers stay: {typed('status', progress.id)}"
        )
    if (file := file_of(progress, kind)) is not None:
        return file
    if not progress.is_final:
        state = (
            f"The files of import {progress.id} are being written"
            if progress.ended
            else f"Import {progress.id} has not ended yet"
        )
        wrong = [f"\n{problem}" for problem in await winnow.problems()]
        raise CommandFailed(f"{state}. Wait for it: {typed('watch', progress.id)}{''.join(wrong)}")
    if progress.undoes_import_id is not None:
        raise CommandFailed(
            f"Import {progress.id} takes back import {progress.undoes_import_id}, so there is no file to correct. "
            f"What it left as it is, and why: {typed('errors', progress.id)}"
        )
    left = f". {unprocessed_rows(progress)}" if file_of(progress, "unprocessed_rows") is not None else ""
    if progress.error is not None:
        raise CommandFailed(f"There is nothing to correct row by row: {progress.error.message}{left}")
    if progress.unprocessed_rows:
        again = left or ". Send the file again to import them"
        raise CommandFailed(
            f"No row of import {progress.id} failed, so there is nothing to correct: it was cancelled, and "
            f"{progress.unprocessed_rows:,} of its rows were not processed{again}"
        )
    raise CommandFailed(f"Every row of import {progress.id} was imported; there is nothing to correct")
