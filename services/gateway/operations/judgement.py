"""What the numbers of a stage mean, and what follows from them. Pure."""

from collections.abc import Sequence

from shared.api.operations import Judgement, StageLag
from shared.intake.pace import CHECKED, HANDED_BACK, IMPORTED, READ

BEHIND_AFTER = 30.0
"""Work that waits for a stage longer than this, in seconds, is behind."""

STILL_AFTER = 120.0
"""Of a stage that has done nothing for a minute while work waits for so long, it is said that it stands still."""

SERVICES = {READ: "parser", CHECKED: "validator", IMPORTED: "committer", HANDED_BACK: "exporter"}
DOING = {READ: "Reading", CHECKED: "Checking", IMPORTED: "Importing", HANDED_BACK: "Handing back"}


def judge(*, behind: int | None, oldest: float | None, done_last_minute: int, waiting: int) -> Judgement:
    """How a stage keeps up. `waiting` are events the outbox has for it; `behind` None where Kafka was not asked."""
    if oldest is None or not (behind or waiting):
        return "keeps_up" if behind is not None or not waiting else "unknown"
    if oldest >= STILL_AFTER and not done_last_minute:
        return "stands_still"
    return "behind" if oldest >= BEHIND_AFTER else "keeps_up"


def clears_in(*, waiting: int, by_minute: Sequence[int]) -> float | None:
    """How many seconds it takes until nothing waits, at the pace of the last minute; None where it does not move."""
    if not waiting:
        return 0.0
    per_second = by_minute[-1] / 60
    return round(waiting / per_second, 1) if per_second else None


def says(stages: Sequence[StageLag], *, stuck: int, dead_letters: int | None) -> tuple[Judgement, str]:
    """A sentence for all of it, the worst first."""
    still = [stage for stage in stages if stage.judgement == "stands_still"]
    late = sorted(
        (stage for stage in stages if stage.judgement == "behind"),
        key=lambda stage: -(stage.oldest_seconds or 0),
    )
    if still:
        return (
            "stands_still",
            f"{DOING[still[0].name]} stands still: nothing was done in the last minute, and work waits",
        )
    if late:
        rest = "; everything else keeps up" if len(late) == 1 else ""
        return "behind", f"{DOING[late[0].name]} is {late[0].oldest_seconds or 0:,.0f} s behind{rest}"
    if any(stage.behind is None for stage in stages):
        return "unknown", "Kafka cannot be asked, so nobody knows how many messages wait; what the ledger has keeps up"
    if stuck:
        return "behind", "1 import does not move" if stuck == 1 else f"{stuck:,} imports do not move"
    if dead_letters:
        letters = "1 dead letter waits" if dead_letters == 1 else f"{dead_letters:,} dead letters wait"
        return "keeps_up", f"Every stage keeps up; {letters}"
    return "keeps_up", "Every stage keeps up"


def what_to_do(stages: Sequence[StageLag], *, stuck: int, dead_letters: int | None) -> tuple[str, ...]:
    """What an operator does about it, each with its runbook."""
    said = []
    for stage in stages:
        service = f"services.{SERVICES[stage.name]}"
        if stage.judgement == "stands_still" or (stage.processes == 0 and stage.behind):
            said.append(f"No {service} does anything: see its log and whether one runs (docs/runbooks/servers-away.md)")
        elif (
            stage.judgement == "behind" and stage.processes and stage.partitions and stage.processes < stage.partitions
        ):
            count = f"{stage.processes} {'process' if stage.processes == 1 else 'processes'}"
            said.append(
                f"{service} has {count} for {stage.partitions} partitions: start another (docs/runbooks/scaling.md)"
            )
        elif stage.judgement == "behind":
            said.append(f"{service} is behind, and more of it would get nothing to do: see docs/runbooks/scaling.md")
    if dead_letters:
        said.append("Read the dead letters, put right what stopped them, and redrive (docs/runbooks/dead-letters.md)")
    if stuck:
        said.append("Imports that do not move: look for their dead letters; mark as failed what cannot be helped")
    return tuple(said)
