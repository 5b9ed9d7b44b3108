"""What was decided of a file, in the words its sender reads it in. Pure; kept in `imports.imports.layout`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from services.parser.mapping.layout import Layout
from shared.entities.cells import BLANKS, Cell, cell_text, is_blank
from shared.entities.dates import DateFormat
from shared.entities.decimals import ColumnSign
from shared.entities.decisions import Decision
from shared.entities.separators import separator_name

_LONGEST_SAMPLE = 60


def sheet_decision(sheet: str, *, asked: bool, sheets: int) -> Decision:
    """Which sheet is read."""
    because = "" if asked else "the only one" if sheets == 1 else f"of {sheets} sheets the one that fits best"
    return _decision("sheet", sheet, asked=asked, because=because)


def encoding_decision(name: str, *, asked: bool, is_guess: bool, piece: str) -> Decision:
    """What the letters of a text file are written in."""
    because = f'for example "{piece}"' if is_guess and piece else ""
    return _decision("encoding", name, asked=asked, guessed=is_guess, because=because)


def separator_decision(delimiter: str, layout: Layout, *, asked: bool) -> Decision:
    """What separates the cells of a text file."""
    because = "" if asked else f"makes {len(layout.headings)} columns of the headings"
    return _decision("separator", separator_name(delimiter), asked=asked, because=because)


def quotation_decision(quote: str) -> list[Decision]:
    """What stands around the cells of a text file, where it is not the usual mark."""
    if quote == '"':
        return []
    return [
        _decision("quotation mark", "apostrophe", asked=False, because="stands around values, and no other mark does")
    ]


def heading_decision(layout: Layout, *, asked: bool) -> Decision:
    """Which row has the headings."""
    because = "" if layout.is_open else f"{len(layout.mapping.fields)} of {len(layout.headings)} headings are known"
    first, last = layout.first_heading_row, layout.heading_row
    rows = f"rows {first} to {last}" if first else f"row {last}"
    return _decision("headings", rows, asked=asked, because=because)


def decimal_decisions(layout: Layout, decimals: Mapping[str, Any], *, asked: bool) -> list[Decision]:
    """The decimal sign of each column whose numbers say it, or whose sign the sender named."""
    signs = {index: ColumnSign.of_layout({"decimals": decimals}, index) for index in layout.mapping.fields.values()}
    said: dict[str, list[str]] = {}
    for index, sign in sorted(signs.items()):
        if str(index) in decimals and sign.decided:
            said.setdefault(str(sign.sign), []).append(layout.headings[index])
    return [
        _decision("decimal sign", sign, asked=asked, because=f"in {', '.join(columns)}")
        for sign, columns in said.items()
    ]


def date_decisions(layout: Layout, dates: Mapping[str, Any], *, asked: bool) -> list[Decision]:
    """The form of the dates of each column whose dates say it, or whose form the sender named."""
    said: dict[str, list[str]] = {}
    for index in sorted(layout.mapping.fields.values()):
        form = dates.get(str(index), {}).get("format")
        if form is not None:
            said.setdefault(DateFormat(form).says, []).append(layout.headings[index])
    return [_decision("dates", form, asked=asked, because=f"in {', '.join(columns)}") for form, columns in said.items()]


def samples(layout: Layout, rows: Iterable[Sequence[Cell]]) -> list[str | None]:
    """Of each column the first cell below the headings that says something, cut to a line."""
    found: list[str | None] = [None] * len(layout.headings)
    for number, cells in enumerate(rows, start=1):
        if number <= layout.heading_row or number in layout.examples:
            continue
        for index in range(min(len(cells), len(found))):
            if found[index] is None and not is_blank(cells[index]):
                found[index] = _line(cells[index])
    return found


def _line(cell: Cell) -> str:
    text = cell_text(cell)[: _LONGEST_SAMPLE + 1].strip(BLANKS)
    printable = "".join(character if character.isprintable() else "?" for character in text)
    return printable if len(printable) <= _LONGEST_SAMPLE else f"{printable[:_LONGEST_SAMPLE]}…"


def _decision(name: str, value: str, *, asked: bool, because: str, guessed: bool = False) -> Decision:
    return Decision(name, value, "asked" if asked else "guessed" if guessed else "found", because)
