"""`python -m tests.corpora DIR`: read every spreadsheet and text file below a folder and say where openpyxl sees another cell.

Text files are read, not compared: there is no second opinion of what they are written in. Exit code: 0 nothing differs
and no reader died, 1 otherwise.
"""

import argparse
import csv
import json
import subprocess
import sys
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

import openpyxl

from shared.entities.names import column_letter
from tests.corpora.comparison import difference

_SUFFIXES = {".xlsx", ".xlsm", ".csv", ".tsv", ".txt"}
_EXAMPLES = 3
_NOTHING = (None, "General")


@dataclass
class FileReport:
    """What became of one file: `outcome` is `read`, `refused: code`, `died: how`, or `not compared: why`."""

    path: str
    outcome: str
    message: str = ""
    cells: int = 0
    differences: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def note(self, kind: str, where: str, ours: Any, theirs: Any) -> None:
        """Count a difference; the first ones of a kind are kept."""
        self.differences[kind] = self.differences.get(kind, 0) + 1
        kept = self.examples.setdefault(kind, [])
        if len(kept) < _EXAMPLES:
            kept.append(f"{where}: {theirs!r:.80} is {ours!r:.80}")


def check(path: Path, seconds: float) -> FileReport:
    """Read a file in a process of its own and compare."""
    report = FileReport(str(path), "read")
    try:
        process = subprocess.run(
            [sys.executable, "-m", "tests.corpora.reading", str(path)],
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        report.outcome = f"died: nothing after {seconds:.0f} s"
        return report
    if process.returncode != 0:
        report.outcome = f"died: exit {process.returncode}"
        report.message = process.stderr.decode(errors="replace")[-500:]
        return report
    sheets: dict[str | None, list[list[Any]]] = {}
    rows: list[list[Any]] = []
    for line in process.stdout.splitlines():
        said = json.loads(line)
        if "refused" in said:
            report.outcome, report.message = f"refused: {said['refused']}", said["message"]
            sheets = {name: read for name, read in sheets.items() if read is not rows}
        elif "sheet" in said:
            rows = sheets[said["sheet"]] = []
        else:
            rows.append(said["row"])
    if None not in sheets and sheets:
        _compare(path, sheets, report)
    return report


def _compare(path: Path, sheets: dict[str | None, list[list[Any]]], report: FileReport) -> None:
    try:
        book = openpyxl.load_workbook(path, data_only=True)
    except Exception as error:  # noqa: BLE001 - whatever it says of a file, it is no second opinion then
        report.outcome, report.message = f"not compared: openpyxl says {type(error).__name__}", str(error)
        return
    for name, rows in sheets.items():
        theirs = _cells(book[str(name)]) if str(name) in book.sheetnames else iter(())
        for number, (ours, expected) in enumerate(zip_longest(rows, theirs, fillvalue=()), start=1):
            for column, (cell, (value, number_format)) in enumerate(_paired(list(ours), list(expected)), start=1):
                report.cells += 1
                if (kind := difference(cell, value, number_format)) is not None:
                    where = f"{name}!{column_letter(column - 1)}{number}"
                    report.note(kind, where, cell, value)


def _paired(ours: list[Any], theirs: list[Any]) -> Iterator[tuple[Any, tuple[Any, str]]]:
    width = max(len(ours), len(theirs))
    ours += [None] * (width - len(ours))
    theirs += [_NOTHING] * (width - len(theirs))
    return zip(ours, theirs, strict=True)


def _cells(sheet: Any) -> Iterator[list[tuple[Any, str]]]:
    if not hasattr(sheet, "iter_rows"):
        return
    for row in sheet.iter_rows():
        yield [(cell.value, getattr(cell, "number_format", "General")) for cell in row]


def main() -> int:
    """Check a folder, print what differs by kind, write all of it down."""
    arguments = argparse.ArgumentParser(prog="make corpora", description=__doc__)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--out", type=Path, default=Path("corpora.json"), help="where the differences are written")
    arguments.add_argument("--seconds", type=float, default=120, help="after which a reader is given up")
    arguments.add_argument("--at-once", type=int, default=2)
    asked = arguments.parse_args()
    warnings.simplefilter("ignore")
    files = sorted(path for path in asked.folder.rglob("*") if path.suffix.lower() in _SUFFIXES and path.is_file())
    if not files:
        print(f"{asked.folder} has no spreadsheets and no text files ({', '.join(sorted(_SUFFIXES))})")
        return 1
    with ThreadPoolExecutor(asked.at_once) as pool:
        reports = []
        for done, report in enumerate(pool.map(lambda path: check(path, asked.seconds), files), start=1):
            reports.append(report)
            if done % 50 == 0 or done == len(files):
                print(f"{done:,} of {len(files):,} files", file=sys.stderr, flush=True)
    asked.out.write_text(json.dumps([report.__dict__ for report in reports], indent=1, ensure_ascii=False))
    return _say(reports, asked.out)


def _say(reports: list[FileReport], out: Path) -> int:
    outcomes: dict[str, int] = {}
    kinds: dict[str, tuple[int, int, str]] = {}
    for report in reports:
        outcomes[report.outcome] = outcomes.get(report.outcome, 0) + 1
        for kind, count in report.differences.items():
            cells, files, example = kinds.get(kind, (0, 0, f"{report.path} {report.examples[kind][0]}"))
            kinds[kind] = (cells + count, files + 1, example)
    table = csv.writer(sys.stdout, delimiter="\t", lineterminator="\n")
    table.writerow(("files", "outcome"))
    table.writerows((count, outcome) for outcome, count in sorted(outcomes.items(), key=lambda item: -item[1]))
    table.writerow(())
    table.writerow(("cells", "files", "difference", "for example"))
    table.writerows(
        (cells, files, kind, example)
        for kind, (cells, files, example) in sorted(kinds.items(), key=lambda item: -item[1][0])
    )
    print(f"\n{sum(report.cells for report in reports):,} cells of {len(reports):,} files; all differences: {out}")
    died = any(outcome.startswith("died") for outcome in outcomes)
    return 1 if died or kinds else 0


if __name__ == "__main__":
    sys.exit(main())
