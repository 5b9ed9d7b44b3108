"""What handlers, ledger and counts make of a family, whatever the family is: every outcome, counted by rows."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from services.committer.moves import Plan, Step
from services.committer.refusals import Conflict
from services.committer.written import Run, Written
from services.validator.asked import Asked
from services.validator.never_undone import NeverUndone
from services.validator.outcomes import Decided, Failed, Notice, Outcome, Planned
from services.validator.rows import Groups
from shared.entities.columns import Columns
from shared.entities.errors import CellError, RowError
from shared.entities.scope import ChunkScope
from shared.events import RowsStaged, RowsValidated
from shared.messaging.failures import Poison
from shared.states import Action
from tests.harness.files import catalogue
from tests.harness.staging import Desk
from tests.harness.world import World

KNOWN = UUID(str(uuid7()))


class TitleSays(NeverUndone):
    """Does with each group what its first title says: create, update, skip or anything else."""

    def needs(self, groups: Groups, *_: object) -> Sequence[str | None]:
        return [group[0].text("title") for group in groups]

    async def look_up(self, conn: AsyncConnection, tenant_id: str, asked: Asked, needs: Any) -> Any:
        return needs

    def decide(self, groups: Groups, columns: Columns, known: Any, asked: Asked) -> Decided:
        outcomes: list[Outcome] = []
        for group, title in zip(groups, known, strict=True):
            row = group[0].row
            if title in set(Action):
                target = None if title == Action.CREATE else KNOWN
                rows = {"update": "updates", "skip": "skips"}.get(title or "")
                counts = {rows: len(group)} if rows else {}
                outcomes.append(Planned(row, len(group), Action(title), target, **counts))
            else:
                error = columns.error(row, row, "title", CellError("odd", f"{title} in mode {asked.mode}"))
                outcomes.append(Failed(row, len(group), [error]))
        return Decided(outcomes, [], [Notice("told", "so", "Product Title", 2, 1)])


class OneTable:
    """Writes nothing, and says so of every row that is not skipped; refuses or conflicts with groups it is told."""

    decides_again = False

    def __init__(self, *, taken: Sequence[int] = (), refused: Sequence[int] = (), lost: int = 0) -> None:
        self._taken = set(taken)
        self._refused = set(refused)
        self._lost = lost
        self.set_aside_groups: list[int] = []

    identities: frozenset[str] = frozenset()

    async def plan(self, conn: AsyncConnection, scope: ChunkScope, actions: Collection[Action]) -> Plan:
        return Plan(())

    def written(self, counts: Mapping[str, int]) -> Written:
        raise AssertionError(counts)

    async def write(self, conn: AsyncConnection, run: Run, steps: Sequence[Step]) -> Written:
        pending = text(
            "SELECT group_row, row_count, action, target_id FROM staging.groups WHERE import_id = :import_id"
            " AND chunk_no = :chunk_no AND status = 'pending' AND group_row BETWEEN :first AND :last"
        )
        groups = (await conn.execute(pending, run._asdict())).all()
        if self._refused.intersection(group.group_row for group in groups):
            await conn.execute(text("SELECT 1 / 0"))
        if self._taken.difference(self.set_aside_groups).intersection(group.group_row for group in groups):
            await conn.execute(text("SELECT 1 / 0"))
        assert {group.target_id for group in groups if group.action != "create"} <= {KNOWN}
        rows = sum(group.row_count for group in groups if group.action != "skip")
        return Written(rows - self._lost, {"things": len(groups)})

    async def conflicts(self, conn: AsyncConnection, scope: ChunkScope) -> Sequence[Conflict]:
        error = CellError("already_exists", "it is there")
        return [Conflict(row, row, "handle", error) for row in sorted(self._taken.difference(self.set_aside_groups))]

    async def spread(self, conn: AsyncConnection, scope: ChunkScope, errors: Sequence[RowError]) -> Sequence[RowError]:
        return errors

    async def set_aside(self, conn: AsyncConnection, scope: ChunkScope, groups: Sequence[int]) -> None:
        self.set_aside_groups += groups

    async def remove_unused(self, conn: AsyncConnection, tenant_id: str, import_id: UUID) -> int:
        raise AssertionError(import_id)

    def summary(self, written: Written, *, of_changes: bool) -> dict[str, Any]:
        return {"things": {"written": written.records.get("things", 0)}}


async def _validated(desk: Desk, *titles: str, variants: int = 2) -> RowsValidated:
    rows = catalogue(len(titles), variants=variants)
    for place, title in enumerate(titles):
        rows[place * variants][0] = title
    (staged,) = await desk.stage(rows)
    return await desk.validate(staged, TitleSays())


async def _groups(world: World, import_id: UUID) -> list[tuple[Any, ...]]:
    async with world.database() as conn:
        query = (
            "SELECT group_row, row_count, action, status FROM staging.groups WHERE import_id = :id ORDER BY group_row"
        )
        return [tuple(row) for row in await conn.execute(text(query), {"id": import_id})]


async def test_rows_are_counted_by_what_was_done_with_their_group(running_world: World, desk: Desk) -> None:
    event = await _validated(desk, "create", "update", "skip", "what?", "update")
    assert await _groups(running_world, event.import_id) == [
        (2, 2, "create", "pending"),
        (4, 2, "update", "pending"),
        (6, 2, "skip", "pending"),
        (8, 2, "create", "failed"),
        (10, 2, "update", "pending"),
    ]
    await desk.commit(event, OneTable())
    ended = await running_world.progress(event.import_id)
    assert ended is not None
    assert ended.status == "completed_with_failures"
    assert (ended.created_rows, ended.updated_rows, ended.skipped_rows, ended.failed_rows) == (2, 4, 2, 2)
    assert ended.summary == {"things": {"written": 4}}
    assert await running_world.errors(event.import_id) == [(8, "Product Title", "odd", "what? in mode create")]
    assert await _groups(running_world, event.import_id) == [(8, 2, "create", "failed")], "failed ones stay"


async def test_groups_that_are_taken_or_refused_at_the_commit_are_counted_as_failed(
    running_world: World, desk: Desk
) -> None:
    event = await _validated(desk, "create", "update", "update", "skip", "create")
    writes = OneTable(taken=[4], refused=[10])
    await desk.commit(event, writes)
    ended = await running_world.progress(event.import_id)
    assert ended is not None
    assert (ended.created_rows, ended.updated_rows, ended.skipped_rows, ended.failed_rows) == (2, 2, 2, 4)
    assert sorted(writes.set_aside_groups) == [4, 10]
    errors = await running_world.errors(event.import_id)
    assert [(row, code) for row, _heading, code, _message in errors] == [(4, "already_exists"), (10, "rejected")]
    assert "The database refuses this product: division by zero" in errors[1][-1]


async def test_a_family_that_loses_rows_is_found_out_and_nothing_of_the_chunk_is_committed(
    running_world: World, desk: Desk
) -> None:
    event = await _validated(desk, "create", "create")
    with pytest.raises(RuntimeError, match="4 rows"):
        await desk.commit(event, OneTable(lost=1))
    assert len(await _groups(running_world, event.import_id)) == 2


async def test_type_and_mode_are_the_ledgers_whatever_the_event_says(running_world: World, desk: Desk) -> None:
    (staged,) = await desk.stage(catalogue(1))
    odd = {"entity_type": "starships", "mode": "upsert"}
    validated = await desk.validate(RowsStaged(**{**staged.model_dump(), **odd}))
    await desk.commit(validated)
    ended = await running_world.progress(staged.import_id)
    assert ended is not None
    assert (ended.status, ended.created_rows) == ("completed", 3)


@pytest.mark.parametrize("column", ["entity_type", "mode"])
async def test_an_import_of_a_type_or_mode_that_this_release_does_not_know_is_poison(
    running_world: World, desk: Desk, column: str
) -> None:
    (staged,) = await desk.stage(catalogue(1))
    async with running_world.database() as conn:
        await conn.execute(
            text(f"UPDATE imports.imports SET {column} = 'starships' WHERE id = :id"), {"id": staged.import_id}
        )
    with pytest.raises(Poison, match="starships"):
        await desk.validate(staged)


async def test_an_event_of_an_older_interpretation_settles_itself_and_does_nothing(
    running_world: World, desk: Desk
) -> None:
    (staged,) = await desk.stage(catalogue(1))
    (held,) = await desk.stage(catalogue(2))
    async with running_world.database() as conn:
        # So that no committer which runs beside the test is told of it.
        hold = text("UPDATE imports.imports SET hold = true, status = 'previewing' WHERE id = :id")
        await conn.execute(hold, {"id": held.import_id})
    validated = await desk.validate(held)
    for event in (staged, validated):
        async with running_world.database() as conn:
            newer = text("UPDATE imports.imports SET epoch = 2, hold = false, status = 'importing' WHERE id = :id")
            await conn.execute(newer, {"id": event.import_id})
    await desk.validate(staged)
    await desk.commit(validated)
    assert await _state(running_world, staged.import_id) == ("staged", 0)
    assert await _state(running_world, validated.import_id) == ("validated", 0)


async def test_a_held_import_is_validated_and_its_commit_is_not_announced(running_world: World, desk: Desk) -> None:
    (staged,) = await desk.stage(catalogue(1))
    async with running_world.database() as conn:
        hold = text("UPDATE imports.imports SET hold = true, status = 'previewing' WHERE id = :id")
        await conn.execute(hold, {"id": staged.import_id})
    event = await desk.validate(staged)
    assert await _state(running_world, staged.import_id) == ("validated", 0)
    await desk.commit(event)
    assert await _state(running_world, staged.import_id) == ("validated", 0), "and the committer leaves it alone"


@pytest.mark.parametrize("state", ["staged", "validated"])
async def test_a_chunk_that_a_cancellation_passed_over_is_given_back(
    running_world: World, desk: Desk, state: str
) -> None:
    (staged,) = await desk.stage(catalogue(1))
    if state == "validated":
        await desk.validate(staged)
    async with running_world.database() as conn:
        cancel = text("UPDATE imports.imports SET cancelled_at = now() WHERE id = :id")
        await conn.execute(cancel, {"id": staged.import_id})
    if state == "staged":
        await desk.validate(staged)
    else:
        await desk.commit(RowsValidated(**staged.model_dump()))
    assert await _state(running_world, staged.import_id) == ("cancelled", 0)
    ended = await running_world.progress(staged.import_id)
    assert ended is not None
    assert (ended.status, ended.unprocessed_rows) == ("cancelled", 3)


async def _state(world: World, import_id: UUID) -> tuple[str, int]:
    """State of the import's one chunk, and how many events of it wait to be acted on."""
    state = await world.scalar("SELECT state FROM imports.import_chunks WHERE import_id = :id", id=import_id)
    waiting = await world.scalar(
        "SELECT count(*) FROM imports.outbox WHERE import_id = :id AND chunk_no > 0", id=import_id
    )
    return state, waiting
