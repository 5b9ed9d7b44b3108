"""What a spreadsheet cell can hold, for text that is handed back."""

from shared.corrections.formulas import neutralise
from shared.entities.cells import CELL_LENGTH_LIMIT

CUT = " […] cut here: the whole text is in the failed-rows CSV"
"""How text ends that is longer than a cell can be."""


def handed_back_length(text: str) -> int:
    """How much of a cell the text takes when it is handed back: spreadsheets count UTF-16 code units."""
    written = neutralise(text)
    return len(written) if written.isascii() else len(written.encode("utf-16-le", "surrogatepass")) // 2


def fitting(text: str, *, beside: int = 0) -> str:
    """The text as a cell can hold it that holds so many characters beside; cut, and ended with `CUT`, when it is too long."""
    units, most = text.encode("utf-16-le", "surrogatepass"), CELL_LENGTH_LIMIT - beside
    if len(units) <= 2 * most:
        return text
    return units[: 2 * (most - len(CUT))].decode("utf-16-le", "ignore") + CUT


def was_cut(text: str) -> bool:
    """Whether the text is one that `fitting` has cut."""
    return text.endswith(CUT)
