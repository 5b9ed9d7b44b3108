"""Rows staged → rows validated: gather what a chunk is checked against, decide, write what was decided."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.validator import repository
from services.validator.digests import digests_of
from services.validator.families import AnyFamily
from services.validator.outcomes import Decided, Notice
from services.validator.repository import StagedChunk
from services.validator.rows import Groups, RawRow, RowReader
from shared.corrections import RowOrigin, errors_columns, origin_of
from shared.db.transaction import tenant_transaction
from shared.entities import ENTITY_TYPES
from shared.entities.columns import Columns
from shared.entities.scope import ChunkScope
from shared.events import RowsStaged, RowsValidated
from shared.ledger import announce_next_preview, close_if_finished, release_chunks
from shared.ledger.rechecking import announce_if_staged
from shared.messaging import outbox
from shared.messaging.envelope import Delivery
from shared.messaging.failures import Poison
from shared.states import ChunkState, ImportStatus
from shared.values import How

log = structlog.get_logger(__name__)

RELEASE = version("winnow")


@dataclass(frozen=True, slots=True)
class _Read:
    columns: Columns
    groups: Groups
    needs: Any
    notices: Sequence[Notice]
    origins: Mapping[int, RowOrigin]
    digests: Mapping[int, UUID]


class ValidateRows:
    """Acts on `rows-staged`. What there is to do is read from the ledger; a chunk that does not wait is left as it is.

    `families` has the rules of each entity type, by its name.
    """

    def __init__(self, engine: AsyncEngine, families: Mapping[str, AnyFamily]) -> None:
        self._engine = engine
        self._families = families

    async def __call__(self, event: RowsStaged, delivery: Delivery) -> None:
        """Validate one chunk; everything is written in one transaction, guarded by the chunk's state."""
        chunk = await self._chunk(event)
        if chunk is None:
            return
        family = self._families[chunk.entity_type]
        if chunk.undone is not None:
            async with tenant_transaction(self._engine, event.tenant_id) as conn:
                decided = await family.take_back(conn, event.tenant_id, chunk.undone)
            await self._apply(event, chunk, decided, traceparent=delivery.traceparent)
            return
        read = await asyncio.to_thread(_read, family, chunk)
        async with tenant_transaction(self._engine, event.tenant_id) as conn:
            asked = await repository.read_asked(conn, event.tenant_id, event.import_id, chunk, read.origins)
            asked = replace(asked, digests=read.digests)
            known = await family.look_up(conn, event.tenant_id, asked, read.needs)
        decided = await asyncio.to_thread(family.decide, read.groups, read.columns, known, asked)
        decided = replace(decided, notices=(*read.notices, *decided.notices))
        await self._apply(event, chunk, decided, traceparent=delivery.traceparent)

    async def _chunk(self, event: RowsStaged) -> StagedChunk | None:
        """The chunk, when it waits for validation; else the event is settled."""
        async with tenant_transaction(self._engine, event.tenant_id) as conn:
            chunk = await repository.read_chunk(conn, event.import_id, event.chunk_no, epoch=event.epoch)
            if chunk is None:
                raise Poison(f"there is no import {event.import_id}")
            if chunk.epoch != event.epoch:
                await outbox.settle(conn, event)
                return None
            if chunk.state is None:
                raise Poison(f"import {event.import_id} has no chunk {event.chunk_no}")
            if chunk.state == ChunkState.STAGED and not chunk.cancelled:
                self._check_known(chunk)
                return chunk
            await _leave(conn, event, cancelled=chunk.cancelled)
        return None

    def _check_known(self, chunk: StagedChunk) -> None:
        known = chunk.entity_type in self._families and chunk.entity_type in ENTITY_TYPES
        if not known or (chunk.undone is None and chunk.mode not in ENTITY_TYPES[chunk.entity_type].modes):
            raise Poison(f"nothing is known of {chunk.entity_type} in mode {chunk.mode}")

    async def _apply(self, event: RowsStaged, chunk: StagedChunk, decided: Decided, *, traceparent: str | None) -> None:
        scope = ChunkScope(event.tenant_id, event.import_id, event.chunk_no)
        async with tenant_transaction(self._engine, event.tenant_id) as conn:
            announced = True
            if chunk.hold:
                status, cancelled = await repository.lock_held(conn, event.import_id)
                # A cancelled one has let go of the chunk; so the next line finds it in another state.
                announced = status == ImportStatus.IMPORTING and not cancelled
            if await repository.mark_validated(conn, scope, decided, epoch=event.epoch, revision=chunk.revision):
                await repository.write_decided(conn, scope, decided)
                if not announced:
                    await announce_next_preview(conn, event.import_id)
                else:
                    ledger = {"entity_type": chunk.entity_type, "mode": chunk.mode}
                    validated = RowsValidated(**{**event.model_dump(), **ledger})
                    await outbox.append(conn, validated, traceparent=traceparent)
                await outbox.settle(conn, event)
            else:
                await _leave(conn, event, cancelled=False)
        log.info("chunk.validated", rows=event.row_count, failed=decided.failed_rows)


async def _leave(conn: AsyncConnection, event: RowsStaged, *, cancelled: bool) -> None:
    """Nothing to be done. A cancellation passes over chunks that are in somebody's hands: this one is given back."""
    await outbox.settle(conn, event)
    # Settled with what may have been announced anew since the chunk was read.
    await announce_if_staged(conn, event.import_id, event.chunk_no)
    if cancelled:
        await release_chunks(conn, event.import_id)
        await close_if_finished(conn, event.import_id)


def _read(family: AnyFamily, chunk: StagedChunk) -> _Read:
    columns = Columns(chunk.entity, chunk.headings, chunk.fields or {})
    reader = RowReader(columns, chunk.layout)
    rows = repository.raw_rows(chunk.rows, chunk.replacements)
    groups = reader.read_all(rows)
    origins = {} if chunk.parent is None else dict(_origins(chunk.headings, rows))
    digests: Mapping[int, UUID] = {}
    if columns.entity.group_key is not None and chunk.mode != "enrich" and not chunk.wave and not chunk.replacements:
        digests = digests_of(
            chunk.rows,
            release=RELEASE,
            fields=columns.fields,
            layout=chunk.layout,
            clears_blanks=chunk.file_options.blanks == "clear",
        )
    return _Read(
        columns, groups, family.needs(groups, columns, _hows(columns, chunk)), reader.notices(), origins, digests
    )


def _hows(columns: Columns, chunk: StagedChunk) -> Mapping[str, How]:
    """How each column is read, by the code of its field."""
    usual = How.of_settings((chunk.own or {}).get("settings"))
    return {code: usual.of_column(chunk.layout, index) for code, index in columns.fields.items()}


def _origins(headings: Sequence[str], rows: Iterable[RawRow]) -> Iterator[tuple[int, RowOrigin]]:
    """Which row of which import each row says it was."""
    explained = errors_columns(headings)
    for row in rows:
        for index in explained:
            if index < len(row.cells) and (origin := origin_of(row.cells[index])) is not None:
                yield row.row, origin
