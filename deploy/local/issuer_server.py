"""The local issuer as a server of the stack, and tokens of it."""

import hashlib
import json
import os
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.local.release import PROJECT
from deploy.local.server import LocalServer

if TYPE_CHECKING:
    from deploy.local.issuer_keys import IssuerKeys

_PATIENCE = 2.0


class IssuerServer(LocalServer):
    """Who people are, for demos and tests: it asks nobody for a password."""

    name = "the local issuer"
    stop_patience = 5.0
    # A key and its log.
    space = 64 << 10

    @property
    def url(self) -> str:
        """What its tokens name as their issuer."""
        return f"http://127.0.0.1:{self.port()}"

    @property
    def keys(self) -> "IssuerKeys":
        """What it signs with."""
        # Loads cryptography: not for every command that wants to know where the server is.
        from deploy.local.issuer_keys import IssuerKeys  # noqa: PLC0415

        return IssuerKeys(self.folder)

    def prepare(self) -> None:
        """Make its key when there is none."""
        self.keys.make()

    def command(self) -> Sequence[str]:
        """The server in the foreground."""
        return [sys.executable, "-m", "deploy.local.issuer", str(self.folder), str(self.port()), _release()]

    def environment(self) -> Mapping[str, str]:
        """Ours, with the code that this is."""
        return {**os.environ, "PYTHONPATH": str(PROJECT)}

    def answers(self) -> bool:
        """Whether it answers, and runs the code that is here now."""
        try:
            with urllib.request.urlopen(self._discovery, timeout=_PATIENCE) as answer:  # noqa: S310 - of this machine
                return bool(json.load(answer).get("winnow_release") == _release())
        except (OSError, ValueError):
            return False

    @property
    def _discovery(self) -> str:
        return f"{self.url}/.well-known/openid-configuration"

    def token(self, tenant: str | None, role: str, *, user: str | None = None, seconds: float = 3600) -> str:
        """A bearer token for somebody with one role in a tenant (an operator may have none)."""
        self.keys.make()
        who = user or f"{role}@{tenant or 'winnow'}"
        claims = {"sub": who, "name": who, "roles": [role], **({} if tenant is None else {"tenant": tenant})}
        return self.keys.token(self.url, claims, kind="at+jwt", seconds=seconds)


def _release() -> str:
    # By name: what the server runs is not loaded by every command that starts or stops it.
    sources = [Path(__file__).with_name(name) for name in ("issuer.py", "issuer_keys.py", "people.py")]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
