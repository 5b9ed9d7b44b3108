"""Texts of number columns, by the decimal sign of their column, as digits with a point: what the rules of numbers read."""

import re

from shared.entities.decimals import ColumnSign, Misread, Sign, figures, read
from shared.entities.declaration import Kind
from shared.entities.errors import CellError, shown

_SEPARATORS = ";|"
# What stays as it is and is said by the rules of numbers.
_DIGITS = re.compile(r"[+-]?[0-9]*\.?[0-9]*(?:[eE][+-]?[0-9]+)?")
_NO_NUMBER = "is not a number; use a comma for decimals"
_MAY_BE_TWO = re.compile("[0-9]{1,3},[0-9]{2,3}")


def plain_number(text: str, kind: Kind, column: ColumnSign) -> str | CellError:
    """The text with its numbers as digits with a point; what is no number stays as it is."""
    if kind is not Kind.PERCENTAGES:
        return _plain(text, text, column)
    text = figures(text)
    # A comma between two figures may be meant to separate them, unless something else does.
    has_decimal_commas = column.decided and column.sign is Sign.COMMA
    if "," in text and not has_decimal_commas:
        return text
    if _MAY_BE_TWO.fullmatch(text):
        two, one = text.replace(",", "; "), f"{text} %"
        return CellError("invalid_percentage", f'"{shown(text)}" can be two percentages or one; write {two} or {one}')
    return _percentages(text, column)


def _percentages(text: str, column: ColumnSign) -> str | CellError:
    plain = []
    for part in text.replace("|", ";").split(";"):
        figure = part.strip()
        percent = "%" if figure.endswith("%") else ""
        number = _plain(figure.removesuffix("%").rstrip(), text, column) if "," in figure else figure.removesuffix("%")
        if isinstance(number, CellError):
            return CellError("invalid_percentage", number.message)
        plain.append(f"{number}{percent}")
    return "; ".join(plain) if any(separator in text for separator in _SEPARATORS) else plain[0]


def _plain(figure: str, text: str, column: ColumnSign) -> str | CellError:
    number = read(figure, column)
    if (
        not isinstance(number, Misread)
        and column.sign is Sign.COMMA
        and number == figure
        and not _DIGITS.fullmatch(number)
    ):
        return CellError("invalid_number", f'"{shown(text)}" {_NO_NUMBER}')
    return CellError("invalid_number", f'"{shown(text)}" {number.reason}') if isinstance(number, Misread) else number
