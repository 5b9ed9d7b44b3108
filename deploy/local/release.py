"""Which code this checkout has, to tell processes that run an older one."""

import hashlib
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[2]

# What a service process or its supervisor runs; the command line is started each time.
_SOURCES = ("services", "shared", "deploy/local")
_NOT_RUN = ("services/cli/",)
_PINNED = ("locks/development.txt", "pyproject.toml")


def release_of(project: Path = PROJECT) -> str:
    """A fingerprint of the code, of the versions it is pinned to and of the Python: equal when all are."""
    digest = hashlib.sha256(sys.version.encode())
    for path in sorted(_files(project)):
        name = path.relative_to(project).as_posix()
        digest.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()[:16]


def _files(project: Path) -> list[Path]:
    found = [path for name in _PINNED if (path := project / name).is_file()]
    for top in _SOURCES:
        found.extend(
            path
            for path in (project / top).rglob("*")
            if path.is_file()
            and "__pycache__" not in path.parts
            and not path.relative_to(project).as_posix().startswith(_NOT_RUN)
        )
    return found
