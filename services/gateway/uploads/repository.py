"""The SQL of files on their way in. In transactions of their tenant, as `winnow_gateway`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.intake.looks import CHANNEL
from shared.states import UploadState
from shared.storage import StoredPart

_COLUMNS = """
    id, tenant_id, user_id, state, file_name, size, received, presigned, object_key, storage_upload, next_part, file_sha256,
    look, looked_at, import_id, expires_at
"""
# Of one tenant, one at a time is begun: else of many at once each would find few.
_ALONE = text("SELECT pg_advisory_xact_lock(hashtextextended('winnow-uploads:' || :tenant, 0))")
_COUNT = text(
    f"""
    SELECT count(*) FILTER (WHERE state = '{UploadState.RECEIVING}' AND updated_at > now() - CAST(:recently AS interval))
               AS at_once,
           count(*) FILTER (WHERE import_id IS NULL) AS unused
      FROM gateway.uploads WHERE tenant_id = :tenant AND expires_at > now()
    """  # noqa: S608 - our own words
)
_BEGIN = text(
    f"""
    INSERT INTO gateway.uploads (id, tenant_id, user_id, state, file_name, size, presigned, object_key, expires_at)
    VALUES (:id, :tenant, :user, '{UploadState.RECEIVING}', :file_name, :size, :presigned, :object_key,
            now() + CAST(:lives AS interval))
    RETURNING {_COLUMNS}
    """  # noqa: S608 - our own words
)
_FIND = text(f"SELECT {_COLUMNS} FROM gateway.uploads WHERE tenant_id = :tenant AND id = :id AND expires_at > now()")  # noqa: S608 - our own words
_CLAIM = text(
    f"""
    UPDATE gateway.uploads
       SET writer = :writer, next_part = next_part + :numbers, updated_at = clock_timestamp()
     WHERE tenant_id = :tenant AND id = :id AND state = '{UploadState.RECEIVING}' AND NOT presigned
       AND received = :position AND expires_at > now()
    RETURNING {_COLUMNS}
    """  # noqa: S608 - our own words
)
_WAITING = text(
    "SELECT position, content FROM gateway.upload_pieces WHERE upload_id = :id AND content IS NOT NULL ORDER BY position"
)
_NAME_IN_STORAGE = text(
    """
    UPDATE gateway.uploads SET object_key = :object_key, storage_upload = :storage_upload
     WHERE id = :id AND writer = :writer AND storage_upload IS NULL
    RETURNING id
    """
)
_ADVANCE = text(
    f"""
    UPDATE gateway.uploads
       SET received = :received, size = CASE WHEN CAST(:is_end AS boolean) THEN :received ELSE size END, next_part = next_part + :numbers,
           updated_at = clock_timestamp(), expires_at = now() + CAST(:lives AS interval)
     WHERE id = :id AND writer = :writer AND received = :position AND state = '{UploadState.RECEIVING}'
    RETURNING next_part - 1, expires_at
    """  # noqa: S608 - our own words
)
_DROP_WAITING = text("DELETE FROM gateway.upload_pieces WHERE upload_id = :id AND content IS NOT NULL")
_ADD_PART = text(
    """
    INSERT INTO gateway.upload_pieces (tenant_id, upload_id, position, part_no, etag)
    VALUES (:tenant, :id, :position, :part_no, :etag)
    """
)
_ADD_CONTENT = text(
    """
    INSERT INTO gateway.upload_pieces (tenant_id, upload_id, position, content)
    VALUES (:tenant, :id, :position, :content)
    """
)
_PARTS = text(
    "SELECT part_no, etag FROM gateway.upload_pieces WHERE upload_id = :id AND etag IS NOT NULL ORDER BY position"
)
_COMPLETE = text(
    f"""
    UPDATE gateway.uploads
       SET state = '{UploadState.COMPLETE}', size = :size, received = :size, object_key = :object_key, storage_upload = NULL,
           writer = NULL, updated_at = clock_timestamp(), completed_at = clock_timestamp(),
           expires_at = now() + CAST(:lives AS interval)
     WHERE id = :id AND state = '{UploadState.RECEIVING}' AND (CAST(:writer AS uuid) IS NULL OR writer = :writer)
    RETURNING {_COLUMNS}
    """  # noqa: S608 - our own words
)
_DROP_PIECES = text("DELETE FROM gateway.upload_pieces WHERE upload_id = :id")
_ASK_FOR_LOOK = text("INSERT INTO gateway.looks (tenant_id, upload_id) VALUES (:tenant, :id) ON CONFLICT DO NOTHING")
_NOTIFY = text("SELECT pg_notify(:channel, '')")
_REMOVE = text(
    f"DELETE FROM gateway.uploads WHERE tenant_id = :tenant AND id = :id AND import_id IS NULL RETURNING {_COLUMNS}"  # noqa: S608 - our own words
)


class WriterReplaced(Exception):
    """Another request goes on with the upload, or it is gone: nothing of what this one has counts."""


@dataclass(frozen=True)
class Upload:
    """How far a file is on its way in, as the database has it. `received` bytes outlive any process."""

    id: UUID
    tenant_id: str
    user_id: str
    state: UploadState
    file_name: str
    size: int | None
    received: int
    presigned: bool
    object_key: str | None
    storage_upload: str | None
    next_part: int
    file_sha256: str | None
    look: dict[str, Any] | None
    looked_at: datetime | None
    import_id: UUID | None
    expires_at: datetime

    @property
    def is_complete(self) -> bool:
        """Whether it lies in storage, whole."""
        return self.state is UploadState.COMPLETE

    @property
    def is_received(self) -> bool:
        """Whether all of it was received, and it is at most to be put together."""
        return self.is_complete or self.received == self.size

    @staticmethod
    def of(row: RowMapping) -> "Upload":
        """The upload of a row."""
        return Upload(**{**row, "state": UploadState(row["state"])})


@dataclass(frozen=True)
class Advance:
    """How far a request got: from which byte to which, and whether the file ends there."""

    start: int
    end: int
    is_end: bool = False


async def counts(conn: AsyncConnection, tenant: str, *, recently: timedelta) -> tuple[int, int]:
    """Of a tenant: uploads that are received at this time, and all that no import was made of. Others wait meanwhile."""
    await conn.execute(_ALONE, {"tenant": tenant})
    found = (await conn.execute(_COUNT, {"tenant": tenant, "recently": recently})).one()
    return found.at_once, found.unused


async def begin(conn: AsyncConnection, upload_id: UUID, *, lives: timedelta, **values: Any) -> Upload:
    """Write down a file that is to come."""
    return Upload.of((await conn.execute(_BEGIN, {"id": upload_id, "lives": lives, **values})).mappings().one())


async def find(conn: AsyncConnection, tenant: str, upload_id: UUID) -> Upload | None:
    """An upload of a tenant whose time is not over."""
    found = (await conn.execute(_FIND, {"tenant": tenant, "id": upload_id})).mappings().one_or_none()
    return None if found is None else Upload.of(found)


async def claim(
    conn: AsyncConnection, tenant: str, upload_id: UUID, writer: UUID, *, position: int, numbers: int
) -> Upload | None:
    """Be the one request that may go on with an upload from this byte, whoever was before; None when it cannot be gone on with there.

    The numbers of its first parts are the last so many before `next_part`.
    """
    values = {"tenant": tenant, "id": upload_id, "writer": writer, "position": position, "numbers": numbers}
    found = (await conn.execute(_CLAIM, values)).mappings().one_or_none()
    return None if found is None else Upload.of(found)


async def waiting(conn: AsyncConnection, upload_id: UUID) -> Sequence[bytes]:
    """What was received behind the last part."""
    return [bytes(row.content) for row in await conn.execute(_WAITING, {"id": upload_id})]


async def name_in_storage(
    conn: AsyncConnection, upload_id: UUID, writer: UUID, *, object_key: str, storage_upload: str
) -> None:
    """Say what storage calls an upload in parts.

    Raises:
        WriterReplaced: another request goes on with it.
    """
    values = {"id": upload_id, "writer": writer, "object_key": object_key, "storage_upload": storage_upload}
    if (await conn.execute(_NAME_IN_STORAGE, values)).first() is None:
        raise WriterReplaced


async def add_part(
    conn: AsyncConnection,
    upload: Upload,
    writer: UUID,
    advance: Advance,
    start: int,
    part: StoredPart,
    lives: timedelta,
) -> int:
    """Count a part that storage has, from the byte `start`; what waited before it is in it. The number of the next part.

    Raises:
        WriterReplaced: another request goes on with it.
    """
    number = await _advance(conn, upload, writer, advance, numbers=1, lives=lives)
    await conn.execute(_DROP_WAITING, {"id": upload.id})
    values = {"tenant": upload.tenant_id, "id": upload.id, "position": start}
    await conn.execute(_ADD_PART, {**values, "part_no": part.number, "etag": part.etag})
    return number


async def add_waiting(
    conn: AsyncConnection, upload: Upload, writer: UUID, advance: Advance, content: bytes, lives: timedelta
) -> None:
    """Count what is too little for a part, and keep it.

    Raises:
        WriterReplaced: another request goes on with it.
    """
    await _advance(conn, upload, writer, advance, numbers=0, lives=lives)
    values = {"tenant": upload.tenant_id, "id": upload.id, "position": advance.start}
    await conn.execute(_ADD_CONTENT, {**values, "content": content})


async def parts(conn: AsyncConnection, upload_id: UUID) -> Sequence[StoredPart]:
    """The parts that storage has, in the order of the file."""
    return [StoredPart(row.part_no, row.etag) for row in await conn.execute(_PARTS, {"id": upload_id})]


async def complete(
    conn: AsyncConnection,
    upload: Upload,
    *,
    object_key: str,
    size: int,
    lives: timedelta,
    writer: UUID | None = None,
) -> Upload | None:
    """Say that an upload lies in storage, whole, and ask for a look at it; None when it is no longer received by anybody (else)."""
    values = {"id": upload.id, "object_key": object_key, "size": size, "lives": lives, "writer": writer}
    found = (await conn.execute(_COMPLETE, values)).mappings().one_or_none()
    if found is None:
        return None
    await conn.execute(_DROP_PIECES, {"id": upload.id})
    await conn.execute(_ASK_FOR_LOOK, {"tenant": upload.tenant_id, "id": upload.id})
    await conn.execute(_NOTIFY, {"channel": CHANNEL})
    return Upload.of(found)


async def remove(conn: AsyncConnection, tenant: str, upload_id: UUID) -> Upload | None:
    """Forget an upload that no import was made of; it is locked until the transaction ends."""
    found = (await conn.execute(_REMOVE, {"tenant": tenant, "id": upload_id})).mappings().one_or_none()
    return None if found is None else Upload.of(found)


async def _advance(
    conn: AsyncConnection, upload: Upload, writer: UUID, advance: Advance, *, numbers: int, lives: timedelta
) -> int:
    values = {"id": upload.id, "writer": writer, "position": advance.start, "received": advance.end}
    found = (
        await conn.execute(_ADVANCE, {**values, "is_end": advance.is_end, "numbers": numbers, "lives": lives})
    ).one_or_none()
    if found is None:
        raise WriterReplaced
    return int(found[0])
