"""What a cell says in a field of a record: a value that can be kept, or why it cannot be."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Context, Decimal
from functools import lru_cache
from typing import TypeAlias

from shared.entities.cells import BLANKS, Cell, cell_text, has_lost_digits
from shared.entities.decimals import ColumnSign
from shared.entities.declaration import Decimals, Field, Kind
from shared.entities.errors import CellError, shown
from shared.entities.names import name_key, seen_identifier, seen_name
from shared.values.dates import read_date, read_moment
from shared.values.decimal_texts import plain_number
from shared.values.emails import read_email
from shared.values.formatted import read_formatted
from shared.values.how import How
from shared.values.indexed import too_long
from shared.values.numbers import Figure, read_decimal
from shared.values.parts import by_comma, parts_of
from shared.values.phones import read_phone
from shared.values.web import link_key, read_link
from shared.values.words import colour_key, option_id, read_boolean, read_colour, tag_name, unknown_option

Part: TypeAlias = str | bool | Decimal
Value: TypeAlias = Part | list[Part] | None
"""What a cell says: None for a blank one; a list where the field may have several values."""

OF_RECORDS = frozenset(Kind) - {
    *(
        Kind.TEXT,
        Kind.KEY,
        Kind.BARCODE,
        Kind.NAME,
        Kind.NAMES,
        Kind.MATERIALS,
        Kind.PERCENTAGES,
        Kind.DECIMAL,
        Kind.URL,
    ),
    *(Kind.CHOICE, Kind.PATH),
}
"""The kinds that only fields of records have, beside texts and names."""

SEEN_ALONE = frozenset({Kind.ID, Kind.EMAIL, Kind.PHONE, Kind.LINK, Kind.COLOUR})
"""The kinds in whose texts nothing counts that is not seen."""

_WIDEST = Decimals(precision=38, scale=18)
_CACHED_LENGTH = 64
_EXACT = Context(prec=100)


def read_value(field: Field, said: Cell, how: How) -> Value | CellError:
    """What a cell says, in the shape it is kept in (`to_json`). Not for `Kind.RECORD` and `Kind.ID`.

    A text is the cell's, a date cell of a workbook may be given as its ISO text. Of several parts each that is wrong is named;
    repeats are kept once. Blank is None; `0` and `false` are values.
    """
    if not isinstance(said, str):
        if said is None:
            return None
        shown_as = of_cell(field, said)
        if isinstance(shown_as, CellError):
            return shown_as
        if not isinstance(shown_as, str):
            number = _number(field, shown_as, how)
            return [number] if field.multi and not isinstance(number, CellError) else number
        said = shown_as
    text = said.strip(BLANKS)
    if not text:
        return None
    if not text.isascii() and field.kind in SEEN_ALONE:
        text = seen_identifier(text)
    if field.multi or field.kind is Kind.TAGS:
        return _several(field, text, how)
    return _READERS[field.kind](field, text, how)


def of_cell(field: Field, cell: Cell) -> Figure | CellError:
    """What is seen in a cell that is no text: a number in a field of numbers, a date in ISO where dates belong, else text."""
    kind = field.kind
    if isinstance(cell, Mapping):
        if kind is Kind.PHONE and has_lost_digits(cell):
            return _lost_digits(cell)
        return read_formatted(cell, field, names_record=False)
    if kind is Kind.NUMBER and isinstance(cell, int | float) and not isinstance(cell, bool):
        return cell
    if kind is Kind.PHONE and has_lost_digits(cell):
        return _lost_digits(cell)
    return cell_text(cell)


def _lost_digits(cell: Cell) -> CellError:
    return CellError(
        "invalid_phone",
        f'"{shown(cell_text(cell))}" is more digits than a program keeps of a number, and some may be lost; format the column '
        f"as text and enter all digits",
    )


def too_many(field: Field, count: int) -> CellError | None:
    """What is wrong with a record that would have so many values of a field."""
    if field.most is None or count <= field.most:
        return None
    return CellError("too_many_values", f"{field.heading} has {count} values; at most {field.most} are kept")


def part_key(field: Field, part: Part) -> Part:
    """What two spellings of one part have in common, among the values of one record."""
    if not isinstance(part, str):
        return part
    kind = field.kind
    if kind is Kind.EMAIL:
        return part.lower()
    if kind is Kind.LINK:
        return link_key(part)
    if kind is Kind.COLOUR:
        return colour_key(part)
    return name_key(part) if kind in _WORDS else part


def merged(field: Field, there: Sequence[Part], said: Sequence[Part]) -> list[Part]:
    """The values a record has when others join those that are there: in order, without repeats, as first written."""
    values: dict[Part, Part] = {}
    for part in (*there, *said):
        values.setdefault(part_key(field, part), part)
    return list(values.values())


def displayed(field: Field, value: Value) -> str:
    """A value that was read, as people see it: options by name, several parts with semicolons."""
    if value is None:
        return ""
    if isinstance(value, list):
        return "; ".join(displayed(field, part) for part in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return format(value, "f")
    if field.kind is Kind.SELECT:
        return next((option.name for option in (*field.options, *field.past_options) if option.id == value), value)
    return value


_WORDS = frozenset({Kind.TAGS, Kind.TEXT, Kind.NAME})


def _several(field: Field, text: str, how: How) -> Value | CellError:
    read = _READERS[field.kind]
    parts = _parts(field, text)
    if len(parts) == 1:
        only = read(field, parts[0], how)
        return only if isinstance(only, CellError) else [only]
    values: dict[Part, Part] = {}
    wrong: list[CellError] = []
    for part in parts:
        value = read(field, part, how)
        if isinstance(value, CellError):
            wrong.append(value)
        else:
            values.setdefault(part_key(field, value), value)
    if wrong:
        return wrong[0] if len(wrong) == 1 else _all(wrong)
    return too_many(field, len(values)) or (list(values.values()) or None)


def _all(wrong: Sequence[CellError]) -> CellError:
    return CellError(wrong[0].code, "; ".join(dict.fromkeys(error.message for error in wrong)))


def _parts(field: Field, text: str) -> list[str]:
    parts = parts_of(field, text)
    if field.kind is not Kind.SELECT or "," not in text:
        return parts
    # An option's own name may have a comma.
    return [piece for part in parts for piece in ([part] if option_id(part, field) is not None else by_comma(part))]


def _text(field: Field, text: str, _how: How) -> str | CellError:
    if field.longest is not None and len(text) > field.longest:
        return CellError(
            "invalid_cell",
            f'"{shown(text)}" has {len(text):,} characters; at most {field.longest:,} are kept; shorten it',
        )
    return (too_long(text, name_key(text)) if field.is_unique else None) or text


def _name(field: Field, text: str, how: How) -> str | CellError:
    name = seen_name(text)
    key = name_key(name)
    if not key:
        return CellError(
            "invalid_cell", "The name has no character that can be seen; write one, or leave the cell empty"
        )
    error = too_long(name, key)
    return error if error is not None else _text(field, name, how)


def _link(field: Field, text: str, _how: How) -> str | CellError:
    link = read_link(text)
    if isinstance(link, CellError) or not field.is_unique:
        return link
    return too_long(link, link_key(link)) or link


def _number(field: Field, said: Figure, how: How) -> Decimal | CellError:
    kept = field.decimals or _WIDEST
    if not isinstance(said, str):
        return _in_places(read_decimal(said, kept, signed=True), kept.scale)
    read = _number_text if len(said) <= _CACHED_LENGTH else _number_text.__wrapped__
    return read(said, kept.precision, kept.scale, how.sign)


@lru_cache(maxsize=8_192)
def _number_text(text: str, precision: int, scale: int, sign: ColumnSign) -> Decimal | CellError:
    plain = plain_number(text, Kind.NUMBER, sign)
    if isinstance(plain, CellError):
        return plain
    return _in_places(read_decimal(plain, Decimals(precision, scale), signed=True), scale)


def _in_places(number: Decimal | CellError, scale: int) -> Decimal | CellError:
    """A number without zeros behind the places that are kept."""
    if isinstance(number, CellError):
        return number
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or exponent >= -scale:
        return number
    return number.quantize(Decimal(1).scaleb(-scale), context=_EXACT)


def _option(field: Field, text: str, _how: How) -> str | CellError:
    found = option_id(text, field)
    return unknown_option(text, field) if found is None else found


def _tag(field: Field, text: str, how: How) -> str | CellError:
    tag = _name(field, text, how)
    return tag if isinstance(tag, CellError) else tag_name(tag, field)


def _not_read(field: Field, _text: str, _how: How) -> CellError:
    raise ValueError(f"{field.code}: a {field.kind} is not read as a value")


_Reader: TypeAlias = Callable[[Field, str, How], Part | CellError]

_READERS: Mapping[Kind, _Reader] = {
    **dict.fromkeys(Kind, _not_read),
    Kind.TEXT: _text,
    Kind.LONG_TEXT: _text,
    Kind.NAME: _name,
    Kind.BOOLEAN: lambda _field, text, _how: read_boolean(text),
    Kind.NUMBER: _number,
    Kind.DATE: lambda _field, text, how: read_date(text, how),
    Kind.MOMENT: lambda _field, text, how: read_moment(text, how),
    Kind.EMAIL: lambda _field, text, _how: read_email(text),
    Kind.PHONE: lambda _field, text, how: read_phone(text, how.region),
    Kind.LINK: _link,
    Kind.SELECT: _option,
    Kind.TAGS: _tag,
    Kind.COLOUR: lambda _field, text, _how: read_colour(text),
}
