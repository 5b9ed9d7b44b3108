"""Which row of a sheet has its headings, also where they go over several rows. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from services.parser.mapping.interpretation import storable
from shared.entities import EntityType
from shared.entities.cells import BLANKS, Cell, cell_text
from shared.entities.declaration import NUMERIC
from shared.entities.names import heading_key, says_how_to_fill

# Headings are looked for in so many rows from the top.
SEARCHED_ROWS = 20
# Nobody's headings go over more rows, or over several rows in more columns.
_MOST_ROWS, _MOST_COLUMNS = 3, 400
_A_TABLE = 2
# More is no part of a heading, and would be compared again and again.
_LONGEST = 300
# What stands alone below a heading and is no data: the unit its figures are in.
_UNITS = frozenset(
    [
        "g",
        "gr",
        "kg",
        "mg",
        "lb",
        "lbs",
        "oz",
        "cm",
        "mm",
        "m",
        "l",
        "ml",
        "kgco2e",
        "%",
        "pct",
        "eur",
        "usd",
        "gbp",
        "chf",
        "€",
        "$",
        "£",
        "pcs",
        "stk",
        "text",
        "number",
    ]
)


@dataclass(frozen=True)
class HeadingRow:
    """Headings: the number of their last row (from 1), texts, how many of them are known, and their first row."""

    row: int
    headings: tuple[str, ...]
    known: int
    first_row: int


def heading_row(entity: EntityType, rows: Sequence[Sequence[Cell]]) -> HeadingRow | None:
    """The row with the most known headings among the first ones, the first of equals; None when none is known.

    Where rows that follow one another say more headings together than any by itself, it is those rows.
    """
    return _found(
        entity, tuple(tuple(storable(cell_text(cell).strip()) for cell in cells) for cells in rows[:SEARCHED_ROWS])
    )


# The same rows are asked for when the sheet is chosen and when it is read.
@lru_cache(maxsize=4)
def _found(entity: EntityType, searched: tuple[tuple[str, ...], ...]) -> HeadingRow | None:
    best: HeadingRow | None = None
    counts = [_known(entity, texts) for texts in searched]
    for number, (texts, known) in enumerate(zip(searched, counts, strict=True), start=1):
        if known and (best is None or known > best.known):
            best = HeadingRow(number, texts, known, number)
    for count in range(2, _MOST_ROWS + 1):
        for first in range(len(searched) - count + 1):
            more_than = 1 if best is None else max(1, best.known)
            together = _together(entity, searched[first : first + count], more_than)
            if together is not None:
                best = HeadingRow(first + count, together, _known(entity, together), first + 1)
    if best is None:
        return None
    return _with_remarks(entity, searched, _first_table(searched, counts, best))


def _first_table(rows: Sequence[Sequence[str]], counts: Sequence[int], best: HeadingRow) -> HeadingRow:
    """The headings of the first of several tables: rows between it and the best ones would be lost without a word."""
    for number, texts in enumerate(rows[: best.first_row - 1], start=1):
        known = counts[number - 1]
        if (
            known >= _A_TABLE
            and known * 2 >= best.known
            and known * 2 >= sum(map(bool, texts))
            and any(any(row) for row in rows[number : best.first_row - 1])
        ):
            return HeadingRow(number, tuple(texts), known, number)
    return best


def _known(entity: EntityType, texts: Sequence[str]) -> int:
    return sum(1 for text in texts if text and entity.field_of(text) is not None)


def _together(entity: EntityType, rows: Sequence[Sequence[str]], more_than: int) -> tuple[str, ...] | None:
    """The headings that rows say together; None when a row says nothing, the last none of the headings, or no more are known."""
    width = max(map(len, rows))
    if not more_than < width <= _MOST_COLUMNS or not all(map(any, rows)):
        return None
    if any(len(text) > _LONGEST for row in rows for text in row):
        return None
    spread = [_spread(row, width) for row in rows[:-1]]
    own = [[row[at] if at < len(row) else "" for row in rows] for at in range(width)]
    headings = []
    adds = False
    unknown = 0
    for at, texts in enumerate(own):
        said = list(dict.fromkeys(filter(None, texts)))
        above = list(dict.fromkeys(filter(None, (row[at] for row in spread))))
        # A title above a known heading only says what it is about; what stands below one changes what it means.
        candidates = [" ".join(filter(None, texts)), " ".join(said), texts[-1], " ".join([*above, texts[-1]])]
        known = next((text for text in candidates if text and entity.field_of(text) is not None), None)
        unknown += known is None
        if width - unknown <= more_than:
            # Whatever the other columns say: most runs of rows are data, and are given up after a few columns.
            return None
        adds = adds or (known is not None and bool(texts[-1]))
        headings.append(known or " ".join(said))
    return tuple(headings) if adds else None


def _spread(row: Sequence[str], width: int) -> list[str]:
    """A row of titles, each of which stands over the blank cells to its right as well."""
    said, last = [], ""
    for at in range(width):
        last = (row[at] if at < len(row) else "") or last
        said.append(last)
    return said


def _with_remarks(entity: EntityType, rows: Sequence[Sequence[str]], found: HeadingRow) -> HeadingRow:
    """The headings with what stands below each of them and says only its unit, or whether it has to be filled."""
    below = rows[found.row] if found.row < len(rows) else ()
    remarks = {at: text.strip(BLANKS) for at, text in enumerate(below) if text.strip(BLANKS)}
    if not remarks or not all(map(_is_remark, remarks.values())) or max(remarks) >= len(found.headings):
        return found
    headings = list(found.headings)
    for at, remark in remarks.items():
        field = entity.field_of(headings[at])
        if field is not None and field.kind in NUMERIC:
            headings[at] = f"{headings[at]} ({remark.strip('()[]')})"
    known = _known(entity, headings)
    return replace(found, row=found.row + 1, headings=tuple(headings), known=known)


def _is_remark(text: str) -> bool:
    is_bracketed = text[0] in "([" and text[-1] in ")]"
    return is_bracketed or says_how_to_fill(heading_key(text)) or text.casefold() in _UNITS
