"""Which rows of a file are about records that rows before them are about: those go on with what the former made. Pure.

Rows that share a key by which records are found are about one record, and so are rows that a chain of such rows binds. Those
whose earlier ones are all in the chunk that is open stay with them, for a chunk is decided row by row. Of a row whose
earlier ones are elsewhere, everything that shares a key with it goes the same way from then on, so that the rows of one record
are decided in the order of the file.
"""

from array import array
from collections.abc import Iterable, Sequence

from services.parser.mapping.interpretation import Keys

_EMPTY = 0
_MASK = 0xFFFF_FFFF_FFFF_FFFF


class TouchedRecords:
    """Remembers the keys of every row; of the rows of the open chunk also which of them are about one record."""

    def __init__(self) -> None:
        self._elsewhere = KeySet()
        self._open: dict[str, int] = {}
        # Of each record of the open chunk the one it was found to be the same as, or itself.
        self._same: list[int] = []
        self._follows: set[int] = set()

    def follows(self, keys: Keys) -> bool:
        """Whether the next row goes on with what rows of another chunk make, or rows that do so."""
        here = self._open
        known: set[int] = set()
        is_follower = False
        for key in keys:
            record = here.get(key)
            if record is not None:
                known.add(self._record(record))
            elif key in self._elsewhere:
                is_follower = True
        if is_follower or not self._follows.isdisjoint(known):
            self._follows |= known
            self._elsewhere.add_all(key for key in keys if key not in here)
            return True
        if keys:
            self._note(keys, known)
        return False

    def is_elsewhere(self, keys: Sequence[str]) -> None:
        """Note a row that is staged already."""
        self._elsewhere.add_all(keys)

    def close(self) -> None:
        """No further row comes into the chunk that is open."""
        self._elsewhere.add_all(self._open)
        self._open.clear()
        self._same.clear()
        self._follows.clear()

    def _note(self, keys: Keys, known: set[int]) -> None:
        if known:
            record, *others = known
            for other in others:
                self._same[other] = record
        else:
            record = len(self._same)
            self._same.append(record)
        here = self._open
        for key in keys:
            here.setdefault(key, record)

    def _record(self, record: int) -> int:
        same = self._same
        while same[record] != record:
            same[record] = same[same[record]]
            record = same[record]
        return record


class KeySet:
    """A set of texts in at most 24 bytes for each: a million rows of keys must fit beside everything else.

    Open addressing over 64 bits of Python's own keyed hash. Of three million texts, one is taken for another with a probability
    of about 2e-7; a row that is taken for a follower for it is imported all the same, only later.
    """

    def __init__(self, capacity: int = 1 << 12) -> None:
        self._size = 0
        self._make(capacity)

    def __contains__(self, text: str) -> bool:
        slots, mask = self._slots, self._mask
        digest = hash(text) & _MASK or 1
        slot = digest & mask
        while (found := slots[slot]) != _EMPTY:
            if found == digest:
                return True
            slot = (slot + 1) & mask
        return False

    def add_all(self, texts: Iterable[str]) -> None:
        """Have these in it as well."""
        for text in texts:
            self._put(hash(text) & _MASK or 1)
            if self._size * 3 > (self._mask + 1) * 2:
                self._grow()

    def _make(self, capacity: int) -> None:
        self._mask = capacity - 1
        self._slots = array("Q", bytes(8 * capacity))

    def _put(self, digest: int) -> None:
        slots, mask = self._slots, self._mask
        slot = digest & mask
        while (found := slots[slot]) != _EMPTY:
            if found == digest:
                return
            slot = (slot + 1) & mask
        slots[slot] = digest
        self._size += 1

    def _grow(self) -> None:
        old = self._slots
        self._size = 0
        self._make((self._mask + 1) * 2)
        for digest in old:
            if digest != _EMPTY:
                self._put(digest)
