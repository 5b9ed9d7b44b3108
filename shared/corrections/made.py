"""Cells that show something else than they hold, as a text file hands them back: it has no types of cells, and no formats.

What is written means the same when it comes again. Where a cell is refused for what a program has made of it, a text that
looks the same would not be: it is marked, or written so that it is refused again.
"""

from collections.abc import Mapping

from shared.entities.cells import Cell, cell_text, has_lost_digits
from shared.entities.declaration import NUMERIC, Field, Kind
from shared.entities.format_codes import number_format
from shared.entities.number_formats import hundredfold, looks_like_figure, plain_decimal, shown_number
from shared.entities.units import is_unit_of
from shared.values.formatted import is_free_text, linked
from shared.values.numbers import SPREADSHEET_DIGITS

_DATES = frozenset({Kind.DATE, Kind.MOMENT})
_DATE, _NUMBER = "#DATE! ", "#NUMBER! "


def written(cell: Cell, field: Field | None, *, names_record: bool) -> str:  # noqa: PLR0911 - one for each shape of a cell
    """The text of a cell in the column of a field, None for a column that is not imported."""
    if field is None:
        return cell_text(cell)
    if isinstance(cell, float) and field.kind in NUMERIC:
        return plain_decimal(_as_read(cell))
    if not isinstance(cell, Mapping):
        return _with_digits(cell, cell_text(cell), names_record=names_record)
    if "text" in cell:
        return linked(str(cell["text"]), str(cell["link"]), field.kind)
    if field.kind in _DATES and (at := cell.get("date") or cell.get("time")):
        return str(at)
    number = cell.get("number")
    if number is None or isinstance(number, str):
        return _date(cell_text(cell), field, names_record=names_record)
    return _number(number, str(cell.get("as", "")), field, names_record=names_record)


def marked_date(text: str) -> str | None:
    """What was shown of a date that was marked, "" where its format showed nothing; None for any other text."""
    return _marked(text, _DATE)


def marked_number(text: str) -> str | None:
    """What was shown of a number in a format that was marked; None for any other text."""
    return _marked(text, _NUMBER)


def _marked(text: str, mark: str) -> str | None:
    return text.removeprefix(mark.rstrip()).strip() if f"{text} ".startswith(mark) else None


def _as_read(number: float) -> float:
    """A number with the digits that count of it (`shared.values.numbers`): those behind them would be digits of its text."""
    return number if isinstance(number, int) else float(f"{number:.{SPREADSHEET_DIGITS}g}")


def _date(shown: str, field: Field, *, names_record: bool) -> str:
    return shown if is_free_text(field, names_record=names_record) else f"{_DATE}{shown}"


def _number(number: float, code: str, field: Field, *, names_record: bool) -> str:
    parsed, seen = number_format(code), shown_number(number, code)
    shown = plain_decimal(number) if seen is None else seen
    if parsed.is_date or parsed.is_duration:
        return _date(shown, field, names_record=names_record or seen is None)
    if seen == "":
        return f"{_NUMBER}{plain_decimal(number)}" if number else ""
    if field.kind in NUMERIC:
        if field.kind is Kind.PERCENTAGES and parsed.is_percentage:
            return f"{plain_decimal(hundredfold(number))}%"
        is_other = parsed.is_percentage or parsed.is_scaled or not is_unit_of(parsed.units, field)
        return f"{_NUMBER}{shown}" if is_other else plain_decimal(_as_read(number))
    if seen is None or (names_record and looks_like_figure(seen)):
        return f"{_NUMBER}{shown}"
    return _with_digits(number, seen, names_record=names_record)


def _with_digits(cell: Cell, shown: str, *, names_record: bool) -> str:
    if names_record and isinstance(cell, int | float) and has_lost_digits(cell):
        return f"{float(cell):.14E}"
    return shown
