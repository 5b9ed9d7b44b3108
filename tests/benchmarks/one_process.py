"""What floors have in common: one process that copies and commits one chunk after another, as the services do, and says where the time went."""

import resource
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from services.committer.families import Family
from services.committer.refusals import DatabaseRefusal
from services.committer.repository import pending_groups, write_groups
from services.validator.outcomes import StagedRecords
from shared.db.transaction import tenant_transaction
from shared.entities.scope import ChunkScope
from shared.states import Action

Cut = tuple[int, Sequence[tuple[int, int, str]]]
"""The number of a chunk, and its rows: number, group row, cells as JSON."""


class OneProcess:
    """Imports files by the administrator's role (no row-level security), and adds up seconds by step."""

    def __init__(self, engine: AsyncEngine, copying: asyncpg.Connection, family: Family) -> None:
        self.copying = copying
        self._engine = engine
        self._family = family
        self._seconds = dict.fromkeys(("read", "copy_raw", "rules", "copy_staging", "commit"), 0.0)
        self._rows = 0
        self._began = self._at = time.perf_counter()

    async def take(
        self,
        tenant: str,
        import_id: UUID,
        chunks: Iterator[Cut],
        decide: Callable[[Sequence[tuple[int, int, str]]], Sequence[StagedRecords]],
    ) -> None:
        """Import the chunks of one file, of which no row is bad."""
        self._at = time.perf_counter()
        for number, cut in chunks:
            self._lap("read")
            self._rows += len(cut)
            await self.copying.copy_records_to_table(
                "raw_rows",
                schema_name="imports",
                columns=["import_id", "row_no", "tenant_id", "chunk_no", "group_row", "cells"],
                records=[(import_id, row, tenant, number, group, cells) for row, group, cells in cut],
            )
            self._lap("copy_raw")
            staged = decide(cut)
            self._lap("rules")
            for records in staged:
                await self.copying.copy_records_to_table(
                    records.table,
                    schema_name="staging",
                    columns=["tenant_id", "import_id", "chunk_no", *records.columns],
                    records=[(tenant, import_id, number, *row) for row in records.rows],
                )
            self._lap("copy_staging")
            await self._commit(ChunkScope(tenant, import_id, number))
            self._lap("commit")
        self._lap("read")

    async def _commit(self, scope: ChunkScope) -> None:
        async with tenant_transaction(self._engine, scope.tenant_id) as conn:
            groups = list(await pending_groups(conn, scope))
            plan = await self._family.plan(conn, scope, {Action.CREATE})
            written = await write_groups(conn, self._family, scope, groups, plan.steps)
            assert not isinstance(written, DatabaseRefusal), written

    def begin(self) -> None:
        """Count from now on: what was made ready before is none of it."""
        self._began = time.perf_counter()

    @property
    def figures(self) -> dict[str, Any]:
        """Rows, seconds in all and by step, and the most memory in MB."""
        return {
            "rows": self._rows,
            "seconds": time.perf_counter() - self._began,
            "steps": self._seconds,
            "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }

    def _lap(self, step: str) -> None:
        now = time.perf_counter()
        self._seconds[step] += now - self._at
        self._at = now


@asynccontextmanager
async def one_process(admin_url: str, family: Family) -> AsyncIterator[OneProcess]:
    """A process of one connection to copy and one to commit."""
    engine = create_async_engine(admin_url, pool_size=1)
    copying = await asyncpg.connect(
        make_url(admin_url).set(drivername="postgresql").render_as_string(hide_password=False)
    )
    try:
        yield OneProcess(engine, copying, family)
    finally:
        await copying.close()
        await engine.dispose()
