"""Rows of another table in a file: marked beyond their headings, so that they are refused again when they are handed back."""

_TABLE = "#TABLE! "


def table_mark(row: int) -> str:
    """What marks a row of a table whose headings stand in this row."""
    return f"{_TABLE}{row}"


def marked_table(text: str) -> str | None:
    """In which row the headings of a marked row's table stood; None for any other text."""
    return text.removeprefix(_TABLE).strip() if text.startswith(_TABLE) else None
