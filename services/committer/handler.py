"""Rows validated → import completed: one transaction writes a chunk, its counts and, with the last one, the end."""

from collections.abc import Callable, Sequence
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.committer import repository
from services.committer.bisection import isolate
from services.committer.refusals import (
    Columns,
    Conflict,
    DatabaseRefusal,
    error_of_refusal,
    errors_of_conflicts,
)
from services.committer.repository import ValidatedChunk, Written
from shared.db.transaction import tenant_transaction
from shared.entities import ENTITY_TYPES
from shared.entities.reasons import ChunkScope
from shared.events import RowsValidated
from shared.ledger import close_if_finished
from shared.messaging import outbox
from shared.messaging.envelope import Delivery
from shared.messaging.failures import Poison
from shared.observability import metrics

log = structlog.get_logger(__name__)


class CommitRows:
    """Acts on `rows-validated`. A chunk that does not wait for its commit is left as it is."""

    def __init__(self, engine: AsyncEngine, *, beat: Callable[[], None] = lambda: None) -> None:
        self._engine = engine
        self._beat = beat

    async def __call__(self, event: RowsValidated, delivery: Delivery) -> None:
        """Commit one chunk; everything is written in one transaction, under the chunk's lock."""
        if event.entity_type not in ENTITY_TYPES or event.mode not in ENTITY_TYPES[event.entity_type].modes:
            raise Poison(f"nothing is known of {event.entity_type} in mode {event.mode}")
        scope = ChunkScope(event.tenant_id, event.import_id, event.chunk_no)
        async with tenant_transaction(self._engine, event.tenant_id) as conn:
            chunk = await repository.lock_chunk(conn, scope)
            if chunk is None:
                raise Poison(f"import {event.import_id} has no chunk {event.chunk_no}")
            if chunk.state == "staged":
                # Not ours yet: the validator announces it again with its own transaction.
                return
            counts = None
            if chunk.state == "validated":
                counts = await _Commit(conn, scope, chunk, event.entity_type, self._beat).run()
            await outbox.settle(conn, event)
            if counts is not None:
                await close_if_finished(conn, event.import_id, traceparent=delivery.traceparent)
        if counts is not None:
            created, failed = counts
            metrics.ROWS.labels(stage="committer", outcome="created").inc(created)
            metrics.ROWS.labels(stage="committer", outcome="failed").inc(failed)
            log.info("chunk.committed", created=created, failed=failed)


class _Commit:
    """The commit of one chunk in the transaction of `conn`."""

    def __init__(
        self,
        conn: AsyncConnection,
        scope: ChunkScope,
        chunk: ValidatedChunk,
        entity_type: str,
        beat: Callable[[], None],
    ) -> None:
        self._conn = conn
        self._scope = scope
        self._chunk = chunk
        self._columns = Columns(ENTITY_TYPES[entity_type], chunk.headings, chunk.fields)
        self._beat = beat
        self._written: list[Written] = []

    async def run(self) -> tuple[int, int]:
        """Write what can be written and set the rest aside; rows created and rows failed."""
        # Nearly always all of it can be written: what production had already, the validator has seen.
        if not await self._write_all():
            await self._fail_conflicts()
            if not await self._write_all():
                await self._write_what_can_be()
        written = repository.total(self._written)
        failed = await repository.count_failed_rows(self._conn, self._scope, self._chunk)
        created = written.records.get("product_variants", 0)
        if created + failed != self._chunk.row_count:
            raise RuntimeError(
                f"chunk {self._scope.chunk_no} has {self._chunk.row_count} rows, "
                f"of which {created} would be created and {failed} failed"
            )
        await repository.mark_committed(
            self._conn, self._scope, created=created, failed=failed, summary=_summary(written)
        )
        return created, failed

    async def _write_all(self) -> bool:
        groups = await repository.pending_groups(self._conn, self._scope)
        return not groups or await self._write(groups) is None

    async def _write(self, groups: Sequence[int]) -> DatabaseRefusal | None:
        self._beat()
        outcome = await repository.write_groups(self._conn, self._scope, groups)
        if isinstance(outcome, DatabaseRefusal):
            return outcome
        self._written.append(outcome)
        return None

    async def _write_what_can_be(self) -> None:
        groups = await repository.pending_groups(self._conn, self._scope)
        refused = await isolate(groups, self._write)
        taken = await self._fail_conflicts()
        errors = [
            error_of_refusal(group, refusal, self._scope)
            for group, refusal in refused.items()
            if group not in {conflict.group_row for conflict in taken}
        ]
        for error in errors:
            log.warning("group.rejected", row=error.group_row, problem=error.message)
        await repository.fail_groups(self._conn, self._scope, errors)

    async def _fail_conflicts(self) -> list[Conflict]:
        conflicts = await repository.read_conflicts(self._conn, self._scope)
        await repository.fail_groups(
            self._conn, self._scope, errors_of_conflicts(conflicts, self._columns, self._scope)
        )
        return conflicts


def _summary(written: Written) -> dict[str, Any]:
    """What was made, as the import's summary adds it up."""
    return {
        "products": {"created": written.records.get("products", 0)},
        "variants": {"created": written.records.get("product_variants", 0)},
        "entities": {name: {"created": count} for name, count in sorted(written.entities.items())},
    }
