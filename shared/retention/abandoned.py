"""Imports that wait for somebody who does not come: never started, or their file never came. They end with a reason."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.db.transaction import tenant_transaction
from shared.ledger import abandon_import, fail_import
from shared.ledger.release import release_chunks
from shared.periods import in_words
from shared.retention.due import Found
from shared.states import ImportStatus
from shared.storage import ObjectStore

OBJECT_MISSING = "object_missing"
"""Code of an import whose file is not there; it starts over when a better event comes for it."""

# A validated chunk is work done on it; an event is work to be done, by a stage and not by a person.
UNTOUCHED = """
    (greatest(i.updated_at, (SELECT max(c.validated_at) FROM imports.import_chunks c WHERE c.import_id = i.id))
        <= now() - CAST(:held AS interval)
     AND NOT EXISTS (SELECT FROM imports.outbox o WHERE o.import_id = i.id))
"""
"""Whether nobody has done anything with the held import `i` for so long that nobody will. SQL."""

# Of those that a person was to go through step by step nothing stays (`forgotten`).
_HELD = f"""
    i.status = '{ImportStatus.PREVIEWING}' AND i.cancelled_at IS NULL AND i.guided_step IS NULL AND {UNTOUCHED}
"""
_NOT_READ = f"""
    i.status = '{ImportStatus.UPLOADING}' AND i.cancelled_at IS NULL AND i.started_at IS NULL
    AND i.updated_at <= now() - CAST(:missing_files AS interval)
"""


@dataclass(frozen=True)
class Waiting:
    """Imports that wait for somebody: which, as SQL says it of the import `i`."""

    condition: str

    async def imports(self, engine: AsyncEngine, periods: Mapping[str, timedelta]) -> AsyncIterator[Found]:
        """All of them, of every tenant, those that wait longest first."""
        statement = text(
            f"SELECT i.tenant_id, i.id FROM imports.imports i WHERE {self.condition} ORDER BY i.updated_at"  # noqa: S608 - our own words
        )
        async with engine.connect() as conn:
            rows = (await conn.execute(statement, periods)).all()
        for row in rows:
            yield Found(row.tenant_id, row.id)


HELD, NOT_READ = Waiting(_HELD), Waiting(_NOT_READ)


async def end_unstarted(engine: AsyncEngine, found: Found, periods: Mapping[str, timedelta]) -> bool:
    """End a held import that nobody has started; False when somebody has touched it, or has it in hand."""
    async with tenant_transaction(engine, found.tenant_id) as conn:
        statement = text(
            f"SELECT i.id FROM imports.imports i WHERE i.id = :id AND {_HELD} FOR NO KEY UPDATE OF i SKIP LOCKED"  # noqa: S608 - our own words
        )
        if (await conn.execute(statement, {**periods, "id": found.id})).first() is None:
            return False
        return await abandon_import(
            conn,
            found.id,
            f"Nobody started this import within {in_words(periods['held'])}, so nothing of it was imported. Send the file again",
        )


async def end_without_file(
    engine: AsyncEngine,
    store: ObjectStore,
    bucket: str,
    found: Found,
    periods: Mapping[str, timedelta],
    *,
    dry_run: bool,
    beat: Callable[[], None],
) -> bool:
    """End an import whose file is not in storage, under its lock; False when it is there, or the import is being read."""
    beat()
    async with tenant_transaction(engine, found.tenant_id) as conn:
        statement = text(
            f"SELECT i.object_key FROM imports.imports i WHERE i.id = :id AND {_NOT_READ} FOR NO KEY UPDATE OF i SKIP LOCKED"  # noqa: S608 - our own words
        )
        key = (await conn.execute(statement, {**periods, "id": found.id})).scalar_one_or_none()
        if key is None or await store.find(bucket, key) is not None:
            return False
        if not dry_run:
            message = (
                f'There is no object "{key}" in the uploads bucket, and there was none for {in_words(periods["missing_files"])}. '
                "Upload the file first, then send the event again"
            )
            await release_chunks(conn, found.id)
            await fail_import(conn, found.id, OBJECT_MISSING, message)
    return True
