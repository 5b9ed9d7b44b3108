"""A table that has been read as one column: its separator was another, or each record was saved in one cell. Pure."""

import re
from collections.abc import Sequence

from shared.entities import EntityType
from shared.entities.cells import Cell, cell_text, is_blank
from shared.entities.errors import shown
from shared.entities.names import heading_key
from shared.entities.separators import USUAL_SEPARATORS, separator_name

_A_TABLE = 2
_BLANKS = re.compile(" {2,}")


def one_column(entity: EntityType, rows: Sequence[Sequence[Cell]]) -> str | None:
    """What to say of a sheet in which a cell holds several headings; None when none does."""
    for number, cells in enumerate(rows, start=1):
        for cell in cells:
            text = cell_text(cell).strip() if not is_blank(cell) else ""
            separator = _separator(entity, text)
            if separator is None:
                continue
            there = [cell_text(said) for said in cells if not is_blank(said)]
            columns = "one column" if len(there) == 1 else f"{len(there)} columns"
            split = " | ".join(f'"{shown(said)}"' for said in there[:4])
            name = separator_name(separator)
            named = f"a {name}" if name.isalpha() else name
            or_name = ", or name the separator" if separator in USUAL_SEPARATORS else ""
            if separator.isspace() and separator != "\t":
                or_name += " (blanks stand in values, too: with commas, semicolons or tabs it is sure which is whose)"
            return (
                f"has its headings in one cell: row {number} was split into {columns}: {split}. Its columns seem to be "
                f"separated by {named}; save it with each value in a cell of its own (in a "
                f"spreadsheet program: Text to Columns), without quotation marks around whole lines{or_name}, and "
                f"send it again"
            )
    return None


def _separator(entity: EntityType, text: str) -> str | None:
    """What stands between headings in this text."""
    if len(text) > 10_000:  # noqa: PLR2004 - no line of headings
        return None
    others = {char for char in text if not char.isalnum() and char not in "\"' -_/()"}
    for separator in dict.fromkeys((*USUAL_SEPARATORS, *sorted(others))):
        if _known(entity, text.split(separator)) >= _A_TABLE:
            return separator
    if _known(entity, _BLANKS.split(text)) >= _A_TABLE:
        return "  "
    words = text.split(" ")
    return " " if _known(entity, words) >= max(len(words), _A_TABLE) else None


def _known(entity: EntityType, parts: Sequence[str]) -> int:
    """How many of these are headings."""
    named = (part.strip().strip("\"'") for part in parts)
    return sum(heading_key(part) in entity.by_heading_key for part in named if part)
