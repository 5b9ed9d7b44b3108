"""Style sheet, scripts, icons and fonts, under names that hold their hash: a browser asks for each once.

What is copied from others lies here under such a name already (`make assets`); what is ours gets it when it is served.
"""

import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import APIRouter, HTTPException, Request, Response

FOLDER = Path(__file__).resolve().parent.parent / "static"

router = APIRouter(include_in_schema=False)

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}
_HASHED = re.compile(r"^(?P<stem>.+)-[0-9a-f]{10}(?P<ending>\.\w+)$")
_FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class StaticFile:
    """One file: what its type is, and its bytes, also compressed when that is shorter."""

    content_type: str
    content: bytes
    compressed: bytes | None


@dataclass(frozen=True)
class StaticFiles:
    """All of them, by the name in their address, and which address each is asked for by its own name."""

    files: Mapping[str, StaticFile]
    addresses: Mapping[str, str]


@cache
def static_files() -> StaticFiles:
    """Read once; a few hundred kilobytes."""
    files: dict[str, StaticFile] = {}
    addresses: dict[str, str] = {}
    for path in sorted(FOLDER.iterdir()):
        content = path.read_bytes()
        hashed = _HASHED.match(path.name)
        digest = hashlib.sha256(content).hexdigest()[:10]
        name = path.name if hashed else f"{path.stem}-{digest}{path.suffix}"
        compressed = None if path.suffix == ".woff2" else gzip.compress(content, mtime=0)
        files[name] = StaticFile(_TYPES[path.suffix], content, compressed)
        addresses[f"{hashed['stem']}{hashed['ending']}" if hashed else path.name] = f"/static/{name}"
    return StaticFiles(files, addresses)


def asset(name: str) -> str:
    """The address of a file by the name it has without its hash: `asset("app.css")`.

    Raises:
        KeyError: there is none.
    """
    return static_files().addresses[name]


@router.get("/static/{name}")
async def read_static(name: str, request: Request) -> Response:
    """One of them. Open to everybody: it is the same for all."""
    found = static_files().files.get(name)
    if found is None:
        raise HTTPException(404)
    headers = {"Cache-Control": _FOREVER, "Vary": "Accept-Encoding"}
    content = found.content
    if found.compressed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        content, headers["Content-Encoding"] = found.compressed, "gzip"
    return Response(content, media_type=found.content_type, headers=headers)
