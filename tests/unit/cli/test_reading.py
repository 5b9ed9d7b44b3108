"""How a file was read, as a person is told."""

import io

from rich.console import Console

from services.cli.terminal.reading import show_columns, show_decisions
from shared.api.results import Reading
from shared.entities import ENTITY_TYPES
from shared.intake.reading import reading_of

LAYOUT = {
    "format": "text",
    "heading_row": 1,
    "samples": ["shirt", "5600000000017", None],
    "decisions": [
        {"name": "encoding", "value": "cp1252", "how": "guessed", "because": 'reads "Blüte"'},
        {"name": "separator", "value": "semicolon", "how": "found", "because": "splits the headings into 3"},
        {"name": "headings", "value": "row 1", "how": "asked", "because": ""},
    ],
}
READ = reading_of(ENTITY_TYPES["products"], ["Product Handle", "EAN", "Shelf [a]"], {"handle": 0, "barcode": 1}, LAYOUT)
READING = Reading.model_validate(READ, from_attributes=True)


def text(show: object) -> str:
    console = Console(file=io.StringIO(), width=120, soft_wrap=True, highlight=False)
    show(console, READING)  # type: ignore[operator]
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_every_decision_says_how_it_was_made() -> None:
    said = text(show_decisions)
    assert 'encoding: cp1252  (a guess, reads "Blüte")' in said
    assert "separator: semicolon  (splits the headings into 3)" in said
    assert "headings: row 1  (as asked)" in said


def test_columns_that_are_not_imported_are_counted_and_named() -> None:
    assert "columns: 2 of 3 columns read, ignored: C Shelf [a]" in text(show_decisions)


def test_each_column_is_shown_with_its_field_and_a_cell_of_it() -> None:
    lines = [line.split() for line in text(show_columns).splitlines()]
    assert ["B", "EAN", "Barcode", "5600000000017"] in lines
    assert ["C", "Shelf", "[a]", "ignored"] in lines


def test_what_was_read_before_decisions_were_kept_has_none() -> None:
    reading = reading_of(ENTITY_TYPES["products"], ["SKU"], {"sku": 0}, {"heading_row": 1})
    assert reading.decisions == ()
    assert [(column.letter, column.field, column.example) for column in reading.columns] == [("A", "SKU", None)]
