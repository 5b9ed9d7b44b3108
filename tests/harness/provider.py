"""An OpenID Connect provider without a socket, with the quirks of real ones on demand."""

import asyncio
import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

ADDRESS = "https://login.example"
NOW = 1_800_000_000


def rsa(kid: str | None = "one") -> RSAKey:
    """A new RSA key."""
    return RSAKey.generate_key(2048, {"use": "sig"} if kid is None else {"use": "sig", "kid": kid})


def elliptic(kid: str = "ec") -> ECKey:
    """A new key on P-256."""
    return ECKey.generate_key("P-256", {"use": "sig", "kid": kid})


def edwards(kid: str = "ed") -> OKPKey:
    """A new key on Ed25519."""
    return OKPKey.generate_key("Ed25519", {"use": "sig", "kid": kid})


_FIRST = rsa()


@dataclass
class Provider:
    """What a provider publishes, and what it has been asked."""

    address: str = ADDRESS
    keys: list[Key] = field(default_factory=lambda: [_FIRST])
    metadata: dict[str, Any] = field(default_factory=dict)
    published: list[dict[str, Any]] | None = None
    """What the JWKS says in place of the keys."""
    answer: dict[str, Any] = field(default_factory=dict)
    """What the token endpoint gives for a code."""
    exchanges: list[httpx.Request] = field(default_factory=list)
    away: bool = False
    hang: tuple[asyncio.Event, asyncio.Event] | None = None
    """It sets the first when it is asked, and answers when the second is set."""
    status: int = 200
    asked: list[str] = field(default_factory=list)

    @property
    def transport(self) -> httpx.MockTransport:
        """How the gateway reaches it."""
        return httpx.MockTransport(self._answer)

    def times(self, path: str) -> int:
        """How often an address of it was asked."""
        return self.asked.count(path)

    def claims(self, **also: Any) -> dict[str, Any]:
        """What a good token says; None takes a claim away."""
        said = {
            "iss": self.address,
            "aud": "winnow",
            "sub": "u-1",
            "name": "Mara Lindqvist",
            "tenant": "nordlys",
            "roles": ["importer"],
            "iat": NOW - 10,
            "exp": NOW + 300,
            **also,
        }
        return {name: value for name, value in said.items() if value is not None}

    def token(
        self, *, key: Key | None = None, alg: str = "RS256", header: Mapping[str, Any] | None = None, **claims: Any
    ) -> str:
        """A token of this provider."""
        signing = key or self.keys[0]
        named = {"alg": alg, **({"kid": signing.kid} if signing.kid else {}), **(header or {})}
        named = {name: value for name, value in named.items() if value is not None}
        # As bytes, past all that a library would refuse to say in a header.
        said = b".".join(_encoded(json.dumps(part).encode()) for part in (named, self.claims(**claims)))
        signature = JWSRegistry.algorithms[alg].sign(said, signing)
        return b".".join((said, _encoded(signature))).decode()

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path)
        if self.hang is not None:
            asked, may_answer = self.hang
            asked.set()
            await may_answer.wait()
        if self.away:
            raise httpx.ConnectError("away", request=request)
        if request.url.path == "/.well-known/openid-configuration":
            return httpx.Response(self.status, json=self._discovery())
        if request.url.path == "/jwks":
            keys = [key.as_dict(private=False) for key in self.keys] if self.published is None else self.published
            return httpx.Response(self.status, json={"keys": keys})
        if request.url.path == "/token":
            self.exchanges.append(request)
            return httpx.Response(self.status, json=self.answer)
        return httpx.Response(404)

    def _discovery(self) -> dict[str, Any]:
        said = {
            "issuer": self.address,
            "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token",
            "jwks_uri": f"{self.address}/jwks",
            **self.metadata,
        }
        return {name: value for name, value in said.items() if value is not None}


def secret_of(key: Key) -> OctKey:
    """A public key taken for a shared secret, as whoever forges a token would."""
    return OctKey.import_key(json.dumps(key.as_dict(private=False)))


def unsigned(claims: Mapping[str, Any]) -> str:
    """A token with `alg: none`."""
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    return b".".join((*(_encoded(json.dumps(part).encode()) for part in parts), b"")).decode()


def _encoded(said: bytes) -> bytes:
    return base64.urlsafe_b64encode(said).rstrip(b"=")
