"""What the committer does with a run of CRM records."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.committer.changes.noted import TAKE_BACK
from services.committer.crm import claims, links, records
from services.committer.crm.tags import add_tags
from services.committer.crm.targets import is_undo, lock_targets
from services.committer.crm.unused import remove_unused
from services.committer.in_steps import InSteps
from services.committer.moves import Plan, Step, set_aside
from services.committer.refusals import Conflict
from services.committer.written import Written
from shared.db import crm, staging
from shared.entities import EntityType
from shared.entities.errors import RowError
from shared.entities.scope import ChunkScope
from shared.states import Action

STEPS: tuple[Step, ...] = (
    claims.FORGET,
    claims.CLAIM_NAMES,
    claims.KNOW,
    claims.CLAIM_KEYS,
    claims.SPELL,
    records.NOTE_CHANGES,
    records.MAKE,
    records.CHANGE,
    links.UNLINK,
    links.LINK,
)
"""First what others may want as well, in the order that every transaction keeps; a link after what it names."""

UNDO_STEPS: tuple[Step, ...] = (
    TAKE_BACK,
    records.NOTE_CHANGES,
    records.REMOVE,
    *(s for s in STEPS if s is not records.NOTE_CHANGES),
)
"""What goes before what comes back: one record may get back what another one is known by until it goes."""

_SET_ASIDE = tuple(set_aside(table) for table in (*crm.MIRRORS, staging.changes))
_ROWS = text(
    """
    SELECT group_row, rows FROM staging.crm_records
     WHERE import_id = :import_id AND chunk_no = :chunk_no AND group_row = ANY(CAST(:groups AS integer[])) AND rows IS NOT NULL
    """
)


class Crm(InSteps):
    """Records are made and changed, with what they are known by and what they are linked to."""

    steps: Sequence[Step] = STEPS
    identities = frozenset({str(crm.identifiers.primary_key.name)})
    decides_again = True

    def __init__(self, entity: EntityType) -> None:
        self._entity = entity

    async def plan(self, conn: AsyncConnection, scope: ChunkScope, actions: Collection[Action]) -> Plan:
        """All steps, whatever there is to write: a step that finds nothing costs a look at its staging table."""
        removes = set(actions) != {Action.CREATE} and await is_undo(conn, scope)
        stale = await lock_targets(conn, scope, actions, removes=removes)
        if not removes:
            await add_tags(conn, scope)
        return Plan(UNDO_STEPS if removes else self.steps, stale)

    def written(self, counts: Mapping[str, int]) -> Written:
        """Rows are counted with the records that they made, changed, or took away."""
        name = self._entity.name
        rows = sum(counts.get(rows, 0) for rows in (records.ROWS_MADE, records.ROWS_CHANGED, records.ROWS_REMOVED))
        made = {name: counts.get(records.RECORDS_MADE, 0), crm.links.name: counts.get(links.LINKS_MADE, 0)}
        on_the_way: Counter[str] = Counter()
        for count, of in claims.MADE.items():
            if counts.get(count):
                on_the_way[of] += counts[count]
        changed = {name: counts.get(records.RECORDS_CHANGED, 0)}
        return Written(rows, made, on_the_way, changed, {name: counts.get(records.RECORDS_REMOVED, 0)})

    async def conflicts(self, conn: AsyncConnection, scope: ChunkScope) -> Sequence[Conflict]:  # noqa: ARG002
        """None: what is there already changes what becomes of a row in every mode, so its chunk is decided again."""
        return ()

    async def spread(self, conn: AsyncConnection, scope: ChunkScope, errors: Sequence[RowError]) -> Sequence[RowError]:
        """All rows about a record fail with it."""
        groups = sorted({error.group_row for error in errors})
        found = await conn.execute(_ROWS, {**scope._asdict(), "groups": groups})
        rows = {row.group_row: row.rows for row in found}
        return [
            error._replace(row_no=row, group_row=row)
            for error in errors
            for row in rows.get(error.group_row, [error.row_no])
        ]

    async def set_aside(self, conn: AsyncConnection, scope: ChunkScope, groups: Sequence[int]) -> None:
        """In every table a record has rows in."""
        for statement in _SET_ASIDE:
            await conn.execute(statement, {**scope._asdict(), "groups": groups})

    async def remove_unused(self, conn: AsyncConnection, tenant_id: str, import_id: UUID) -> int:
        """The records that were made because rows named them."""
        return await remove_unused(conn, tenant_id, import_id)

    def summary(self, written: Written, *, of_changes: bool) -> dict[str, Any]:
        """Records of the type, the links, and the records that were made on the way."""
        name = self._entity.name
        changed, removed = written.changed.get(name, 0), written.removed.get(name, 0)
        return {
            name: {
                "created": written.records.get(name, 0),
                **({"updated": changed} if of_changes or changed else {}),
                **({"removed": removed} if removed else {}),
            },
            "links": {"created": written.records.get(crm.links.name, 0)},
            "entities": {of: {"created": count} for of, count in sorted(written.entities.items())},
        }
