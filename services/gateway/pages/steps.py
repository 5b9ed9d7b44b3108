"""The steps of the guided path: which there are, where an import is, and what each of their pages begins with."""

from typing import Any, Final, Literal, NamedTuple

from fastapi.responses import RedirectResponse

from services.gateway.pages.words import STEPS
from services.gateway.people import Person, Role
from shared.api.imports import Import
from shared.states import GuidedStep

State = Literal["done", "now", "to come"]

ORDER: Final = (GuidedStep.MAP, GuidedStep.REVIEW, GuidedStep.PREVIEW)


class Step(NamedTuple):
    """A step as it is shown; `href` is empty where one cannot go yet."""

    title: str
    href: str
    state: State


def steps_of(imp: Import, at: GuidedStep) -> list[Step]:
    """All steps, seen from one of them: what lies behind, and what was reached before, can be gone to."""
    reached = ORDER.index(imp.guided.step) if imp.guided is not None else 0
    now = ORDER.index(at)
    between = [
        Step(
            STEPS[step],
            address_of(imp, step) if number <= max(reached, now) else "",
            "done" if number < now else "now" if number == now else "to come",
        )
        for number, step in enumerate(ORDER)
    ]
    return [Step("Upload", upload_address(imp), "done"), *between, Step("Import", "", "to come")]


def address_of(imp: Import, step: GuidedStep) -> str:
    """The page of a step."""
    return f"/imports/{imp.id}/{step}"


def upload_address(imp: Import) -> str:
    """Where another file is chosen for the same."""
    return f"/import?type={imp.entity_type}&mode={imp.mode}&path=steps"


def elsewhere(imp: Import, step: GuidedStep) -> RedirectResponse | None:
    """Where whoever asks for a step is sent, because the import is not there yet, or not there any more; None to show it."""
    if imp.guided is None:
        return RedirectResponse(f"/imports/{imp.id}", 303)
    if ORDER.index(step) > ORDER.index(imp.guided.step):
        return RedirectResponse(address_of(imp, imp.guided.step), 303)
    return None


def head(imp: Import, person: Person, at: GuidedStep, *says: str) -> dict[str, Any]:
    """What the page of a step begins with; `says` are further facts of the file."""
    return {
        "imp": imp,
        "heading": STEPS[at],
        "title": f"{STEPS[at]} · {imp.file_name}",
        "steps": steps_of(imp, at),
        "says": says,
        "may_change": person.may(Role.IMPORTER),
    }
