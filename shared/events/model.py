"""The events, version 1."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

TenantId = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        description="The customer whose data it is; also the first segment of every object key of theirs.",
    ),
]
# No control characters: neither Postgres nor a page can show them.
Line = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]*$")]
ObjectKey = Annotated[Line, Field(min_length=1, max_length=1024)]
# As large as the ledger's own columns can hold.
_INTEGER, _BIGINT = 2**31 - 1, 2**63 - 1
Count = Annotated[int, Field(ge=0, le=_INTEGER)]
Bytes = Annotated[int, Field(ge=0, le=_BIGINT)]
RowNumber = Annotated[int, Field(ge=1, le=_INTEGER, description="As the spreadsheet numbers its rows, from 1.")]
ChunkNumber = Annotated[
    int, Field(ge=1, le=_INTEGER, description="Chunks of an import are numbered from 1 in file order.")
]


class _Body(BaseModel):
    # Unknown fields are passed over: within a version, a newer release may send more than an older one knows.
    model_config = ConfigDict(frozen=True, extra="ignore", strict=False)


class Event(_Body):
    """What every event says: whose it is, and its CloudEvents type (which carries the version)."""

    ce_type: ClassVar[str]

    tenant_id: TenantId

    @property
    def import_key(self) -> str | None:
        """The import the event is about, as text; None only for an upload that was given no id."""
        import_id = getattr(self, "import_id", None)
        return None if import_id is None else str(import_id)

    @property
    def part(self) -> int:
        """The chunk the event is about; 0 when it is about the whole import."""
        return int(getattr(self, "chunk_no", 0))

    @property
    def of_epoch(self) -> int:
        """The interpretation of the file that the event is about; 1, the first, unless it says another."""
        return int(getattr(self, "epoch", 1))


class FileOptions(_Body):
    """How a file is read, where that is not to be found out from its content, and whether the import waits for a start."""

    sheet: Annotated[Line | None, Field(max_length=31, description="Name of the sheet to read (.xlsx).")] = None
    delimiter: Annotated[
        Literal[",", ";", "\t", "|"] | None, Field(description="Separator of a text file's columns.")
    ] = None
    encoding: Annotated[
        Line | None, Field(max_length=32, description="Character encoding of a text file, for example utf-8.")
    ] = None
    decimal: Annotated[
        Literal["comma", "point"] | None,
        Field(description="Decimal sign of numbers that are text, in every column; else found for each column."),
    ] = None
    dates: Annotated[
        Literal["iso", "european", "american"] | None,
        Field(
            description="How dates that are text are written, in every column: the year, the day or the month first; else found "
            "for each column."
        ),
    ] = None
    heading_row: Annotated[
        int | None, Field(ge=1, le=200, description="Number of the row that has the headings; else found.")
    ] = None
    hold: Annotated[
        bool,
        Field(description="Stop before anything is committed, until the import is started or cancelled."),
    ] = False
    guided: Annotated[
        bool,
        Field(
            description="Hold it, and wait first for a person to say what its columns mean: the guided path. Headings that "
            "nobody knows are no reason to refuse the file then."
        ),
    ] = False
    existing: Annotated[
        Literal["refuse", "skip"],
        Field(description="In `create`: whether products that are there already are refused, or left as they are."),
    ] = "refuse"
    blanks: Annotated[
        Literal["keep", "clear"],
        Field(
            description="In `enrich` and `upsert`: whether a blank cell keeps what is there, or clears it. What a record is "
            "known by, and the title of a product, are never cleared."
        ),
    ] = "keep"
    allow_repeat: Annotated[
        bool, Field(description="Import a file although one of the same content was imported before.")
    ] = False

    def misplaced(self, mode: str) -> tuple[str, str] | None:
        """An option that says something this mode cannot do, and the modes that can; None when there is none."""
        if self.existing != "refuse" and mode != "create":
            return f"existing: {self.existing}", "create"
        if self.blanks != "keep" and mode == "create":
            return f"blanks: {self.blanks}", "enrich and upsert"
        return None


class FileUploaded(Event):
    """A file lies in the uploads bucket and is to be imported. Published by upstream systems.

    Six fields are required. The rest is optional: sizes and checksums are verified when they are given.
    """

    ce_type: ClassVar[str] = "winnow.file-uploaded.v1"

    user_id: Annotated[Line, Field(min_length=1, max_length=128, description="Who sent the file.")]
    entity_type: Annotated[Line, Field(min_length=1, max_length=32, description="What a row describes: `products`.")]
    mode: Annotated[Line, Field(min_length=1, max_length=16, description="`create`, `enrich` or `upsert`.")]
    object_key: Annotated[ObjectKey, Field(description="Key in the uploads bucket; must begin with `{tenant_id}/`.")]
    file_name: Annotated[
        Line, Field(min_length=1, max_length=255, description="The name the sender knows the file by.")
    ]
    import_id: Annotated[
        UUID | None,
        Field(description="UUIDv7 to give the import (no other version is taken); made by Winnow when absent."),
    ] = None
    file_size: Annotated[Bytes | None, Field(description="Bytes; a different size refuses the file.")] = None
    file_sha256: Annotated[
        str | None,
        Field(pattern=r"^[0-9a-fA-F]{64}$", description="Hex; a different checksum refuses the file."),
    ] = None
    idempotency_key: Annotated[
        Line | None,
        Field(
            min_length=1,
            max_length=200,
            description="Two events of a tenant with the same key and parameters are one import. Default: `import_id`, else "
            "CloudEvents source and id, else the event body and the object's content.",
        ),
    ] = None
    parent_import_id: Annotated[
        UUID | None,
        Field(
            description="The import of the same tenant whose correction file this is; another is refused. The file is "
            "imported as that one was, in its mode."
        ),
    ] = None
    options: FileOptions = FileOptions()


class _OfImport(Event):
    import_id: UUID
    entity_type: str
    mode: str


class _OfChunk(_OfImport):
    chunk_no: ChunkNumber
    first_row: RowNumber
    last_row: RowNumber
    row_count: Count
    epoch: Annotated[
        int, Field(ge=1, le=_INTEGER, description="Which interpretation of the file the chunk was cut by, from 1.")
    ] = 1


class RowsStaged(_OfChunk):
    """The raw rows of one chunk are in Postgres. Published by the parser."""

    ce_type: ClassVar[str] = "winnow.rows-staged.v1"


class RowsValidated(_OfChunk):
    """The typed rows and the errors of one chunk are in Postgres. Published by the validator."""

    ce_type: ClassVar[str] = "winnow.rows-validated.v1"


class FailureNotice(_Body):
    """Why an import failed as a whole, and what to do."""

    code: str
    message: str


class ImportCompleted(_OfImport):
    """An import has ended. total = created + updated + skipped + failed + unprocessed.

    It travels in the trace of the event the import came by (`traceparent`), and repeats what its sender knows it by.
    """

    ce_type: ClassVar[str] = "winnow.import-completed.v1"

    user_id: str
    status: Literal["completed", "completed_with_failures", "failed", "cancelled"]
    file_name: str
    total_rows: Count
    created_rows: Count
    updated_rows: Count
    skipped_rows: Count
    failed_rows: Count
    unprocessed_rows: Count
    summary: dict[str, Any]
    has_exportable_failures: bool
    has_exportable_unprocessed: Annotated[
        bool, Field(description="Whether rows that were not processed are handed back: see `unprocessed-exported`.")
    ] = False
    read_to_row: Annotated[
        int | None,
        Field(
            ge=0,
            le=_INTEGER,
            description="Only when the file was not read to its end: the last row that was. What follows is in no count.",
        ),
    ] = None
    error: FailureNotice | None = None
    started_at: datetime | None = None
    completed_at: datetime
    object_key: Annotated[str | None, Field(description="As `file-uploaded` said it.")] = None
    idempotency_key: Annotated[
        str | None, Field(description="As `file-uploaded` said it; absent when the sender gave none.")
    ] = None
    upload_event_id: Annotated[
        str | None, Field(description="CloudEvents `id` of the `file-uploaded` event; absent when it had none.")
    ] = None
    upload_event_source: Annotated[
        str | None, Field(description="CloudEvents `source` of the `file-uploaded` event; absent when it had none.")
    ] = None


class CorrectionsExported(Event):
    """The files with the failed rows of an import lie in the results bucket. Published by the exporter."""

    ce_type: ClassVar[str] = "winnow.corrections-exported.v1"

    import_id: UUID
    correction_object_key: ObjectKey
    failed_rows_object_key: ObjectKey
    failed_rows: Count
    unprocessed_object_key: Annotated[
        ObjectKey | None, Field(description="The file with the rows that were not processed, when there are any.")
    ] = None
    unprocessed_rows: Count | None = None


class UnprocessedExported(Event):
    """The file with the rows that an import did not come to lies in the results bucket. Published by the exporter.

    An import that has failed rows, too, has `corrections-exported` as well.
    """

    ce_type: ClassVar[str] = "winnow.unprocessed-exported.v1"

    import_id: UUID
    unprocessed_object_key: ObjectKey
    unprocessed_rows: Count
