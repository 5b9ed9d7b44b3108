"""Events no stage could act on, sent again once what stopped them is put right."""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncEngine

from shared.db.transaction import tenant_transaction
from shared.events import Event, FileUploaded, RowsStaged, RowsValidated
from shared.ledger import reopen_chunk, reopen_reading
from shared.messaging.dead_letters import DeadLetter, DeadLetters
from shared.messaging.envelope import Delivery, UnreadableEvent, open_envelope


class Redrive(StrEnum):
    """What sending a dead letter again came to."""

    CHUNK_REOPENED = "chunk_reopened"
    """A quarantined chunk is open again, and its event is in the outbox."""
    READING_REOPENED = "reading_reopened"
    """A file whose reading was given up is read again."""
    SENT = "sent"
    """The record went back to its topic as it was."""
    UNREADABLE = "unreadable"
    """Nothing was done: no stage can read it, so it would only come back."""


@dataclass(frozen=True)
class Redriven:
    """A dead letter, what became of it, and its event where that is legible."""

    letter: DeadLetter
    outcome: Redrive
    event: Event | None


async def redrive(engine: AsyncEngine, letters: DeadLetters, letter: DeadLetter) -> Redriven:
    """Send a dead letter back to where it came from.

    A crash in between leaves the letter on the list, and doing it twice is harmless. An unreadable one stays on the list:
    it has to be sent again, corrected, by whoever published it, and can then be discarded (`DeadLetters.mark`).
    `engine` is the database as `winnow_intake`.
    """
    event = event_of(letter)
    if event is None:
        return Redriven(letter, Redrive.UNREADABLE, None)
    if isinstance(event, RowsStaged | RowsValidated):
        async with tenant_transaction(engine, event.tenant_id) as conn:
            reopened = await reopen_chunk(conn, event)
        if reopened:
            await letters.mark(letter)
            return Redriven(letter, Redrive.CHUNK_REOPENED, event)
    elif isinstance(event, FileUploaded):
        async with tenant_transaction(engine, event.tenant_id) as conn:
            reopened = await reopen_reading(conn, event)
        if reopened:
            await letters.send_again(letter)
            return Redriven(letter, Redrive.READING_REOPENED, event)
    await letters.send_again(letter)
    return Redriven(letter, Redrive.SENT, event)


def event_of(letter: DeadLetter) -> Event | None:
    """The event a dead letter holds; None when it cannot be read."""
    try:
        return open_envelope(letter.origin, Delivery(letter.origin.name, 0, 0, letter.body, letter.key, letter.headers))
    except UnreadableEvent:
        return None
