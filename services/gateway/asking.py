"""What a route says it needs: the gateway, and who may ask. `services.gateway.who` finds out who asks.

A route that takes a `Viewer` (`Importer`, `Admin`, `Operator`) is answered for nobody less: 401 without a login, 403 with
one that may not. `PageViewer` and the others are the same for pages: who is not signed in is sent there first.
`Person.tenant` is the login's and the only tenant a route works with.
"""

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, HTTPException, Request

from services.gateway.people import Person, Role
from services.gateway.resources import Gateway
from services.gateway.who.denials import denied, sign_in_first
from services.gateway.who.identification import TenantUnknown
from services.gateway.who.refusals import NotBelieved, ProviderAway


def _gateway(request: Request) -> Gateway:
    return cast("Gateway", request.app.state.gateway)


Ways = Annotated[Gateway, Depends(_gateway)]
"""The gateway of this process."""


async def someone(request: Request, ways: Ways) -> Person | None:
    """Who asks, None without a login. Everything below builds on it: a test that overrides it says who asks."""
    try:
        return await ways.who.person(request)
    except NotBelieved as refused:
        denied(request, 401, refused.reason)
        raise HTTPException(
            401,
            refused.message,
            {"WWW-Authenticate": f'Bearer realm="winnow", error="invalid_token", error_description="{refused.reason}"'},
        ) from refused
    except TenantUnknown as unknown:
        denied(request, 403, "tenant_unknown", unknown.person)
        raise HTTPException(
            403,
            f'The tenant of your login, "{unknown.person.tenant}", is not registered with Winnow. Whoever runs it '
            "registers a tenant once; until then nothing is done for it.",
        ) from unknown
    except ProviderAway as away:
        denied(request, 503, "provider_away")
        raise HTTPException(
            503,
            "Who you are cannot be checked at the moment: the sign-in provider does not answer. Running imports go on; "
            "try again in a moment.",
            {"Retry-After": "15"},
        ) from away


@dataclass(frozen=True)
class Needs:
    """The least a route asks for. Tests read it off the routes."""

    role: Role
    page: bool = False
    """Whether who is not signed in is sent to sign in, in place of 401."""

    async def __call__(self, request: Request, person: Annotated[Person | None, Depends(someone)]) -> Person:
        """Let pass who may.

        Raises:
            HTTPException: 401, nobody is logged in; 403, this role is not among theirs.
            SignInFirst: as 401, for a page.
        """
        if person is None:
            if self.page:
                raise sign_in_first(request)
            denied(request, 401, "no_login")
            raise HTTPException(
                401,
                "Nobody is logged in. Send a token or a key as `Authorization: Bearer …`.",
                {"WWW-Authenticate": 'Bearer realm="winnow"'},
            )
        if not person.may(self.role):
            denied(request, 403, f"not_{self.role}", person)
            raise HTTPException(403, _LESSER[self.role])
        return person


_LESSER = {
    Role.VIEWER: "Your login belongs to no tenant, or has no role in it. Whoever administers your logins can give you one.",
    Role.IMPORTER: "You can look, not change: for this your login needs the role importer.",
    Role.ADMIN: "Keys and webhooks are for administrators: for this your login needs the role admin.",
    Role.OPERATOR: "This crosses tenants: for this your login needs the role operator.",
}

Viewer = Annotated[Person, Depends(Needs(Role.VIEWER))]
Importer = Annotated[Person, Depends(Needs(Role.IMPORTER))]
Admin = Annotated[Person, Depends(Needs(Role.ADMIN))]
Operator = Annotated[Person, Depends(Needs(Role.OPERATOR))]

PageViewer = Annotated[Person, Depends(Needs(Role.VIEWER, page=True))]
PageImporter = Annotated[Person, Depends(Needs(Role.IMPORTER, page=True))]
PageAdmin = Annotated[Person, Depends(Needs(Role.ADMIN, page=True))]
PageOperator = Annotated[Person, Depends(Needs(Role.OPERATOR, page=True))]
