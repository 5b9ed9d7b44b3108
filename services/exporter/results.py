"""Where the files of an import lie, and what a person finds in the downloads folder."""

import re
import unicodedata
from dataclasses import dataclass
from uuid import UUID

_LONGEST_STEM, _MOST_BYTES = 80, 200
_UNSAFE = re.compile(r'[\\/:*?"<>|%#&{}$!`=@+\x00-\x1f\x7f]+')
_CORRECTED_BEFORE = re.compile(r"(-corrections|-failed-rows|-unprocessed)+$")


@dataclass(frozen=True, slots=True)
class ResultKeys:
    """Object keys in the results bucket."""

    correction: str
    failed_rows: str
    unprocessed: str


def result_keys(tenant_id: str, import_id: UUID, file_name: str) -> ResultKeys:
    """The keys of the files of an import: the same for the same import, within the tenant's own prefix."""
    stem = file_stem(file_name)
    folder = f"{tenant_id}/corrections/{import_id}"
    return ResultKeys(
        f"{folder}/{stem}-corrections.xlsx", f"{folder}/{stem}-failed-rows.csv", f"{folder}/{stem}-unprocessed.csv"
    )


def file_stem(file_name: str) -> str:
    """The readable part of a file's name, safe as part of a path, a key and a link in every system.

    Folders and the ending go, whatever a shell, a path or a link could misread becomes a space; a correction of a
    correction does not say so twice. Never empty, never longer than 80 characters or 200 bytes: with its
    ending it has to fit the 255 bytes that file systems, and storage above them, take.
    """
    name = unicodedata.normalize("NFC", file_name.replace("\\", "/").rsplit("/", 1)[-1])
    stem, dot, ending = name.rpartition(".")
    if not dot or not ending.isalnum():
        stem = name
    visible = "".join(char if char.isprintable() else " " for char in stem)
    words = " ".join(_UNSAFE.sub(" ", visible).split()).strip(" .-")
    short = _CORRECTED_BEFORE.sub("", words)[:_LONGEST_STEM].encode()[:_MOST_BYTES].decode(errors="ignore")
    return short.strip(" .-") or "import"
