"""Rows validated → import completed: one transaction writes a chunk, its counts and, with the last one, the end."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.committer import repository
from services.committer.bisection import isolate
from services.committer.families import Family
from services.committer.moves import Plan
from services.committer.refusals import (
    Conflict,
    DatabaseRefusal,
    error_of_change,
    error_of_refusal,
    errors_of_conflicts,
)
from services.committer.repository import ChunkCounts, LockedChunk
from services.committer.short_runs import write_each
from services.committer.written import Committed, total
from shared.db.transaction import tenant_transaction
from shared.entities import ENTITY_TYPES, EntityType
from shared.entities.columns import Columns
from shared.entities.scope import ChunkScope
from shared.events import RowsValidated
from shared.ledger import MOST_DECISIONS, close_if_finished, decide_again, release_chunks
from shared.messaging import outbox
from shared.messaging.envelope import Delivery
from shared.messaging.failures import Poison
from shared.observability import metrics
from shared.states import UNDO, Action, ChunkState, ImportStatus

log = structlog.get_logger(__name__)


class _Stale(Exception):
    """What a chunk was decided against is not there any more; it is to be decided again, and nothing of it is written."""


class CommitRows:
    """Acts on `rows-validated`. What there is to do is read from the ledger; a chunk that does not wait is left as it is.

    `families` has the writes of each entity type, by its name.
    """

    def __init__(
        self, engine: AsyncEngine, families: Mapping[str, Family], *, beat: Callable[[], None] = lambda: None
    ) -> None:
        self._engine = engine
        self._families = families
        self._beat = beat

    async def __call__(self, event: RowsValidated, delivery: Delivery) -> None:
        """Commit one chunk; everything is written in one transaction, under the chunk's lock."""
        scope = ChunkScope(event.tenant_id, event.import_id, event.chunk_no)
        async with tenant_transaction(self._engine, event.tenant_id) as conn:
            chunk = await repository.lock_chunk(conn, scope)
            if chunk is None:
                raise Poison(f"there is no import {event.import_id}")
            counts = None
            if chunk.epoch == event.epoch:
                if chunk.state is None:
                    raise Poison(f"import {event.import_id} has no chunk {event.chunk_no}")
                if chunk.state == ChunkState.STAGED and not chunk.cancelled:
                    # Not ours yet: the validator announces it again with its own transaction.
                    return
                counts = await self._act(conn, scope, chunk, traceparent=delivery.traceparent)
            await outbox.settle(conn, event)
            if counts is not None or chunk.cancelled:
                ended = await close_if_finished(conn, event.import_id, traceparent=delivery.traceparent)
                if ended and chunk.undoes_import_id is not None:
                    family = self._families[chunk.entity_type]
                    await family.remove_unused(conn, event.tenant_id, chunk.undoes_import_id)
        if counts is not None:
            _report(counts)

    async def _act(
        self, conn: AsyncConnection, scope: ChunkScope, chunk: LockedChunk, *, traceparent: str | None
    ) -> ChunkCounts | None:
        """Commit the chunk; None when there is nothing to commit, or it is given back to be decided again."""
        if chunk.cancelled:
            # The cancellation passed over this chunk when it was in somebody's hands.
            await release_chunks(conn, scope.import_id)
            return None
        if chunk.state != ChunkState.VALIDATED or chunk.status != ImportStatus.IMPORTING:
            return None
        known = ENTITY_TYPES.get(chunk.entity_type)
        if known is None or chunk.entity_type not in self._families or chunk.mode not in (*known.modes, UNDO):
            raise Poison(f"nothing is known of {chunk.entity_type} in mode {chunk.mode}")
        family = self._families[chunk.entity_type]
        groups = await repository.pending_groups(conn, scope)
        commit = _Commit(conn, scope, chunk, chunk.entity, family, groups, self._beat)
        try:
            async with conn.begin_nested() if commit.goes_by_what_is_there else nullcontext():
                return await commit.run()
        except _Stale:
            log.info("chunk.decided_again", times=chunk.decided + 1)
            await decide_again(conn, scope.import_id, scope.chunk_no, traceparent=traceparent)
            return None


class _Commit:
    """The commit of one chunk in the transaction of `conn`."""

    def __init__(
        self,
        conn: AsyncConnection,
        scope: ChunkScope,
        chunk: LockedChunk,
        entity: EntityType,
        family: Family,
        groups: Mapping[int, Action],
        beat: Callable[[], None],
    ) -> None:
        self._conn = conn
        self._scope = scope
        self._chunk = chunk
        self._entity = entity
        self._columns = Columns(entity, chunk.headings, chunk.fields)
        self._family = family
        self._groups = groups
        self._beat = beat
        self.goes_by_what_is_there = family.decides_again or chunk.goes_by_what_is_there
        self._plan = Plan(())
        self._committed: list[Committed] = []

    async def run(self) -> ChunkCounts:
        """Write what can be written and set the rest aside; what became of the rows.

        Raises:
            _Stale: what was decided does not hold any more; what is written by then is to be taken back.
        """
        if self._groups:
            actions = set(self._groups.values())
            self._plan = await repository.read_plan(self._conn, self._family, self._scope, actions)
            await self._fail_stale(self._plan.stale)
        # Nearly always all of it can be written: what production had already, the validator has seen.
        refuses = not self.goes_by_what_is_there
        written = await self._write_all(sorted(self._groups.keys() - set(self._plan.stale)))
        if not written and not (refuses and await self._write_all_but_conflicts()):
            await self._write_what_can_be()
        committed = total(self._committed)
        counts = await repository.count_rows(self._conn, self._scope, committed)
        if refuses and counts.failed:
            await self._say_what_else_is_taken()
        if counts.rows != self._chunk.row_count or committed.written.rows != counts.created + counts.updated:
            raise RuntimeError(
                f"chunk {self._scope.chunk_no} has {self._chunk.row_count} rows; {counts} are counted of its groups, "
                f"and {committed.written.rows} were written"
            )
        summary = self._family.summary(committed.written, of_changes=self._chunk.mode != "create")
        await repository.mark_committed(self._conn, self._scope, counts, summary)
        return counts

    async def _write_all(self, groups: Sequence[int]) -> bool:
        return not groups or await self._write(groups) is None

    async def _write_all_but_conflicts(self) -> bool:
        await self._fail_conflicts()
        return await self._write_all(list(await repository.pending_groups(self._conn, self._scope)))

    async def _write(self, groups: Sequence[int]) -> DatabaseRefusal | None:
        self._beat()
        outcome = await repository.write_groups(self._conn, self._family, self._scope, groups, self._plan.steps)
        if isinstance(outcome, DatabaseRefusal):
            self._check_decided(outcome)
            return outcome
        self._committed.append(outcome)
        return None

    def _check_decided(self, refusal: DatabaseRefusal) -> None:
        """Raise `_Stale` when somebody else was faster to use an identifier, and the chunk may be decided again."""
        if self._lost_a_race(refusal) and self._chunk.decided < MOST_DECISIONS:
            raise _Stale

    def _lost_a_race(self, refusal: DatabaseRefusal) -> bool:
        return self.goes_by_what_is_there and refusal.constraint in self._family.identities

    async def _fail_stale(self, groups: Sequence[int]) -> None:
        """Fail groups that were decided against what is not there any more, where deciding again has gone on for too long."""
        if groups and self._chunk.decided < MOST_DECISIONS:
            raise _Stale
        errors = [error_of_change(group, self._entity) for group in groups]
        await repository.fail_groups(self._conn, self._family, self._scope, errors)

    async def _write_what_can_be(self) -> None:
        groups = list(await repository.pending_groups(self._conn, self._scope))
        refused, left = await isolate(groups, self._write)
        if left:
            log.warning("chunk.in_short_runs", groups=len(left))
        for each in await write_each(self._conn, self._family, self._scope, left, self._plan.steps, self._beat):
            self._committed.append(each.committed)
            refused |= each.refused
        for refusal in refused.values():
            self._check_decided(refusal)
        found = [] if self.goes_by_what_is_there else await self._fail_conflicts()
        taken = {conflict.group_row for conflict in found}
        errors = [
            error_of_change(group, self._entity)
            if self._lost_a_race(refusal)
            else error_of_refusal(group, refusal, self._entity)
            for group, refusal in sorted(refused.items())
            if group not in taken
        ]
        for error in errors:
            log.warning("group.rejected", row=error.group_row, error=error.message)
        await repository.fail_groups(self._conn, self._family, self._scope, errors)

    async def _fail_conflicts(self) -> Sequence[Conflict]:
        pending = set(await repository.pending_groups(self._conn, self._scope))
        found = await repository.read_conflicts(self._conn, self._family, self._scope)
        conflicts = [conflict for conflict in found if conflict.group_row in pending]
        errors = errors_of_conflicts(conflicts, self._columns)
        await repository.fail_groups(self._conn, self._family, self._scope, errors)
        return conflicts

    async def _say_what_else_is_taken(self) -> None:
        """Say of failed groups what of theirs production has by now, whatever else they failed for.

        So a row has the reasons it would have had, had it been checked only now.
        """
        found = await repository.read_conflicts(self._conn, self._family, self._scope)
        errors = await repository.without_said(self._conn, self._scope, errors_of_conflicts(found, self._columns))
        await repository.add_errors(self._conn, self._scope, errors)


def _report(counts: ChunkCounts) -> None:
    outcomes = {
        "created": counts.created,
        "updated": counts.updated,
        "skipped": counts.skipped,
        "failed": counts.failed,
    }
    for outcome, rows in outcomes.items():
        metrics.ROWS.labels(stage="committer", outcome=outcome).inc(rows)
    log.info("chunk.committed", **outcomes)
