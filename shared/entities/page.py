"""The page that says what a file of an entity type looks like, from its declaration."""

from collections.abc import Iterator

from shared.entities.declaration import USERS, EntityType, Field, GroupKey, Kind, Level

_KINDS = {
    Kind.TEXT: "text",
    Kind.KEY: "text",
    Kind.BARCODE: "text, usually 8 to 14 digits",
    Kind.NAME: "a name",
    Kind.NAMES: "a list of names",
    Kind.MATERIALS: "a list of names, or of `Name:Percent` pairs",
    Kind.PERCENTAGES: "a list of numbers above 0, together at most 100, by position with the materials",
    Kind.DECIMAL: "a number of 0 or more",
    Kind.URL: "an http(s) address",
    Kind.CHOICE: "",
    Kind.PATH: "the full path of a known category, `A > B > C`",
    Kind.ID: "the id of a record that is there",
    Kind.LONG_TEXT: "text, also of several lines",
    Kind.BOOLEAN: "yes or no (also true/false, on/off, 1/0)",
    Kind.NUMBER: "a number",
    Kind.DATE: "a date (2027-03-31; 31/03/2027 or 03/31/2027, one of them in a column)",
    Kind.MOMENT: "a date with a time of day (2027-03-31 12:00)",
    Kind.EMAIL: "an e-mail address",
    Kind.PHONE: "a phone number",
    Kind.LINK: "an address on the web, or a domain",
    Kind.SELECT: "",
    Kind.TAGS: "words; new ones join its options",
    Kind.COLOUR: "a colour, `#RGB` or `#RRGGBB`",
    Kind.RECORD: "",
}
_MOST_NAMED = 12
_LIST_KINDS = {Kind.NAMES, Kind.MATERIALS, Kind.PERCENTAGES}
_LISTS = " A list is separated by `;` or `|`, never by commas."


def entity_page(entity: EntityType) -> str:
    """docs/<entity type>.md."""
    lines = [
        *_introduction(entity),
        *(_line(entity, field) for field in entity.fields),
        *_below(entity),
        *_modes(entity),
    ]
    return "\n".join(lines) + "\n"


def _introduction(entity: EntityType) -> Iterator[str]:
    yield from (
        f"# Files of {entity.name}",
        "",
        "Generated from `shared/entities` by `make docs`; do not edit.",
        "",
        f"An Excel workbook (`.xlsx`), its sheet named `{entity.sheet}` or the only one with these headings, or a text file",
        "(`.csv`, `.tsv`, `.txt`). Headings stand in one row near the top, in any order; case, spaces, `_`, `-`, `/`, asterisks and a",
        f"column's own unit in brackets do not count. `winnow template --entity {entity.name} -o {entity.name}.xlsx` writes a workbook to begin with.",
        "",
        f"Modes: {', '.join(f'`{mode}`' for mode in entity.modes)}.",
        "",
        "| heading | also called | what it says | counts on |",
        "|---|---|---|---|",
    )


def _line(entity: EntityType, field: Field) -> str:
    also = ", ".join(field.aliases)
    return f"| {field.heading} | {also} | {says(entity, field)}. {field.about} | {counts_on(entity, field.level)} |"


def says(entity: EntityType, field: Field) -> str:
    """What a cell of the field says, in Markdown, without a full stop."""
    said = _KINDS[field.kind]
    if field.code == entity.group_key:
        said = f"{said} that names a {entity.group_noun}; a row with it starts one"
    elif field.code in entity.by_identifier:
        said = f"{said}, a {entity.record_noun}'s own"
    if field.choices:
        said = f"one of {', '.join(field.choices)}; blank is {field.choices[0]}"
    if field.kind is Kind.SELECT:
        said = f"{'any' if field.multi else 'one'} of {_names(field)}"
    if field.kind is Kind.RECORD:
        said = f"who of your {field.target}" if field.target == USERS else f"one of {field.target}"
    if field.multi:
        said += "; several are separated by a semicolon, a comma or a line break"
        said += "" if field.most is None else f", {field.most} at most"
    if field.longest is not None:
        said += f"; {field.longest:,} characters at most"
    if field.decimals is not None:
        said += f"; {field.decimals.whole_digits} digits before the point and {field.decimals.scale} behind it are kept"
    if field.partner is not None:
        said += f"; goes with {entity.by_code[field.partner].heading}"
    return f"{said}; unknown ones are created" if field.creates else said


def _names(field: Field) -> str:
    named = ", ".join(option.name for option in field.options[:_MOST_NAMED])
    left = len(field.options) - _MOST_NAMED
    return f"{named} and {left} more" if left > 0 else named


def counts_on(entity: EntityType, level: Level) -> str:
    """The rows on which a field of this level means something."""
    if level is Level.VARIANT:
        return "every row"
    first = f"the first row of a {entity.group_noun}"
    return first if level is Level.PRODUCT else f"{first}; another row has its own in its place"


def _below(entity: EntityType) -> Iterator[str]:
    for mode in entity.modes:
        needed = [
            " or ".join(f"`{entity.by_code[code].heading}`" for code in codes)
            for codes in entity.required_columns(mode)
        ]
        yield from ("", f"Columns a file must have in mode `{mode}`: {', '.join(needed) or 'any that is known'}.")
    yield from (
        "",
        f"Blank rows, and the headings repeated further down, are nothing and end nothing.{_LISTS if _has_lists(entity) else ''}",
        "The template's example row is left out while it is that example to the last cell. What nobody sees (zero-width characters,",
        "soft hyphens) is taken out of identifiers and names.",
    )
    if entity.group_key is not None:
        key, group, record = entity.by_code[entity.group_key].heading, entity.group_noun, entity.record_noun
        yield from (
            "",
            f"A row with a `{key}` starts a {group} and is its first {record}; rows without one (or with the same one again) are",
            f"further {record}s of it. A {group} with a bad row is handed back whole, every error at its own row and column.",
            *_standing_alone(entity),
        )
    tolerated = ", ".join(f"`{tolerated.heading}`" for tolerated in entity.tolerated_by_heading_key.values())
    yield from ("", f"Not imported, and no mistake: {tolerated}. Other columns are listed as ignored.")


def _standing_alone(entity: EntityType) -> Iterator[str]:
    if not isinstance(entity.grouping, GroupKey) or not entity.grouping.members:
        return
    named = ", ".join(f"`{entity.by_code[code].heading}`" for code in (entity.grouping.field, *entity.grouping.members))
    alone = ", ".join(field.heading for field in entity.fields if field.code in entity.says_nothing_alone)
    yield f"A row with none of {named} fails alone. One that says nothing but {alone}"
    yield "is left out."


def _has_lists(entity: EntityType) -> bool:
    return any(field.kind in _LIST_KINDS for field in entity.fields)


def _modes(entity: EntityType) -> Iterator[str]:
    """What becomes of what is there, where more than making records can be asked for."""
    if set(entity.modes) <= {"create"}:
        return
    if not isinstance(entity.grouping, GroupKey):
        yield from _modes_of_records(entity)
        return
    group, record, key = entity.group_noun, entity.record_noun, entity.by_code[entity.grouping.field].heading
    by = " or ".join(f"`{entity.by_code[code].heading}`" for code in entity.grouping.members)
    found = by.replace(" or ", ", else ")
    yield from (
        "",
        "## Modes",
        "",
        "| | `create` | `enrich` | `upsert` |",
        "|---|---|---|---|",
        f"| makes | {group}s with their {record}s | nothing | both, where they are not there |",
        f"| a row's {record} | must not be there | is found by {found}, among all {record}s | is found by {found}, within the {group} of the `{key}` |",
        f"| changes | nothing | all but `{key}`, {by} and attributes | all but `{key}`; adds attributes and {record}s |",
        "| a blank cell | says nothing | keeps what is there | keeps what is there |",
        "| a list, or a step of the production journey | | replaces the list of its level | replaces it |",
        "| a number | | is changed by itself: the others stay | the same |",
        f"| {record}s that the file does not name | | stay as they are | stay as they are |",
        "",
        f"A row that would change nothing is counted as skipped, and nothing is written for it. A `{key}` on its first row says the",
        f"{group}; the rows below it, and in `enrich` rows that no `{key}` stands above, say what their {record} has in its {group}'s place.",
        f"What equals the {group}'s own is nothing of the {record}'s own: it is taken away where the {record} had it. Rows of one {group} may stand apart in",
        f"`enrich` and `upsert`: the first of them say the {group}, the later ones their {record}s. The option `blanks: clear` lets a blank cell of a",
        f"column clear what is there, but for titles and what {group}s and {record}s are known by; in `create`, `existing: skip` leaves {group}s",
        f"that are there already, with every {record} the file names, as they are.",
        "",
        "In a correction file, what the first import and its other corrections made is no collision: rows that say what is there are skipped, and a",
        f"row with the `{key}` of a {group} that lacks its {record} adds it.",
    )


def _modes_of_records(entity: EntityType) -> Iterator[str]:
    record = entity.record_noun
    finds = ", else ".join(f"`{entity.by_code[code].heading}`" for code in entity.matches)
    found = f"is found by {finds}" if finds else "is always a new one"
    yield from (
        "",
        "## Modes",
        "",
        "| | `create` | `enrich` | `upsert` |",
        "|---|---|---|---|",
        f"| a row's {record} | {found} | {found} | {found} |",
        "| one that is there | is left alone, the row skipped | is changed | is changed |",
        "| one that is not there | is made | the row is skipped | is made |",
        "",
        *_identified(entity, record),
        "A blank cell keeps what is there; the option `blanks: clear` clears it, but for what a record is called and known by. A cell of several",
        "values adds to what is there, and removes nothing. Links are added, never removed.",
        "",
        "## Fields of your own",
        "",
        f"`winnow custom-fields add --entity {entity.name} --code CODE --name NAME --type TYPE` adds a field; from then on files may have a column",
        f"`custom_fields_CODE`, or one with its name, and `winnow template --entity {entity.name} --tenant NAME` has it.",
    )


def _identified(entity: EntityType, record: str) -> Iterator[str]:
    if "id" in entity.matches:
        yield f"An id finds a {record} and makes none: a row whose id is not there is skipped. A row with a blank one goes by what it says else."
    if set(entity.matches) - {"id"}:
        yield f"Rows of one file that say the same {record} are one {record}: the first makes it, those below change it, in their order."
