"""Takes looks that are asked for, a few at a time, beside the imports."""

import asyncio
import contextlib
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from services.parser.dependencies import Dependencies
from services.parser.looks import repository
from services.parser.looks.repository import AskedLook
from services.parser.reading.sandbox import FileLook, look_at
from services.parser.refusals import OBJECT_MISSING, FileRefused, ReaderKilled
from shared.api import uploads as wire
from shared.db.listening import listen
from shared.db.transaction import tenant_transaction
from shared.intake.looks import CHANNEL
from shared.ledger.repeats import ImportedBefore
from shared.messaging.failures import FailureKind, kind_of
from shared.storage import ObjectMissing, ObjectUnavailable, ObjectUnreadable

log = structlog.get_logger(__name__)

_AGAIN = timedelta(minutes=2)
_PAUSE = timedelta(seconds=2)
_ATTEMPTS = 5
_POLL = 1.0
_ZIP = b"PK"
# Of a text file, more than its first rows.
_BEGINNING = 2 << 20


class Looks:
    """Looks at files that somebody is about to import. `listen` is whether the database tells when one is asked for."""

    def __init__(self, dependencies: Dependencies, *, listen: bool) -> None:
        self._with = dependencies
        self._listens = listen
        self._awake = asyncio.Event()

    async def run(self) -> None:
        """Look, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            if self._listens:
                tasks.create_task(self._listen())
            for _slot in range(self._with.settings.looks_at_once):
                tasks.create_task(self._take_all())

    async def _take_all(self) -> None:
        while True:
            while await self.take_one():
                pass
            self._awake.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_POLL):
                    await self._awake.wait()

    async def take_one(self) -> bool:
        """Look at the file that waits longest; False when none waits."""
        async with self._with.engine.begin() as conn:
            asked = await repository.take(conn, again=_AGAIN)
        if asked is None:
            return False
        with structlog.contextvars.bound_contextvars(upload_id=str(asked.upload_id)):
            try:
                await self._look(asked)
            except (ObjectUnavailable, ReaderKilled) as error:
                await self._later(asked, error)
            except Exception as error:
                if kind_of(error) is FailureKind.TRANSIENT:
                    raise
                log.exception("look.failed")
                await self._later(asked, error)
        return True

    async def _look(self, asked: AskedLook) -> None:
        async with tenant_transaction(self._with.engine, asked.tenant_id) as conn:
            upload = await repository.find(conn, asked)
            if upload is None or upload.import_id is not None:
                # Nobody waits for it any more.
                await repository.answer(conn, asked, None, None)
                return
            own = await repository.own_fields(conn)
        sha256 = None
        seen: FileLook | FileRefused
        try:
            with self._with.workspace.file() as path:
                fetched = await self._with.download.fetch_unknown(upload.object_key, upload.file_name, path)
                sha256 = fetched.sha256
                beginning = await asyncio.to_thread(_beginning, path)
                settings = self._with.settings
                seen = await look_at(
                    beginning,
                    upload.file_name,
                    settings.look_limits,
                    silence=settings.look_seconds,
                    own=own,
                    readers=self._with.readers,
                )
        except ReaderKilled:
            raise
        except FileRefused as refused:
            seen = refused
        except (ObjectMissing, ObjectUnreadable) as gone:
            log.warning("look.no_object", reason=str(gone))
            seen = FileRefused(OBJECT_MISSING, f'"{upload.file_name}" is not in storage any more. Send it once more')
        await self._answer(asked, seen, sha256)

    async def _answer(self, asked: AskedLook, seen: FileLook | FileRefused, sha256: str | None) -> None:
        async with tenant_transaction(self._with.engine, asked.tenant_id) as conn:
            if isinstance(seen, FileRefused):
                look = wire.Look(refusal=wire.Refusal(code=seen.code, message=seen.message))
            elif seen.origin is not None:
                look = _as_said(seen, corrects=await _corrects(conn, asked.tenant_id, seen.origin))
            elif seen.entity_type is not None and sha256 is not None:
                before = await repository.before(conn, asked.tenant_id, seen.entity_type, sha256)
                look = _as_said(seen, imported_before=before)
            else:
                look = _as_said(seen)
            await repository.answer(conn, asked, look.model_dump(mode="json"), sha256)

    async def _later(self, asked: AskedLook, error: Exception) -> None:
        """Leave a file that could not be looked at to a later attempt; after a few nothing is said of it."""
        log.warning("look.postponed", reason=str(error)[:500], attempts=asked.attempts)
        async with tenant_transaction(self._with.engine, asked.tenant_id) as conn:
            if asked.attempts >= _ATTEMPTS:
                await repository.answer(conn, asked, None, None)
            else:
                await repository.postpone(conn, asked, _PAUSE * 2 ** (asked.attempts - 1))

    async def _listen(self) -> None:
        """Be awake as soon as a look is asked for. Without it they are looked for once a second."""
        await listen(self._with.engine, CHANNEL, lambda _said: self._awake.set(), name="winnow-parser-looks")


async def _corrects(conn: AsyncConnection, tenant: str, origin: UUID) -> wire.Corrects:
    corrected = await repository.parent(conn, tenant, origin)
    return wire.Corrects(import_id=origin, known=corrected is not None, **(corrected or {}))


def _as_said(
    seen: FileLook, *, corrects: wire.Corrects | None = None, imported_before: ImportedBefore | None = None
) -> wire.Look:
    before = imported_before
    return wire.Look(
        entity_type=seen.entity_type,
        known=seen.known,
        headings=seen.headings,
        sheet=seen.sheet,
        heading_row=seen.heading_row,
        modes=tuple(seen.modes),
        refusal=None if seen.refusal is None else wire.Refusal(code=seen.refusal[0], message=seen.refusal[1]),
        corrects=corrects,
        imported_before=None
        if before is None
        else wire.ImportedBefore(
            import_id=before.id,
            file_name=before.file_name,
            user=before.user_id,
            started_at=before.started_at,
            ended_at=before.ended_at,
            rows=before.rows,
        ),
    )


def _beginning(path: Path) -> Path:
    """The file, or its beginning where that is enough: of a text file, which is looked through as a whole otherwise."""
    if path.stat().st_size <= 2 * _BEGINNING:
        return path
    with path.open("rb") as file:
        head = file.read(_BEGINNING)
    if head.startswith(_ZIP):
        return path
    # To the end of a line; characters of UTF-16 have two bytes, of which one of these may be half.
    cut = len(head) if b"\0" in head[:1_000] else head.rfind(b"\n") + 1 or len(head)
    beginning = path.with_name(f"{path.name}.beginning")
    beginning.write_bytes(head[:cut])
    return beginning
