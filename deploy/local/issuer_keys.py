"""What the local issuer signs with, in a file that only its owner reads."""

import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.jwk import RSAKey

from deploy.local.json_file import JsonFile

ALGORITHM = "RS256"
AUDIENCE = "winnow"
_BITS = 2048


class IssuerKeys:
    """The keys of one issuer: the first signs, all are published."""

    def __init__(self, folder: Path) -> None:
        self._file = JsonFile(folder / "keys.json")

    def make(self) -> None:
        """Make a key when there is none."""
        if not self._file.read():
            self.rotate()

    def rotate(self, *, keep: int = 1) -> None:
        """Sign with a new key from now on; `keep` so many of those before are still published."""
        key = RSAKey.generate_key(_BITS, {"use": "sig", "alg": ALGORITHM}, auto_kid=True)
        known = self._file.read().get("keys", [])
        self._file.write({"keys": [key.as_dict(private=True), *known[:keep]]})

    def published(self) -> dict[str, Any]:
        """The JWKS."""
        return {"keys": [RSAKey.import_key(known).as_dict(private=False) for known in self._file.read()["keys"]]}

    def token(self, issuer: str, claims: Mapping[str, Any], *, kind: str = "JWT", seconds: float = 3600) -> str:
        """A token for Winnow that says this, from now on for so long; `claims` may say otherwise."""
        key = RSAKey.import_key(self._file.read()["keys"][0])
        now = int(time.time())
        said = {
            "iss": issuer,
            "aud": AUDIENCE,
            "iat": now,
            "nbf": now,
            "exp": int(now + seconds),
            "jti": secrets.token_hex(16),
            **claims,
        }
        header = {"alg": ALGORITHM, "kid": key.kid, "typ": kind}
        return jwt.encode(header, said, key, algorithms=[ALGORITHM])
