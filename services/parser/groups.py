"""Rows into groups: rows that stand or fall together. Source of the rules: products.md, "Groups". Pure."""

from dataclasses import dataclass


@dataclass
class Grouping:
    """Says of each row, in file order, which group it is in. A group is named by the row it begins with."""

    _group_row: int | None = None
    _handle: str | None = None

    def place(self, row: int, handle: str) -> int:
        """The group of a row. `handle` is trimmed; blank continues the product above, or stands alone without one.

        A handle equal to the one right above continues too: files that repeat it on every row mean one product.
        """
        if handle:
            if handle != self._handle:
                self._handle, self._group_row = handle, row
            assert self._group_row is not None
            return self._group_row
        return row if self._group_row is None else self._group_row
