"""Rows that are about one record because production says so: it is known by what one row says, and by what another one does."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.parser.mapping.interpretation import KeyedRow
from services.parser.mapping.record_keys import NAMES, split_key
from services.parser.repository import KnownImport
from shared.db.planner import BY_INDEX
from shared.db.transaction import tenant_transaction

_ANY = text(
    "SELECT EXISTS (SELECT FROM crm.identifiers WHERE tenant_id = :tenant_id AND kind = ANY(CAST(:kinds AS text[])))"
)
# One key after the other (`OFFSET 0`): while the planner takes the table for empty, a join would go through all of it for each.
_FOUND = text(
    """
    SELECT a.kind, a.value, i.record_id
      FROM unnest(CAST(:kinds AS text[]), CAST(:values AS text[])) AS a (kind, value)
     CROSS JOIN LATERAL (
           SELECT record_id FROM crm.identifiers
            WHERE tenant_id = :tenant_id AND kind = a.kind AND value = a.value OFFSET 0) i
    """
)


class KnownRecords:
    """Adds to the keys of rows the ids of records that are known by them, so that rows of one record are told as such.

    A tenant that has no records of the type when the first row is read is not asked again: what this file makes is known by what
    its rows say.
    """

    def __init__(self, engine: AsyncEngine, known: KnownImport) -> None:
        self._engine = engine
        self._tenant_id = known.tenant_id
        self._entity_type = known.entity_type
        entity = known.entity
        unique = (field.code for field in entity.fields if field.is_unique)
        # What rows say that are about one record by its id tells nobody else.
        codes = {*entity.matches, *unique} - {"id"}
        self._kinds = [f"{known.entity_type}.{code}" for code in sorted(codes)]
        self._asks: bool | None = None if entity.matches and codes else False

    async def told(self, rows: Sequence[KeyedRow]) -> Sequence[KeyedRow]:
        """The rows, each with the ids of the records that production knows by its keys."""
        keys = {key for row in rows for key in row.keys or () if key[0] != NAMES} if self._asks is not False else set()
        if not keys:
            return rows
        async with tenant_transaction(self._engine, self._tenant_id) as conn:
            records = await self._read(conn, sorted(keys))
        if not records:
            return rows
        return [
            row
            if row.keys is None or not (ids := {records[key] for key in row.keys if key in records})
            else row._replace(keys=(*row.keys, *(f"id={id_}" for id_ in ids)))
            for row in rows
        ]

    async def _read(self, conn: AsyncConnection, keys: Sequence[str]) -> dict[str, UUID]:
        await conn.execute(BY_INDEX)
        if self._asks is None:
            asked = {"tenant_id": self._tenant_id, "kinds": self._kinds}
            self._asks = bool((await conn.execute(_ANY, asked)).scalar_one())
        if not self._asks:
            return {}
        split = {key: split_key(key) for key in keys}
        kinds = {f"{self._entity_type}.{code}": code for code, _ in split.values()}
        found = await conn.execute(
            _FOUND,
            {
                "tenant_id": self._tenant_id,
                "kinds": [f"{self._entity_type}.{code}" for code, _ in split.values()],
                "values": [value for _, value in split.values()],
            },
        )
        return {f"{kinds[kind]}={value}": record_id for kind, value, record_id in found}
