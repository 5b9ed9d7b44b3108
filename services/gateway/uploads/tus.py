"""The words of the tus protocol, version 1.0: headers in, headers out. Pure."""

import base64
import binascii
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime

from services.gateway.problems import Refused
from services.gateway.uploads.repository import Upload

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,expiration,termination"
BODY = "application/offset+octet-stream"
HEADERS: Mapping[str, str] = {"Tus-Resumable": VERSION, "Cache-Control": "no-store"}
_DIGITS = 18


def check_version(said: str | None) -> None:
    """Let pass whoever speaks this version.

    Raises:
        Refused: another, or none.
    """
    if said != VERSION:
        raise Refused(
            "precondition",
            f"This speaks tus {VERSION}; the header Tus-Resumable says {said or 'nothing'}.",
            headers={"Tus-Version": VERSION, **HEADERS},
        )


@contextmanager
def speaking() -> Iterator[None]:
    """Have what is refused say that this speaks tus."""
    try:
        yield
    except Refused as refused:
        refused.headers.update(HEADERS)
        raise


def number(name: str, said: str | None) -> int:
    """A number out of a header.

    Raises:
        Refused: it is none, or not there.
    """
    if said is None or not said.isascii() or not said.isdigit() or len(said) > _DIGITS:
        raise Refused("malformed", f"The header {name} has to be a number of bytes.", headers=HEADERS)
    return int(said)


def metadata(said: str | None) -> dict[str, str]:
    """What Upload-Metadata says, by key.

    Raises:
        Refused: it is not as the protocol has it.
    """
    found: dict[str, str] = {}
    for pair in filter(None, map(str.strip, (said or "").split(","))):
        key, _, value = pair.partition(" ")
        try:
            found[key] = base64.b64decode(value.strip(), validate=True).decode()
        except (binascii.Error, ValueError):
            raise Refused(
                "malformed", f"Upload-Metadata: the value of {key[:50]} has to be base64 of UTF-8.", headers=HEADERS
            ) from None
    return found


def file_name(said: Mapping[str, str]) -> str:
    """The file's name out of the metadata: `filename`, or `name`; empty when neither is said."""
    return said.get("filename") or said.get("name") or ""


def headers_of(upload: Upload) -> dict[str, str]:
    """How far an upload is, and until when it can be gone on with."""
    said = {**HEADERS, "Upload-Offset": str(upload.received)}
    if upload.size is None:
        said["Upload-Defer-Length"] = "1"
    else:
        said["Upload-Length"] = str(upload.size)
    if not upload.is_complete:
        said["Upload-Expires"] = http_date(upload.expires_at)
    return said


def metadata_of(upload: Upload) -> str:
    """Upload-Metadata of an upload."""
    return f"filename {base64.b64encode(upload.file_name.encode()).decode()}"


def http_date(at: datetime) -> str:
    """A moment as HTTP has it."""
    return format_datetime(at.astimezone(UTC), usegmt=True)
