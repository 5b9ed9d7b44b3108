"""Decisions about products that a test writes down itself, in place of the validator's rules: what is staged is exactly that."""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from services.validator.asked import Asked
from services.validator.never_undone import NeverUndone
from services.validator.outcomes import Decided, Failed, Outcome, Planned, StagedRecords
from services.validator.rows import Groups
from shared.db import catalog
from shared.entities.columns import Columns
from shared.entities.errors import RowError
from shared.entities.names import name_key
from shared.events import RowsValidated
from shared.ledger import ImportProgress
from shared.states import Action
from tests.harness.files import product
from tests.harness.staging import Desk
from tests.harness.world import World, assert_ledger_closes

Said = Mapping[str, Any]
"""What is written of a record: a column's value, a list of names (`tags`, `eco_claims`), of (name, percentage) (`materials`),
of (step, operator) (`journey_steps`), of (attribute, value) (`attributes`), two figures (`environment`), one (`weight`)."""

_ENTITIES = {"manufacturer_id": "manufacturer", "season_id": "season"}
_PRODUCTS = text(
    """
    SELECT p.id, p.handle, p.version,
           (SELECT coalesce(max(v.position) + 1, 0) FROM catalog.product_variants v WHERE v.product_id = p.id) AS next
      FROM catalog.products p WHERE p.handle = ANY(CAST(:handles AS text[]))
    """
)
_VARIANTS = text("SELECT id, sku FROM catalog.product_variants WHERE product_id = ANY(CAST(:products AS uuid[]))")


@dataclass(frozen=True)
class Change:
    """What a group is to do with the product of this handle: made when it is not there and `product` has a title.

    `variants` has a row of the group for each, by SKU; those that are not there are made.
    """

    handle: str
    product: Said = field(default_factory=dict)
    variants: Mapping[str, Said] = field(default_factory=dict)


@dataclass(frozen=True)
class _There:
    products: Mapping[str, tuple[UUID, int, int]]
    variants: Mapping[str, UUID]


class Decisions(NeverUndone):
    """Rules that say what the test says, by the handle that a group's first row has in the file.

    What there is of a product is looked up each time, as the real rules do: `times` says how often.
    """

    def __init__(self, changes: Mapping[str, Change]) -> None:
        self._changes = changes
        self.times = 0

    def needs(self, groups: Groups, *_: object) -> Sequence[Change]:
        """The changes of a chunk."""
        return [self._changes[group[0].text("handle") or ""] for group in groups]

    async def look_up(self, conn: AsyncConnection, tenant_id: str, asked: Asked, needs: Sequence[Change]) -> _There:
        """The products they are about."""
        self.times += 1
        found = (await conn.execute(_PRODUCTS, {"handles": [change.handle for change in needs]})).all()
        variants = await conn.execute(_VARIANTS, {"products": [product.id for product in found]})
        return _There({handle: (known, *rest) for known, handle, *rest in found}, {sku: it for it, sku in variants})

    def decide(self, groups: Groups, columns: Columns, known: _There, asked: Asked) -> Decided:
        """What the changes come to."""
        chunk = _Chunk(known)
        outcomes = [
            chunk.add([row.row for row in group], change)
            for group, change in zip(groups, self.needs(groups), strict=True)
        ]
        return Decided(outcomes, chunk.records())


class _Chunk:
    def __init__(self, known: _There) -> None:
        self._known = known
        self._rows: dict[str, list[dict[str, Any]]] = defaultdict(list)

    def add(self, rows: Sequence[int], change: Change) -> Outcome:
        first = rows[0]
        there = self._known.products.get(change.handle)
        if there is None and "title" not in change.product:
            error = RowError(first, first, None, None, "not_found", f"No product {change.handle}")
            return Failed(first, len(rows), [error])
        product_id = UUID(str(uuid7())) if there is None else there[0]
        place = {"group_row": first, "row_status": "pending"}
        done = dict.fromkeys(rows, Action.SKIP)
        if there is None or change.product:
            self._record(
                "product",
                product_id,
                {**place, "row_no": first},
                change.product,
                new=there is None,
                handle=change.handle,
            )
            done[first] = Action.UPDATE
        position = 0 if there is None else there[2]
        for row, (sku, said) in zip(rows, change.variants.items(), strict=bool(change.variants)):
            known = self._known.variants.get(sku)
            own: dict[str, Any] = {}
            if known is None:
                own = {"product_id": product_id, "position": position, "sku": sku}
                position += 1
            if known is None or said:
                variant_id = known or UUID(str(uuid7()))
                self._record("variant", variant_id, {**place, "row_no": row}, said, new=known is None, **own)
                done[row] = Action.CREATE if known is None else Action.UPDATE
        updates, skips = (list(done.values()).count(action) for action in (Action.UPDATE, Action.SKIP))
        action = Action.CREATE if there is None else Action.SKIP if skips == len(rows) else Action.UPDATE
        target, version = (None, None) if there is None else there[:2]
        return Planned(first, len(rows), action, target, version, updates, skips)

    def records(self) -> list[StagedRecords]:
        staged = []
        for table, rows in self._rows.items():
            columns = tuple(dict.fromkeys(name for row in rows for name in row))
            staged.append(StagedRecords(table, columns, [tuple(row.get(name) for name in columns) for row in rows]))
        return staged

    def _record(self, of: str, record_id: UUID, place: Said, said: Said, *, new: bool, **own: Any) -> None:
        scalars: dict[str, Any] = {}
        for name, value in said.items():
            if name in _ENTITIES:
                scalars |= _named(_ENTITIES[name], value)
            elif not self._list(of, record_id, place, name, value):
                scalars[name] = value
        action = {"action": Action.CREATE, "said": None} if new else {"action": Action.UPDATE, "said": list(said)}
        table = "products" if of == "product" else "product_variants"
        status = {"status": scalars.get("status", "unpublished")} if of == "product" else {}
        self._rows[table].append({**place, **action, **status, **own, "id": record_id, **scalars})
        if not new:
            after = json.dumps(said, default=str)
            self._rows["changes"].append(
                {**place, "record": of, "record_id": record_id, "before": "{}", "after": after}
            )

    def _list(self, of: str, owner: UUID, place: Said, kind: str, value: Any) -> bool:
        owned = {**place, f"{of}_id": owner}
        if (rows := _rows_of(kind, value)) is None:
            return False
        alone = kind in {"environment", "weight"}
        self._rows[f"{of}_{kind}"] += (
            {**owned, **row, **({} if alone else {"position": position})} for position, row in enumerate(rows)
        )
        return True


def _rows_of(kind: str, value: Any) -> list[dict[str, Any]] | None:
    rows: dict[str, Callable[[], list[dict[str, Any]]]] = {
        "attributes": lambda: [
            {**_named("attribute", name), **_named("attribute_value", said)} for name, said in value
        ],
        "tags": lambda: [_named("tag", name) for name in value],
        "eco_claims": lambda: [_named("eco_claim", name) for name in value],
        "materials": lambda: [{**_named("material", name), "percentage": percentage} for name, percentage in value],
        "journey_steps": lambda: [{"step": step, **_named("facility", name)} for step, name in value],
        "environment": lambda: [] if value is None else [{"carbon_kg": value[0], "water_l": value[1]}],
        "weight": lambda: [] if value is None else [{"weight": value, "unit": "g"}],
    }
    return rows[kind]() if kind in rows else None


def _named(prefix: str, name: str | None) -> dict[str, str | None]:
    return {f"{prefix}_name": name, f"{prefix}_key": None if name is None else name_key(name)}


async def ready(desk: Desk, *changes: Change, mode: str = "upsert") -> tuple[RowsValidated, Decisions]:
    """One chunk of these changes, each a group, that waits for its commit."""
    rows = [
        row
        for place, change in enumerate(changes)
        for row in product(9000 + place, variants=max(1, len(change.variants)), handle=f"g{place}")
    ]
    decisions = Decisions({f"g{place}": change for place, change in enumerate(changes)})
    (event,) = await desk.ready(rows, decisions, mode=mode)
    return event, decisions


async def changed(world: World, desk: Desk, *changes: Change, mode: str = "upsert") -> ImportProgress:
    """The import of these changes, when it has ended."""
    event, _ = await ready(desk, *changes, mode=mode)
    await desk.commit(event)
    return await ended(world, event.import_id)


async def made(world: World, desk: Desk, rows: Sequence[Sequence[Any]]) -> UUID:
    """Have products made, by their own rules; the import that made them."""
    (event,) = await desk.ready(rows)
    await desk.commit(event)
    progress = await ended(world, event.import_id)
    assert progress.created_rows == len(rows)
    return event.import_id


async def ended(world: World, import_id: UUID) -> ImportProgress:
    """An import whose last chunk has been committed."""
    progress = await world.progress(import_id)
    assert progress is not None
    assert progress.ended, progress
    assert_ledger_closes(progress)
    return progress


def counts(progress: ImportProgress) -> tuple[int, int, int, int]:
    """Rows that were created, updated, skipped and failed."""
    return progress.created_rows, progress.updated_rows, progress.skipped_rows, progress.failed_rows


async def effective(world: World, tenant: str, sku: str) -> dict[str, Any]:
    """What holds for a variant, as its readers see it."""
    async with world.database() as conn:
        query = text("SELECT * FROM catalog.effective_variants WHERE tenant_id = :t AND sku = :sku")
        return dict((await conn.execute(query, {"t": tenant, "sku": sku})).mappings().one())


async def versions(world: World, tenant: str) -> dict[str, int]:
    """The version of each product, by handle."""
    async with world.database() as conn:
        query = text("SELECT handle, version FROM catalog.products WHERE tenant_id = :t")
        return {product.handle: product.version for product in await conn.execute(query, {"t": tenant})}


async def physical(world: World, tenant: str) -> dict[str, set[str]]:
    """Every row of a tenant's products where it lies, by table: whatever is written again is another one."""
    async with world.database() as conn:
        return {
            table.name: set(
                (
                    await conn.execute(
                        text(f"SELECT concat(ctid, ' ', xmin) FROM {table.fullname} WHERE tenant_id = :t"),
                        {"t": tenant},
                    )
                ).scalars()
            )
            for table in catalog.IMPORTED
        }
