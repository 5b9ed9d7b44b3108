"""`winnow dead-letters`: events no stage could act on. List them, look at one, send them again."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from services.cli import exits
from services.cli.exits import CommandFailed
from services.cli.hints import typed
from services.cli.options import Json
from services.cli.running import Running, running
from services.cli.showing import WIDE, moment, plain, print_json, show_item, show_table, terminal
from shared.db.transaction import tenant_transaction
from shared.events import TOPICS, FileUploaded, RowsStaged, RowsValidated
from shared.ledger import reopen_chunk, reopen_reading
from shared.messaging.dead_letters import PREFIX, DeadLetter, DeadLetters
from shared.messaging.envelope import Delivery, UnreadableEvent, open_envelope

app = typer.Typer(help="Events no stage could act on: list them, look at one, send them again.", no_args_is_help=True)

LetterId = Annotated[str, typer.Argument(metavar="ID", help="topic:partition:offset, as the list shows it.")]


@app.command("list")
def list_letters(
    topic: Annotated[str | None, typer.Option(help="Only those of this topic, such as rows-staged.")] = None,
    as_json: Json = False,
) -> int:
    """The dead letters that have not been sent again, oldest first."""
    if topic is not None and topic not in {name for known in TOPICS for name in (known.name, known.dead_letter)}:
        known_topics = ", ".join(known.name for known in TOPICS)
        raise CommandFailed(f'--topic "{topic}" is not known; choose {known_topics}', code=exits.USAGE)

    async def run() -> int:
        async with running() as winnow, winnow.publisher() as publisher:
            letters = [
                letter
                for letter in await _letters(winnow, publisher).waiting()
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
        async with running() as winnow, winnow.publisher() as publisher:
            letter = _find(await _letters(winnow, publisher).waiting(), letter_id)
        if as_json:
            print_json(_described(letter))
            return exits.COMPLETED
        for line in told(letter):
            terminal().print(line, markup=False)
        return exits.COMPLETED

    return asyncio.run(run())


@app.command("redrive")
def redrive(
    letter_ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Which ones.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    as_json: Json = False,
) -> int:
    """Send dead letters back to where they came from, once what stopped them is mended.

    A quarantined chunk is taken up again: its import is open until the chunk is through, then ends with new numbers.
    """
    if bool(letter_ids) == everything:
        raise CommandFailed("Name the dead letters to send again, or say --all", code=exits.USAGE)

    async def run() -> int:
        async with running() as winnow, winnow.publisher() as publisher:
            reader = _letters(winnow, publisher)
            waiting = await reader.waiting()
            chosen = waiting if everything else [_find(waiting, letter_id) for letter_id in letter_ids or ()]
            done = []
            for letter in chosen:
                what = await _send_again(winnow, reader, letter)
                done.append({"id": letter.id, "done": what})
                if not as_json:
                    terminal().print(f"{letter.id}: {what}", markup=False)
        if as_json:
            print_json(done)
        elif not done:
            terminal().print("No dead letters.")
        return exits.COMPLETED

    return asyncio.run(run())


async def _send_again(winnow: Running, reader: DeadLetters, letter: DeadLetter) -> str:
    """What was done about it. A crash in between leaves the letter on the list, and doing it twice is harmless."""
    try:
        event = open_envelope(
            letter.origin, Delivery(letter.origin.name, 0, 0, letter.body, letter.key, letter.headers)
        )
    except UnreadableEvent:
        await reader.send_again(letter)
        return (
            f"sent to {letter.origin.name} as it was. It cannot be read, so it will come back: have its publisher send "
            "a corrected one"
        )
    if isinstance(event, RowsStaged | RowsValidated):
        async with tenant_transaction(winnow.engine("committer"), event.tenant_id) as conn:
            reopened = await reopen_chunk(conn, event)
        if reopened:
            await reader.mark(letter)
            return f"chunk {event.chunk_no} of import {event.import_id} is taken up again"
    elif isinstance(event, FileUploaded):
        async with tenant_transaction(winnow.engine("committer"), event.tenant_id) as conn:
            reopened = await reopen_reading(conn, event)
        if reopened:
            await reader.send_again(letter)
            return f'"{event.file_name}" is read again'
    await reader.send_again(letter)
    return f"sent to {letter.origin.name}"


def _letters(winnow: Running, publisher: Any) -> DeadLetters:
    return DeadLetters(winnow.stack.endpoints.kafka_bootstrap, publisher)


def _find(letters: list[DeadLetter], letter_id: str) -> DeadLetter:
    for letter in letters:
        if letter.id == letter_id:
            return letter
    raise CommandFailed(
        f'There is no dead letter "{letter_id}" waiting. Those there are: {typed("dead-letters", "list")}'
    )


def told(letter: DeadLetter) -> list[str]:
    """One dead letter in lines: what is not there is left out, and what our own headers say is said once."""
    lines = []
    for name, value in _described(letter).items():
        if isinstance(value, dict):
            lines.append(f"{name}:")
            lines += [f"  {key}: {of}" for key, of in value.items() if not key.startswith(PREFIX)]
        elif value is not None:
            lines.append(f"{name}: {value}")
    return lines


def _show_letters(console: Console, letters: Sequence[DeadLetter]) -> None:
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
    return f"{letter.reason.error}: {letter.reason.message[:200]}"


def _described(letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "from": letter.place,
        "stage": letter.stage,
        "at": letter.at.isoformat(),
        "error": letter.reason.error,
        "message": letter.reason.message,
        "attempt": letter.reason.attempt,
        "reference": letter.reason.reference,
        "key": None if letter.key is None else letter.key.decode("utf-8", "replace"),
        "headers": dict(letter.headers),
        "body": letter.body.decode("utf-8", "replace"),
    }
