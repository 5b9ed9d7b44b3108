"""The gateway's own tables of who asks. Sessions and keys are found by the hash of their secret, before the tenant is known."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.gateway.people import Person

_SET_HASH = text("SELECT set_config('winnow.secret_hash', :hash, true)")

_SESSION = text(
    """
    SELECT tenant_id, user_id, name, email, roles, seen_at < now() - interval '1 minute' AS touch
      FROM gateway.sessions
     WHERE token_hash = :hash AND expires_at > now() AND seen_at > now() - CAST(:idle AS interval)
    """
)
_TOUCH_SESSION = text("UPDATE gateway.sessions SET seen_at = now() WHERE token_hash = :hash")
_BEGIN_SESSION = text(
    """
    INSERT INTO gateway.sessions (token_hash, tenant_id, user_id, name, email, roles, expires_at)
    VALUES (:hash, :tenant, :user, :name, :email, :roles, now() + CAST(:longest AS interval))
    """
)
_END_SESSION = text("DELETE FROM gateway.sessions WHERE token_hash = :hash")
_END_SESSIONS_OF = text("DELETE FROM gateway.sessions WHERE tenant_id = :tenant AND user_id = :user")
_REMOVE_ENDED = text("DELETE FROM gateway.sessions WHERE expires_at < now()")

_KEY = text(
    """
    SELECT id, tenant_id, name, prefix, role, coalesce(used_at < now() - interval '1 minute', true) AS touch
      FROM gateway.api_keys WHERE secret_hash = :hash AND revoked_at IS NULL AND expires_at > now()
    """
)
_TOUCH_KEY = text("UPDATE gateway.api_keys SET used_at = now() WHERE secret_hash = :hash")
_COLUMNS = "id, name, prefix, role, created_by, created_at, expires_at, used_at, revoked_at, revoked_by"
_MAKE_KEY = text(
    f"""
    INSERT INTO gateway.api_keys (id, tenant_id, name, prefix, secret_hash, role, created_by, expires_at)
    VALUES (:id, :tenant, :name, :prefix, :hash, :role, :by, now() + CAST(:lasts AS interval)) RETURNING {_COLUMNS}
    """  # noqa: S608 - our own words
)
_KEYS = text(
    f"""
    SELECT {_COLUMNS} FROM gateway.api_keys
     WHERE CAST(:before_at AS timestamptz) IS NULL OR (created_at, id) < (CAST(:before_at AS timestamptz), CAST(:before_id AS uuid))
     ORDER BY created_at DESC, id DESC LIMIT :limit
    """  # noqa: S608 - our own words
)
_LIVING_KEYS = text("SELECT count(*) FROM gateway.api_keys WHERE revoked_at IS NULL AND expires_at > now()")
_KEY_OF_ID = text(f"SELECT {_COLUMNS} FROM gateway.api_keys WHERE id = :id")  # noqa: S608 - our own words
_REVOKE_KEY = text(
    f"""
    UPDATE gateway.api_keys SET revoked_at = now(), revoked_by = :by
     WHERE id = :id AND revoked_at IS NULL RETURNING {_COLUMNS}
    """  # noqa: S608 - our own words
)
_NOTE_PERSON = text(
    """
    INSERT INTO gateway.people (tenant_id, user_id, name, email) VALUES (:tenant, :user, :name, :email)
    ON CONFLICT (tenant_id, user_id) DO UPDATE SET name = excluded.name, email = excluded.email, seen_at = now()
    """
)
_NAMES = text("SELECT user_id, name FROM gateway.people WHERE user_id = ANY(CAST(:users AS text[]))")


@dataclass(frozen=True)
class ApiKey:
    """A key as its tenant's administrators see it. The secret is not in it."""

    id: UUID
    name: str
    prefix: str
    role: str
    created_by: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None
    revoked_by: str | None


@asynccontextmanager
async def knowing(engine: AsyncEngine, hash_: bytes) -> AsyncIterator[AsyncConnection]:
    """A transaction that sees the one session or key whose secret has this hash."""
    async with engine.begin() as conn:
        await conn.execute(_SET_HASH, {"hash": hash_.hex()})
        yield conn


async def read_session(conn: AsyncConnection, hash_: bytes, idle: timedelta) -> Row[tuple[object, ...]] | None:
    """The session, if it goes on; it has been seen now."""
    found = (await conn.execute(_SESSION, {"hash": hash_, "idle": idle})).first()
    if found is not None and found.touch:
        await conn.execute(_TOUCH_SESSION, {"hash": hash_})
    return found


async def begin_session(conn: AsyncConnection, hash_: bytes, person: Person, longest: timedelta) -> None:
    """Write a session down, and remove those that have ended."""
    await conn.execute(
        _BEGIN_SESSION,
        {
            "hash": hash_,
            "tenant": person.tenant,
            "user": person.user,
            "name": person.name,
            "email": person.email,
            "roles": sorted(person.roles),
            "longest": longest,
        },
    )
    await conn.execute(_REMOVE_ENDED)


async def end_session(conn: AsyncConnection, hash_: bytes) -> None:
    """Remove a session."""
    await conn.execute(_END_SESSION, {"hash": hash_})


async def end_sessions_of(conn: AsyncConnection, tenant: str, user: str) -> int:
    """Remove all sessions of a person; how many there were. In a transaction of the tenant."""
    return (await conn.execute(_END_SESSIONS_OF, {"tenant": tenant, "user": user})).rowcount


async def read_key(conn: AsyncConnection, hash_: bytes) -> Row[tuple[object, ...]] | None:
    """The key, if it is good; it has been used now."""
    found = (await conn.execute(_KEY, {"hash": hash_})).first()
    if found is not None and found.touch:
        await conn.execute(_TOUCH_KEY, {"hash": hash_})
    return found


async def make_key(
    conn: AsyncConnection,
    *,
    id_: UUID,
    tenant: str,
    name: str,
    prefix: str,
    hash_: bytes,
    role: str,
    by: str,
    lasts: timedelta,
) -> ApiKey:
    """Write a key down. This, and those below, in a transaction of the tenant."""
    values = {
        "id": id_,
        "tenant": tenant,
        "name": name,
        "prefix": prefix,
        "hash": hash_,
        "role": role,
        "by": by,
        "lasts": lasts,
    }
    return _api_key((await conn.execute(_MAKE_KEY, values)).one())


async def read_keys(conn: AsyncConnection, *, before: tuple[datetime, UUID] | None, limit: int) -> Sequence[ApiKey]:
    """Keys, newest first, those that are revoked and over as well."""
    at, id_ = before or (None, None)
    found = await conn.execute(_KEYS, {"before_at": at, "before_id": id_, "limit": limit})
    return [_api_key(row) for row in found]


async def count_living_keys(conn: AsyncConnection) -> int:
    """How many keys of the tenant are good."""
    return int((await conn.execute(_LIVING_KEYS)).scalar_one())


async def revoke_key(conn: AsyncConnection, id_: UUID, by: str) -> tuple[ApiKey | None, bool]:
    """The key as it is now, None when there is none; and whether it was this that revoked it."""
    revoked = (await conn.execute(_REVOKE_KEY, {"id": id_, "by": by})).first()
    if revoked is not None:
        return _api_key(revoked), True
    known = (await conn.execute(_KEY_OF_ID, {"id": id_})).first()
    return (None if known is None else _api_key(known)), False


async def note_person(conn: AsyncConnection, person: Person) -> None:
    """Keep what somebody is called."""
    await conn.execute(
        _NOTE_PERSON, {"tenant": person.tenant, "user": person.user, "name": person.name, "email": person.email}
    )


async def read_names(conn: AsyncConnection, users: Sequence[str]) -> Mapping[str, str]:
    """What these people of the tenant are called, by id; whoever has never signed in is not among them."""
    return {row.user_id: row.name for row in await conn.execute(_NAMES, {"users": list(users)})}


def _api_key(row: Row[tuple[object, ...]]) -> ApiKey:
    return ApiKey(**row._mapping)  # noqa: SLF001 - SQLAlchemy's own name for it
