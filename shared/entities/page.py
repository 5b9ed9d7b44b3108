"""The page that says what a file of an entity type looks like, from its declaration."""

from collections.abc import Iterator

from shared.entities.declaration import EntityType, Field, Kind, Level

_KINDS = {
    Kind.TEXT: "text",
    Kind.KEY: "text that names a product; a row with it starts one",
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
_LEVELS = {
    Level.PRODUCT: "the first row of a product",
    Level.VARIANT: "every row",
    Level.BOTH: "the first row; another row has its own in its place",
}


def entity_page(entity: EntityType) -> str:
    """docs/<entity type>.md."""
    return "\n".join([*_introduction(entity), *map(_line, entity.fields), *_below(entity)]) + "\n"


def _introduction(entity: EntityType) -> Iterator[str]:
    yield from (
        f"# Files of {entity.name}",
        "",
        "Generated from `shared/entities` by `make docs`; do not edit.",
        "",
        f"An Excel workbook (`.xlsx`), its sheet named `{entity.sheet}` or the only one with these headings, or a text file",
        "(`.csv`, `.tsv`, `.txt`). Headings stand in one row near the top, in any order; case, spaces, `_`, `-` and `/` in them",
        f"do not count. `winnow template -o {entity.name}.xlsx` writes a workbook to begin with.",
        "",
        f"Modes: {', '.join(f'`{mode}`' for mode in entity.modes)}.",
        "",
        "| heading | also called | what it says | counts on |",
        "|---|---|---|---|",
    )


def _line(field: Field) -> str:
    also = ", ".join(field.aliases)
    return f"| {field.heading} | {also} | {_says(field)} | {_LEVELS[field.level]} |"


def _says(field: Field) -> str:
    said = _KINDS[field.kind]
    if field.choices:
        said = f"one of {', '.join(field.choices)}; blank is {field.choices[0]}"
    if field.decimals is not None:
        said += f"; {field.decimals.whole_digits} digits before the point and {field.decimals.scale} behind it are kept"
    return f"{said}; unknown ones are created" if field.creates else said


def _below(entity: EntityType) -> Iterator[str]:
    for mode in entity.modes:
        needed = [
            " or ".join(f"`{entity.by_code[code].heading}`" for code in codes)
            for codes in entity.required_columns(mode)
        ]
        yield from ("", f"Columns a file must have in mode `{mode}`: {', '.join(needed)}.")
    yield from (
        "",
        "A list is separated by `;` or `|`. Blank rows are nothing and end nothing.",
    )
    if entity.group_key is not None:
        key = entity.by_code[entity.group_key].heading
        yield from (
            "",
            f"A row with a `{key}` starts a product and is its first variant; rows without one (or with the same one again) are",
            "further variants of it. A product with a bad row is handed back whole, every reason at its own row and column.",
        )
    tolerated = ", ".join(f"`{tolerated.heading}`" for tolerated in entity.tolerated)
    yield from ("", f"Not imported, and no mistake: {tolerated}. Other columns are listed as ignored.")
