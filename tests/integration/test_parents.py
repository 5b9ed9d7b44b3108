"""Correction files are imported as their parents were: what that means for events that repeat, and for parents that are none."""

from pathlib import Path

import pytest
from sqlalchemy import text
from uuid_utils.compat import uuid7

from shared.events.model import FileOptions
from shared.messaging.failures import Poison
from tests.harness.files import product, text_file, workbook
from tests.integration.test_parser import ParserDesk
from tests.integration.test_senders import send, sending

__all__ = ["sending"]

BAD = product(1, carbon_kg="heavy")


async def test_an_event_that_comes_again_contradicts_nothing_that_its_parent_has_changed(
    sending: ParserDesk, tmp_path: Path
) -> None:
    first = sending.event(text_file(tmp_path / "a.csv", BAD), mode="upsert", options={"blanks": "clear"})
    await send(sending, first)
    path = workbook(tmp_path / "b.xlsx", product(1), origin=str(first.import_id))
    event = sending.event(path, mode="create", idempotency_key="k")
    for _ in range(2):
        await send(sending, event)
    assert event.import_id is not None
    found = await sending.ledger(event.import_id)
    assert (found.mode, found.parent_import_id, found.status) == ("upsert", first.import_id, "completed")
    (told,) = [notice["message"] for notice in found.notices if notice["code"] == "corrects_import"]
    assert told.endswith("mode upsert, not create; blanks: clear, not keep")
    with pytest.raises(Poison, match=r"options\.decimal"):
        await send(sending, event.model_copy(update={"options": FileOptions(decimal="comma")}))
    with pytest.raises(Poison, match='mode "upsert"'):
        await send(sending, event.model_copy(update={"mode": "enrich"}))


async def test_a_parent_that_is_named_and_the_one_in_the_file_are_the_same(sending: ParserDesk, tmp_path: Path) -> None:
    parents = [sending.event(text_file(tmp_path / f"{name}.csv", BAD), file_name=f"{name}.csv") for name in ("a", "b")]
    for parent in parents:
        await send(sending, parent)
    path = workbook(tmp_path / "c.xlsx", product(1), origin=str(parents[0].import_id))
    outcomes = []
    for parent in parents:
        event = sending.event(path, parent_import_id=str(parent.import_id))
        await send(sending, event)
        assert event.import_id is not None
        found = await sending.ledger(event.import_id)
        outcomes.append((found.status, (found.error or {}).get("code")))
    assert outcomes == [("completed", None), ("failed", "other_parent")]


async def test_what_takes_an_import_back_cannot_be_corrected(sending: ParserDesk, tmp_path: Path) -> None:
    undo = uuid7()
    async with sending.world.database() as conn:
        await conn.execute(
            text(
                "INSERT INTO imports.imports (id, tenant_id, user_id, entity_type, mode, status, file_name, object_key)"
                " VALUES (:id, :t, 'ana', 'products', 'undo', 'completed', 'a.csv', 'a')"
            ),
            {"id": str(undo), "t": sending.tenant},
        )
    event = sending.event(text_file(tmp_path / "a.csv", product(1)), parent_import_id=str(undo))
    await send(sending, event)
    assert event.import_id is not None
    found = await sending.ledger(event.import_id)
    assert (found.status, found.error["code"], found.created_rows) == ("failed", "other_parent", 0)
    assert 'mode "undo"' in found.error["message"]
