"""What the parser is told by its environment (prefix `WINNOW_PARSER_`). What a limit says to senders is its number."""

import math
from dataclasses import replace
from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.parser.mapping.chunks import ChunkSizes
from services.parser.reading.limits import Limits
from shared.runtime.settings import Settings


class ParserSettings(Settings):
    """Limits of files and of the process that reads them."""

    model_config = SettingsConfigDict(env_prefix="WINNOW_PARSER_", frozen=True)

    files_at_once: int = Field(default=4, ge=1, description="files one process reads at the same time")
    large_megabytes: int = Field(default=2, description="from this size on a file leaves one place to smaller ones")
    large_seconds: float = Field(default=3, description="a file that has been read for so long counts as a large one")
    file_megabytes: int = Field(default=200, description="largest file")
    object_attempts: int = Field(
        default=8, ge=1, description="attempts at an object that storage does not hand out while it answers otherwise"
    )
    object_pause_seconds: float = Field(default=5, description="pause after the first of them; each is twice as long")
    rows: int = Field(default=1_048_576, description="most data rows")
    left_over_rows: int = Field(
        default=2_000_000, ge=0, description="most rows beyond a limit that are kept, to be handed back as they are"
    )
    columns: int = Field(default=200, description="most columns")
    group_rows: int = Field(default=20_000, description="most rows of one product")
    group_megabytes: int = Field(default=16, description="most text of one product")
    text_megabytes: int = Field(default=2_000, description="most text of all rows, each repetition counted")
    inflated_megabytes: int = Field(default=4_000, description="largest workbook once unpacked")
    inflate_ratio: int = Field(default=250, description="most a part of a workbook may grow when unpacked")
    archive_entries: int = Field(default=2_000, description="most parts of a workbook")
    reader_megabytes: int = Field(default=768, description="address space of the reading process")
    reader_cpu_seconds: int = Field(default=900, description="processor time of the reading process")
    reader_silence_seconds: float = Field(default=120, description="longest the reading process may say nothing")
    looks_at_once: int = Field(
        default=2,
        ge=1,
        description="files it looks at before they are imported, at the same time and beside the imports",
    )
    look_seconds: float = Field(default=15, gt=0, description="longest such a look may take")
    first_chunk_rows: int = Field(default=250, description="rows of the first chunk, so that it is done early")
    chunk_rows: int = Field(default=4_000, description="rows of every other chunk")
    chunk_megabytes: int = Field(default=4, description="text from which on a chunk takes no further product")
    reread_after_seconds: float = Field(
        default=10, description="a file whose reading has not got on for this time is read by whoever is free"
    )
    lock_patience_seconds: float = Field(default=1, description="wait for another process that reads the same file")
    admit_unknown_tenants: bool = Field(
        default=False, description="take files of tenants that are not registered, and register them"
    )
    folder: Path | None = Field(
        default=None, description="where files are kept while they are read; default: the system's own"
    )

    @property
    def chunk_sizes(self) -> ChunkSizes:
        """How files are cut."""
        return ChunkSizes(
            first_rows=self.first_chunk_rows,
            rows=self.chunk_rows,
            chunk_bytes=self.chunk_megabytes * 1_000_000,
            group_rows=self.group_rows,
            group_bytes=self.group_megabytes * 1_000_000,
        )

    @property
    def look_limits(self) -> Limits:
        """The same for a look at the first rows."""
        return replace(self.limits, cpu_seconds=min(self.reader_cpu_seconds, math.ceil(self.look_seconds)))

    @property
    def limits(self) -> Limits:
        """What the reading process is told."""
        return Limits(
            rows=self.rows,
            left_over_rows=self.left_over_rows,
            columns=self.columns,
            text_bytes=self.text_megabytes * 1_000_000,
            inflated_bytes=self.inflated_megabytes * 1_000_000,
            inflate_ratio=self.inflate_ratio,
            archive_entries=self.archive_entries,
            address_space=self.reader_megabytes * 1024 * 1024,
            cpu_seconds=self.reader_cpu_seconds,
        )
