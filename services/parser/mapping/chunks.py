"""Data rows into chunks of whole groups. Deterministic: rows are cut the same way every time. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from services.parser.mapping.duplicates import SeenKeys
from services.parser.mapping.grouping import Grouping
from services.parser.mapping.interpretation import KeyedRow, Keys, key_fields
from services.parser.mapping.touched import TouchedRecords
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
    """A run of whole groups, or of what followers say: then it has a wave of its own, from 1, in the order of the file."""

    number: int
    rows: list[CutRow] = field(default_factory=list)
    duplicates: list[dict[str, Any]] = field(default_factory=list)
    """Values that were in the file before. Of a follower's group key: that it goes on with the group of `first_row`."""
    is_last: bool = False
    is_left_over: bool = False
    """Whether its rows are only kept, to be handed back: they may be parts of groups."""
    wave: int = 0

    @property
    def first_row(self) -> int:
        """Number of the first row."""
        return self.rows[0].row

    @property
    def last_row(self) -> int:
        """Number of the last row."""
        return self.rows[-1].row


Cut: TypeAlias = list[Chunk]
"""Chunks with all rows up to one, to be staged together: whoever goes on finds no row staged behind one that is not."""


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
    """What an earlier attempt has staged: so many chunks, with every row up to this one, the last of so many waves."""

    chunks: int = 0
    last_row: int = 0
    waves: int = 0


@dataclass
class _Open:
    """Rows on their way into a chunk."""

    rows: list[CutRow] = field(default_factory=list)
    duplicates: list[dict[str, Any]] = field(default_factory=list)
    size: int = 0

    def add(self, row: CutRow, duplicates: Sequence[dict[str, Any]]) -> None:
        self.rows.append(row)
        self.duplicates.extend(duplicates)
        self.size += len(row.cells)

    def split_off(self, at: int) -> "_Open":
        """The rows from this place on, which are no longer here."""
        rest, self.rows = self.rows[at:], self.rows[:at]
        off = {row.row for row in rest}
        split = _Open(rest, [said for said in self.duplicates if said["row"] in off], sum(len(r.cells) for r in rest))
        self.duplicates = [said for said in self.duplicates if said["row"] not in off]
        self.size -= split.size
        return split


class ChunkCutter:
    """Cuts data rows into chunks. The first is small, so that its rows are in production early.

    Where the mode changes records, rows whose group key was in the file before, with other groups in between, are
    *followers*: they go on with what the group of that key began, as a group of their own, in chunks of their own. So are rows
    about a record that rows of other chunks are about (`TouchedRecords`).

    Chunks are handed out when the next group has begun, so the last one is known to be the last. Rows that are `staged`
    are looked at and not cut again, so what was cut under other sizes is gone on with as it is. Rows that are no data
    belong to no chunk. Once it is broken off, what follows is left over.
    """

    def __init__(
        self,
        entity: EntityType,
        sizes: ChunkSizes,
        staged: Staged | None = None,
        *,
        mode: str = "create",
        is_broken_off: bool = False,
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
        self._chunks, self._waves = self._staged.chunks, self._staged.waves
        self._leading, self._following = _Open(), _Open()
        self._has_followers = entity.has_followers(mode)
        # Of records, whose followers are told by whatever they are found by.
        self._records = TouchedRecords() if entity.native else None
        # The row that the key of the group that is read was in first, where it is a follower.
        self._follows: int | None = None
        # Rows and bytes of open followers, by that row.
        self._of_record: dict[int, tuple[int, int]] = {}
        self._group: int | None = None
        self._group_at = 0
        self._group_size = 0
        self._group_bytes = 0
        self._too_large: int | None = None

    def add(self, read: KeyedRow) -> Iterator[Cut]:
        """Take the next row; yields the rows before it in chunks when there are enough of them.

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
        # A row that stands alone between rows of a group is in the group's chunk, and counts towards its size.
        around = group if is_member else self._grouping.open_group or group
        if row == around:
            self._follows = self._followed(duplicates)
        if row <= self._staged.last_row:
            if self._records is not None:
                self._records.is_elsewhere(keys)
            return
        if around != self._group:
            self._group, self._group_size, self._group_bytes = around, 0, 0
            if self._is_full():
                yield self._cut()
            if self._records is not None and self._records.follows(keys):
                self._follows = row
            self._group_at = len(self._open.rows)
        elif self.is_broken_off and self._is_full():
            yield self._cut()
        self._group_size += 1
        self._group_bytes += len(cells)
        if self.is_broken_off:
            self._leading.add(CutRow(row, group, cells), ())
            return
        self._open.add(CutRow(row, group, cells), duplicates)
        if self._follows is not None and self._is_too_much_of_one_record(self._follows, len(cells)):
            yield self._cut_before_group(self._follows)
        self._check_group(around)

    def finish(self) -> Cut:
        """What there is by now as the last chunks; none when there was no data row at all."""
        chunks = self._cut()
        if chunks:
            chunks[-1].is_last = True
        return chunks

    def break_off(self) -> Cut:
        """Import nothing of what follows: what there is by now, as chunks.

        First the whole groups; then, left over, the rows of the last group, where more rows may belong to it or it is too
        large. Called again, what was left over since.
        """
        chunks = []
        if not self.is_broken_off:
            rest = _Open() if self._is_whole else self._open.split_off(self._group_at)
            chunks = self._cut()
            self.is_broken_off = True
            self._leading = _Open(rest.rows, size=rest.size)
        return chunks + self._cut()

    @property
    def _open(self) -> _Open:
        """Where rows of the group that was read last go."""
        return self._following if self._follows is not None and not self.is_broken_off else self._leading

    @property
    def _is_whole(self) -> bool:
        """Whether the last group can have no further rows, and is not too large."""
        return self._too_large is None and self._grouping.open_group is None

    def _followed(self, duplicates: Sequence[dict[str, Any]]) -> int | None:
        """The row that the group key of a row with these duplicates was in first, where that makes it a follower."""
        if not self._has_followers:
            return None
        return next((said["first_row"] for said in duplicates if said["field"] == self._entity.group_key), None)

    def _cut(self) -> Cut:
        """All rows that are open as chunks: what goes on with others comes behind them."""
        chunks = []
        for taken in (self._leading, self._following):
            if taken.rows:
                self._chunks += 1
                follows = taken is self._following
                self._waves += follows
                chunks.append(
                    Chunk(
                        self._chunks,
                        taken.rows,
                        taken.duplicates,
                        is_left_over=self.is_broken_off,
                        wave=self._waves if follows else 0,
                    )
                )
        self._leading, self._following = _Open(), _Open()
        self._of_record.clear()
        if self._records is not None:
            self._records.close()
        return chunks

    def _cut_before_group(self, record: int) -> Cut:
        group = self._following.split_off(self._group_at)
        chunks = self._cut()
        self._following, self._group_at = group, 0
        self._of_record[record] = self._group_size, self._group_bytes
        return chunks

    def _is_full(self) -> bool:
        rows = self._sizes.first_rows if self._chunks == 0 else self._sizes.rows
        return any(
            len(filling.rows) >= rows or filling.size >= self._sizes.chunk_bytes
            for filling in (self._leading, self._following)
        )

    def _is_too_much_of_one_record(self, record: int, size: int) -> bool:
        """Whether, with one more row of this size, groups that follow the same one are together larger than one may be."""
        rows, total = self._of_record.get(record, (0, 0))
        rows, total = self._of_record[record] = rows + 1, total + size
        is_alone = rows == self._group_size
        return not is_alone and (rows > self._sizes.group_rows or total > self._sizes.group_bytes)

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

    def _duplicates(self, row: int, group: int, keys: Keys) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
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
