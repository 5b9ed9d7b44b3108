"""The SQL of the notifier. Nothing here commits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from services.notifier.outcomes import Delivered, Outcome
from services.notifier.said import Reason
from shared.states import DeliveryKind, DeliveryState

# Locked, so that of two that would tell it one finds it told, and it cannot be reopened meanwhile.
_UNTOLD = text(
    """
    SELECT id, tenant_id, user_id, entity_type, mode, status, file_name, total_rows, created_rows, updated_rows, skipped_rows,
           failed_rows, unprocessed_rows, summary, has_exportable_failures, has_exportable_unprocessed, read_to_row, error,
           started_at, completed_at, cancelled_at, object_key, idempotency_key, event_id, event_source,
           completed_at < now() - CAST(:lives AS interval) AS is_old
      FROM imports.imports WHERE id = :id AND notice_due AND completed_at IS NOT NULL
       FOR NO KEY UPDATE
    """
)
_TOLD = text("UPDATE imports.imports SET notice_due = false WHERE id = :id")
# Past row-level security of one tenant: a policy shows the notifier those that are due, of every tenant, and no others.
_FORGOTTEN = text(
    """
    SELECT tenant_id, id FROM imports.imports
     WHERE notice_due AND completed_at < now() - CAST(:age AS interval) ORDER BY completed_at LIMIT 200
    """
)
_REASONS = text(
    """
    SELECT code, heading, count(*) AS times FROM imports.row_errors
     WHERE import_id = :id GROUP BY code, heading ORDER BY count(*) DESC, code, heading LIMIT 5
    """
)
_LISTENING = text("SELECT id FROM gateway.webhooks WHERE active AND CAST(:event AS text) = ANY(events)")
_ADDRESS = text(
    """
    SELECT p.email FROM gateway.people p
     WHERE p.user_id = :user AND p.email IS NOT NULL
       AND NOT EXISTS (SELECT FROM gateway.unwanted_mail u WHERE u.user_id = p.user_id)
    """
)
_WRITE_DOWN = text(
    f"""
    INSERT INTO gateway.deliveries (id, tenant_id, kind, webhook_id, recipient, event, import_id, ended_at, body, state)
    VALUES (:id, :tenant, :kind, :webhook, :recipient, :event, :import_id, :ended_at, :body, '{DeliveryState.WAITING}')
    ON CONFLICT DO NOTHING
    """  # noqa: S608 - our own words
)
# Taken in hand by raising `tries`: whoever was before says nothing any more. Tenants take turns, and so do the webhooks of one,
# so that a receiver that hangs holds up neither. That it is free stands at the table itself as well: there it is looked at once
# more when another claimed in between.
_FREE = f"""
    d.state = '{DeliveryState.WAITING}' AND d.next_try_at <= now() AND (d.leased_until IS NULL OR d.leased_until <= now())
"""
_CLAIM = text(
    f"""
    WITH in_hand AS (
        SELECT tenant_id, webhook_id, count(*) AS deliveries FROM gateway.deliveries
         WHERE state = '{DeliveryState.WAITING}' AND leased_until > now() GROUP BY tenant_id, webhook_id
    ), of_each AS (
        SELECT d.id, d.tenant_id, d.next_try_at,
               row_number() OVER (PARTITION BY d.tenant_id, d.webhook_id ORDER BY d.next_try_at, d.id)
                   + coalesce((SELECT h.deliveries FROM in_hand h
                                WHERE h.tenant_id = d.tenant_id AND h.webhook_id IS NOT DISTINCT FROM d.webhook_id), 0) AS turn
          FROM gateway.deliveries d WHERE {_FREE}
    ), of_tenants AS (
        SELECT e.id,
               row_number() OVER (PARTITION BY e.tenant_id ORDER BY e.turn, e.next_try_at, e.id)
                   + coalesce((SELECT sum(h.deliveries) FROM in_hand h WHERE h.tenant_id = e.tenant_id), 0) AS turn
          FROM of_each e WHERE e.turn <= :each
    ), picked AS (
        SELECT d.id FROM gateway.deliveries d JOIN of_tenants t USING (id)
         WHERE t.turn <= :of_tenant AND {_FREE}
         ORDER BY t.turn, d.next_try_at LIMIT CAST(:room AS bigint)
           FOR UPDATE OF d SKIP LOCKED
    )
    UPDATE gateway.deliveries d
       SET tries = tries + 1, tried_at = now(), leased_until = now() + CAST(:lease AS interval)
      FROM picked WHERE d.id = picked.id
    RETURNING d.id, d.tenant_id, d.kind, d.webhook_id, d.recipient, d.event, d.import_id, d.body, d.tries, d.step
    """  # noqa: S608 - our own words
)
_WEBHOOK = text(
    """
    SELECT id, url, active, secret_version,
           coalesce(rotated_at > now() - CAST(:overlap AS interval), false) AS lately_rotated
      FROM gateway.webhooks WHERE id = :id
    """
)
_SETTLE = text(
    f"""
    UPDATE gateway.deliveries
       SET state = :state, settled_at = CASE :state WHEN '{DeliveryState.WAITING}' THEN NULL ELSE clock_timestamp() END,
           step = :step, next_try_at = clock_timestamp() + CAST(:pause AS interval), leased_until = NULL,
           status = :status, answer = :answer, problem = :problem
     WHERE id = :id AND tries = :tries AND state = '{DeliveryState.WAITING}'
    RETURNING id
    """  # noqa: S608 - our own words
)
_WORKS = text("UPDATE gateway.webhooks SET failing_since = NULL, delivered_at = clock_timestamp() WHERE id = :id")
_FAILS = text(
    """
    UPDATE gateway.webhooks SET failing_since = coalesce(failing_since, clock_timestamp()) WHERE id = :id
    RETURNING active AND failing_since < clock_timestamp() - CAST(:disable_after AS interval) AS too_long, failing_since
    """
)
_DISABLE = text(
    """
    UPDATE gateway.webhooks
       SET active = false, disabled_at = clock_timestamp(), disabled_because = :why, updated_at = clock_timestamp()
     WHERE id = :id AND active
    RETURNING id
    """
)
_LEAVE = text(
    f"""
    UPDATE gateway.deliveries SET state = '{DeliveryState.FAILED}', settled_at = clock_timestamp(), problem = :why
     WHERE webhook_id = :id AND state = '{DeliveryState.WAITING}' AND (leased_until IS NULL OR leased_until <= now())
    """  # noqa: S608 - our own words
)
_WAITING = text(
    f"""
    SELECT kind, count(*) AS deliveries, extract(epoch FROM now() - min(created_at)) AS oldest
      FROM gateway.deliveries WHERE state = '{DeliveryState.WAITING}' GROUP BY kind
    """  # noqa: S608 - our own words
)


class Forgotten(NamedTuple):
    """An import whose end has not been told."""

    tenant_id: str
    import_id: UUID


@dataclass(frozen=True)
class Told:
    """What is told of one end, to one receiver: a webhook, or an address."""

    kind: DeliveryKind
    event: str
    body: str
    import_id: UUID
    ended_at: datetime
    webhook_id: UUID | None = None
    recipient: str | None = None


@dataclass(frozen=True)
class Claimed:
    """A delivery in hand. `tries` says whose hand; `step` how many tries of this round failed before."""

    id: UUID
    tenant_id: str
    kind: DeliveryKind
    webhook_id: UUID | None
    recipient: str | None
    event: str
    import_id: UUID | None
    body: str
    tries: int
    step: int


@dataclass(frozen=True)
class Webhook:
    """Where it is sent, and by which versions of its secret it is signed."""

    id: UUID
    url: str
    active: bool
    versions: Sequence[int]


async def untold_end(conn: AsyncConnection, import_id: UUID, *, lives: timedelta) -> Mapping[str, Any] | None:
    """The row of an import whose end is to be told, locked until the transaction ends; None when it is told, or has not ended.

    It `is_old` when that was longer ago than an end is of interest.
    """
    found = (await conn.execute(_UNTOLD, {"id": import_id, "lives": lives})).mappings().one_or_none()
    return None if found is None else dict(found)


async def end_is_told(conn: AsyncConnection, import_id: UUID) -> None:
    """Say that it is written down to whom the end is told."""
    await conn.execute(_TOLD, {"id": import_id})


async def forgotten_ends(conn: AsyncConnection, *, age: timedelta) -> Sequence[Forgotten]:
    """Ends of that age that are still to be told, of every tenant, the oldest first."""
    return [Forgotten(*row) for row in await conn.execute(_FORGOTTEN, {"age": age})]


async def most_frequent_reasons(conn: AsyncConnection, import_id: UUID) -> Sequence[Reason]:
    """What was wrong most often, by kind and column."""
    return [Reason(*row) for row in await conn.execute(_REASONS, {"id": import_id})]


async def listening_webhooks(conn: AsyncConnection, event: str) -> Sequence[UUID]:
    """The tenant's active webhooks that ask for an event."""
    return (await conn.execute(_LISTENING, {"event": event})).scalars().all()


async def address_of(conn: AsyncConnection, user_id: str) -> str | None:
    """The e-mail address of a person; None when it is not known, or they want none."""
    found: str | None = (await conn.execute(_ADDRESS, {"user": user_id})).scalar_one_or_none()
    return found


async def write_down(conn: AsyncConnection, tenant_id: str, told: Sequence[Told]) -> int:
    """Have these delivered; what was written down before is left as it is. How many there are."""
    if told:
        await conn.execute(
            _WRITE_DOWN,
            [
                {
                    "id": UUID(str(uuid7())),
                    "tenant": tenant_id,
                    "kind": one.kind,
                    "webhook": one.webhook_id,
                    "recipient": one.recipient,
                    "event": one.event,
                    "import_id": one.import_id,
                    "ended_at": one.ended_at,
                    "body": one.body,
                }
                for one in told
            ],
        )
    return len(told)


async def claim(conn: AsyncConnection, *, room: int, each: int, of_tenant: int, lease: timedelta) -> Sequence[Claimed]:
    """Take deliveries that are due in hand: at most so many, and so many of one webhook and of one tenant.

    Nobody else has them before the lease is over. It counts as a try from here on, whatever becomes of this process.
    """
    rows = await conn.execute(_CLAIM, {"room": room, "each": each, "of_tenant": of_tenant, "lease": lease})
    return [Claimed(**{**row, "kind": DeliveryKind(row["kind"])}) for row in rows.mappings()]


async def read_webhook(conn: AsyncConnection, webhook_id: UUID, *, overlap: timedelta) -> Webhook | None:
    """A webhook of the tenant; a secret that was replaced less than `overlap` ago is good as well."""
    row = (await conn.execute(_WEBHOOK, {"id": webhook_id, "overlap": overlap})).one_or_none()
    if row is None:
        return None
    newest = row.secret_version
    return Webhook(row.id, row.url, row.active, [newest, newest - 1] if row.lately_rotated else [newest])


async def settle(conn: AsyncConnection, claimed: Claimed, outcome: Outcome, pause: timedelta | None) -> bool:
    """Write down what a try came to; it is tried again after the pause, or (None) not any more.

    False when somebody else has it in hand by now, or it is no more; then nothing is written.
    """
    state = DeliveryState.DELIVERED if isinstance(outcome, Delivered) else DeliveryState.FAILED
    settled = await conn.execute(
        _SETTLE,
        {
            "id": claimed.id,
            "tries": claimed.tries,
            "state": state if pause is None else DeliveryState.WAITING,
            "step": claimed.step + 1,
            "pause": pause or timedelta(0),
            "status": outcome.status,
            "answer": outcome.answer,
            "problem": None if isinstance(outcome, Delivered) else outcome.problem,
        },
    )
    return settled.first() is not None


async def webhook_works(conn: AsyncConnection, webhook_id: UUID) -> None:
    """Note that a delivery went through."""
    await conn.execute(_WORKS, {"id": webhook_id})


async def webhook_fails(conn: AsyncConnection, webhook_id: UUID, *, disable_after: timedelta) -> datetime | None:
    """Note that a try failed; since when all do, once that is too long."""
    row = (await conn.execute(_FAILS, {"id": webhook_id, "disable_after": disable_after})).one_or_none()
    since: datetime | None = row.failing_since if row is not None and row.too_long else None
    return since


async def disable_webhook(conn: AsyncConnection, webhook_id: UUID, why: str) -> bool:
    """Send a webhook nothing more, and give up what waits for it; whether this call did."""
    if (await conn.execute(_DISABLE, {"id": webhook_id, "why": why})).first() is None:
        return False
    await conn.execute(_LEAVE, {"id": webhook_id, "why": f"The webhook was disabled: {why}"})
    return True


async def waiting(conn: AsyncConnection) -> Mapping[str, tuple[int, float]]:
    """How many deliveries wait, and for how many seconds the oldest of them, by kind."""
    return {row.kind: (row.deliveries, float(row.oldest)) for row in await conn.execute(_WAITING)}
