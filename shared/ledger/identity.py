"""What makes two upload events one import: the key `imports.idempotency_key` is unique by, within a tenant.

A key that a sender gives is kept as it is. One that is derived begins with a character no sender can put into a key, and
is a digest of parts that are encoded each for itself: however parts are cut or glued together, different ones make
different keys. Source of the rule: docs/decisions/0005-how-an-import-is-known.md.
"""

import hashlib
import json
from uuid import UUID

_DERIVED = "\x1f"


def of_import(import_id: UUID) -> str:
    """The key of an import that was given its id."""
    return f"{_DERIVED}import:{import_id}"


def of_event(source: str | None, event_id: str) -> str:
    """The key of an event that is known by its CloudEvents source and id."""
    return f"{_DERIVED}event:{_digest('' if source is None else source, source is None, event_id)}"


def of_unusable(key: str) -> str:
    """The key of an event whose own idempotency key cannot be one, for its length or its characters."""
    return f"{_DERIVED}key:{_digest(key)}"


def of_contradiction(key: str, body: bytes) -> str:
    """The key of the refusal of an event that was taken for a repeat of the import of this key and says something else."""
    return f"{_DERIVED}contradiction:{_digest(key, hashlib.sha256(body).hexdigest())}"


def given(key: str | None) -> str | None:
    """The key as its sender gave it; None when it was derived."""
    return None if key is None or key.startswith(_DERIVED) else key


def of_body(body: bytes, etag: str) -> str:
    """The key of an event that has no name: what it says, and the content of its object."""
    return f"{_DERIVED}body:{_digest(hashlib.sha256(body).hexdigest(), etag)}"


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, ensure_ascii=True, separators=(",", ":")).encode()).hexdigest()
