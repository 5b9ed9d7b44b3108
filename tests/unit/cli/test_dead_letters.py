"""A dead letter, as it is shown."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import cast

import pytest

from services.cli.commands.dead_letters import came_back, find, lines_of
from services.cli.exits import CommandFailed
from shared.events.topics import ROWS_STAGED
from shared.messaging.dead_letters import Cause, DeadLetter, DeadLetters


def letter(number: int, *, reference: str | None = None) -> DeadLetter:
    return DeadLetter(
        id=f"rows-staged.dead-letter:0:{number}",
        origin=ROWS_STAGED,
        place="rows-staged:3:12",
        stage="winnow-validator",
        cause=Cause("ValueError", "boom", 3, reference),
        at=datetime(2026, 3, 1, tzinfo=UTC),
        key=None,
        headers={},
        body=b"{}",
    )


def test_a_dead_letter_is_found_by_its_id_or_by_the_reference_its_sender_was_told() -> None:
    letters = [letter(1), letter(2, reference="W-0A1B2C3D")]
    assert find(letters, "rows-staged.dead-letter:0:1") is letters[0]
    assert find(letters, "w-0a1b2c3d") is letters[1]
    for unknown in ("", "W-00000000"):
        with pytest.raises(CommandFailed, match="no dead letter"):
            find(letters, unknown)


async def test_of_letters_that_were_sent_again_those_are_named_that_came_back() -> None:
    sent = [replace(letter(number), body=f"{number}".encode()) for number in (1, 2)]

    class Topic:
        async def waiting(self) -> list[DeadLetter]:
            return [replace(letter(9), body=b"2"), replace(letter(8), body=b"3"), replace(letter(7), body=b"1")]

    before = {"rows-staged.dead-letter:0:7"}
    returned = await came_back(cast("DeadLetters", Topic()), sent[1:], before)
    assert {was: now.id for was, now in returned.items()} == {sent[1].id: "rows-staged.dead-letter:0:9"}


def test_a_dead_letter_is_shown_without_what_is_not_there_and_without_saying_anything_twice() -> None:
    unreadable = DeadLetter(
        id="rows-staged.dead-letter:0:7",
        origin=ROWS_STAGED,
        place="rows-staged:3:12",
        stage="winnow-validator",
        cause=Cause("UnreadableEvent", "the body is not JSON", 1),
        at=datetime(2026, 3, 1, tzinfo=UTC),
        key=None,
        headers={"ce_id": "4711", "winnow-dead-letter-message": "the body is not JSON"},
        body=b"not json",
    )
    assert lines_of(unreadable) == [
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
