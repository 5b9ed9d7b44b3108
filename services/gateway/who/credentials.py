"""Secrets that are given out once and known again by their hash."""

import hashlib
import hmac
import secrets

KEY_MARK = "wnw_"
"""What every key begins with, so that one in the wrong place is found by whoever scans for secrets."""

_BYTES = 32
_SHOWN = 8


def new_token() -> str:
    """A secret for a session's cookie."""
    return secrets.token_urlsafe(_BYTES)


def new_key() -> tuple[str, str]:
    """A secret for a system, and what is shown of it later."""
    shown = KEY_MARK + secrets.token_hex(_SHOWN // 2)
    return f"{shown}_{secrets.token_urlsafe(_BYTES)}", shown


def hashed(secret: str) -> bytes:
    """What is kept of a secret. It is long and random: nobody finds it by trying, so one hash is enough."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def csrf_of(session: str, secret: str) -> str:
    """What forms of a session have to repeat: known to its pages only, and of no use for another session."""
    return hmac.new(secret.encode(), b"csrf\0" + session.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
