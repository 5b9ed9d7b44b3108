"""What a tenant's catalogue knows by name: the values that cells of a file may say, kind by kind, by page.

Reads in a transaction of the tenant. Categories are the same for all tenants.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.api.limits import MOST_VALUES
from shared.db.catalog import ENTITIES, attribute_values
from shared.entities.names import name_key

MOST_WITHIN = 100
"""So many values of an attribute are listed with it; the others are pages of their own."""

CATEGORIES, ATTRIBUTES = "categories", "attributes"

_PAGE = """
    SELECT {name} AS name, {key} AS key FROM catalog.{table}
     WHERE {key} > :after AND (:search = '' OR strpos({folded}, :search) > 0) {within} ORDER BY {key} LIMIT :limit
"""


def _page(table: str, within: str = "") -> str:
    return _PAGE.format(name="name", key="name_key", folded="name_key", table=table, within=within)  # our own names


_KINDS: Mapping[str, str] = MappingProxyType(
    {
        **{entity.name: _page(entity.name) for entity in ENTITIES if entity is not attribute_values},
        CATEGORIES: _PAGE.format(name="path", key="path", folded="lower(path)", table="taxonomy_categories", within=""),
    }
)
KINDS: tuple[str, ...] = tuple(_KINDS)
"""The kinds there are, named as their tables are."""

_ATTRIBUTE = text("SELECT id FROM catalog.attributes WHERE name_key = :key")
_OF_ATTRIBUTE = _page("attribute_values", "AND attribute_id = :attribute")
_WITHIN = text(
    """
    SELECT a.name_key AS key, v.name, v.name_key
      FROM catalog.attributes a
     CROSS JOIN LATERAL (SELECT name, name_key FROM catalog.attribute_values
                          WHERE tenant_id = a.tenant_id AND attribute_id = a.id ORDER BY name_key LIMIT :limit) v
     WHERE a.name_key = ANY(CAST(:keys AS text[]))
     ORDER BY a.name_key, v.name_key
    """
)


@dataclass(frozen=True)
class CatalogueValue:
    """A name as it was first typed. Of an attribute, `values` are its first ones, `has_more` whether there are others."""

    name: str
    values: tuple[str, ...] = ()
    has_more: bool = False


@dataclass(frozen=True)
class CataloguePage:
    """Values by name, without case. `next` is what the next page begins behind, None when this is the last."""

    values: tuple[CatalogueValue, ...]
    next: str | None


async def list_values(
    conn: AsyncConnection, kind: str, *, search: str = "", after: str = "", limit: int = 100
) -> CataloguePage:
    """The values of one of `KINDS` behind the name `after`; with `search` those that contain it, in any case.

    Raises:
        ValueError: `limit` is not 1 to `MOST_VALUES`.
    """
    page = await _read(conn, _KINDS[kind], {}, search, after if kind == CATEGORIES else name_key(after), limit)
    if kind != ATTRIBUTES:
        return page
    keys = {name_key(value.name): value.name for value in page.values}
    within: dict[str, list[str]] = {key: [] for key in keys}
    for found in await conn.execute(_WITHIN, {"keys": list(keys), "limit": MOST_WITHIN + 1}):
        within[found.key].append(found.name)
    values = [
        CatalogueValue(name, tuple(within[key][:MOST_WITHIN]), has_more=len(within[key]) > MOST_WITHIN)
        for key, name in keys.items()
    ]
    return CataloguePage(tuple(values), page.next)


async def list_attribute_values(
    conn: AsyncConnection, attribute: str, *, search: str = "", after: str = "", limit: int = 100
) -> CataloguePage | None:
    """The values of an attribute, in the same way; None when the tenant has no such attribute.

    Raises:
        ValueError: `limit` is not 1 to `MOST_VALUES`.
    """
    found = (await conn.execute(_ATTRIBUTE, {"key": name_key(attribute)})).scalar_one_or_none()
    if found is None:
        return None
    return await _read(conn, _OF_ATTRIBUTE, {"attribute": found}, search, name_key(after), limit)


async def known_names(conn: AsyncConnection, kinds: Sequence[str], *, limit: int) -> dict[str, list[str]]:
    """The first names of each of these kinds, for what offers them to choose from."""
    names: dict[str, list[str]] = {}
    for kind in kinds:
        found = await conn.execute(text(_KINDS[kind]), {"search": "", "after": "", "limit": limit})
        names[kind] = [value.name for value in found]
    return names


async def _read(
    conn: AsyncConnection, query: str, scope: Mapping[str, int], search: str, after: str, limit: int
) -> CataloguePage:
    if not 1 <= limit <= MOST_VALUES:
        raise ValueError(f"limit is 1 to {MOST_VALUES}")
    values = {**scope, "search": name_key(search), "after": after, "limit": limit + 1}
    found = (await conn.execute(text(query), values)).all()
    return CataloguePage(
        tuple(CatalogueValue(value.name) for value in found[:limit]),
        found[limit - 1].name if len(found) > limit else None,
    )
