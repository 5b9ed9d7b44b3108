"""Where files lie while they are read."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Workspace:
    """A folder of this process below a folder of all parsers; what killed ones left behind is removed."""

    def __init__(self, folder: Path | None) -> None:
        self._all = folder or Path(tempfile.gettempdir()) / f"winnow-parser-{os.getuid()}"
        self._mine = self._all / str(os.getpid())

    def clean(self) -> None:
        """Remove what processes left that do not live any more. To be called before this one has any file."""
        self._all.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in self._all.iterdir():
            # Our own id: in a container every life of the parser has the same one.
            is_dead = left == self._mine or not Path(f"/proc/{left.name}").exists()
            if left.name.isdigit() and is_dead:
                shutil.rmtree(left, ignore_errors=True)

    @contextmanager
    def file(self) -> Iterator[Path]:
        """A path for one file; gone when the block ends."""
        self._mine.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=self._mine))
        try:
            yield folder / "upload"
        finally:
            shutil.rmtree(folder, ignore_errors=True)
