"""File uploaded → rows staged: register, fetch, have it read, stage chunk by chunk."""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.parser import repository
from services.parser.acceptance import Acceptance
from services.parser.dependencies import Dependencies
from services.parser.download import unreadable
from services.parser.parents import adopt, notice_of_parent, parent_reading
from services.parser.reading.frames import BrokenFrame, read_rows
from services.parser.reading.lease import reading_lease
from services.parser.reading.sandbox import BeyondLimit, FileEnd, FileLayout, FileOrigin, ReadRequest, reading
from services.parser.refusals import FileRefused, ReaderKilled
from services.parser.repository import KnownImport
from services.parser.staging import ChunkStaging, Recut
from services.parser.uploads import check_claim, owns_object
from shared.db.transaction import tenant_transaction
from shared.events import FileUploaded
from shared.intake.column_values import list_values
from shared.ledger import fail_import, refuse_interpretation
from shared.ledger.repeats import IMPORTED_BEFORE, imported_before
from shared.messaging import outbox
from shared.messaging.envelope import Delivery
from shared.messaging.failures import Poison
from shared.states import ImportStatus
from shared.storage import ObjectUnavailable, ObjectUnreadable

log = structlog.get_logger(__name__)

_LARGE_COMES_AGAIN_AFTER = timedelta(seconds=5)
_READER_LIVES = 3
_MOST_LISTED = 60
_LONGEST_PAUSE = 300.0


class ImportFile:
    """Acts on `file-uploaded`, in two steps: `accept` takes it over into the ledger, the call stages its rows.

    What an import is was settled when it was registered: from then on the ledger's words count, and an event only says
    that there is work. Rows come from the file or, when its columns have been given another meaning since, from the
    ledger. An import whose rows are staged already, or by another process, is left alone. Large files may take all
    places but one, so that small ones need not wait for them.
    """

    def __init__(self, dependencies: Dependencies) -> None:
        self._with = dependencies
        self._acceptance = Acceptance(dependencies)
        self.accept, self.refuse = self._acceptance.accept, self._acceptance.refuse
        # Known to take long; a hint of this process, so that their reading is not begun in vain again and again.
        self._slow: set[UUID] = set()
        self._large = asyncio.Semaphore(max(1, dependencies.settings.files_at_once - 1))

    async def __call__(self, event: FileUploaded, delivery: Delivery) -> None:
        """Stage the rows of an accepted import, from where an earlier attempt got to; a bad file ends it."""
        # As it was when it was taken over: it is looked at again by whoever may read it.
        known = self._acceptance.known(delivery) or await self._find(event.tenant_id, event.import_id)
        if known is None:
            raise Poison(f"import {event.import_id} is not in the ledger")
        if not known.is_staged:
            with structlog.contextvars.bound_contextvars(import_id=str(known.id)):
                try:
                    await self._stage_in_turn(known, delivery)
                except ObjectUnavailable as away:
                    await self._try_again_later(known, away)
                if known.is_open:
                    await self._list_values(known)
        self._acceptance.forget(delivery)

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
                    if (now := await self._find(known.tenant_id, known.id)) is None or now.is_staged:
                        return
                    if not await self._stage_in_place(now, delivery, large=large):
                        await self._go_on_with_newer(now)
                except asyncio.CancelledError:
                    # Told to stop: whoever is next goes on at once from what is staged.
                    await self._leave(known, timedelta(0))
                    raise

    async def _list_values(self, known: KnownImport) -> None:
        """List the values of each column for the person who will look at them; what is missing is listed when they do.

        Not under the lease: rows may be cut meanwhile.
        """
        async with tenant_transaction(self._with.engine, known.tenant_id) as conn:
            now = await repository.find(conn, known.id)
            if now is None or now.read_at is None or now.status != ImportStatus.PREVIEWING:
                return
            _, layout, headings = await repository.read_mapping(conn, known.id)
        try:
            for index in range(min(len(headings), _MOST_LISTED)):
                self._with.beat()
                async with tenant_transaction(self._with.engine, known.tenant_id) as conn:
                    await list_values(conn, known.tenant_id, known.id, layout, index)
        except DBAPIError:
            log.exception("values.not_listed")

    async def _find(self, tenant_id: str, import_id: UUID | None) -> KnownImport | None:
        """The import as the ledger has it now."""
        async with tenant_transaction(self._with.engine, tenant_id) as conn:
            return await repository.find(conn, import_id)

    async def _go_on_with_newer(self, known: KnownImport) -> None:
        """Have the rows cut again at once whose mapping was changed while they were cut: its event found us at work."""
        now = await self._find(known.tenant_id, known.id)
        if now is not None and now.epoch != known.epoch and not now.is_staged:
            await self._leave(now, timedelta(0))

    async def _size(self, known: KnownImport) -> int:
        if known.file_size is not None or known.read_at is not None:
            # What its sender says: a file of another size is refused before it is fetched.
            return known.file_size or 0
        try:
            found = (
                await self._with.store.stat(self._with.bucket, known.object_key) if owns_object(known.event) else None
            )
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

    async def _stage_in_place(self, known: KnownImport, delivery: Delivery, *, large: bool) -> bool:
        """Stage a file; whether to its end. One that takes long is a large one, whatever its size, and is left when too many are read."""
        working = asyncio.ensure_future(self._stage_or_refuse(known, delivery))
        try:
            await asyncio.wait({working}, timeout=None if large else self._with.settings.large_seconds)
            if working.done():
                self._slow.discard(known.id)
                return working.result()
            if self._large.locked():
                self._slow.add(known.id)
                await _cancelled(working)
                await self._leave(known, _LARGE_COMES_AGAIN_AFTER)
                return False
            async with self._large:
                return await working
        finally:
            await _cancelled(working)

    async def _leave(self, known: KnownImport, until: timedelta) -> None:
        """Leave the file to whoever gets its event next, after this time."""
        async with tenant_transaction(self._with.engine, known.tenant_id) as conn:
            await outbox.postpone(conn, known.event, reemit_after=until)

    async def _stage_or_refuse(self, known: KnownImport, delivery: Delivery) -> bool:
        """Stage a file or end its import; False when neither could be done by this interpretation of it."""
        traceparent = known.traceparent or delivery.traceparent
        try:
            check_claim(known.event)
            if known.read_at is not None:
                return await Recut(self._with.engine, known, self._with.staging, traceparent=traceparent).run()
            return await self._read(known, traceparent)
        except FileRefused as refused:
            log.warning("file.refused", code=refused.code, reason=refused.message)
            async with tenant_transaction(self._with.engine, known.tenant_id) as conn:
                if known.read_at is None:
                    await fail_import(conn, known.id, refused.code, refused.message)
                elif not await refuse_interpretation(
                    conn, known.id, epoch=known.epoch, code=refused.code, message=refused.message
                ):
                    return False
                await outbox.settle(conn, known.event)
            return True

    async def _read(self, known: KnownImport, traceparent: str | None) -> bool:
        """Fetch and read the file; read once more, from what is staged, when something from outside killed its reader.

        Whatever else ends the reading ends the import, with what was read until then. False when somebody else goes on
        with it.
        """
        with self._with.workspace.file() as path:
            fetched = await self._with.download.fetch(known, path)
            async with tenant_transaction(self._with.engine, known.tenant_id) as conn:
                await _refuse_repeat(conn, known, fetched.sha256)
                begun = await repository.begin(conn, known, size=fetched.size, sha256=fetched.sha256)
                if begun is None:
                    return False
                attempt = await self._attempt(conn, begun, traceparent)
            if begun.parent_import_id is not None:
                attempt = await self._adopted(begun, begun.parent_import_id, traceparent)
            for life in range(1, _READER_LIVES + 1):
                try:
                    while isinstance(read := await self._read_once(attempt, path), UUID):
                        attempt = await self._adopted(attempt.known, read, traceparent)
                        if attempt.known.parent_import_id is None:
                            # It ended meanwhile.
                            return False
                except ReaderKilled as killed:
                    log.warning("reader.killed", attempt=life, reason=killed.code)
                    if life == _READER_LIVES:
                        await attempt.staging.refuse(killed)
                        return True
                except FileRefused as refused:
                    await attempt.staging.refuse(refused)
                    return True
                else:
                    return read
                attempt = await self._again(attempt.known, traceparent)
        return False

    async def _attempt(self, conn: AsyncConnection, known: KnownImport, traceparent: str | None) -> "_Attempt":
        staged = await repository.staged(conn, known.id)
        staging = ChunkStaging(self._with.engine, known, staged, self._with.staging, traceparent=traceparent)
        return _Attempt(known, staging, await parent_reading(conn, known))

    async def _again(self, known: KnownImport, traceparent: str | None) -> "_Attempt":
        async with tenant_transaction(self._with.engine, known.tenant_id) as conn:
            return await self._attempt(conn, await repository.find(conn, known.id) or known, traceparent)

    async def _adopted(self, known: KnownImport, parent: UUID, traceparent: str | None) -> "_Attempt":
        async with tenant_transaction(self._with.engine, known.tenant_id) as conn:
            return await self._attempt(conn, await adopt(conn, known, parent), traceparent)

    async def _read_once(self, attempt: "_Attempt", path: Path) -> UUID | bool:
        """Read the file; whether to its end.

        The import it came from, and nothing is read, when it is a correction file and that was not known.
        """
        settings, known, staging = self._with.settings, attempt.known, attempt.staging
        request = ReadRequest(
            path=path,
            name=known.file_name,
            entity_type=known.entity_type,
            mode=known.mode,
            options=known.event.options.model_dump(),
            parent=attempt.parent,
            own=known.own,
        )
        silence, readers = settings.reader_silence_seconds, self._with.readers
        is_whole = False
        async with reading(request, settings.limits, silence=silence, readers=readers) as said:
            async for part in said:
                if isinstance(part, FileOrigin):
                    if known.parent_import_id is None:
                        return part.import_id
                    async with tenant_transaction(self._with.engine, known.tenant_id) as conn:
                        await adopt(conn, known, part.import_id)
                elif isinstance(part, FileLayout):
                    staging.describe(_with_notice(part, known))
                elif isinstance(part, BeyondLimit):
                    if not await staging.break_off(FileRefused(part.code, part.message)):
                        return False
                elif isinstance(part, FileEnd):
                    is_whole = await staging.finish(total=part.rows, notices=part.notices)
                else:
                    self._with.beat()
                    # What has been read already comes without a wait: whoever else has something to do here has a turn.
                    await asyncio.sleep(0)
                    if not await staging.take(_rows_of(part, known.file_name)):
                        return False
        return is_whole


@dataclass(frozen=True)
class _Attempt:
    """A reading of a file: from what is staged of it by now, as its parent was read if it has one."""

    known: KnownImport
    staging: ChunkStaging
    parent: Mapping[str, Any] | None


async def _refuse_repeat(conn: AsyncConnection, known: KnownImport, sha256: str) -> None:
    """Let pass what was not imported before, or is meant to be imported again; also what is read on, or repairs another.

    Raises:
        FileRefused: the same bytes were imported before; says by which import, who sent it and when.
    """
    if known.started_at is not None or known.parent_import_id is not None or known.options.get("allow_repeat"):
        return
    before = await imported_before(
        conn, tenant_id=known.tenant_id, entity_type=known.entity_type, sha256=sha256, own=known.id
    )
    if before is not None:
        raise FileRefused(IMPORTED_BEFORE, before.refusal(known.file_name, option="the option allow_repeat"))


def _with_notice(layout: FileLayout, known: KnownImport) -> FileLayout:
    notice = notice_of_parent(known)
    return layout if notice is None else replace(layout, notices=[notice, *layout.notices])


def _rows_of(payload: bytes, name: str) -> list[Any]:
    try:
        return list(read_rows(payload))
    except BrokenFrame as broken:
        raise FileRefused(
            "reader_died", f'"{name}" could not be read: what came of it made no sense ({broken})'
        ) from broken


async def _cancelled(task: "asyncio.Future[Any]") -> None:
    if not task.done():
        task.cancel()
        await asyncio.wait({task})
