"""`winnow dead-letters`: events no stage could act on. List them, look at one, send them again."""

import asyncio
from typing import Annotated, Any

import typer
from rich.table import Table

from services.cli import exits
from services.cli.exits import CommandFailed
from services.cli.imports import Json, print_json
from services.cli.running import Running, running
from services.cli.showing import terminal
from shared.db.transaction import tenant_transaction
from shared.events import FileUploaded, RowsStaged, RowsValidated
from shared.ledger import reopen_chunk, reopen_reading
from shared.messaging.dead_letters import DeadLetter, DeadLetters
from shared.messaging.envelope import Delivery, UnreadableEvent, open_envelope

app = typer.Typer(help="Events no stage could act on: list them, look at one, send them again.", no_args_is_help=True)

LetterId = Annotated[str, typer.Argument(metavar="ID", help="topic:partition:offset, as the list shows it.")]


@app.command("list")
def list_letters(
    topic: Annotated[str | None, typer.Option(help="Only those of this topic, such as rows-staged.")] = None,
    as_json: Json = False,
) -> int:
    """The dead letters that have not been sent again, oldest first."""

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
            terminal().print("No dead letters.")
        else:
            table = Table(box=None, pad_edge=False)
            for name in ("id", "at", "stage", "error", "why"):
                table.add_column(name, header_style="dim", no_wrap=name == "id", overflow="fold")
            for letter in letters:
                at = letter.at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
                why = letter.reason.message[:200].replace("[", "\\[")
                table.add_row(letter.id, at, letter.stage.removeprefix("winnow-"), letter.reason.error, why)
            terminal().print(table)
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
        console = terminal()
        for name, value in _described(letter).items():
            said = "\n".join(f"{key}: {of}" for key, of in value.items()) if isinstance(value, dict) else value
            console.print(f"{name}: {said}", markup=False, highlight=False, soft_wrap=True)
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
                    terminal().print(f"{letter.id}: {what}", highlight=False)
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
        return f"sent to {letter.origin.name} as it was"
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
        f'There is no dead letter "{letter_id}" waiting. `winnow dead-letters list` shows those there are'
    )


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
