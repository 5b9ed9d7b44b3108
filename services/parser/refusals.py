"""Why a file is not read."""

INVALID_EVENT = "invalid_event"
OBJECT_MISSING = "object_missing"
OBJECT_UNREADABLE = "object_unreadable"
UNKNOWN_PARENT = "unknown_parent"
"""Codes of imports that can be refused before anything was read, and then start over when a better event comes for them."""

CONTRADICTION = "contradicts_another"
"""Code of the refusal of an event that is taken for a repeat of another one and says something else."""


class FileRefused(Exception):
    """The file cannot be imported: a code for programs, a message that tells a person what to do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class ReaderKilled(FileRefused):
    """The reading process was killed from outside: not the file's doing, as far as one can tell."""
