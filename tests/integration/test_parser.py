"""The parser on a real database: what it stages, from where it goes on, and what a changed mapping does."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from uuid_utils.compat import uuid7

from services.committer.families import families as committer_families
from services.committer.handler import CommitRows
from services.parser.dependencies import Dependencies
from services.parser.handler import ImportFile
from services.parser.mapping.chunks import Cut
from services.parser.reading.workspace import Workspace
from services.parser.repository import find
from services.parser.settings import ParserSettings
from services.parser.staging import ChunkStaging, Recut
from services.validator.families import families as validator_families
from services.validator.handler import ValidateRows
from shared.db.transaction import tenant_transaction
from shared.events import FileUploaded, RowsStaged, RowsValidated
from shared.events.model import FileOptions
from shared.intake.mapping import MappingChanged, MappingRefused, change_mapping
from shared.ledger import (
    NotImportable,
    Started,
    cancel_import,
    give_up,
    read_import,
    reopen_chunk,
    reopen_reading,
    start_import,
)
from shared.messaging.envelope import Delivery
from shared.messaging.failures import Poison
from tests.harness.files import HEADINGS, PRODUCTS, catalogue, product, row, text_file, workbook
from tests.harness.production import snapshot
from tests.harness.storage import MemoryStore
from tests.harness.world import World
from tests.integration.conftest import EngineOf

BUCKET = "winnow-uploads"
PLACES = {heading: place for place, heading in enumerate(HEADINGS)}


class Killed(Exception):
    """The process died here."""


@dataclass
class ParserDesk:
    """The parser's handler with storage in memory; the other stages' handlers, called for what it announces."""

    engine_of: Callable[[str], AsyncEngine]
    tenant: str
    folder: Path
    store: MemoryStore
    world: World
    deliveries: int = 0

    def handler(self, **settings: Any) -> ImportFile:
        return ImportFile(
            Dependencies(
                engine=self.engine_of("winnow_parser"),
                store=self.store,
                bucket=BUCKET,
                settings=ParserSettings(
                    **{"first_chunk_rows": 5, "chunk_rows": 10, "admit_unknown_tenants": True, **settings}
                ),
                workspace=Workspace(self.folder / "work"),
                reemit_after=timedelta(seconds=30),
                beat=lambda: None,
            )
        )

    def event(self, path: Path, **fields: Any) -> FileUploaded:
        """An event for a file that lies in storage."""
        key = f"{self.tenant}/{path.name}"
        self.store.objects[BUCKET, key] = path.read_bytes()
        return FileUploaded.model_validate(
            {
                "tenant_id": self.tenant,
                "user_id": "tester",
                "entity_type": "products",
                "mode": "create",
                "object_key": key,
                "file_name": path.name,
                "import_id": str(uuid7()),
                **fields,
            }
        )

    async def parse(self, event: FileUploaded, *, handler: ImportFile | None = None) -> UUID:
        """Deliver an event: accept it, then act on it."""
        handler = handler or self.handler()
        self.deliveries += 1
        delivery = Delivery("file-uploaded", 0, self.deliveries, event.model_dump_json().encode())
        await handler.accept(event, delivery)
        await handler(event, delivery)
        assert event.import_id is not None
        return event.import_id

    async def later_stages(self) -> None:
        """Validate and commit everything that is announced in the outbox for this tenant."""
        validate = ValidateRows(self.engine_of("winnow_validator"), validator_families())
        commit = CommitRows(self.engine_of("winnow_committer"), committer_families())
        handlers: dict[str, tuple[type[Any], Any]] = {
            "rows-staged": (RowsStaged, validate),
            "rows-validated": (RowsValidated, commit),
        }
        for topic, (event, handler) in handlers.items():
            for body in await self._announced(topic):
                await handler(event.model_validate_json(body), Delivery(topic, 0, 0, body))

    async def _announced(self, topic: str) -> list[bytes]:
        async with self.world.database() as conn:
            found = await conn.execute(
                text("SELECT body FROM imports.outbox WHERE tenant_id = :t AND topic = :topic ORDER BY chunk_no"),
                {"t": self.tenant, "topic": topic},
            )
            return [bytes(body) for body in found.scalars()]

    async def rows(self, import_id: UUID) -> list[tuple[int, int, int]]:
        """(row, chunk, group) of every row in the ledger."""
        async with self.world.database() as conn:
            found = await conn.execute(
                text("SELECT row_no, chunk_no, group_row FROM imports.raw_rows WHERE import_id = :id ORDER BY row_no"),
                {"id": import_id},
            )
            return [(found_row.row_no, found_row.chunk_no, found_row.group_row) for found_row in found]

    async def ledger(self, import_id: UUID) -> Any:
        async with self.world.database() as conn:
            return await read_import(conn, import_id)

    async def as_intake(self, act: Callable[..., Any], *args: Any) -> Any:
        async with tenant_transaction(self.engine_of("winnow_intake"), self.tenant) as conn:
            return await act(conn, *args)


@pytest.fixture
async def parsing(engine_of: EngineOf, tenant: str, tmp_path: Path, running_world: World) -> AsyncIterator[ParserDesk]:
    # Nothing else acts on what is announced here.
    running_world.fleet.stop()
    async with running_world.database() as conn:
        await conn.execute(text("INSERT INTO imports.tenants (tenant_id) VALUES (:t)"), {"t": tenant})
    yield ParserDesk(engine_of, tenant, tmp_path, MemoryStore(), running_world)
    async with running_world.database() as conn:
        await conn.execute(text("DELETE FROM imports.outbox WHERE tenant_id = :t"), {"t": tenant})


async def test_every_row_that_says_anything_is_in_the_ledger_and_data_alone_in_chunks(
    parsing: ParserDesk, tmp_path: Path
) -> None:
    headings = [*HEADINGS, "Remarks"]
    rows = [
        *product(1, variants=2),
        [*[None] * len(HEADINGS), "only a remark"],
        *product(2),
    ]
    import_id = await parsing.parse(parsing.event(workbook(tmp_path / "f.xlsx", rows, headings=headings)))
    assert await parsing.rows(import_id) == [(1, 0, 0), (2, 1, 2), (3, 1, 2), (4, 0, 0), (5, 1, 5)]
    ledger = await parsing.ledger(import_id)
    assert ledger.total_rows == 3
    assert "rows_beside_the_data" in {notice["code"] for notice in ledger.notices}


async def test_a_file_with_nothing_but_remarks_is_refused(parsing: ParserDesk, tmp_path: Path) -> None:
    rows = [[*[None] * len(HEADINGS), f"remark {number}"] for number in range(3)]
    path = workbook(tmp_path / "f.xlsx", rows, headings=[*HEADINGS, "Remarks"])
    ledger = await parsing.ledger(await parsing.parse(parsing.event(path)))
    assert (ledger.status, ledger.error["code"]) == ("failed", "no_data_rows")


async def test_a_reading_that_is_killed_goes_on_from_what_is_staged(
    parsing: ParserDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = parsing.event(workbook(tmp_path / "f.xlsx", catalogue(20)))
    for dies_at in (2, 4, 4):
        _dies_at(monkeypatch, dies_at)
        with pytest.raises(Killed):
            await parsing.parse(event)
    monkeypatch.undo()
    import_id = await parsing.parse(event)
    # Written within the same second it is the same file, byte by byte.
    again = FileOptions(allow_repeat=True)
    twin = await parsing.parse(parsing.event(workbook(tmp_path / "twin.xlsx", catalogue(20)), options=again))
    assert await parsing.rows(import_id) == await parsing.rows(twin)
    assert (await parsing.ledger(import_id)).total_rows == 60


def _dies_at(monkeypatch: pytest.MonkeyPatch, chunk_number: int) -> None:
    """The process dies before it stages the chunk of this number."""
    stage = ChunkStaging._stage

    async def dying(self: ChunkStaging, chunks: Cut, **end: Any) -> bool:
        if any(chunk.number == chunk_number for chunk in chunks):
            raise Killed
        return await stage(self, chunks, **end)

    monkeypatch.setattr(ChunkStaging, "_stage", dying)


async def test_a_second_event_that_says_something_else_of_an_import_changes_nothing(
    parsing: ParserDesk, tmp_path: Path
) -> None:
    event = parsing.event(workbook(tmp_path / "f.xlsx", catalogue(2)))
    import_id = await parsing.parse(event)
    before = await parsing.ledger(import_id)
    claims: list[dict[str, Any]] = [
        {"file_size": 3},
        {"mode": "upsert"},
        {"file_name": "other.xlsx"},
        {"file_sha256": "0" * 64},
        {"options": FileOptions(hold=True)},
    ]
    for claim in claims:
        (said,) = claim
        with pytest.raises(Poison, match="another content" if said in {"file_size", "file_sha256"} else said):
            await parsing.parse(event.model_copy(update=claim))
    assert await parsing.ledger(import_id) == before


async def test_the_same_event_again_is_no_contradiction(parsing: ParserDesk, tmp_path: Path) -> None:
    event = parsing.event(workbook(tmp_path / "f.xlsx", catalogue(2)))
    import_id = await parsing.parse(event)
    assert await parsing.parse(event) == import_id


SWAPPED = {"Product Title": "Description", "Description": "Product Title"}


def _misnamed(path: Path, rows: list[list[Any]]) -> Path:
    """A file in which title and description have each other's heading, and the SKU one nobody knows."""
    headings = [SWAPPED.get(heading, "Our number" if heading == "SKU" else heading) for heading in HEADINGS]
    return text_file(path, rows, headings=headings)


RIGHT = {
    field: place for place, field in enumerate(("title", "handle", "manufacturer", "description", "image_url"))
} | {
    "category": PLACES["Category"],
    "barcode": PLACES["Barcode"],
    "sku": PLACES["SKU"],
}
FILE = [
    *product(1, variants=3, description="A shirt"),
    *product(2, variants=12, description="Another"),
    row(sku="LOST", title="no handle"),
    *product(3, description="Third", sku="SKU-1-0"),
    *product(4, description="Fourth"),
]


async def test_a_changed_mapping_gives_what_the_right_headings_would_have_given(
    parsing: ParserDesk, tmp_path: Path
) -> None:
    held = {"options": {"hold": True}}
    wrong = await parsing.parse(parsing.event(_misnamed(tmp_path / "wrong.csv", FILE), **held))
    await parsing.later_stages()
    assert (await parsing.ledger(wrong)).status == "previewing"
    parsing.store.objects.clear()
    changed = await parsing.as_intake(change_mapping, wrong, RIGHT)
    assert changed == MappingChanged(2)
    again = await _announced_upload(parsing)
    await parsing.parse(again)
    ledger = await parsing.ledger(wrong)
    assert (ledger.epoch, ledger.total_rows) == (2, len(FILE))
    assert {notice["column"] for notice in ledger.notices if notice["code"] == "unmapped_column"} >= {"Season", "Tags"}
    await parsing.later_stages()
    assert isinstance(await parsing.as_intake(start_import, wrong), Started)
    await parsing.later_stages()

    other = ParserDesk(parsing.engine_of, f"{parsing.tenant}-r", tmp_path / "r", MemoryStore(), parsing.world)
    columns = sorted(RIGHT.values())
    headings = [heading if place in columns else f"Other {place}" for place, heading in enumerate(HEADINGS)]
    right = await other.parse(other.event(text_file(tmp_path / "right.csv", FILE, headings=headings)))
    await other.later_stages()
    assert await parsing.rows(wrong) == await other.rows(right)
    assert await _outcome(parsing, wrong) == await _outcome(other, right)
    async with parsing.world.database() as conn:
        assert await snapshot(conn, parsing.tenant) == await snapshot(conn, other.tenant)


async def _outcome(desk: ParserDesk, import_id: UUID) -> Any:
    ledger = await desk.ledger(import_id)
    counts = (ledger.status, ledger.total_rows, ledger.created_rows, ledger.failed_rows)
    errors = [(number, code, message) for number, _, code, message in await desk.world.errors(import_id)]
    return counts, errors


async def _announced_upload(desk: ParserDesk) -> FileUploaded:
    (body,) = await desk._announced("file-uploaded")
    return FileUploaded.model_validate_json(body)


async def test_a_recut_that_is_killed_goes_on_and_events_of_the_older_mapping_do_nothing(
    parsing: ParserDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_id = await parsing.parse(parsing.event(_misnamed(tmp_path / "f.csv", catalogue(20)), options={"hold": True}))
    older = await parsing._announced("rows-staged")
    assert await parsing.as_intake(change_mapping, import_id, RIGHT) == MappingChanged(2)
    event = await _announced_upload(parsing)
    _dies_at(monkeypatch, 3)
    with pytest.raises(Killed):
        await parsing.parse(event)
    monkeypatch.undo()
    await parsing.parse(event)
    validate = ValidateRows(parsing.engine_of("winnow_validator"), validator_families())
    for body in older:
        await validate(RowsStaged.model_validate_json(body), Delivery("rows-staged", 0, 0, body))
    async with parsing.world.database() as conn:
        states = await conn.execute(
            text("SELECT DISTINCT state, epoch FROM imports.import_chunks WHERE import_id = :id"), {"id": import_id}
        )
        assert [tuple(found) for found in states] == [("staged", 2)]
    assert len(await parsing._announced("rows-staged")) == await _chunks(parsing, import_id)


async def test_a_recut_that_is_killed_before_every_chunk_cuts_what_one_that_lives_cuts(
    parsing: ParserDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From one group of all rows to many, and so from large chunks to small ones with the same numbers."""
    rows = [*catalogue(12), *product(13, sku="SKU-1-0")]
    lives, dies = [
        await parsing.parse(parsing.event(text_file(tmp_path / name, rows), options={"hold": True}))
        for name in ("lives.csv", "dies.csv")
    ]
    for import_id in (lives, dies):
        for mapping in (ONE_PRODUCT, PLACES_OF_ALL):
            assert isinstance(await parsing.as_intake(change_mapping, import_id, mapping), MappingChanged)
            event = await _announced_upload(parsing)
            if import_id == dies:
                for number in range(1, len(rows)):
                    _dies_at(monkeypatch, number)
                    try:
                        await parsing.parse(event)
                    except Killed:
                        continue
                    finally:
                        monkeypatch.undo()
                    break
            else:
                await parsing.parse(event)
    assert await parsing.rows(dies) == await parsing.rows(lives)
    assert await _duplicates(parsing, dies) == await _duplicates(parsing, lives) != []
    assert await _chunks(parsing, dies) == await _chunks(parsing, lives) > 2


async def _duplicates(desk: ParserDesk, import_id: UUID) -> list[Any]:
    async with desk.world.database() as conn:
        found = await conn.execute(
            text("SELECT duplicates FROM imports.import_chunks WHERE import_id = :id ORDER BY chunk_no"),
            {"id": import_id},
        )
        return [said for duplicates in found.scalars() for said in duplicates]


async def _chunks(desk: ParserDesk, import_id: UUID) -> int:
    count: int = await desk.world.scalar(
        "SELECT count(*) FROM imports.import_chunks WHERE import_id = :id", id=import_id
    )
    return count


async def test_a_mapping_that_cannot_be_is_refused_in_words_and_nothing_changes(
    parsing: ParserDesk, tmp_path: Path
) -> None:
    import_id = await parsing.parse(parsing.event(workbook(tmp_path / "f.xlsx", catalogue(2)), options={"hold": True}))
    before = (await parsing.ledger(import_id), await parsing.rows(import_id))
    for fields, said in (
        ({**RIGHT, "colour": 2}, '"colour" is not a field of products'),
        ({**RIGHT, "sku": 400}, "There is no column 401 for SKU"),
        ({**RIGHT, "title": PLACES["Product Handle"]}, "cannot be Product Title and Product Handle at once"),
        ({"title": 0, "sku": PLACES["SKU"]}, "No column is Product Handle"),
    ):
        refused = await parsing.as_intake(change_mapping, import_id, fields)
        assert isinstance(refused, MappingRefused)
        assert any(said in problem for problem in refused.problems), refused
    assert (await parsing.ledger(import_id), await parsing.rows(import_id)) == before


async def test_what_is_not_held_keeps_its_mapping(parsing: ParserDesk, tmp_path: Path) -> None:
    import_id = await parsing.parse(parsing.event(workbook(tmp_path / "f.xlsx", catalogue(2))))
    refused = await parsing.as_intake(change_mapping, import_id, RIGHT)
    assert isinstance(refused, MappingRefused)
    assert "only while it is held" in refused.problems[0]
    assert await parsing.as_intake(change_mapping, UUID(str(uuid7())), RIGHT) is None


async def test_nothing_of_a_held_import_is_committed_before_it_is_started_and_a_second_start_does_nothing(
    parsing: ParserDesk, tmp_path: Path
) -> None:
    import_id = await parsing.parse(parsing.event(workbook(tmp_path / "f.xlsx", catalogue(10)), options={"hold": True}))
    not_ready = await parsing.as_intake(start_import, import_id)
    assert (not_ready.reading, not_ready.waiting_chunks) == (False, await _chunks(parsing, import_id))
    await parsing.later_stages()
    await parsing.later_stages()
    held = await parsing.ledger(import_id)
    assert (held.status, held.created_rows, held.stages.validated_rows) == ("previewing", 0, 30)
    assert await parsing.as_intake(start_import, import_id) == Started(await _chunks(parsing, import_id))
    assert (await parsing.as_intake(start_import, import_id)).status == "importing"
    await parsing.later_stages()
    ended = await parsing.ledger(import_id)
    assert (ended.status, ended.created_rows) == ("completed", 30)
    assert (await parsing.as_intake(start_import, import_id)).status == "completed"


async def test_a_held_import_that_is_cancelled_ends_with_nothing_in_production(
    parsing: ParserDesk, tmp_path: Path
) -> None:
    import_id = await parsing.parse(
        parsing.event(
            workbook(tmp_path / "f.xlsx", [*catalogue(9), *product(10, carbon_kg="x")]), options={"hold": True}
        )
    )
    await parsing.later_stages()
    assert await parsing.as_intake(cancel_import, import_id)
    assert not await parsing.as_intake(cancel_import, import_id)
    ended = await parsing.ledger(import_id)
    assert (ended.status, ended.created_rows, ended.failed_rows) == ("cancelled", 0, 0)
    assert ended.unprocessed_rows == ended.total_rows == 28
    assert await parsing.world.errors(import_id) == []
    await parsing.later_stages()
    assert (await parsing.ledger(import_id)) == ended
    assert (
        await parsing.world.scalar("SELECT count(*) FROM catalog.products WHERE tenant_id = :t", t=parsing.tenant) == 0
    )
    assert await parsing._announced("import-completed") != []


async def test_cancelling_while_chunks_are_committed_keeps_what_is_committed_and_counts_the_rest(
    parsing: ParserDesk, tmp_path: Path
) -> None:
    import_id = await parsing.parse(parsing.event(workbook(tmp_path / "f.xlsx", catalogue(10))))
    validate = ValidateRows(parsing.engine_of("winnow_validator"), validator_families())
    commit = CommitRows(parsing.engine_of("winnow_committer"), committer_families())
    staged = [RowsStaged.model_validate_json(body) for body in await parsing._announced("rows-staged")]
    for event in staged[:2]:
        await validate(event, Delivery("rows-staged", 0, 0, b""))
    validated = [RowsValidated.model_validate_json(body) for body in await parsing._announced("rows-validated")]
    await commit(validated[0], Delivery("rows-validated", 0, 0, b""))
    assert await parsing.as_intake(cancel_import, import_id)
    ended = await parsing.ledger(import_id)
    assert (ended.status, ended.created_rows) == ("cancelled", validated[0].row_count)
    assert ended.unprocessed_rows == 30 - validated[0].row_count
    await commit(validated[1], Delivery("rows-validated", 0, 0, b""))
    await validate(staged[2], Delivery("rows-staged", 0, 0, b""))
    assert await parsing.ledger(import_id) == ended


async def test_a_chunk_that_was_given_up_after_its_validation_can_be_validated_anew(
    parsing: ParserDesk, tmp_path: Path
) -> None:
    import_id = await parsing.parse(parsing.event(workbook(tmp_path / "f.xlsx", catalogue(1))))
    (staged,) = [RowsStaged.model_validate_json(body) for body in await parsing._announced("rows-staged")]
    validate = ValidateRows(parsing.engine_of("winnow_validator"), validator_families())
    await validate(staged, Delivery("rows-staged", 0, 0, b""))
    async with tenant_transaction(parsing.engine_of("winnow_committer"), parsing.tenant) as conn:
        (validated,) = [RowsValidated.model_validate_json(body) for body in await parsing._announced("rows-validated")]
        await give_up(conn, validated, "W-1")
    assert (await parsing.ledger(import_id)).status == "completed_with_failures"
    assert await parsing.as_intake(reopen_chunk, staged)
    await parsing.later_stages()
    ended = await parsing.ledger(import_id)
    assert (ended.status, ended.created_rows, ended.failed_rows) == ("completed", 3, 0)


async def test_nothing_of_a_held_file_that_cannot_be_read_to_its_end_is_committed(
    parsing: ParserDesk, tmp_path: Path
) -> None:
    rows = [*catalogue(8), *product(9, variants=30)]
    event = parsing.event(workbook(tmp_path / "f.xlsx", rows), options={"hold": True})
    import_id = await parsing.parse(event, handler=parsing.handler(group_rows=20))
    ended = await parsing.ledger(import_id)
    assert (ended.status, ended.error["code"]) == ("failed", "group_too_large")
    assert (ended.created_rows, ended.failed_rows) == (0, 0)
    assert ended.unprocessed_rows == ended.total_rows > 0
    await parsing.later_stages()
    assert await parsing.ledger(import_id) == ended
    assert (await parsing.as_intake(start_import, import_id)).status == "failed"


ONE_PRODUCT = {"title": PLACES["Product Title"], "handle": PLACES["Manufacturer"], "sku": PLACES["SKU"]}
"""Under it every row of a catalogue is of one product."""
NOTHING = {"title": PLACES["Raw Material"], "handle": PLACES["Finishing"], "sku": PLACES["Assembly"]}
"""Columns that say nothing in any row."""


async def test_a_mapping_that_leaves_nothing_to_import_keeps_the_import_held_for_another(
    parsing: ParserDesk, tmp_path: Path
) -> None:
    handler = parsing.handler(group_rows=20)
    event = parsing.event(workbook(tmp_path / "f.xlsx", catalogue(10)), options={"hold": True})
    import_id = await parsing.parse(event, handler=handler)
    for mapping, code in ((NOTHING, "no_data_rows"), (ONE_PRODUCT, "group_too_large")):
        assert isinstance(await parsing.as_intake(change_mapping, import_id, mapping), MappingChanged)
        await parsing.parse(await _announced_upload(parsing), handler=handler)
        held = await parsing.ledger(import_id)
        assert (held.status, held.error["code"]) == ("previewing", code)
        assert isinstance(await parsing.as_intake(start_import, import_id), NotImportable)
    assert isinstance(await parsing.as_intake(change_mapping, import_id, PLACES_OF_ALL), MappingChanged)
    await parsing.parse(await _announced_upload(parsing), handler=handler)
    await parsing.later_stages()
    assert isinstance(await parsing.as_intake(start_import, import_id), Started)
    await parsing.later_stages()
    ended = await parsing.ledger(import_id)
    assert (ended.status, ended.created_rows, ended.error) == ("completed", 30, None)


PLACES_OF_ALL = {field.code: place for place, field in enumerate(PRODUCTS.fields)}


async def test_a_held_import_whose_mapping_fits_nothing_can_be_cancelled(parsing: ParserDesk, tmp_path: Path) -> None:
    event = parsing.event(workbook(tmp_path / "f.xlsx", catalogue(2)), options={"hold": True})
    import_id = await parsing.parse(event)
    await parsing.as_intake(change_mapping, import_id, NOTHING)
    await parsing.parse(await _announced_upload(parsing))
    assert await parsing.as_intake(cancel_import, import_id)
    ended = await parsing.ledger(import_id)
    assert (ended.status, ended.total_rows, ended.unprocessed_rows) == ("cancelled", 6, 6)


async def test_an_import_that_is_cancelled_before_it_is_cut_again_counts_every_row(
    parsing: ParserDesk, tmp_path: Path
) -> None:
    event = parsing.event(workbook(tmp_path / "f.xlsx", catalogue(20)), options={"hold": True})
    import_id = await parsing.parse(event)
    assert await parsing.as_intake(change_mapping, import_id, PLACES_OF_ALL) == MappingChanged(2)
    assert await parsing.as_intake(cancel_import, import_id)
    ended = await parsing.ledger(import_id)
    assert (ended.total_rows, ended.unprocessed_rows) == (60, 60)


async def test_whoever_comes_late_to_rows_that_are_cut_changes_nothing(parsing: ParserDesk, tmp_path: Path) -> None:
    handler = parsing.handler()
    event = parsing.event(workbook(tmp_path / "f.xlsx", catalogue(20)), options={"hold": True})
    import_id = await parsing.parse(event, handler=handler)
    assert await parsing.as_intake(change_mapping, import_id, PLACES_OF_ALL) == MappingChanged(2)
    async with tenant_transaction(parsing.engine_of("winnow_parser"), parsing.tenant) as conn:
        late = await find(conn, import_id)
    assert late is not None
    await parsing.parse(await _announced_upload(parsing), handler=handler)
    before = (await parsing.ledger(import_id), await parsing.rows(import_id), await _chunks(parsing, import_id))
    await handler._stage_or_refuse(late, Delivery("file-uploaded", 0, 99, b""))
    await handler._stage_in_turn(late, Delivery("file-uploaded", 0, 99, b""))
    after = (await parsing.ledger(import_id), await parsing.rows(import_id), await _chunks(parsing, import_id))
    assert after == before


async def test_what_is_cut_by_an_older_mapping_cannot_fail_the_import(
    parsing: ParserDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = parsing.event(workbook(tmp_path / "f.xlsx", catalogue(4)), options={"hold": True})
    import_id = await parsing.parse(event)
    await parsing.as_intake(change_mapping, import_id, NOTHING)
    run = Recut.run

    async def overtaken(self: Recut) -> None:
        monkeypatch.undo()
        assert await parsing.as_intake(change_mapping, import_id, PLACES_OF_ALL) == MappingChanged(3)
        await run(self)

    monkeypatch.setattr(Recut, "run", overtaken)
    await parsing.parse(await _announced_upload(parsing))
    held = await parsing.ledger(import_id)
    assert (held.status, held.error, held.epoch) == ("previewing", None, 3)
    await parsing.parse(await _announced_upload(parsing))
    assert (await parsing.ledger(import_id)).total_rows == 12


async def test_a_held_file_whose_reading_was_given_up_is_read_again_when_it_is_redriven(
    parsing: ParserDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = parsing.event(workbook(tmp_path / "f.xlsx", catalogue(20)), options={"hold": True})
    _dies_at(monkeypatch, 3)
    with pytest.raises(Killed):
        await parsing.parse(event)
    monkeypatch.undo()
    async with tenant_transaction(parsing.engine_of("winnow_parser"), parsing.tenant) as conn:
        await give_up(conn, event, "W-2")
    assert event.import_id is not None
    assert (await parsing.ledger(event.import_id)).status == "failed"
    assert await parsing.as_intake(reopen_reading, event)
    await parsing.parse(event)
    await parsing.later_stages()
    held = await parsing.ledger(event.import_id)
    assert (held.status, held.total_rows, held.stages.validated_rows) == ("previewing", 60, 60)
    assert isinstance(await parsing.as_intake(start_import, event.import_id), Started)
    await parsing.later_stages()
    assert (await parsing.ledger(event.import_id)).created_rows == 60


async def test_nothing_that_was_validated_of_a_cancelled_import_is_kept(parsing: ParserDesk, tmp_path: Path) -> None:
    event = parsing.event(workbook(tmp_path / "f.xlsx", catalogue(4)), options={"hold": True})
    import_id = await parsing.parse(event)
    await parsing.later_stages()
    assert await parsing.world.scalar("SELECT count(*) FROM staging.products WHERE import_id = :id", id=import_id) == 4
    assert await parsing.as_intake(cancel_import, import_id)
    for table in ("products", "product_variants", "groups"):
        left = f"SELECT count(*) FROM staging.{table} WHERE import_id = :id"
        assert await parsing.world.scalar(left, id=import_id) == 0
