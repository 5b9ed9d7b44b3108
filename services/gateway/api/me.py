"""`/v1/me`: who is logged in."""

from typing import Annotated

from fastapi import APIRouter, Depends

from services.gateway import problems
from services.gateway.asking import someone
from services.gateway.people import Person, Role
from shared.api.people import Me

router = APIRouter(tags=["people"])


@router.get("/v1/me", operation_id="get_me", responses=problems.of(401, 403))
async def get_me(person: Annotated[Person | None, Depends(someone)]) -> Me:
    """Who this login is, for which tenant, and what it may do."""
    if person is None:
        raise problems.Refused(
            "unauthenticated",
            "Nobody is logged in. Send a token or a key as `Authorization: Bearer …`.",
            headers={"WWW-Authenticate": 'Bearer realm="winnow"'},
        )
    return Me(
        tenant=person.tenant,
        user=person.user,
        name=person.name,
        email=person.email,
        roles=tuple(sorted(person.roles)),
        may=tuple(role for role in Role if person.may(role)),
        via=person.via,
    )
