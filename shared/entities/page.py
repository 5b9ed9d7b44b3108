"""The page that says what a file of an entity type looks like, from its declaration."""

from collections.abc import Iterator

from shared.entities.declaration import EntityType, Field, GroupKey, Kind, Level

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
}
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
    if field.decimals is not None:
        said += f"; {field.decimals.whole_digits} digits before the point and {field.decimals.scale} behind it are kept"
    if field.partner is not None:
        said += f"; goes with {entity.by_code[field.partner].heading}"
    return f"{said}; unknown ones are created" if field.creates else said


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
        yield from ("", f"Columns a file must have in mode `{mode}`: {', '.join(needed)}.")
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
    if not isinstance(entity.grouping, GroupKey) or set(entity.modes) <= {"create"}:
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
