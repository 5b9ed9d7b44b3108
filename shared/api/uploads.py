"""Files on their way in, and what was seen of them before they are imported."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from shared.api.wire import Answer, Asked, Moment

Size = Annotated[int, Field(ge=0, description="Bytes.")]


class Refusal(Answer):
    """Why a file would not be imported: a code for programs, a message that tells a person what to do."""

    code: str
    message: str


class Corrects(Answer):
    """The import whose correction file this is. `known` is false when the tenant has none of this id."""

    import_id: UUID
    known: bool
    file_name: str | None = None
    entity_type: str | None = None
    mode: str | None = None


class ImportedBefore(Answer):
    """The import by which the same bytes came before; `ended_at` is null while it is importing."""

    import_id: UUID
    file_name: str
    user: str
    started_at: Moment | None
    ended_at: Moment | None
    rows: int


class Look(Answer):
    """What a file looks like: nothing of it is decided by that, and nothing imported.

    `known` of `headings` headings are known of `entity_type`; `modes` are those its headings are enough for. With `refusal`
    the file would not be imported.
    """

    entity_type: str | None = None
    known: int | None = None
    headings: int | None = None
    sheet: Annotated[str | None, Field(description="The workbook's sheet that would be read.")] = None
    heading_row: int | None = None
    modes: tuple[str, ...] = ()
    refusal: Refusal | None = None
    corrects: Corrects | None = None
    imported_before: ImportedBefore | None = None


class Upload(Answer):
    """A file on its way in: how much of it was received, and until when it can be gone on with, or be imported."""

    id: UUID
    file_name: str
    size: Annotated[int | None, Field(description="Bytes of the whole file; null while its sender has not said it.")]
    received: Size
    complete: bool
    import_id: Annotated[UUID | None, Field(description="The import that was made of it.")]
    expires_at: Moment


class AboutUpload(Upload):
    """The same, with what was seen of the file. `look` is null until somebody has looked, which takes a moment."""

    look: Look | None


class PresignedAsked(Asked):
    """A file that will be sent past the gateway, to storage itself."""

    file_name: Annotated[str, Field(min_length=1, max_length=1_000)]
    size: Annotated[int | None, Field(ge=0, description="Bytes, where they are known: others are not taken then.")] = (
        None
    )


class Presigned(Answer):
    """Where the file goes: `PUT` its bytes to `url` before `url_expires_at`, then say so (`/complete`)."""

    upload_id: UUID
    url: str
    url_expires_at: Moment
