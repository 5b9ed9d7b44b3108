"""Files that are handed back: where they lie, and how they are handed out."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from urllib.parse import quote
from uuid import UUID

from fastapi.responses import StreamingResponse
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.types import Receive, Scope, Send

from services.gateway.problems import Refused, unknown
from services.gateway.resources import Gateway
from shared.api.imports import FileKind
from shared.ledger import ImportProgress, read_import
from shared.storage.answers import ObjectMissing, ObjectUnavailable, ObjectUnreadable
from shared.storage.object_store import OpenObject

_TYPES = {
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".csv": "text/csv; charset=utf-8",
}
_COLUMNS: Mapping[FileKind, str] = {
    "corrections": "correction_object_key",
    "failed_rows": "failed_rows_object_key",
    "unprocessed_rows": "unprocessed_object_key",
}
# Of the rest of ASCII nothing is misread in a quoted string by any browser.
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ._-()[],'")


@dataclass(frozen=True)
class StoredFile:
    """A file in the results bucket, and the name it is handed out under."""

    key: str
    file_name: str


async def find_file(conn: AsyncConnection, import_id: UUID, kind: FileKind) -> StoredFile:
    """The file of this kind of an import.

    Raises:
        Refused: there is no such import, or it has no such file, not yet, or not any more.
    """
    progress = await read_import(conn, import_id)
    if progress is None:
        raise unknown("import")
    key: str | None = getattr(progress, _COLUMNS[kind])
    if progress.results_removed_at is not None:
        kept = progress.kept_for(progress.results_removed_at)
        raise Refused("gone", f"The file is not there any more: it was kept for {kept} after the import had ended.")
    if key is None:
        raise (
            Refused("not-found", _why_not(progress, kind))
            if not _is_awaited(progress, kind)
            else Refused("conflict", "The file is not there yet: it is written when the import has ended.")
        )
    return StoredFile(key, key.rpartition("/")[2])


def _is_awaited(progress: ImportProgress, kind: FileKind) -> bool:
    if not progress.ended:
        return True
    has = progress.has_exportable_unprocessed if kind == "unprocessed_rows" else progress.has_exportable_failures
    return has and progress.awaits_files


def _why_not(progress: ImportProgress, kind: FileKind) -> str:
    if progress.error is not None:
        return "There is no such file of this import."
    rows = "not processed" if kind == "unprocessed_rows" else "failed"
    return f"There is no such file: no row of this import is {rows}."


async def handed_out(ways: Gateway, file: StoredFile) -> StreamingResponse:
    """The answer that streams a file of the results bucket.

    Raises:
        Refused: storage does not hand it out.
    """
    stack = AsyncExitStack()
    try:
        opened = await stack.enter_async_context(ways.store.opened(ways.storage.results_bucket, file.key))
    except (ObjectMissing, ObjectUnreadable) as missing:
        raise Refused("gone", "The file is not there any more.") from missing
    except ObjectUnavailable as away:
        raise Refused(
            "storage", "Storage cannot be reached just now; try again.", headers={"Retry-After": "5"}
        ) from away

    return _FileAnswer(opened, stack, headers_of(file.file_name, opened.size))


class _FileAnswer(StreamingResponse):
    """Lets go of the object however the answer ends, also when nobody takes a byte of it."""

    def __init__(self, opened: OpenObject, stack: AsyncExitStack, headers: Mapping[str, str]) -> None:
        super().__init__(opened.pieces(), headers=headers)
        self._stack = stack

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._stack:
            await super().__call__(scope, receive, send)


def headers_of(file_name: str, size: int | None = None) -> dict[str, str]:
    """What is said of a file that is handed out: to be saved under this name, and kept by nobody in between."""
    _, dot, ending = file_name.rpartition(".")
    said = {
        "Content-Type": _TYPES.get(f"{dot}{ending.lower()}", "application/octet-stream"),
        "Content-Disposition": disposition(file_name),
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return said if size is None else {**said, "Content-Length": str(size)}


def disposition(file_name: str) -> str:
    """`Content-Disposition` of an attachment (RFC 6266, RFC 8187): whatever the name says, it is one name of one file."""
    name = file_name.replace("\\", "/").rpartition("/")[2]
    name = "".join(char if char.isprintable() and char not in '"<>|:*?' else "_" for char in name).strip(". ") or "file"
    plain = "".join(char if char in _PLAIN else "_" for char in name)
    said = f'attachment; filename="{plain}"'
    return said if plain == name else f"{said}; filename*=UTF-8''{quote(name, safe='')}"
