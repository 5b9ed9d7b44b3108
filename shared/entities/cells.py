"""One cell as it was read, in the shape it is kept in (`imports.raw_rows.cells`).

text -> str exactly as read; number -> int when whole, else float; boolean -> bool; blank -> None;
date or time -> {"date": "2026-01-31"}, {"date": "2026-01-31T10:00:00"} or {"time": "10:00:00"};
error cell -> its literal, for example "#REF!"; text equal to such a literal is an error cell in every format.
"""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import TypeAlias

import orjson

Cell: TypeAlias = str | int | float | bool | Mapping[str, str] | None

EXCEL_ERRORS: frozenset[str] = frozenset(
    {
        "#NULL!",
        "#DIV/0!",
        "#VALUE!",
        "#REF!",
        "#NAME?",
        "#NUM!",
        "#N/A",
        "#GETTING_DATA",
        "#SPILL!",
        "#CALC!",
        "#FIELD!",
        "#BLOCKED!",
        "#UNKNOWN!",
        "#CONNECT!",
        "#BUSY!",
        "#EXTERNAL!",
        "#PYTHON!",
    }
)

CELL_LENGTH_LIMIT = 32_767
"""The most characters a spreadsheet cell can hold (Excel's own limit); longer text cannot be handed back."""


def cell_text(cell: Cell) -> str:
    """The text a person sees in the cell: '' for a blank one; text is not trimmed.

    Numbers are their shortest decimal without an exponent (115243746.0 is `115243746`, 1e-7 is `0.0000001`),
    booleans `true` and `false`, dates and times ISO 8601.
    """
    if isinstance(cell, str):
        return cell
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int):
        return str(cell)
    if isinstance(cell, float):
        return _decimal_text(cell)
    return cell.get("date") or cell.get("time") or ""


def read_cells(document: str) -> list[Cell]:
    """The cells of a row from the JSON they are kept in."""
    try:
        cells: list[Cell] = orjson.loads(document)
    except orjson.JSONDecodeError:
        # Half a surrogate pair is a reason of its row; orjson refuses the whole document for it.
        cells = json.loads(document)
    return cells


def is_error(text: str) -> bool:
    """Whether a cell's text is the literal of a spreadsheet error, for example `#REF!`."""
    return text.startswith("#") and text.strip() in EXCEL_ERRORS


def is_blank(cell: Cell) -> bool:
    """Whether the cell says nothing: empty, or white space only. "0" and `false` are values."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _decimal_text(number: float) -> str:
    if number.is_integer():
        return str(int(number))
    return format(Decimal(repr(number)), "f")
