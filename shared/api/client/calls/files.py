"""Files: on their way in, and handed back."""

from pathlib import Path
from typing import Literal, NamedTuple
from uuid import UUID

from shared.api.client import downloading, uploading
from shared.api.client.calls.asking import Asking, part, query
from shared.api.client.uploading import TUS, Sent
from shared.api.uploads import AboutUpload, Presigned, PresignedAsked, Upload


class UploadsTaken(NamedTuple):
    """What of tus is spoken there, and the largest file that is taken, in bytes."""

    version: str
    extensions: tuple[str, ...]
    most_bytes: int


class FileCalls(Asking):
    """Uploads, links, files, templates."""

    async def upload(
        self, path: Path, *, name: str | None = None, sent: Sent | None = None, upload_id: UUID | None = None
    ) -> UUID:
        """Send a file, in pieces, each again when it did not come through; the id to make an import with.

        `sent` is told how far it is. With the id of one that was interrupted, that one is gone on with.
        """
        return await uploading.upload(self._requests, path, name=name, sent=sent, upload_id=upload_id)

    async def describe_uploads(self) -> UploadsTaken:
        """What is taken there."""
        said = (await self._requests.ask("OPTIONS", "/v1/uploads")).headers
        extensions = tuple(filter(None, said.get("tus-extension", "").split(",")))
        return UploadsTaken(said.get("tus-version", ""), extensions, int(said.get("tus-max-size", 0)))

    async def create_upload(self, path: Path, *, file_name: str | None = None, sent: Sent | None = None) -> Upload:
        """Send a file whole, in one request: what breaks off is lost. `upload` is for all but the smallest."""
        response = await uploading.send_whole(self._requests, path, file_name or path.name, sent)
        return self._read(Upload, response)

    async def upload_offset(self, upload_id: UUID) -> int | None:
        """How much of an upload is there; None when there is no such upload any more."""
        return await uploading.offset_of(self._requests, upload_id)

    async def continue_upload(self, upload_id: UUID, path: Path, *, offset: int, sent: Sent | None = None) -> int:
        """Send one more piece of a file, from `offset` on, which has to be how much there is; how much there is then."""
        return await uploading.send_piece(self._requests, path, upload_id, offset, sent)

    async def about_upload(self, upload_id: UUID, *, wait: float | None = None) -> AboutUpload:
        """How far an upload is, and what the file looks like; waits so many seconds for somebody to have looked."""
        return await self._get(AboutUpload, f"/v1/uploads/{upload_id}/about", wait=wait)

    async def delete_upload(self, upload_id: UUID) -> None:
        """Forget an upload, and what there is of it."""
        await self._requests.ask("DELETE", f"/v1/uploads/{upload_id}", headers=TUS)

    async def presign_upload(self, body: PresignedAsked) -> Presigned:
        """An address of storage itself to PUT a file to."""
        return await self._send(Presigned, "POST", "/v1/uploads/presigned", body)

    async def complete_upload(self, upload_id: UUID) -> Upload:
        """Say that a file was put there."""
        return await self._send(Upload, "POST", f"/v1/uploads/{upload_id}/complete", repeatable=True)

    async def get_corrections(self, import_id: UUID, *, format: Literal["xlsx", "csv"] | None = None) -> str:  # noqa: A002 - as the API names it
        """A link to the rows that were not imported, in the layout they came in; good for a minute, and for this tenant."""
        path = f"/v1/imports/{import_id}/corrections"
        return await downloading.link(self._requests, path, params=query({"format": format}))

    async def get_failed_rows(self, import_id: UUID) -> str:
        """A link to the same as CSV."""
        return await downloading.link(self._requests, f"/v1/imports/{import_id}/failed-rows")

    async def get_unprocessed_rows(self, import_id: UUID) -> str:
        """A link to the rows that it did not come to."""
        return await downloading.link(self._requests, f"/v1/imports/{import_id}/unprocessed-rows")

    async def download_file(self, token: str, target: Path) -> str | None:
        """Write what is behind a link (or its last part) into a file; the name it is given there."""
        last = token.rstrip("/").rpartition("/")[2]
        return await downloading.fetch(self._requests, f"/v1/files/{last}", target)

    async def get_template(self, entity_type: str, target: Path) -> None:
        """Write a workbook to fill in into a file, with the names that the tenant's catalogue has."""
        await downloading.fetch(self._requests, f"/v1/templates/{part(entity_type)}.xlsx", target)
