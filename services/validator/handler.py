"""Rows staged → rows validated: gather what a chunk is checked against, decide, write what was decided."""

import asyncio
from dataclasses import dataclass

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine
from uuid_utils.compat import uuid7

from services.validator import repository
from services.validator.categories import Categories
from services.validator.products import Named, References, decide, named
from services.validator.rows import Layout, ReadRow
from services.validator.staging_rows import StagedRecords, error_records, staged_records
from services.validator.verdicts import Verdict
from shared.db.transaction import tenant_transaction
from shared.entities import ENTITY_TYPES
from shared.entities.reasons import ChunkScope, RowReason
from shared.events import RowsStaged, RowsValidated
from shared.messaging import outbox
from shared.messaging.envelope import Delivery
from shared.messaging.failures import Poison

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Read:
    layout: Layout
    groups: list[list[ReadRow]]
    named: Named


@dataclass(frozen=True, slots=True)
class _Decided:
    verdict: Verdict
    staged: list[StagedRecords]
    errors: list[RowReason]


class ValidateRows:
    """Acts on `rows-staged`. A chunk that is not waiting for validation any more is left as it is."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._categories: Categories | None = None

    async def __call__(self, event: RowsStaged, delivery: Delivery) -> None:
        """Validate one chunk; everything is written in one transaction, guarded by the chunk's state."""
        chunk = await self._chunk(event)
        if chunk.state != "staged":
            await self._settle(event)
            return
        read = await asyncio.to_thread(_read, event.entity_type, chunk)
        async with tenant_transaction(self._engine, event.tenant_id) as conn:
            known = await repository.read_known(conn, event.tenant_id, event.import_id, read.named)
            categories = self._categories or await repository.read_categories(conn)
        self._categories = categories
        references = References(known, categories, chunk.duplicates)
        scope = ChunkScope(event.tenant_id, event.import_id, event.chunk_no)
        decided = await asyncio.to_thread(_decide, read, references, scope)
        await self._apply(event, scope, decided, traceparent=delivery.traceparent)

    async def _chunk(self, event: RowsStaged) -> repository.StagedChunk:
        if event.entity_type not in ENTITY_TYPES or event.mode not in ENTITY_TYPES[event.entity_type].modes:
            raise Poison(f"nothing is known of {event.entity_type} in mode {event.mode}")
        async with tenant_transaction(self._engine, event.tenant_id) as conn:
            chunk = await repository.read_chunk(conn, event.import_id, event.chunk_no)
        if chunk is None:
            raise Poison(f"import {event.import_id} has no chunk {event.chunk_no}")
        return chunk

    async def _settle(self, event: RowsStaged) -> None:
        async with tenant_transaction(self._engine, event.tenant_id) as conn:
            await outbox.settle(conn, event)

    async def _apply(self, event: RowsStaged, scope: ChunkScope, decided: _Decided, *, traceparent: str | None) -> None:
        async with tenant_transaction(self._engine, event.tenant_id) as conn:
            if await repository.mark_validated(conn, event.import_id, event.chunk_no, decided.verdict):
                await repository.write_staged(conn, scope, decided.staged, decided.errors)
                await outbox.append(conn, RowsValidated(**event.model_dump()), traceparent=traceparent)
            await outbox.settle(conn, event)
        log.info("chunk.validated", rows=event.row_count, failed=decided.verdict.failed_rows)


def _read(entity_type: str, chunk: repository.StagedChunk) -> _Read:
    layout = Layout(ENTITY_TYPES[entity_type], chunk.headings, chunk.fields)
    groups = layout.read_all(repository.raw_rows(chunk.rows))
    return _Read(layout, groups, named(groups))


def _decide(read: _Read, references: References, scope: ChunkScope) -> _Decided:
    verdict = decide(read.groups, read.layout, references)
    return _Decided(verdict, staged_records(verdict, new_id=uuid7), error_records(verdict, scope))
