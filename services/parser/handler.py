"""File uploaded → rows staged: register, fetch, have it read, stage chunk by chunk."""

import asyncio
import contextlib
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from services.parser import repository
from services.parser.chunks import Chunk, ChunkCutter, Staged
from services.parser.frames import BrokenFrame, read_rows
from services.parser.lease import reading_lease
from services.parser.refusals import INVALID_EVENT, OBJECT_MISSING, FileRefused, ReaderKilled
from services.parser.repository import KnownImport
from services.parser.sandbox import FileEnd, FileLayout, ReadRequest, reading
from services.parser.settings import ParserSettings
from services.parser.uploads import check_claim, refused_registration, registration
from services.parser.workspace import Workspace
from shared.db.transaction import tenant_transaction
from shared.events import FileUploaded, RowsStaged
from shared.ledger import fail_import
from shared.ledger.tenants import UnknownTenant, admit_tenant
from shared.messaging import outbox
from shared.messaging.envelope import Delivery
from shared.messaging.failures import Poison
from shared.observability import metrics
from shared.storage import ObjectMissing, ObjectStore

log = structlog.get_logger(__name__)

_LARGE_COMES_AGAIN_AFTER = timedelta(seconds=5)
_READER_LIVES = 3


@dataclass(frozen=True)
class Surroundings:
    """What the parser works with. `beat` is called whenever it has got on."""

    engine: AsyncEngine
    store: ObjectStore
    bucket: str
    settings: ParserSettings
    workspace: Workspace
    reemit_after: timedelta
    beat: Callable[[], None]


class ImportFile:
    """Acts on `file-uploaded`, in two steps: `accept` takes it over into the ledger, the call reads the file.

    A file that is read already, or by another process, is left alone. Large files may take all places but one, so that
    small ones need not wait for them.
    """

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._accepted: dict[str, UUID] = {}
        # Known to take long; a hint of this process, so that their reading is not begun in vain again and again.
        self._slow: set[UUID] = set()
        self._large = asyncio.Semaphore(max(1, around.settings.files_at_once - 1))

    async def accept(self, event: FileUploaded, delivery: Delivery) -> None:
        """Register the import; from then on the outbox sees to it that its file is read."""
        found = await self._around.store.stat(self._around.bucket, event.object_key) if _owns(event) else None
        async with tenant_transaction(self._around.engine, event.tenant_id) as conn:
            await admit_tenant(conn, event.tenant_id, unknown=self._around.settings.admit_unknown_tenants)
            asked = registration(event, delivery, found.etag if found else "")
            known = await repository.register(conn, asked)
            if known is None:
                raise Poison(f"import {event.import_id} is another tenant's")
            if known.can_be_corrected and (known.error_code == INVALID_EVENT or found is not None):
                # What was wrong with its first event is put right: the same import begins anew.
                known = await repository.begin_anew(conn, known, asked)
            event = event.model_copy(update={"import_id": known.id})
            if known.ended_reading:
                await outbox.settle(conn, event)
            else:
                await outbox.append_published(conn, event, reemit_after=self._around.reemit_after)
                await outbox.postpone(conn, event, reemit_after=self._around.reemit_after)
        self._accepted[delivery.place] = known.id

    async def __call__(self, event: FileUploaded, delivery: Delivery) -> None:
        """Read an accepted file into the ledger, from where an earlier attempt got to; a bad file ends its import."""
        event = event.model_copy(update={"import_id": self._accepted.get(delivery.place, event.import_id)})
        async with tenant_transaction(self._around.engine, event.tenant_id) as conn:
            known = await repository.find(conn, event.import_id)
        if known is None:
            raise Poison(f"import {event.import_id} is not in the ledger")
        if known.object_key != event.object_key:
            # One import is one file: the one it was registered with, whose own event is in the outbox.
            log.warning("event.names_another_file", object_key=event.object_key)
        elif not known.ended_reading:
            with structlog.contextvars.bound_contextvars(import_id=str(known.id)):
                await self._read_in_turn(event, known, delivery)
        self._accepted.pop(delivery.place, None)

    async def _read_in_turn(self, event: FileUploaded, known: KnownImport, delivery: Delivery) -> None:
        found = await self._around.store.stat(self._around.bucket, event.object_key) if _owns(event) else None
        size = 0 if found is None else found.size
        large = known.id in self._slow or size > self._around.settings.large_megabytes * 1_000_000
        if large and self._large.locked():
            await self._leave(event, _LARGE_COMES_AGAIN_AFTER)
            return
        async with self._large if large else contextlib.nullcontext():
            patience = self._around.settings.lock_patience_seconds
            async with reading_lease(self._around.engine, known.id, patience=patience) as held:
                if not held:
                    # Whoever reads it is alive; should that change, the outbox brings the event again.
                    log.info("file.read_elsewhere")
                    return
                try:
                    await self._read_in_place(event, known, delivery, large=large)
                except asyncio.CancelledError:
                    # Told to stop: whoever is next goes on at once from what is staged.
                    await self._leave(event, timedelta(0))
                    raise

    async def _read_in_place(self, event: FileUploaded, known: KnownImport, delivery: Delivery, *, large: bool) -> None:
        """Read a file; one that takes long is a large one, whatever its size, and is left when too many are read."""
        reading = asyncio.ensure_future(self._read_or_refuse(event, known, delivery))
        try:
            await asyncio.wait({reading}, timeout=None if large else self._around.settings.large_seconds)
            if reading.done():
                reading.result()
                self._slow.discard(known.id)
            elif self._large.locked():
                self._slow.add(known.id)
                await _cancelled(reading)
                await self._leave(event, _LARGE_COMES_AGAIN_AFTER)
            else:
                async with self._large:
                    await reading
        finally:
            await _cancelled(reading)

    async def _leave(self, event: FileUploaded, until: timedelta) -> None:
        """Leave the file to whoever gets its event next, after this time."""
        async with tenant_transaction(self._around.engine, event.tenant_id) as conn:
            await outbox.postpone(conn, event, reemit_after=until)

    async def refuse(self, raw: Mapping[str, Any], problem: str, delivery: Delivery) -> bool:
        """Make a failed import of an invalid event whose tenant is legible; False when there is none to fail."""
        meant = refused_registration(raw, delivery)
        if meant is None:
            return False
        async with tenant_transaction(self._around.engine, meant.tenant_id) as conn:
            try:
                await admit_tenant(conn, meant.tenant_id, unknown=self._around.settings.admit_unknown_tenants)
            except UnknownTenant:
                return False
            known = await repository.register(conn, meant)
            if known is None or not known.is_new:
                return known is not None
            message = f"The upload event is not valid: {problem}. Correct it (docs/events.md) and publish it again"
            await fail_import(conn, known.id, INVALID_EVENT, message)
        return True

    async def _read_or_refuse(self, event: FileUploaded, known: KnownImport, delivery: Delivery) -> None:
        try:
            check_claim(event)
            with self._around.workspace.file() as path:
                sha256 = await self._fetch(event, known, path)
                async with tenant_transaction(self._around.engine, event.tenant_id) as conn:
                    begun = await repository.begin(conn, known.id, size=path.stat().st_size, sha256=sha256)
                if begun:
                    await self._read(event, path, delivery.traceparent)
        except FileRefused as refused:
            log.warning("file.refused", code=refused.code, reason=refused.message)
            async with tenant_transaction(self._around.engine, event.tenant_id) as conn:
                await fail_import(conn, known.id, refused.code, refused.message)
                await outbox.settle(conn, event)

    async def _read(self, event: FileUploaded, path: Path, traceparent: str | None) -> None:
        """Read the file; once more, from what is staged, when something from outside killed its reader."""
        for life in range(1, _READER_LIVES + 1):
            async with tenant_transaction(self._around.engine, event.tenant_id) as conn:
                staged = await repository.staged(conn, event.import_id)
            try:
                await _Reading(self._around, event, staged, traceparent).run(path)
            except ReaderKilled as killed:
                if life == _READER_LIVES:
                    raise
                log.warning("reader.killed", attempt=life, reason=killed.code)
            else:
                return

    async def _fetch(self, event: FileUploaded, known: KnownImport, path: Path) -> str:
        """Bring the object here and see that it is what was announced; its SHA-256."""
        found = await self._around.store.stat(self._around.bucket, event.object_key)
        if found is None:
            raise _missing(event)
        _check_size(event, found.size, self._around.settings.file_megabytes)
        try:
            await self._around.store.download(self._around.bucket, event.object_key, path)
        except ObjectMissing:
            raise _missing(event) from None
        self._around.beat()
        sha256 = await asyncio.to_thread(_sha256, path)
        if event.file_sha256 is not None and event.file_sha256.lower() != sha256:
            raise FileRefused(
                "checksum_mismatch",
                f'"{event.file_name}" has not the checksum that was announced: {sha256}, not {event.file_sha256}. It was changed '
                f"or cut short on the way; upload it once more and send the event again",
            )
        if known.file_sha256 is not None and known.file_sha256 != sha256:
            raise FileRefused(
                "file_changed",
                f'"{event.file_name}" was replaced in storage while it was being read. Upload it under a key of its own and send '
                f"a new event",
            )
        return sha256


class _Reading:
    """One reading of one file."""

    def __init__(self, around: Surroundings, event: FileUploaded, staged: Staged, traceparent: str | None) -> None:
        assert event.import_id is not None
        self._around = around
        self._event = event
        self._import_id = event.import_id
        self._traceparent = traceparent
        self._cutter = ChunkCutter(around.settings.chunk_sizes, staged)

    async def run(self, path: Path) -> None:
        request = ReadRequest(
            path, self._event.file_name, self._event.entity_type, self._event.mode, self._event.options.model_dump()
        )
        silence = self._around.settings.reader_silence_seconds
        async with reading(request, self._around.settings.limits, silence=silence) as said:
            async for part in said:
                if isinstance(part, FileLayout):
                    await self._describe(part)
                elif isinstance(part, FileEnd):
                    await self._finish(part)
                elif not await self._take(part):
                    return

    async def _describe(self, layout: FileLayout) -> None:
        async with tenant_transaction(self._around.engine, self._event.tenant_id) as conn:
            await repository.describe(conn, self._import_id, layout)

    async def _take(self, payload: bytes) -> bool:
        """Take a batch of rows; False when another process has taken over."""
        try:
            chunks = [chunk for row in read_rows(payload) for chunk in self._cutter.add(row)]
        except BrokenFrame as broken:
            raise FileRefused(
                "reader_died", f'"{self._event.file_name}" could not be read: what came of it made no sense ({broken})'
            ) from broken
        self._around.beat()
        for chunk in chunks:
            if not await self._stage(chunk, None):
                return False
        return True

    async def _finish(self, end: FileEnd) -> None:
        # The last chunk is staged together with the end of the reading, so there is one however often it is read.
        last = self._cutter.finish()
        if last is None:
            raise FileRefused(
                "no_data_rows",
                f'"{self._event.file_name}" has headings but no data rows below them. Fill it in and send it again',
            )
        await self._stage(last, end)

    async def _stage(self, chunk: Chunk, end: FileEnd | None) -> bool:
        async with tenant_transaction(self._around.engine, self._event.tenant_id) as conn:
            if not await repository.stage(conn, self._import_id, self._event.tenant_id, chunk):
                log.warning("file.taken_over", chunk=chunk.number)
                return False
            await outbox.append(conn, self._staged_event(chunk), traceparent=self._traceparent)
            if end is None:
                await outbox.postpone(conn, self._event, reemit_after=self._around.reemit_after)
            else:
                await repository.read_to_the_end(conn, self._import_id, total=end.rows, notices=end.notices)
                await outbox.settle(conn, self._event)
        metrics.ROWS.labels(stage="parser", outcome="staged").inc(len(chunk.rows))
        return True

    def _staged_event(self, chunk: Chunk) -> RowsStaged:
        return RowsStaged(
            tenant_id=self._event.tenant_id,
            import_id=self._import_id,
            entity_type=self._event.entity_type,
            mode=self._event.mode,
            chunk_no=chunk.number,
            first_row=chunk.first_row,
            last_row=chunk.last_row,
            row_count=len(chunk.rows),
        )


async def _cancelled(task: "asyncio.Future[None]") -> None:
    if not task.done():
        task.cancel()
        await asyncio.wait({task})


def _owns(event: FileUploaded) -> bool:
    try:
        check_claim(event)
    except FileRefused:
        return False
    return True


def _missing(event: FileUploaded) -> FileRefused:
    return FileRefused(
        OBJECT_MISSING,
        f'There is no object "{event.object_key}" in the uploads bucket. Upload the file first, then send the event again',
    )


def _check_size(event: FileUploaded, size: int, megabytes: int) -> None:
    if event.file_size is not None and event.file_size != size:
        raise FileRefused(
            "size_mismatch",
            f'"{event.file_name}" has {size:,} bytes in storage, but {event.file_size:,} were announced. The upload was cut short '
            f"or replaced; upload it once more and send the event again",
        )
    if size > megabytes * 1_000_000:
        raise FileRefused(
            "too_large",
            f'"{event.file_name}" has {size / 1_000_000:,.1f} MB; at most {megabytes:,} MB are read '
            f"(WINNOW_PARSER_FILE_MEGABYTES). Split it into several files and send those",
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
