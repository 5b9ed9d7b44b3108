"""An import as it moves: four bars in a terminal, a line at each change elsewhere."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Protocol
from uuid import UUID

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from services.cli.client import Client
from services.cli.terminal.display import awaits_start, spoken
from services.cli.terminal.hints import typed
from shared.ledger import ImportProgress
from shared.states import ImportStatus

_EVERY = 0.15
_UNKNOWN_AFTER = 20.0
"""Seconds in which an event that somebody else published has become an import."""
_SILENCE = 20.0
_STILL = 10.0
"""Seconds without a change after which the services are asked what is wrong."""
_ASK_EVERY = 3.0
_STAGES = ("read", "validated", "committed", "handed back")
_BESIDE_A_BAR = 44


class _View(Protocol):
    def show(self, progress: ImportProgress) -> None:
        """Show how far the import is."""


async def watch_import(
    winnow: Client, import_id: UUID, console: Console, *, unknown_after: float = _UNKNOWN_AFTER
) -> ImportProgress:
    """Show an import until it has ended and its files are there, or, held, waits for its start; how it is then.

    While nothing moves, it says which services are not ready, where they can be asked.

    Raises:
        CommandFailed: `unknown_after` seconds have passed and there is still no such import.
    """
    with _view(console) as view:
        still = Standstill(winnow.problems, console)
        began = time.monotonic()
        hinted = False
        while True:
            progress = await winnow.progress(import_id)
            waited = time.monotonic() - began
            if progress is None:
                if waited > unknown_after:
                    await winnow.import_of(import_id)
            else:
                view.show(progress)
                if progress.files_ready or awaits_start(progress):
                    return progress
                if progress.status == ImportStatus.UPLOADING and waited > _SILENCE and not hinted:
                    hinted = True
                    console.print(
                        f"No parser has taken it yet; {typed('lag')} says how far each stage is. Waiting on; "
                        "Ctrl-C leaves the import as it is.",
                        markup=False,
                    )
            await still.look(progress)
            await asyncio.sleep(_EVERY)


class Standstill:
    """Notices that an import does not move, and says once per change what is wrong with the services.

    They are asked once nothing has moved for `after` seconds, and again `every` so many.
    """

    def __init__(
        self,
        problems: Callable[[], Awaitable[list[str]]],
        console: Console,
        *,
        after: float = _STILL,
        every: float = _ASK_EVERY,
    ) -> None:
        self._problems = problems
        self._console = console
        self._after = after
        self._every = every
        self._seen: ImportProgress | None = None
        self._since = time.monotonic()
        self._asked = 0.0
        self._said: list[str] = []

    async def look(self, progress: ImportProgress | None) -> None:
        """Compare with what was seen before."""
        now = time.monotonic()
        if progress != self._seen:
            self._seen, self._since = progress, now
        if now - self._since < self._after or now - self._asked < self._every:
            return
        found = await self._problems()
        self._asked = time.monotonic()
        if found != self._said:
            for line in found or ["All services are ready again."]:
                self._console.print(line, style="yellow", markup=False)
            self._said = found


def counts(progress: ImportProgress) -> dict[str, tuple[int, int | None]]:
    """By stage: rows done, and of how many; None while that is not known."""
    total = progress.total_rows if progress.parsed_at is not None or progress.ended else None
    stages = progress.stages
    return {
        "read": (stages.staged_rows, total),
        "validated": (stages.validated_rows, total),
        "committed": (stages.committed_rows, total),
        "handed back": (
            0 if progress.awaits_files or not progress.ended else _handed_back(progress),
            _handed_back(progress) if progress.ended else None,
        ),
    }


def _handed_back(progress: ImportProgress) -> int:
    return progress.failed_rows + (progress.unprocessed_rows if progress.has_exportable_unprocessed else 0)


@contextmanager
def _view(console: Console) -> Iterator[_View]:
    if not console.is_terminal:
        yield _Lines(console)
        return
    columns = (
        TextColumn("  {task.description:<11}"),
        # Rich's own colours: in a terminal of 16, done and not yet done are the same grey, and what moves is red.
        BarColumn(
            bar_width=max(4, min(36, console.width - _BESIDE_A_BAR)),
            style="dim",
            complete_style="green",
            finished_style="green",
            pulse_style="green",
        ),
        TextColumn("{task.fields[said]:>20}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as bars:
        yield _Bars(bars)


class _Bars:
    """Four bars. Without a total a bar pulses."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {stage: bars.add_task(stage, total=None, said="waiting") for stage in _STAGES}

    def show(self, progress: ImportProgress) -> None:
        for stage, (done, total) in counts(progress).items():
            said = f"{done:,} rows" if total is None else f"{done:,} of {total:,}"
            shown_total = total if total is None else max(total, 1)
            shown = shown_total if total == 0 and shown_total is not None else done
            self._bars.update(self._tasks[stage], completed=shown, total=shown_total, said=said)


class _Lines:
    """A line whenever something has changed, for logs and pipes; at most two a second."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._said = ""
        self._at = 0.0

    def show(self, progress: ImportProgress) -> None:
        parts = (
            f"{stage} {done:,}{f'/{total:,}' if total else ''}" for stage, (done, total) in counts(progress).items()
        )
        said = f"{spoken(progress.status)}: {' · '.join(parts)}"
        if said != self._said and (progress.ended or time.monotonic() - self._at > 0.5):  # noqa: PLR2004 - half a second
            self._said, self._at = said, time.monotonic()
            self._console.print(said)
