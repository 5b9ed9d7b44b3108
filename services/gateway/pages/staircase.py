"""How a running import is told: a headline, four stages on one scale, and what there is to say when nothing moves."""

from dataclasses import dataclass

from services.gateway.pages import figures
from services.gateway.pages.words import STAGES, STATES, kind_of
from shared.api.imports import Import, Stage
from shared.states import Standing

_STILL, _WHY = 10, 20
"""After so many seconds without progress it is said; after so many, why, and that nothing is lost."""


@dataclass(frozen=True)
class Step:
    """One stage of the four. `known`: how many rows there are in all, so that its bar has a length."""

    title: str
    says: str
    icon: str
    cls: str
    rows: int
    waiting: int
    total: int
    known: bool
    rate: float | None


@dataclass(frozen=True)
class Quiet:
    """That nothing moves, since when and why."""

    title: str
    text: str


def headline(imp: Import) -> str:
    """The largest words of the page: the time that is left, or what happens while nobody can know it."""
    if imp.standing is Standing.QUEUED:
        return "In the queue"
    if imp.standing is Standing.ENDING:
        return "Ending"
    if imp.percent is None:
        return "Reading the file"
    if imp.standing is Standing.CHECKING:
        return f"Checking, {percent_checked(imp)}%"
    if imp.eta_seconds is None:
        return f"Importing, {imp.percent}%"
    return f"About {figures.time_left(imp.eta_seconds)} left"


def details(imp: Import, running_seconds: float | None) -> list[str]:
    """What stands beside it."""
    if imp.standing is Standing.QUEUED:
        return ["It begins as soon as it is its turn"]
    if imp.percent is None:
        if not imp.staged_rows:
            return ["The first rows are on their way"]
        said = [f"{figures.counted(imp.staged_rows, 'row')} so far"]
        if imp.committed_rows:
            said.append(f"{figures.number(imp.committed_rows)} imported")
        return [*said, "the time left is known when the whole file is read"]
    if imp.standing is Standing.CHECKING:
        return [f"{figures.number(imp.validated_rows)} of {figures.counted(imp.total_rows, 'row')} checked"]
    said = [f"{figures.number(imp.committed_rows)} of {figures.counted(imp.total_rows, 'row')} imported"]
    if imp.rows_per_second:
        said.append(figures.rate(imp.rows_per_second))
    if running_seconds is not None:
        said.append(f"running for {figures.whole(running_seconds)}")
    return said


def percent_checked(imp: Import) -> int:
    """How much of a held import is checked."""
    return figures.percent(imp.validated_rows, imp.total_rows, ended=False)


def steps(imp: Import) -> list[Step]:
    """The four stages, as a staircase: each on the scale of all rows."""
    return [_step(imp, stage) for stage in imp.stages]


def _step(imp: Import, stage: Stage) -> Step:
    title, usually = STAGES[stage.name]
    is_done, moves = stage.state == "done", stage.state == "moving"
    if is_done and stage.seconds is not None:
        says = f"Done in {figures.duration(stage.seconds)}"
    elif stage.name == "handed_back" and moves:
        says = "The files are being written"
    elif is_done and stage.name == "handed_back" and not stage.rows:
        says = "Nothing came back"
    elif stage.state == "left":
        says = "Will not go on"
    else:
        says = usually.format(several=kind_of(imp.entity_type).several)
    # While nobody knows how many rows there are, they are measured by those that are read.
    total = stage.rows + stage.waiting if stage.name == "handed_back" else max(imp.total_rows, imp.staged_rows)
    return Step(
        title=title,
        says=says,
        icon="check-circle" if is_done else "circle-notch" if moves else "circle",
        cls="done" if is_done else "now" if moves else "",
        rows=stage.rows,
        waiting=stage.waiting,
        total=total,
        known=stage.name != "read" or not moves or imp.percent is not None,
        rate=None if stage.name == "handed_back" else stage.rows_per_second,
    )


def quiet(imp: Import, waited: float) -> Quiet | None:
    """What is said when nothing moves; None while it does. `waited`: seconds since it was sent."""
    if imp.standing is Standing.QUEUED:
        if waited < _WHY:
            return None
        return Quiet(
            f"It has waited for {figures.whole(waited)}",
            "Nothing is lost. Other files are read before it, or no reader runs just now; it begins by itself. You can close this page.",
        )
    seconds = imp.quiet_seconds
    if seconds is None or seconds < _STILL:
        return None
    title = f"No progress for {figures.whole(seconds)}"
    if seconds < _WHY:
        return Quiet(title, "")
    return Quiet(
        title, f"Nothing is lost. {_why(imp.stands_at)} Winnow goes on by itself when it can. You can close this page."
    )


def _why(stage: str | None) -> str:
    return {
        "read": "The file is not being read just now: storage or the reader does not answer.",
        "checked": "Its rows are not being checked just now.",
        "imported": "Its rows are not being written just now: the database is busy or does not answer.",
        "handed_back": "The files that come back are not being written just now.",
    }.get(stage or "", "Something it needs does not answer.")


def title(imp: Import) -> str:
    """What the tab is called: how far it is, then whose file."""
    if imp.ended:
        if imp.standing in {Standing.FAILED, Standing.CANCELLED}:
            far = STATES[imp.standing].words
        else:
            far = f"{figures.number(imp.failed_rows)} failed" if imp.failed_rows else "Done"
        return f"{far} · {imp.file_name}"
    return f"{_far(imp)} · {imp.file_name}"


def _far(imp: Import) -> str:
    if imp.percent is None:
        return "Reading" if imp.staged_rows else "In the queue"
    return f"{percent_checked(imp) if imp.standing is Standing.CHECKING else imp.percent}%"


def say(imp: Import) -> str:
    """What is said to those who listen: at the start, at each quarter, at the first failure, at the end."""
    if imp.ended:
        return f"The import has ended. {ended_words(imp)}"
    if imp.percent is None:
        return "The import has started" if imp.staged_rows else ""
    quarter = 25 * (imp.percent // 25)
    far = f"{quarter}% imported" if quarter else "The import has started"
    return f"{far}, some rows failed" if imp.failed_rows else far


def ended_words(imp: Import) -> str:
    """The numbers of an ended import as a sentence, without those that are 0."""
    counts = (
        (imp.created_rows, "created"),
        (imp.updated_rows, "updated"),
        (imp.skipped_rows, "skipped"),
        (imp.failed_rows, "failed"),
        (imp.unprocessed_rows, "not processed"),
    )
    said = [f"{figures.number(count)} {word}" for count, word in counts if count]
    return f"{figures.counted(imp.total_rows, 'row')}: {', '.join(said)}" if said else "Nothing was imported"
