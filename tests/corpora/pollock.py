"""`python -m tests.corpora.pollock DIR`: how the reader does by the score of Pollock, a public benchmark of polluted CSVs.

DIR is the benchmark's `polluted_files`: `csv/` has the files, `clean/` what each says, `parameters/` the headings it has;
the weights are looked for in it and beside it. The reader is told the headings, as a sender of a known kind of record
would have them, and nothing else: no separator, encoding, quotation mark, or row.

The measures are the benchmark's own (success, and precision, recall and F1 of headings, records and cells, each from 0 to
1: 10 together), but for its normalisation of dates and prices: a cell has to say the same to the letter, so ours are never
the higher ones. A file in which no headings are found would be refused; what was read of it counts, and it is listed.
"""

import argparse
import csv
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import orjson

from services.parser.formats.text import TextReader
from services.parser.reading import frames
from services.parser.reading.contents import read
from services.parser.reading.limits import Limits
from services.parser.reading.request import Request
from services.parser.refusals import FileRefused
from shared.entities import EntityType
from shared.entities.cells import cell_text, read_cells
from shared.entities.declaration import Field, Kind
from shared.entities.names import heading_key

MEASURES = tuple(f"{what}_{how}" for what in ("header", "record", "cell") for how in ("precision", "recall", "f1"))
_BEST = len(MEASURES) + 1
_WEIGHTS = "pollock_weights.json"
_WORST = 30

Rows = Sequence[Sequence[str]]


@dataclass(frozen=True)
class Scored:
    """One file: its score of 10, and why it would be refused, if it would."""

    name: str
    score: float
    refused: str = ""


def score(clean: Rows, loaded: Rows) -> float:
    """What the benchmark gives for rows, the first of which are headings."""
    if not clean:
        return float(_BEST)
    source, ours = _folded(clean), _folded(loaded)
    pairs = (
        (source[0], ours[0] if ours else ()),
        (["".join(row) for row in source[1:]], ["".join(row) for row in ours[1:]]),
        ([cell for row in clean for cell in row], [cell for row in loaded for cell in row]),
    )
    return 1 + sum(map(_found, *zip(*pairs, strict=True)))


def _found(source: Iterable[str], loaded: Iterable[str]) -> float:
    """Precision, recall and F1, added up."""
    theirs, ours = Counter(source), Counter(loaded)
    if not theirs:
        return 3.0
    both = (theirs & ours).total()
    if not both:
        return 0.0
    precision, recall = both / theirs.total(), both / ours.total()
    return precision + recall + 2 * precision * recall / (precision + recall)


def _folded(rows: Rows) -> list[list[str]]:
    return [[cell.lower() for cell in row] for row in rows]


def score_file(folder: Path, name: str) -> Scored:
    """Read a file of the benchmark and compare."""
    clean = _clean(folder / "clean" / name)
    said = json.loads((folder / "parameters" / f"{name}_parameters.json").read_text())
    entity = _entity(said["column_names"])
    path = folder / "csv" / name
    try:
        return Scored(name, score(clean, list(_imported(path, entity))))
    except FileRefused as refused:
        try:
            rows = _padded(_texts(TextReader(path, name, entity, encoding=None, delimiter=None).rows()))
        except FileRefused:
            rows = []
        return Scored(name, score(clean, rows), refused.code)


def _clean(path: Path) -> Rows:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def _entity(headings: Sequence[str]) -> EntityType:
    """A kind of record whose fields are called like this."""
    by_key = {heading_key(heading): heading for heading in headings}
    fields = tuple(
        Field(f"field_{number}", heading, Kind.TEXT, "", "") for number, heading in enumerate(by_key.values())
    )
    return EntityType("records", "flat", "Records", "record", fields, ("create",))


def _imported(path: Path, entity: EntityType) -> Iterator[Sequence[str]]:
    """The headings, and the rows that would be imported or handed back."""
    width = 0
    for said in read(Request(path, path.name, entity, "create", {}, Limits())):
        _, kind = frames.read_header(said[: frames.HEADER])
        payload = said[frames.HEADER :]
        if kind == frames.LAYOUT:
            headings = orjson.loads(payload)["headings"]
            width = len(headings)
            yield headings
        elif kind == frames.ROWS:
            rows = (read_cells(row.cells) for row in frames.read_rows(payload) if row.keys is not None)
            yield from ([*cells, *[""] * (width - len(cells))] for cells in _texts(rows))


def _texts(rows: Iterable[Sequence[object]]) -> list[list[str]]:
    return [[cell_text(cell) for cell in row] for row in rows]  # type: ignore[arg-type]


def _padded(rows: Rows) -> Rows:
    """As a table has them: every row as wide as the first."""
    width = max((len(row) for row in rows[:1]), default=0)
    return [[*row, *[""] * (width - len(row))] for row in rows if row]


def main() -> int:
    """Score every file, print what the benchmark would, and the files that cost most."""
    arguments = argparse.ArgumentParser(prog="make pollock", description=__doc__)
    arguments.add_argument("folder", type=Path)
    folder: Path = arguments.parse_args().folder
    names = sorted(path.name for path in (folder / "csv").glob("*.csv"))
    if not names:
        print(f"{folder} has no csv/*.csv: name the benchmark's polluted_files")
        return 1
    with ProcessPoolExecutor() as pool:
        scored = list(pool.map(score_file, [folder] * len(names), names, chunksize=50))
    weights = _weights(folder)
    lost = sorted(scored, key=lambda file: (file.score - _BEST) * weights.get(file.name, 1))
    table = csv.writer(sys.stdout, delimiter="\t", lineterminator="\n")
    table.writerow(("lost", "lost weighted", "would be refused", "file"))
    total = sum(weights.get(name, 0) for name in names)
    for file in lost[:_WORST]:
        weighted = (_BEST - file.score) * weights.get(file.name, 0) / total if total else 0
        table.writerow((f"{_BEST - file.score:.3f}", f"{weighted:.4f}", file.refused, file.name))
    refused = Counter(file.refused for file in scored if file.refused)
    print(f"\nsimple   {sum(file.score for file in scored) / len(scored):.3f} of 10, {len(scored):,} files")
    if total:
        print(f"weighted {sum(file.score * weights.get(file.name, 0) for file in scored) / total:.3f}")
    print("would be refused: " + (", ".join(f"{count} {code}" for code, count in refused.items()) or "none"))
    return 0


def _weights(folder: Path) -> dict[str, float]:
    found = next((at / _WEIGHTS for at in (folder, folder.parent) if (at / _WEIGHTS).is_file()), None)
    weights: dict[str, float] = json.loads(found.read_text()) if found else {}
    return weights


if __name__ == "__main__":
    sys.exit(main())
