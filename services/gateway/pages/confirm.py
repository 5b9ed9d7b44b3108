"""Questions before something is done: what happens, what stays, why. GET asks, POST does; with scripts the same is a dialog."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from services.gateway.asking import PageImporter, Ways
from services.gateway.imports import acts, the_import
from services.gateway.imports.guided.steps import start_over
from services.gateway.imports.transactions import reading
from services.gateway.pages.figures import counted, number, until
from services.gateway.pages.rendering import Viewing, page, viewing_of
from services.gateway.pages.shell import SHELL
from services.gateway.pages.words import is_of_records, kind_of
from services.gateway.people import Person
from services.gateway.problems import Refused
from shared.api.imports import Import
from shared.entities import ENTITY_TYPES
from shared.intake.undoing import UndoForecast, forecast_undo
from shared.states import Standing

router = APIRouter(include_in_schema=False, prefix="/imports", dependencies=[SHELL])

ImportId = Annotated[UUID, Path()]
_MOST_STAYING = 20


@dataclass(frozen=True)
class Question:
    """What is asked, and what either answer does. `keep` is the harmless one; `kept` are things that stay, each with why."""

    title: str
    says: Sequence[str]
    action: str
    keep: str
    back: str
    do: str
    danger: bool = True
    hint: str = ""
    kept_title: str = ""
    kept: Sequence[tuple[str, str]] = ()
    kept_more: str = ""


def asks(request: Request, person: Person, question: Question, *, area: str = "history") -> HTMLResponse:
    """The question as a page."""
    return page(request, person, "confirm.html", question=question, area=area)


@router.get("/{import_id}/cancel")
async def ask_cancel(request: Request, ways: Ways, person: PageImporter, import_id: ImportId) -> HTMLResponse:
    """Ask whether an import is to stop."""
    imp = await the_import(ways, person, import_id)
    if "cancel" not in imp.actions:
        raise Refused("conflict", _ENDED if imp.ended else "It is ending already: nothing more of it goes in.")
    return asks(request, person, cancel_question(imp))


@router.post("/{import_id}/cancel")
async def cancel(ways: Ways, person: PageImporter, import_id: ImportId) -> RedirectResponse:
    """Stop it."""
    await acts.cancel(ways, person, import_id)
    return _to(import_id)


@router.get("/{import_id}/over")
async def ask_over(request: Request, ways: Ways, person: PageImporter, import_id: ImportId) -> HTMLResponse:
    """Ask whether a guided import is to begin again with its columns."""
    imp = await the_import(ways, person, import_id)
    if imp.guided is None:
        raise Refused("conflict", "It is not, or no longer, imported step by step: there is nothing to start over.")
    return asks(request, person, over_question(imp))


@router.post("/{import_id}/over")
async def over(ways: Ways, person: PageImporter, import_id: ImportId) -> RedirectResponse:
    """Begin again with its columns."""
    await start_over(ways, person, import_id)
    return _to(import_id)


@router.get("/{import_id}/dismiss")
async def ask_dismiss(request: Request, ways: Ways, person: PageImporter, import_id: ImportId) -> HTMLResponse:
    """Ask whether an import with failures is to be put away."""
    imp = await the_import(ways, person, import_id)
    if "dismiss" not in imp.actions:
        raise Refused(
            "conflict",
            "It is dismissed already." if imp.standing is Standing.DISMISSED else "There is nothing to dismiss.",
        )
    return asks(request, person, dismiss_question(imp))


@router.post("/{import_id}/dismiss")
async def dismiss(ways: Ways, person: PageImporter, import_id: ImportId) -> RedirectResponse:
    """Put it away."""
    await acts.dismiss(ways, person, import_id)
    return _to(import_id)


@router.get("/{import_id}/undo")
async def ask_undo(request: Request, ways: Ways, person: PageImporter, import_id: ImportId) -> HTMLResponse:
    """Ask whether an import is to be taken back, with what stays and why."""
    imp = await the_import(ways, person, import_id)
    if not imp.undo.possible:
        raise Refused("conflict", f"It cannot be undone: {imp.undo.why_not}")
    async with reading(ways, person) as conn:
        forecast = await forecast_undo(conn, import_id, of_records=is_of_records(imp.entity_type), limit=_MOST_STAYING)
    return asks(request, person, undo_question(imp, forecast, viewing_of(request)))


@router.post("/{import_id}/undo")
async def undo(ways: Ways, person: PageImporter, import_id: ImportId) -> RedirectResponse:
    """Begin to take it back, and go to the import that does."""
    return _to(await acts.undo(ways, person, import_id))


@router.post("/{import_id}/start")
async def start(ways: Ways, person: PageImporter, import_id: ImportId) -> RedirectResponse:
    """Let a held import go in: its check was the question."""
    await acts.start(ways, person, import_id)
    return _to(import_id)


def cancel_question(imp: Import) -> Question:
    """Whether to stop it."""
    held = imp.standing in {Standing.WAITING, Standing.CHECKING} or imp.hold
    done = imp.total_rows - imp.unprocessed_rows
    if held:
        says = [
            f"Nothing of {imp.file_name} was written. The file and its check are discarded; to import it, upload it again."
        ]
    else:
        went_in = imp.created_rows + imp.updated_rows
        says = [
            f"{counted(went_in, 'row')} that {_is(went_in)} in {_stays(went_in)} in."
            if done
            else "Nothing of it has gone in so far.",
            "All others are not imported. They are handed back to you as they came, in a file that you can upload later."
            if imp.parsed_at is not None
            else "The other rows that were read are handed back to you as they came, in a file that you can upload later. "
            "The file is not read to its end yet: what follows stays in your own file only.",
        ]
    return Question(
        title=f"Discard {imp.file_name}?" if held else f"Cancel {imp.file_name}?",
        says=says,
        action=f"/imports/{imp.id}/cancel",
        keep="Keep it" if held else "Let it go on",
        back=f"/imports/{imp.id}",
        do="Discard" if held else "Cancel import",
    )


def over_question(imp: Import) -> Question:
    """Whether to begin again with the columns."""
    return Question(
        title="Start over?",
        says=[
            f"What you mapped, replaced and skipped in {imp.file_name} is forgotten, and you begin with its columns again.",
            "Nothing has been written so far.",
        ],
        action=f"/imports/{imp.id}/over",
        keep="Stay here",
        back=f"/imports/{imp.id}",
        do="Start over",
    )


def dismiss_question(imp: Import) -> Question:
    """Whether to put it away."""
    failed, went_in = imp.failed_rows, imp.created_rows + imp.updated_rows
    says = ["It no longer counts as something that is left to do."]
    if failed:
        says.append(
            f"Its {counted(failed, 'failed row')} {_stays(failed)} out. What was handed back can be downloaded for its time."
        )
    if went_in:
        says.append(
            f"The {counted(went_in, 'row')} that went in {_stays(went_in)}, and so does the entry in the history."
        )
    else:
        says.append("The entry in the history stays.")
    return Question(
        title=f"Dismiss {imp.file_name}?",
        says=says,
        action=f"/imports/{imp.id}/dismiss",
        keep="Keep",
        back=f"/imports/{imp.id}",
        do="Dismiss",
    )


def undo_question(imp: Import, forecast: UndoForecast, viewing: Viewing) -> Question:
    """Whether to take it back."""
    kind = kind_of(imp.entity_type)
    says = []
    if forecast.removed or forecast.removed_parts:
        entity = ENTITY_TYPES.get(imp.entity_type)
        parts = [(forecast.removed, kind.one, kind.several)]
        if entity is not None and entity.record_noun != kind.one:
            parts.append((forecast.removed_parts, entity.record_noun, f"{entity.record_noun}s"))
        removed = " with ".join(counted(*part) for part in parts if part[0])
        on_the_way = "companies" if is_of_records(imp.entity_type) else "tags and seasons"
        says.append(
            f"{removed} that this import created {'is' if removed.startswith('1 ') and ' with ' not in removed else 'are'} removed. "
            f"What was made on the way, such as {on_the_way}, goes too, unless something else uses it."
        )
    if forecast.restored:
        says.append(
            f"{counted(forecast.restored, kind.one, kind.several)} {_get(forecast.restored)} back what {_they(forecast.restored)} said before."
        )
    staying = forecast.staying_count
    if staying:
        says.append(
            f"{counted(staying, kind.one, kind.several)} {_stays(staying)}, because {_they(staying)} {'was' if staying == 1 else 'were'} changed{' or used' if is_of_records(imp.entity_type) else ''} since."
        )
    if not says:
        says.append("Nothing that it made or changed is there any more.")
    more = staying - len(forecast.staying)
    taken = forecast.removed + forecast.restored
    deadline = f"Possible until {until(imp.undo.until, viewing.zone)}. " if imp.undo.until is not None else ""
    return Question(
        title=f"Undo {imp.file_name}?",
        says=says,
        action=f"/imports/{imp.id}/undo",
        keep="Keep everything",
        back=f"/imports/{imp.id}",
        do=f"Undo {counted(taken, kind.one, kind.several)}" if taken else "Undo",
        hint=f"{deadline}The undo itself is kept in the history.",
        kept_title=f"See which {'stays' if staying == 1 else 'stay'}" if staying else "",
        kept=[
            (each.title, ", ".join(filter(None, (each.handle, each.changed_by and f"changed by {each.changed_by}"))))
            for each in forecast.staying
        ],
        kept_more=f"and {number(more)} more; the undo names each" if more > 0 else "",
    )


def _to(import_id: UUID) -> RedirectResponse:
    return RedirectResponse(f"/imports/{import_id}", 303)


_ENDED = "It has ended: there is nothing to cancel."


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def _stays(count: int) -> str:
    return "stays" if count == 1 else "stay"


def _get(count: int) -> str:
    return "gets" if count == 1 else "get"


def _they(count: int) -> str:
    return "it" if count == 1 else "they"
