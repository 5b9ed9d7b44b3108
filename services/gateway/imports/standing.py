"""How an import stands, in the one word people are shown, and what may be asked of it now. Pure."""

from services.gateway.imports.relatives import Since, UndoTimes
from shared.api.imports import Action, Undo
from shared.entities import ENTITY_TYPES
from shared.ledger import ImportProgress
from shared.ledger.standstill import AFTER
from shared.states import ENDED, OPEN, UNDO, GuidedStep, ImportStatus, Standing


def standing_of(progress: ImportProgress, since: Since) -> Standing:
    """How it stands."""
    if progress.ended:
        return _ended(progress, since)
    held = progress.status == ImportStatus.PREVIEWING
    whats = (
        (progress.cancelled_at is not None, Standing.ENDING),
        (progress.status == ImportStatus.UPLOADING, Standing.QUEUED),
        # What was refused of a held one is its mapping: another may fit.
        (progress.error is not None, Standing.WAITING if held else Standing.ENDING),
        (progress.guided_step == GuidedStep.MAP and progress.read_at is not None, Standing.WAITING),
        (progress.parsed_at is None, Standing.READING),
        (not held, Standing.IMPORTING),
        (progress.stages.validated_rows < progress.total_rows, Standing.CHECKING),
    )
    return next((what for holds, what in whats if holds), Standing.WAITING)


def _ended(progress: ImportProgress, since: Since) -> Standing:
    if progress.status == ImportStatus.DISMISSED:
        return Standing.DISMISSED
    if since.undone:
        return Standing.UNDONE
    handed_back = progress.failed_rows + progress.unprocessed_rows
    if handed_back and since.repaired >= handed_back:
        return Standing.REPAIRED
    return Standing(progress.status)


def undo_of(progress: ImportProgress, since: Since, times: UndoTimes) -> Undo:
    """Whether it can be taken back. `shared.ledger.undo` has the last word, under the import's lock."""
    entity = ENTITY_TYPES.get(progress.entity_type)
    changed = progress.created_rows + progress.updated_rows
    whys = (
        (entity is None or not entity.can_be_undone, f"Imports of {progress.entity_type} cannot be undone."),
        (progress.mode == UNDO, "It undoes another import, and cannot be undone itself."),
        (not progress.ended, "It has not ended."),
        (since.undone, "It is undone."),
        (not changed, "It changed nothing."),
        (times.is_forgotten, "What it did is not kept any longer."),
        (times.is_over, "It ended too long ago."),
    )
    why = next((said for holds, said in whys if holds), None)
    return Undo(possible=why is None, until=times.until, why_not=why)


def actions_of(
    progress: ImportProgress, standing: Standing, undo: Undo, *, quiet_seconds: int | None
) -> tuple[Action, ...]:
    """What may be asked of it now. Whoever asks is told why not where something else came first."""
    held = progress.status == ImportStatus.PREVIEWING
    can: list[Action] = []
    if standing is Standing.WAITING and progress.error is None and progress.guided_step != GuidedStep.MAP:
        can.append("start")
    if progress.status in OPEN and progress.cancelled_at is None and (progress.error is None or held):
        can.append("cancel")
    if quiet_seconds is not None and quiet_seconds >= AFTER.total_seconds() and progress.status not in ENDED:
        can.append("fail")
    if is_dismissible(progress):
        can.append("dismiss")
    if undo.possible:
        can.append("undo")
    return tuple(can)


def is_dismissible(progress: ImportProgress) -> bool:
    """Whether it can be put away: it has ended with failures."""
    if not progress.ended or progress.status in {ImportStatus.DISMISSED, ImportStatus.COMPLETED}:
        return False
    return progress.failed_rows > 0 or progress.status == ImportStatus.FAILED
