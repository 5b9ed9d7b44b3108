"""Distinct values of a column: those that people see in its cells, whatever the cells are kept as."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from uuid_utils.compat import uuid7

from shared.db.transaction import tenant_transaction
from shared.entities.replacements import value_of
from shared.intake.column_values import having, list_values, values_behind
from tests.harness.world import World
from tests.integration.conftest import EngineOf

LAYOUT = {"heading_row": 1, "example_rows": [3]}
CELLS: Sequence[Any] = (
    *(
        "Ada",
        " Ada ",
        "Ada\u00a0",
        "ada",
        "Zürich",
        "a\tb",
        'say "so"',
        "back\\slash",
        "日本",
        "x\u0001y",
        "half \ud83d",
    ),
    *(1, 1.0, 1.5, 1e-7, 115243746.0, -3, True, False, "1", "1.0", "true", None, "", "  "),
    {"number": 0.8, "as": "0%"},
    {"number": 1.25, "as": "0.00"},
    {"date": "2026-06-08", "as": "d-mmm"},
    {"date": "2026-06-08"},
    {"text": "Shop", "link": "https://shop.example"},
    "Shop",
    "80%",
    "{not json}",
)


@pytest.fixture
async def import_id(running_world: World, tenant: str) -> UUID:
    """An import whose second column has such cells, twice each; row 3 is the template's example."""
    made = UUID(str(uuid7()))
    async with running_world.database() as conn:
        await conn.execute(
            text(
                "INSERT INTO imports.imports (id, tenant_id, user_id, entity_type, mode, status, file_name, object_key) "
                "VALUES (:id, :tenant, 'u', 'products', 'create', 'previewing', 'f.xlsx', 'f')"
            ),
            {"id": made, "tenant": tenant},
        )
        insert = text(
            "INSERT INTO imports.raw_rows (import_id, row_no, tenant_id, chunk_no, group_row, cells) "
            "VALUES (:id, :row, :tenant, :chunk, 0, CAST(:cells AS json))"
        )
        rows: list[Any] = ["Heading", "Example of nobody", *CELLS, *CELLS]
        numbers = [1, 3, *range(4, 4 + 2 * len(CELLS))]
        for number, cell in zip(numbers, rows, strict=True):
            cells = json.dumps(["first", cell, "last"])
            said = {"id": made, "row": number, "tenant": tenant, "chunk": number // 10, "cells": cells}
            await conn.execute(insert, said)
        # A row that ends before the column.
        said = {"id": made, "row": 999, "tenant": tenant, "chunk": 99, "cells": '["only"]'}
        await conn.execute(insert, said)
    return made


async def test_values_are_what_people_see_counted_and_found_again(
    import_id: UUID, tenant: str, engine_of: EngineOf
) -> None:
    wanted = Counter(value_of(cell) for cell in (*CELLS, *CELLS) if value_of(cell))
    async with tenant_transaction(engine_of("winnow_intake"), tenant) as conn:
        listed = await list_values(conn, tenant, import_id, LAYOUT, 1)
        found = await values_behind(conn, import_id, 1, order="-rows", after=None, limit=100)
        assert Counter({value.value: value.rows for value in found}) == wanted
        assert (listed.distinct_values, listed.filled_rows) == (len(wanted), wanted.total())
        assert listed.blank_rows == 2 * len(CELLS) - wanted.total() + 1
        for value in found:
            there = await having(conn, import_id, LAYOUT, 1, value.value)
            assert there is not None, value
            assert (there.rows, there.first_row) == (value.rows, value.first_row), value
        assert await having(conn, import_id, LAYOUT, 1, "Heading") is None
        assert await having(conn, import_id, LAYOUT, 1, "Ad") is None
    async with tenant_transaction(engine_of("winnow_parser"), tenant) as conn:
        assert await list_values(conn, tenant, import_id, LAYOUT, 1) == listed, "listed once"


@pytest.mark.parametrize("order", ["-rows", "rows", "row", "value", "-value"])
async def test_pages_of_every_order_have_each_value_once(
    import_id: UUID, tenant: str, engine_of: EngineOf, order: Any
) -> None:
    async with tenant_transaction(engine_of("winnow_intake"), tenant) as conn:
        listed = await list_values(conn, tenant, import_id, LAYOUT, 1)
        seen: list[str] = []
        after = None
        while page := await values_behind(conn, import_id, 1, order=order, after=after, limit=4):
            seen += [value.value for value in page]
            after = page[-1].place(order)
        assert len(seen) == len(set(seen)) == listed.distinct_values
        searched = await values_behind(conn, import_id, 1, order=order, after=None, limit=9, search="ADA")
        assert {value.value for value in searched} == {"Ada", "ada"}


async def test_a_text_file_in_which_nothing_is_escaped_is_listed_by_the_database_alone(
    import_id: UUID, tenant: str, running_world: World, engine_of: EngineOf
) -> None:
    async with running_world.database() as conn:
        await conn.execute(
            text("DELETE FROM imports.raw_rows WHERE import_id = :id AND position('\\u' IN CAST(cells AS text)) > 0"),
            {"id": import_id},
        )
        told = {"id": import_id, "tenant": tenant, "cells": json.dumps(["x", " Zürich\u00a0", "y"], ensure_ascii=False)}
        await conn.execute(
            text(
                "INSERT INTO imports.raw_rows (import_id, row_no, tenant_id, chunk_no, group_row, cells) "
                "VALUES (:id, 500, :tenant, 7, 0, CAST(:cells AS json))"
            ),
            told,
        )
    layout = {**LAYOUT, "format": "text"}
    async with tenant_transaction(engine_of("winnow_intake"), tenant) as conn:
        await list_values(conn, tenant, import_id, layout, 1)
        found = {
            value.value: value for value in await values_behind(conn, import_id, 1, order="row", after=None, limit=100)
        }
        there = await having(conn, import_id, layout, 1, "Zürich")
        assert there is not None
        assert (there.rows, there.chunks) == (1, [7])
        assert found["Zürich"].rows == 1
        assert found["Ada"].rows == 4
