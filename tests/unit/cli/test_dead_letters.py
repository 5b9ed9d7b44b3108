"""A dead letter, as it is shown."""

from datetime import UTC, datetime

from services.cli.dead_letters import told
from shared.events.topics import ROWS_STAGED
from shared.messaging.dead_letters import DeadLetter, Reason


def test_a_dead_letter_is_shown_without_what_is_not_there_and_without_saying_anything_twice() -> None:
    letter = DeadLetter(
        id="rows-staged.dead-letter:0:7",
        origin=ROWS_STAGED,
        place="rows-staged:3:12",
        stage="winnow-validator",
        reason=Reason("UnreadableEvent", "the body is not JSON", 1),
        at=datetime(2026, 3, 1, tzinfo=UTC),
        key=None,
        headers={"ce_id": "4711", "winnow-dead-letter-message": "the body is not JSON"},
        body=b"not json",
    )
    assert told(letter) == [
        "id: rows-staged.dead-letter:0:7",
        "from: rows-staged:3:12",
        "stage: winnow-validator",
        "at: 2026-03-01T00:00:00+00:00",
        "error: UnreadableEvent",
        "message: the body is not JSON",
        "attempt: 1",
        "headers:",
        "  ce_id: 4711",
        "body: not json",
    ]
