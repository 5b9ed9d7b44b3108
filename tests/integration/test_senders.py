"""What senders are told: by what they know their event, whatever becomes of it, and when it is taken for another's."""

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from uuid_utils.compat import uuid7

from shared.db.transaction import tenant_transaction
from shared.events import FileUploaded, ImportCompleted
from shared.ledger import give_up, reopen_reading
from shared.messaging.envelope import Delivery
from shared.messaging.failures import Poison
from tests.harness.files import catalogue, product, workbook
from tests.harness.storage import MemoryStore
from tests.harness.world import World
from tests.integration.conftest import EngineOf
from tests.integration.test_parser import ParserDesk

TRACE = f"00-{'ab' * 16}-{'cd' * 8}-01"
HEADERS = {"ce_id": "order-4711", "ce_source": "/shop", "traceparent": TRACE}


@pytest.fixture
async def sending(engine_of: EngineOf, tenant: str, tmp_path: Path, idle_world: World) -> AsyncIterator[ParserDesk]:
    async with idle_world.database() as conn:
        await conn.execute(text("INSERT INTO imports.tenants (tenant_id) VALUES (:t)"), {"t": tenant})
    yield ParserDesk(engine_of, tenant, tmp_path, MemoryStore(), idle_world)
    async with idle_world.database() as conn:
        await conn.execute(text("DELETE FROM imports.outbox WHERE tenant_id LIKE :t"), {"t": f"{tenant}%"})


def delivered(body: bytes, headers: Mapping[str, str] = HEADERS, *, offset: int = 1) -> Delivery:
    return Delivery("file-uploaded", 0, offset, body, None, headers)


async def send(desk: ParserDesk, event: FileUploaded, headers: Mapping[str, str] = HEADERS) -> None:
    """Deliver an event as its sender published it, and see it through."""
    handler = desk.handler()
    desk.deliveries += 1
    delivery = delivered(event.model_dump_json(exclude_none=True).encode(), headers, offset=desk.deliveries)
    await handler.accept(event, delivery)
    await handler(event, delivery)
    await desk.later_stages()


async def completed(desk: ParserDesk) -> list[tuple[ImportCompleted, Mapping[str, str]]]:
    """What is announced of this tenant's imports that have ended, with the headers, in the order of their making."""
    async with desk.world.database() as conn:
        found = await conn.execute(
            text(
                "SELECT body, headers FROM imports.outbox WHERE tenant_id = :t AND topic = 'import-completed' ORDER BY id"
            ),
            {"t": desk.tenant},
        )
        return [(ImportCompleted.model_validate_json(row.body), row.headers) for row in found]


async def test_what_a_sender_calls_its_event_is_said_again_when_the_import_ends(
    sending: ParserDesk, tmp_path: Path
) -> None:
    event = sending.event(workbook(tmp_path / "f.xlsx", catalogue(4)), idempotency_key="delivery-17")
    await send(sending, event)
    ((ended, headers),) = await completed(sending)
    assert (ended.status, ended.object_key, ended.idempotency_key) == ("completed", event.object_key, "delivery-17")
    assert (ended.upload_event_id, ended.upload_event_source) == ("order-4711", "/shop")
    assert headers["traceparent"] == TRACE, "though the last chunk was committed by another process"
    shown = (await sending.ledger(ended.import_id)).as_json()
    assert (shown["idempotency_key"], shown["upload_event_id"]) == ("delivery-17", "order-4711")
    assert (shown["upload_event_source"], shown["traceparent"]) == ("/shop", TRACE)


async def test_a_key_that_was_derived_is_nothing_a_sender_knows(sending: ParserDesk, tmp_path: Path) -> None:
    await send(sending, sending.event(workbook(tmp_path / "f.xlsx", catalogue(1)), import_id=None), {})
    ((ended, headers),) = await completed(sending)
    said = json.loads(ended.model_dump_json(exclude_none=True))
    assert not said.keys() & {"idempotency_key", "upload_event_id", "upload_event_source"}
    assert headers["traceparent"].startswith("00-")


@pytest.mark.parametrize(
    "headers",
    [{"ce_id": "x" * 900_000, "ce_source": "s" * 2_000}, {"ce_id": "a\x00b", "ce_source": "\x1f"}, {"ce_id": ""}],
    ids=["too long to be said again", "not to be kept", "empty"],
)
async def test_a_name_that_cannot_be_said_again_is_left_out_and_the_file_imported(
    sending: ParserDesk, tmp_path: Path, headers: dict[str, str]
) -> None:
    await send(sending, sending.event(workbook(tmp_path / "f.xlsx", catalogue(1)), import_id=None), headers)
    ((ended, _),) = await completed(sending)
    assert (ended.status, ended.upload_event_id, ended.upload_event_source) == ("completed", None, None)


async def test_the_trace_may_be_in_the_extension_cloudevents_has_for_it(sending: ParserDesk, tmp_path: Path) -> None:
    await send(sending, sending.event(workbook(tmp_path / "f.xlsx", catalogue(1))), {"ce_traceparent": TRACE})
    ((_, headers),) = await completed(sending)
    assert headers["traceparent"] == TRACE


async def test_a_file_that_cannot_be_read_is_refused_under_the_names_of_its_sender(
    sending: ParserDesk, tmp_path: Path
) -> None:
    path = tmp_path / "f.xlsx"
    path.write_bytes(b"no workbook")
    event = sending.event(path, idempotency_key="k")
    await send(sending, event)
    ((ended, headers),) = await completed(sending)
    assert (ended.status, ended.upload_event_id, ended.idempotency_key) == ("failed", "order-4711", "k")
    assert (ended.object_key, headers["traceparent"]) == (event.object_key, TRACE)


def invalid(desk: ParserDesk, **fields: Any) -> dict[str, Any]:
    return {
        "tenant_id": desk.tenant,
        "user_id": "u",
        "entity_type": "products",
        "object_key": f"{desk.tenant}/{'k' * 600}.xlsx",
        "file_name": "f.xlsx",
        **fields,
    }


async def refuse(desk: ParserDesk, raw: dict[str, Any], problem: str, headers: Mapping[str, str] = HEADERS) -> bool:
    return await desk.handler().refuse(raw, problem, delivered(json.dumps(raw).encode(), headers))


async def test_an_invalid_event_is_refused_under_the_names_of_its_sender(sending: ParserDesk) -> None:
    raw = invalid(sending, idempotency_key="mine")
    assert await refuse(sending, raw, "mode: is required")
    ((ended, headers),) = await completed(sending)
    assert ended.error is not None
    assert (ended.error.code, ended.idempotency_key, ended.object_key) == ("invalid_event", "mine", raw["object_key"])
    assert (ended.upload_event_id, ended.upload_event_source) == ("order-4711", "/shop")
    assert headers["traceparent"] == TRACE
    assert await refuse(sending, raw, "mode: is required")
    assert len(await completed(sending)) == 1, "the same event again is the same refusal"


async def test_invalid_events_whose_keys_are_too_long_and_begin_alike_are_refused_each(sending: ParserDesk) -> None:
    for end in ("1", "2"):
        assert await refuse(sending, invalid(sending, idempotency_key="k" * 300 + end), "idempotency_key: too long")
    told = [ended for ended, _ in await completed(sending)]
    assert len({ended.import_id for ended in told}) == 2
    assert {ended.idempotency_key for ended in told} == {None}


async def test_an_invalid_event_with_the_id_of_another_import_is_refused_beside_it(
    sending: ParserDesk, tmp_path: Path
) -> None:
    event = sending.event(workbook(tmp_path / "f.xlsx", catalogue(1)))
    await send(sending, event)
    assert event.import_id is not None
    before = await sending.ledger(event.import_id)
    for _ in range(2):
        assert await refuse(sending, invalid(sending, import_id=str(event.import_id)), "mode: is required")
    assert await sending.ledger(event.import_id) == before
    (_, (told, _)) = await completed(sending)
    assert told.error is not None
    assert (told.status, told.error.code, told.upload_event_id) == ("failed", "invalid_event", "order-4711")


async def test_an_event_that_is_still_not_right_is_refused_for_what_is_wrong_now(sending: ParserDesk) -> None:
    raw = invalid(sending, import_id=str(uuid7()))
    for problem in ("mode: is required", "user_id: is required", "user_id: is required"):
        assert await refuse(sending, raw, problem)
    ((told, _),) = await completed(sending)
    assert told.error is not None
    assert "user_id: is required" in told.error.message


@pytest.mark.parametrize(
    "claim",
    [
        {"file_size": 3},
        {"object_key": "other"},
        {"object_key": "case"},
        {"file_name": "other.xlsx"},
        {"user_id": "somebody else"},
        {"import_id": "01890a5d-ac96-774b-bcce-b302099a8057"},
        {"idempotency_key": "another"},
        {"mode": "enrich"},
        {"options": {"sheet": "Another"}},
        {"options": {"hold": True}},
    ],
    ids=str,
)
@pytest.mark.parametrize("ended_as", ["completed", "failed"])
async def test_who_contradicts_an_import_that_has_ended_is_told_so_and_nothing_else_happens(
    sending: ParserDesk, tmp_path: Path, claim: dict[str, Any], ended_as: str
) -> None:
    rows = catalogue(2) if ended_as == "completed" else []
    event = sending.event(workbook(tmp_path / "f.xlsx", rows), idempotency_key="k")
    await send(sending, event, {"ce_id": "the first"})
    assert event.import_id is not None
    before = await sending.ledger(event.import_id)
    assert before.status == ended_as
    key = {"other": f"{sending.tenant}/other.xlsx", "case": event.object_key[:-5] + ".XLSX"}
    said = {**claim, **({"object_key": key[claim["object_key"]]} if "object_key" in claim else {})}
    second = FileUploaded.model_validate({**event.model_dump(exclude_none=True), **said})
    for _ in range(2):
        with pytest.raises(Poison, match="another content" if "file_size" in claim else next(iter(claim))):
            await send(sending, second, {"ce_id": "the second"})
    assert await sending.ledger(event.import_id) == before
    (first, _), (told, _) = await completed(sending)
    assert first.import_id == event.import_id
    assert told.error is not None
    assert (told.status, told.error.code) == ("failed", "contradicts_another")
    assert (told.upload_event_id, told.object_key) == ("the second", second.object_key)
    assert str(event.import_id) in told.error.message


async def test_who_contradicts_an_import_that_is_being_read_changes_nothing_of_it(
    sending: ParserDesk, tmp_path: Path
) -> None:
    event = sending.event(workbook(tmp_path / "f.xlsx", catalogue(4)))
    handler = sending.handler()
    first = delivered(event.model_dump_json().encode())
    await handler.accept(event, first)
    other = event.model_copy(update={"object_key": f"{sending.tenant}/other.xlsx", "file_size": 3})
    with pytest.raises(Poison, match="object_key"):
        await handler.accept(other, delivered(other.model_dump_json().encode(), {}, offset=2))
    await handler(event, first)
    await sending.later_stages()
    assert event.import_id is not None
    assert (await sending.ledger(event.import_id)).status == "completed"


async def test_an_id_that_another_tenant_has_is_refused_without_saying_whose(
    sending: ParserDesk, tmp_path: Path
) -> None:
    event = sending.event(workbook(tmp_path / "f.xlsx", catalogue(1)))
    await send(sending, event)
    other = ParserDesk(sending.engine_of, f"{sending.tenant}-o", tmp_path / "o", MemoryStore(), sending.world)
    theirs = other.event(workbook(tmp_path / "o.xlsx", catalogue(1)), import_id=str(event.import_id))
    with pytest.raises(Poison, match="cannot be given"):
        await send(other, theirs)
    assert await refuse(other, invalid(other, import_id=str(event.import_id)), "mode: is required", {"ce_id": "2"})
    told = [ended for ended, _ in await completed(other)]
    assert [ended.error.code for ended in told if ended.error] == ["contradicts_another", "invalid_event"]
    assert {ended.import_id for ended in told}.isdisjoint({event.import_id})
    assert "tenant" not in str([ended.error for ended in told])


async def test_a_parent_nobody_has_or_another_tenant_has_is_refused_and_the_import_starts_over_without_it(
    sending: ParserDesk, tmp_path: Path
) -> None:
    stranger = ParserDesk(sending.engine_of, f"{sending.tenant}-s", tmp_path / "s", MemoryStore(), sending.world)
    theirs = stranger.event(workbook(tmp_path / "s.xlsx", catalogue(1)))
    await send(stranger, theirs)
    path = workbook(tmp_path / "f.xlsx", catalogue(1))
    refusals = set()
    for stranger_id in (theirs.import_id, uuid7(), None):
        own = UUID(str(uuid7()))
        parent = stranger_id or own
        again = {"allow_repeat": True}
        event = sending.event(path, import_id=str(own), parent_import_id=str(parent), options=again)
        await send(sending, event)
        refused = await sending.ledger(own)
        assert (refused.status, refused.error["code"]) == ("failed", "unknown_parent")
        refusals.add(refused.error["message"].replace(str(parent), "…"))
        with_key = sending.event(path, import_id=str(own), options=again)
        await send(sending, with_key)
        assert (await sending.ledger(own)).status in {"completed", "completed_with_failures"}
    assert len(refusals) == 1, "whether another tenant has it is not to be seen"


async def test_a_correction_workbook_of_another_tenant_is_refused(sending: ParserDesk, tmp_path: Path) -> None:
    stranger = ParserDesk(sending.engine_of, f"{sending.tenant}-s", tmp_path / "s", MemoryStore(), sending.world)
    theirs = stranger.event(workbook(tmp_path / "s.xlsx", catalogue(1)))
    await send(stranger, theirs)
    refusals = set()
    for number, origin in enumerate((theirs.import_id, uuid7(), uuid4())):
        path = workbook(tmp_path / f"f{number}.xlsx", product(number + 1), origin=str(origin))
        event = sending.event(path)
        await send(sending, event)
        assert event.import_id is not None
        refused = await sending.ledger(event.import_id)
        assert (refused.status, refused.error["code"], refused.total_rows) == ("failed", "unknown_parent", 0)
        refusals.add(refused.error["message"].replace(str(origin), "…").replace(path.name, "…"))
    assert len(refusals) == 1, "whether another tenant has it is not to be seen"


async def test_a_correction_workbook_has_the_parent_it_says_and_no_other(sending: ParserDesk, tmp_path: Path) -> None:
    parents = [sending.event(workbook(tmp_path / f"p{number}.xlsx", product(number))) for number in (1, 2)]
    for parent in parents:
        await send(sending, parent)
    origin, other = (str(parent.import_id) for parent in parents)
    outcomes = []
    for number, said in enumerate((None, origin, other), start=10):
        path = workbook(tmp_path / f"f{number}.xlsx", product(number), origin=origin)
        event = sending.event(path, parent_import_id=said)
        await send(sending, event)
        assert event.import_id is not None
        ledger = await sending.ledger(event.import_id)
        outcomes.append((ledger.status, str(ledger.parent_import_id), (ledger.error or {}).get("code")))
    assert outcomes == [("completed", origin, None), ("completed", origin, None), ("failed", other, "other_parent")]


async def test_an_import_id_of_another_version_is_refused_in_words(sending: ParserDesk, tmp_path: Path) -> None:
    event = sending.event(workbook(tmp_path / "f.xlsx", catalogue(1)), import_id=str(uuid4()))
    for _ in range(2):
        await send(sending, event)
    ((told, _),) = await completed(sending)
    assert told.error is not None
    assert (told.import_id, told.error.code) == (event.import_id, "invalid_event")
    assert "UUIDv7" in told.error.message


async def test_an_import_whose_event_was_put_right_is_announced_a_second_time(
    sending: ParserDesk, tmp_path: Path
) -> None:
    event = sending.event(workbook(tmp_path / "f.xlsx", catalogue(1)), idempotency_key="k")
    wrong = {**event.model_dump(mode="json", exclude_none=True), "mode": None}
    assert await refuse(sending, wrong, "mode: is required", {"ce_id": "the first"})
    ((told, _),) = await completed(sending)
    assert (told.status, told.upload_event_id) == ("failed", "the first")
    await send(sending, event, {"ce_id": "the second", "traceparent": TRACE})
    ((told, headers),) = await completed(sending)
    assert (told.status, told.created_rows, told.upload_event_id) == ("completed", 3, "the second")
    assert headers["traceparent"] == TRACE


async def test_a_file_that_was_given_up_and_read_after_all_is_announced_a_second_time(
    sending: ParserDesk, tmp_path: Path
) -> None:
    event = sending.event(workbook(tmp_path / "f.xlsx", catalogue(1)))
    await sending.handler().accept(event, delivered(event.model_dump_json().encode()))
    async with tenant_transaction(sending.engine_of("winnow_parser"), sending.tenant) as conn:
        await give_up(conn, event, "W-1")
    ((told, _),) = await completed(sending)
    assert told.status == "failed"
    assert await sending.as_intake(reopen_reading, event)
    await send(sending, event)
    ((told, headers),) = await completed(sending)
    assert (told.status, told.created_rows, headers["traceparent"]) == ("completed", 3, TRACE)


async def test_what_has_ended_reading_cannot_be_failed_by_an_event(sending: ParserDesk, tmp_path: Path) -> None:
    event = sending.event(workbook(tmp_path / "f.xlsx", catalogue(4)))
    await sending.parse(event)
    assert event.import_id is not None
    before = await sending.ledger(event.import_id)
    assert before.parsed_at is not None
    sending.store.objects.clear()
    await sending.parse(event)
    async with tenant_transaction(sending.engine_of("winnow_parser"), sending.tenant) as conn:
        await give_up(conn, event.model_copy(update={"file_size": 1}), "W-1")
    await sending.later_stages()
    ended = await sending.ledger(event.import_id)
    assert (ended.status, ended.created_rows, ended.error) == ("completed", 12, None)


async def test_the_same_names_for_another_object_are_a_contradiction(sending: ParserDesk, tmp_path: Path) -> None:
    for number in (1, 2):
        event = sending.event(workbook(tmp_path / f"f{number}.xlsx", product(number)), import_id=None)
        if number == 1:
            await send(sending, event)
        else:
            with pytest.raises(Poison, match="object_key"):
                await send(sending, event)
    outcomes = [(ended.status, ended.file_name, ended.upload_event_id) for ended, _ in await completed(sending)]
    assert outcomes == [("completed", "f1.xlsx", "order-4711"), ("failed", "f2.xlsx", "order-4711")]


COLLIDING = [
    ({"ce_source": "x", "ce_id": "y:z"}, {"ce_source": "x:y", "ce_id": "z"}),
    ({"ce_source": "s" * 255, "ce_id": "1"}, {"ce_source": "s" * 255 + "s", "ce_id": "1"}),
    ({"ce_source": "s" * 300, "ce_id": "1"}, {"ce_source": "s" * 300, "ce_id": "2"}),
    ({"ce_source": "x", "ce_id": "i" * 400 + "1"}, {"ce_source": "x", "ce_id": "i" * 400 + "2"}),
    ({"ce_id": "z"}, {"ce_source": "", "ce_id": "z"}),
    ({"ce_id": "z"}, {"ce_source": "None", "ce_id": "z"}),
    ({"ce_id": "9007199254740992"}, {"ce_id": "9007199254740993"}),
    ({"ce_id": "1"}, {"ce_id": "1.0"}),
    ({"ce_source": '["x"', "ce_id": "y"}, {"ce_source": "[", "ce_id": '"x",y'}),
]


@pytest.mark.parametrize(("one", "two"), COLLIDING)
async def test_different_events_are_different_imports_however_their_names_are_cut(
    sending: ParserDesk, tmp_path: Path, one: dict[str, str], two: dict[str, str]
) -> None:
    for number, headers in enumerate((one, two), start=1):
        await send(
            sending, sending.event(workbook(tmp_path / f"f{number}.xlsx", product(number)), import_id=None), headers
        )
    told = [ended for ended, _ in await completed(sending)]
    assert [(ended.status, ended.file_name) for ended in told] == [("completed", "f1.xlsx"), ("completed", "f2.xlsx")]


async def test_a_key_that_looks_like_anothers_default_is_another_key(sending: ParserDesk, tmp_path: Path) -> None:
    first = sending.event(workbook(tmp_path / "f1.xlsx", product(1)))
    named = sending.event(workbook(tmp_path / "f2.xlsx", product(2)), import_id=None)
    await send(sending, first)
    await send(sending, named, {"ce_source": "x", "ce_id": "1"})
    looks_alike = [f"import:{first.import_id}", "event:x:1"]
    for number, key in enumerate(looks_alike, start=3):
        path = workbook(tmp_path / f"f{number}.xlsx", product(number))
        await send(sending, sending.event(path, import_id=None, idempotency_key=key), {})
    assert [ended.status for ended, _ in await completed(sending)] == ["completed"] * 4
