"""What exit codes mean, and the errors that lead to them."""

from shared.states import ImportStatus

COMPLETED = 0
FAILED = 1
COMPLETED_WITH_FAILURES = 2
USAGE = 64
"""The command was not understood (EX_USAGE)."""
UNAVAILABLE = 69
"""Something the command needs is not running or not installed (EX_UNAVAILABLE)."""
MISCONFIGURED = 78
"""A setting is missing or wrong (EX_CONFIG)."""
INTERRUPTED = 130

OF_STATUS: dict[str, int] = {
    ImportStatus.COMPLETED: COMPLETED,
    ImportStatus.COMPLETED_WITH_FAILURES: COMPLETED_WITH_FAILURES,
}


class CommandFailed(Exception):
    """Ends the command with a message for its user. The message says the way out."""

    def __init__(self, message: str, *, code: int = FAILED) -> None:
        super().__init__(message)
        self.code = code


def of_status(status: str) -> int:
    """The exit code for an import that ended with this status."""
    return OF_STATUS.get(status, FAILED)
