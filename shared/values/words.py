"""Values that are one of a few words: booleans, colours, options."""

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from shared.entities.declaration import Field, Option
from shared.entities.errors import CellError, shown
from shared.entities.names import name_key

_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})
_COLOUR = re.compile(r"#(?:[0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})")
_BARE_COLOUR = re.compile(r"(?:[0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})")
_NAMED_OPTIONS = 5
_REMEMBERED = 256


def read_boolean(text: str) -> bool | CellError:
    """Whether it says yes: `true`, `yes`, `on`, `1`, in any case."""
    word = text.lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    return CellError("invalid_boolean", f'"{shown(text)}" is neither yes nor no; type yes or no')


def read_colour(text: str) -> str | CellError:
    """The colour as it was typed, `#RGB` or `#RRGGBB`."""
    if _COLOUR.fullmatch(text):
        return text
    way_out = f"#{text}" if _BARE_COLOUR.fullmatch(text) else "it as #RGB or #RRGGBB, such as #1A73E8"
    return CellError("invalid_colour", f'"{shown(text)}" is no colour; type {way_out}')


def colour_key(text: str) -> str:
    """What two spellings of one colour have in common."""
    digits = text.lower().removeprefix("#")
    return f"#{digits if len(digits) > 3 else ''.join(digit * 2 for digit in digits)}"  # noqa: PLR2004 - #RGB


def option_id(text: str, field: Field) -> str | None:
    """The id of the option that a text names, by its name without case or its id; None when it names none."""
    return _meanings(field.options).get(name_key(text))


def tag_name(text: str, field: Field) -> str:
    """A tag as the field's options have it already, whatever its case; else as it was typed."""
    key = name_key(text)
    return next((option.name for option in field.options if name_key(option.name) == key), text)


def unknown_option(text: str, field: Field) -> CellError:
    """What is said of a text that names no option of a field: the likeliest of them are named."""
    names = [option.name for option in field.options]
    keys = {name_key(name): name for name in names}
    close = [keys[key] for key in get_close_matches(name_key(text[:80]), list(keys), n=_NAMED_OPTIONS, cutoff=0.6)]
    chosen = list(dict.fromkeys([*close, *names]))[:_NAMED_OPTIONS]
    more = f", … ({len(names)} in all)" if len(names) > len(chosen) else ""
    what = f"choose {_either(chosen)}{more}" if chosen else "it has none yet; add one, or clear the cell"
    return CellError("invalid_choice", f'"{shown(text)}" is no option of {field.heading}; {what}')


def _either(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


_known: dict[int, tuple[tuple[Option, ...], Mapping[str, str]]] = {}


def _meanings(options: tuple[Option, ...]) -> Mapping[str, str]:
    """Ids by what names them. Kept by the identity of the options: hashing all of them costs more than reading the cell."""
    known = _known.get(id(options))
    if known is not None and known[0] is options:
        return known[1]
    meanings: dict[str, str] = {}
    for option in options:
        meanings.setdefault(name_key(option.name), option.id)
    for option in options:
        meanings.setdefault(name_key(option.id), option.id)
    if len(_known) >= _REMEMBERED:
        _known.clear()
    _known[id(options)] = (options, meanings)
    return meanings
