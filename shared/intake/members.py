"""The people who work for a tenant: whoever signs in, and whoever was entered before. Owners and assignees are found among them.

A removed one is found no more; records that name them keep the name. Whoever signs in (again) is a member (again): that follows from
their login. Runs in a transaction of the tenant, as `winnow_intake`, or `winnow_gateway` for who signs in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from shared.values.emails import email_key

# An address is one member's. Of two who get it at once, the second takes it from the first.
_ALONE = text("SELECT pg_advisory_xact_lock(hashtextextended('members of ' || :tenant, 0))")
_COLUMNS = "id, name, email, subject IS NOT NULL AS has_signed_in, created_at, updated_at"
_LIST = text(
    f"""
    SELECT {_COLUMNS} FROM crm.members
     WHERE removed_at IS NULL AND (CAST(:after AS uuid) IS NULL OR id > CAST(:after AS uuid))
       AND (:q = '' OR strpos(lower(name), :q) > 0 OR strpos(email, :q) > 0)
     ORDER BY id LIMIT :limit
    """  # noqa: S608 - our own words
)
_BY_EMAIL = text(f"SELECT {_COLUMNS} FROM crm.members WHERE email = :email")  # noqa: S608 - our own words
_ADD = text(
    f"INSERT INTO crm.members (id, tenant_id, email, name) VALUES (:id, :tenant, :email, :name) RETURNING {_COLUMNS}"  # noqa: S608 - our own words
)
_REMOVE = text(
    """
    UPDATE crm.members SET removed_at = clock_timestamp(), email = NULL, updated_at = clock_timestamp()
     WHERE id = :id AND removed_at IS NULL RETURNING id
    """
)
# Somebody who was entered by this address, and signs in for the first time.
_CLAIM = text(
    """
    UPDATE crm.members SET subject = :subject WHERE email = :email AND subject IS NULL
       AND NOT EXISTS (SELECT FROM crm.members WHERE subject = :subject)
    """
)
_TAKE_EMAIL = text(
    """
    UPDATE crm.members
       SET email = NULL, updated_at = clock_timestamp(),
           removed_at = CASE WHEN subject IS NULL THEN clock_timestamp() ELSE removed_at END
     WHERE email = :email AND subject IS DISTINCT FROM :subject
    """
)
_NOTE = text(
    """
    INSERT INTO crm.members AS m (id, tenant_id, subject, email, name) VALUES (:id, :tenant, :subject, :email, :name)
    ON CONFLICT (tenant_id, subject) DO UPDATE
       SET email = excluded.email, name = excluded.name, removed_at = NULL, updated_at = clock_timestamp()
     WHERE (m.email, m.name, m.removed_at) IS DISTINCT FROM (excluded.email, excluded.name, NULL)
    """
)


@dataclass(frozen=True)
class Member:
    """A member of a tenant. `email` is in lower case."""

    id: UUID
    name: str
    email: str | None
    has_signed_in: bool
    created_at: datetime
    updated_at: datetime


async def list_members(
    conn: AsyncConnection, *, q: str = "", after: UUID | None = None, limit: int = 100
) -> Sequence[Member]:
    """The members behind this one, the oldest first; with `q` those whose name or address contains it."""
    found = await conn.execute(_LIST, {"q": q.lower(), "after": after, "limit": limit})
    return [_member(row) for row in found]


async def add_member(conn: AsyncConnection, tenant_id: str, *, email: str, name: str) -> tuple[Member, bool]:
    """Enter somebody who has not signed in; whether they were new. Whoever has the address already is left as they are."""
    await conn.execute(_ALONE, {"tenant": tenant_id})
    email = _key(email)
    known = (await conn.execute(_BY_EMAIL, {"email": email})).one_or_none()
    if known is not None:
        return _member(known), False
    made = await conn.execute(_ADD, {"id": uuid7(), "tenant": tenant_id, "email": email, "name": name})
    return _member(made.one()), True


async def remove_member(conn: AsyncConnection, member_id: UUID) -> bool:
    """Let nobody find a member any more; whether there was one."""
    return (await conn.execute(_REMOVE, {"id": member_id})).first() is not None


async def note_member(conn: AsyncConnection, tenant_id: str, *, subject: str, email: str | None, name: str) -> None:
    """Whoever signs in is a member, under what the login says now. Whose address was theirs before, has none any more."""
    await conn.execute(_ALONE, {"tenant": tenant_id})
    said = {"subject": subject, "email": None if email is None else _key(email)}
    if email is not None:
        await conn.execute(_CLAIM, said)
        await conn.execute(_TAKE_EMAIL, said)
    await conn.execute(_NOTE, {**said, "id": uuid7(), "tenant": tenant_id, "name": name})


def _key(email: str) -> str:
    """An address as files are read."""
    return email_key(email) or email.lower()


def _member(row: Any) -> Member:
    return Member(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
