"""One cell as it was read, in the shape it is kept in (`imports.raw_rows.cells`).

text -> str exactly as read; number -> int when whole, else float; boolean -> bool; blank -> None;
date or time -> {"date": "2026-01-31"}, {"date": "2026-01-31T10:00:00"} or {"time": "10:00:00"}, and with "as" the number
format in which it is shown ({"date": "2026-06-08", "as": "d-mmm"}) where the file has one;
number in a format that shows something else than its decimal -> {"number": 0.8, "as": "0%"};
text with a hyperlink to somewhere else -> {"text": "Shop", "link": "https://…"};
error cell -> its literal, for example "#REF!"; text equal to such a literal is an error cell in every format.
"""

import json
import re
from collections.abc import Mapping
from typing import TypeAlias

import orjson

from shared.entities.number_formats import plain_decimal, shown_date, shown_number

Cell: TypeAlias = str | int | float | bool | Mapping[str, str | int | float] | None

# A cell with a formula that no program has calculated yet.
UNCALCULATED = "#UNCALCULATED!"

# Excel's own, and what it calls them in the languages its text files come in.
SPREADSHEET_ERRORS: frozenset[str] = frozenset(
    (
        f"{UNCALCULATED} #NULL! #DIV/0! #VALUE! #REF! #NAME? #NUM! #N/A #GETTING_DATA #SPILL! #CALC! #FIELD! #BLOCKED! "
        "#UNKNOWN! #ERROR! #CONNECT! #BUSY! #EXTERNAL! #PYTHON! "
        "#NV #WERT! #BEZUG! #ZAHL! #ÜBERLAUF! "
        "#VALEUR! #NOM? #NOMBRE! #NUL! "
        "#¡VALOR! #¡REF! #¿NOMBRE? #¡NUM! #¡DIV/0! #¡NULO! "
        "#N/D #VALORE! #RIF! #NOME? #NULLO! #VALOR! #NÚM! #NULO! "
        "#N/B #WAARDE! #VERW! #NAAM? #GETAL! #DEEL/0! #LEEG! "
        "#N/D! #ARG! #ADR! #NAZWA? #LICZBA! #DZIEL/0! #ZERO!"
    ).split()
)
_LIBREOFFICE_ERROR = re.compile(r"Err:\d{3}")
MAY_BE_ERROR = frozenset("#E")
"""What the literal of an error begins with."""

BLANKS = "".join(
    map(chr, [*range(9, 14), *range(28, 33), 0x85, 0xA0, 0x1680, *range(0x2000, 0x200C), 0x2028, 0x2029])
) + ("\u202f\u205f\u2060\u3000\ufeff\u00ad\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2800")
"""White space, and what takes no room at all: what surrounds a value without being part of it."""

CELL_LENGTH_LIMIT = 32_767
"""The most characters a spreadsheet cell can hold (Excel's own limit); longer text cannot be handed back."""


def cell_text(cell: Cell) -> str:
    """The text a person sees in the cell: '' for a blank one; text is not trimmed.

    Numbers are as their format shows them, without one their shortest decimal without an exponent (115243746.0 is
    `115243746`, 1e-7 is `0.0000001`); booleans `true` and `false`; dates and times as their format shows them, ISO 8601
    where it is not known.
    """
    if isinstance(cell, str):
        return cell
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int | float):
        return plain_decimal(cell)
    return _shown(cell)


def _shown(cell: Mapping[str, str | int | float]) -> str:
    if "text" in cell:
        return str(cell["text"])
    code = cell.get("as")
    if "number" in cell:
        number = cell["number"]
        assert not isinstance(number, str)
        shown = shown_number(number, str(code))
        return plain_decimal(number) if shown is None else shown
    return shown_date(str(cell.get("date") or cell.get("time") or ""), None if code is None else str(code))


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
    if text[:1] not in MAY_BE_ERROR:
        return False
    literal = text.strip()
    return literal in SPREADSHEET_ERRORS or _LIBREOFFICE_ERROR.fullmatch(literal) is not None


_LOST_DIGITS = re.compile(
    r"[+-]?[0-9]+(?:[.,][0-9]+)?[eE]\+[0-9]+|[+-]?[0-9][.,][0-9]{14}[eE]-[0-9]+|[+-]?[0-9][.,][0-9]{2,}[eE][0-9]{1,2}"
    r"|[0-9]+[.,]0|[0-9]{8,}[.,]00"
)
_MOST_DIGITS = 15
_LARGEST_EXACT = 999_999_999_999_999


def has_lost_digits(cell: Cell) -> bool:
    """Whether a program has made a number of an identifier and digits of it may be lost.

    So it is with a number of more than 15 digits, which is as many as a spreadsheet keeps, and with text such as
    `1.986E+17` or `115243746.0`.
    """
    if isinstance(cell, str):
        return bool(_LOST_DIGITS.fullmatch(cell))
    number = cell.get("number") if isinstance(cell, Mapping) else cell
    if isinstance(number, bool) or not isinstance(number, int | float):
        return False
    if isinstance(number, int) or number.is_integer():
        return abs(number) > _LARGEST_EXACT
    return len(plain_decimal(number).replace(".", "").lstrip("-0")) > _MOST_DIGITS


# How spreadsheets show what they have made a date of, as they write it into text files: 6-8 is 8-Jun, 6/2008 is Jun-08.
_MADE_DATE = re.compile(
    r"[0-3]?[0-9]-(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
    r"|janv|févr|fév|mars|avr|mai|juin|juil|août|sept|déc|gen|mag|giu|lug|ago|ott|dic|ene|abr|may|jun|jul|fev|dez|mrt|mei|okt)\.?"
    r"|(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec|janv|févr|mars|avr|mai|juin|juil|août|sept|déc)\.?-[0-9]{2}"
    r"|[0-3][0-9]\. (?:Jan|Feb|Mrz|Mär|Apr|Mai|Jun|Jul|Aug|Sep|Okt|Nov|Dez)"
)
_LONGEST_MADE_DATE = len("08-sept.")


def is_made_date(text: str) -> bool:
    """Whether it looks as a spreadsheet shows a date that it made of something else: `8-Jun`, `Jun-08`, `08. Jun`."""
    return len(text) <= _LONGEST_MADE_DATE and _MADE_DATE.fullmatch(text) is not None


_MANGLED = re.compile(r"[0-9]+[.,][0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE]\+[0-9]+")


def is_mangled_number(text: str) -> bool:
    """Whether a program has made a number of what is none, as of a barcode: `115243746.0`, `4.00638E+12`."""
    return _MANGLED.fullmatch(text) is not None


def is_blank(cell: Cell) -> bool:
    """Whether the cell says nothing: empty, or only `BLANKS`. "0" and `false` are values."""
    return cell is None or (isinstance(cell, str) and not cell.strip(BLANKS))
