"""Numbers as people write them: exact, never rounded behind the sender's back."""

import re
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import TypeAlias

from shared.entities.cells import cell_text
from shared.entities.declaration import Decimals
from shared.entities.errors import CellError, shown

Figure: TypeAlias = str | int | float
"""A number as a cell has it: a text, or a number of the spreadsheet's own."""

_PLAIN = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)")
_EXPONENT = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)[eE][+-]?[0-9]+")
_CACHED_LENGTH = 64
SPREADSHEET_DIGITS = 15
"""What a spreadsheet shows of a number; beyond them a binary fraction has noise (0.30000000000000004)."""


def read_decimal(value: Figure, kept: Decimals, *, signed: bool = False) -> Decimal | CellError:
    """A decimal that the column keeps unchanged, of zero or more unless `signed`.

    Text is digits with at most one point. `1,5`, `1e3`, `1_000`, `NaN` and figures with units are refused, so
    is a figure with more digits than the column keeps: nothing is rounded, except that a number cell counts
    with the 15 significant digits a spreadsheet shows.
    """
    if not isinstance(value, str):
        return _read(value, _of_number(value), kept.precision, kept.scale, signed)
    if len(value) <= _CACHED_LENGTH:
        return _cached_text(value, kept.precision, kept.scale, signed)
    return _of_text(value, kept.precision, kept.scale, signed)


def exact(value: Figure) -> Decimal | None:
    """The number a cell says, whatever its size and sign; None when it says none."""
    if not isinstance(value, str):
        return _of_number(value)
    return Decimal(value) if _PLAIN.fullmatch(value) else None


def digits_after_point(number: Decimal) -> int:
    """How many decimals the number needs; trailing zeros do not count."""
    _, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int) or exponent >= 0:
        return 0
    needed = -exponent
    for digit in reversed(digits):
        if digit or not needed:
            break
        needed -= 1
    return needed if number else 0


def _of_number(number: float) -> Decimal:
    if isinstance(number, int):
        return Decimal(number)
    return Decimal(format(number, f".{SPREADSHEET_DIGITS}g"))


def _of_text(text: str, precision: int, scale: int, signed: bool) -> Decimal | CellError:
    if _PLAIN.fullmatch(text):
        return _read(text, Decimal(text), precision, scale, signed)
    if _EXPONENT.fullmatch(text):
        return _invalid(text, "is written with an exponent; write all its digits")
    return _invalid(text, "is not a number; use a point for decimals")


def _read(value: Figure, number: Decimal, precision: int, scale: int, signed: bool) -> Decimal | CellError:
    whole = precision - scale
    if number < 0 and not signed:
        return _invalid(value, "is negative; it must be 0 or more")
    if number.adjusted() >= whole and number:
        return _invalid(value, f"is too large; at most {whole} digits before the point are kept")
    decimals = digits_after_point(number)
    if decimals > scale:
        return _invalid(value, f"has {decimals} decimals, but {scale} are kept; round it as you want")
    return number if number < 0 else number.copy_abs()


def _invalid(value: Figure, reason: str) -> CellError:
    return CellError("invalid_number", f'"{shown(cell_text(value))}" {reason}')


_cached_text: Callable[[str, int, int, bool], Decimal | CellError] = lru_cache(maxsize=8_192)(_of_text)
