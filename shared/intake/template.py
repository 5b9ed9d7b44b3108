"""An empty workbook to fill in, made from an entity type's declaration: headings, an example, a guide, lists to choose from.

Group titles are in row 1, headings in row 2, and row 3 is the example, which is not imported while it stands as it is. Cells
of everything but figures are formatted as text, so that a spreadsheet program makes no number or date of what is typed.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any

import xlsxwriter

from shared.entities.cells import cell_text
from shared.entities.declaration import EntityType, Field, GroupKey, Kind, Level
from shared.entities.names import column_letter
from shared.entities.page import counts_on, says
from shared.intake.catalogue import CATEGORIES, KINDS

GUIDE, LISTS = "Guide", "Lists"
"""The sheets beside that of the entity type. What is chosen from is on the second one, which is hidden."""

MOST_OFFERED = 5_000
"""So many names are offered of each kind."""

_LONGEST_MESSAGE = 255
"""What a spreadsheet program takes."""

_TITLES, _HEADINGS, _EXAMPLE, _LAST = 0, 1, 2, 1_048_575
_NARROWEST, _WIDEST = 12, 40
_COLORS = ("#DCE6F1", "#E4DFEC", "#EBF1DE", "#FDE9D9", "#DAEEF3", "#F2DCDB", "#EEECE1")
_A4, _LINE_HEIGHT = 9, 15
_GUIDE_COLUMNS = (("Column", 24), ("Needed", 30), ("What it says", 60), ("Counts on", 36), ("Example", 40))


def offered_kinds(entity: EntityType) -> tuple[str, ...]:
    """The kinds of names of a catalogue (`shared.intake.catalogue.KINDS`) that the template can offer to choose from."""
    return tuple(dict.fromkeys(kind for field in entity.fields if (kind := _kind(field)) is not None))


def write_template(path: Path, entity: EntityType, known: Mapping[str, Sequence[str]] | None = None) -> None:
    """Write the template of an entity type. `known` has the names that are offered, by kind of `offered_kinds`."""
    with xlsxwriter.Workbook(str(path), {"strings_to_urls": False}) as book:
        sheet = book.add_worksheet(entity.sheet)
        guide = book.add_worksheet(GUIDE)
        _write_titles(book, sheet, entity)
        _write_columns(book, sheet, entity)
        sheet.freeze_panes(_EXAMPLE, 1)
        sheet.set_landscape()
        sheet.set_paper(_A4)
        sheet.repeat_rows(_TITLES, _HEADINGS)
        _write_guide(book, guide, entity)
        _offer(book, sheet, entity, known or {})


def _write_titles(book: Any, sheet: Any, entity: EntityType) -> None:
    for number, section in enumerate(entity.sections):
        columns = [column for column, field in enumerate(entity.fields) if field.section == section]
        title = book.add_format({"bold": True, "bg_color": _COLORS[number % len(_COLORS)], "align": "left"})
        if len(columns) > 1:
            sheet.merge_range(_TITLES, columns[0], _TITLES, columns[-1], section, title)
        else:
            sheet.write_string(_TITLES, columns[0], section, title)


def _write_columns(book: Any, sheet: Any, entity: EntityType) -> None:
    heading = book.add_format({"bold": True, "bg_color": "#F2F2F2", "bottom": 1})
    as_text, plain = book.add_format({"num_format": "@"}), book.add_format()
    faint = {"italic": True, "font_color": "#808080"}
    example = {True: book.add_format({**faint, "num_format": "@"}), False: book.add_format(faint)}
    for column, field in enumerate(entity.fields):
        is_text = field.kind not in {Kind.DECIMAL, Kind.NUMBER}
        said = cell_text(field.example)
        width = max(len(field.heading), *map(len, said.split("\n"))) + 2
        sheet.set_column(column, column, min(max(width, _NARROWEST), _WIDEST), as_text if is_text else plain)
        sheet.write_string(_HEADINGS, column, field.heading, heading)
        if isinstance(field.example, int | float) and not is_text:
            sheet.write_number(_EXAMPLE, column, field.example, example[is_text])
        elif said:
            sheet.write_string(_EXAMPLE, column, said, example[is_text])
        else:
            sheet.write_blank(_EXAMPLE, column, None, example[is_text])


def _write_guide(book: Any, guide: Any, entity: EntityType) -> None:
    wrapped = {"text_wrap": True, "valign": "top"}
    text, bold = book.add_format(wrapped), book.add_format({**wrapped, "bold": True})
    heading = book.add_format({**wrapped, "bold": True, "bg_color": "#F2F2F2", "bottom": 1})
    guide.write_string(0, 0, f"How to fill in {entity.sheet}", book.add_format({"bold": True, "font_size": 14}))
    lines = _introduction(entity)
    for row, line in enumerate(lines, start=1):
        guide.write_string(row, 0, line)
    row = len(lines) + 2
    for column, (name, width) in enumerate(_GUIDE_COLUMNS):
        guide.set_column(column, column, width)
        guide.write_string(row, column, name, heading)
    guide.freeze_panes(row + 1, 1)
    for number, section in enumerate(entity.sections):
        if section:
            row += 1
            title = book.add_format({"bold": True, "bg_color": _COLORS[number % len(_COLORS)]})
            for column in range(len(_GUIDE_COLUMNS)):
                guide.write_string(row, column, "" if column else section, title)
        for said in (_guide_row(entity, field) for field in entity.fields if field.section == section):
            row += 1
            guide.set_row(row, _LINE_HEIGHT * max(map(_lines, said, (width for _, width in _GUIDE_COLUMNS))))
            for column, cell in enumerate(said):
                guide.write_string(row, column, cell, text if column else bold)
    guide.set_landscape()
    guide.set_paper(_A4)
    guide.fit_to_pages(1, 0)


def _guide_row(entity: EntityType, field: Field) -> tuple[str, ...]:
    return (
        field.heading,
        _needed(entity, field),
        f"{_sentence(says(entity, field))} {field.about}".strip(),
        _sentence(counts_on(entity, field.level)),
        cell_text(field.example),
    )


def _lines(said: str, width: int) -> int:
    """How many lines a text takes in a column, so that no program has to find out: not all do."""
    return sum(len(wrap(line, max(width, 1))) or 1 for line in said.split("\n"))


def _introduction(entity: EntityType) -> list[str]:
    begin, example = _EXAMPLE + 2, _EXAMPLE + 1
    lines = [
        f"Fill in the sheet {entity.sheet} from row {begin} on.",
        f"Row {example} is an example, and is not imported while it stands as it is. Type over it, delete it, or leave it.",
        f"Leave rows {_TITLES + 1} and {_HEADINGS + 1} as they are. Columns that you do not need may stay empty.",
    ]
    if isinstance(entity.grouping, GroupKey):
        key, group, record = entity.by_code[entity.grouping.field].heading, entity.group_noun, entity.record_noun
        lines.append(
            f"A row with a {key} starts a {group} and is its first {record}. Rows below it without one are further {record}s "
            f"of the same {group}."
        )
    if any(field.kind in {Kind.NAMES, Kind.MATERIALS, Kind.PERCENTAGES} for field in entity.fields):
        lines.append("Where a cell holds several values, put ; or | between them. A comma separates nothing.")
    return lines


def _needed(entity: EntityType, field: Field) -> str:
    if field.required:
        where = "" if field.level is Level.VARIANT else f", on the first row of a {entity.group_noun}"
        return f"Yes{where}"
    for codes in entity.required_columns(entity.modes[0]):
        if field.code in codes:
            others = [entity.by_code[code].heading for code in codes if code != field.code]
            return f"This or {' or '.join(others)}" if others else "Yes"
    return "No"


def _sentence(words: str) -> str:
    plain = words.replace("`", "")
    return f"{plain[:1].upper()}{plain[1:]}."


def _kind(field: Field) -> str | None:
    if field.kind is Kind.PATH:
        return CATEGORIES
    return field.creates if field.kind is Kind.NAME and field.creates in KINDS else None


def _offer(book: Any, sheet: Any, entity: EntityType, known: Mapping[str, Sequence[str]]) -> None:
    """Drop-downs. Choices and categories are all there are; other names are those known so far, and any may be typed."""
    lists: Any = None
    at: dict[tuple[str, ...], str] = {}
    for column, field in enumerate(entity.fields):
        offered = _choices(field) or tuple(known.get(_kind(field) or "", ()))[:MOST_OFFERED]
        if not offered:
            continue
        if lists is None:
            lists = book.add_worksheet(LISTS)
            lists.hide()
        if offered not in at:
            letter = column_letter(len(at))
            lists.write_string(0, len(at), field.heading)
            for row, name in enumerate(offered, start=1):
                lists.write_string(row, len(at), name)
            at[offered] = f"={LISTS}!${letter}$2:${letter}${len(offered) + 1}"
        sheet.data_validation(
            _EXAMPLE, column, _LAST, column, {"validate": "list", "source": at[offered], **_when_another(field)}
        )


def _choices(field: Field) -> tuple[str, ...]:
    """Choices as the example writes them: with a capital letter, or without."""
    if field.kind is Kind.BOOLEAN:
        return ("yes", "no")
    if field.options:
        return tuple(option.name for option in field.options)
    capital = cell_text(field.example)[:1].isupper()
    return tuple(choice.capitalize() if capital else choice for choice in field.choices)


def _when_another(field: Field) -> dict[str, Any]:
    """What a spreadsheet program does about a value that is not offered."""
    if field.choices or (field.kind in {Kind.SELECT, Kind.BOOLEAN} and not field.multi):
        message = f"{field.heading} is one of {', '.join(_choices(field))}."
        if len(message) > _LONGEST_MESSAGE:
            message = f"{field.heading} is one of those in its list."
        return {"error_title": field.heading, "error_message": message}
    if field.kind is Kind.PATH:
        message = "This is no category we know, and categories are never created."
        return {"error_type": "warning", "error_title": field.heading, "error_message": message}
    return {"show_error": False}
