"""Operations: a sentence of judgement, six vitals, the stages, imports that do not move, dead letters. For operators alone."""

from collections.abc import Sequence
from typing import Annotated, Any, Final, NamedTuple
from uuid import UUID

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.gateway.asking import PageOperator, Ways
from services.gateway.imports import acts
from services.gateway.live import Shown
from services.gateway.operations.letters import shown, waiting_letters
from services.gateway.operations.state import operations_of
from services.gateway.pages.confirm import Question, asks
from services.gateway.pages.figures import UNKNOWN, counted, duration, number, rate
from services.gateway.pages.rendering import page, partial, swap
from services.gateway.pages.shell import SHELL
from services.gateway.pages.words import STAGES
from services.gateway.problems import Refused, unknown
from services.gateway.resources import Gateway
from shared.api.operations import DeadLetter, Operations, StageLag, StuckImport

router = APIRouter(include_in_schema=False, prefix="/operations", dependencies=[SHELL])

MOST_LETTERS: Final = 50
_TONES: Final = {
    "keeps_up": ("ok", "check-circle", "Keeps up"),
    "behind": ("warn", "warning", "Behind"),
    "stands_still": ("bad", "x-circle", "Stands still"),
    "unknown": ("", "info", "Not known"),
}
_WORK: Final = {"read": "Read", "checked": "Check", "imported": "Import", "handed_back": "Hand back"}
_WAITS: Final = {
    "read": "waits to be read",
    "checked": "waits to be checked",
    "imported": "waits to be imported",
    "handed_back": "waits to be handed back",
}
_OLD_OUTBOX, _OLD_CHUNK = 30.0, 30.0
# The page is there at once with what was known last; its live updates follow within seconds.
_SHOWN_FOR: Final = 60.0
_WIDTH, _HEIGHT, _FOOT = 120, 18, 22


class Vital(NamedTuple):
    """One of the numbers at the top; with a tone where it needs a person."""

    name: str
    value: str
    more: str
    tone: str = ""


@router.get("")
async def show(request: Request, ways: Ways, person: PageOperator) -> HTMLResponse:
    """The state of all, as it is now."""
    return page(request, person, "operations.html", **await _state(ways))


@router.get("/live")
async def live(request: Request, ways: Ways, person: PageOperator) -> Response:
    """The same, again and again."""

    async def look() -> Shown:
        html = partial(request, person, "_operations.html", **await _state(ways))
        return Shown.named(swap("operations", html, inside=True))

    return ways.streams.stream(person, look, tenant=None)


ImportId = Annotated[UUID, Path()]


@router.get("/imports/{import_id}/fail")
async def ask_fail(request: Request, ways: Ways, person: PageOperator, import_id: ImportId) -> HTMLResponse:
    """Ask whether an import that does not move is to end as failed."""
    stuck = next(
        (each for each in (await operations_of(ways, or_older=_SHOWN_FOR)).stuck if each.id == import_id), None
    )
    if stuck is None:
        raise unknown("import among those that do not move")
    if not stuck.may_fail:
        raise Refused("conflict", "It may be marked as failed when nothing of it has moved for 30 minutes.")
    return asks(request, person, fail_question(stuck), area="operations")


@router.post("/imports/{import_id}/fail")
async def fail(ways: Ways, person: PageOperator, import_id: ImportId) -> RedirectResponse:
    """Mark it as failed."""
    await acts.fail_anybodys(ways, person, import_id)
    return RedirectResponse("/operations", 303)


def fail_question(stuck: StuckImport) -> Question:
    """Whether to give an import up."""
    left = stuck.total_rows - stuck.committed_rows
    says = [
        f"The {counted(stuck.committed_rows, 'row')} that {'is' if stuck.committed_rows == 1 else 'are'} in "
        f"{'stays' if stuck.committed_rows == 1 else 'stay'} in."
        if stuck.committed_rows
        else "Nothing of it is in.",
        f"{counted(left, 'row')} {'counts' if left == 1 else 'count'} as not processed and {'is' if left == 1 else 'are'} handed back."
        if left
        else "No row of it was read, so none is handed back.",
        "If a chunk still arrives later, nothing of it is imported.",
    ]
    return Question(
        title="Mark as failed?",
        says=says,
        action=f"/operations/imports/{stuck.id}/fail",
        keep="Leave it",
        back="/operations",
        do="Mark as failed",
        hint=f"Import {stuck.id} of {stuck.tenant}.",
    )


async def _state(ways: Gateway) -> dict[str, Any]:
    ops = await operations_of(ways, or_older=_SHOWN_FOR)
    letters = (
        None if ops.dead_letters is None else [shown(each) for each in await waiting_letters(ways, or_older=_SHOWN_FOR)]
    )
    tone, icon, _ = _TONES["behind" if ops.judgement == "keeps_up" and ops.dead_letters else ops.judgement]
    return {
        "ops": ops,
        "says": ops.says.rstrip("."),
        "tone": tone,
        "icon": icon,
        "vitals": vitals(ops),
        "stages": [stage_of(each) for each in ops.stages],
        "letters": None if letters is None else [letter_of(each) for each in letters[:MOST_LETTERS]],
        "letter_count": len(letters or ()),
        "STAGES": STAGES,
    }


def vitals(ops: Operations) -> Sequence[Vital]:
    """The six numbers, each with what it is of."""
    chunk, outbox = ops.oldest_chunk_seconds, ops.outbox
    return (
        Vital("Imports running", number(ops.running_imports), f"of {counted(ops.running_tenants, 'tenant')}"),
        Vital("Rows imported", rate(ops.rows_per_second), "last minute"),
        Vital(
            "Oldest chunk",
            UNKNOWN if chunk is None else duration(chunk),
            "nothing waits" if ops.oldest_chunk_stage is None else _WAITS[ops.oldest_chunk_stage],
            "warn" if chunk is not None and chunk >= _OLD_CHUNK else "",
        ),
        Vital(
            "Oldest event in the outbox",
            UNKNOWN if outbox.oldest_seconds is None else duration(outbox.oldest_seconds),
            f"{number(outbox.in_flight)} in flight, {number(outbox.waiting)} {'waits' if outbox.waiting == 1 else 'wait'} for their turn",
            "warn" if outbox.oldest_seconds is not None and outbox.oldest_seconds >= _OLD_OUTBOX else "",
        ),
        Vital(
            "Dead letters",
            number(ops.dead_letters),
            "Kafka does not answer"
            if ops.dead_letters is None
            else f"oldest {duration(ops.oldest_dead_letter_seconds)}"
            if ops.dead_letters
            else "every event was acted on",
            "bad" if ops.dead_letters else "",
        ),
        Vital(
            "Imports that do not move",
            number(len(ops.stuck)),
            f"for {duration(max(each.quiet_seconds for each in ops.stuck))}" if ops.stuck else "for 10 min or more",
            "warn" if ops.stuck else "",
        ),
    )


def stage_of(stage: StageLag) -> dict[str, Any]:
    """A stage as its row shows it."""
    tone, icon, words = _TONES[stage.judgement]
    return {
        **stage.model_dump(),
        "title": _WORK[stage.name],
        "tone": tone,
        "icon": icon,
        "words": words,
        "oldest": "0 s" if stage.oldest_seconds is None else duration(stage.oldest_seconds),
        "clears": UNKNOWN if not stage.clears_in_seconds else duration(stage.clears_in_seconds),
        "rate": f"{stage.done_per_second:,.1f}" if stage.done_per_second else "0",
        "points": spark(stage.last_minutes),
        "trend": trend(stage.last_minutes),
    }


def spark(minutes: Sequence[int]) -> str:
    """The line of what was done by minute, in a box of 120 by 24."""
    most = max((*minutes, 1))
    step = _WIDTH / max(len(minutes) - 1, 1)
    return " ".join(f"{index * step:.0f},{_FOOT - count / most * _HEIGHT:.1f}" for index, count in enumerate(minutes))


def trend(minutes: Sequence[int]) -> str:
    """The same in words."""
    done = sum(minutes)
    return (
        f"{number(done)} done in the last {len(minutes)} min, {number(minutes[-1] if minutes else 0)} in the last one"
    )


def letter_of(letter: DeadLetter) -> dict[str, Any]:
    """A dead letter as its row shows it."""
    topic, _, place = letter.place.partition(":")
    partition, _, offset = place.partition(":")
    return {
        **letter.model_dump(),
        "topic": letter.topic or topic,
        "where": f"partition {partition}, offset {number(int(offset))}" if offset.isdecimal() else letter.id,
        "short_import": short(letter.import_id),
    }


def short(import_id: str | None) -> str:
    """An id by its ends, as a person compares them."""
    return UNKNOWN if import_id is None else import_id if len(import_id) < 20 else f"{import_id[:8]}…{import_id[-4:]}"  # noqa: PLR2004 - shorter ones fit
