"""Data rows into chunks of whole groups. Deterministic: rows are cut the same way every time. Pure."""

from collections.abc import Iterator, Sequence
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
    is_left_over: bool = False
    """Whether its rows are only kept, to be handed back: they may be parts of groups."""

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
    belong to no chunk. Once it is broken off, what follows is left over.
    """

    def __init__(
        self, entity: EntityType, sizes: ChunkSizes, staged: Staged | None = None, *, is_broken_off: bool = False
    ) -> None:
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
        self._members = _places_of_members(entity, codes)
        self._grouping = Grouping(entity.grouping)
        self._seen = SeenKeys()
        self.is_broken_off = is_broken_off
        """Whether no row that follows is imported."""
        self._open = Chunk(self._staged.chunks + 1, is_left_over=is_broken_off)
        self._open_bytes = 0
        self._group: int | None = None
        self._group_size = 0
        self._group_bytes = 0
        self._too_large: int | None = None

    def add(self, read: KeyedRow) -> Iterator[Chunk]:
        """Take the next row; yields a chunk when one is complete and not the last.

        Raises:
            FileRefused: a group is larger than one transaction should be.
        """
        row, keys, cells = read
        if keys is None:
            return
        is_member = self._members is None or any(keys[place] for place in self._members)
        group = self._grouping.group_of(
            row, "" if self._group_key is None else keys[self._group_key], is_member=is_member
        )
        duplicates = self._duplicates(row, group, keys)
        if row <= self._staged.last_row:
            return
        # A row that stands alone between rows of a group is in the group's chunk, and counts towards its size.
        around = group if is_member else self._grouping.open_group or group
        if around != self._group:
            self._group, self._group_size, self._group_bytes = around, 0, 0
            if self._is_full():
                yield self._taken()
        elif self.is_broken_off and self._is_full():
            yield self._taken()
        self._group_size += 1
        self._group_bytes += len(cells)
        self._open_bytes += len(cells)
        self._open.rows.append(CutRow(row, group, cells))
        if not self.is_broken_off:
            self._open.duplicates.extend(duplicates)
            self._check_group(around)

    def finish(self) -> Chunk | None:
        """The last chunk; None when there was no data row at all."""
        if not self._open.rows:
            return None
        self._open.is_last = True
        return self._open

    def break_off(self) -> list[Chunk]:
        """Import nothing of what follows: what there is by now, as chunks.

        First the whole groups; then, left over, the rows of the last group, where more rows may belong to it or it is too
        large. Called again, what was left over since.
        """
        chunks = []
        if not self.is_broken_off:
            self.is_broken_off = True
            rows, said = self._open.rows, self._open.duplicates
            last = len(rows) if self._is_whole else self._begin_of_last_group(rows)
            if last:
                whole = {row.row for row in rows[:last]}
                duplicates = [duplicate for duplicate in said if duplicate["row"] in whole]
                chunks.append(Chunk(self._open.number, rows[:last], duplicates))
            self._open = Chunk(self._open.number + len(chunks), rows[last:], is_left_over=True)
        if self._open.rows:
            chunks.append(self._taken())
        return chunks

    @property
    def _is_whole(self) -> bool:
        """Whether the last group can have no further rows, and is not too large."""
        return self._too_large is None and not isinstance(self._entity.grouping, GroupKey)

    def _begin_of_last_group(self, rows: Sequence[CutRow]) -> int:
        return next((place for place, row in enumerate(rows) if row.group_row == self._group), len(rows))

    def _taken(self) -> Chunk:
        """The open chunk; another one is opened."""
        taken, self._open_bytes = self._open, 0
        self._open = Chunk(taken.number + 1, is_left_over=self.is_broken_off)
        return taken

    def _is_full(self) -> bool:
        rows = self._sizes.first_rows if self._open.number == 1 else self._sizes.rows
        return len(self._open.rows) >= rows or self._open_bytes >= self._sizes.chunk_bytes

    def _check_group(self, group: int) -> None:
        if self._group_size > self._sizes.group_rows:
            what = f"more than {self._sizes.group_rows:,} rows"
        elif self._group_bytes > self._sizes.group_bytes:
            what = f"more than {self._sizes.group_bytes // 1_000_000:,} MB"
        else:
            return
        self._too_large = group
        noun, grouping = self._entity.group_noun, self._entity.grouping
        own = ""
        if isinstance(grouping, GroupKey):
            own = f"Give each {noun} its own {self._entity.by_code[grouping.field].heading}, or split"
        raise FileRefused(
            "group_too_large",
            f"The {noun} that begins in row {group} has {what}, the most that are read. {own or 'Split'} it into several files",
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


def _places_of_members(entity: EntityType, codes: Sequence[str]) -> tuple[int, ...] | None:
    """Where among a row's keys are those of which a row of a group has one; None where every row may belong to one."""
    grouping = entity.grouping
    if not isinstance(grouping, GroupKey) or not grouping.members:
        return None
    return tuple(codes.index(code) for code in (grouping.field, *grouping.members))


def _is_usable(value: str) -> bool:
    """Whether it can be somebody's: what is refused for itself was not used by anybody."""
    return not is_error(value) and "\ufffd" not in value
