"""Bearer tokens: who signed them, for whom, and until when (RFC 7519, RFC 9068, OpenID Connect Core)."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import (
    ExpiredTokenError,
    InvalidClaimError,
    JoseError,
    MissingClaimError,
    UnsupportedAlgorithmError,
)
from joserfc.jwk import Key

from services.gateway.who.issuer import Issuer
from services.gateway.who.refusals import NotBelieved

_LONGEST = 16 * 1024


class _Registry(jws.JWSRegistry):
    """Some providers send their certificates along, or words of their own, in the header; `crit` is still honoured."""

    max_header_length = 8 * 1024

    def get_alg(self, name: str) -> Any:
        """A way of signing that is allowed. Without the library's warning of `EdDSA`, as most providers still name Ed25519."""
        if name not in (self.allowed or ()):
            raise UnsupportedAlgorithmError
        return self.algorithms[name]


@dataclass(frozen=True)
class Rules:
    """What is asked of a token."""

    audience: str
    algorithms: Collection[str]
    leeway_seconds: int = 60


class Tokens:
    """Says what a token of the provider says, once all that makes it believable has been looked at."""

    def __init__(self, issuer: Issuer, rules: Rules, *, clock: Callable[[], float] = time.time) -> None:
        self._issuer = issuer
        self._rules = rules
        self._clock = clock
        self._registry = _Registry(algorithms=list(rules.algorithms), strict_check_header=False)

    async def claims(self, token: str) -> Mapping[str, Any]:
        """What a token says. Raises as `read`."""
        return (await self.read(token))[0]

    async def read(self, token: str, *, audience: str | None = None) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """What a token says, and its header; `audience` in place of the rules' own.

        Raises:
            NotBelieved: it is none, nobody's, not for us, or of another time.
            ProviderAway: whose it is cannot be looked up now.
        """
        if len(token) > _LONGEST:
            raise NotBelieved("too_long", "The token is longer than any token.")
        header = self._header(token)
        keys = await self._issuer.keys(header.get("kid"))
        if not keys:
            raise NotBelieved(
                "unknown_key", "The token is signed with a key that the provider does not have (any more)."
            )
        claims = self._signed(token, keys)
        if claims is None:
            # A provider may sign with a new key without saying which (no `kid`, or the same).
            claims = self._signed(token, await self._issuer.keys_now(header.get("kid")))
        if claims is None:
            raise NotBelieved("signature", "The token's signature is not the provider's.")
        metadata = await self._issuer.metadata()
        self._check(claims, metadata.issuer, audience or self._rules.audience)
        return claims, header

    def _header(self, token: str) -> Mapping[str, Any]:
        try:
            header = jws.extract_compact(token.encode("ascii"), registry=self._registry).headers()
        except (JoseError, ValueError) as error:
            raise NotBelieved("no_token", "This is no token of the provider's.") from error
        if header.get("alg") not in self._rules.algorithms:
            raise NotBelieved("algorithm", "The token is signed in a way that is not accepted here.")
        if not isinstance(header.get("kid"), str | None):
            raise NotBelieved("no_token", "This is no token of the provider's.")
        return header

    def _signed(self, token: str, keys: Sequence[Key]) -> Mapping[str, Any] | None:
        """What it says, when one of the keys signed it."""
        for key in keys:
            try:
                return jwt.decode(token, key, registry=self._registry).claims
            except (JoseError, ValueError):
                continue
        return None

    def _check(self, claims: Mapping[str, Any], issuer: str, audience: str) -> None:
        wanted = jwt.JWTClaimsRegistry(
            now=lambda: int(self._clock()),
            leeway=self._rules.leeway_seconds,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
        )
        try:
            wanted.validate(dict(claims))
        except ExpiredTokenError as error:
            raise NotBelieved("expired", "The token has expired; get a new one.") from error
        except MissingClaimError as error:
            raise NotBelieved(
                "missing_claim", f"The token lacks what every token has to say (`{error.claim}`)."
            ) from error
        except InvalidClaimError as error:
            raise NotBelieved(
                f"claim_{error.claim}", _SAID.get(error.claim, "A claim of the token is not as it has to be.")
            ) from error


_SAID = {
    "iss": "The token is of another provider.",
    "aud": "The token is for somebody else (`aud`).",
    "nbf": "The token is not valid yet (`nbf`).",
    "iat": "The token was made in the future (`iat`).",
    "exp": "The token does not say until when it holds (`exp`).",
}
