"""Dead letters: listed, read and sent again, by the id they lie under or the reference a sender was told."""

from collections.abc import Sequence

from services.gateway.problems import unknown
from services.gateway.resources import Gateway
from shared.api.operations import DeadLetter, DeadLetterDetails, Redriven
from shared.intake.redrives import event_of, redrive
from shared.messaging import dead_letters
from shared.messaging.dead_letters import PREFIX, DeadLetters
from shared.messaging.kafka import connected_publisher

Letters = Sequence[dead_letters.DeadLetter]
_MOST_BODY = 64_000


async def waiting_letters(ways: Gateway, *, or_older: float = 0) -> Letters:
    """Those that have not been sent again (`or_older` seconds ago), the oldest first; what many ask for is read once."""
    return await ways.letters.of("letters", lambda: _read(ways), or_older=or_older)


async def _read(ways: Gateway) -> Letters:
    async with connected_publisher(ways.kafka, client_id="winnow-gateway") as publisher:
        return await DeadLetters(ways.kafka, publisher).waiting()


async def letter_of(ways: Gateway, letter_id: str) -> dead_letters.DeadLetter:
    """The letter of this id or reference.

    Raises:
        Refused: none that waits has it.
    """
    return find(await waiting_letters(ways), letter_id)


def find(letters: Letters, letter_id: str) -> dead_letters.DeadLetter:
    """The one among these.

    Raises:
        Refused: none of them has this id or reference.
    """
    wanted = letter_id.strip()
    for letter in letters:
        if letter.id == wanted or (letter.cause.reference or "").casefold() == wanted.casefold() != "":
            return letter
    raise unknown("dead letter: it may have been sent again")


async def send_again(ways: Gateway, letter_id: str | None) -> list[Redriven]:
    """Send one letter again, or with None all that wait now, the oldest first; what became of each.

    Raises:
        Refused: none that waits has this id.
    """
    async with connected_publisher(ways.kafka, client_id="winnow-gateway") as publisher:
        reader = DeadLetters(ways.kafka, publisher)
        waiting = await reader.waiting()
        chosen = waiting if letter_id is None else [find(waiting, letter_id)]
        done = [await redrive(ways.intake, reader, letter) for letter in chosen]
    ways.letters.forget()
    ways.operations.forget()
    return [Redriven(id=each.letter.id, outcome=each.outcome.value) for each in done]


def shown(letter: dead_letters.DeadLetter) -> DeadLetter:
    """A letter in a list."""
    event = event_of(letter)
    return DeadLetter(
        id=letter.id,
        topic=letter.origin.name,
        place=letter.place,
        stage=letter.stage,
        error=letter.cause.error,
        message=letter.cause.message,
        reference=letter.cause.reference,
        attempts=letter.cause.attempt,
        at=letter.at,
        tenant=None if event is None else event.tenant_id,
        import_id=None if event is None else event.import_key,
    )


def shown_whole(letter: dead_letters.DeadLetter) -> DeadLetterDetails:
    """The same with its record. An event has ids and numbers, and rows of nobody."""
    return DeadLetterDetails(
        **shown(letter).model_dump(),
        key=None if letter.key is None else letter.key.decode(errors="replace"),
        headers={name: value for name, value in letter.headers.items() if not name.startswith(PREFIX)},
        body=letter.body[:_MOST_BODY].decode(errors="replace"),
        body_bytes=len(letter.body),
    )
