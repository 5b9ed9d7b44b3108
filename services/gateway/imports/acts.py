"""What a person does with an import, for the API and the pages alike; what cannot be done is refused in words."""

from uuid import UUID

from services.gateway.imports.relatives import is_undone
from services.gateway.imports.transactions import acting
from services.gateway.people import Person, tenant_of
from services.gateway.problems import Refused, unknown
from services.gateway.resources import Gateway
from shared.db.transaction import tenant_transaction
from shared.ledger import (
    Dismissed,
    NotDismissible,
    NotHeld,
    NotImportable,
    NotReady,
    NotUndone,
    StillMoves,
    Undoing,
    cancel_import,
    dismiss_import,
    mark_failed,
    read_import,
    start_import,
    undo_import,
)
from shared.states import ENDED, ImportStatus


async def start(ways: Gateway, person: Person, import_id: UUID) -> None:
    """Let a held import commit what was checked; nothing is done where it was started before.

    Raises:
        Refused: there is none; it is still being checked, is not held, or cannot be imported as it is.
    """
    async with acting(ways, person) as conn:
        outcome = await start_import(conn, import_id)
    if outcome is None:
        raise unknown("import")
    if isinstance(outcome, NotReady):
        raise Refused("conflict", "It is still being checked. Start it when that is done.")
    if isinstance(outcome, NotImportable):
        raise Refused("conflict", outcome.message)
    if isinstance(outcome, NotHeld) and outcome.status != ImportStatus.IMPORTING:
        raise Refused("conflict", "It is not held: there is nothing to start.")


async def cancel(ways: Gateway, person: Person, import_id: UUID) -> None:
    """Stop an import that has not ended; nothing is done where it was cancelled before.

    Raises:
        Refused: there is none, or it has ended, or is ending.
    """
    async with acting(ways, person) as conn:
        done = await cancel_import(conn, import_id)
        found = None if done else await read_import(conn, import_id)
    if done:
        return
    if found is None:
        raise unknown("import")
    if found.cancelled_at is None:
        how = "has ended" if found.status in ENDED else "is ending"
        raise Refused("conflict", f"It {how}: there is nothing to cancel.")


async def dismiss(ways: Gateway, person: Person, import_id: UUID) -> None:
    """Put an import with failures away; nothing is done where it is.

    Raises:
        Refused: there is none; it has not ended, or has no failures.
    """
    async with acting(ways, person) as conn:
        outcome: Dismissed | NotDismissible | None = await dismiss_import(conn, import_id)
    if outcome is None:
        raise unknown("import")
    if isinstance(outcome, NotDismissible):
        raise Refused("conflict", f"{outcome.why}.")


async def undo(ways: Gateway, person: Person, import_id: UUID) -> UUID:
    """Begin to take an import back; the import that does.

    Raises:
        Refused: there is none, or it cannot be taken back.
    """
    async with acting(ways, person) as conn:
        outcome: Undoing | NotUndone | None = await undo_import(conn, import_id, user_id=person.user)
        # Looked at behind the import's lock: of two calls at once the second sees what came of the first.
        if isinstance(outcome, Undoing) and await is_undone(conn, import_id):
            raise Refused("conflict", "It is undone: there is nothing left to take back.")
    if outcome is None:
        raise unknown("import")
    if isinstance(outcome, NotUndone):
        raise Refused("conflict", f"It cannot be undone: {outcome.why}.")
    return UUID(str(outcome.id))


async def fail(ways: Gateway, person: Person, import_id: UUID) -> None:
    """Mark an import as failed that does not move any more.

    Raises:
        Refused: there is none; it moves, waits for somebody, or has ended.
    """
    await _fail(ways, tenant_of(person), person, import_id)


async def fail_anybodys(ways: Gateway, operator: Person, import_id: UUID) -> None:
    """The same for an operator, of whichever tenant it is."""
    async with ways.operator.connect() as conn:
        found = await read_import(conn, import_id)
    if found is None:
        raise unknown("import")
    await _fail(ways, found.tenant_id, operator, import_id)
    ways.operations.forget()


async def _fail(ways: Gateway, tenant: str, person: Person, import_id: UUID) -> None:
    async with tenant_transaction(ways.intake, tenant) as conn:
        outcome = await mark_failed(conn, import_id, by=person.name)
    if outcome is None:
        raise unknown("import")
    if isinstance(outcome, StillMoves):
        raise Refused("conflict", f"{outcome.why}.")
