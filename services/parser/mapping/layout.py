"""Where in a sheet the headings and the data are. Pure: rows of cells in, a layout out.

Source of the rules: products.md, "Layouts that must be read", and docs/decisions/0006-template-example-row.md.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.parser.mapping.headings import SEARCHED_ROWS, HeadingRow, heading_row
from services.parser.mapping.interpretation import storable
from services.parser.mapping.one_column import one_column
from services.parser.refusals import FileRefused
from shared.corrections import restore, was_handed_back
from shared.entities import EntityType
from shared.entities.cells import BLANKS, Cell, cell_text, is_blank
from shared.entities.decimals import written
from shared.entities.mapping import ColumnMapping, MappingOutcome, chosen_mapping, map_headings
from shared.entities.names import column_letter, heading_key

# So many rows are looked at before the sheet is read.
FIRST_ROWS = SEARCHED_ROWS + 200
_LONGEST_HEADING = 200
_MOST_TEXT = 200_000
"""The most characters of all headings together: they are kept, and handed back, as they are."""
# As many known headings make a table; one may stand anywhere.
A_TABLE = 2


@dataclass(frozen=True)
class Layout:
    """What is read from where. Row numbers are the file's own, from 1."""

    headings: tuple[str, ...]
    mapping: ColumnMapping
    heading_row: int
    examples: frozenset[int] = frozenset()
    """Rows that are the template's example, and no data."""
    notices: tuple[Mapping[str, Any], ...] = ()
    blank: tuple[int, ...] = ()
    """Columns without a heading, which are called by their number."""
    handed_back: bool = False
    """Whether it is a file of ours that comes again: text in it was made harmless, and is restored."""
    first_heading_row: int = 0
    """Where the headings go over several rows, the first of them."""
    is_open: bool = False
    """Whether a person will say what the columns mean: until then any may mean anything, and every row is kept."""


def find_layout(
    entity: EntityType,
    mode: str,
    rows: Sequence[Sequence[Cell]],
    name: str,
    *,
    handed_back: bool = False,
    notices: Sequence[Mapping[str, Any]] = (),
    wanted_row: int | None = None,
    chosen: Callable[[Sequence[str]], Mapping[str, int] | None] | None = None,
) -> Layout:
    """The layout of a sheet (or text file) from its first rows.

    `name` says which file or sheet; `handed_back` that something else than its headings shows that it is one of ours;
    `notices` are what there is to tell already; `wanted_row` is the row of headings where the sender names it; `chosen` says
    what a person has let headings mean, None where they speak for themselves.

    Raises:
        FileRefused: no headings, headings missing, or two of the same meaning.
    """
    found = heading_row(entity, rows) if wanted_row is None else wanted_headings(rows, wanted_row)
    if wanted_row is None and chosen is not None:
        found = _chosen_headings(rows, chosen, found, handed_back=handed_back)
    if (found is None or found.known < A_TABLE) and (said := one_column(entity, rows[:SEARCHED_ROWS])) is not None:
        raise FileRefused("one_column", f"{name} {said}")
    if found is None and wanted_row is not None:
        raise FileRefused(
            "no_headings",
            f"{name} says nothing in row {wanted_row}, which was named as its row of headings. Name another row, or none, and "
            f"send the file again",
        )
    if found is None:
        wanted = ", ".join(f'"{heading}"' for heading in entity.headings[:4])
        raise FileRefused(
            "no_headings",
            f"{name} has no row of headings we know within its first {SEARCHED_ROWS} rows. Put the headings of the "
            f"template ({wanted}, …) into one row above the data and send the file again",
        )
    headings, blank, handed_back = names_of(found, handed_back=handed_back)
    mapping = _mapping(entity, headings, mode, None if chosen is None else chosen(headings))
    if not isinstance(mapping, ColumnMapping):
        raise FileRefused(mapping.code, f"{name}: {mapping.message}")
    check_lengths(headings, mapping, name)
    examples, of_example = example_rows(entity, rows, found, mapping)
    told = (*notices, *mapping.notices, *_above(entity, rows, found, mapping), *of_example)
    first = found.first_row if found.first_row < found.row else 0
    return Layout(headings, mapping, found.row, examples, told, blank, handed_back, first)


def _chosen_headings(
    rows: Sequence[Sequence[Cell]],
    chosen: Callable[[Sequence[str]], Mapping[str, int] | None],
    found: HeadingRow | None,
    *,
    handed_back: bool,
) -> HeadingRow | None:
    """The row whose headings a person has let mean most, where that is more than is known of the row that was found."""
    for number, cells in enumerate(rows[:SEARCHED_ROWS], start=1):
        texts = tuple(storable(cell_text(cell).strip()) for cell in cells)
        ours = handed_back or was_handed_back(texts)
        means = chosen(named_headings(tuple(map(restore, texts)) if ours else texts)) or {}
        if len(means) > (0 if found is None else found.known):
            found = HeadingRow(number, texts, len(means), number)
    return found


def names_of(found: HeadingRow, *, handed_back: bool) -> tuple[tuple[str, ...], tuple[int, ...], bool]:
    """What the columns are called, which of them by their number alone, and whether the file is one of ours that comes again."""
    handed_back = handed_back or was_handed_back(found.headings)
    texts = tuple(map(restore, found.headings)) if handed_back else found.headings
    headings = tuple(named_headings(texts))
    return headings, tuple(index for index in range(len(headings)) if not texts[index]), handed_back


def _above(
    entity: EntityType, rows: Sequence[Sequence[Cell]], found: HeadingRow, mapping: ColumnMapping
) -> list[Mapping[str, Any]]:
    """A notice of rows above the headings that say as much as a record does; the titles of the template's groups do not."""
    enough = max(len(mapping.fields) // 2, 3)
    titles = {heading_key(section) for section in entity.sections}
    filled = [
        number
        for number, cells in enumerate(rows[: found.first_row - 1], start=1)
        if sum(not is_blank(cells[at]) for at in mapping.fields.values() if at < len(cells)) >= enough
        and not all(is_blank(cell) or heading_key(cell_text(cell)) in titles for cell in cells)
    ]
    if not filled:
        return []
    message = f"Rows above the headings in row {found.row} were not imported, first in row {filled[0]}"
    return [{"code": "rows_above_headings", "message": message, "row": filled[0], "count": len(filled)}]


def _mapping(
    entity: EntityType, headings: Sequence[str], mode: str, chosen: Mapping[str, int] | None
) -> MappingOutcome:
    mapping = None if chosen is None else chosen_mapping(entity, headings, mode, chosen)
    # Headings that were renamed since may leave a needed field without a column: they speak for themselves then.
    return mapping if isinstance(mapping, ColumnMapping) else map_headings(entity, headings, mode)


def wanted_headings(rows: Sequence[Sequence[Cell]], number: int) -> HeadingRow | None:
    """The row that the sender calls the headings; None when there is nothing in it."""
    cells = rows[number - 1] if number <= len(rows) else ()
    texts = tuple(storable(cell_text(cell).strip()) for cell in cells)
    return HeadingRow(number, texts, sum(map(bool, texts)), number) if any(texts) else None


def check_lengths(headings: Sequence[str], mapping: ColumnMapping, name: str) -> None:
    """A heading is repeated with every reason in its column, however small the file is that says it."""
    for index in mapping.fields.values():
        if len(headings[index]) > _LONGEST_HEADING:
            raise FileRefused(
                "heading_too_long",
                f"{name}: the heading in column {column_letter(index)} has {len(headings[index]):,} characters; name the "
                f"column as in the template and send the file again",
            )
    if sum(map(len, headings)) > _MOST_TEXT:
        longest = max(range(len(headings)), key=lambda index: len(headings[index]))
        raise FileRefused(
            "heading_too_long",
            f"{name}: its headings have more than {_MOST_TEXT:,} characters together, that of column "
            f"{column_letter(longest)} {len(headings[longest]):,}; shorten them and send the file again",
        )


def named_headings(texts: Sequence[str]) -> list[str]:
    """Headings without trailing blanks; a blank one between others is called by its number."""
    last = max((number for number, text in enumerate(texts, start=1) if text), default=0)
    return [text or f"Column_{number}" for number, text in enumerate(texts[:last], start=1)]


def example_rows(
    entity: EntityType, rows: Sequence[Sequence[Cell]], found: HeadingRow, mapping: ColumnMapping
) -> tuple[frozenset[int], list[Mapping[str, Any]]]:
    """The template's example row below the headings, with a notice: only while it is that example to the last cell."""
    # In another layout than the template's, and with fewer columns, somebody's own record may say the same.
    if not _has_titles(entity, rows, found) and len(mapping.fields) < len(entity.fields):
        return frozenset(), []
    below = enumerate(rows[found.row :], start=found.row + 1)
    row, cells = next(((row, cells) for row, cells in below if not all(map(is_blank, cells))), (0, ()))
    if not cells or not _is_example(entity, cells, mapping):
        return frozenset(), []
    message = f"Row {row} is the template's example and was not imported"
    return frozenset({row}), [{"code": "example_row", "message": message, "row": row}]


def _has_titles(entity: EntityType, rows: Sequence[Sequence[Cell]], found: HeadingRow) -> bool:
    """Whether the template's group titles are above the headings."""
    sections = {heading_key(section) for section in entity.sections if section}
    above = rows[found.first_row - 2] if found.first_row > 1 else ()
    titles = [cell_text(cell) for cell in above if not is_blank(cell)]
    return bool(titles) and all(heading_key(title) in sections for title in titles)


def _is_example(entity: EntityType, cells: Sequence[Cell], mapping: ColumnMapping) -> bool:
    return all(_says(_at(cells, index), entity.by_code[code].example) for code, index in mapping.fields.items())


def _says(cell: Cell, example: Cell) -> bool:
    """Whether the cell says what the example's does, in whatever format, and however a program ends its lines."""
    if isinstance(cell, Mapping) and "number" in cell and isinstance(example, int | float):
        return float(cell["number"]) == example
    if isinstance(cell, str) and isinstance(example, float) and (number := written(cell.strip(BLANKS))) is not None:
        # Saved as a text file, it has the decimal sign of whoever saved it.
        return float(example) in {float(number.by_point), float(number.by_comma)}
    return cell_text(cell).strip(BLANKS).split() == cell_text(example).strip(BLANKS).split()


def _at(cells: Sequence[Cell], index: int) -> Cell:
    return cells[index] if index < len(cells) else None
