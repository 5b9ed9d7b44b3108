"""A file that lies in storage, into the ledger with the event that announces it.

The import is registered and its event written to the outbox in one transaction, and nothing is published from here:

* an import is known from the moment it was sent, also while Kafka or every parser is away;
* there is no instant at which one is there and the other not, whatever dies when;
* the relay of any parser publishes the event, and again until a parser has read the file to its end, so a broker that
  loses it loses nothing; and many files of one tenant leave room for those of others.

The parser registers what it is told by events in the same way, by the same id, and takes up what it finds.
"""

from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.events import FileUploaded
from shared.ledger import identity
from shared.ledger.registration import asked_by, register_import
from shared.ledger.repeats import of_key
from shared.messaging import outbox
from shared.messaging.envelope import new_traceparent


async def register(conn: AsyncConnection, event: FileUploaded) -> bool:
    """Write an import down as waiting for a parser, with the event that brings it to one.

    Repeating it is harmless. False, and nothing is written, when another import has its idempotency key.
    """
    assert event.import_id is not None
    asked = asked_by(event, event.import_id, identity.of_import(event.import_id))
    trace = new_traceparent()
    if not await register_import(conn, replace(asked, traceparent=trace)) and event.idempotency_key is not None:
        known = await of_key(conn, event.tenant_id, event.idempotency_key)
        if known is not None and known["id"] != event.import_id:
            return False
    await outbox.append(conn, event, traceparent=trace)
    return True
