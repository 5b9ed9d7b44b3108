"""A dead letter: why it is here, its record as it was; sent again, alone or with all others. For operators alone."""

import json
from typing import Annotated, Final

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from services.gateway.asking import PageOperator, Ways
from services.gateway.operations.letters import letter_of, send_again, shown_whole, waiting_letters
from services.gateway.pages.confirm import Question, asks
from services.gateway.pages.figures import counted, number
from services.gateway.pages.rendering import page
from services.gateway.pages.shell import SHELL
from services.gateway.problems import Refused
from shared.api.operations import DeadLetterDetails

router = APIRouter(include_in_schema=False, prefix="/operations/dead-letters", dependencies=[SHELL])

LetterId = Annotated[str, Path(min_length=1, max_length=300)]
_BACK: Final = "/operations"


# Before those of one letter: "redrive" is none.
@router.get("/redrive")
async def ask_redrive_all(request: Request, ways: Ways, person: PageOperator) -> HTMLResponse:
    """Ask whether all that wait are to be sent again."""
    count = len(await waiting_letters(ways))
    if not count:
        raise Refused("conflict", "No dead letter waits any more.")
    return asks(request, person, redrive_all_question(count), area="operations")


@router.post("/redrive")
async def redrive_all(request: Request, ways: Ways, person: PageOperator) -> HTMLResponse:
    """Send all that wait again; what became of each."""
    return page(request, person, "redriven.html", done=await send_again(ways, None), words=_OUTCOMES)


@router.get("/{letter_id}")
async def show(request: Request, ways: Ways, person: PageOperator, letter_id: LetterId) -> HTMLResponse:
    """One of them."""
    letter = shown_whole(await letter_of(ways, letter_id))
    return page(
        request,
        person,
        "dead_letter.html",
        letter=letter,
        facts=_facts(letter),
        sent_with=sorted(letter.headers.items()),
        body=_pretty(letter.body),
    )


@router.get("/{letter_id}/redrive")
async def ask_redrive(request: Request, ways: Ways, person: PageOperator, letter_id: LetterId) -> HTMLResponse:
    """Ask whether one is to be sent again."""
    letter = shown_whole(await letter_of(ways, letter_id))
    return asks(request, person, redrive_question(letter), area="operations")


@router.post("/{letter_id}/redrive")
async def redrive(request: Request, ways: Ways, person: PageOperator, letter_id: LetterId) -> HTMLResponse:
    """Send one again; what became of it."""
    return page(request, person, "redriven.html", done=await send_again(ways, letter_id), words=_OUTCOMES)


@router.get("")
async def list_them(_person: PageOperator) -> RedirectResponse:
    """They are listed with the rest."""
    return RedirectResponse(_BACK, 303)


_AGAIN: Final = "What still cannot be acted on comes back as another dead letter."
_OUTCOMES: Final = {
    "chunk_reopened": ("ok", "check-circle", "Its chunk is taken up again; the import is open until the chunk is through"),
    "reading_reopened": ("ok", "check-circle", "The file is read again"),
    "sent": ("ok", "check-circle", "Sent to the topic it came from"),
    "unreadable": ("bad", "x-circle", "Not sent: no stage can read it, so it would only come back. Have its publisher send a corrected one"),
}  # fmt: skip


def redrive_question(letter: DeadLetterDetails) -> Question:
    """Whether to send one again."""
    return Question(
        title="Redrive this dead letter?",
        says=[
            f"{letter.error}: {letter.message}",
            f"It is sent once more to {letter.topic}. Put right what stopped it first. {_AGAIN}",
        ],
        action=f"/operations/dead-letters/{letter.id}/redrive",
        keep="Leave it",
        back=f"/operations/dead-letters/{letter.id}",
        do="Redrive",
        danger=False,
        hint=letter.id,
    )


def redrive_all_question(count: int) -> Question:
    """Whether to send all again."""
    return Question(
        title=f"Redrive {counted(count, 'dead letter')}?",
        says=[f"Each is sent once more to the topic it came from. {_AGAIN}"],
        action="/operations/dead-letters/redrive",
        keep="Leave them",
        back=_BACK,
        do=f"Redrive {number(count)}",
        danger=False,
    )


def _facts(letter: DeadLetterDetails) -> list[tuple[str, str]]:
    facts = [
        ("Why", letter.message),
        ("Reference", letter.reference or ""),
        ("Stage", f"{letter.stage.removeprefix('winnow-')}, {counted(letter.attempts, 'try', 'tries')}"),
        ("Came from", letter.place),
        ("Tenant", letter.tenant or ""),
    ]
    return [(name, said) for name, said in facts if said]


def _pretty(body: str) -> str:
    """JSON with a line a field; anything else as it is."""
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        return body or "(no bytes)"
