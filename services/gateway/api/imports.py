"""`/v1/imports`: made, listed, and one by itself."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import AwareDatetime

from services.gateway import problems
from services.gateway.api.bodies import json_only
from services.gateway.api.conditions import answer_of
from services.gateway.asking import Importer, Viewer, Ways
from services.gateway.imports import the_import
from services.gateway.imports.history import Sort, Wanted, history
from services.gateway.imports.registering import register_new
from services.gateway.imports.transactions import reading
from services.gateway.texts import can_be_kept
from shared.api.imports import Import, ImportPage, NewImport
from shared.api.limits import MOST_IMPORTS, MOST_RECENT, RECENT
from shared.states import ImportStatus

router = APIRouter(prefix="/v1/imports", tags=["imports"])

_NOT_MODIFIED: dict[int | str, dict[str, Any]] = {304: {"description": "It is as `If-None-Match` says."}}
Name = Annotated[str | None, Query(max_length=255, description="A part of the file's name, in any case.")]
Word = Annotated[str | None, Query(max_length=128)]
Cursor = Annotated[str | None, Query(max_length=3_000, description="The `next` of the page before.")]


def wanted(
    file_name: Name = None,
    entity_type: Word = None,
    status: Annotated[list[ImportStatus] | None, Query(description="May be said more than once.")] = None,
    mode: Word = None,
    user: Word = None,
    since: Annotated[AwareDatetime | None, Query(description="Begun at this time or after.")] = None,
    before: Annotated[AwareDatetime | None, Query(description="Begun before this time.")] = None,
) -> Wanted:
    """Which imports a list is of."""
    texts = {"file_name": file_name, "entity_type": entity_type, "mode": mode, "user": user}
    for name, said in texts.items():
        _check_text(name, said)
    since_, before_ = _moment("since", since), _moment("before", before)
    return Wanted(**texts, statuses=tuple(status or ()), since=since_, before=before_)


@router.get("", operation_id="list_imports", responses=problems.of(401, 403, 422))
async def list_imports(
    ways: Ways,
    person: Viewer,
    filters: Annotated[Wanted, Depends(wanted)],
    sort: Sort = "-started",
    after: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=MOST_IMPORTS)] = 50,
    count: Annotated[bool, Query(description="Whether to say how many there are.")] = False,
) -> ImportPage:
    """The tenant's imports, newest first."""
    async with reading(ways, person) as conn:
        return await history(conn, filters, sort=sort, after=after, limit=limit, count=count)


@router.get("/recent", operation_id="recent_imports", responses=problems.of(401, 403, 422))
async def recent_imports(
    ways: Ways, person: Viewer, limit: Annotated[int, Query(ge=1, le=MOST_RECENT)] = RECENT
) -> ImportPage:
    """The latest imports, newest first."""
    async with reading(ways, person) as conn:
        found = await history(conn, Wanted(), limit=limit)
    return found.model_copy(update={"next": None})


@router.post(
    "",
    operation_id="create_import",
    status_code=201,
    response_model=Import,
    responses={
        200: {"model": Import, "description": "The import that this `Idempotency-Key` is of already."},
        **problems.of(401, 403, 409, 413, 415, 422),
    },
)
async def create_import(
    request: Request,
    ways: Ways,
    person: Importer,
    # Behind who asks, for whom it is too early to be told what a body has to be.
    _json: Annotated[None, Depends(json_only)],
    asked: NewImport,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=200,
            pattern=r"^[^\x00-\x1f\x7f]*$",
            description="A name of your own for this import: whatever is sent with it again is the same import.",
        ),
    ] = None,
) -> Response:
    """Import a file: an upload that is complete, or an object that lies in storage. With `options.hold`, only as far as a check."""
    registered = await register_new(ways, person, asked, key=idempotency_key)
    made = await the_import(ways, person, registered.import_id)
    status = 200 if registered.is_repeat else 201
    return answer_of(request, made, status=status, headers={"Location": made.href})


@router.get(
    "/{import_id}",
    operation_id="get_import",
    response_model=Import,
    responses={**_NOT_MODIFIED, **problems.of(401, 403, 404, 422)},
)
async def get_import(
    request: Request,
    ways: Ways,
    person: Viewer,
    import_id: UUID,
    if_none_match: Annotated[str | None, Header(max_length=1_000)] = None,
) -> Response:
    """All there is to know of an import. `ETag` names what is said: of the same, nothing is sent again."""
    return answer_of(request, await the_import(ways, person, import_id), if_none_match=if_none_match)


def _check_text(name: str, said: str | None) -> None:
    if said is not None and not can_be_kept(said):
        raise problems.invalid(name, "no name has this in it.")


def _moment(name: str, said: datetime | None) -> datetime | None:
    # Beyond the years that a database counts.
    if said is not None and not 1 < said.year < 9999:  # noqa: PLR2004 - the first and last that datetime can turn into UTC
        raise problems.invalid(name, "this is no time an import could have begun at.")
    return said
