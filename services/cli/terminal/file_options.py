"""How a file is to be read, as it is said to the command."""

from pydantic import ValidationError

from services.cli.exits import USAGE, CommandFailed
from shared.entities.separators import USUAL_SEPARATORS
from shared.events.model import FileOptions

_DELIMITERS = {**{name: separator for separator, name in USUAL_SEPARATORS.items()}, "\\t": "\t"}


def file_options(
    sheet: str | None,
    delimiter: str | None,
    encoding: str | None,
    *,
    decimal: str | None = None,
    heading_row: int | None = None,
    hold: bool = False,
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
        "heading_row": heading_row,
        "hold": hold,
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
