"""Keys of upstream systems: made, listed and revoked by a tenant's administrators."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.gateway import problems
from services.gateway.asking import Admin, Ways
from services.gateway.cursors import hand_out, list_name, take_back
from services.gateway.people import Role, tenant_of
from services.gateway.who.keys import MOST_KEYS, TooManyKeys
from services.gateway.who.repository import ApiKey as KeptKey
from shared.api.api_keys import ApiKey, MadeApiKey, NewApiKey
from shared.api.pages import Page

router = APIRouter(prefix="/v1/api-keys", tags=["keys"])

_KEYS = list_name("api-keys", {})


@router.get("", operation_id="list_api_keys", responses=problems.of(401, 403))
async def list_api_keys(
    ways: Ways,
    person: Admin,
    after: Annotated[str | None, Query(max_length=3_000, description="The `next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> Page[ApiKey]:
    """The tenant's keys, newest first; those that were revoked or have expired as well."""
    before = None
    if after is not None:
        at, key_id = take_back(_KEYS, after, datetime, UUID)
        before = (at, key_id)
    keys = await ways.who.keys.listed(tenant_of(person), before=before, limit=limit + 1)
    last = keys[limit - 1] if len(keys) > limit else None
    return Page[ApiKey](
        items=tuple(_said(key) for key in keys[:limit]),
        next=None if last is None else hand_out(_KEYS, last.created_at, last.id),
    )


@router.post("", operation_id="make_api_key", status_code=201, responses=problems.of(401, 403, 409, 422))
async def make_api_key(ways: Ways, person: Admin, asked: NewApiKey, response: Response) -> MadeApiKey:
    """Make a key. Its secret is in this answer and nowhere else."""
    try:
        key, secret = await ways.who.keys.make(
            person,
            tenant_of(person),
            name=asked.name,
            role=Role(asked.role),
            lasts=timedelta(days=asked.expires_in_days),
        )
    except TooManyKeys as many:
        raise problems.Refused(
            "conflict", f"There are {MOST_KEYS} keys that are good; revoke one that is not used any more first."
        ) from many
    response.headers["Cache-Control"] = "no-store"
    return MadeApiKey(**asdict(key), secret=secret)


@router.delete("/{key_id}", operation_id="revoke_api_key", responses=problems.of(401, 403, 404, 422))
async def revoke_api_key(ways: Ways, person: Admin, key_id: UUID) -> ApiKey:
    """Revoke a key: from now on it is good for nothing. One that was revoked before stays as it is."""
    key = await ways.who.keys.revoke(person, tenant_of(person), key_id)
    if key is None:
        raise problems.unknown("key")
    return _said(key)


def _said(key: KeptKey) -> ApiKey:
    return ApiKey(**asdict(key))
