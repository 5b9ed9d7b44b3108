"""Who asks, by whatever the request shows: a bearer token, a key, or a session's cookie."""

import ssl
from collections.abc import Sequence

import httpx
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request

from services.gateway.people import Person
from services.gateway.settings import GatewaySettings
from services.gateway.who.claims import ClaimNames, person_of
from services.gateway.who.directory import Directory
from services.gateway.who.issuer import DemoPerson, Issuer
from services.gateway.who.keys import Keys, is_key
from services.gateway.who.limits import Limits
from services.gateway.who.refusals import NotBelieved, ProviderAway
from services.gateway.who.sessions import Cookie, Sessions
from services.gateway.who.sign_in import SignIn
from services.gateway.who.tenants import Tenants
from services.gateway.who.tokens import Rules, Tokens

_PROVIDER_PATIENCE = 5.0


class TenantUnknown(Exception):
    """Whoever asks is believed; the tenant is not registered."""

    def __init__(self, person: Person) -> None:
        super().__init__(person.tenant)
        self.person = person


class Who:
    """Finds out who asks. One for the gateway's process."""

    def __init__(
        self,
        settings: GatewaySettings,
        own: AsyncEngine,
        reader: AsyncEngine,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._settings = settings
        self._http = httpx.AsyncClient(
            verify=True if settings.oidc_ca_file is None else ssl.create_default_context(cafile=settings.oidc_ca_file),
            timeout=_PROVIDER_PATIENCE,
            transport=transport,
        )
        self.issuer = Issuer(settings.oidc_issuer, self._http)
        self.tokens = Tokens(
            self.issuer, Rules(settings.oidc_audience, settings.algorithms, settings.oidc_leeway_seconds)
        )
        names = ClaimNames(settings.oidc_tenant_claim, settings.oidc_roles_claim, settings.oidc_role_names)
        self._names = names
        self._tenants = Tenants(reader)
        self._directory = Directory(own)
        self.limits = Limits(
            requests_per_minute=settings.requests_per_minute, upload_requests_at_once=settings.upload_requests_at_once
        )
        self.keys = Keys(own)
        self.sessions = Sessions(
            own, settings.secret.get_secret_value(), idle=settings.session_idle, longest=settings.session_longest
        )
        self.cookie = Cookie.of(settings.public_url, settings.port)
        self.begun_cookie = Cookie.of(settings.public_url, settings.port, "-sign-in")
        self.sign_in = SignIn(settings, self.issuer, self.tokens, names, self._http)

    async def person(self, request: Request) -> Person | None:
        """Who asks; None when nothing is shown, or a session that has ended.

        Raises:
            NotBelieved: what is shown proves nothing.
            ProviderAway: whether it does cannot be said now.
            TenantUnknown: it is somebody of a tenant that is not registered.
        """
        if "authorization" in request.headers:
            return await self.admitted(await self._of_header(request.headers["authorization"]))
        token = self.cookie.read(request)
        person = None if token is None else await self.sessions.person(token)
        return None if person is None else await self.admitted(person)

    async def admitted(self, person: Person) -> Person:
        """The person again, of a tenant that is registered; what they are called is noted.

        Raises:
            TenantUnknown: it is not.
        """
        if person.tenant is not None and not (
            self._settings.admit_unknown_tenants or await self._tenants.has(person.tenant)
        ):
            raise TenantUnknown(person)
        await self._directory.note(person)
        return person

    async def people(self) -> Sequence[DemoPerson]:
        """Whom one can be in the demo; of a real provider, and of one that is away, nobody."""
        try:
            return (await self.issuer.metadata()).winnow_people
        except ProviderAway:
            return ()

    async def close(self) -> None:
        """End the connections to the provider."""
        await self._http.aclose()

    async def _of_header(self, shown: str) -> Person:
        scheme, _, credentials = shown.partition(" ")
        credentials = credentials.strip()
        if scheme.lower() != "bearer" or not credentials:
            raise NotBelieved("scheme", "Send a token or a key as `Authorization: Bearer …`.")
        if is_key(credentials):
            return await self.keys.person(credentials)
        return person_of(await self.tokens.claims(credentials), self._names, "token")
