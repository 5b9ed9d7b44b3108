"""Values that a program has made of others, as a text file hands them back: it has no types of cells to say so.

Written as plain text, a date or a large number would be somebody's identifier when the file comes again as it is.
"""

from collections.abc import Mapping

from shared.entities.cells import Cell, has_lost_digits

_DATE = "#DATE! "


def marked(cell: Cell, shown: str) -> str:
    """The text of a bad cell in a column of text; `shown` is what a person saw in it."""
    if isinstance(cell, Mapping) and ("date" in cell or "time" in cell):
        return f"{_DATE}{shown}"
    number = cell.get("number") if isinstance(cell, Mapping) else cell
    if isinstance(number, int | float) and has_lost_digits(cell):
        return f"{float(number):.14E}"
    return shown


def marked_date(text: str) -> str | None:
    """What was shown of a date that was `marked`; None for any other text."""
    return text.removeprefix(_DATE).strip() if text.startswith(_DATE) else None
