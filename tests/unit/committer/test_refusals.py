from services.committer.products.conflicts import conflict
from services.committer.refusals import DatabaseRefusal, error_of_refusal, errors_of_conflicts
from shared.entities import PRODUCTS
from shared.entities.columns import Columns

COLUMNS = Columns(PRODUCTS, ["EAN", "SKU", "Handle", "Title"], {"barcode": 0, "handle": 2, "title": 3})


def test_a_conflict_is_named_at_its_row_under_the_files_own_heading() -> None:
    (error,) = errors_of_conflicts([conflict(5, 4, "barcode", "5600", "tee")], COLUMNS)
    assert (error.row_no, error.group_row, error.column_index, error.heading) == (5, 4, 0, "EAN")
    assert (error.code, error.message) == ("already_exists", 'Barcode "5600" belongs to product "tee"')


def test_errors_of_one_row_are_in_the_order_of_its_columns_and_those_without_come_last() -> None:
    conflicts = [
        conflict(5, 5, "sku", "S", "tee"),
        conflict(5, 5, "handle", "tee", "tee"),
        conflict(5, 5, "barcode", "1", "tee"),
        conflict(2, 2, "handle", "cap", "cap"),
    ]
    errors = errors_of_conflicts(conflicts, COLUMNS)
    assert [(error.row_no, error.heading) for error in errors] == [
        (2, "Handle"),
        (5, "EAN"),
        (5, "Handle"),
        (5, "SKU"),
    ]
    assert errors[2].message.endswith("already exists; use enrich or upsert to change it")


def test_what_only_the_database_knows_is_said_in_its_words_at_the_first_row_of_the_group() -> None:
    error = error_of_refusal(9, DatabaseRefusal("23514", "violates check constraint"), PRODUCTS)
    assert (error.row_no, error.group_row, error.column_index, error.code) == (9, 9, None, "rejected")
    assert error.message.startswith("The database refuses this product: violates check constraint")
