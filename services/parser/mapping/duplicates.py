"""Values that were in the file before. The first row has them, whatever becomes of it."""

import zlib
from array import array

_EMPTY = 0


class SeenKeys:
    """Remembers where each key was first, in 16 bytes a key: a million rows of keys must fit beside everything else.

    Open addressing over 64 bits of Python's own keyed string hash and 32 bits of CRC; two different keys of one file
    are taken for the same with a probability below 1e-15.
    """

    def __init__(self, capacity: int = 1 << 12) -> None:
        self._size = 0
        self._make(capacity)

    def first_row(self, kind: str, value: str, row: int) -> int | None:
        """The row that had this key first; None, and remembered, when it is new."""
        digest = hash((kind, value)) & 0xFFFF_FFFF_FFFF_FFFF
        check = zlib.crc32(value.encode("utf-8", "surrogatepass"))
        slot = self._slot(digest, check)
        if self._rows[slot] != _EMPTY:
            return self._rows[slot]
        self._put(slot, digest, check, row)
        self._size += 1
        if self._size * 3 > self._capacity * 2:
            self._grow()
        return None

    def _make(self, capacity: int) -> None:
        self._capacity = capacity
        self._digests = array("Q", bytes(8 * capacity))
        self._checks = array("I", bytes(4 * capacity))
        self._rows = array("I", bytes(4 * capacity))

    def _slot(self, digest: int, check: int) -> int:
        mask = self._capacity - 1
        slot = digest & mask
        while self._rows[slot] != _EMPTY and not (self._digests[slot] == digest and self._checks[slot] == check):
            slot = (slot + 1) & mask
        return slot

    def _put(self, slot: int, digest: int, check: int, row: int) -> None:
        self._digests[slot] = digest
        self._checks[slot] = check
        self._rows[slot] = row

    def _grow(self) -> None:
        old = zip(self._digests, self._checks, self._rows, strict=True)
        self._make(self._capacity * 2)
        for digest, check, row in old:
            if row != _EMPTY:
                self._put(self._slot(digest, check), digest, check, row)
