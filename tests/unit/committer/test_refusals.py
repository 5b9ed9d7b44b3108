from uuid import UUID

from services.committer.refusals import (
    Columns,
    Conflict,
    DatabaseRefusal,
    error_of_refusal,
    errors_of_conflicts,
)
from shared.entities import ENTITY_TYPES
from shared.entities.errors import ChunkScope

SCOPE = ChunkScope("acme", UUID(int=7), 3)
COLUMNS = Columns(ENTITY_TYPES["products"], ["EAN", "SKU", "Handle", "Title"], {"barcode": 0, "handle": 2, "title": 3})


def test_a_conflict_is_named_at_its_row_under_the_files_own_heading() -> None:
    (error,) = errors_of_conflicts([Conflict(5, 4, "barcode", "5600", "tee")], COLUMNS, SCOPE)
    assert error[:3] == SCOPE
    assert (error.row_no, error.group_row, error.column_index, error.heading) == (5, 4, 0, "EAN")
    assert error.message == 'Barcode "5600" belongs to product "tee"'


def test_reasons_of_one_row_are_numbered_by_column_and_those_without_come_last() -> None:
    conflicts = [
        Conflict(5, 5, "sku", "S", "tee"),
        Conflict(5, 5, "handle", "tee", "tee"),
        Conflict(5, 5, "barcode", "1", "tee"),
        Conflict(2, 2, "handle", "cap", "cap"),
    ]
    errors = errors_of_conflicts(conflicts, COLUMNS, SCOPE)
    assert [(error.row_no, error.position, error.heading) for error in errors] == [
        (2, 0, "Handle"),
        (5, 0, "EAN"),
        (5, 1, "Handle"),
        (5, 2, "SKU"),
    ]
    assert errors[1].code == "already_exists"
    assert "use enrich or upsert" in errors[2].message


def test_what_only_the_database_knows_is_said_in_its_words_at_the_first_row_of_the_group() -> None:
    error = error_of_refusal(9, DatabaseRefusal("23514", "violates check constraint"), SCOPE)
    assert (error.row_no, error.group_row, error.column_index, error.code) == (9, 9, None, "rejected")
    assert "violates check constraint" in error.message
