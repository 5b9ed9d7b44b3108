"""Reasons that more than one stage gives, worded once: what is free when rows are checked may be taken at the commit."""

from typing import NamedTuple
from uuid import UUID

_SHOWN_LENGTH = 80


class ChunkScope(NamedTuple):
    """The chunk that rows belong to."""

    tenant_id: str
    import_id: UUID
    chunk_no: int


class RowReason(NamedTuple):
    """One reason of one row, as `imports.row_errors` keeps it; positions count from 0 within a row.

    Without a column the reason is about the row as a whole, or about a column the file does not have.
    """

    tenant_id: str
    import_id: UUID
    chunk_no: int
    row_no: int
    group_row: int
    position: int
    column_index: int | None
    heading: str | None
    code: str
    message: str


def shown(text: str) -> str:
    """A value as a message quotes it: one line, at most 80 characters, nothing invisible or unstorable."""
    cut = text if len(text) <= _SHOWN_LENGTH else f"{text[: _SHOWN_LENGTH - 1]}…"
    if cut.isprintable():
        return cut
    return "".join(map(_visible, cut))


def handle_exists(handle: str) -> str:
    """A product of this handle is in production."""
    return f'Product handle "{shown(handle)}" already exists; use enrich or upsert to change it'


def identifier_belongs(label: str, value: str, owner: str) -> str:
    """A variant with this barcode or SKU is in production, under the product `owner`."""
    return f'{label} "{shown(value)}" belongs to product "{shown(owner)}"'


def _visible(char: str) -> str:
    if char.isprintable():
        return char
    return " " if char.isspace() else f"\\u{ord(char):04x}"
