"""Data rows into chunks of whole groups. Deterministic: rows are cut the same way every time. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from services.parser.mapping.duplicates import SeenKeys
from services.parser.mapping.grouping import Grouping
from services.parser.mapping.interpretation import KeyedRow, Keys, key_fields
from services.parser.refusals import FileRefused
from shared.entities import EntityType
from shared.entities.cells import is_error, is_mangled_number
from shared.entities.declaration import GroupKey


class CutRow(NamedTuple):
    """A data row in its chunk, as `imports.raw_rows` has it."""

    row: int
    group_row: int
    cells: str


@dataclass
class Chunk:
    """A run of whole groups."""

    number: int
    rows: list[CutRow] = field(default_factory=list)
    duplicates: list[dict[str, object]] = field(default_factory=list)
    is_last: bool = False

    @property
    def first_row(self) -> int:
        """Number of the first row."""
        return self.rows[0].row

    @property
    def last_row(self) -> int:
        """Number of the last row."""
        return self.rows[-1].row


@dataclass(frozen=True, slots=True)
class ChunkSizes:
    """How large chunks may grow before the next one is begun, and how large a group may be at all.

    In rows, and in bytes of their cells as JSON: a chunk is in the memory of every stage, and a small workbook can say
    the same long text in every cell.
    """

    first_rows: int = 250
    rows: int = 4_000
    chunk_bytes: int = 4_000_000
    group_rows: int = 20_000
    group_bytes: int = 16_000_000


@dataclass(frozen=True, slots=True)
class Staged:
    """What an earlier attempt has staged: so many chunks, the last of which ends with this row."""

    chunks: int = 0
    last_row: int = 0


class ChunkCutter:
    """Cuts data rows into chunks. The first is small, so that its rows are in production early.

    A chunk is handed out when the next group has begun, so the last one is known to be the last. Rows that are `staged`
    are looked at and not cut again, so what was cut under other sizes is gone on with as it is. Rows that are no data
    belong to no chunk.
    """

    def __init__(self, entity: EntityType, sizes: ChunkSizes, staged: Staged | None = None) -> None:
        self._entity = entity
        self._sizes = sizes
        self._staged = staged or Staged()
        codes = key_fields(entity)
        # Of rows that share the group key, only the one that begins the group brings it.
        self._group_key = codes.index(entity.group_key) if entity.group_key is not None else None
        self._identifiers = [
            (place, identifier.field, identifier.refuse_mangled_number)
            for place, identifier in enumerate(entity.identifiers)
        ]
        self._grouping = Grouping(entity.grouping)
        self._seen = SeenKeys()
        self._open = Chunk(self._staged.chunks + 1)
        self._open_bytes = 0
        self._group: int | None = None
        self._group_size = 0
        self._group_bytes = 0

    def add(self, read: KeyedRow) -> Iterator[Chunk]:
        """Take the next row; yields a chunk when one is complete and not the last.

        Raises:
            FileRefused: a group is larger than one transaction should be.
        """
        row, keys, cells = read
        if keys is None:
            return
        group = self._grouping.group_of(row, "" if self._group_key is None else keys[self._group_key])
        duplicates = self._duplicates(row, group, keys)
        if row <= self._staged.last_row:
            return
        if group != self._group:
            self._group, self._group_size, self._group_bytes = group, 0, 0
            if self._is_full():
                full, self._open, self._open_bytes = self._open, Chunk(self._open.number + 1), 0
                yield full
        self._group_size += 1
        self._group_bytes += len(cells)
        self._open_bytes += len(cells)
        self._check_group(group)
        self._open.rows.append(CutRow(row, group, cells))
        self._open.duplicates.extend(duplicates)

    def finish(self) -> Chunk | None:
        """The last chunk; None when there was no data row at all."""
        if not self._open.rows:
            return None
        self._open.is_last = True
        return self._open

    def _is_full(self) -> bool:
        rows = self._sizes.first_rows if self._open.number == 1 else self._sizes.rows
        return len(self._open.rows) >= rows or self._open_bytes >= self._sizes.chunk_bytes

    def _check_group(self, group: int) -> None:
        if self._group_size > self._sizes.group_rows:
            what, setting = f"more than {self._sizes.group_rows:,} rows", "WINNOW_PARSER_GROUP_ROWS"
        elif self._group_bytes > self._sizes.group_bytes:
            what, setting = f"more than {self._sizes.group_bytes // 1_000_000:,} MB", "WINNOW_PARSER_GROUP_MEGABYTES"
        else:
            return
        noun, grouping = self._entity.group_noun, self._entity.grouping
        own = ""
        if isinstance(grouping, GroupKey):
            own = f"Give each {noun} its own {self._entity.by_code[grouping.field].heading}, or split"
        raise FileRefused(
            "group_too_large",
            f"The {noun} that begins in row {group} has {what} (the limit {setting}). {own or 'Split'} it into several files",
        )

    def _duplicates(self, row: int, group: int, keys: Keys) -> list[dict[str, object]]:
        found: list[dict[str, object]] = []
        for place, code, refuses_mangled in self._identifiers:
            value = keys[place]
            if not value or (place == self._group_key and row != group):
                continue
            if not _is_usable(value) or (refuses_mangled and is_mangled_number(value)):
                continue
            if (first := self._seen.first_row(code, value, row)) is not None:
                found.append({"row": row, "field": code, "first_row": first})
        return found


def _is_usable(value: str) -> bool:
    """Whether it can be somebody's: what is refused for itself was not used by anybody."""
    return not is_error(value) and "\ufffd" not in value
