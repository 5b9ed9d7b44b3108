"""An upload becomes an import: once, in the transaction that registers it.

For whoever registers imports (`POST /v1/imports`, the import page):

    async with tenant_transaction(ways.intake, person.tenant) as conn:
        used = await use_upload(conn, person.tenant, upload_id, import_id)
        ... register the import with used.object_key, used.file_name, used.size, used.file_sha256
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.states import UploadState

# Locked until the transaction ends: of two that use it at once, the second finds the import of the first.
_USE = text(
    f"""
    UPDATE gateway.uploads SET import_id = :import_id
     WHERE tenant_id = :tenant AND id = :id AND state = '{UploadState.COMPLETE}' AND import_id IS NULL AND expires_at > now()
    RETURNING object_key, file_name, size, file_sha256
    """  # noqa: S608 - our own words
)
_FIND = text(
    "SELECT state, import_id, file_name, received, size FROM gateway.uploads WHERE tenant_id = :tenant AND id = :id AND expires_at > now()"
)


@dataclass(frozen=True)
class UsedUpload:
    """A file in storage that an import is being made of. The SHA-256 is there when somebody has looked at it."""

    object_key: str
    file_name: str
    size: int
    file_sha256: str | None


class UploadUnknown(Exception):
    """The tenant has no upload of this id, or its time is over."""


class UploadNotComplete(Exception):
    """The file was not received as a whole."""


class UploadUsed(Exception):
    """An import was made of the upload before: `import_id`."""

    def __init__(self, import_id: UUID) -> None:
        super().__init__(f"import {import_id}")
        self.import_id = import_id


async def use_upload(conn: AsyncConnection, tenant: str, upload_id: UUID, import_id: UUID) -> UsedUpload:
    """Take an upload for an import that is registered in the same transaction. `conn` is of `winnow_intake`.

    Rolled back, the upload is as it was before, and can be used again.

    Raises:
        UploadUnknown, UploadNotComplete, UploadUsed: as they say.
    """
    scope = {"tenant": tenant, "id": upload_id}
    used = (await conn.execute(_USE, {**scope, "import_id": import_id})).one_or_none()
    if used is not None:
        return UsedUpload(*used)
    found = (await conn.execute(_FIND, scope)).one_or_none()
    if found is None:
        raise UploadUnknown
    if found.import_id is not None:
        raise UploadUsed(found.import_id)
    raise UploadNotComplete
