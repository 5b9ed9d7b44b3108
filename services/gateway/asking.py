"""What a route says it needs: the gateway, and who may ask. `services.gateway.who` finds out who asks.

A route that takes a `Viewer` (`Importer`, `Admin`, `Operator`) is answered for nobody less: 401 without a login, 403 with
one that may not. `PageViewer` and the others are the same for pages: who is not signed in is sent there first.
`Person.tenant` is the login's and the only tenant a route works with.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from services.gateway.people import Person, Role
from services.gateway.problems import Refused
from services.gateway.resources import Gateway
from services.gateway.who.denials import NOT_MEANT, PROVIDER_AWAY, denied, sign_in_first, unregistered
from services.gateway.who.identification import TenantUnknown
from services.gateway.who.limits import TooMuch
from services.gateway.who.refusals import NotBelieved, ProviderAway
from services.gateway.who.same_site import NotMeant, check_meant


def _gateway(request: Request) -> Gateway:
    return cast("Gateway", request.app.state.gateway)


Ways = Annotated[Gateway, Depends(_gateway)]
"""The gateway of this process."""


async def someone(request: Request, ways: Ways) -> Person | None:
    """Who asks, None without a login. Everything below builds on it: a test that overrides it says who asks."""
    try:
        person = await ways.who.person(request)
        if person is not None:
            await ways.who.limits.request(person)
    except NotBelieved as refused:
        denied(request, 401, refused.reason)
        challenge = f'Bearer realm="winnow", error="invalid_token", error_description="{refused.reason}"'
        raise Refused("unauthenticated", refused.message, headers={"WWW-Authenticate": challenge}) from refused
    except TenantUnknown as unknown:
        denied(request, 403, "tenant_unknown", unknown.person)
        # The page that says so lets them sign out.
        request.state.person = unknown.person
        raise Refused("forbidden", unregistered(unknown.person)) from unknown
    except ProviderAway as away:
        denied(request, 503, "provider_away")
        raise Refused("unavailable", PROVIDER_AWAY, headers={"Retry-After": "15"}) from away
    except TooMuch as much:
        raise _later(request, much, person) from much
    return person


Someone = Annotated[Person | None, Depends(someone)]
"""Who asks, if anybody does. For what is open to everybody and changes nothing of a tenant's."""


@dataclass(frozen=True)
class Needs:
    """The least a route asks for. Tests read it off the routes."""

    role: Role | None
    """None: any login, also one that may do nothing."""
    page: bool = False
    """Whether who is not signed in is sent to sign in, in place of 401."""
    streams_form: bool = False
    """Whether the route reads a form piece by piece, and looks for the session's token in it itself, before a file."""

    async def __call__(self, request: Request, person: Someone) -> Person:
        """Let pass who may, and of a session what a page of it sent.

        Raises:
            Refused: nobody is logged in, this role is not among theirs, or another site had a browser send it.
            SignInFirst: nobody is logged in, for a page.
        """
        if person is None:
            if self.page:
                raise sign_in_first(request)
            denied(request, 401, "no_login")
            raise Refused(
                "unauthenticated",
                "Nobody is logged in. Send a token or a key as `Authorization: Bearer …`.",
                headers={"WWW-Authenticate": 'Bearer realm="winnow"'},
            )
        request.state.person = person
        if self.role is not None and not person.may(self.role):
            denied(request, 403, f"not_{self.role}", person)
            raise Refused("forbidden", _LESSER[self.role])
        if person.csrf is not None:
            try:
                await check_meant(
                    request, person.csrf, _gateway(request).settings.public_url, form=not self.streams_form
                )
            except NotMeant as unmeant:
                denied(request, 403, unmeant.reason, person)
                raise Refused("csrf", NOT_MEANT) from unmeant
        return person


def _later(request: Request, much: TooMuch, person: Person | None) -> Refused:
    denied(request, 429, much.reason, person)
    return Refused("too-many-requests", much.message, headers={"Retry-After": str(much.retry_seconds)})


_LESSER = {
    Role.VIEWER: "Your login belongs to no tenant, or has no role in it. Whoever administers your logins can give you one.",
    Role.IMPORTER: "You can look, not change: for this your login needs the role importer.",
    Role.ADMIN: "This is for administrators: for it your login needs the role admin.",
    Role.OPERATOR: "This crosses tenants: for this your login needs the role operator.",
}

LoggedIn = Annotated[Person, Depends(Needs(None))]
Viewer = Annotated[Person, Depends(Needs(Role.VIEWER))]
Importer = Annotated[Person, Depends(Needs(Role.IMPORTER))]
Admin = Annotated[Person, Depends(Needs(Role.ADMIN))]
Operator = Annotated[Person, Depends(Needs(Role.OPERATOR))]

PageViewer = Annotated[Person, Depends(Needs(Role.VIEWER, page=True))]
PageImporter = Annotated[Person, Depends(Needs(Role.IMPORTER, page=True))]
PageOperator = Annotated[Person, Depends(Needs(Role.OPERATOR, page=True))]


_Sending = Annotated[Person, Depends(Needs(Role.IMPORTER, streams_form=True))]
_PageSending = Annotated[Person, Depends(Needs(Role.IMPORTER, page=True, streams_form=True))]


async def _sender(request: Request, ways: Ways, person: _Sending) -> AsyncIterator[Person]:
    async with _room(request, ways, person):
        yield person


async def _page_sender(request: Request, ways: Ways, person: _PageSending) -> AsyncIterator[Person]:
    async with _room(request, ways, person):
        yield person


@asynccontextmanager
async def _room(request: Request, ways: Gateway, person: Person) -> AsyncIterator[None]:
    async with AsyncExitStack() as taken:
        try:
            await taken.enter_async_context(ways.who.limits.upload(person))
        except TooMuch as much:
            raise _later(request, much, person) from much
        yield


Sender = Annotated[Person, Depends(_sender)]
"""An importer who sends a file with this request; so many of a tenant at once, and no more.

A form that brings the file is read by the route (`uploads.forms`), which looks for the session's token before it.
"""

PageSender = Annotated[Person, Depends(_page_sender)]
"""The same for pages."""
