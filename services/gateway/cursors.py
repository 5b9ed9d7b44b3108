"""Places in a list, as they are handed out (`next`) and taken back (`after`): opaque to whoever has them, checked when they come.

A cursor says where its page begins and which list it is of, so that one of another list, or of the same list sorted or
filtered otherwise, is refused and never taken for a place. It is no secret and grants nothing: what is read is the tenant's.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from services.gateway.problems import Refused

_LONGEST = 3_000
_INTEGER = 2**31 - 1


def list_name(kind: str, said: Mapping[str, Any]) -> str:
    """A short name for one list: its kind, and what it is filtered and sorted by."""
    whole = json.dumps([kind, sorted((name, str(value)) for name, value in said.items())])
    return hashlib.blake2b(whole.encode(), digest_size=6).hexdigest()


def hand_out(of: str, *place: str | int | datetime | UUID) -> str:
    """The cursor of a place in a list of this name."""
    parts = [
        part.isoformat() if isinstance(part, datetime) else str(part) if isinstance(part, UUID) else part
        for part in place
    ]
    return (
        base64.urlsafe_b64encode(json.dumps([of, *parts], separators=(",", ":"), ensure_ascii=False).encode())
        .rstrip(b"=")
        .decode()
    )


def take_back(of: str, cursor: str, *kinds: type) -> tuple[Any, ...]:
    """The place that a cursor of this list names; its parts are of these kinds.

    Raises:
        Refused: it is no cursor of this list.
    """
    if len(cursor) > _LONGEST:
        raise _no_page()
    try:
        said = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(said, list) or len(said) != len(kinds) + 1 or said[0] != of:
            raise _no_page()
        return tuple(_read(part, kind) for part, kind in zip(said[1:], kinds, strict=True))
    except (binascii.Error, ValueError, TypeError, OverflowError, RecursionError):
        raise _no_page() from None


def _read(part: Any, kind: type) -> Any:
    if kind is datetime:
        at = datetime.fromisoformat(part)
        if at.tzinfo is None:
            raise ValueError("no time zone")
        return at
    if kind is UUID:
        return UUID(part)
    if kind is str:
        str(part).encode()
    if (
        type(part) is not kind
        or (isinstance(part, int) and abs(part) > _INTEGER)
        or (isinstance(part, str) and "\x00" in part)
    ):
        raise ValueError("another kind")
    return part


def _no_page() -> Refused:
    return Refused(
        "cursor", "after: this is no place in this list. Begin with the first page, and go on with its `next`."
    )
