"""The same file twice: under one key it is one import, without one it is refused, unless its sender means it."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from uuid_utils.compat import uuid7

from shared.events.model import FileOptions
from shared.ledger import ImportProgress, NotImportable, Started, cancel_import, start_import
from shared.messaging.failures import Poison
from tests.harness.files import catalogue, product, text_file, workbook
from tests.integration.test_parser import ParserDesk
from tests.integration.test_senders import delivered, sending
from tests.integration.test_senders import send as deliver

__all__ = ["sending"]

AGAIN = {"allow_repeat": True}
HELD = {"hold": True}


async def ended(desk: ParserDesk, path: Path, **fields: Any) -> ImportProgress:
    """An import of the file, as far as it goes by itself."""
    event = desk.event(path, **fields)
    await deliver(desk, event)
    found: ImportProgress = await desk.ledger(event.import_id)  # type: ignore[arg-type]
    return found


def code_of(progress: ImportProgress) -> str | None:
    return None if progress.error is None else progress.error["code"]


async def test_a_file_that_was_imported_before_is_refused_by_its_bytes_whatever_it_is_called(
    sending: ParserDesk, tmp_path: Path
) -> None:
    first = await ended(sending, text_file(tmp_path / "autumn.csv", catalogue(2)), user_id="ana")
    before = await sending.world.production(sending.tenant)
    second = await ended(sending, text_file(tmp_path / "renamed.csv", catalogue(2)), user_id="ben")
    assert (second.status, code_of(second), second.total_rows) == ("failed", "imported_before", 0)
    assert second.error is not None
    assert first.completed_at is not None
    for said in (
        str(first.id),
        "ana",
        '"autumn.csv"',
        f"{first.completed_at:%Y-%m-%d %H:%M}",
        "6 rows",
        "allow_repeat",
    ):
        assert said in second.error["message"]
    assert await sending.world.production(sending.tenant) == before


async def test_what_is_meant_to_be_imported_again_is(sending: ParserDesk, tmp_path: Path) -> None:
    path = text_file(tmp_path / "autumn.csv", catalogue(2))
    await ended(sending, path)
    second = await ended(sending, path, options=AGAIN)
    assert (second.status, second.failed_rows, code_of(second)) == ("completed_with_failures", 6, None)


async def test_a_refused_repeat_starts_over_under_its_key_when_it_is_meant_and_not_before(
    sending: ParserDesk, tmp_path: Path
) -> None:
    path = text_file(tmp_path / "autumn.csv", catalogue(1))
    await ended(sending, path)
    event = sending.event(path, import_id=None, idempotency_key="mine")
    for _ in range(2):
        await deliver(sending, event)
    meant = event.model_copy(update={"options": FileOptions(allow_repeat=True)})
    refused = "SELECT count(*) FROM imports.imports WHERE tenant_id = :t AND error ->> 'code' = 'imported_before'"
    assert await sending.world.scalar(refused, t=sending.tenant) == 1
    await deliver(sending, meant)
    assert await sending.world.scalar(refused, t=sending.tenant) == 0
    assert (
        await sending.world.scalar("SELECT count(*) FROM imports.imports WHERE tenant_id = :t", t=sending.tenant) == 2
    )


async def test_a_file_of_which_nothing_is_in_production_was_not_imported_before(
    sending: ParserDesk, tmp_path: Path
) -> None:
    path = text_file(tmp_path / "autumn.csv", product(1))
    held = await ended(sending, path, options=HELD)
    cancelled = await ended(sending, path, options=HELD)
    assert await sending.as_intake(cancel_import, cancelled.id)
    failed = await ended(sending, path, file_size=1)
    assert (held.status, code_of(failed)) == ("previewing", "size_mismatch")
    imported = await ended(sending, path)
    assert imported.status == "completed"
    refused = await sending.as_intake(start_import, held.id)
    assert isinstance(refused, NotImportable), "held before, and imported since by another import"
    assert str(imported.id) in refused.message
    meant = await ended(sending, path, options={**HELD, **AGAIN})
    assert isinstance(await sending.as_intake(start_import, meant.id), Started)


async def test_another_tenants_file_and_an_undone_one_do_not_count(sending: ParserDesk, tmp_path: Path) -> None:
    path = text_file(tmp_path / "autumn.csv", product(1))
    other = ParserDesk(sending.engine_of, f"{sending.tenant}-o", tmp_path / "o", sending.store, sending.world)
    await ended(other, path)
    first = await ended(sending, path)
    assert first.status == "completed"
    async with sending.world.database() as conn:
        await conn.execute(
            text(
                "INSERT INTO imports.imports (id, tenant_id, user_id, entity_type, mode, status, file_name, object_key,"
                " undoes_import_id) SELECT :undo, tenant_id, user_id, entity_type, 'undo', 'completed', file_name,"
                " object_key, id FROM imports.imports WHERE id = :id"
            ),
            {"undo": str(uuid7()), "id": first.id},
        )
    again = await ended(sending, path)
    assert code_of(again) is None


async def test_of_an_import_that_was_taken_back_in_part_what_is_left_is_said(
    sending: ParserDesk, tmp_path: Path
) -> None:
    path = text_file(tmp_path / "autumn.csv", [*product(1), *product(2), *product(3)])
    first = await ended(sending, path)
    async with sending.world.database() as conn:
        await conn.execute(
            text(
                "INSERT INTO imports.imports (id, tenant_id, user_id, entity_type, mode, status, file_name, object_key,"
                " undoes_import_id, updated_rows, failed_rows, total_rows) SELECT :undo, tenant_id, user_id, entity_type,"
                " 'undo', 'completed_with_failures', file_name, object_key, id, 2, 1, 3 FROM imports.imports WHERE id = :id"
            ),
            {"undo": str(uuid7()), "id": first.id},
        )
    again = await ended(sending, path)
    assert again.error is not None
    assert "with 1 row in production" in again.error["message"]


async def test_the_correction_file_of_an_import_is_no_repeat(sending: ParserDesk, tmp_path: Path) -> None:
    first = await ended(sending, text_file(tmp_path / "autumn.csv", product(1, carbon_kg="heavy")))
    path = workbook(tmp_path / "corrections.xlsx", product(1), origin=str(first.id))
    once = await ended(sending, path)
    twice = await ended(sending, path)
    assert (once.created_rows, once.parent_import_id) == (1, first.id)
    assert (code_of(twice), twice.parent_import_id) == (None, first.id)


async def test_of_two_that_come_at_once_one_is_imported(sending: ParserDesk, tmp_path: Path) -> None:
    events = [sending.event(text_file(tmp_path / f"{name}.csv", catalogue(4))) for name in ("one", "two", "three")]
    handlers = [sending.handler() for _ in events]
    deliveries = [delivered(event.model_dump_json().encode(), {}, offset=n) for n, event in enumerate(events)]
    for handler, event, delivery in zip(handlers, events, deliveries, strict=True):
        await handler.accept(event, delivery)
    await asyncio.gather(
        *(handler(event, delivery) for handler, event, delivery in zip(handlers, events, deliveries, strict=True))
    )
    await sending.later_stages()
    outcomes = [await sending.ledger(event.import_id) for event in events]  # type: ignore[arg-type]
    assert sorted((found.status, code_of(found), found.created_rows) for found in outcomes) == [
        ("completed", None, 12),
        ("failed", "imported_before", 0),
        ("failed", "imported_before", 0),
    ]


OPTIONS: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]] = [
    ({"decimal": "comma"}, {}),
    ({}, {"decimal": "point"}),
    ({"existing": "skip"}, {}),
    ({}, {"allow_repeat": True}),
    ({"heading_row": 1}, {"heading_row": 2}),
]


@pytest.mark.parametrize(("first", "second"), OPTIONS)
async def test_one_key_with_other_options_is_a_conflict(
    sending: ParserDesk, tmp_path: Path, first: Mapping[str, Any], second: Mapping[str, Any]
) -> None:
    event = sending.event(text_file(tmp_path / "a.csv", product(1)), idempotency_key="k", options=first)
    await deliver(sending, event)
    await deliver(sending, event)
    other = event.model_copy(update={"options": FileOptions.model_validate(second)})
    with pytest.raises(Poison, match="options"):
        await deliver(sending, other)
    assert (
        await sending.world.scalar("SELECT count(*) FROM imports.imports WHERE tenant_id = :t", t=sending.tenant) == 2
    )
