"""`/v1/operations`: for operators alone, across tenants, ids and numbers only."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response

from services.gateway import problems
from services.gateway.asking import Operator, Ways
from services.gateway.cursors import hand_out, list_name, take_back
from services.gateway.imports import acts
from services.gateway.operations import letters
from services.gateway.operations.state import operations_of
from shared.api.operations import AllRedriven, DeadLetterDetails, DeadLetterPage, Operations, Redriven

router = APIRouter(prefix="/v1/operations", tags=["operations"])

_LETTERS = list_name("dead-letters", {})
LetterId = Annotated[
    str, Path(min_length=1, max_length=300, description="Its id (topic:partition:offset) or reference.")
]


@router.get("", operation_id="get_operations", responses=problems.of(401, 403))
async def get_operations(_person: Operator, ways: Ways) -> Operations:
    """How the stages keep up, what is under way, which imports do not move."""
    return await operations_of(ways)


@router.post(
    "/imports/{import_id}/fail",
    operation_id="fail_stuck_import",
    status_code=204,
    response_class=Response,
    responses=problems.of(401, 403, 404, 409, 422),
)
async def fail_stuck_import(person: Operator, ways: Ways, import_id: UUID) -> Response:
    """Mark an import of whichever tenant as failed, of which nothing has moved for 30 minutes."""
    await acts.fail_anybodys(ways, person, import_id)
    return Response(status_code=204)


@router.get("/dead-letters", operation_id="list_dead_letters", responses=problems.of(401, 403, 422))
async def list_dead_letters(
    _person: Operator,
    ways: Ways,
    after: Annotated[str | None, Query(max_length=3_000, description="The `next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> DeadLetterPage:
    """Events no stage could act on that have not been sent again, the oldest first."""
    behind = None if after is None else take_back(_LETTERS, after, str, str)
    waiting = sorted(await letters.waiting_letters(ways), key=lambda letter: (letter.at.isoformat(), letter.id))
    left = [letter for letter in waiting if behind is None or (letter.at.isoformat(), letter.id) > behind]
    last = left[limit - 1] if len(left) > limit else None
    return DeadLetterPage(
        items=tuple(letters.shown(letter) for letter in left[:limit]),
        next=None if last is None else hand_out(_LETTERS, last.at.isoformat(), last.id),
    )


@router.post("/dead-letters/redrive", operation_id="redrive_all_dead_letters", responses=problems.of(401, 403))
async def redrive_all(_person: Operator, ways: Ways) -> AllRedriven:
    """Send every one that waits back to where it came from, once what stopped them is put right."""
    return AllRedriven(items=tuple(await letters.send_again(ways, None)))


@router.get("/dead-letters/{letter_id}", operation_id="get_dead_letter", responses=problems.of(401, 403, 404, 422))
async def get_dead_letter(_person: Operator, ways: Ways, letter_id: LetterId) -> DeadLetterDetails:
    """One of them, with the record as it was."""
    return letters.shown_whole(await letters.letter_of(ways, letter_id))


@router.post(
    "/dead-letters/{letter_id}/redrive", operation_id="redrive_dead_letter", responses=problems.of(401, 403, 404, 422)
)
async def redrive_one(_person: Operator, ways: Ways, letter_id: LetterId) -> Redriven:
    """Send one back to where it came from. One that still cannot be acted on comes back as another letter."""
    (done,) = await letters.send_again(ways, letter_id)
    return done
