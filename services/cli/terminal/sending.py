"""A file on its way in, as a person at a terminal sees it, and what is said when it is not taken."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from services.cli import exits
from services.cli.exits import CommandFailed
from services.cli.terminal.hints import typed
from shared.api.client import ApiError, Contradicts, NotAllowed, Refused
from shared.api.imports import Import

if TYPE_CHECKING:
    from services.cli.commands.imports import Sending
    from services.cli.reach import Winnow
    from shared.api.client.uploading import Sent as Told

_WORTH_A_BAR = 4 * 2**20
_NOTHING = ", and nothing was sent"


@dataclass(frozen=True)
class Sent:
    """An import that was sent, now or before under the same key."""

    known: Import
    is_repeat: bool

    @property
    def id(self) -> UUID:
        """Its id."""
        return self.known.id


async def send(winnow: Winnow, sending: Sending, console: Console) -> Sent:
    """Upload a file and register its import; until that is done nothing is imported.

    Raises:
        CommandFailed: it contradicts what was sent before, or was imported before; says the way out.
        ApiError: it was refused otherwise, or did not get there.
    """
    checksum = await asyncio.to_thread(_checksum, sending.path)
    try:
        with _bar(sending, console) as told:
            upload_id = await winnow.api.upload(sending.path, sent=told)
    except NotAllowed:
        await winnow.refuse_unknown(also=_NOTHING)
        raise
    except asyncio.CancelledError:
        console.print("Nothing was sent.", markup=False)
        raise
    # A key of its own, so that an answer that is lost makes no second import.
    key = sending.key or f"command-{uuid4()}"
    new = sending.new.model_copy(update={"upload_id": str(upload_id), "file_sha256": checksum})
    try:
        created = await winnow.api.create_import(new, idempotency_key=key)
    except Refused as refused:
        with suppress(ApiError):
            await winnow.api.delete_upload(upload_id)
        if isinstance(refused, NotAllowed):
            await winnow.refuse_unknown(also=_NOTHING)
        raise _refusal(refused, winnow, sending) from refused
    # Under a key that nobody has said, a repeat is an answer that was lost.
    return Sent(created.known, is_repeat=created.is_repeat and sending.key is not None)


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _refusal(refused: Refused, winnow: Winnow, sending: Sending) -> Exception:
    if isinstance(refused, Contradicts) and refused.kind == "idempotency-key-reused":
        return CommandFailed(
            f'--idempotency-key: "{sending.key}" {refused.detail.removeprefix("Idempotency-Key: it ").rstrip(".")}',
            code=exits.USAGE,
        )
    if refused.kind == "imported-before":
        return CommandFailed(refused.detail.replace("options.allow_repeat", "--allow-repeat").rstrip("."))
    if any(error.field == "parent_import_id" for error in refused.errors):
        whose = "your tenant" if winnow.tenant is None else f'tenant "{winnow.tenant}"'
        return CommandFailed(
            f"--parent: {whose} has no import {sending.new.parent_import_id}, and nothing was sent. "
            f"Its imports: {typed('status', *winnow.as_typed)}",
            code=exits.USAGE,
        )
    return refused


@contextmanager
def _bar(sending: Sending, console: Console) -> Iterator[Told]:
    """How much of a large file is there, in a terminal."""
    size = sending.path.stat().st_size
    if not console.is_terminal or size < _WORTH_A_BAR:
        yield lambda _done, _of: None
        return
    columns = (
        TextColumn("  sending"),
        BarColumn(style="dim", complete_style="green", finished_style="green"),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bars:
        task = bars.add_task("sending", total=size)
        yield lambda done, of: bars.update(task, completed=done, total=of)
