"""Which column of a file means which field: decided from the headings alone, or chosen by a person."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal, TypeAlias

from shared.entities.declaration import EntityType, Field
from shared.entities.errors import shown
from shared.entities.names import column_letter, heading_key, without_remark

MAPPING_NOTICES = frozenset({"unknown_column", "blank_heading", "tolerated_column", "unmapped_column"})
"""Codes of the notices that follow from a mapping, and change with it."""

_TOLD_EACH = 20
"""So many ignored columns are told one by one; the rest is counted."""

_NAMED_HEADINGS, _NEAR, _COMPARED_LENGTH, _COMPARED_HEADINGS = 12, 0.75, 60, 200


@dataclass(frozen=True, slots=True)
class IgnoredColumn:
    """A column that is kept in the raw rows and not imported.

    `heading` is as in the file (`Column_N` for a blank one, N as the spreadsheet counts columns); `message`
    tells the sender, None when there is nothing to tell.
    """

    index: int
    heading: str
    code: Literal["unknown_column", "blank_heading", "tolerated_column", "unmapped_column"]
    message: str | None


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """The fields that have a column, by code, with its 0-based index; and the columns that mean nothing."""

    fields: Mapping[str, int]
    ignored: tuple[IgnoredColumn, ...] = ()

    @property
    def notices(self) -> list[dict[str, Any]]:
        """What the sender is told about ignored columns, in the shape of `imports.imports.notices`.

        As many as anybody reads, and of a heading as much: both can be as long as a file makes them.
        """
        told = [ignored for ignored in self.ignored if ignored.message is not None]
        notices: list[dict[str, Any]] = [
            {"code": ignored.code, "message": ignored.message, "column": shown(ignored.heading)}
            for ignored in told[:_TOLD_EACH]
        ]
        if rest := told[_TOLD_EACH:]:
            first = rest[0]
            said = f"{len(rest):,} further columns were not imported, the first of them {_called(first.index, first.heading)}"
            notices.append({"code": first.code, "message": said, "column": shown(first.heading), "count": len(rest)})
        return notices


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
        field = entity.field_of(heading)
        if field is not None:
            found.setdefault(field.code, []).append(index)
        else:
            ignored.append(_ignored(entity, index, heading))
    twice = [_clash(entity.by_code[code], indexes, headings) for code, indexes in found.items() if indexes[1:]]
    missing = _missing(entity, found, mode)
    if twice or missing:
        unknown = [ignored.heading for ignored in ignored if ignored.code == "unknown_column"]
        wanted = {code for codes in entity.required_columns(mode) if found.keys().isdisjoint(codes) for code in codes}
        return _refused(twice, missing, _nearest(entity, wanted, unknown), headings)
    return ColumnMapping({code: indexes[0] for code, indexes in found.items()}, tuple(ignored))


def chosen_mapping(
    entity: EntityType, headings: Sequence[str], mode: str, fields: Mapping[str, int]
) -> ColumnMapping | list[str]:
    """The mapping a person chose (field code → 0-based column), or everything that is wrong with it."""
    known = {code: index for code, index in fields.items() if code in entity.by_code and 0 <= index < len(headings)}
    problems = [
        f'"{code}" is not a field of {entity.name}; there is {", ".join(entity.by_code)}'
        for code in fields
        if code not in entity.by_code
    ]
    problems += [
        f"There is no column {index + 1} for {entity.by_code[code].heading}; the file has {len(headings)}"
        for code, index in fields.items()
        if code in entity.by_code and code not in known
    ]
    by_column: dict[int, list[str]] = {}
    for code, index in known.items():
        by_column.setdefault(index, []).append(entity.by_code[code].heading)
    problems += [
        f"Column {_called(index, headings[index])} cannot be {' and '.join(meanings)} at once; choose one"
        for index, meanings in sorted(by_column.items())
        if meanings[1:]
    ]
    problems += [
        f"No column is {missing}; choose one"
        for missing in _missing(entity, {code: [index] for code, index in known.items()}, mode)
    ]
    if problems:
        return problems
    ignored = [_left_out(entity, index, heading) for index, heading in enumerate(headings) if index not in by_column]
    return ColumnMapping(known, tuple(ignored))


def _left_out(entity: EntityType, index: int, heading: str) -> IgnoredColumn:
    if entity.field_of(heading) is None:
        return _ignored(entity, index, heading)
    message = f"Column {_called(index, heading)} was given no meaning and was not imported"
    return IgnoredColumn(index, heading, "unmapped_column", message)


def _refused(
    twice: Sequence[str], missing: Sequence[str], nearest: Sequence[str], headings: Sequence[str]
) -> HeadingsRefused:
    reasons = [f"{clash}; remove or rename all but one." for clash in twice]
    if missing:
        named = [shown(heading.strip()) for heading in headings if heading.strip()]
        more = f" and {len(named) - _NAMED_HEADINGS:,} more" if named[_NAMED_HEADINGS:] else ""
        reasons += [
            f"Missing: {', '.join(missing)}.",
            *nearest,
            f"The file has: {', '.join(named[:_NAMED_HEADINGS])}{more}. Start from the template",
        ]
    return HeadingsRefused("duplicate_headings" if twice else "missing_headings", " ".join(reasons))


def _nearest(entity: EntityType, missing: Collection[str], unknown: Sequence[str]) -> list[str]:
    """By unknown heading: the missing field that it is most like, if it is like one."""
    wanted = [(key, field) for key, field in entity.by_heading_key.items() if field.code in missing]
    asked: list[str] = []
    for heading in unknown[:_COMPARED_HEADINGS]:
        key = heading_key(heading)
        if len(key) > _COMPARED_LENGTH or not wanted:
            continue
        likeness, field = max(((_likeness(key, known), field) for known, field in wanted), key=lambda pair: pair[0])
        if likeness >= _NEAR and len(asked) < _NAMED_HEADINGS:
            asked.append(f'"{shown(heading.strip())}": did you mean {field.heading}?')
    return asked


def _likeness(key: str, known: str) -> float:
    """From 0 to 1. A heading that begins or ends with a known one, as `Variant SKU` does, is like it."""
    if key.startswith(known) or key.endswith(known) or known.startswith(key) or known.endswith(key):
        return _NEAR + (1 - _NEAR) * min(len(key), len(known)) / max(len(key), len(known))
    return SequenceMatcher(None, key, known, autojunk=False).ratio()


def _called(index: int, heading: str) -> str:
    return f'{column_letter(index)} ("{shown(heading.strip())}")'


def _clash(field: Field, indexes: Sequence[int], headings: Sequence[str]) -> str:
    named = [_called(index, headings[index]) for index in indexes]
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
    split = without_remark(heading)
    tolerated = entity.tolerated_by_heading_key.get(key) or entity.tolerated_by_heading_key.get(
        split[0] if split else ""
    )
    if tolerated is None:
        message = f"Column {_called(index, heading)} is not known and was not imported{_other_unit(entity, split)}"
        return IgnoredColumn(index, heading, "unknown_column", message)
    said = None if tolerated.notice is None else f"Column {_called(index, heading)}: {tolerated.notice}"
    return IgnoredColumn(index, heading, "tolerated_column", said)


def _other_unit(entity: EntityType, split: tuple[str, str] | None) -> str:
    field = None if split is None else entity.by_heading_key.get(split[0])
    if field is None:
        return ""
    unit = f" with figures in {field.units[0]}" if field.units else ""
    return f"; name it {field.heading}{unit} if that is what it is"
