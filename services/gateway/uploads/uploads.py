"""What can be done with an upload. Whatever a sender does, or two at once, what is counted of a file lies in storage or the database."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID, uuid4

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine
from uuid_utils.compat import uuid7

from services.gateway.people import Person, tenant_of
from services.gateway.problems import Refused, unknown
from services.gateway.settings import UploadSettings
from services.gateway.uploads import names, repository
from services.gateway.uploads.names import FileNotTaken
from services.gateway.uploads.pieces import NoRoom, Pieces
from services.gateway.uploads.receiving import (
    ON_THE_WAY,
    BrokenOff,
    PartStore,
    Receiver,
    Silent,
    TooManyBytes,
    TooManyParts,
)
from services.gateway.uploads.repository import Upload, WriterReplaced
from shared.db.transaction import tenant_transaction
from shared.storage import ObjectStat, ObjectUnavailable, ObjectUnreadable, UploadGone

log = structlog.get_logger(__name__)

_RETRY_SECONDS = "5"
_LOOKS, _BETWEEN_LOOKS = 4, 0.5


class Uploads:
    """The uploads of one process of the gateway. `engine` is the database as `winnow_gateway`.

    `links` is storage as senders reach it. Another tenant's upload is unknown, as one that was never begun. What is refused raises `problems.Refused`.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        store: PartStore,
        bucket: str,
        settings: UploadSettings,
        *,
        links: PartStore | None = None,
    ) -> None:
        self.settings = settings
        self._links = links or store
        self._engine = engine
        self._store = store
        self._bucket = bucket
        self._pieces = Pieces(settings.pieces, patience=settings.patience_seconds)

    async def begin(self, person: Person, name: str, size: int | None, *, presigned: bool = False) -> Upload:
        """Write down a file that is to come; its name and size are looked at first."""
        settings, tenant = self.settings, tenant_of(person)
        with _file_taken():
            name = names.file_name(name)
            if size is not None:
                names.check_size(name, size, megabytes=settings.megabytes)
        upload_id = UUID(str(uuid7()))
        key = names.object_key(tenant, str(upload_id), 0, name) if presigned else None
        async with tenant_transaction(self._engine, tenant) as conn:
            at_once, unused = await repository.counts(conn, tenant, recently=settings.recently)
            if at_once >= settings.files_at_once:
                raise _too_many(
                    f"Too many uploads at once: {at_once:,} files are on their way in; try again in 20 s.", "20"
                )
            if unused >= settings.unused:
                raise _too_many(
                    f"{unused:,} files were sent of which no import was made; import or delete some, or try again in an hour.",
                    "3600",
                )
            return await repository.begin(
                conn,
                upload_id,
                tenant=tenant,
                user=person.user,
                file_name=name,
                size=size,
                presigned=presigned,
                object_key=key,
                lives=settings.lives,
            )

    async def find(self, person: Person, upload_id: UUID) -> Upload:
        """An upload, as far as it is."""
        tenant = tenant_of(person)
        async with tenant_transaction(self._engine, tenant) as conn:
            found = await repository.find(conn, tenant, upload_id)
        if found is None:
            raise unknown("upload")
        return found

    async def receive(
        self, person: Person, upload_id: UUID, position: int, stream: AsyncIterator[bytes], *, whole: bool = False
    ) -> Upload:
        """Take what comes of an upload from this byte on; the upload as far as it is then.

        Of two that send the same at once, the later goes on, and the earlier is refused; what counts is of one of them.
        A `whole` file ends where the stream does, and is not kept when it breaks off.
        """
        upload, writer = await self._claimed(person, upload_id, position)
        settings = self.settings
        most = upload.size if upload.size is not None else settings.megabytes * 1_000_000
        receiver = Receiver(
            self._engine,
            self._store,
            self._bucket,
            self._pieces,
            upload,
            writer,
            most=most,
            lives=settings.lives,
            silence=settings.silence_seconds,
        )
        try:
            async with self._refusing(upload):
                stored = None
                try:
                    await receiver.take(stream, whole=whole)
                finally:
                    # Also when the connection broke off behind the last byte.
                    if receiver.stored_whole is not None:
                        stored = await self._stored_whole(upload, writer, receiver.stored_whole, receiver.position)
                if stored is not None:
                    return stored
            if whole:
                with _file_taken():
                    names.check_size(upload.file_name, receiver.position, megabytes=settings.megabytes)
            return await self.finish(await self.find(person, upload_id))
        except BaseException:
            if whole:
                with contextlib.suppress(Exception):
                    await self._forget(upload)
            raise

    async def finish(self, upload: Upload) -> Upload:
        """Put together what was received as a whole; an upload of which something is missing is left as it is.

        Repeating it is harmless: whoever died between storage and the database is finished for by the next who asks.
        """
        if upload.is_complete or not upload.is_received or upload.presigned:
            return upload
        assert upload.object_key is not None
        assert upload.storage_upload is not None
        assert upload.size is not None
        async with tenant_transaction(self._engine, upload.tenant_id) as conn:
            parts = await repository.parts(conn, upload.id)
        async with self._refusing(upload):
            try:
                await self._store.complete(self._bucket, upload.object_key, upload.storage_upload, parts)
            except (UploadGone, ObjectUnreadable) as refused:
                # By somebody else, who may be about to: it is there, or will be in a moment.
                log.info("upload.completed_elsewhere", upload_id=str(upload.id), reason=repr(refused))
            there = await self._seen(upload.object_key)
            if there is None or there.size != upload.size:
                raise UploadGone
        return await self._completed(upload, upload.object_key, upload.size)

    async def remove(self, person: Person, upload_id: UUID) -> None:
        """Forget an upload, and what storage has of it. One that an import was made of stays."""
        found = await self.find(person, upload_id)
        if found.import_id is not None:
            raise _used(found.import_id)
        async with self._refusing(found), tenant_transaction(self._engine, found.tenant_id) as conn:
            removed = await repository.remove(conn, found.tenant_id, upload_id)
            if removed is not None:
                await self._clear(removed)

    async def presign(self, person: Person, name: str, size: int | None) -> tuple[Upload, str, datetime]:
        """An upload that is sent to storage itself, where to, and until when."""
        upload = await self.begin(person, name, size, presigned=True)
        assert upload.object_key is not None
        async with self._refusing(upload):
            lives = self.settings.link_lives
            until = datetime.now(UTC) + lives
            return upload, await self._links.link(self._bucket, upload.object_key, expires=lives), until

    async def arrived(self, person: Person, upload_id: UUID) -> Upload:
        """An upload that was sent to storage itself, when it is there as it was said to be. Repeating it is harmless."""
        upload = await self.find(person, upload_id)
        if upload.is_complete or not upload.presigned:
            return await self._complete_or_refused(upload)
        assert upload.object_key is not None
        async with self._refusing(upload):
            there = await self._store.stat(self._bucket, upload.object_key)
            if there is None:
                raise Refused(
                    "conflict", f'"{upload.file_name}" is not in storage yet. Send it to the url first, with PUT'
                )
            if upload.size is not None and there.size != upload.size:
                raise Refused(
                    "conflict",
                    f'"{upload.file_name}" has {there.size:,} bytes in storage, but {upload.size:,} were announced. Send it '
                    "once more, whole",
                )
            with _file_taken():
                names.check_size(upload.file_name, there.size, megabytes=self.settings.megabytes)
        return await self._completed(upload, upload.object_key, there.size)

    async def _complete_or_refused(self, upload: Upload) -> Upload:
        upload = await self.finish(upload)
        if not upload.is_complete:
            raise Refused(
                "conflict", f'Of "{upload.file_name}" {_bytes_of(upload)} were received; send the rest first.'
            )
        return upload

    async def _claimed(self, person: Person, upload_id: UUID, position: int) -> tuple[Upload, UUID]:
        tenant, writer = tenant_of(person), uuid4()
        async with tenant_transaction(self._engine, tenant) as conn:
            claimed = await repository.claim(conn, tenant, upload_id, writer, position=position, numbers=ON_THE_WAY)
        if claimed is not None:
            return claimed, writer
        found = await self.find(person, upload_id)
        if found.presigned:
            raise Refused(
                "conflict", f'"{found.file_name}" is sent to storage itself, by the link that was given for it.'
            )
        if found.is_complete:
            raise Refused("conflict", f'"{found.file_name}" is complete; nothing can be added to it.')
        raise Refused(
            "conflict",
            f'Of "{found.file_name}" {_bytes_of(found)} were received; go on from there, not from byte {position:,}.',
        )

    async def _stored_whole(self, upload: Upload, writer: UUID, key: str, size: int) -> Upload:
        completed = None
        try:
            completed = await self._completed_by(upload, key, size, writer=writer)
        finally:
            if completed is None:
                await self._store.remove(self._bucket, key)
        if completed is None:
            raise WriterReplaced
        return completed

    async def _completed(self, upload: Upload, key: str, size: int) -> Upload:
        completed = await self._completed_by(upload, key, size)
        if completed is not None:
            return completed
        async with tenant_transaction(self._engine, upload.tenant_id) as conn:
            found = await repository.find(conn, upload.tenant_id, upload.id)
        if found is None or not found.is_complete:
            raise unknown("upload")
        return found

    async def _completed_by(self, upload: Upload, key: str, size: int, *, writer: UUID | None = None) -> Upload | None:
        async with tenant_transaction(self._engine, upload.tenant_id) as conn:
            return await repository.complete(
                conn, upload, object_key=key, size=size, lives=self.settings.lives, writer=writer
            )

    async def _seen(self, key: str) -> ObjectStat | None:
        """An object; waited for a little when it is not there."""
        for _look in range(_LOOKS):
            if (there := await self._store.stat(self._bucket, key)) is not None:
                return there
            await asyncio.sleep(_BETWEEN_LOOKS)
        return None

    async def _clear(self, upload: Upload) -> None:
        """Remove what storage has of an upload."""
        if upload.object_key is None:
            return
        if upload.storage_upload is not None:
            await self._store.abort(self._bucket, upload.object_key, upload.storage_upload)
        await self._store.remove(self._bucket, upload.object_key)

    async def _forget(self, upload: Upload) -> None:
        async with tenant_transaction(self._engine, upload.tenant_id) as conn:
            removed = await repository.remove(conn, upload.tenant_id, upload.id)
            if removed is not None:
                await self._clear(removed)

    @asynccontextmanager
    async def _refusing(self, upload: Upload) -> AsyncIterator[None]:
        """Say in words what came in the way of a file."""
        name = upload.file_name
        try:
            yield
        except WriterReplaced:
            raise Refused(
                "conflict", f'Another request goes on with "{name}", or it was removed. Ask how far it is, then go on.'
            ) from None
        except TooManyBytes as much:
            if upload.size is None:
                limit = names.too_large(
                    name, f"more than {self.settings.megabytes:,}", megabytes=self.settings.megabytes
                )
                raise Refused("too-large", limit) from None
            raise Refused("too-large", f'"{name}" was to have {much.most:,} bytes, and more came.') from None
        except NoRoom:
            raise Refused(
                "unavailable",
                "Too many files are on their way in at the moment; go on in 20 s.",
                headers={"Retry-After": "20"},
            ) from None
        except BrokenOff:
            raise Refused("timeout", f'The connection broke off within "{name}".') from None
        except Silent:
            # Not 408, after which senders do not come again.
            raise Refused(
                "unavailable",
                f'Nothing came of "{name}" for a while, so the request was ended; go on from where it is.',
                headers={"Retry-After": _RETRY_SECONDS},
            ) from None
        except (UploadGone, TooManyParts):
            await self._forget(upload)
            raise Refused(
                "gone", f'What was received of "{name}" is lost. Send it once more from the beginning.'
            ) from None
        except (ObjectUnavailable, ObjectUnreadable) as away:
            log.warning("upload.storage_away", upload_id=str(upload.id), reason=str(away))
            raise Refused(
                "storage",
                f'Storage is away, so "{name}" cannot be taken just now; go on in a moment.',
                headers={"Retry-After": _RETRY_SECONDS},
            ) from away


@contextlib.contextmanager
def _file_taken() -> Iterator[None]:
    try:
        yield
    except FileNotTaken as refused:
        raise Refused(refused.slug, refused.detail) from None


def _bytes_of(upload: Upload) -> str:
    return f"{upload.received:,} bytes" if upload.size is None else f"{upload.received:,} of {upload.size:,} bytes"


def _too_many(detail: str, seconds: str) -> Refused:
    return Refused("too-many-requests", detail, headers={"Retry-After": seconds})


def _used(import_id: UUID) -> Refused:
    return Refused("conflict", f"Import {import_id} was made of this upload; it is not removed.", import_id=import_id)
