"""How long a text may be that an index has to hold."""

from shared.entities.errors import CellError, shown

INDEXED_BYTES = 2_500
"""The most UTF-8 bytes of a text that has to be unique: what fits a PostgreSQL index entry beside its tenant."""

_WORST_BYTES_A_CHARACTER = 4


def too_long(text: str, key: str) -> CellError | None:
    """What is wrong with a text that has to be unique, when `key` does not fit the index."""
    if len(key) * _WORST_BYTES_A_CHARACTER <= INDEXED_BYTES:
        return None
    size = len(key.encode())
    if size <= INDEXED_BYTES:
        return None
    return CellError(
        "invalid_cell",
        f'"{shown(text)}" is too long: {size:,} bytes, at most {INDEXED_BYTES:,} can be kept; shorten it',
    )
