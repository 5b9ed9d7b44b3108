"""An import as it moves: four bars in a terminal, a line at each change elsewhere."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Protocol
from uuid import UUID

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from services.cli.reach import Winnow, unknown_import
from services.cli.terminal.display import spoken
from services.cli.terminal.hints import typed
from services.cli.terminal.standing import awaits_start, handed_back
from shared.api.client import Client, NotFound
from shared.api.imports import Import
from shared.states import ImportStatus

_LOOK_EVERY = 1.0
_ASK_AGAIN = 0.3
_UNKNOWN_AFTER = 20.0
"""Seconds in which an event that somebody else published has become an import."""
_SILENCE = 20.0
_STILL = 10.0
"""Seconds without a change after which the services are asked what is wrong."""
_ASK_EVERY = 3.0
_STAGES = ("read", "validated", "committed", "handed back")
_BESIDE_A_BAR = 44


class _View(Protocol):
    def show(self, progress: Import) -> None:
        """Show how far the import is."""


async def watch_import(
    winnow: Winnow, import_id: UUID, console: Console, *, unknown_after: float = _UNKNOWN_AFTER
) -> Import:
    """Show an import until it has ended and its files are there, or, held, waits for its start; how it is then.

    While nothing moves, it says which services are not ready, where they can be asked.

    Raises:
        CommandFailed: `unknown_after` seconds have passed and there is still no such import.
    """
    with _view(console) as view:
        still = Standstill(winnow.problems, console)
        progress = await _known(winnow, import_id, still, unknown_after)
        began = time.monotonic()
        hinted = False
        async with following(winnow.api, import_id, _lost(console)) as changes:
            while True:
                view.show(progress)
                if progress.is_final or awaits_start(progress):
                    return progress
                if progress.status == ImportStatus.UPLOADING and time.monotonic() - began > _SILENCE and not hinted:
                    hinted = True
                    console.print(
                        f"No parser has taken it yet; {typed('lag')} says how far each stage is. Waiting on; "
                        "Ctrl-C leaves the import as it is.",
                        markup=False,
                    )
                await still.look(progress)
                progress = await changes(_LOOK_EVERY) or progress


async def _known(winnow: Winnow, import_id: UUID, still: "Standstill", unknown_after: float) -> Import:
    """The import, once an event that somebody else published has become one."""
    began = time.monotonic()
    while True:
        try:
            return await winnow.api.get_import(import_id)
        except NotFound:
            if time.monotonic() - began > unknown_after:
                raise unknown_import(import_id, winnow.tenant) from None
        await still.look(None)
        await asyncio.sleep(_ASK_AGAIN)


@asynccontextmanager
async def following(
    api: Client, import_id: UUID, lost: Callable[[str], None]
) -> AsyncIterator[Callable[[float], Awaitable[Import | None]]]:
    """Follow an import: gives what waits so many seconds for a change, None when there was none.

    Raises:
        ApiError: it cannot be followed (any more).
    """
    said: asyncio.Queue[Import] = asyncio.Queue()

    async def follow() -> None:
        # A stream that has ended has said all there is; if that was not the end of the import, it is asked again.
        while True:
            async for seen in api.watch_import(import_id, lost=lost):
                said.put_nowait(seen)
            await asyncio.sleep(_ASK_AGAIN)
            said.put_nowait(await api.get_import(import_id))

    async def change(seconds: float) -> Import | None:
        found = None
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                found = await said.get()
        while not said.empty():
            found = said.get_nowait()
        if found is None and follower.done():
            await follower
        return found

    follower = asyncio.create_task(follow())
    try:
        yield change
    finally:
        follower.cancel()
        await asyncio.gather(follower, return_exceptions=True)


def _lost(console: Console) -> Callable[[str], None]:
    """Says once that the connection is gone."""
    said = False

    def say(why: str) -> None:
        nonlocal said
        if not said:
            console.print(f"Winnow cannot be heard just now ({why}); trying again.", style="yellow", markup=False)
        said = True

    return say


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
        self._seen: object = None
        self._since = time.monotonic()
        self._asked = 0.0
        self._said: list[str] = []

    async def look(self, progress: Import | None) -> None:
        """Compare with what was seen before."""
        now = time.monotonic()
        # Not the version: that is another one with every second in which nothing happens, for it has their number.
        seen = None if progress is None else (progress.status, progress.is_final, counts(progress))
        if seen != self._seen:
            self._seen, self._since = seen, now
        if now - self._since < self._after or now - self._asked < self._every:
            return
        found = await self._problems()
        self._asked = time.monotonic()
        if found != self._said:
            for line in found or ["All services are ready again."]:
                self._console.print(line, style="yellow", markup=False)
            self._said = found


def counts(progress: Import) -> dict[str, tuple[int, int | None]]:
    """By stage: rows done, and of how many; None while that is not known."""
    total = progress.total_rows if progress.parsed_at is not None or progress.ended else None
    back = handed_back(progress)
    return {
        "read": (progress.staged_rows, total),
        "validated": (progress.validated_rows, total),
        "committed": (progress.committed_rows, total),
        "handed back": (back.rows if progress.ended else 0, back.rows + back.waiting if progress.ended else None),
    }


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

    def show(self, progress: Import) -> None:
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

    def show(self, progress: Import) -> None:
        parts = (
            f"{stage} {done:,}{f'/{total:,}' if total else ''}" for stage, (done, total) in counts(progress).items()
        )
        said = f"{spoken(progress.status)}: {' · '.join(parts)}"
        if said != self._said and (progress.ended or time.monotonic() - self._at > 0.5):  # noqa: PLR2004 - half a second
            self._said, self._at = said, time.monotonic()
            self._console.print(said)
