"""Cells of a workbook that show something else than they hold: numbers under a format, dates, hyperlinks.

A cell means what its sender sees; where that cannot be kept, the cell has an error. `shared.corrections.made` writes such cells
into text files, so that they mean the same, or are refused again, when they come back.
"""

from collections.abc import Mapping

from shared.entities.cells import Cell, cell_text, has_lost_digits
from shared.entities.declaration import NUMERIC, Field, Identifier, Kind
from shared.entities.errors import CellError, shown
from shared.entities.format_codes import NumberFormat, number_format
from shared.entities.number_formats import hundredfold, looks_like_figure, plain_decimal, shown_number
from shared.entities.units import is_unit_of

Shown = str | int | float

_DATES = frozenset({Kind.DATE, Kind.MOMENT})
_MAIL = "mailto:"


def is_free_text(field: Field, *, names_record: bool) -> bool:
    """Whether a date may be said in it as the sender saw it; everywhere else it was made of something else."""
    return field.kind in {Kind.TEXT, Kind.LONG_TEXT} and not names_record


def read_formatted(cell: Mapping[str, str | int | float], field: Field, *, names_record: bool) -> Shown | CellError:
    """What such a cell says in a field; `names_record` for identifiers and group keys."""
    if "text" in cell:
        return linked(str(cell["text"]), str(cell["link"]), field.kind).strip()
    if field.kind in _DATES and (at := cell.get("date") or cell.get("time")):
        return str(at)
    number = cell.get("number")
    if number is None or isinstance(number, str):
        return _date(cell_text(cell), is_free_text=is_free_text(field, names_record=names_record))
    return _number(number, str(cell.get("as", "")), field, names_record=names_record)


def linked(text: str, link: str, kind: Kind) -> str:
    """A text with a hyperlink: where it leads to in a field of addresses."""
    if kind is Kind.EMAIL and "@" not in text and link.lower().startswith(_MAIL):
        return link[len(_MAIL) :].partition("?")[0]
    return link if kind in {Kind.URL, Kind.LINK} else text


def lost_digits(cell: Cell, identifier: Identifier | None, field: Field) -> CellError | None:
    """What is wrong with an identifier of which a program has made a number."""
    if not has_lost_digits(cell):
        return None
    label = field.heading if identifier is None else identifier.label
    label = label if label.isupper() else label.lower()
    return CellError(
        f"invalid_{field.code}",
        f'"{shown(cell_text(cell))}" is a {label} that a program has made a number of, and digits may be lost; '
        f"format the column as text and enter all digits",
    )


def made_a_date(text: str) -> CellError:
    """What is wrong with a date, shown as `text`, where none belongs."""
    return CellError(
        "invalid_cell",
        f'"{shown(text)}": Excel made a date of this; format the column as text and type it again',
    )


def made_a_number(text: str) -> CellError:
    """What is wrong with a number, shown as `text`, where none belongs."""
    return CellError(
        "invalid_cell",
        f'"{shown(text)}": a program has made a number of this; format the column as text and type it again',
    )


def _date(text: str, *, is_free_text: bool) -> str | CellError:
    return text if is_free_text else made_a_date(text)


def _number(number: float, code: str, field: Field, *, names_record: bool) -> Shown | CellError:
    parsed = number_format(code)
    seen = shown_number(number, code)
    if parsed.is_date or parsed.is_duration:
        may_be_said = is_free_text(field, names_record=names_record) and seen is not None
        return _date(seen or plain_decimal(number), is_free_text=may_be_said)
    if seen == "":
        return _unseen(number, code)
    if field.kind in NUMERIC:
        return _figure(number, parsed, seen, field)
    if seen is None:
        return CellError(
            "invalid_cell",
            f'{plain_decimal(number)} is shown in a format we do not know ("{shown(code)}"); format the column as text and '
            f"type what you see",
        )
    if names_record and looks_like_figure(seen):
        return CellError(
            f"invalid_{field.code}",
            f'"{shown(seen)}" is {plain_decimal(number)} in a number format; format the column as text and enter it as it '
            f"should be",
        )
    return seen


def _unseen(number: float, code: str) -> str | CellError:
    """What a cell says that looks blank: nothing where it holds 0, as formats hide it; else nobody knows."""
    if not number:
        return ""
    return CellError(
        "invalid_cell",
        f'The cell looks blank and holds {plain_decimal(number)}, which its format ("{shown(code)}") does not show; clear it, or '
        f"format it so that it can be seen",
    )


def _figure(number: float, parsed: NumberFormat, seen: str | None, field: Field) -> float | CellError:
    """The number of a number field: what is shown, with the decimals that are not."""
    if parsed.is_percentage:
        if field.kind is Kind.PERCENTAGES:
            return hundredfold(number)
        return _not_this_number(number, seen, field, f"type the number without the percent sign, {_percent(number)} or")
    if parsed.is_scaled:
        return _not_this_number(number, seen, field, "format the column as plain numbers; it holds")
    if not is_unit_of(parsed.units, field):
        return _not_this_number(number, seen, field, f'type the number for "{field.heading}" without the unit, perhaps')
    return number


def _not_this_number(number: float, seen: str | None, field: Field, what: str) -> CellError:
    code = "invalid_percentage" if field.kind is Kind.PERCENTAGES else "invalid_number"
    return CellError(
        code, f'"{shown(seen or plain_decimal(number))}" is no plain number; {what} {plain_decimal(number)}'
    )


def _percent(number: float) -> str:
    return plain_decimal(hundredfold(number))
