"""Who asks, by whatever the request shows: a bearer token, a key, or a session's cookie."""

import ssl

import httpx
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request

from services.gateway.people import Person
from services.gateway.settings import GatewaySettings
from services.gateway.who.claims import ClaimNames, person_of
from services.gateway.who.issuer import Issuer
from services.gateway.who.refusals import NotBelieved
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
        self._names = ClaimNames(settings.oidc_tenant_claim, settings.oidc_roles_claim, settings.oidc_role_names)
        self._tenants = Tenants(reader)

    async def person(self, request: Request) -> Person | None:
        """Who asks; None when nothing is shown.

        Raises:
            NotBelieved: what is shown proves nothing.
            ProviderAway: whether it does cannot be said now.
            TenantUnknown: it is somebody of a tenant that is not registered.
        """
        if "authorization" in request.headers:
            return await self._admitted(await self._of_header(request.headers["authorization"]))
        return None

    async def close(self) -> None:
        """End the connections to the provider."""
        await self._http.aclose()

    async def _of_header(self, shown: str) -> Person:
        scheme, _, credentials = shown.partition(" ")
        credentials = credentials.strip()
        if scheme.lower() != "bearer" or not credentials:
            raise NotBelieved("scheme", "Send the token as `Authorization: Bearer …`.")
        return person_of(await self.tokens.claims(credentials), self._names, "token")

    async def _admitted(self, person: Person) -> Person:
        if person.tenant is None or self._settings.admit_unknown_tenants or await self._tenants.has(person.tenant):
            return person
        raise TenantUnknown(person)
