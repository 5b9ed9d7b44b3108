"""Rows into groups: rows that stand or fall together. Source of the rules: products.md, "Groups". Pure."""

from dataclasses import dataclass

from shared.entities.declaration import Grouping as DeclaredGrouping
from shared.entities.declaration import GroupKey


@dataclass
class Grouping:
    """Says of each data row, in file order, which group it is in. A group is named by the row it begins with."""

    declared: DeclaredGrouping
    _group_row: int | None = None
    _key: str | None = None

    def group_of(self, row: int, key: str, *, is_member: bool = True) -> int:
        """The group of a row. `key` is its trimmed group key, "" where it has none.

        Where rows are grouped by a key, a blank one continues the group above, or stands alone without one; one equal to
        the one right above continues too: files that repeat it on every row mean one group. A row that is no member of
        any (`GroupKey.members`) stands alone, and ends nothing.
        """
        if not isinstance(self.declared, GroupKey):
            return row
        if key:
            if key != self._key:
                self._key, self._group_row = key, row
            assert self._group_row is not None
            return self._group_row
        return row if self._group_row is None or not is_member else self._group_row

    @property
    def open_group(self) -> int | None:
        """The group that the next row without a key belongs to."""
        return self._group_row
