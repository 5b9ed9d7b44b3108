"""Templates to fill in, values that cells may say, categories that nobody knows."""

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from fastapi import Path as PathParameter

from services.gateway import problems
from services.gateway.asking import Viewer, Ways
from services.gateway.cursors import hand_out, list_name, take_back
from services.gateway.imports.files import headers_of
from services.gateway.imports.transactions import reading
from services.gateway.texts import can_be_kept
from shared.api.catalogue import UnmatchedCategories, UnmatchedCategory, Value, ValuePage
from shared.api.limits import MOST_UNMATCHED, MOST_VALUES
from shared.entities import ENTITY_TYPES, EntityType
from shared.entities.own_fields import entity_of
from shared.intake.catalogue import KINDS, known_names, list_attribute_values, list_values
from shared.intake.template import MOST_OFFERED, offered_kinds, write_template
from shared.intake.unmatched import unmatched_categories
from shared.ledger.own_fields import read_own

router = APIRouter(tags=["catalogue"])

ATTRIBUTE_VALUES = "attribute_values"
_SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@router.get(
    "/v1/templates/{entity_type}.xlsx",
    operation_id="get_template",
    response_class=Response,
    responses={
        200: {
            "description": "A workbook with headings, an example, a guide, and lists to choose from.",
            "content": {_SPREADSHEET: {"schema": {"type": "string", "format": "binary"}}},
        },
        **problems.of(401, 403, 404, 422),
    },
)
async def get_template(
    ways: Ways, person: Viewer, entity_type: Annotated[str, PathParameter(min_length=1, max_length=32)]
) -> Response:
    """An empty workbook to fill in. It has the tenant's own fields, and in its lists what its catalogue knows by now."""
    if entity_type not in ENTITY_TYPES:
        raise problems.unknown("template")
    async with reading(ways, person) as conn:
        entity = entity_of(entity_type, await read_own(conn, entity_type))
        known = await known_names(conn, offered_kinds(entity), limit=MOST_OFFERED)
    content = await asyncio.to_thread(_written, entity, known)
    return Response(content, headers=headers_of(f"{entity.name}.xlsx", len(content)))


def _written(entity: EntityType, known: dict[str, list[str]]) -> bytes:
    with tempfile.TemporaryDirectory(prefix="winnow-template-") as folder:
        path = Path(folder) / "template.xlsx"
        write_template(path, entity, known)
        return path.read_bytes()


@router.get("/v1/catalogue/{kind}", operation_id="list_values", responses=problems.of(401, 403, 404, 422))
async def list_values_(
    ways: Ways,
    person: Viewer,
    kind: Annotated[str, PathParameter(max_length=32, description=f"{', '.join(KINDS)} or {ATTRIBUTE_VALUES}")],
    q: Annotated[str, Query(max_length=200, description="A part of the name, in any case.")] = "",
    attribute: Annotated[str | None, Query(max_length=200, description=f"Of {ATTRIBUTE_VALUES}: whose.")] = None,
    after: Annotated[str | None, Query(max_length=3_000, description="The `next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_VALUES)] = 100,
) -> ValuePage:
    """What the tenant's catalogue knows by name: what cells of a file may say."""
    for field, said in (("q", q), ("attribute", attribute or "")):
        if not can_be_kept(said):
            raise problems.invalid(field, "no name has this in it.")
    if kind not in {*KINDS, ATTRIBUTE_VALUES}:
        raise problems.unknown("kind of value")
    if (kind == ATTRIBUTE_VALUES) != (attribute is not None):
        raise problems.invalid("attribute", f"it is said of {ATTRIBUTE_VALUES}, and only of these.")
    name = list_name("catalogue", {"kind": kind, "q": q, "attribute": attribute or ""})
    place = "" if after is None else take_back(name, after, str)[0]
    async with reading(ways, person) as conn:
        page = (
            await list_values(conn, kind, search=q, after=place, limit=limit)
            if attribute is None
            else await list_attribute_values(conn, attribute, search=q, after=place, limit=limit)
        )
    if page is None:
        raise problems.unknown("attribute")
    items = tuple(Value.model_validate(value, from_attributes=True) for value in page.values)
    return ValuePage(items=items, next=None if page.next is None else hand_out(name, page.next))


@router.get(
    "/v1/unmatched-categories", operation_id="list_unmatched_categories", responses=problems.of(401, 403, 404, 422)
)
async def list_unmatched_categories(
    ways: Ways,
    person: Viewer,
    import_id: Annotated[UUID, Query(description="The import whose rows named them.")],
    limit: Annotated[int, Query(ge=1, le=MOST_UNMATCHED)] = 10,
) -> UnmatchedCategories:
    """Categories that rows of an import name and nobody knows, the most frequent first, with the nearest known ones."""
    async with reading(ways, person) as conn:
        found = await unmatched_categories(conn, import_id, limit=limit)
    if found is None:
        raise problems.unknown("import")
    return UnmatchedCategories(
        items=tuple(UnmatchedCategory.model_validate(each, from_attributes=True) for each in found)
    )
