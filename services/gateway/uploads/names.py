"""Which files are taken: by their names and sizes, before a byte of them is. Pure.

What a file is in truth, the parser finds out; these are the words it would have for what its name says already.
"""

from pathlib import PurePosixPath

EXTENSIONS = (".xlsx", ".csv", ".tsv", ".txt")
"""What is read. Any of them may be packed with gzip (`.csv.gz`)."""

LONGEST_NAME = 255
_PACKED = ".gz"
_ACCEPTED = "Send an Excel workbook (.xlsx) or a text file (.csv, .tsv, .txt)"
_OTHERS = {
    ".xls": "is an old Excel file (.xls). Open it and save it as an Excel workbook (.xlsx), then send that",
    ".xlsm": "is a workbook with macros (.xlsm). Save it as an Excel workbook (.xlsx) without macros, then send that",
    ".xlsb": "is a binary workbook (.xlsb). Save it as an Excel workbook (.xlsx), then send that",
    ".ods": "is an OpenDocument file (.ods). Save it as an Excel workbook (.xlsx), then send that",
    ".numbers": "is a Numbers file. Export it as an Excel workbook (.xlsx) or CSV, then send that",
}
_KEY_BYTES = 255


class FileNotTaken(Exception):
    """A file that is not taken: {detail}. `slug` is the kind of problem it is."""

    def __init__(self, slug: str, detail: str) -> None:
        super().__init__(detail)
        self.slug = slug
        self.detail = detail


def file_name(said: str) -> str:
    """The name of a file as its sender knows it, without the folders that some programs say before it.

    Raises:
        FileNotTaken: it is none, is too long, or has an extension of something else than is read.
    """
    name = said.replace("\\", "/").rpartition("/")[2].strip()
    if not name or name in {".", ".."}:
        raise FileNotTaken("invalid", "The file has no name. Send it with one that ends in .xlsx, .csv, .tsv or .txt")
    if len(name) > LONGEST_NAME:
        raise FileNotTaken("invalid", f"The file's name has {len(name):,} characters; at most {LONGEST_NAME} are taken")
    if not name.isprintable():
        raise FileNotTaken("invalid", "The file's name has characters that cannot be shown. Name it otherwise")
    extension = _extension(name)
    if extension not in EXTENSIONS:
        what = _OTHERS.get(extension, f"is none of the files that are read. {_ACCEPTED}")
        raise FileNotTaken("unsupported-media-type", f'"{name}" {what}')
    return name


def check_size(name: str, size: int, *, megabytes: int) -> None:
    """Let sizes pass that are taken.

    Raises:
        FileNotTaken: it is empty, or larger.
    """
    if size == 0:
        raise FileNotTaken(
            "invalid", f'"{name}" is empty: it has no bytes at all. Export it once more and send it again'
        )
    if size > megabytes * 1_000_000:
        raise FileNotTaken("too-large", too_large(name, f"{size / 1_000_000:,.1f}", megabytes=megabytes))


def too_large(name: str, size: str, *, megabytes: int) -> str:
    """What is said of a file with so many megabytes (in words)."""
    return f'"{name}" has {size} MB; at most {megabytes:,} MB are taken. Split it into several files and send those'


def object_key(tenant: str, upload: str, number: int, name: str) -> str:
    """Where a file lies: below its tenant and its upload, by a number that no other attempt at it has."""
    safe = "".join(char if char.isprintable() and char not in "/\\" else "_" for char in name)
    stem, extension = safe[: len(safe) - len(_suffix(safe))], _suffix(safe)
    while len((stem + extension).encode()) > _KEY_BYTES:
        stem = stem[:-1]
    return f"{tenant}/uploads/{upload}/{number}/{stem}{extension}"


def content_type(name: str) -> str:
    """What storage is told a file is."""
    workbook = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return workbook if name.lower().endswith(".xlsx") else "application/octet-stream"


def _extension(name: str) -> str:
    path = PurePosixPath(name.lower())
    return PurePosixPath(path.stem).suffix if path.suffix == _PACKED else path.suffix


def _suffix(name: str) -> str:
    # As it is written.
    return name[len(name) - len("".join(PurePosixPath(name).suffixes[-2:])) :] if PurePosixPath(name).suffix else ""
