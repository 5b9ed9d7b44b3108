"""The OpenID Connect provider: what it says of itself (discovery), and the keys it signs with, kept for a while."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import httpx
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key
from pydantic import BaseModel, ValidationError

from services.gateway.who.refusals import ProviderAway

log = structlog.get_logger(__name__)

FRESH_SECONDS = 600.0
"""So long what the provider has said is taken as said: a key that it withdraws is believed no longer than this."""

STALE_SECONDS = 24 * 3600.0
"""So long it is gone by while the provider does not answer."""

PAUSE_SECONDS = 15.0
"""Between two times that it is asked, at least: whatever tokens name keys that nobody knows."""

_BIGGEST = 512 * 1024


class DemoPerson(BaseModel):
    """Somebody the local issuer of a demo signs in as without a password."""

    hint: str
    name: str
    tenant: str | None = None
    may: str


class Metadata(BaseModel):
    """What a provider says of itself, as far as it matters here (OpenID Connect Discovery 1.0)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    end_session_endpoint: str | None = None
    token_endpoint_auth_methods_supported: list[str] = ["client_secret_basic"]
    authorization_response_iss_parameter_supported: bool = False
    # The local issuer's own word; no real provider has it.
    winnow_people: list[DemoPerson] = []


@dataclass(frozen=True)
class _Said:
    metadata: Metadata
    keys: Sequence[Key]
    at: float


class Issuer:
    """One provider. It is asked when something is wanted of it first, again after a while, and for keys not known yet."""

    def __init__(self, address: str, http: httpx.AsyncClient, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._address = address
        self._http = http
        self._clock = clock
        self._said: _Said | None = None
        self._asked = float("-inf")
        self._asking = asyncio.Lock()

    async def metadata(self) -> Metadata:
        """What it says of itself.

        Raises:
            ProviderAway: it does not answer, and has not lately.
        """
        return (await self._known()).metadata

    async def keys(self, kid: str | None) -> Sequence[Key]:
        """The keys a token may be signed with: those of this id, or all when the token names none; none when it has none.

        Raises:
            ProviderAway: it does not answer, so that it is not known whether it has such a key.
        """
        said = await self._known()
        found = _named(said.keys, kid)
        return found or _named((await self._asked_again(said)).keys, kid)

    async def keys_now(self, kid: str | None) -> Sequence[Key]:
        """The same by what it says now, unless it was asked a moment ago or does not answer: then as it was known."""
        said = await self._known()
        with suppress(ProviderAway):
            said = await self._asked_again(said)
        return _named(said.keys, kid)

    async def _known(self) -> _Said:
        said = self._said
        if said is not None:
            age = self._clock() - said.at
            # While one asks, possibly in vain, the others are not kept waiting.
            if age < FRESH_SECONDS or (age < STALE_SECONDS and self._asking.locked()):
                return said
        try:
            return await self._asked_again(said)
        except ProviderAway:
            if said is not None and self._clock() - said.at < STALE_SECONDS:
                return said
            raise

    async def _asked_again(self, known: _Said | None) -> _Said:
        """What it says now; what it said a moment ago, when it was asked then."""
        async with self._asking:
            if self._said is not None and self._said is not known:
                return self._said
            if self._clock() - self._asked < PAUSE_SECONDS:
                # Its last answer is too young to be doubted, or it has just not answered.
                if self._said is not None and self._said.at >= self._asked:
                    return self._said
                raise ProviderAway
            self._asked = self._clock()
            self._said = await self._ask()
            return self._said

    async def _ask(self) -> _Said:
        at = self._clock()
        try:
            metadata = Metadata.model_validate_json(
                await self._get(self._address.rstrip("/") + "/.well-known/openid-configuration")
            )
            # With or without a slash at the end: providers differ, and people leave it out.
            if metadata.issuer.rstrip("/") != self._address.rstrip("/"):
                log.error("provider.is_another", expected=self._address, says=metadata.issuer[:200])
                raise ProviderAway
            keys = _keys(await self._get(metadata.jwks_uri))
        except (httpx.HTTPError, httpx.InvalidURL, ValidationError) as error:
            log.warning("provider.away", issuer=self._address, error=repr(error)[:300])
            raise ProviderAway from error
        return _Said(metadata, keys, at)

    async def _get(self, address: str) -> bytes:
        async with self._http.stream("GET", address) as answer:
            answer.raise_for_status()
            body = b""
            async for part in answer.aiter_bytes():
                body += part
                if len(body) > _BIGGEST:
                    raise httpx.DecodingError("longer than any provider's answer")
            return body


class _KeySet(BaseModel):
    keys: list[dict[str, object]]


def _keys(body: bytes) -> Sequence[Key]:
    """The keys that signatures are checked with; those for something else, or of a kind we do not know, are passed over."""
    found = []
    for said in _KeySet.model_validate_json(body).keys:
        if said.get("use", "sig") != "sig" or said.get("kty") not in {"RSA", "EC", "OKP"}:
            continue
        try:
            found.append(JWKRegistry.import_key({name: text for name, text in said.items() if isinstance(text, str)}))
        except (JoseError, ValueError) as error:
            log.warning("provider.odd_key", kid=str(said.get("kid"))[:80], error=repr(error)[:200])
    return found


def _named(keys: Sequence[Key], kid: str | None) -> Sequence[Key]:
    return keys if kid is None else [key for key in keys if key.kid == kid]
