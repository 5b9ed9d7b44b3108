"""Why a cell is not accepted, and where: problems belong to a value, row errors to a row and column."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a value, said so that the sender can put it right."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class RowError:
    """One reason at its own row and column; `column_index` is None when the file has no such column."""

    row: int
    column_index: int | None
    heading: str
    code: str
    message: str


class Reasons:
    """Every reason found in one group, in the order of its rows and columns."""

    def __init__(self, headings: Mapping[str, tuple[int | None, str]]) -> None:
        self._headings = headings
        self._errors: list[RowError] = []

    def add(self, row: int, code: str, problem: Problem) -> None:
        """Note what is wrong in this row with the field of this code."""
        index, heading = self._headings[code]
        self._errors.append(RowError(row, index, heading, problem.code, problem.message))

    def __bool__(self) -> bool:
        return bool(self._errors)

    def sorted(self) -> Sequence[RowError]:
        """By row, then by column; columns that are not in the file last."""
        return sorted(self._errors, key=lambda error: (error.row, error.column_index is None, error.column_index or 0))
