"""Chunks brought through the stages without Kafka: the parser's statements, then the handlers themselves."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine
from uuid_utils.compat import uuid7

from services.committer.families import Family as CommitterFamily
from services.committer.families import families as committer_families
from services.committer.handler import CommitRows
from services.parser import repository as parser
from services.parser.mapping.chunks import Chunk, ChunkCutter, ChunkSizes
from services.parser.mapping.interpretation import Interpretation, KeyedRow, data_keys
from services.parser.reading.sandbox import FileLayout
from services.validator.families import AnyFamily as ValidatorFamily
from services.validator.families import families as validator_families
from services.validator.handler import ValidateRows
from shared.db.transaction import tenant_transaction
from shared.events import RowsStaged, RowsValidated
from shared.ledger.registration import Registration
from shared.messaging.envelope import Delivery
from tests.harness.files import HEADINGS, PRODUCTS

NOWHERE = Delivery("topic", 0, 0, b"")
_PLACES = {field.code: place for place, field in enumerate(PRODUCTS.fields)}


@dataclass
class Desk:
    """Brings rows in template order through the stages, each as the role it runs as."""

    engine_of: Callable[[str], AsyncEngine]
    tenant: str

    async def stage(
        self,
        rows: Sequence[Sequence[Any]],
        *,
        chunk_rows: int = 1000,
        mode: str = "create",
        parent: UUID | None = None,
        **options: Any,
    ) -> list[RowsStaged]:
        """Register an import of these rows (data begins in row 2) and stage its chunks."""
        engine = self.engine_of("winnow_parser")
        import_id = UUID(str(uuid7()))
        chunks = _cut(rows, chunk_rows, mode)
        async with tenant_transaction(engine, self.tenant) as conn:
            known = await parser.register(conn, _registration(import_id, self.tenant, mode, parent, options))
            assert known is not None
            assert await parser.begin(conn, known, size=1, sha256=import_id.hex * 2)
            scope = parser.StagingScope(import_id, self.tenant, 1)
            await parser.describe(conn, scope, FileLayout(HEADINGS, _PLACES, [], {}))
            for chunk in chunks:
                assert await parser.stage(conn, scope, chunk, recut=False)
            await parser.cut_to_the_end(conn, import_id, total=len(rows), notices=[])
        return [self._event(import_id, chunk, mode) for chunk in chunks]

    async def validate(self, event: RowsStaged, rules: ValidatorFamily | None = None) -> RowsValidated:
        """Validate a staged chunk, by these rules in place of its own."""
        families = validator_families() if rules is None else {"products": rules}
        await ValidateRows(self.engine_of("winnow_validator"), families)(event, NOWHERE)
        return RowsValidated(**event.model_dump())

    async def commit(self, event: RowsValidated, writes: CommitterFamily | None = None) -> None:
        """Commit a validated chunk, by these writes in place of its own."""
        families = committer_families() if writes is None else {"products": writes}
        await CommitRows(self.engine_of("winnow_committer"), families)(event, NOWHERE)

    async def ready(
        self,
        rows: Sequence[Sequence[Any]],
        rules: ValidatorFamily | None = None,
        *,
        chunk_rows: int = 1000,
        mode: str = "create",
        parent: UUID | None = None,
        **options: Any,
    ) -> list[RowsValidated]:
        """Chunks that wait for their commit."""
        staged = await self.stage(rows, chunk_rows=chunk_rows, mode=mode, parent=parent, **options)
        return [await self.validate(event, rules) for event in staged]

    def _event(self, import_id: UUID, chunk: Chunk, mode: str) -> RowsStaged:
        return RowsStaged(
            tenant_id=self.tenant,
            import_id=import_id,
            entity_type="products",
            mode=mode,
            chunk_no=chunk.number,
            first_row=chunk.first_row,
            last_row=chunk.last_row,
            row_count=len(chunk.rows),
        )


def _registration(
    import_id: UUID, tenant: str, mode: str, parent: UUID | None, options: dict[str, Any]
) -> Registration:
    return Registration(
        id=import_id,
        tenant_id=tenant,
        user_id="tester",
        entity_type="products",
        mode=mode,
        file_name="desk.xlsx",
        object_key=f"{tenant}/desk.xlsx",
        file_size=None,
        file_sha256=None,
        idempotency_key=f"import:{import_id}",
        parent_import_id=parent,
        options=options,
    )


def _cut(rows: Sequence[Sequence[Any]], chunk_rows: int, mode: str) -> list[Chunk]:
    cutter = ChunkCutter(PRODUCTS, ChunkSizes(first_rows=chunk_rows, rows=chunk_rows), mode=mode)
    interpretation = Interpretation(PRODUCTS, _PLACES, heading_row=1)
    chunks: list[Chunk] = []
    for number, cells in enumerate(rows, start=2):
        read = KeyedRow(number, data_keys(interpretation.keys(number, cells)), json.dumps(list(cells)))
        chunks += chain.from_iterable(cutter.add(read))
    last = cutter.finish()
    assert last
    return [*chunks, *last]
