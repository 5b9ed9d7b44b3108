"""How a file is to be read, as it is said to the command."""

from pathlib import Path

from pydantic import ValidationError

from services.cli.exits import USAGE, CommandFailed
from shared.entities.separators import USUAL_SEPARATORS
from shared.events.model import FileOptions

# A zip file, and what workbooks were before; a file packed with gzip may be either.
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_PACKED = (b"\x1f\x8b",)
_DELIMITERS = {**{name: separator for separator, name in USUAL_SEPARATORS.items()}, "\\t": "\t"}


def file_options(
    sheet: str | None,
    delimiter: str | None,
    encoding: str | None,
    *,
    decimal: str | None = None,
    dates: str | None = None,
    heading_row: int | None = None,
    hold: bool = False,
    guided: bool = False,
    allow_repeat: bool = False,
    existing: str = "refuse",
    blanks: str = "keep",
    mode: str = "create",
) -> FileOptions:
    """How a file is to be read, and what becomes of its rows.

    Raises:
        CommandFailed: one of them cannot be, or not in this mode.
    """
    separator = _DELIMITERS.get(delimiter or "", delimiter)
    if separator is not None and separator not in _DELIMITERS.values():
        raise CommandFailed(
            f'--delimiter "{delimiter}" is none we know: type comma, semicolon, pipe or tab', code=USAGE
        )
    said = {
        "sheet": sheet,
        "delimiter": separator,
        "encoding": encoding,
        "decimal": decimal,
        "dates": dates,
        "heading_row": heading_row,
        "hold": hold,
        "guided": guided,
        "allow_repeat": allow_repeat,
        "existing": existing,
        "blanks": blanks,
    }
    try:
        options = FileOptions.model_validate(said)
    except ValidationError as error:
        problem = error.errors()[0]
        raise CommandFailed(f"--{str(problem['loc'][0]).replace('_', '-')}: {problem['msg']}", code=USAGE) from None
    if (misplaced := options.misplaced(mode)) is not None:
        option, modes = misplaced
        raise CommandFailed(f"--{option.replace(':', '')} has no meaning in mode {mode}, only in {modes}", code=USAGE)
    return options


def refuse_senseless(path: Path, options: FileOptions) -> None:
    """Let pass what goes with the kind of file: sheets are in workbooks, separators and encodings in text.

    Raises:
        CommandFailed: an option would be passed over.
    """
    with path.open("rb") as file:
        begins = file.read(max(map(len, (*_WORKBOOKS, *_PACKED))))
    if begins.startswith(_PACKED):
        return
    is_workbook = begins.startswith(_WORKBOOKS)
    said = (
        {"--sheet": options.sheet}
        if not is_workbook
        else {
            "--delimiter": options.delimiter,
            "--encoding": options.encoding,
        }
    )
    for option, value in said.items():
        if value is not None:
            why = "is a workbook" if is_workbook else "is no workbook, and has no sheets"
            raise CommandFailed(f"{option} has no meaning here: {path.name} {why}. Leave it out", code=USAGE)
