"""File uploaded → rows staged: register, fetch, have it read, stage chunk by chunk."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.parser import repository
from services.parser.download import Download, UploadStore, unreadable
from services.parser.reading.frames import BrokenFrame, read_rows
from services.parser.reading.lease import reading_lease
from services.parser.reading.readers import Readers
from services.parser.reading.sandbox import BeyondLimit, FileEnd, FileLayout, ReadRequest, reading
from services.parser.reading.workspace import Workspace
from services.parser.refusals import CONTRADICTION, INVALID_EVENT, FileRefused, ReaderKilled
from services.parser.repository import KnownImport
from services.parser.settings import ParserSettings
from services.parser.staging import ChunkStaging, Recut, StagingSettings
from services.parser.uploads import (
    beside,
    check_claim,
    check_ids,
    check_origin,
    contradicting_registration,
    contradiction,
    is_nameless,
    refused_registration,
    registration,
)
from shared.db.transaction import tenant_transaction
from shared.events import FileUploaded
from shared.ledger import fail_import, refuse_interpretation
from shared.ledger.registration import Registration, is_import_of
from shared.ledger.tenants import UnknownTenant, admit_tenant
from shared.messaging import outbox
from shared.messaging.envelope import Delivery
from shared.messaging.failures import Poison
from shared.storage import ObjectStat, ObjectUnavailable, ObjectUnreadable

log = structlog.get_logger(__name__)

_LARGE_COMES_AGAIN_AFTER = timedelta(seconds=5)
_READER_LIVES = 3
_LONGEST_PAUSE = 300.0


@dataclass(frozen=True)
class Dependencies:
    """What the parser works with. `beat` is called whenever it has got on.

    Without `readers` each file waits for a reading process to start.
    """

    engine: AsyncEngine
    store: UploadStore
    bucket: str
    settings: ParserSettings
    workspace: Workspace
    reemit_after: timedelta
    beat: Callable[[], None]
    readers: Readers | None = None

    @property
    def download(self) -> Download:
        """How objects come here."""
        return Download(self.store, self.bucket, self.settings.file_megabytes, self.beat)

    @property
    def staging(self) -> StagingSettings:
        """How rows are staged."""
        return StagingSettings(self.settings.chunk_sizes, self.reemit_after)


class ImportFile:
    """Acts on `file-uploaded`, in two steps: `accept` takes it over into the ledger, the call stages its rows.

    What an import is was settled when it was registered: from then on the ledger's words count, and an event only says
    that there is work. Rows come from the file or, when its columns have been given another meaning since, from the
    ledger. An import whose rows are staged already, or by another process, is left alone. Large files may take all
    places but one, so that small ones need not wait for them.
    """

    def __init__(self, dependencies: Dependencies) -> None:
        self._with = dependencies
        self._accepted: dict[str, UUID] = {}
        # Known to take long; a hint of this process, so that their reading is not begun in vain again and again.
        self._slow: set[UUID] = set()
        self._large = asyncio.Semaphore(max(1, dependencies.settings.files_at_once - 1))

    async def accept(self, event: FileUploaded, delivery: Delivery) -> None:
        """Register the import; from then on the outbox sees to it that its rows are staged.

        Raises:
            Poison: the event contradicts what is registered under its id or key (an import that is refused tells its
                sender so), or its tenant is unknown.
        """
        # Storage is asked only where the answer makes a difference: whatever an object is, its import is known first.
        found = await self._look(event) if is_nameless(event, delivery) else None
        asked = registration(event, delivery, found.etag if found else "")
        known = await self._register(event, asked, delivery, can_be_read=True if found else None)
        if known.can_be_corrected and known.waits_for_object and found is None:
            known = await self._register(event, asked, delivery, can_be_read=await self._look(event) is not None)
        self._accepted[delivery.place] = known.id

    async def _look(self, event: FileUploaded) -> ObjectStat | None:
        return await self._with.download.look(event.object_key) if _owns(event) else None

    async def _register(
        self, event: FileUploaded, asked: Registration, delivery: Delivery, *, can_be_read: bool | None
    ) -> KnownImport:
        """Register the import or find it; with `can_be_read` None, one that waits for its object is left as it is."""
        async with tenant_transaction(self._with.engine, event.tenant_id) as conn:
            await admit_tenant(conn, event.tenant_id, unknown=self._with.settings.admit_unknown_tenants)
            known = await self._registered(conn, event, asked, can_be_read=can_be_read)
            if isinstance(known, KnownImport):
                await self._take_over(conn, event, known)
                return known
            refused = contradicting_registration(event, asked.idempotency_key, delivery)
            await _refuse_new(conn, refused, CONTRADICTION, known)
        raise Poison(known)

    async def _registered(
        self, conn: AsyncConnection, event: FileUploaded, asked: Registration, *, can_be_read: bool | None
    ) -> KnownImport | str:
        """The import the event asks for or repeats; else how it contradicts one."""
        known = await repository.register(conn, asked)
        if known is None:
            return f"import_id {asked.id} cannot be given to an import: give the event another, or none"
        refused = await _refusal(conn, event) if known.is_new or known.can_be_corrected else None
        if known.is_new and refused is not None:
            log.warning("event.refused", import_id=str(known.id), code=refused.code, problem=refused.message)
            await fail_import(conn, known.id, refused.code, refused.message)
            return await repository.find(conn, known.id) or known
        if known.can_be_corrected and known.waits_for_object and can_be_read is None:
            return known
        if known.can_be_corrected and refused is None and (can_be_read or not known.waits_for_object):
            # What was wrong with its first event is put right: the same import starts over.
            return await repository.reset(conn, known, asked)
        said = None if known.is_new or refused is not None else contradiction(known, event)
        return said or known

    async def _take_over(self, conn: AsyncConnection, event: FileUploaded, known: KnownImport) -> None:
        if known.is_staged and (locked := await repository.lock(conn, known.id)) is not None:
            # Locked: a mapping that is changed at this moment announces its own event.
            known = locked
        if known.is_staged:
            await outbox.settle(conn, event.model_copy(update={"import_id": known.id}))
            return
        again = self._with.reemit_after
        await outbox.append_published(conn, known.event, reemit_after=again, traceparent=known.traceparent)
        await outbox.postpone(conn, known.event, reemit_after=again)

    async def __call__(self, event: FileUploaded, delivery: Delivery) -> None:
        """Stage the rows of an accepted import, from where an earlier attempt got to; a bad file ends it."""
        import_id = self._accepted.get(delivery.place, event.import_id)
        async with tenant_transaction(self._with.engine, event.tenant_id) as conn:
            known = await repository.find(conn, import_id)
        if known is None:
            raise Poison(f"import {import_id} is not in the ledger")
        if not known.is_staged:
            with structlog.contextvars.bound_contextvars(import_id=str(known.id)):
                try:
                    await self._stage_in_turn(known, delivery)
                except ObjectUnavailable as away:
                    await self._try_again_later(known, away)
        self._accepted.pop(delivery.place, None)

    async def refuse(self, raw: Mapping[str, Any], problem: str, delivery: Delivery) -> bool:
        """Make a failed import of an invalid event whose tenant is legible; False when there is none to fail.

        One that is taken for a repeat of an import that came of another event is refused as an import of its own.
        """
        meant = refused_registration(raw, delivery)
        if meant is None:
            return False
        async with tenant_transaction(self._with.engine, meant.tenant_id) as conn:
            try:
                await admit_tenant(conn, meant.tenant_id, unknown=self._with.settings.admit_unknown_tenants)
            except UnknownTenant:
                return False
            message = f"The upload event is not valid: {problem}. Correct it (docs/events.md) and publish it again"
            known = await repository.register(conn, meant)
            if known is not None and known.is_new:
                await fail_import(conn, known.id, INVALID_EVENT, message)
            elif known is None or known.error_code != INVALID_EVENT:
                await _refuse_new(conn, beside(meant, delivery), INVALID_EVENT, message)
            elif known.error_message != message and known.can_be_corrected:
                known = await repository.reset(conn, known, meant)
                await fail_import(conn, known.id, INVALID_EVENT, message)
        return True

    async def _stage_in_turn(self, known: KnownImport, delivery: Delivery) -> None:
        large = known.id in self._slow or await self._size(known) > self._with.settings.large_megabytes * 1_000_000
        if large and self._large.locked():
            await self._leave(known, _LARGE_COMES_AGAIN_AFTER)
            return
        async with self._large if large else contextlib.nullcontext():
            patience = self._with.settings.lock_patience_seconds
            async with reading_lease(self._with.engine, known.id, patience=patience) as held:
                if not held:
                    # Whoever reads it is alive; should that change, the outbox brings the event again.
                    log.info("file.read_elsewhere")
                    return
                try:
                    # Whoever had the lease before may have staged all of it, or its mapping was changed since.
                    if (now := await self._known(known)) is None or now.is_staged:
                        return
                    await self._stage_in_place(now, delivery, large=large)
                    await self._go_on_with_newer(now)
                except asyncio.CancelledError:
                    # Told to stop: whoever is next goes on at once from what is staged.
                    await self._leave(known, timedelta(0))
                    raise

    async def _known(self, known: KnownImport) -> KnownImport | None:
        """The same import as the ledger has it now."""
        async with tenant_transaction(self._with.engine, known.tenant_id) as conn:
            return await repository.find(conn, known.id)

    async def _go_on_with_newer(self, known: KnownImport) -> None:
        """Have the rows cut again at once whose mapping was changed while they were cut: its event found us at work."""
        now = await self._known(known)
        if now is not None and now.epoch != known.epoch and not now.is_staged:
            await self._leave(now, timedelta(0))

    async def _size(self, known: KnownImport) -> int:
        if known.read_at is not None:
            return known.file_size or 0
        try:
            found = await self._with.store.stat(self._with.bucket, known.object_key) if _owns(known.event) else None
        except ObjectUnreadable:
            # Said when it is fetched.
            found = None
        return 0 if found is None else found.size

    async def _try_again_later(self, known: KnownImport, away: ObjectUnavailable) -> None:
        """Leave an object that storage did not hand out to a later attempt, which waits in the outbox and holds no place.

        That is not counted while storage as a whole is away; an object that is never handed out while storage answers
        everything else is at fault itself.
        """
        settings = self._with.settings
        answers = await self._with.download.answers()
        log.warning("object.unavailable", reason=away.why, storage_answers=answers)
        async with tenant_transaction(self._with.engine, known.tenant_id) as conn:
            if not answers:
                await outbox.postpone(conn, known.event, reemit_after=timedelta(seconds=settings.object_pause_seconds))
                return
            attempts = await outbox.count_attempt(conn, known.event)
            if attempts >= settings.object_attempts:
                refused = unreadable(known, away.why)
                await fail_import(conn, known.id, refused.code, refused.message)
                await outbox.settle(conn, known.event)
                return
            pause = min(settings.object_pause_seconds * 2.0 ** (attempts - 1), _LONGEST_PAUSE)
            await outbox.postpone(conn, known.event, reemit_after=timedelta(seconds=pause))

    async def _stage_in_place(self, known: KnownImport, delivery: Delivery, *, large: bool) -> None:
        """Stage a file; one that takes long is a large one, whatever its size, and is left when too many are read."""
        working = asyncio.ensure_future(self._stage_or_refuse(known, delivery))
        try:
            await asyncio.wait({working}, timeout=None if large else self._with.settings.large_seconds)
            if working.done():
                working.result()
                self._slow.discard(known.id)
            elif self._large.locked():
                self._slow.add(known.id)
                await _cancelled(working)
                await self._leave(known, _LARGE_COMES_AGAIN_AFTER)
            else:
                async with self._large:
                    await working
        finally:
            await _cancelled(working)

    async def _leave(self, known: KnownImport, until: timedelta) -> None:
        """Leave the file to whoever gets its event next, after this time."""
        async with tenant_transaction(self._with.engine, known.tenant_id) as conn:
            await outbox.postpone(conn, known.event, reemit_after=until)

    async def _stage_or_refuse(self, known: KnownImport, delivery: Delivery) -> None:
        traceparent = known.traceparent or delivery.traceparent
        try:
            check_claim(known.event)
            if known.read_at is not None:
                await Recut(self._with.engine, known, self._with.staging, traceparent=traceparent).run()
            else:
                await self._read(known, traceparent)
        except FileRefused as refused:
            log.warning("file.refused", code=refused.code, reason=refused.message)
            async with tenant_transaction(self._with.engine, known.tenant_id) as conn:
                if known.read_at is None:
                    await fail_import(conn, known.id, refused.code, refused.message)
                elif not await refuse_interpretation(
                    conn, known.id, epoch=known.epoch, code=refused.code, message=refused.message
                ):
                    return
                await outbox.settle(conn, known.event)

    async def _read(self, known: KnownImport, traceparent: str | None) -> None:
        """Fetch and read the file; read once more, from what is staged, when something from outside killed its reader.

        Whatever else ends the reading ends the import, with what was read until then.
        """
        with self._with.workspace.file() as path:
            fetched = await self._with.download.fetch(known, path)
            async with tenant_transaction(self._with.engine, known.tenant_id) as conn:
                if not await repository.begin(conn, known.id, size=fetched.size, sha256=fetched.sha256):
                    return
            for life in range(1, _READER_LIVES + 1):
                staging = await self._staging(known, traceparent)
                try:
                    await self._read_once(staging, known, path)
                except ReaderKilled as killed:
                    log.warning("reader.killed", attempt=life, reason=killed.code)
                    if life == _READER_LIVES:
                        await staging.refuse(killed)
                except FileRefused as refused:
                    await staging.refuse(refused)
                    return
                else:
                    return

    async def _staging(self, known: KnownImport, traceparent: str | None) -> ChunkStaging:
        """What is staged of an import, to go on from."""
        async with tenant_transaction(self._with.engine, known.tenant_id) as conn:
            now = await repository.find(conn, known.id)
            staged = await repository.staged(conn, known.id)
        return ChunkStaging(self._with.engine, now or known, staged, self._with.staging, traceparent=traceparent)

    async def _read_once(self, staging: ChunkStaging, known: KnownImport, path: Path) -> None:
        settings = self._with.settings
        request = ReadRequest(path, known.file_name, known.entity_type, known.mode, known.event.options.model_dump())
        silence, readers = settings.reader_silence_seconds, self._with.readers
        async with reading(request, settings.limits, silence=silence, readers=readers) as said:
            async for part in said:
                if isinstance(part, FileLayout):
                    async with tenant_transaction(self._with.engine, known.tenant_id) as conn:
                        await _check_origin(conn, known, part)
                        await repository.describe(conn, known.id, part)
                elif isinstance(part, BeyondLimit):
                    if not await staging.break_off(FileRefused(part.code, part.message)):
                        return
                elif isinstance(part, FileEnd):
                    await staging.finish(total=part.rows, notices=part.notices)
                else:
                    self._with.beat()
                    if not await staging.take(_rows_of(part, known.file_name)):
                        return


async def _refusal(conn: AsyncConnection, event: FileUploaded) -> FileRefused | None:
    """Why an event whose fields are valid cannot be an import: for the ids it gives."""
    parent = event.parent_import_id
    is_known = parent is not None and parent != event.import_id and await is_import_of(conn, event.tenant_id, parent)
    try:
        check_ids(event, parent_is_known=is_known)
    except FileRefused as refused:
        return refused
    return None


async def _refuse_new(conn: AsyncConnection, registration: Registration, code: str, message: str) -> None:
    """Tell the sender of an event by an import that is refused as it is made; once, however often the event comes."""
    known = await repository.register(conn, registration)
    if known is not None and known.is_new:
        await fail_import(conn, known.id, code, message)


async def _check_origin(conn: AsyncConnection, known: KnownImport, layout: FileLayout) -> None:
    if layout.parent_import_id is not None:
        origin = UUID(layout.parent_import_id)
        check_origin(known, origin, is_known=await is_import_of(conn, known.tenant_id, origin))


def _rows_of(payload: bytes, name: str) -> list[Any]:
    try:
        return list(read_rows(payload))
    except BrokenFrame as broken:
        raise FileRefused(
            "reader_died", f'"{name}" could not be read: what came of it made no sense ({broken})'
        ) from broken


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
