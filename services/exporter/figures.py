"""Numbers of a workbook as a text file says them, so that they are the same numbers when it comes again. Pure."""

from collections.abc import Mapping
from decimal import Decimal

from shared.entities.cells import Cell, cell_text
from shared.entities.decimals import ColumnSign, as_typed
from shared.entities.format_codes import number_format
from shared.entities.number_formats import plain_decimal


def figure(cell: Cell, sign: ColumnSign, *, is_percentages: bool, is_good: bool) -> str | None:
    """A number cell in a column of numbers; None for any other cell.

    What a format shows may be rounded, scaled or have a unit; what is imported is the number. So it is written with all
    its decimals and the decimal sign of its column, unless its format is what it was, or will be, refused for: then
    what is written is refused as well. `is_good` when it is known to be no mistake.
    """
    number, code = (cell.get("number"), str(cell.get("as", ""))) if isinstance(cell, Mapping) else (cell, "")
    parsed = number_format(code)
    if isinstance(number, bool | str) or number is None or parsed.is_date or parsed.is_duration:
        return None
    plain = plain_decimal(number)
    if parsed.is_percentage:
        return f"{as_typed(_hundredfold(number), sign)}%" if is_percentages else cell_text(cell)
    if parsed.is_scaled:
        return f"{cell_text(cell)} ({plain})"
    if parsed.units and not is_good:
        return cell_text(cell)
    typed = as_typed(plain, sign)
    # A comma alone would be taken for one that sets percentages apart.
    return f"{typed}%" if is_percentages and "," in typed else typed


def _hundredfold(number: float) -> str:
    return plain_decimal(float(Decimal(format(number, ".15g")) * 100))
