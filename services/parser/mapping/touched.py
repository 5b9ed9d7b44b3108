"""Which rows of a file are about records that rows before them are about: those go on with what the former made. Pure.

Rows that share a key by which records are found are about one record, and so are rows that a chain of such rows binds. Those
whose earlier ones are all in the chunk that is open stay with them, for a chunk is decided row by row. Of a row whose
earlier ones are elsewhere, everything that shares a key with it goes the same way from then on, so that the rows of one record
are decided in the order of the file.

A row that names another record of its type waits for the row that makes that one; a row of what was named before it, and so
may be made on the way, waits for what named it.
"""

from array import array
from collections.abc import Iterable, Sequence

from services.parser.mapping.interpretation import Keys
from services.parser.mapping.record_keys import NAMES

_EMPTY = 0
_MASK = 0xFFFF_FFFF_FFFF_FFFF


class TouchedRecords:
    """Remembers the keys of every row; of the rows of the open chunk also which of them are about one record."""

    def __init__(self) -> None:
        self._elsewhere = KeySet()
        # What rows of other chunks name: it may be made on the way.
        self._named = KeySet()
        self._named_here: set[str] = set()
        self._open: dict[str, int] = {}
        # Of each record of the open chunk the one it was found to be the same as, or itself.
        self._same: list[int] = []
        self._follows: set[int] = set()

    def follows(self, keys: Keys) -> bool:
        """Whether the next row goes on with what rows of another chunk make, or rows that do so."""
        here = self._open
        known: set[int] = set()
        names: set[int] = set()
        is_follower = False
        own = []
        for key in keys:
            is_named = key[0] == NAMES
            plain = key[1:] if is_named else key
            record = here.get(plain)
            if record is not None:
                (names if is_named else known).add(self._record(record))
            elif plain in self._elsewhere:
                is_follower = True
            if not is_named:
                own.append(key)
                is_follower = is_follower or plain in self._named
        named = [key[1:] for key in keys if key[0] == NAMES] if len(own) < len(keys) else []
        if is_follower or not self._follows.isdisjoint(known | names):
            self._follows |= known
            self._elsewhere.add_all(key for key in own if key not in here)
            self._named.add_all(named)
            return True
        self._named_here.update(named)
        if own:
            self._note(own, known)
        return False

    def is_elsewhere(self, keys: Keys) -> None:
        """Note a row that is staged already."""
        self._elsewhere.add_all(key for key in keys if key[0] != NAMES)
        self._named.add_all(key[1:] for key in keys if key[0] == NAMES)

    def close(self) -> None:
        """No further row comes into the chunk that is open."""
        self._elsewhere.add_all(self._open)
        self._named.add_all(self._named_here)
        self._named_here.clear()
        self._open.clear()
        self._same.clear()
        self._follows.clear()

    def _note(self, keys: Sequence[str], known: set[int]) -> None:
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
