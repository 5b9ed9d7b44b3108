"""The truth about what happened: how imports end, what was given up, and how far each one is.

Several stages end imports (the parser refuses a file, the committer finishes the last chunk, any of them gives work
up), so the one way an import ends is here. Everything runs in the caller's transaction.
"""

from shared.ledger.completion import close_if_finished, end_broken_off, fail_import
from shared.ledger.dismissal import Dismissed, NotDismissible, dismiss_import
from shared.ledger.hold import (
    NotHeld,
    NotImportable,
    NotReady,
    Started,
    abandon_import,
    cancel_import,
    refuse_interpretation,
    start_import,
)
from shared.ledger.progress import ImportProgress, StageProgress, read_import, read_imports
from shared.ledger.quarantine import give_up, reopen_chunk, reopen_reading
from shared.ledger.redecision import MOST_DECISIONS, decide_again
from shared.ledger.release import release_chunks
from shared.ledger.row_errors import write_errors
from shared.ledger.standstill import MarkedFailed, StillMoves, mark_failed
from shared.ledger.undo import NotUndone, Undoing, undo_import
from shared.ledger.waves import announce_next_preview, announce_next_wave

__all__ = [
    "MOST_DECISIONS",
    "Dismissed",
    "ImportProgress",
    "MarkedFailed",
    "NotDismissible",
    "NotHeld",
    "NotImportable",
    "NotReady",
    "NotUndone",
    "StageProgress",
    "Started",
    "StillMoves",
    "Undoing",
    "abandon_import",
    "announce_next_preview",
    "announce_next_wave",
    "cancel_import",
    "close_if_finished",
    "decide_again",
    "dismiss_import",
    "end_broken_off",
    "fail_import",
    "give_up",
    "mark_failed",
    "read_import",
    "read_imports",
    "refuse_interpretation",
    "release_chunks",
    "reopen_chunk",
    "reopen_reading",
    "start_import",
    "undo_import",
    "write_errors",
]
