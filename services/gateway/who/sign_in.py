"""Signing in: OpenID Connect's authorization code, with PKCE, state and nonce, all three bound to the browser that began."""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx
import structlog
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from itsdangerous import BadData, URLSafeTimedSerializer
from joserfc.errors import JoseError

from services.gateway.people import Person
from services.gateway.settings import GatewaySettings
from services.gateway.who.claims import ClaimNames, person_of
from services.gateway.who.issuer import Issuer, Metadata
from services.gateway.who.refusals import NotBelieved, ProviderAway
from services.gateway.who.tokens import Tokens

log = structlog.get_logger(__name__)

PAGE, RETURN = "/sign-in", "/sign-in/return"
LASTS = timedelta(minutes=10)
"""So long somebody has for it."""

_SALT = "winnow.sign-in"


@dataclass(frozen=True)
class Begun:
    """A sign-in under way: what the browser keeps until it comes back."""

    state: str
    nonce: str
    verifier: str
    afterwards: str


class SignIn:
    """Signs people in with the provider."""

    def __init__(
        self, settings: GatewaySettings, issuer: Issuer, tokens: Tokens, names: ClaimNames, http: httpx.AsyncClient
    ) -> None:
        self._settings = settings
        self._issuer = issuer
        self._tokens = tokens
        self._names = names
        self._http = http
        self._sealing = URLSafeTimedSerializer(settings.secret.get_secret_value(), salt=_SALT)

    async def begin(self, afterwards: str, hint: str | None) -> tuple[str, str]:
        """Where to send the browser, and what it has to keep meanwhile.

        Raises:
            ProviderAway: it does not answer.
        """
        metadata = await self._issuer.metadata()
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        begun = Begun(state, nonce, verifier, afterwards)
        asked = {
            "response_type": "code",
            "client_id": self._settings.oidc_client_id,
            "redirect_uri": self._return_address,
            "scope": self._settings.oidc_scopes,
            "state": begun.state,
            "nonce": begun.nonce,
            "code_challenge": create_s256_code_challenge(begun.verifier),
            "code_challenge_method": "S256",
            **({} if hint is None else {"login_hint": hint}),
        }
        address = metadata.authorization_endpoint
        return f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(asked)}", self._sealing.dumps(
            asdict(begun)
        )

    async def way_out(self) -> str | None:
        """Where one signs out of the provider as well; None where it has no such place, or does not answer."""
        try:
            metadata = await self._issuer.metadata()
        except ProviderAway:
            return None
        if metadata.end_session_endpoint is None:
            return None
        said = {
            "client_id": self._settings.oidc_client_id,
            "post_logout_redirect_uri": self._settings.public_url.rstrip("/") + PAGE,
        }
        return _with_query(metadata.end_session_endpoint, said)

    async def finish(self, kept: str | None, said: Mapping[str, str]) -> tuple[Person, str]:
        """Who it is that comes back, and where they wanted to go.

        Raises:
            NotBelieved: the browser did not begin this, or the provider does not vouch for anybody.
            ProviderAway: it does not answer.
        """
        begun = self._begun(kept)
        if begun is None or not hmac.compare_digest(said.get("state", "").encode(), begun.state.encode()):
            raise NotBelieved("state", "This sign-in was not begun here, or took too long.")
        metadata = await self._issuer.metadata()
        named = said.get("iss")
        if named != metadata.issuer if named is not None else metadata.authorization_response_iss_parameter_supported:
            raise NotBelieved("response_issuer", "The answer is of another provider.")
        if "code" not in said:
            log.info("sign_in.refused", error=said.get("error", "")[:80])
            raise NotBelieved("refused", "The sign-in provider did not let you in, or you did not go on.")
        answer = await self._exchanged(metadata, said["code"], begun)
        return await self._person(answer, begun), begun.afterwards

    @property
    def _return_address(self) -> str:
        return self._settings.public_url.rstrip("/") + RETURN

    def _begun(self, kept: str | None) -> Begun | None:
        try:
            return None if kept is None else Begun(**self._sealing.loads(kept, max_age=int(LASTS.total_seconds())))
        except (BadData, TypeError):
            return None

    async def _exchanged(self, metadata: Metadata, code: str, begun: Begun) -> Mapping[str, Any]:
        """The tokens for a code."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._return_address,
            "client_id": self._settings.oidc_client_id,
            "code_verifier": begun.verifier,
        }
        auth = httpx.Auth()
        if (secret := self._settings.oidc_client_secret) is not None:
            if "client_secret_basic" in metadata.token_endpoint_auth_methods_supported:
                # As RFC 6749 (2.3.1) has it: each is encoded first.
                auth = httpx.BasicAuth(quote(form["client_id"], safe=""), quote(secret.get_secret_value(), safe=""))
            else:
                form["client_secret"] = secret.get_secret_value()
        headers = {"Accept": "application/json"}
        try:
            answer = await self._http.post(metadata.token_endpoint, data=form, headers=headers, auth=auth)
            said = answer.json() if answer.headers.get("content-type", "").startswith("application/json") else {}
        except (httpx.HTTPError, ValueError) as error:
            raise ProviderAway from error
        if answer.is_server_error:
            raise ProviderAway
        if not answer.is_success or not isinstance(said, dict) or not isinstance(said.get("id_token"), str):
            why = said.get("error") if isinstance(said, dict) else None
            log.warning("sign_in.code_refused", status=answer.status_code, error=str(why)[:80])
            raise NotBelieved("code", "The sign-in provider does not know this sign-in (any more).")
        return said

    async def _person(self, answer: Mapping[str, Any], begun: Begun) -> Person:
        token = answer["id_token"]
        claims, header = await self._tokens.read(token, audience=self._settings.oidc_client_id)
        access = answer.get("access_token")
        wanted = {"nonce": begun.nonce, "client_id": self._settings.oidc_client_id, "access_token": access}
        checked = CodeIDToken(dict(claims), header, params=wanted)
        try:
            checked.validate_nonce()
            checked.validate_azp()
            checked.validate_at_hash()
        except JoseError as error:
            raise NotBelieved("id_token", "What the sign-in provider says belongs to another sign-in.") from error
        return person_of({**await self._beside(access, claims), **claims}, self._names, "session")

    async def _beside(self, access: Any, claims: Mapping[str, Any]) -> Mapping[str, Any]:
        """What only the access token says: some providers have roles there and not in the ID token."""
        if not isinstance(access, str) or access.count(".") != 2:  # noqa: PLR2004 - a signed token has three parts
            return {}
        try:
            said = await self._tokens.claims(access)
        except NotBelieved:
            # For somebody else, or not for us to read: many are.
            return {}
        return said if said.get("sub") == claims.get("sub") else {}


def _with_query(address: str, said: Mapping[str, str]) -> str:
    return f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(said)}"
