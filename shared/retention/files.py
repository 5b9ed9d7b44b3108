"""Files of ended imports whose time is over: what was sent, and what was handed back."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.db.transaction import tenant_transaction
from shared.retention.due import Due, Found, older_than
from shared.storage import ObjectStore


@dataclass(frozen=True)
class FileKind:
    """Files that go together: which bucket they are in (`uploads`, `results`), which columns have their keys, and when they go.

    `reused`: whether a sender may store another file under the same key; what is younger than the period stays then.
    """

    name: str
    due: Due
    columns: tuple[str, ...]
    reused: bool

    def keys(self, known: Mapping[str, object] | RowMapping) -> Iterator[str]:
        """The keys an import's record has."""
        for column in self.columns:
            key = known[column]
            if isinstance(key, str):
                yield key


# Another import of the same object may still have to read it, or have it read again.
_OF_NO_OTHER = """
    NOT EXISTS (SELECT FROM imports.imports other
                 WHERE other.tenant_id = i.tenant_id AND other.object_key = i.object_key AND other.id <> i.id
                   AND (other.completed_at IS NULL OR other.completed_at > now() - CAST(:uploads AS interval)))
"""
UPLOADS = FileKind(
    "uploads", Due("upload_removed_at", f"{older_than('uploads')} AND {_OF_NO_OTHER}"), ("object_key",), reused=True
)
RESULTS = FileKind(
    "results",
    Due("results_removed_at", older_than("results")),
    ("correction_object_key", "failed_rows_object_key", "unprocessed_object_key"),
    reused=False,
)


@dataclass(frozen=True)
class Removal:
    """Removes files of one kind from a bucket or, `dry_run`, says which it would."""

    engine: AsyncEngine
    store: ObjectStore
    bucket: str
    kind: FileKind
    periods: Mapping[str, timedelta]
    dry_run: bool

    async def of(self, found: Found) -> set[str]:
        """The keys of an import's objects that were there, removed under its lock.

        So it cannot be taken up again meanwhile, with files written anew. What somebody else has in hand is left to them.
        """
        async with tenant_transaction(self.engine, found.tenant_id) as conn:
            known = await self.kind.due.lock(conn, found.id, self.periods)
            if known is None:
                return set()
            gone: set[str] = set()
            for key in self.kind.keys(known):
                there = await self.store.find(self.bucket, key)
                if there is None:
                    continue
                if self.kind.reused and there.modified > datetime.now(UTC) - self.periods[self.kind.name]:
                    return gone
                if self.dry_run or await self.store.remove(self.bucket, key):
                    gone.add(key)
            if not self.dry_run:
                await self.kind.due.done(conn, found.id)
        return gone
