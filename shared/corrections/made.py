"""Values that a program has made of others, as a text file hands them back: it has no types of cells to say so.

Written as plain text, a date or a number in a format would be somebody's identifier when the file comes again as it is.
"""

from collections.abc import Mapping

from shared.entities.cells import Cell, has_lost_digits
from shared.entities.format_codes import number_format
from shared.entities.number_formats import looks_like_figure, shown_number

_DATE, _NUMBER = "#DATE! ", "#NUMBER! "


def marked(cell: Cell, shown: str) -> str:
    """The text of a bad cell in a column of text; `shown` is what a person saw in it."""
    if not isinstance(cell, Mapping):
        return _without_lost_digits(cell, shown)
    if "date" in cell or "time" in cell:
        return f"{_DATE}{shown}"
    number = cell.get("number")
    if isinstance(number, int | float):
        code = str(cell.get("as", ""))
        parsed, seen = number_format(code), shown_number(number, code)
        if parsed.is_date or parsed.is_duration:
            return f"{_DATE}{shown}"
        if seen is None or looks_like_figure(seen):
            return f"{_NUMBER}{shown}"
        return _without_lost_digits(number, shown)
    return shown


def marked_date(text: str) -> str | None:
    """What was shown of a date that was `marked`; None for any other text."""
    return text.removeprefix(_DATE).strip() if text.startswith(_DATE) else None


def marked_number(text: str) -> str | None:
    """What was shown of a number in a format that was `marked`; None for any other text."""
    return text.removeprefix(_NUMBER).strip() if text.startswith(_NUMBER) else None


def _without_lost_digits(cell: Cell, shown: str) -> str:
    if isinstance(cell, int | float) and has_lost_digits(cell):
        return f"{float(cell):.14E}"
    return shown
