"""Webhooks of a tenant and what is delivered to them, as the gateway keeps them. Nothing here commits.

What is to be sent is written down; the notifier sends it.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from shared.states import DeliveryKind, DeliveryState

MOST_WEBHOOKS = 20
"""So many a tenant may have."""

PING = "ping"

_COLUMNS = """
    id, url, description, events, active, created_by, created_at, updated_at, rotated_at, delivered_at, failing_since,
    disabled_at, disabled_because, secret_version
"""
_OF_DELIVERY = f"""
    id, webhook_id, event, import_id, state, tries, created_at, tried_at,
    CASE state WHEN '{DeliveryState.WAITING}' THEN next_try_at END AS next_try_at, settled_at, status, answer, problem
"""
# Two that are made at once are counted one after the other.
_ALONE = text("SELECT pg_advisory_xact_lock(hashtextextended('winnow-webhooks:' || :tenant, 0))")
_COUNT = text("SELECT count(*) FROM gateway.webhooks")
_MAKE = text(
    f"""
    INSERT INTO gateway.webhooks (id, tenant_id, url, description, events, active, created_by)
    VALUES (:id, :tenant, :url, :description, :events, :active, :user)
    RETURNING {_COLUMNS}
    """  # noqa: S608 - our own words
)
_LIST = text(
    f"""
    SELECT {_COLUMNS} FROM gateway.webhooks WHERE CAST(:after AS uuid) IS NULL OR id > CAST(:after AS uuid)
     ORDER BY id LIMIT CAST(:limit AS bigint)
    """  # noqa: S608 - our own words
)
_READ = text(f"SELECT {_COLUMNS} FROM gateway.webhooks WHERE id = :id")  # noqa: S608 - our own words
# What it did before says nothing of another address, or of what is switched on anew.
_ANEW = "(CAST(:active AS boolean) AND NOT active OR url <> coalesce(CAST(:url AS text), url))"
_CHANGE = text(
    f"""
    UPDATE gateway.webhooks
       SET url = coalesce(CAST(:url AS text), url), description = coalesce(CAST(:description AS text), description),
           events = coalesce(CAST(:events AS text[]), events), active = coalesce(CAST(:active AS boolean), active),
           failing_since = CASE WHEN {_ANEW} THEN NULL ELSE failing_since END,
           disabled_at = CASE WHEN CAST(:active AS boolean) IS NULL THEN disabled_at END,
           disabled_because = CASE WHEN CAST(:active AS boolean) IS NULL THEN disabled_because END,
           updated_at = clock_timestamp()
     WHERE id = :id
    RETURNING {_COLUMNS}
    """  # noqa: S608 - our own words
)
_ROTATE = text(
    f"""
    UPDATE gateway.webhooks
       SET secret_version = secret_version + 1, rotated_at = clock_timestamp(), updated_at = clock_timestamp()
     WHERE id = :id
    RETURNING {_COLUMNS}
    """  # noqa: S608 - our own words
)
_DELETE = text("DELETE FROM gateway.webhooks WHERE id = :id RETURNING id")
_PING = text(
    f"""
    INSERT INTO gateway.deliveries (id, tenant_id, kind, webhook_id, event, body, state)
    VALUES (:id, :tenant, '{DeliveryKind.WEBHOOK}', :webhook, '{PING}', :body, '{DeliveryState.WAITING}')
    RETURNING {_OF_DELIVERY}
    """  # noqa: S608 - our own words
)
_DELIVERIES = text(
    f"""
    SELECT {_OF_DELIVERY} FROM gateway.deliveries
     WHERE tenant_id = :tenant AND webhook_id = :webhook
       AND (CAST(:before AS timestamptz) IS NULL OR (created_at, id) < (CAST(:before AS timestamptz), CAST(:before_id AS uuid)))
     ORDER BY created_at DESC, id DESC LIMIT CAST(:limit AS bigint)
    """  # noqa: S608 - our own words
)
_DELIVERY = text(
    f"SELECT {_OF_DELIVERY} FROM gateway.deliveries WHERE id = :id AND kind = '{DeliveryKind.WEBHOOK}'"  # noqa: S608 - our own words
)
# One that is in hand goes on; one that waits for its next try has it now.
_AGAIN = text(
    f"""
    UPDATE gateway.deliveries
       SET state = '{DeliveryState.WAITING}', settled_at = NULL, next_try_at = now(),
           step = CASE state WHEN '{DeliveryState.WAITING}' THEN step ELSE 0 END
     WHERE id = :id AND kind = '{DeliveryKind.WEBHOOK}'
    RETURNING {_OF_DELIVERY}
    """  # noqa: S608 - our own words
)
_UNWANTED = text("SELECT EXISTS (SELECT FROM gateway.unwanted_mail WHERE user_id = :user)")
_REFUSE_MAIL = text(
    "INSERT INTO gateway.unwanted_mail (tenant_id, user_id) VALUES (:tenant, :user) ON CONFLICT DO NOTHING"
)
_WANT_MAIL = text("DELETE FROM gateway.unwanted_mail WHERE user_id = :user")


async def make(
    conn: AsyncConnection, tenant: str, user: str, *, url: str, description: str, events: Sequence[str], active: bool
) -> RowMapping | None:
    """A new webhook; None when the tenant has as many as it may."""
    await conn.execute(_ALONE, {"tenant": tenant})
    if (await conn.execute(_COUNT)).scalar_one() >= MOST_WEBHOOKS:
        return None
    values = {"url": url, "description": description, "events": list(events), "active": active}
    made = await conn.execute(_MAKE, {"id": UUID(str(uuid7())), "tenant": tenant, "user": user, **values})
    return made.mappings().one()


async def listed(conn: AsyncConnection, *, after: UUID | None, limit: int) -> Sequence[RowMapping]:
    """Webhooks in the order they were made."""
    return (await conn.execute(_LIST, {"after": after, "limit": limit})).mappings().all()


async def read(conn: AsyncConnection, webhook_id: UUID) -> RowMapping | None:
    """A webhook; None when the tenant has none of this id."""
    return (await conn.execute(_READ, {"id": webhook_id})).mappings().one_or_none()


async def change(conn: AsyncConnection, webhook_id: UUID, wanted: Mapping[str, Any]) -> RowMapping | None:
    """Change what is said of `url`, `description`, `events` and `active`; None when there is no such webhook."""
    values = dict.fromkeys(("url", "description", "events", "active")) | dict(wanted)
    events = values["events"]
    changed = await conn.execute(
        _CHANGE, {**values, "id": webhook_id, "events": None if events is None else list(events)}
    )
    return changed.mappings().one_or_none()


async def rotate(conn: AsyncConnection, webhook_id: UUID) -> RowMapping | None:
    """Give a webhook another secret; None when there is no such webhook."""
    return (await conn.execute(_ROTATE, {"id": webhook_id})).mappings().one_or_none()


async def delete(conn: AsyncConnection, webhook_id: UUID) -> bool:
    """Remove a webhook with its deliveries; whether there was one."""
    return (await conn.execute(_DELETE, {"id": webhook_id})).first() is not None


async def ping(conn: AsyncConnection, tenant: str, webhook_id: UUID) -> RowMapping:
    """Have something sent that says nothing."""
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    body = json.dumps({"type": PING, "timestamp": now, "data": {"webhook_id": str(webhook_id)}}, separators=(",", ":"))
    sent = await conn.execute(_PING, {"id": UUID(str(uuid7())), "tenant": tenant, "webhook": webhook_id, "body": body})
    return sent.mappings().one()


async def deliveries(
    conn: AsyncConnection, tenant: str, webhook_id: UUID, *, before: tuple[datetime, UUID] | None, limit: int
) -> Sequence[RowMapping]:
    """What was sent to a webhook, newest first."""
    place = {"before": None, "before_id": None} if before is None else {"before": before[0], "before_id": before[1]}
    found = await conn.execute(_DELIVERIES, {"tenant": tenant, "webhook": webhook_id, "limit": limit, **place})
    return found.mappings().all()


async def read_delivery(conn: AsyncConnection, delivery_id: UUID) -> RowMapping | None:
    """A delivery to a webhook; None when the tenant has none of this id."""
    return (await conn.execute(_DELIVERY, {"id": delivery_id})).mappings().one_or_none()


async def send_again(conn: AsyncConnection, delivery_id: UUID) -> RowMapping:
    """Have a delivery sent now, whatever became of it, and tried for a day anew when it was settled. It is there."""
    return (await conn.execute(_AGAIN, {"id": delivery_id})).mappings().one()


async def wants_mail(conn: AsyncConnection, user: str) -> bool:
    """Whether a person gets e-mail about imports of theirs."""
    return not (await conn.execute(_UNWANTED, {"user": user})).scalar_one()


async def choose_mail(conn: AsyncConnection, tenant: str, user: str, *, wanted: bool) -> None:
    """Note whether a person wants it."""
    await conn.execute(_WANT_MAIL if wanted else _REFUSE_MAIL, {"tenant": tenant, "user": user})
