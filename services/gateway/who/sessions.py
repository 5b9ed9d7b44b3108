"""Sessions of browsers: on the server, so that one can be ended; the browser has a secret that says nothing by itself."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.people import Person, Role
from services.gateway.who.credentials import csrf_of, hashed, new_token
from services.gateway.who.repository import begin_session, end_session, end_sessions_of, knowing, read_session
from shared.db.transaction import tenant_transaction


@dataclass(frozen=True)
class Cookie:
    """The browser's cookie. Over TLS no other host, and nothing without TLS, can set one of its name (`__Host-`)."""

    name: str
    over_tls: bool

    @staticmethod
    def of(public_url: str, port: int, purpose: str = "") -> "Cookie":
        """The cookie of a gateway. Without TLS its port is in the name: those of one machine share their cookies."""
        over_tls = public_url.startswith("https://")
        return Cookie(f"__Host-winnow{purpose}" if over_tls else f"winnow-{port}{purpose}", over_tls)

    def read(self, request: Request) -> str | None:
        """What the browser has."""
        return request.cookies.get(self.name) or None

    def put(self, response: Response, value: str, lasts: timedelta) -> None:
        """Have the browser keep it: from scripts hidden, and not sent with what other sites post here."""
        response.set_cookie(
            self.name,
            value,
            max_age=int(lasts.total_seconds()),
            path="/",
            secure=self.over_tls,
            httponly=True,
            samesite="lax",
        )

    def take(self, response: Response) -> None:
        """Have the browser forget it."""
        response.delete_cookie(self.name, path="/", secure=self.over_tls, httponly=True, samesite="lax")


class Sessions:
    """Who is signed in. A session ends when it is signed out of, is not used, or has lasted its longest."""

    def __init__(self, own: AsyncEngine, secret: str, *, idle: timedelta, longest: timedelta) -> None:
        self._own = own
        self._secret = secret
        self._idle = idle
        self._longest = longest

    async def begin(self, person: Person) -> str:
        """A new session of somebody; the secret for the cookie."""
        token = new_token()
        async with knowing(self._own, hashed(token)) as conn:
            await begin_session(conn, hashed(token), person, self._longest)
        return token

    async def person(self, token: str) -> Person | None:
        """Whose session it is; None when it has ended, or never was."""
        async with knowing(self._own, hashed(token)) as conn:
            found = await read_session(conn, hashed(token), self._idle)
        if found is None:
            return None
        return Person(
            tenant=found.tenant_id,
            user=found.user_id,
            name=found.name,
            email=found.email,
            roles=frozenset(Role(role) for role in found.roles),
            via="session",
            csrf=self.csrf(token),
        )

    def csrf(self, token: str) -> str:
        """What forms of this session repeat."""
        return csrf_of(token, self._secret)

    async def end(self, token: str) -> None:
        """End one. One that has ended is fine."""
        async with knowing(self._own, hashed(token)) as conn:
            await end_session(conn, hashed(token))

    async def end_all_of(self, person: Person) -> int:
        """End every session of a person of a tenant; how many there were."""
        if person.tenant is None:
            return 0
        async with tenant_transaction(self._own, person.tenant) as conn:
            return await end_sessions_of(conn, person.tenant, person.user)
