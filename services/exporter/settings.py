"""What the exporter is told by its environment (prefix `WINNOW_EXPORTER_`), beside what every service is told."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.runtime.settings import Settings


class ExporterSettings(Settings):
    """How much of the machine an export may take."""

    model_config = SettingsConfigDict(env_prefix="WINNOW_EXPORTER_", frozen=True)

    work_folder: Path | None = Field(
        default=None, description="where files are written before they are stored; default: the system's own"
    )
    batch_rows: int = Field(default=500, ge=1, description="rows read from the database at a time")
    comments: int = Field(
        default=20_000,
        ge=0,
        description="bad cells that get a comment; further ones are red, with their errors in the last column only",
    )
