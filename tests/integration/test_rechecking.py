"""A person replaces values of a held import while its rows are validated: every replacement counts, and only what it touches is done again."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from deploy.local.stack import Stack
from services.gateway.imports import guided
from services.gateway.people import Person, Role
from services.gateway.problems import Refused
from services.gateway.resources import Gateway
from services.validator.products import Products
from shared.api.guided import NewReplacement
from shared.db.transaction import tenant_transaction
from shared.events import RowsStaged
from shared.intake.preview import preview
from shared.ledger import start_import
from tests.harness.files import PRODUCTS, product
from tests.harness.gateway import gateway_here
from tests.harness.staging import Desk
from tests.integration.conftest import EngineOf

WEIGHT = [field.code for field in PRODUCTS.fields].index("weight_g")
HEAVY = [row for number in range(1, 7) for row in product(number, weight_g="heavy" if number in {1, 2, 6} else "12")]


class Halting(Products):
    """Rules that wait, once they have looked at a chunk."""

    def __init__(self) -> None:
        super().__init__()
        self.reached, self.go_on = threading.Event(), threading.Event()

    def decide(self, *asked: Any) -> Any:
        decided = super().decide(*asked)
        self.reached.set()
        assert self.go_on.wait(30)
        return decided


class Replacing:
    """Replaces values for a tenant, and looks at what has become of the chunks."""

    def __init__(self, gateway: Gateway, tenant: str) -> None:
        self.gateway, self.tenant = gateway, tenant
        self.person = Person(tenant, "ada", "Ada", None, frozenset({Role.IMPORTER}), "token")

    async def replace(self, import_id: UUID, value: str, replacement: str | None, *, skip: bool = False) -> None:
        said = NewReplacement(value=value, replacement=replacement, skip=skip)
        await guided.replace_value(self.gateway, self.person, import_id, WEIGHT, said)

    async def states(self, import_id: UUID) -> Sequence[str]:
        async with tenant_transaction(self.gateway.reader, self.tenant) as conn:
            query = text("SELECT state FROM imports.import_chunks WHERE import_id = :id ORDER BY chunk_no")
            return list((await conn.execute(query, {"id": import_id})).scalars())

    async def announced(self, import_id: UUID) -> Sequence[int]:
        async with tenant_transaction(self.gateway.intake, self.tenant) as conn:
            query = text(
                "SELECT chunk_no FROM imports.outbox WHERE import_id = :id AND topic = 'rows-staged' ORDER BY chunk_no"
            )
            return list((await conn.execute(query, {"id": import_id})).scalars())


@pytest.fixture
async def replacing(stack: Stack, tenant: str) -> AsyncIterator[Replacing]:
    """Who replaces values for the tenant of the test."""
    async with gateway_here(stack) as (_, gateway):
        yield Replacing(gateway, tenant)


@pytest.fixture
async def staged(desk: Desk, engine_of: EngineOf) -> Sequence[RowsStaged]:
    """Three chunks of two products each, on the guided path; the first and the last have a weight that is no number."""
    events = await desk.stage(HEAVY, chunk_rows=2, guided=True)
    async with tenant_transaction(engine_of("winnow_intake"), desk.tenant) as conn:
        layout = text(
            """UPDATE imports.imports SET layout = '{"heading_row": 1}', guided_step = 'review' WHERE id = :id"""
        )
        await conn.execute(layout, {"id": events[0].import_id})
    return events


async def test_a_replacement_that_comes_while_a_chunk_is_validated_is_not_lost(
    desk: Desk, replacing: Replacing, staged: Sequence[RowsStaged]
) -> None:
    import_id, rules = staged[0].import_id, Halting()
    for event in staged[1:]:
        await desk.validate(event)
    under_way = asyncio.create_task(desk.validate(staged[0], rules))
    assert await asyncio.to_thread(rules.reached.wait, 30)

    await replacing.replace(import_id, "heavy", "250")
    assert await replacing.states(import_id) == ["staged", "validated", "staged"], "the second has no such value"
    rules.go_on.set()
    await under_way
    assert await replacing.states(import_id) == ["staged", "validated", "staged"], "what was read before is not written"
    assert await replacing.announced(import_id) == [1, 3]

    for event in (staged[0], staged[2]):
        await desk.validate(event)
    async with tenant_transaction(replacing.gateway.reader, desk.tenant) as conn:
        found = await preview(conn, import_id)
    assert found is not None
    assert (found.rows.create, found.rows.fail, found.undecided) == (6, 0, 0)
    assert await replacing.announced(import_id) == []


async def test_a_second_delivery_of_a_chunk_does_not_settle_what_a_replacement_announced(
    desk: Desk, replacing: Replacing, staged: Sequence[RowsStaged]
) -> None:
    import_id, rules = staged[0].import_id, Halting()
    second = asyncio.create_task(desk.validate(staged[0], rules))
    assert await asyncio.to_thread(rules.reached.wait, 30)
    await desk.validate(staged[0])
    await replacing.replace(import_id, "heavy", None, skip=True)
    rules.go_on.set()
    await second
    assert 1 in await replacing.announced(import_id)
    assert (await replacing.states(import_id))[0] == "staged"


async def test_nothing_is_started_while_a_replacement_is_still_to_be_checked_and_nothing_replaced_after_the_start(
    desk: Desk, replacing: Replacing, staged: Sequence[RowsStaged]
) -> None:
    import_id = staged[0].import_id
    for event in staged:
        await desk.validate(event)
    await replacing.replace(import_id, "heavy", "250")
    async with tenant_transaction(replacing.gateway.intake, desk.tenant) as conn:
        early = await start_import(conn, import_id)
    assert getattr(early, "waiting_chunks", None) == 2
    for event in (staged[0], staged[2]):
        await desk.validate(event)
    async with tenant_transaction(replacing.gateway.intake, desk.tenant) as conn:
        assert getattr(await start_import(conn, import_id), "chunks", None) == 3
    with pytest.raises(Refused, match="It was started"):
        await replacing.replace(import_id, "heavy", "300")


async def test_a_wave_is_decided_again_behind_the_chunk_that_has_a_replacement_and_not_before(
    desk: Desk, replacing: Replacing, engine_of: EngineOf
) -> None:
    first, second = product(1, weight_g="heavy"), product(2, weight_g="12")
    again = product(1, variants=2)[0][:]
    again[[field.code for field in PRODUCTS.fields].index("sku")] = "SKU-1-9"
    again[[field.code for field in PRODUCTS.fields].index("barcode")] = 10_000_009_999
    leading, wave = await desk.stage([*first, *second, again], mode="upsert", guided=True)
    import_id = leading.import_id
    async with tenant_transaction(engine_of("winnow_intake"), desk.tenant) as conn:
        layout = text(
            """UPDATE imports.imports SET layout = '{"heading_row": 1}', guided_step = 'review' WHERE id = :id"""
        )
        await conn.execute(layout, {"id": import_id})
    await desk.validate(leading)
    assert await replacing.announced(import_id) == [2]
    await desk.validate(wave)
    assert await replacing.states(import_id) == ["validated", "validated"]

    await replacing.replace(import_id, "heavy", "250")
    assert await replacing.states(import_id) == ["staged", "staged"]
    assert await replacing.announced(import_id) == [1], "the wave waits for its turn"
    await desk.validate(leading)
    assert await replacing.announced(import_id) == [2]
    await desk.validate(wave)
    async with tenant_transaction(replacing.gateway.reader, desk.tenant) as conn:
        found = await preview(conn, import_id)
    assert found is not None
    assert (found.rows.create, found.rows.fail, found.undecided) == (3, 0, 0)
