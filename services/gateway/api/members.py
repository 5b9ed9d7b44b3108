"""The people who work for a tenant: everybody of it sees them, administrators enter those who have not signed in yet."""

from typing import Annotated
from uuid import UUID

import structlog
from fastapi import APIRouter, Query, Response

from services.gateway import problems
from services.gateway.asking import Admin, Viewer, Ways
from services.gateway.cursors import hand_out, list_name, take_back
from services.gateway.imports.transactions import acting, reading
from services.gateway.people import tenant_of
from services.gateway.texts import can_be_kept
from shared.api.members import Member, MemberPage, NewMember
from shared.intake.members import add_member, list_members, remove_member

router = APIRouter(prefix="/v1/members", tags=["records"])
log = structlog.get_logger(__name__)


@router.get("", operation_id="list_members", responses=problems.of(401, 403, 422))
async def list_members_(
    ways: Ways,
    person: Viewer,
    q: Annotated[str, Query(max_length=200, description="A part of the name or the address, in any case.")] = "",
    after: Annotated[str | None, Query(max_length=3_000, description="The `next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
) -> MemberPage:
    """Whom records can name as owners and assignees."""
    if not can_be_kept(q):
        raise problems.invalid("q", "no name has this in it.")
    name = list_name("members", {"q": q})
    place = None if after is None else take_back(name, after, UUID)[0]
    async with reading(ways, person) as conn:
        found = await list_members(conn, q=q, after=place, limit=limit + 1)
    shown = tuple(Member.model_validate(member, from_attributes=True) for member in found[:limit])
    return MemberPage(items=shown, next=hand_out(name, shown[-1].id) if len(found) > limit else None)


@router.post("", operation_id="add_member", status_code=201, responses=problems.of(401, 403, 422))
async def add_member_(ways: Ways, person: Admin, asked: NewMember, response: Response) -> Member:
    """Enter somebody who has not signed in yet. Whoever has the address already is answered as they are, with 200."""
    name = asked.name or asked.email
    if not can_be_kept(f"{name}{asked.email}"):
        raise problems.invalid("name", "no name can have this in it.")
    async with acting(ways, person) as conn:
        member, is_new = await add_member(conn, tenant_of(person), email=asked.email, name=name)
    if not is_new:
        response.status_code = 200
    return Member.model_validate(member, from_attributes=True)


@router.delete(
    "/{member_id}",
    operation_id="remove_member",
    status_code=204,
    response_class=Response,
    responses=problems.of(401, 403, 404, 422),
)
async def remove_member_(ways: Ways, person: Admin, member_id: UUID) -> None:
    """Let no file find a member any more. Who signs in again is one again."""
    async with acting(ways, person) as conn:
        if not await remove_member(conn, member_id):
            raise problems.unknown("member")
    log.info("member.removed", tenant=person.tenant, member=str(member_id), by=person.user)
