"""Events written in the transaction whose effect they announce.

An outbox row lives until the stage it is meant for has acted on it: that stage deletes the row in the transaction
of its own effect. So the table is the list of work in flight, and whatever Kafka loses is sent again from it.
At most one row exists for an import, topic, chunk and epoch.
"""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.imports import outbox
from shared.events import Event, ImportCompleted, topic_of
from shared.messaging.envelope import Envelope, seal

CHANNEL = "winnow_outbox"

_KEY = ("import_id", "topic", "chunk_no", "epoch")

# Written out: every stage says both for every chunk, and what is put together anew each time costs as much as sending it.
_APPEND = text(
    f"""
    WITH said AS (
           INSERT INTO imports.outbox AS o (id, tenant_id, import_id, topic, chunk_no, epoch, key, headers, body)
           VALUES (:id, :tenant_id, :import_id, CAST(:topic AS text), :chunk_no, :epoch, :key, CAST(:headers AS jsonb), :body)
           ON CONFLICT ({", ".join(_KEY)}) DO UPDATE
              SET id = excluded.id, key = excluded.key, headers = excluded.headers, body = excluded.body,
                  created_at = clock_timestamp(), published_at = NULL, attempts = 0, failures = 0, next_attempt_at = NULL
            WHERE o.body <> excluded.body
    )
    SELECT pg_notify('{CHANNEL}', CAST(:topic AS text))
    """  # noqa: S608 - our own words
)
_APPEND_PUBLISHED = text(
    f"""
    INSERT INTO imports.outbox (id, tenant_id, import_id, topic, chunk_no, epoch, key, headers, body,
                                published_at, attempts, next_attempt_at)
    VALUES (:id, :tenant_id, :import_id, :topic, :chunk_no, :epoch, :key, CAST(:headers AS jsonb), :body,
            now(), 1, now() + CAST(:reemit_after AS interval))
    ON CONFLICT ({", ".join(_KEY)}) DO UPDATE SET next_attempt_at = excluded.next_attempt_at
    """  # noqa: S608 - our own words
)
_KNOWN = text(
    """
    SELECT id, body FROM imports.outbox
     WHERE tenant_id = :tenant_id AND import_id = :import_id AND topic = :topic AND chunk_no = :chunk_no AND epoch = :epoch
    """
)
# There is a place for another of the tenant's. One that is appended at this moment wakes the relay itself, and should
# that find no place yet, it finds one at its next look.
_SETTLE = text(
    f"""
    WITH settled AS (
           DELETE FROM imports.outbox
            WHERE tenant_id = :tenant_id AND import_id = :import_id AND topic = CAST(:topic AS text)
              AND chunk_no = :chunk_no AND epoch = :epoch AND (CAST(:known AS uuid) IS NULL OR id = CAST(:known AS uuid))
    )
    SELECT pg_notify('{CHANNEL}', CAST(:topic AS text))
     WHERE EXISTS (SELECT FROM imports.outbox
                    WHERE tenant_id = :tenant_id AND topic = CAST(:topic AS text) AND published_at IS NULL)
    """  # noqa: S608 - our own words
)


async def append(conn: AsyncConnection, event: Event, *, traceparent: str | None = None) -> None:
    """Announce an event with this transaction; the relay publishes it as soon as that has committed.

    Of the same import, topic, chunk and epoch only the latest is announced: one that still waits and says the same is
    left as it is, one that says something else (an import that ended again, with other numbers) is replaced.
    """
    await conn.execute(_APPEND, {**_place(event), **_said(seal(event, traceparent=traceparent))})


async def append_published(
    conn: AsyncConnection, event: Event, *, reemit_after: timedelta, traceparent: str | None = None
) -> None:
    """Remember an event that reached us by another way, so that it comes again when nobody finishes it.

    One that is remembered is being acted on from now on: it comes again after the same time.
    """
    said = _said(seal(event, traceparent=traceparent))
    await conn.execute(_APPEND_PUBLISHED, {**_place(event), **said, "reemit_after": reemit_after})


async def postpone(conn: AsyncConnection, event: Event, *, reemit_after: timedelta) -> None:
    """Say that an event is being acted on: it is not sent again before `reemit_after` has passed."""
    await conn.execute(update(outbox).where(*_is(event)).values(next_attempt_at=func.now() + reemit_after))


async def settle(conn: AsyncConnection, event: Event) -> None:
    """Say, with this transaction, that an event has been acted on. Settling twice is harmless.

    That an import has ended is public and can be announced again: the latest is settled by itself alone, not by an
    earlier one, and not by what somebody else made of it.
    """
    known = None
    if isinstance(event, ImportCompleted) and (known := await _known(conn, event)) is None:
        return
    await conn.execute(_SETTLE, {**_place(event), "known": known})


async def count_failure(conn: AsyncConnection, event: Event) -> int | None:
    """Count a failed attempt at this very event; the count so far, or None when the ledger does not know it.

    What claims to be one of ours may not be: nothing is counted against the real one for it.
    """
    if (known := await _known(conn, event)) is None:
        return None
    counted = await conn.execute(
        update(outbox).where(outbox.c.id == known).values(failures=outbox.c.failures + 1).returning(outbox.c.failures)
    )
    count: int | None = counted.scalar_one_or_none()
    return count


async def count_attempt(conn: AsyncConnection, event: Event) -> int:
    """Count an attempt of ours at what an event announces, whatever its sender says of it; how many failed so far."""
    counted = await conn.execute(
        update(outbox).where(*_is(event)).values(failures=outbox.c.failures + 1).returning(outbox.c.failures)
    )
    return counted.scalar_one_or_none() or 1


async def _known(conn: AsyncConnection, event: Event) -> UUID | None:
    """The row of this very event; None when there is none, or it says something else."""
    known = (await conn.execute(_KNOWN, _place(event))).one_or_none()
    if known is None or type(event).model_validate_json(known.body) != event:
        return None
    found: UUID = known.id
    return found


def _place(event: Event) -> dict[str, Any]:
    return {
        "tenant_id": event.tenant_id,
        "import_id": event.import_key,
        "topic": topic_of(event).name,
        "chunk_no": event.part,
        "epoch": event.of_epoch,
    }


def _is(event: Event) -> tuple[ColumnElement[bool], ...]:
    return (
        outbox.c.tenant_id == event.tenant_id,
        outbox.c.import_id == event.import_key,
        outbox.c.topic == topic_of(event).name,
        outbox.c.chunk_no == event.part,
        outbox.c.epoch == event.of_epoch,
    )


def _said(sealed: Envelope) -> dict[str, Any]:
    return {
        "id": sealed.id,
        "key": sealed.key.decode(),
        "headers": json.dumps(dict(sealed.headers)),
        "body": sealed.body,
    }
