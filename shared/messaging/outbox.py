"""Events written in the transaction whose effect they announce.

An outbox row lives until the stage it is meant for has acted on it: that stage deletes the row in the transaction
of its own effect. So the table is the list of work in flight, and whatever Kafka loses is sent again from it.
At most one row exists for an import, topic, chunk and epoch.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.imports import outbox
from shared.events import Event, ImportCompleted, topic_of
from shared.messaging.envelope import Envelope, seal

CHANNEL = "winnow_outbox"

_KEY = ("import_id", "topic", "chunk_no", "epoch")


async def append(conn: AsyncConnection, event: Event, *, traceparent: str | None = None) -> None:
    """Announce an event with this transaction; the relay publishes it as soon as that has committed.

    Of the same import, topic, chunk and epoch only the latest is announced: one that still waits and says the same is
    left as it is, one that says something else (an import that ended again, with other numbers) is replaced.
    """
    new = _insert(event, seal(event, traceparent=traceparent))
    said = new.excluded
    await conn.execute(
        new.on_conflict_do_update(
            index_elements=_KEY,
            set_={
                "id": said.id,
                "key": said.key,
                "headers": said.headers,
                "body": said.body,
                "created_at": func.clock_timestamp(),
                "published_at": None,
                "attempts": 0,
                "failures": 0,
                "next_attempt_at": None,
            },
            where=outbox.c.body != said.body,
        )
    )
    await _wake(conn, topic_of(event).name)


async def append_published(
    conn: AsyncConnection, event: Event, *, reemit_after: timedelta, traceparent: str | None = None
) -> None:
    """Remember an event that reached us by another way, so that it comes again when nobody finishes it."""
    await conn.execute(
        _insert(
            event,
            seal(event, traceparent=traceparent),
            published_at=func.now(),
            attempts=1,
            next_attempt_at=func.now() + reemit_after,
        ).on_conflict_do_nothing(index_elements=_KEY)
    )


async def postpone(conn: AsyncConnection, event: Event, *, reemit_after: timedelta) -> None:
    """Say that an event is being acted on: it is not sent again before `reemit_after` has passed."""
    await conn.execute(update(outbox).where(*_is(event)).values(next_attempt_at=func.now() + reemit_after))


async def settle(conn: AsyncConnection, event: Event) -> None:
    """Say, with this transaction, that an event has been acted on. Settling twice is harmless.

    That an import has ended is public and can be announced again: the latest is settled by itself alone, not by an
    earlier one, and not by what somebody else made of it.
    """
    if isinstance(event, ImportCompleted):
        known = await _known(conn, event)
        settled: tuple[ColumnElement[bool], ...] = (outbox.c.id == known,)
    else:
        settled = _is(event)
    await conn.execute(delete(outbox).where(*settled))
    # There is a place for another of the tenant's. One that is appended at this moment wakes the relay itself, and should
    # that find no place yet, it finds one at its next look.
    topic = topic_of(event).name
    waiting = select(outbox.c.id).where(
        outbox.c.tenant_id == event.tenant_id, outbox.c.topic == topic, outbox.c.published_at.is_(None)
    )
    await conn.execute(_notify(topic).where(waiting.exists()))


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
    known = (await conn.execute(select(outbox.c.id, outbox.c.body).where(*_is(event)))).one_or_none()
    if known is None or type(event).model_validate_json(known.body) != event:
        return None
    found: UUID = known.id
    return found


def _is(event: Event) -> tuple[ColumnElement[bool], ...]:
    return (
        outbox.c.tenant_id == event.tenant_id,
        outbox.c.import_id == event.import_key,
        outbox.c.topic == topic_of(event).name,
        outbox.c.chunk_no == event.part,
        outbox.c.epoch == event.of_epoch,
    )


def _insert(event: Event, envelope: Envelope, **published: Any) -> Insert:
    return insert(outbox).values(
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


async def _wake(conn: AsyncConnection, topic: str) -> None:
    await conn.execute(_notify(topic))


def _notify(topic: str) -> Select[Any]:
    return select(func.pg_notify(CHANNEL, literal(topic)))
