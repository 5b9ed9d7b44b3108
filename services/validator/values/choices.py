"""One of a few words that the declaration lists."""

from shared.entities.declaration import Field
from shared.entities.errors import CellError, shown


def read_choice(text: str | None, field: Field) -> str | CellError:
    """The choice as it is declared, whatever case it was written in; the first one for a blank cell."""
    choices = field.choices
    if text is None:
        return choices[0]
    if text in choices:
        return text
    written = text.casefold()
    for choice in choices:
        if choice.casefold() == written:
            return choice
    noun = field.heading.lower()
    article = "an" if noun[:1] in "aeiou" else "a"
    listed = f"{', '.join(choices[:-1])} or {choices[-1]}" if choices[1:] else choices[0]
    return CellError("invalid_choice", f'"{shown(text)}" is not {article} {noun}; choose {listed}')
