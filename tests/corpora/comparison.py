"""One cell as we read it and as openpyxl does: the same under the rules of reading, or a difference of some kind. Pure."""

import datetime as dt
import math
from typing import Any

from openpyxl.utils.escape import unescape

from shared.entities.cells import UNCALCULATED, Cell, cell_text, is_blank, is_error


def difference(ours: Cell, theirs: Any, number_format: str) -> str | None:
    """The kind of difference between two readings of a cell, as `theirs read as ours`; None when they say the same.

    `theirs` and `number_format` are the value and the format of openpyxl's cell, read with `data_only`.
    """
    if ours == UNCALCULATED and theirs is None:
        # openpyxl says nothing of a formula without a value, which is a reason of ours.
        return None
    expected = _kind(theirs)
    found = _our_kind(ours)
    if expected != found:
        return f"{expected} read as {found}"
    return None if _SAME[expected](ours, theirs, number_format) else f"another {expected}"


def _kind(value: Any) -> str:
    if value is None or (isinstance(value, str) and is_blank(unescape(value))):
        return "blank"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, dt.datetime | dt.date):
        return "date"
    if isinstance(value, dt.time | dt.timedelta):
        return "time"
    return "error" if is_error(str(value)) else "text"


def _our_kind(cell: Cell) -> str:
    if is_blank(cell):
        return "blank"
    if isinstance(cell, bool):
        return "boolean"
    if isinstance(cell, int | float):
        return "number"
    if isinstance(cell, str):
        return "error" if is_error(cell) else "text"
    assert cell is not None
    return next(kind for kind in ("number", "date", "time", "text") if kind in cell)


def _same_number(ours: Any, theirs: Any, number_format: str) -> bool:
    number = ours["number"] if isinstance(ours, dict) else ours
    told = ours.get("as") if isinstance(ours, dict) else None
    return math.isclose(number, theirs, rel_tol=1e-15) and told in {None, number_format}


def _same_date(ours: Any, theirs: Any, _number_format: str) -> bool:
    said = dt.datetime.fromisoformat(ours["date"])
    meant = theirs if isinstance(theirs, dt.datetime) else dt.datetime.combine(theirs, dt.time())
    return abs(said - meant) < dt.timedelta(seconds=1)


def _same_time(ours: Any, theirs: Any, _number_format: str) -> bool:
    if isinstance(theirs, dt.timedelta):
        return bool(cell_text(ours))
    said = dt.time.fromisoformat(ours["time"])
    return (said.hour, said.minute, said.second) == (theirs.hour, theirs.minute, theirs.second)


def _same_text(ours: Any, theirs: Any, _number_format: str) -> bool:
    return _lines(cell_text(ours)) == _lines(unescape(str(theirs)))


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


_SAME = {
    "blank": lambda *_: True,
    "boolean": lambda ours, theirs, _: ours == theirs,
    "number": _same_number,
    "date": _same_date,
    "time": _same_time,
    "error": lambda ours, theirs, _: cell_text(ours).strip() == str(theirs).strip(),
    "text": _same_text,
}
