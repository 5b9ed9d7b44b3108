"""CRM records brought through validator and committer without files and Kafka: chunks are cut as a test says."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from uuid_utils.compat import uuid7

from services.committer.families import families as committer_families
from services.committer.handler import CommitRows
from services.parser import repository as parser
from services.parser.mapping.chunks import Chunk, CutRow
from services.parser.reading.sandbox import FileLayout
from services.validator.families import families as validator_families
from services.validator.handler import ValidateRows
from shared.db.transaction import tenant_transaction
from shared.events import RowsStaged, RowsValidated
from shared.ledger import Undoing, undo_import
from shared.ledger.registration import Registration
from tests.harness.staging import NOWHERE

Row = Mapping[str, Any]

_CHUNK = ("tenant_id", "import_id", "entity_type", "mode", "chunk_no", "first_row", "last_row", "row_count", "epoch")
_CHUNKS = """
    SELECT c.tenant_id, c.import_id, i.entity_type, i.mode, c.chunk_no, c.first_row, c.last_row, c.row_count, c.epoch
      FROM imports.import_chunks c JOIN imports.imports i ON i.id = c.import_id WHERE c.import_id = :id ORDER BY c.chunk_no
"""


@dataclass
class RecordsDesk:
    """Brings rows (values by field code; data begins in row 2) through the stages, each as the role it runs as."""

    engine_of: Callable[[str], AsyncEngine]
    tenant: str

    async def stage(self, entity_type: str, *chunks: Sequence[Row], mode: str = "upsert") -> list[RowsStaged]:
        """Register an import of these rows and stage its chunks."""
        codes = list(dict.fromkeys(code for rows in chunks for row in rows for code in row))
        import_id = UUID(str(uuid7()))
        number, cut = 2, []
        for chunk_no, rows in enumerate(chunks, start=1):
            cells = [json.dumps([row.get(code) for code in codes]) for row in rows]
            cut.append(Chunk(chunk_no, [CutRow(n, n, cell) for n, cell in enumerate(cells, start=number)]))
            number += len(rows)
        async with tenant_transaction(self.engine_of("winnow_parser"), self.tenant) as conn:
            known = await parser.register(conn, self._registration(import_id, entity_type, mode))
            assert known is not None
            begun = await parser.begin(conn, known, size=1, sha256=import_id.hex * 2)
            assert begun is not None
            headings = [begun.entity.by_code[code].heading for code in codes]
            scope = parser.StagingScope(import_id, self.tenant, 1)
            layout = FileLayout(headings, {code: place for place, code in enumerate(codes)}, [], {})
            await parser.describe(conn, scope, layout)
            for chunk in cut:
                assert await parser.stage(conn, scope, chunk, recut=False)
            await parser.cut_to_the_end(conn, import_id, total=number - 2, notices=[])
        return [self._event(import_id, entity_type, mode, chunk) for chunk in cut]

    async def validate(self, event: RowsStaged | RowsValidated) -> RowsValidated:
        """Validate a staged chunk."""
        await ValidateRows(self.engine_of("winnow_validator"), validator_families())(
            RowsStaged(**event.model_dump()), NOWHERE
        )
        return RowsValidated(**event.model_dump())

    async def commit(self, event: RowsValidated) -> None:
        """Commit a validated chunk."""
        await CommitRows(self.engine_of("winnow_committer"), committer_families())(event, NOWHERE)

    async def ready(self, entity_type: str, *chunks: Sequence[Row], mode: str = "upsert") -> list[RowsValidated]:
        """Chunks that wait for their commit."""
        return [await self.validate(event) for event in await self.stage(entity_type, *chunks, mode=mode)]

    async def bring_in(self, entity_type: str, *chunks: Sequence[Row], mode: str = "upsert") -> UUID:
        """An import whose chunks are validated and committed one after another, and decided again where they have to be."""
        events = await self.stage(entity_type, *chunks, mode=mode)
        for event in events:
            await self.settle(event)
        return events[0].import_id

    async def settle(self, event: RowsStaged | RowsValidated, *, times: int = 12) -> None:
        """Validate and commit a chunk until it is committed."""
        for _ in range(times):
            await self.commit(await self.validate(event))
            if await self.state(event) == "committed":
                return
        raise AssertionError(f"chunk {event.chunk_no} is {await self.state(event)}")

    async def settle_together(self, *events: RowsStaged | RowsValidated) -> None:
        """The same for several chunks, as three processes of each stage would."""
        three = asyncio.Semaphore(3)

        async def settle(event: RowsStaged | RowsValidated) -> None:
            async with three:
                await self.settle(event)

        await asyncio.gather(*map(settle, events))

    async def state(self, event: RowsStaged | RowsValidated) -> str:
        """How far a chunk is."""
        async with self.looking() as conn:
            found = await conn.execute(
                text("SELECT state FROM imports.import_chunks WHERE import_id = :id AND chunk_no = :chunk"),
                {"id": event.import_id, "chunk": event.chunk_no},
            )
            return str(found.scalar_one())

    async def undo(self, import_id: UUID) -> UUID:
        """Take an import back, by an import of its own: its id."""
        async with tenant_transaction(self.engine_of("winnow_intake"), self.tenant) as conn:
            begun = await undo_import(conn, import_id, user_id="tester")
        assert isinstance(begun, Undoing), begun
        chunks = await self.rows(_CHUNKS, id=begun.id)
        for chunk in chunks:
            await self.settle(RowsStaged(**dict(zip(_CHUNK, chunk, strict=True))))
        return begun.id

    def looking(self) -> Any:
        """A transaction that may read."""
        return tenant_transaction(self.engine_of("winnow_reader"), self.tenant)

    async def rows(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        """What a query finds."""
        async with self.looking() as conn:
            return await _rows(conn, query, values)

    def _event(self, import_id: UUID, entity_type: str, mode: str, chunk: Chunk) -> RowsStaged:
        return RowsStaged(
            tenant_id=self.tenant,
            import_id=import_id,
            entity_type=entity_type,
            mode=mode,
            chunk_no=chunk.number,
            first_row=chunk.first_row,
            last_row=chunk.last_row,
            row_count=len(chunk.rows),
        )

    def _registration(self, import_id: UUID, entity_type: str, mode: str) -> Registration:
        return Registration(
            id=import_id,
            tenant_id=self.tenant,
            user_id="tester",
            entity_type=entity_type,
            mode=mode,
            file_name="desk.csv",
            object_key=f"{self.tenant}/desk.csv",
            file_size=None,
            file_sha256=None,
            idempotency_key=f"import:{import_id}",
            parent_import_id=None,
            options={},
        )


async def _rows(conn: AsyncConnection, query: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await conn.execute(text(query), values)]
