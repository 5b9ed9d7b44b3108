"""`/v1/imports/{id}/columns` and below: an import on the guided path, mapped, looked at and replaced before it is started."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from services.gateway import problems
from services.gateway.api.bodies import json_only
from services.gateway.api.conditions import answer_of
from services.gateway.asking import Importer, Viewer, Ways
from services.gateway.imports import guided, the_import
from services.gateway.people import Person
from services.gateway.problems import Refused
from services.gateway.resources import Gateway
from services.gateway.texts import can_be_kept
from shared.api.guided import (
    LONGEST_VALUE,
    MOST_VALUES,
    Columns,
    ColumnValue,
    ColumnValuePage,
    NewFormat,
    NewMapping,
    NewReplacement,
    NewStep,
    Show,
    ValueSort,
)
from shared.api.imports import Import

router = APIRouter(prefix="/v1/imports", tags=["guided"])

ImportId = Annotated[UUID, Path()]
Index = Annotated[int, Path(ge=0, le=16_383, description="The column, from 0.")]
Cursor = Annotated[str | None, Query(max_length=3_000, description="The `next` of the page before.")]
Search = Annotated[str, Query(max_length=200, description="A part of the value, in any case.")]
_REFUSALS = problems.of(401, 403, 404, 409, 422)
Json = Annotated[None, Depends(json_only)]


@router.get("/{import_id}/columns", operation_id="get_columns", responses=_REFUSALS)
async def get_columns(ways: Ways, person: Viewer, import_id: ImportId) -> Columns:
    """The columns of the file: what they are taken for and why, what they may be, what is missing."""
    return await _columns(ways, person, import_id)


@router.put("/{import_id}/mapping", operation_id="put_mapping", responses=_REFUSALS)
async def put_mapping(ways: Ways, person: Importer, _json: Json, import_id: ImportId, asked: NewMapping) -> Columns:
    """Say what the columns mean, and go on to their values. The file is not read again."""
    await guided.set_mapping(ways, person, import_id, asked)
    return await _columns(ways, person, import_id)


@router.get("/{import_id}/columns/{index}/values", operation_id="list_column_values", responses=_REFUSALS)
async def list_column_values(
    ways: Ways,
    person: Viewer,
    import_id: ImportId,
    index: Index,
    show: Show = "all",
    q: Search = "",
    sort: ValueSort = "-rows",
    after: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=MOST_VALUES)] = MOST_VALUES,
) -> ColumnValuePage:
    """The distinct values of a column: in how many rows each is, what is wrong with it, what it is read as."""
    if not can_be_kept(q):
        raise problems.invalid("q", "no value has such a character.")
    return await guided.values(ways, person, import_id, index, show=show, search=q, sort=sort, after=after, limit=limit)


@router.put("/{import_id}/columns/{index}/values", operation_id="put_column_value", responses=_REFUSALS)
async def put_column_value(
    ways: Ways, person: Importer, _json: Json, import_id: ImportId, index: Index, asked: NewReplacement
) -> ColumnValue:
    """Have a value read as another one, or skipped, in every row that has it; with neither it is read as it stands again."""
    return await guided.replace_value(ways, person, import_id, index, asked)


@router.delete("/{import_id}/columns/{index}/values", operation_id="delete_column_value", responses=_REFUSALS)
async def delete_column_value(
    ways: Ways,
    person: Importer,
    import_id: ImportId,
    index: Index,
    value: Annotated[str, Query(min_length=1, max_length=LONGEST_VALUE)],
) -> ColumnValue:
    """Take a replacement back: the value is read as it stands. Of a long one, by `PUT` with neither replacement nor skip."""
    return await guided.replace_value(ways, person, import_id, index, NewReplacement(value=value))


@router.put("/{import_id}/columns/{index}/format", operation_id="put_format", responses=_REFUSALS)
async def put_format(
    ways: Ways, person: Importer, _json: Json, import_id: ImportId, index: Index, asked: NewFormat
) -> Columns:
    """Say how a column's dates or numbers are read; its rows are checked again."""
    await guided.set_format(ways, person, import_id, index, asked)
    return await _columns(ways, person, import_id)


@router.post("/{import_id}/step", operation_id="go_to_step", response_model=Import, responses=_REFUSALS)
async def go_to_step(
    request: Request, ways: Ways, person: Importer, _json: Json, import_id: ImportId, asked: NewStep
) -> Response:
    """Go to a step: back to any, on where its columns are mapped."""
    await guided.go_to(ways, person, import_id, asked.step)
    return answer_of(request, await the_import(ways, person, import_id))


@router.delete("/{import_id}/guided", operation_id="start_over", response_model=Import, responses=_REFUSALS)
async def start_over(request: Request, ways: Ways, person: Importer, import_id: ImportId) -> Response:
    """Begin again with the columns: mapping, replacements and formats are forgotten. The file is not read again."""
    await guided.start_over(ways, person, import_id)
    return answer_of(request, await the_import(ways, person, import_id))


async def _columns(ways: Gateway, person: Person, import_id: UUID) -> Columns:
    found = await guided.columns(ways, person, import_id)
    if found is None:
        raise Refused("conflict", "Its file is still being read. Try again in a moment.")
    return found
