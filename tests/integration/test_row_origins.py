"""Which rows are repaired, whatever is done to a correction file: held against what a person knows of what they did."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from shared.corrections import WORKBOOK_HEADING, RowOrigin
from shared.db import imports as ledger
from shared.db.bulk import copy_rows
from shared.db.transaction import tenant_transaction
from shared.intake.repairs import read_repairs
from shared.ledger.origins import note_origins
from shared.ledger.registration import Registration, register_import
from tests.harness.files import HEADINGS, PRODUCTS, product
from tests.harness.world import World
from tests.integration.conftest import EngineOf

FIELDS = {declared.code: place for place, declared in enumerate(PRODUCTS.fields)}
SKU, BARCODE, TITLE = FIELDS["sku"], FIELDS["barcode"], FIELDS["title"]
SEEDS = range(30)


@dataclass
class Row:
    """A row of a file: its cells, which row of the first file it truly is (None for a new one), and its cell that is wrong."""

    cells: list[Any]
    first: int | None
    wrong: int | None
    said: str | None = None


@dataclass
class Sent:
    """An import that has ended: each row by its number."""

    id: UUID
    rows: dict[int, Row] = field(default_factory=dict)

    @property
    def failed(self) -> dict[int, Row]:
        return {number: row for number, row in self.rows.items() if row.wrong is not None}


async def imported(conn: AsyncConnection, tenant: str, rows: Sequence[Row], parent: Sent | None) -> Sent:
    """Write down an import of these rows as it is when it ends; those with a cell that is wrong have failed."""
    sent = Sent(UUID(str(uuid7())), dict(enumerate(rows, start=2)))
    await register_import(
        conn,
        Registration(
            id=sent.id,
            tenant_id=tenant,
            user_id="ana",
            entity_type="products",
            mode="create",
            file_name="a.xlsx",
            object_key=f"{tenant}/a",
            file_size=None,
            file_sha256=None,
            idempotency_key=str(sent.id),
            parent_import_id=None if parent is None else parent.id,
            options={},
        ),
    )
    headings = [*HEADINGS, *([] if parent is None else [WORKBOOK_HEADING])]
    await conn.execute(
        ledger.imports.update()
        .where(ledger.imports.c.id == sent.id)
        .values(
            headers=headings,
            column_mappings=FIELDS,
            total_rows=len(rows),
            failed_rows=len(sent.failed),
            created_rows=len(rows) - len(sent.failed),
        )
    )
    counts = {"row_count": len(rows), "created": len(rows) - len(sent.failed), "failed": len(sent.failed)}
    await conn.execute(
        ledger.import_chunks.insert().values(
            import_id=sent.id,
            tenant_id=tenant,
            chunk_no=1,
            first_row=2,
            last_row=len(rows) + 1,
            state="committed",
            **counts,
        )
    )
    same = {"import_id": sent.id, "tenant_id": tenant, "chunk_no": 1}
    raw = [
        (number, number, json.dumps([*row.cells, *([] if parent is None else [row.said])]))
        for number, row in sent.rows.items()
    ]
    await copy_rows(conn, ledger.raw_rows, ("row_no", "group_row", "cells"), raw, same=same)
    errors = [(number, 0, number, row.wrong, "x", "invalid", "bad") for number, row in sent.failed.items()]
    columns = ("row_no", "position", "group_row", "column_index", "heading", "code", "message")
    await copy_rows(conn, ledger.row_errors, columns, errors, same=same)
    return sent


def first_file(chance: random.Random) -> list[Row]:
    """Products of one row, of which some have nothing but an SKU, or one of their identifiers is what is wrong."""
    rows = []
    for number in range(chance.randint(3, 12)):
        (cells,) = product(number)
        wrong = chance.choice([SKU, BARCODE, FIELDS["carbon_kg"], None])
        if chance.random() < 0.3:
            cells[BARCODE] = None
            wrong = SKU if wrong == BARCODE else wrong
        rows.append(Row(cells, number + 2, wrong))
    return rows


def mended(chance: random.Random, sent: Sent) -> list[Row]:
    """What somebody makes of the file that is handed back."""
    rows = []
    for number, row in sent.failed.items():
        assert row.wrong is not None
        cells = list(row.cells)
        done = chance.random()
        if done < 0.15:
            continue
        wrong = row.wrong if done < 0.4 else None
        if wrong is None:
            cells[row.wrong] = f"mended-{number}"
        rows.append(Row(cells, row.first, wrong, f"Row {number} – bad{RowOrigin(sent.id, number).written}"))
        if chance.random() < 0.2:
            copy = list(cells)
            copy[SKU], copy[BARCODE], copy[TITLE] = f"copy-{number}", None, "A copy"
            rows.insert(chance.randrange(len(rows) + 1), Row(copy, None, None, rows[-1].said))
    rows += [
        Row(product(1_000 + new)[0], None, chance.choice([FIELDS["carbon_kg"], None]))
        for new in range(chance.randint(0, 3))
    ]
    chance.shuffle(rows)
    for row, below in pairwise(rows):
        # A cell that was filled down, or cleared; where nothing else tells which row it is, a person knows no better.
        if chance.random() < 0.2 and below.wrong not in {SKU, BARCODE} and below.cells[SKU] and _is_named(below):
            below.said = chance.choice([row.said, None])
    return rows or [Row(product(1_000)[0], None, None)]


def _is_named(row: Row) -> bool:
    """Whether it has an identifier that was not mended."""
    return any(not str(row.cells[at]).startswith(("mended", "None")) for at in (SKU, BARCODE))


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_row_is_repaired_when_it_is_in_production_and_by_no_other(
    idle_world: World, engine_of: EngineOf, tenant: str, seed: int
) -> None:
    chance = random.Random(seed)
    async with idle_world.database() as conn:
        first = await imported(conn, tenant, first_file(chance), None)
    repaired: set[int] = set()
    last = first
    for _ in range(chance.randint(1, 4)):
        rows = mended(chance, last)
        async with idle_world.database() as conn:
            last = await imported(conn, tenant, rows, last)
        async with tenant_transaction(engine_of("winnow_committer"), tenant) as conn:
            await note_origins(conn, last.id)
        repaired |= {row.first for row in rows if row.first is not None and row.wrong is None}
        async with tenant_transaction(engine_of("winnow_reader"), tenant) as conn:
            found = await read_repairs(conn, first.id)
        assert (found.repaired_rows, found.open_rows) == (len(repaired), len(first.failed) - len(repaired)), seed
