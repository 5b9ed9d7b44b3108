"""What the rows of a group say, in 16 bytes: the same rows, read in the same way, have the same digest. Pure."""

import json
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any
from uuid import UUID

from shared.entities.decimals import ColumnSign

_BYTES = 16


def digests_of(
    rows: Iterable[tuple[int, int, str]],
    *,
    release: str,
    fields: Mapping[str, int],
    layout: Mapping[str, Any] | None,
    clears_blanks: bool,
) -> dict[int, UUID]:
    """The digest of each group, by its first row.

    Args:
        rows: (row, group row, cells as JSON text), in the order of the file.
        release: what the rules may change with.
        fields: the columns of fields.
        layout: what decides how their numbers are read.
        clears_blanks: whether blank cells say something.
    """
    signs = [ColumnSign.of_layout(layout, column).kept for column in fields.values()]
    base = blake2b(json.dumps([release, fields, signs, clears_blanks], sort_keys=True).encode(), digest_size=_BYTES)
    digests: dict[int, Any] = {}
    for _, group_row, cells in rows:
        digest = digests.get(group_row)
        if digest is None:
            digest = digests[group_row] = base.copy()
        # What is text in one row is never taken for the next one: JSON has no such character.
        digest.update(f"{cells}\x00".encode("utf-8", "surrogatepass"))
    return {group_row: UUID(bytes=digest.digest()) for group_row, digest in digests.items()}
