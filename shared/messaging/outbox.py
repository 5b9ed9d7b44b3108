"""Events written in the transaction whose effect they announce.

An outbox row lives until the stage it is meant for has acted on it: that stage deletes the row in the transaction
of its own effect. So the table is the list of work in flight, and whatever Kafka loses is sent again from it.
At most one row exists for an import, topic, chunk and epoch.
"""

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.imports import outbox
from shared.events import Event, topic_of
from shared.messaging.envelope import Envelope, seal

CHANNEL = "winnow_outbox"


async def append(conn: AsyncConnection, event: Event, *, traceparent: str | None = None) -> None:
    """Announce an event with this transaction; the relay publishes it as soon as that has committed.

    An event of the same import, topic and chunk that still waits is left as it is.
    """
    await conn.execute(_insert(event, seal(event, traceparent=traceparent)))
    await _wake(conn, topic_of(event).name)


async def append_published(conn: AsyncConnection, event: Event, *, reemit_after: timedelta) -> None:
    """Remember an event that reached us by another way, so that it comes again when nobody finishes it."""
    await conn.execute(
        _insert(
            event,
            seal(event),
            published_at=func.now(),
            attempts=1,
            next_attempt_at=func.now() + reemit_after,
        )
    )


async def postpone(conn: AsyncConnection, event: Event, *, reemit_after: timedelta) -> None:
    """Say that an event is being acted on: it is not sent again before `reemit_after` has passed."""
    await conn.execute(update(outbox).where(*_is(event)).values(next_attempt_at=func.now() + reemit_after))


async def settle(conn: AsyncConnection, event: Event) -> None:
    """Say, with this transaction, that an event has been acted on. Settling twice is harmless."""
    await conn.execute(delete(outbox).where(*_is(event)))
    await _wake(conn, topic_of(event).name)


async def discard(conn: AsyncConnection, event: Event) -> None:
    """Not to be published again: this very event, and not another of the same import, topic and chunk.

    What claims to be one of ours may not be; the row of the real one stays, or its import would be stuck.
    """
    known = (await conn.execute(select(outbox.c.body).where(*_is(event)))).scalar_one_or_none()
    if known is not None and type(event).model_validate_json(known) == event:
        await settle(conn, event)


async def count_failure(conn: AsyncConnection, event: Event) -> int | None:
    """Count a failed attempt at an event; the count so far, or None when the ledger does not know the event."""
    counted = await conn.execute(
        update(outbox).where(*_is(event)).values(failures=outbox.c.failures + 1).returning(outbox.c.failures)
    )
    count: int | None = counted.scalar_one_or_none()
    return count


def _is(event: Event) -> tuple[ColumnElement[bool], ...]:
    return (
        outbox.c.tenant_id == event.tenant_id,
        outbox.c.import_id == event.import_key,
        outbox.c.topic == topic_of(event).name,
        outbox.c.chunk_no == event.part,
        outbox.c.epoch == event.of_epoch,
    )


def _insert(event: Event, envelope: Envelope, **published: Any) -> Insert:
    return (
        insert(outbox)
        .values(
            id=envelope.id,
            tenant_id=event.tenant_id,
            import_id=event.import_key,
            topic=envelope.topic.name,
            chunk_no=event.part,
            epoch=event.of_epoch,
            key=envelope.key.decode(),
            headers=dict(envelope.headers),
            body=envelope.body,
            **published,
        )
        .on_conflict_do_nothing(index_elements=["import_id", "topic", "chunk_no", "epoch"])
    )


async def _wake(conn: AsyncConnection, topic: str) -> None:
    await conn.execute(select(func.pg_notify(CHANNEL, literal(topic))))
