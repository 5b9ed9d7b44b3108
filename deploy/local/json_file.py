"""A small JSON file that is always whole, and that only its owner reads."""

import json
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class JsonFile:
    """Replaced as a whole: whoever reads sees what was there before or what is there now, also when the disk is full."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> dict[str, Any]:
        """What is in it; nothing when there is no file."""
        try:
            return dict(json.loads(self.path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return {}

    def write(self, content: Mapping[str, Any]) -> None:
        """Replace what is in it.

        Raises:
            OSError: it could not be written; what was there before still is.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        written = self.path.with_name(f".{self.path.name}.{os.getpid()}-{threading.get_ident()}")
        try:
            with os.fdopen(
                os.open(written, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
            ) as file:
                json.dump(content, file, indent=2)
                file.flush()
                os.fsync(file.fileno())
            written.replace(self.path)
        finally:
            written.unlink(missing_ok=True)
