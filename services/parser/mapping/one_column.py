"""A table that has been read as one column: its separator was another, or each record was saved in one cell. Pure."""

from collections.abc import Sequence

from shared.entities import EntityType
from shared.entities.cells import Cell, cell_text, is_blank
from shared.entities.errors import shown
from shared.entities.names import heading_key

_USUAL = (",", ";", "\t", "|")
_NAMES = {"\t": "a tab", " ": "a blank"}
_A_TABLE = 2


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
            return (
                f"has its headings in one cell: row {number} was split into {columns}: {split}. Its columns seem to be "
                f"separated by {_NAMES.get(separator, separator)}; save it with each value in a cell of its own (in a "
                f"spreadsheet program: Text to Columns), without quotation marks around whole lines, or name the separator, and "
                f"send it again"
            )
    return None


def _separator(entity: EntityType, text: str) -> str | None:
    """What stands between headings in this text."""
    if len(text) > 10_000:  # noqa: PLR2004 - no line of headings
        return None
    others = {char for char in text if not char.isalnum() and char not in "\"' -_/()"}
    for separator in dict.fromkeys((*_USUAL, *sorted(others))):
        parts = [part.strip().strip("\"'") for part in text.split(separator)]
        if sum(heading_key(part) in entity.by_heading_key for part in parts if part) >= _A_TABLE:
            return separator
    return None
