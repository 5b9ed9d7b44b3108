"""What the parser works with."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from services.parser.download import Download, UploadStore
from services.parser.reading.readers import Readers
from services.parser.reading.workspace import Workspace
from services.parser.settings import ParserSettings
from services.parser.staging import StagingSettings


@dataclass(frozen=True)
class Dependencies:
    """What the parser works with. `beat` is called whenever it has got on.

    Without `readers` each file waits for a reading process to start.
    """

    engine: AsyncEngine
    store: UploadStore
    bucket: str
    settings: ParserSettings
    workspace: Workspace
    reemit_after: timedelta
    beat: Callable[[], None]
    readers: Readers | None = None

    @property
    def download(self) -> Download:
        """How objects come here."""
        return Download(self.store, self.bucket, self.settings.file_megabytes, self.beat)

    @property
    def staging(self) -> StagingSettings:
        """How rows are staged."""
        return StagingSettings(self.settings.chunk_sizes, self.reemit_after)
