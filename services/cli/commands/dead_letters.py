"""`winnow dead-letters`: events no stage could act on. List them, look at one, send them again, discard one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli import exits
from services.cli.exits import CommandFailed
from services.cli.terminal.hints import typed
from services.cli.terminal.options import Json

if TYPE_CHECKING:
    from rich.console import Console

    from shared.intake.redrives import Redriven
    from shared.messaging.dead_letters import DeadLetter, DeadLetters

app = typer.Typer(
    help="Events no stage could act on: list them, look at one, send them again, discard one.", no_args_is_help=True
)

LetterId = Annotated[
    str,
    typer.Argument(
        metavar="ID", help="topic:partition:offset, as the list shows it, or the reference a sender was told (W-…)."
    ),
]
_COMES_BACK_WITHIN = 2.0
_LOOK_EVERY = 0.5


@app.command("list")
def list_letters(
    topic: Annotated[str | None, typer.Option(help="Only those of this topic, such as rows-staged.")] = None,
    as_json: Json = False,
) -> int:
    """The dead letters that have not been sent again or discarded, oldest first."""

    async def run() -> int:
        from services.cli.direct import connected
        from services.cli.terminal.display import print_json, terminal
        from shared.events import TOPICS

        if topic is not None and topic not in {name for known in TOPICS for name in (known.name, known.dead_letter)}:
            known_topics = ", ".join(known.name for known in TOPICS)
            raise CommandFailed(f'--topic "{topic}" is not known; choose {known_topics}', code=exits.USAGE)
        async with connected() as winnow, winnow.dead_letters() as reader:
            letters = [
                letter
                for letter in await reader.waiting()
                if topic is None or topic in {letter.origin.name, letter.origin.dead_letter}
            ]
        if as_json:
            print_json([_described(letter) for letter in letters])
        elif not letters:
            terminal().print("No dead letters." if topic is None else f"No dead letters of {topic}.")
        else:
            _show_letters(terminal(), letters)
        return exits.COMPLETED

    return asyncio.run(run())


@app.command("show")
def show_letter(letter_id: LetterId, as_json: Json = False) -> int:
    """One dead letter: where it came from, why it is here, and the record as it was."""

    async def run() -> int:
        from services.cli.direct import connected
        from services.cli.terminal.display import print_json, terminal

        async with connected() as winnow, winnow.dead_letters() as reader:
            letter = find(await reader.waiting(), letter_id)
        if as_json:
            print_json(_described(letter))
            return exits.COMPLETED
        for line in lines_of(letter):
            terminal().print(line, markup=False)
        return exits.COMPLETED

    return asyncio.run(run())


@app.command("redrive")
def redrive(
    letter_ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Which ones.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    as_json: Json = False,
) -> int:
    """Send dead letters back to where they came from, once what stopped them is put right; says which came back at once.

    A quarantined chunk is taken up again: its import is open until the chunk is through, then ends with new numbers.
    One that cannot be read is not sent: it would only come back. Exit code: 0 all were sent, 1 one was not or came back.
    """
    if bool(letter_ids) == everything:
        raise CommandFailed("Name the dead letters to send again, or say --all", code=exits.USAGE)

    async def run() -> int:
        from services.cli.direct import connected
        from services.cli.terminal.display import print_json, terminal
        from shared.intake.redrives import Redrive
        from shared.intake.redrives import redrive as redrive_letter

        async with connected() as winnow, winnow.dead_letters() as reader:
            waiting = await reader.waiting()
            chosen = waiting if everything else [find(waiting, letter_id) for letter_id in letter_ids or ()]
            redriven = []
            for letter in chosen:
                done = await redrive_letter(winnow.engine("intake"), reader, letter)
                redriven.append(done)
                if not as_json:
                    terminal().print(f"{letter.id}: {_said(done)}", markup=False)
            sent = [done.letter for done in redriven if done.outcome is not Redrive.UNREADABLE]
            returned = await came_back(reader, sent, {letter.id for letter in waiting})
        if as_json:
            print_json(
                [
                    {
                        "id": done.letter.id,
                        "outcome": str(done.outcome),
                        "done": _said(done),
                        "came_back_as": returned[done.letter.id].id if done.letter.id in returned else None,
                    }
                    for done in redriven
                ]
            )
        else:
            if not redriven:
                terminal().print("No dead letters.")
            for letter in returned.values():
                terminal().print(f"It came back as {letter.id}: {_why(letter)}", style="yellow", markup=False)
        return exits.COMPLETED if len(sent) == len(redriven) and not returned else exits.FAILED

    return asyncio.run(run())


@app.command("discard")
def discard(
    letter_ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Which ones.")],
    as_json: Json = False,
) -> int:
    """Take dead letters off the list for good: those that cannot be read, or that are of no use any more.

    What a stage could not do stays undone, and the rows it was about stay failed. The record stays in its topic.
    """

    async def run() -> int:
        from services.cli.direct import connected
        from services.cli.terminal.display import print_json, terminal

        async with connected() as winnow, winnow.dead_letters() as reader:
            waiting = await reader.waiting()
            chosen = [find(waiting, letter_id) for letter_id in letter_ids]
            for letter in chosen:
                await reader.mark(letter)
        if as_json:
            print_json([{"id": letter.id, "discarded": True} for letter in chosen])
        for letter in [] if as_json else chosen:
            terminal().print(f"{letter.id}: discarded", markup=False)
        return exits.COMPLETED

    return asyncio.run(run())


async def came_back(reader: DeadLetters, sent: Sequence[DeadLetter], before: set[str]) -> dict[str, DeadLetter]:
    """Those of the letters sent again that are dead letters again by now, by the id they had before.

    A stage that is slow, or is not running, may take longer than is waited for here.
    """
    found: dict[str, DeadLetter] = {}
    deadline = time.monotonic() + _COMES_BACK_WITHIN
    while sent and len(found) < len(sent) and time.monotonic() < deadline:
        await asyncio.sleep(_LOOK_EVERY)
        new = [letter for letter in await reader.waiting() if letter.id not in before]
        for letter in sent:
            for again in new:
                if (again.origin, again.body) == (letter.origin, letter.body):
                    found[letter.id] = again
    return found


def find(letters: Sequence[DeadLetter], letter_id: str) -> DeadLetter:
    """The letter of this id or reference.

    Raises:
        CommandFailed: none that waits has it.
    """
    wanted = letter_id.strip()
    for letter in letters:
        if letter.id == wanted or (letter.cause.reference or "").casefold() == wanted.casefold() != "":
            return letter
    raise CommandFailed(
        f'There is no dead letter "{letter_id}" waiting. Those there are: {typed("dead-letters", "list")}'
    )


def lines_of(letter: DeadLetter) -> list[str]:
    """One dead letter in lines: what is not there is left out, and what our own headers say is said once."""
    from shared.messaging.dead_letters import PREFIX

    lines = []
    for name, value in _described(letter).items():
        if isinstance(value, dict):
            lines.append(f"{name}:")
            lines += [f"  {key}: {of}" for key, of in value.items() if not key.startswith(PREFIX)]
        elif value is not None:
            lines.append(f"{name}: {value}")
    return lines


def _said(done: Redriven) -> str:
    from shared.events import FileUploaded, RowsStaged, RowsValidated
    from shared.intake.redrives import Redrive

    event = done.event
    if done.outcome is Redrive.UNREADABLE:
        return (
            "not sent, for it cannot be read and would only come back. Have its publisher send a corrected one, then: "
            f"{typed('dead-letters', 'discard', done.letter.id)}"
        )
    if done.outcome is Redrive.CHUNK_REOPENED and isinstance(event, RowsStaged | RowsValidated):
        return f"chunk {event.chunk_no} of import {event.import_id} is taken up again"
    if done.outcome is Redrive.READING_REOPENED and isinstance(event, FileUploaded):
        return f'"{event.file_name}" is read again'
    return f"sent to {done.letter.origin.name}"


def _show_letters(console: Console, letters: Sequence[DeadLetter]) -> None:
    from rich.table import Table

    from services.cli.terminal.display import WIDE, moment, plain, show_item, show_table

    if console.width < WIDE:
        for letter in letters:
            stage = letter.stage.removeprefix("winnow-")
            show_item(console, f"[bold]{letter.id}[/]  [dim]{moment(letter.at)}[/]", f"{stage}: {_why(letter)}")
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("id", "at", "stage", "why"):
        table.add_column(name, no_wrap=name != "why", overflow="fold")
    for letter in letters:
        table.add_row(letter.id, moment(letter.at), letter.stage.removeprefix("winnow-"), plain(_why(letter)))
    show_table(console, table)


def _why(letter: DeadLetter) -> str:
    reference = f" ({letter.cause.reference})" if letter.cause.reference else ""
    return f"{letter.cause.error}{reference}: {letter.cause.message[:200]}"


def _described(letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "from": letter.place,
        "stage": letter.stage,
        "at": letter.at.isoformat(),
        "error": letter.cause.error,
        "message": letter.cause.message,
        "attempt": letter.cause.attempt,
        "reference": letter.cause.reference,
        "key": None if letter.key is None else letter.key.decode("utf-8", "replace"),
        "headers": dict(letter.headers),
        "body": letter.body.decode("utf-8", "replace"),
    }
