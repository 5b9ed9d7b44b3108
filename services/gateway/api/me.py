"""`/v1/me`: who is logged in."""

from fastapi import APIRouter

from services.gateway import problems
from services.gateway.asking import LoggedIn
from services.gateway.people import Role
from shared.api.people import Me

router = APIRouter(tags=["people"])


@router.get("/v1/me", operation_id="get_me", responses=problems.of(401, 403))
async def get_me(person: LoggedIn) -> Me:
    """Who this login is, for which tenant, and what it may do."""
    return Me(
        tenant=person.tenant,
        user=person.user,
        name=person.name,
        email=person.email,
        roles=tuple(sorted(person.roles)),
        may=tuple(role for role in Role if person.may(role)),
        via=person.via,
    )
