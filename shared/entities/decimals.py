"""Numbers as people write them in text: which sign is the decimal one is a habit of the whole column, not of a cell.

`1.250,00` and `12,5` have a decimal comma, `1,250.00` and `12.5` a decimal point; `1,250` and `1.250` may be either.
Blanks and apostrophes set thousands apart in both. Digits and signs of other scripts mean the same: `１２，５`, `١٢٫٥`. Pure: the parser counts what a column says, the validator reads by it.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any


class Sign(StrEnum):
    """What is written between the whole and its decimals."""

    COMMA = "comma"
    POINT = "point"

    @property
    def character(self) -> str:
        """The sign itself."""
        return "," if self is Sign.COMMA else "."


_GAPS = " \u00a0\u2007\u2008\u2009\u200a\u202f\u3000'’ʼ´`"
_WHOLE = re.compile(r"[+-]?[0-9]+")
_GAPPED = re.compile(rf"([+-]?[0-9]{{1,3}}(?:[{_GAPS}][0-9]{{3}})+)(?:([.,])([0-9]*))?")
_ONE_SIGN = re.compile(r"([+-]?)([0-9]*)([.,])([0-9]*)")
_GROUPED = re.compile(r"([+-]?[0-9]{1,3}(?:([.,])[0-9]{3})(?:\2[0-9]{3})*)(?:([.,])([0-9]*))?")
_ANY_GAP = re.compile(f"[{_GAPS}]")
_THOUSANDS = 3
# Beside a number these change it: signs, fractions, powers.
_CHANGING = "\u2010-\u2015\u2044\u2212¼½¾⅐-⅞²³¹⁰-⁹₀-₉"
_UNIT = re.compile(
    rf"[^0-9+\-,%({_CHANGING}]{{0,8}}(?<![.,])([+-]?[0-9](?:[0-9.,{_GAPS}]*[0-9])?)[^0-9.,%:;|/\-{_CHANGING}]{{0,16}}"
)
_ARABIC_POINT, _ARABIC_THOUSANDS = "\u066b", "\u066c"
_ARABIC = re.compile(rf"([+-]?[0-9]{{1,3}}(?:{_ARABIC_THOUSANDS}[0-9]{{3}})+|[+-]?[0-9]+)(?:{_ARABIC_POINT}([0-9]*))?")
# Of other scripts, and signs of their own width.
_SIGNS = str.maketrans("，．；％｜＋－−٪؛", ",.;%|+--%;")


@dataclass(frozen=True, slots=True)
class Written:
    """A number of a text: as digits with a point, by the sign it is read with.

    `sign` is the one that was surely meant, None where there is none; `is_open` when it could be either.
    """

    by_point: str
    by_comma: str
    sign: Sign | None = None
    is_open: bool = False

    def by(self, sign: Sign) -> str:
        """The number, were this the decimal sign."""
        return self.by_comma if sign is Sign.COMMA else self.by_point


@dataclass(frozen=True, slots=True)
class ColumnSign:
    """How the numbers of a column are read. What could be either is asked about, unless the column (or the sender) decides.

    `decided`: all that decides speaks for this sign. `contested`: there is something for the other as well, or not all
    of the column was seen.
    """

    sign: Sign = Sign.POINT
    decided: bool = False
    contested: bool = False

    @staticmethod
    def of_layout(detected: Mapping[str, Any] | None, column: int) -> "ColumnSign":
        """As the ledger has it of a file (`imports.imports.layout`); a column that was not looked at is contested."""
        if detected is None or "decimals" not in detected:
            return ColumnSign()
        said = detected["decimals"].get(str(column))
        if said is None:
            return ColumnSign(contested=True)
        return ColumnSign(Sign(said["sign"]), said["decided"], said["contested"])

    @property
    def kept(self) -> dict[str, Any]:
        """The same, for the ledger."""
        return {"sign": str(self.sign), "decided": self.decided, "contested": self.contested}


@dataclass(frozen=True, slots=True)
class Misread:
    """Why a text is not taken for a number, as what is said after the quoted text."""

    reason: str


def figures(text: str) -> str:
    """The text with the digits and signs of other scripts as those of ours."""
    if text.isascii():
        return text
    digits = {ord(char): str(unicodedata.decimal(char)) for char in text if char > "\x7f" and char.isdecimal()}
    return text.translate({**_SIGNS, **digits})


@lru_cache(maxsize=8_192)
def written(text: str) -> Written | None:  # noqa: PLR0911 - one for each way of writing
    """The number a text is, None when it is none. The text is trimmed."""
    text = figures(text)
    if _WHOLE.fullmatch(text):
        return Written(text, text)
    if found := _GAPPED.fullmatch(text):
        whole, sign, decimals = _ANY_GAP.sub("", found[1]), found[2], found[3]
        number = f"{whole}.{decimals}" if decimals else whole
        return Written(number, number, _sign(sign) if sign else None)
    if found := _ONE_SIGN.fullmatch(text):
        minus, whole, sign, decimals = found.groups()
        if not whole and not decimals:
            return None
        number = f"{minus}{whole}.{decimals}"
        if 1 <= len(whole) <= _THOUSANDS and whole[0] != "0" and len(decimals) == _THOUSANDS:
            thousands = f"{minus}{whole}{decimals}"
            by_point, by_comma = (number, thousands) if sign == "." else (thousands, number)
            return Written(by_point, by_comma, is_open=True)
        return Written(number, number, _sign(sign))
    if found := _ARABIC.fullmatch(text):
        whole = found[1].replace(_ARABIC_THOUSANDS, "")
        number = f"{whole}.{found[2]}" if found[2] else whole
        return Written(number, number)
    found = _GROUPED.fullmatch(text)
    if found is None or found[2] == found[3]:
        return None
    whole = found[1].replace(found[2], "")
    number = f"{whole}.{found[4]}" if found[4] else whole
    return Written(number, number, _other(found[2]))


def read(text: str, column: ColumnSign) -> str | Misread:
    """The number as digits with at most one point, by the sign of its column; or why it is none.

    A text with no number in it comes back as it is: others know better what to say of it.
    """
    number = written(text)
    if number is None:
        return _without_unit(text, column)
    if number.is_open and (column.contested or not (column.decided or "." in text)):
        either = " or ".join(
            sorted((_typed(by, column.sign) for by in (number.by_comma, number.by_point)), key=_has_sign)
        )
        return Misread(f"can be read in two ways; type {either} (or name the decimal sign when you send the file)")
    if number.sign is not None and number.sign is not column.sign:
        wants = _typed(number.by(column.sign), column.sign)
        return Misread(
            f"has a decimal {number.sign}, and this column is read with a decimal {column.sign}; type {wants}"
        )
    return number.by(column.sign)


def as_typed(number: str, column: ColumnSign) -> str:
    """A plain decimal as it is written in a column, so that it is read as that number there."""
    found = written(number)
    if column.contested and found is not None and found.is_open:
        return _typed(number, column.sign)
    return number.replace(".", column.sign.character)


def _without_unit(text: str, column: ColumnSign) -> str | Misread:
    found = _UNIT.fullmatch(figures(text))
    number = None if found is None else written(found[1])
    if number is None or found is None or found[1] == text:
        return text
    if number.is_open and (column.contested or not column.decided):
        return Misread("is more than a number; type only the number, without a sign for thousands")
    return Misread(f"is more than a number; type {_typed(number.by(number.sign or column.sign), column.sign)}")


def _typed(number: str, sign: Sign) -> str:
    """A number as it is typed in a column of this sign, so that it can be read in one way only."""
    whole, _, decimals = number.partition(".")
    if len(decimals) == _THOUSANDS:
        decimals = decimals.rstrip("0") if decimals.endswith("0") else f"{decimals}0"
    return f"{whole}{sign.character}{decimals}" if decimals else whole


def _has_sign(number: str) -> bool:
    return not number.lstrip("+-").isdigit()


def _sign(character: str) -> Sign:
    return Sign.COMMA if character == "," else Sign.POINT


def _other(character: str) -> Sign:
    return Sign.POINT if character == "," else Sign.COMMA
