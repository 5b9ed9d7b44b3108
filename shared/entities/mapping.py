"""Which column of a file means which field: decided from the headings alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from shared.entities.declaration import EntityType, Field
from shared.entities.names import column_letter, heading_key


@dataclass(frozen=True, slots=True)
class IgnoredColumn:
    """A column that is kept in the raw rows and not imported.

    `heading` is as in the file (`Column_N` for a blank one, N as the spreadsheet counts columns); `message`
    tells the sender, None when there is nothing to tell.
    """

    index: int
    heading: str
    code: Literal["unknown_column", "blank_heading", "tolerated_column"]
    message: str | None


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """The fields that have a column, by code, with its 0-based index; and the columns that mean nothing."""

    fields: Mapping[str, int]
    ignored: tuple[IgnoredColumn, ...] = ()

    @property
    def notices(self) -> list[dict[str, str]]:
        """What the sender is told about ignored columns, in the shape of `imports.imports.notices`."""
        return [
            {"code": ignored.code, "message": ignored.message, "column": ignored.heading}
            for ignored in self.ignored
            if ignored.message is not None
        ]


@dataclass(frozen=True, slots=True)
class HeadingsRefused:
    """The file cannot be imported with these headings; the message names which and what to do."""

    code: Literal["duplicate_headings", "missing_headings"]
    message: str


MappingOutcome: TypeAlias = ColumnMapping | HeadingsRefused


def map_headings(entity: EntityType, headings: Sequence[str], mode: str) -> MappingOutcome:
    """Give each heading its meaning, or refuse them all with every reason.

    Headings are compared by `heading_key`. Two columns of one meaning are refused, for nobody can say which is
    meant; so is a file without the columns its mode needs. Unknown, blank and tolerated ones are ignored.
    """
    found: dict[str, list[int]] = {}
    ignored: list[IgnoredColumn] = []
    for index, heading in enumerate(headings):
        field = entity.by_heading_key.get(heading_key(heading))
        if field is not None:
            found.setdefault(field.code, []).append(index)
        else:
            ignored.append(_ignored(entity, index, heading))
    twice = [_clash(entity.by_code[code], indexes, headings) for code, indexes in found.items() if indexes[1:]]
    missing = _missing(entity, found, mode)
    if twice or missing:
        return _refused(twice, missing)
    return ColumnMapping({code: indexes[0] for code, indexes in found.items()}, tuple(ignored))


def _refused(twice: Sequence[str], missing: Sequence[str]) -> HeadingsRefused:
    reasons = [f"{clash}; remove or rename all but one." for clash in twice]
    if missing:
        columns = "a column" if len(missing) == 1 else "columns"
        reasons.append(f"Missing {columns}: {', '.join(missing)}; add what is missing to the heading row.")
    return HeadingsRefused("duplicate_headings" if twice else "missing_headings", " ".join(reasons))


def _clash(field: Field, indexes: Sequence[int], headings: Sequence[str]) -> str:
    named = [f'{column_letter(index)} ("{headings[index].strip()}")' for index in indexes]
    both = "both" if len(named) == 2 else "all"  # noqa: PLR2004 - both are two
    return f"Columns {', '.join(named[:-1])} and {named[-1]} {both} mean {field.heading}"


def _missing(entity: EntityType, found: Mapping[str, list[int]], mode: str) -> list[str]:
    return [
        " or ".join(entity.by_code[code].heading for code in codes)
        for codes in entity.required_columns(mode)
        if not any(code in found for code in codes)
    ]


def _ignored(entity: EntityType, index: int, heading: str) -> IgnoredColumn:
    key = heading_key(heading)
    letter = column_letter(index)
    if not key:
        name = f"Column_{index + 1}"
        return IgnoredColumn(
            index, name, "blank_heading", f"Column {letter} has no heading and was not imported ({name})"
        )
    tolerated = entity.tolerated_by_heading_key.get(key)
    if tolerated is None:
        message = f'Column {letter} ("{heading.strip()}") is not known and was not imported'
        return IgnoredColumn(index, heading, "unknown_column", message)
    said = None if tolerated.notice is None else f'Column {letter} ("{heading.strip()}"): {tolerated.notice}'
    return IgnoredColumn(index, heading, "tolerated_column", said)
