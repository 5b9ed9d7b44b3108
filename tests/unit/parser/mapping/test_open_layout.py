"""Where headings are in a file that a person maps: also where nobody knows one of them."""

from collections.abc import Sequence

import pytest

from services.parser.mapping.layout import Layout
from services.parser.mapping.open_layout import find_open_layout
from services.parser.refusals import FileRefused
from shared.entities import ENTITY_TYPES
from shared.entities.cells import Cell

PEOPLE = ENTITY_TYPES["people"]


def laid_out(*rows: Sequence[Cell]) -> Layout:
    return find_open_layout(PEOPLE, "upsert", rows, "people.csv")


def test_headings_nobody_knows_are_the_first_row_that_is_as_wide_as_the_table() -> None:
    found = laid_out(["Kunden 2026"], [], ["Vorname", None, "Ort"], ["Ada", "x", "Berlin"], ["Bob", "y", "Köln"])
    assert (found.heading_row, found.headings, found.blank) == (3, ("Vorname", "Column_2", "Ort"), (1,))
    assert found.is_open
    assert not found.mapping.fields


def test_headings_we_know_come_before_that() -> None:
    found = laid_out(["Export of", "all", "people"], ["Full Name", "Email", "Ort"], ["Ada", "a@b.example", "Berlin"])
    assert found.heading_row == 2


def test_headings_that_are_the_same_are_refused_by_name() -> None:
    with pytest.raises(FileRefused, match=r'columns A and C are both called "Tel"') as refused:
        laid_out(["Tel", "Ort", "tel"], ["1", "2", "3"])
    assert refused.value.code == "duplicate_headings"


def test_nothing_is_refused_in_words() -> None:
    with pytest.raises(FileRefused, match="says nothing within its first"):
        laid_out([], [None, " "])
