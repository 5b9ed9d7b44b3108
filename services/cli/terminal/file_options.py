"""How a file is to be read, as it is said to the command."""

from pydantic import ValidationError

from services.cli.exits import USAGE, CommandFailed
from shared.events.model import FileOptions

_DELIMITERS = {"comma": ",", "semicolon": ";", "pipe": "|", "tab": "\t", "\\t": "\t"}


def file_options(sheet: str | None, delimiter: str | None, encoding: str | None, *, hold: bool = False) -> FileOptions:
    """How a file is to be read.

    Raises:
        CommandFailed: one of them cannot be.
    """
    separator = _DELIMITERS.get(delimiter or "", delimiter)
    if separator is not None and separator not in _DELIMITERS.values():
        raise CommandFailed(
            f'--delimiter "{delimiter}" is none we know: type comma, semicolon, pipe or tab', code=USAGE
        )
    try:
        return FileOptions.model_validate({"sheet": sheet, "delimiter": separator, "encoding": encoding, "hold": hold})
    except ValidationError as error:
        problem = error.errors()[0]
        raise CommandFailed(f"--{problem['loc'][0]}: {problem['msg']}", code=USAGE) from None
