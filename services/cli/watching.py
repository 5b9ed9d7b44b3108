"""An import as it moves: four bars in a terminal, a line at each change elsewhere."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol
from uuid import UUID

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from services.cli.running import Running
from shared.ledger import ImportProgress

_EVERY = 0.15
_SILENCE = 20.0
_STAGES = ("read", "validated", "committed", "handed back")


class _View(Protocol):
    def show(self, progress: ImportProgress) -> None:
        """Show how far the import is."""


async def watch_import(winnow: Running, import_id: UUID, console: Console) -> ImportProgress:
    """Show an import until it has ended and its files are there; how it ended."""
    with _view(console) as view:
        began = time.monotonic()
        hinted = False
        while True:
            progress = await winnow.progress(import_id)
            if progress is not None:
                view.show(progress)
                if progress.ended and not progress.awaits_files:
                    return progress
            elif not hinted and time.monotonic() - began > _SILENCE:
                hinted = True
                console.print(
                    "Nobody has taken the event yet. Is the parser running (`winnow lag`), and is the id right "
                    "(`winnow status`)? Waiting on; Ctrl-C leaves the import as it is."
                )
            await asyncio.sleep(_EVERY)


def counts(progress: ImportProgress) -> dict[str, tuple[int, int | None]]:
    """By stage: rows done, and of how many; None while that is not known."""
    total = progress.total_rows if progress.parsed_at is not None or progress.ended else None
    stages = progress.stages
    return {
        "read": (stages.staged_rows, total),
        "validated": (stages.validated_rows, total),
        "committed": (stages.committed_rows, total),
        "handed back": (
            0 if progress.awaits_files or not progress.ended else progress.failed_rows,
            progress.failed_rows if progress.ended else None,
        ),
    }


@contextmanager
def _view(console: Console) -> Iterator[_View]:
    if not console.is_terminal:
        yield _Lines(console)
        return
    columns = (
        TextColumn("  {task.description:<11}"),
        BarColumn(bar_width=36),
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
        said = f"{progress.status}: {' · '.join(parts)}"
        if said != self._said and (progress.ended or time.monotonic() - self._at > 0.5):  # noqa: PLR2004 - half a second
            self._said, self._at = said, time.monotonic()
            self._console.print(said, highlight=False)
