"""A small OpenID Connect provider for demos and tests: `python -m deploy.local.issuer FOLDER PORT RELEASE`.

It asks for no password: whoever reaches it signs in as whom they like. So it listens on this machine only, and takes
nobody anywhere else. Its tokens are as those of a real one: authorization code with PKCE, RS256, a JWKS that rotates.
"""

import html
import secrets
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import uvicorn
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core.util import create_half_hash
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from deploy.local.issuer_keys import ALGORITHM, IssuerKeys
from deploy.local.people import PEOPLE, DemoPerson

HOST = "127.0.0.1"
CLIENT = "winnow"
_RETURN = "/sign-in/return"
_CODE_SECONDS = 60
_THIS_MACHINE = {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True)
class _Grant:
    person: DemoPerson
    redirect_uri: str
    challenge: str
    nonce: str | None
    until: float


@dataclass
class LocalIssuer:
    """The provider at one address."""

    address: str
    keys: IssuerKeys
    release: str = ""
    _grants: dict[str, _Grant] = field(default_factory=dict)

    def app(self) -> Starlette:
        """The provider as an application."""
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self.discovery),
                Route("/jwks", self.jwks),
                Route("/authorize", self.authorize),
                Route("/token", self.token, methods=["POST"]),
            ]
        )

    async def discovery(self, _request: Request) -> Response:
        """What it says of itself; beside the usual, whom one can be here."""
        return JSONResponse(
            {
                "issuer": self.address,
                "authorization_endpoint": f"{self.address}/authorize",
                "token_endpoint": f"{self.address}/token",
                "jwks_uri": f"{self.address}/jwks",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": [ALGORITHM],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["none"],
                "authorization_response_iss_parameter_supported": True,
                "winnow_people": [
                    {"hint": person.hint, "name": person.name, "tenant": person.tenant, "may": person.may}
                    for person in PEOPLE
                ],
                "winnow_release": self.release,
            }
        )

    async def jwks(self, _request: Request) -> Response:
        """Its public keys."""
        return JSONResponse(self.keys.published())

    async def authorize(self, request: Request) -> Response:
        """Send the browser back with a code for whom `login_hint` names; without one, ask whom."""
        asked = request.query_params
        back = asked.get("redirect_uri", "")
        where = urlsplit(back)
        if asked.get("client_id") != CLIENT or where.hostname not in _THIS_MACHINE or where.path != _RETURN:
            return JSONResponse({"error": "invalid_request"}, 400)
        if asked.get("response_type") != "code" or asked.get("code_challenge_method") != "S256":
            return _sent_back(back, asked, {"error": "invalid_request"}, self.address)
        person = next((known for known in PEOPLE if known.hint == asked.get("login_hint")), None)
        if person is None:
            return HTMLResponse(_choice(request))
        code = secrets.token_urlsafe(32)
        until = time.monotonic() + _CODE_SECONDS
        self._grants[code] = _Grant(person, back, asked.get("code_challenge", ""), asked.get("nonce"), until)
        return _sent_back(back, asked, {"code": code}, self.address)

    async def token(self, request: Request) -> Response:
        """Tokens for a code, once, for whoever knows what its challenge was made of."""
        asked = await request.form()
        grant = self._grants.pop(str(asked.get("code")), None)
        good = (
            grant is not None
            and asked.get("grant_type") == "authorization_code"
            and asked.get("client_id") == CLIENT
            and asked.get("redirect_uri") == grant.redirect_uri
            and create_s256_code_challenge(str(asked.get("code_verifier"))) == grant.challenge
            and time.monotonic() < grant.until
        )
        if not good or grant is None:
            return JSONResponse({"error": "invalid_grant"}, 400)
        access = self.keys.token(self.address, grant.person.claims, kind="at+jwt")
        hashed = create_half_hash(access, ALGORITHM).decode()
        nonce = {} if grant.nonce is None else {"nonce": grant.nonce}
        return JSONResponse(
            {
                "access_token": access,
                "id_token": self.keys.token(self.address, {**grant.person.claims, "at_hash": hashed, **nonce}),
                "token_type": "Bearer",
                "expires_in": 3600,
            },
            headers={"Cache-Control": "no-store"},
        )


def _sent_back(back: str, asked: Mapping[str, str], said: Mapping[str, str], issuer: str) -> Response:
    parameters = {**said, "iss": issuer, **({"state": asked["state"]} if "state" in asked else {})}
    return RedirectResponse(f"{back}?{urlencode(parameters)}", 302, {"Cache-Control": "no-store"})


def _choice(request: Request) -> str:
    links = "".join(
        f'<li><a href="{html.escape(str(request.url.include_query_params(login_hint=person.hint)))}">'
        f"{html.escape(person.name)}</a> ({html.escape(person.tenant or 'all tenants')}): {html.escape(person.may)}</li>"
        for person in PEOPLE
    )
    return f"<!doctype html><title>Who are you?</title><h1>Who are you?</h1><p>For demos only.</p><ul>{links}</ul>"


def main() -> None:
    """Serve until told to end."""
    folder, port, release = sys.argv[1:]
    issuer = LocalIssuer(f"http://{HOST}:{port}", IssuerKeys(Path(folder)), release)
    uvicorn.run(issuer.app(), host=HOST, port=int(port), log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
