"""Everything whose time is over, removed or, in a dry run, counted."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from functools import partial

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.messaging.failures import FailureKind, kind_of
from shared.observability import metrics
from shared.retention.abandoned import HELD, NOT_READ, end_unstarted, end_without_file
from shared.retention.arrivals import due_arrivals, remove_arrival
from shared.retention.deliveries import count_deliveries, remove_deliveries
from shared.retention.due import Found
from shared.retention.files import RESULTS, UPLOADS, FileKind, Removal
from shared.retention.forgotten import FORGOTTEN, count_forgotten, remove_forgotten
from shared.retention.orphans import Orphanage
from shared.retention.periods import Periods
from shared.retention.rows import AS_READ, STAGED, RowKind, count_rows, remove_rows
from shared.storage import ObjectStore

log = structlog.get_logger(__name__)

UNSTARTED, GUIDED, WITHOUT_FILE, UNFINISHED, UNUSED, ORPHANED_UPLOADS, ORPHANED_RESULTS, DELIVERIES, FAILED = (
    "unstarted_imports",
    "guided_imports",
    "imports_without_file",
    "unfinished_uploads",
    "unused_uploads",
    "orphaned_uploads",
    "orphaned_results",
    "deliveries",
    "failed",
)
WHAT: Mapping[str, str] = {
    UNSTARTED: "held imports that nobody started, ended",
    GUIDED: "guided imports that nobody went on with, removed with rows and file",
    WITHOUT_FILE: "imports whose file never came, ended",
    "staged_rows": "typed rows of groups that were not imported",
    "raw_rows": "rows as they were read",
    "row_errors": "errors of rows",
    "values": "lists of the values of columns",
    "replacements": "replacements of values",
    "changes": "changes of records, as they were before and after",
    "uploads": "files that were sent",
    "results": "files that were handed back",
    UNFINISHED: "files on their way in that nobody went on with",
    UNUSED: "files that came in and that no import was made of",
    ORPHANED_UPLOADS: "files in the uploads bucket of no import",
    ORPHANED_RESULTS: "files in the results bucket of no import",
    DELIVERIES: "webhooks and e-mails that were delivered or given up",
    FAILED: "that could not be removed; the log says why",
}
"""What is counted, in words."""


@dataclass(frozen=True)
class Buckets:
    """Where files lie: those that come in, and those that are handed back."""

    uploads: str
    results: str


@dataclass(frozen=True)
class Cleanup:
    """One round after another over all that is kept. `engine` is the database as `winnow_keeper`.

    `dry_run` removes nothing and gives the same numbers. `beat` is called before each step: whatever ends the process
    there, the next round goes on from it.
    """

    engine: AsyncEngine
    store: ObjectStore
    buckets: Buckets
    kept: Periods = field(default_factory=Periods)
    dry_run: bool = False
    beat: Callable[[], None] = lambda: None

    async def run(self) -> Mapping[str, int]:
        """Make a round; how many of each of `WHAT` are gone (or would be), and none of them twice.

        One that cannot be removed is logged, counted as `failed`, and in nobody's way.

        Raises:
            Exception: the database or storage is away.
        """
        round_ = _Round(self, asdict(self.kept))
        await round_.end_abandoned()
        for rows in (STAGED, AS_READ):
            await round_.remove_rows(rows)
        for files, bucket in ((UPLOADS, self.buckets.uploads), (RESULTS, self.buckets.results)):
            await round_.remove_files(files, bucket)
        await round_.remove_arrivals()
        await round_.remove_orphans(
            ORPHANED_UPLOADS, Orphanage(self.buckets.uploads, self.kept.orphaned_uploads, "upload_removed_at")
        )
        await round_.remove_orphans(
            ORPHANED_RESULTS, Orphanage(self.buckets.results, self.kept.orphaned_results, "results_removed_at")
        )
        await round_.remove_deliveries()
        counts = {name: round_.counts[name] for name in WHAT}
        if any(counts.values()):
            log.info("cleanup.would_remove" if self.dry_run else "cleanup.removed", **counts)
        return counts


@dataclass(frozen=True)
class _Round:
    """One round: what it has come to so far."""

    cleanup: Cleanup
    periods: Mapping[str, timedelta]
    counts: Counter[str] = field(default_factory=Counter)
    seen: set[tuple[str, str]] = field(default_factory=set)

    async def end_abandoned(self) -> None:
        mine = self.cleanup
        async for found in HELD.imports(mine.engine, self.periods):
            mine.beat()
            async with self._tolerating(import_id=str(found.id)):
                if mine.dry_run or await end_unstarted(mine.engine, found, self.periods):
                    self._count(Counter({UNSTARTED: 1}), import_id=str(found.id))
        async for found in FORGOTTEN.imports(mine.engine, self.periods):
            async with self._tolerating(import_id=str(found.id)):
                await self._forget(found)
        async for found in NOT_READ.imports(mine.engine, self.periods):
            async with self._tolerating(import_id=str(found.id)):
                if await end_without_file(
                    mine.engine,
                    mine.store,
                    mine.buckets.uploads,
                    found,
                    self.periods,
                    dry_run=mine.dry_run,
                    beat=mine.beat,
                ):
                    self._count(Counter({WITHOUT_FILE: 1}), import_id=str(found.id))

    async def _forget(self, found: Found) -> None:
        mine = self.cleanup
        report = partial(self._count, import_id=str(found.id))
        if mine.dry_run:
            report(await count_forgotten(mine.engine, found))
            gone = True
        else:
            gone = await remove_forgotten(
                mine.engine,
                mine.store,
                mine.buckets.uploads,
                found,
                self.periods,
                beat=mine.beat,
                report=report,
            )
        if gone:
            report(Counter({GUIDED: 1}))

    async def remove_rows(self, kind: RowKind) -> None:
        mine = self.cleanup
        async for found in kind.due.imports(mine.engine, self.periods):
            async with self._tolerating(import_id=str(found.id)):
                if mine.dry_run:
                    self._count(await count_rows(mine.engine, kind, found), import_id=str(found.id))
                    continue
                await remove_rows(
                    mine.engine,
                    kind,
                    found,
                    self.periods,
                    beat=mine.beat,
                    report=partial(self._count, import_id=str(found.id)),
                )

    async def remove_files(self, kind: FileKind, bucket: str) -> None:
        mine = self.cleanup
        removal = Removal(mine.engine, mine.store, bucket, kind, self.periods, mine.dry_run)
        async for found in kind.due.imports(mine.engine, self.periods):
            mine.beat()
            async with self._tolerating(import_id=str(found.id)):
                gone = {(bucket, key) for key in await removal.of(found)} - self.seen
                self.seen.update(gone)
                self._count(Counter({kind.name: len(gone)}), import_id=str(found.id))

    async def remove_arrivals(self) -> None:
        mine = self.cleanup
        bucket = mine.buckets.uploads
        async for due in due_arrivals(mine.engine):
            mine.beat()
            async with self._tolerating(upload_id=str(due.found.id)):
                removed = mine.dry_run or await remove_arrival(mine.engine, mine.store, bucket, due.found)
                if removed and not due.is_used:
                    what = UNUSED if due.is_complete else UNFINISHED
                    self._count(Counter({what: 1}), upload_id=str(due.found.id))

    async def remove_orphans(self, name: str, orphanage: Orphanage) -> None:
        mine = self.cleanup
        async for key in orphanage.orphans(mine.engine, mine.store):
            mine.beat()
            async with self._tolerating(object_key=key):
                if mine.dry_run or await mine.store.remove(orphanage.bucket, key):
                    self._count(Counter({name: 1}), object_key=key)

    async def remove_deliveries(self) -> None:
        mine = self.cleanup
        age = self.periods["deliveries"]
        async with self._tolerating():
            if mine.dry_run:
                self._count(Counter({DELIVERIES: await count_deliveries(mine.engine, age)}))
                return
            await remove_deliveries(
                mine.engine, age, beat=mine.beat, report=lambda number: self._count(Counter({DELIVERIES: number}))
            )

    def _count(self, removed: Counter[str], **of: str) -> None:
        if not removed.total():
            return
        self.counts.update(removed)
        if not self.cleanup.dry_run:
            log.info("cleanup.step", **of, **removed)
            for what, number in removed.items():
                metrics.REMOVED.labels(what=what).inc(number)

    @asynccontextmanager
    async def _tolerating(self, **of: str) -> AsyncIterator[None]:
        """Go on after one thing that cannot be removed, unless what everything needs is away."""
        try:
            yield
        except Exception as error:
            if kind_of(error) is FailureKind.TRANSIENT:
                raise
            log.exception("cleanup.failed", **of)
            self.counts[FAILED] += 1
            metrics.REMOVED.labels(what=FAILED).inc()
