"""The process that reads one file of a corpus: `python -m tests.corpora.reading FILE`, as the parser's own reader would.

It says one JSON document a line: `{"sheet": name}` before the rows of each sheet, `{"row": [cells…]}` for each row from
row 1 on, `{"refused": code, "message": …}` when the file or a sheet of it is not read.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from services.parser.formats.file_types import file_type
from services.parser.formats.prescan import prescan
from services.parser.formats.text import TextReader
from services.parser.formats.workbook import WorkbookReader
from services.parser.reading.child import limit_myself
from services.parser.refusals import FileRefused
from services.parser.settings import ParserSettings
from shared.entities import ENTITY_TYPES


def main(path: Path) -> None:
    """Read one file within the limits of a parser with default settings."""
    limits = ParserSettings.model_construct().limits
    limit_myself(limits)
    for said in _read(path, limits):
        # Halves of surrogate pairs, which stand for bytes that could not be decoded, are escapes here.
        sys.stdout.write(json.dumps(said) + "\n")


def _read(path: Path, limits: Any) -> Iterator[dict[str, Any]]:
    try:
        if file_type(path, path.name) != "workbook":
            reader = TextReader(path, path.name, ENTITY_TYPES["products"], encoding=None, delimiter=None)
            yield {"sheet": None, "encoding": reader.writing.encoding.name, "delimiter": reader.writing.delimiter}
            yield from ({"row": cells} for cells in reader.rows())
            return
        seen = prescan(path, path.name, limits)
        with WorkbookReader(path, path.name, seen) as workbook:
            for scanned in seen.sheets:
                yield {"sheet": scanned.sheet.name}
                try:
                    yield from ({"row": cells} for cells in workbook.rows(scanned.sheet.name))
                except FileRefused as refused:
                    yield {"refused": refused.code, "message": refused.message}
    except FileRefused as refused:
        yield {"refused": refused.code, "message": refused.message}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
