"""Import completed → files exported: gather what was not imported, write the files it is handed back in, say where they are."""

import asyncio
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from services.exporter import repository
from services.exporter.batches import pulled
from services.exporter.corrections import HandedBackColumns
from services.exporter.failed_rows import FailedRowsFile
from services.exporter.repository import AwaitedFiles, StoredRow, read_rows, read_unprocessed
from services.exporter.results import ResultKeys, result_keys
from services.exporter.settings import ExporterSettings
from services.exporter.unprocessed import UnprocessedFile
from services.exporter.workbook import CorrectionWorkbook
from shared.db.transaction import tenant_transaction
from shared.entities import ENTITY_TYPES
from shared.events import CorrectionsExported, ImportCompleted, UnprocessedExported
from shared.messaging import outbox
from shared.messaging.envelope import Delivery
from shared.messaging.failures import Poison
from shared.observability import metrics

log = structlog.get_logger(__name__)

WORKBOOK_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV_TYPE = "text/csv; charset=utf-8"

_BATCH_BYTES = 8 * 1024 * 1024


class ResultStore(Protocol):
    """Where files that are handed back are kept."""

    async def upload(self, bucket: str, key: str, path: Path, content_type: str) -> None:
        """Keep a file; an object of that key is replaced whole."""


class _Written(NamedTuple):
    """How many rows the files of an export have, and how many bytes each, by kind."""

    failed: int
    unprocessed: int
    sizes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Files:
    """The files of one export, and what they are written from."""

    awaited: AwaitedFiles
    columns: HandedBackColumns
    folder: Path
    comments: int

    @property
    def workbook(self) -> Path:
        return self.folder / "corrections.xlsx"

    @property
    def failed_rows(self) -> Path:
        return self.folder / "failed-rows.csv"

    @property
    def unprocessed(self) -> Path:
        return self.folder / "unprocessed.csv"

    def write_unprocessed(self, batches: Iterable[Sequence[tuple[int, str]]], beat: Callable[[], None]) -> int:
        """Write the rows that were not processed; how many there are. Blocks: for a thread."""
        written = 0
        with UnprocessedFile(
            self.unprocessed, self.columns, why=self.awaited.why, delimiter=self.awaited.delimiter
        ) as unprocessed:
            for batch in batches:
                unprocessed.add(read_unprocessed(batch, self.awaited.replaced))
                written += len(batch)
                beat()
        return written

    def write(self, batches: Iterable[Sequence[StoredRow]], beat: Callable[[], None]) -> int:
        """Write both files of failed rows in one go; how many rows they have. Blocks: for a thread."""
        written = 0
        with (
            CorrectionWorkbook(self.workbook, self.columns, self.awaited.origin, comments=self.comments) as workbook,
            FailedRowsFile(self.failed_rows, self.columns) as failed_rows,
        ):
            for batch in batches:
                rows = read_rows(batch, self.awaited.replaced)
                workbook.add(rows)
                failed_rows.add(rows)
                written += len(rows)
                beat()
        return written


class ExportCorrections:
    """Acts on `import-completed`. What to export is read from the ledger: the event only says that it is time.

    Exporting again writes the same bytes under the same keys, so two at once do no harm; whoever records the keys first
    announces them.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        store: ResultStore,
        bucket: str,
        settings: ExporterSettings,
        *,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        self._engine = engine
        self._store = store
        self._bucket = bucket
        self._settings = settings
        self._beat = beat

    async def __call__(self, event: ImportCompleted, delivery: Delivery) -> None:
        """Hand back what was not imported; an import that awaits no files is left as it is."""
        # Once, unless the import was reopened and has ended again meanwhile: then there is something else to export.
        while (awaited := await self._awaited(event)) is not None:
            if await self._export(event, awaited, traceparent=delivery.traceparent):
                return

    async def _awaited(self, event: ImportCompleted) -> AwaitedFiles | None:
        async with tenant_transaction(self._engine, event.tenant_id) as conn:
            found = await repository.read_import(conn, event.import_id)
            if found is None:
                raise Poison(f"there is no import {event.import_id}")
            if found.awaited is None:
                # Also an import that was refused because of its entity type.
                await outbox.settle(conn, event)
            elif found.awaited.entity_type not in ENTITY_TYPES:
                raise Poison(f"nothing is known of {found.awaited.entity_type}")
        return found.awaited

    async def _export(self, event: ImportCompleted, awaited: AwaitedFiles, *, traceparent: str | None) -> bool:
        keys = result_keys(event.tenant_id, event.import_id, awaited.origin.file_name)
        failed = unprocessed = 0
        sizes: dict[str, int] = {}
        with tempfile.TemporaryDirectory(prefix="winnow-exporter-", dir=self._settings.work_folder) as folder:
            if awaited.failed_rows:
                failed, files = await self._write(event, awaited, Path(folder))
                await self._store.upload(self._bucket, keys.correction, files.workbook, WORKBOOK_TYPE)
                await self._store.upload(self._bucket, keys.failed_rows, files.failed_rows, CSV_TYPE)
                sizes |= {"corrections": _size(files.workbook), "failed_rows": _size(files.failed_rows)}
            if awaited.unprocessed_rows:
                unprocessed, files = await self._write_unprocessed(event, awaited, Path(folder))
                await self._store.upload(self._bucket, keys.unprocessed, files.unprocessed, CSV_TYPE)
                sizes["unprocessed_rows"] = _size(files.unprocessed)
        return await self._record(event, awaited, keys, _Written(failed, unprocessed, sizes), traceparent=traceparent)

    async def _write(self, event: ImportCompleted, awaited: AwaitedFiles, folder: Path) -> tuple[int, _Files]:
        """Write both files of failed rows from one reading of the rows."""
        async with tenant_transaction(self._engine, event.tenant_id) as conn:
            extent = await repository.measure_failed_rows(conn, event.import_id)
            if not extent.size:
                raise Poison(f"import {event.import_id} has failed rows by its count, and none in the ledger")
            files = self._files(awaited, folder, width=extent.cells)
            failed = repository.failed_rows(
                conn, event.import_id, key_column=files.columns.key_column, batch=self._batch(extent.size)
            )
            batches = pulled(failed, asyncio.get_running_loop())
            return await asyncio.to_thread(files.write, batches, self._beat), files

    async def _write_unprocessed(
        self, event: ImportCompleted, awaited: AwaitedFiles, folder: Path
    ) -> tuple[int, _Files]:
        async with tenant_transaction(self._engine, event.tenant_id) as conn:
            size = await repository.measure_unprocessed_rows(conn, event.import_id)
            if not size:
                raise Poison(f"import {event.import_id} has unprocessed rows by its count, and none in the ledger")
            files = self._files(awaited, folder, width=0)
            rows = repository.unprocessed_rows(conn, event.import_id, batch=self._batch(size))
            batches = pulled(rows, asyncio.get_running_loop())
            return await asyncio.to_thread(files.write_unprocessed, batches, self._beat), files

    def _files(self, awaited: AwaitedFiles, folder: Path, *, width: int) -> _Files:
        columns = HandedBackColumns(
            awaited.entity,
            awaited.headings,
            awaited.fields,
            width,
            sheet=awaited.sheet,
            decimals=awaited.origin.decimals,
            import_id=awaited.origin.import_id,
        )
        return _Files(awaited, columns, folder, self._settings.comments)

    def _batch(self, largest_row: int) -> int:
        return max(1, min(self._settings.batch_rows, _BATCH_BYTES // largest_row))

    async def _record(
        self,
        event: ImportCompleted,
        awaited: AwaitedFiles,
        keys: ResultKeys,
        rows: _Written,
        *,
        traceparent: str | None,
    ) -> bool:
        """Say where the files are; False when somebody else did, or the import has ended again."""
        same: dict[str, Any] = {"tenant_id": event.tenant_id, "import_id": event.import_id}
        unprocessed: dict[str, Any] = (
            {"unprocessed_object_key": keys.unprocessed, "unprocessed_rows": rows.unprocessed}
            if rows.unprocessed
            else {}
        )
        async with tenant_transaction(self._engine, event.tenant_id) as conn:
            if not await repository.record_files(conn, awaited, keys, rows.sizes):
                return False
            if rows.failed:
                exported = CorrectionsExported(
                    **same,
                    correction_object_key=keys.correction,
                    failed_rows_object_key=keys.failed_rows,
                    failed_rows=rows.failed,
                    **unprocessed,
                )
                await outbox.append(conn, exported, traceparent=traceparent)
            if rows.unprocessed:
                await outbox.append(conn, UnprocessedExported(**same, **unprocessed), traceparent=traceparent)
            await outbox.settle(conn, event)
        metrics.ROWS.labels(stage="exporter", outcome="failed").inc(rows.failed)
        metrics.ROWS.labels(stage="exporter", outcome="unprocessed").inc(rows.unprocessed)
        ledger = (awaited.failed_rows, awaited.unprocessed_rows)
        if (rows.failed, rows.unprocessed) != ledger:
            log.error("export.differs", exported=(rows.failed, rows.unprocessed), ledger=ledger)
        log.info("import.exported", rows=rows.failed, unprocessed=rows.unprocessed)
        return True


def _size(path: Path) -> int:
    return path.stat().st_size
