"""The moves are derived from the tables: nothing of a row is lost on its way to production."""

import re

import pytest

from services.committer.moves import Step
from services.committer.products.graph import MAKE_ENTITIES, MOVES
from shared.db import catalog, staging


def test_every_imported_table_has_its_move_owners_first() -> None:
    assert [move.name for move in MOVES] == [table.name for table in staging.MIRRORS]
    names = [move.name for move in MOVES]
    assert names.index("products") < names.index("product_variants") < names.index("product_variant_attributes")
    assert {table.name for table in catalog.IMPORTED} == set(names)


@pytest.mark.parametrize("move", MOVES, ids=lambda move: move.name)
def test_a_move_writes_every_column_the_database_does_not_write_itself(move: Step) -> None:
    (table,) = [table for table in catalog.IMPORTED if table.name == move.name]
    (columns,) = re.findall(rf"INSERT INTO catalog\.{move.name} \(([^)]*)\)", move.sql.text)
    assert set(columns.split(", ")) == {column.name for column in table.columns} - {
        *("created_at", "updated_at", "version", "version_import_id", "version_since")
    }


def test_attributes_are_made_before_their_values() -> None:
    names = [entity.name for entity in MAKE_ENTITIES]
    assert set(names) == {table.name for table in catalog.ENTITIES}
    assert names.index("attributes") < names.index("attribute_values")
