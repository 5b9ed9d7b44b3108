"""Rows into the ledger, chunk by chunk: rows, chunk and event in one transaction."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.parser import repository
from services.parser.known_records import KnownRecords
from services.parser.mapping.chunks import Chunk, ChunkCutter, ChunkSizes, Cut, Staged
from services.parser.mapping.interpretation import Interpretation, KeyedRow, data_keys
from services.parser.mapping.left_out import Aside, Asides
from services.parser.reading.sandbox import FileLayout
from services.parser.refusals import FileRefused
from services.parser.repository import KnownImport, StagingScope
from shared.db.transaction import tenant_transaction
from shared.entities.cells import read_cells
from shared.entities.replacements import NOTHING_REPLACED
from shared.events import RowsStaged
from shared.ledger import announce_next_wave, end_broken_off, fail_import
from shared.ledger.rechecking import read_replacements
from shared.messaging import outbox
from shared.observability import metrics
from shared.values import How

log = structlog.get_logger(__name__)

_ASIDES, _ASIDE_BYTES = 1_000, 1_000_000
_BATCH = 2_000


@dataclass(frozen=True)
class StagingSettings:
    """How rows are cut, and after which time without progress somebody else goes on."""

    sizes: ChunkSizes
    reemit_after: timedelta


class ChunkStaging:
    """Takes the rows of an import in the order of its file and stages them, from where an earlier attempt got to.

    With `recut` the rows are in the ledger already, cut by an older interpretation.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        known: KnownImport,
        staged: Staged,
        settings: StagingSettings,
        *,
        traceparent: str | None,
        recut: bool = False,
    ) -> None:
        self._engine = engine
        self._known = known
        self._event = known.event
        self._scope = StagingScope(known.id, known.tenant_id, known.epoch)
        self._settings = settings
        self._traceparent = traceparent
        self._recut = recut
        self._was_staged = staged.chunks > 0
        self._cutter = ChunkCutter(
            known.entity,
            settings.sizes,
            staged,
            mode=known.mode,
            is_broken_off=known.is_broken_off,
        )
        self._records = KnownRecords(engine, known)
        self._asides: list[tuple[int, str]] = []
        self._aside_bytes = 0
        self._layout: FileLayout | None = None

    def describe(self, layout: FileLayout) -> None:
        """Have what the file was found to be written down with the next thing that is written of it."""
        self._layout = layout

    async def take(self, rows: Iterable[KeyedRow]) -> bool:
        """Take the next rows; False when somebody else has taken over, or there is nothing more to stage.

        A group that is too large ends what is imported of a file: what follows is left over.

        Raises:
            FileRefused: a group is too large, of rows that are in the ledger already.
        """
        for row in await self._records.told(list(rows)):
            if row.keys is None:
                self._asides.append((row.row, row.cells))
                self._aside_bytes += len(row.cells)
                continue
            try:
                for chunks in self._cutter.add(row):
                    if not await self._stage(chunks):
                        return False
            except FileRefused as refused:
                if self._recut:
                    raise
                if not await self.break_off(refused):
                    return False
        if len(self._asides) >= _ASIDES or self._aside_bytes >= _ASIDE_BYTES:
            async with tenant_transaction(self._engine, self._scope.tenant_id) as conn:
                if not await repository.is_staging(conn, self._scope):
                    return False
                await self._keep_asides(conn)
        return True

    async def break_off(self, refused: FileRefused) -> bool:
        """Import nothing of what follows: stage the groups that are whole, keep the rest as left over.

        False when somebody else has taken over. The import ends with `finish` or `refuse`; whoever goes on with it after
        this finds that nothing more is to be imported.
        """
        log.warning("file.broken_off", code=refused.code, reason=refused.message)
        async with tenant_transaction(self._engine, self._scope.tenant_id) as conn:
            return await self._break_off(conn, refused)

    async def refuse(self, refused: FileRefused) -> None:
        """End the import of a file that cannot be read any further: what is whole is staged, what is not is left over."""
        log.warning("file.refused", code=refused.code, reason=refused.message)
        async with tenant_transaction(self._engine, self._scope.tenant_id) as conn:
            if await self._break_off(conn, refused):
                await self._keep_asides(conn)
                await fail_import(conn, self._scope.import_id, refused.code, refused.message)
                await outbox.settle(conn, self._event)

    async def finish(self, *, total: int, notices: Sequence[Mapping[str, Any]]) -> bool:
        """Stage the last chunks together with the end, so that there is one however often rows are staged.

        Raises:
            FileRefused: there was no data row, of rows that are in the ledger already.
        """
        if self._cutter.is_broken_off:
            return await self._end_broken_off(notices)
        if self._known.is_open and total:
            return await self._wait_for_mapping(total, notices)
        last = self._cutter.finish()
        if not last and self._was_staged:
            # Somebody else staged all of it, and the end with the last chunk.
            return False
        if not last:
            empty = FileRefused(
                "no_data_rows",
                f'"{self._known.file_name}" has headings but no data rows below them. Fill it in and send it again',
            )
            if self._recut:
                raise empty
            return await self.break_off(empty) and await self._end_broken_off(notices)
        return await self._stage(last, total=total, notices=notices)

    async def _wait_for_mapping(self, total: int, notices: Sequence[Mapping[str, Any]]) -> bool:
        async with tenant_transaction(self._engine, self._scope.tenant_id) as conn:
            if not await repository.is_staging(conn, self._scope):
                return False
            await self._add(conn, [])
            await self._keep_asides(conn)
            await repository.wait_for_mapping(conn, self._scope.import_id, total=total, notices=notices)
            await outbox.settle(conn, self._event)
        return True

    async def _break_off(self, conn: AsyncConnection, refused: FileRefused) -> bool:
        chunks = self._cutter.break_off()
        if not await repository.is_staging(conn, self._scope) or not await self._add(conn, chunks):
            return False
        await repository.break_off(conn, self._scope.import_id, code=refused.code, message=refused.message)
        await outbox.postpone(conn, self._event, reemit_after=self._settings.reemit_after)
        return True

    async def _end_broken_off(self, notices: Sequence[Mapping[str, Any]]) -> bool:
        async with tenant_transaction(self._engine, self._scope.tenant_id) as conn:
            if not await repository.is_staging(conn, self._scope):
                return False
            if not await self._add(conn, self._cutter.break_off()):
                return False
            await self._keep_asides(conn)
            await repository.read_to_the_end(conn, self._scope.import_id, notices)
            await end_broken_off(conn, self._scope.import_id)
            await outbox.settle(conn, self._event)
        return True

    async def _stage(self, chunks: Cut, *, total: int | None = None, notices: Sequence[Mapping[str, Any]] = ()) -> bool:
        async with tenant_transaction(self._engine, self._scope.tenant_id) as conn:
            if not await self._add(conn, chunks):
                return False
            if total is None:
                await outbox.postpone(conn, self._event, reemit_after=self._settings.reemit_after)
            else:
                await repository.cut_to_the_end(conn, self._scope.import_id, total=total, notices=notices)
                await outbox.settle(conn, self._event)
        return True

    async def _add(self, conn: AsyncConnection, chunks: Cut) -> bool:
        if self._layout is not None:
            await repository.describe(conn, self._scope, self._layout)
            self._layout = None
        for chunk in chunks:
            if not await repository.stage(conn, self._scope, chunk, recut=self._recut):
                log.warning("file.taken_over", chunk=chunk.number)
                return False
            await self._keep_asides(conn)
            if not chunk.is_left_over and not chunk.wave:
                await outbox.append(conn, self._announced(chunk), traceparent=self._traceparent)
            outcome = "left_over" if chunk.is_left_over else "staged"
            metrics.ROWS.labels(stage="parser", outcome=outcome).inc(len(chunk.rows))
        if any(chunk.wave for chunk in chunks):
            # Nothing may be left to wait for: whatever they follow may have ended long ago.
            await announce_next_wave(conn, self._scope.import_id)
        return True

    async def _keep_asides(self, conn: AsyncConnection) -> None:
        asides, self._asides, self._aside_bytes = self._asides, [], 0
        await repository.keep_asides(conn, self._scope, asides, recut=self._recut)

    def _announced(self, chunk: Chunk) -> RowsStaged:
        return RowsStaged(
            tenant_id=self._scope.tenant_id,
            import_id=self._scope.import_id,
            entity_type=self._known.entity_type,
            mode=self._known.mode,
            chunk_no=chunk.number,
            first_row=chunk.first_row,
            last_row=chunk.last_row,
            row_count=len(chunk.rows),
            epoch=self._scope.epoch,
        )


class Recut:
    """Cuts the staged rows of an import again, by the mapping the ledger has now. The file is not needed."""

    def __init__(
        self, engine: AsyncEngine, known: KnownImport, settings: StagingSettings, *, traceparent: str | None
    ) -> None:
        self._engine = engine
        self._known = known
        self._settings = settings
        self._traceparent = traceparent
        self._asides = Asides()
        self._total = 0
        self._replacements = NOTHING_REPLACED

    async def run(self) -> bool:
        """Stage every chunk that is not staged yet; False when somebody else has taken over.

        Raises:
            FileRefused: no row is data under the mapping, or a group is too large.
        """
        async with tenant_transaction(self._engine, self._known.tenant_id) as conn:
            mapping = await repository.read_mapping(conn, self._known.id)
            staged = await repository.staged(conn, self._known.id)
            self._replacements = await read_replacements(conn, self._known.id)
        how = How.of_settings((self._known.own or {}).get("settings"))
        interpretation = Interpretation.of_layout(self._known.entity, *mapping, how)
        staging = ChunkStaging(
            self._engine, self._known, staged, self._settings, traceparent=self._traceparent, recut=True
        )
        after = 0
        while rows := await self._next(after):
            after = rows[-1][0]
            if not await staging.take(await asyncio.to_thread(self._keyed, interpretation, rows)):
                return False
        return await staging.finish(total=self._total, notices=self._asides.notices())

    async def _next(self, after: int) -> list[tuple[int, str]]:
        async with tenant_transaction(self._engine, self._known.tenant_id) as conn:
            return await repository.read_staged_rows(conn, self._known.id, after=after, limit=_BATCH)

    def _keyed(self, interpretation: Interpretation, rows: Sequence[tuple[int, str]]) -> list[KeyedRow]:
        keyed = []
        for row, cells in rows:
            keys = interpretation.keys(row, self._replacements.applied(read_cells(cells)))
            if isinstance(keys, Aside):
                self._asides.note(row, keys)
            else:
                self._total += 1
            keyed.append(KeyedRow(row, data_keys(keys), cells))
        return keyed
