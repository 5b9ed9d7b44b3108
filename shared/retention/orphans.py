"""Objects in our buckets that no import names, and that are too old for one that may still come."""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.db.transaction import is_tenant_id, tenant_transaction
from shared.storage import ListedObject, ObjectStore, tenant_owns

# Named by an import that has not let go of it: as its file, by its id within the key, or by an event that waits for a stage;
# or on its way in.
_NAMED = """
    SELECT k.key
      FROM unnest(CAST(:keys AS text[]), CAST(:ids AS uuid[])) AS k (key, import_id)
     WHERE EXISTS (SELECT FROM imports.imports i
                    WHERE i.tenant_id = :tenant AND i.object_key = k.key AND i.upload_removed_at IS NULL)
        OR EXISTS (SELECT FROM imports.imports i
                    WHERE i.tenant_id = :tenant AND i.id = k.import_id AND i.{marker} IS NULL)
        OR EXISTS (SELECT FROM gateway.uploads u WHERE u.tenant_id = :tenant AND u.id = k.import_id)
        OR k.key IN (SELECT CAST(convert_from(o.body, 'UTF8') AS json) ->> 'object_key' FROM imports.outbox o
                      WHERE o.tenant_id = :tenant AND o.topic = 'file-uploaded')
"""


@dataclass(frozen=True)
class Orphanage:
    """One bucket, and how old an object has to be to count as nobody's. `marker` says that an import let go of what it names."""

    bucket: str
    age: timedelta
    marker: str

    async def orphans(self, engine: AsyncEngine, store: ObjectStore) -> AsyncIterator[str]:
        """Keys of objects that belong to no import. What does not lie in a tenant's part of the bucket is not looked at."""
        async for page in store.pages(self.bucket):
            old: dict[str, list[str]] = defaultdict(list)
            youngest = datetime.now(UTC) - self.age
            for each in page:
                if (tenant := _tenant(each)) is not None and each.modified <= youngest:
                    old[tenant].append(each.key)
            for tenant, keys in old.items():
                named = await self._named(engine, tenant, keys)
                for key in keys:
                    if key not in named:
                        yield key

    async def _named(self, engine: AsyncEngine, tenant: str, keys: Sequence[str]) -> set[str]:
        statement = text(_NAMED.format(marker=self.marker))
        values = {"tenant": tenant, "keys": list(keys), "ids": [_import_id(key) for key in keys]}
        async with tenant_transaction(engine, tenant) as conn:
            return set((await conn.execute(statement, values)).scalars())


def _tenant(found: ListedObject) -> str | None:
    tenant = found.key.partition("/")[0]
    return tenant if is_tenant_id(tenant) and tenant_owns(tenant, found.key) else None


def _import_id(key: str) -> UUID | None:
    for part in key.split("/")[1:-1]:
        with suppress(ValueError):
            return UUID(part)
    return None
