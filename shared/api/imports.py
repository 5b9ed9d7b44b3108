"""An import, as lists show it and as it is shown by itself."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from shared.api.guided import Guided
from shared.api.pages import Page
from shared.api.wire import Answer, Asked, Moment
from shared.events.model import FileOptions
from shared.states import ImportStatus, Standing

Mode = Literal["create", "enrich", "upsert"]
FileKind = Literal["corrections", "failed_rows", "unprocessed_rows"]
StageName = Literal["read", "checked", "imported", "handed_back"]
StageState = Literal["waiting", "moving", "done", "left"]
Action = Literal["start", "cancel", "dismiss", "undo", "fail"]
Rows = Annotated[int, Field(ge=0)]


class FailureReason(Answer):
    """Why an import failed as a whole, or has no files, and what to do: `code` for programs, `message` for people."""

    code: str
    message: str


class HandedBack(Answer):
    """A file with rows that were not imported. `size` in bytes where it is known; `href` answers with a signed link."""

    kind: FileKind
    file_name: str
    rows: Rows
    size: int | None
    href: str


class Sum(Answer):
    """The numbers of an import. Final when it has ended: then total = created + updated + skipped + failed + unprocessed.

    Before, they are what is done so far, and `unprocessed_rows` are those still to come.
    """

    total_rows: Rows
    created_rows: Rows
    updated_rows: Rows
    skipped_rows: Rows
    failed_rows: Rows
    unprocessed_rows: Rows


class ImportSummary(Sum):
    """An import in a list.

    `standing` is what people are shown: `status` with what has become of the import since (repaired, undone), or what it
    waits for. `percent` is null until the file is read to its end, and at most 99 until the import has ended.
    """

    id: UUID
    file_name: str
    file_size: int | None
    entity_type: str
    mode: Annotated[
        str, Field(description="`create`, `enrich`, `upsert`; `undo` of an import that takes another one back.")
    ]
    status: ImportStatus
    standing: Standing
    ended: bool
    hold: bool
    user_id: str
    created_at: Moment
    started_at: Moment | None
    completed_at: Moment | None
    percent: Annotated[int | None, Field(ge=0, le=100)]
    repaired_rows: Annotated[Rows, Field(description="Rows that were handed back and are in production by now.")]
    open_rows: Annotated[Rows, Field(description="Rows that were handed back and are not in production.")]
    parent_import_id: UUID | None
    undoes_import_id: UUID | None
    undone_by: UUID | None
    error: FailureReason | None
    files: tuple[HandedBack, ...]
    guided: Annotated[Guided | None, Field(description="Null of one that is not guided, and once it is started.")] = (
        None
    )
    href: str


class ImportPage(Page[ImportSummary]):
    """Imports, newest first unless asked for otherwise. A page of a rare find may have few of them and still a `next`.

    `total` are all that there are, where it was asked for; with `more_than_total` there are more.
    """

    total: int | None = None
    more_than_total: bool = False


class Stage(Answer):
    """How far a stage is. `left` is one that will do no more: the import failed or was cancelled before it was through.

    `waiting` are rows that the stage before is through with; `rows_per_second` is that of the last 10 s while it moves, of
    the whole time when it is done; `seconds` is how long it has been at it.
    """

    name: StageName
    state: StageState
    rows: Rows
    waiting: Rows
    rows_per_second: float | None
    seconds: float | None


class Relative(Answer):
    """Another import this one has to do with, in short."""

    id: UUID
    file_name: str
    mode: str
    status: ImportStatus
    user_id: str
    created_at: Moment
    total_rows: Rows
    failed_rows: Rows
    href: str


class Undo(Answer):
    """Whether the import can be taken back, until when, and why not. Null `until`: it has not ended."""

    possible: bool
    until: Moment | None
    why_not: str | None


class Notice(Answer):
    """What the sender should know of the file that does no harm. `count` rows are concerned, where it is of rows."""

    code: str
    message: str
    column: str | None = None
    count: int | None = None
    row: int | None = None


class ReadAs(Answer):
    """How the file was read, in short; `reading` of the import has all of it."""

    sheet: str | None
    heading_row: int | None
    encoding: str | None
    delimiter: str | None
    columns: Rows
    guesses: Annotated[Rows, Field(description="How many decisions are guesses.")]


class Links(Answer):
    """Where there is more of an import, and where it is acted on."""

    rows: str
    errors: str
    reasons: str
    changes: str
    preview: str
    entities: str
    repairs: str
    reading: str
    columns: str
    events: str


class Import(ImportSummary):
    """An import: all that the ledger knows of it.

    `version` is that of what is said here: an import of the same version has not changed (it is the ETag, too).
    `eta_seconds` is how long it takes yet, from 3 s on while it moves; null where nobody can know. `quiet_seconds` is since
    when nothing of it has moved, while it could; `stands_at` is the first stage that has something to do. `actions` are what may be asked of it now.
    """

    version: str
    epoch: int
    file_sha256: str | None
    idempotency_key: str | None
    object_key: str
    upload_event_id: str | None
    upload_event_source: str | None
    traceparent: str | None
    read_at: Moment | None
    parsed_at: Moment | None
    cancelled_at: Moment | None
    dismissed_at: Moment | None
    read_to_row: int | None
    worked_seconds: float
    staged_rows: Rows
    validated_rows: Rows
    committed_rows: Rows
    invalid_rows: Annotated[
        Rows, Field(description="Of those checked and not imported yet: rows that will be handed back.")
    ]
    stages: tuple[Stage, ...]
    rows_per_second: float | None
    eta_seconds: int | None
    quiet_seconds: int | None
    stands_at: StageName | None
    parent: Relative | None
    children: tuple[Relative, ...]
    undo: Undo
    actions: tuple[Action, ...]
    notices: tuple[Notice, ...]
    summary: Mapping[str, Any]
    read_as: ReadAs | None
    rows_expired_at: Moment | None
    upload_removed_at: Moment | None
    results_removed_at: Moment | None
    is_final: Annotated[bool, Field(description="It has ended, and all that is handed back is there.")]
    links: Links


class ImportOptions(FileOptions):
    """How a file is read, where that is not to be found out from its content, and whether the import waits for a start."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class NewImport(Asked):
    """What is to be imported: an upload, or an object that lies in storage under the tenant's prefix; one of the two."""

    upload_id: Annotated[str | None, Field(max_length=64, description="An upload that is complete.")] = None
    object_key: Annotated[
        str | None,
        Field(min_length=1, max_length=1024, description="Key in the uploads bucket; begins with the tenant and `/`."),
    ] = None
    entity_type: Annotated[str, Field(min_length=1, max_length=32, description="What a row describes: `products`.")]
    mode: Mode
    options: ImportOptions = ImportOptions()
    parent_import_id: Annotated[UUID | None, Field(description="The import whose correction file this is.")] = None
    file_name: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=255,
            pattern=r"^[^\x00-\x1f\x7f]*$",
            description="Default: the upload's, or the last part of the key.",
        ),
    ] = None
    file_sha256: Annotated[
        str | None,
        Field(
            pattern=r"^[0-9a-fA-F]{64}$",
            description="Hex; a file of another checksum is refused, and one that was imported before is, at once.",
        ),
    ] = None
