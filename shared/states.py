"""The states of imports and of chunks: every name, and which of them mean the same to a reader, are here and nowhere else.

SQL takes them from here as well: `sql_list(OPEN)` is what goes between the brackets of an `IN (…)`.
"""

from collections.abc import Iterable
from enum import StrEnum


class ImportStatus(StrEnum):
    """How far an import is, or how it ended. Source: design.md, section 6."""

    UPLOADING = "uploading"
    """Known, and nothing is read yet: it waits for a parser."""
    MAPPING = "mapping"
    REVIEWING = "reviewing"
    PREVIEWING = "previewing"
    """Held: read, mapped and validated, and nothing is committed before a person starts it."""
    IMPORTING = "importing"
    COMPLETED = "completed"
    COMPLETED_WITH_FAILURES = "completed_with_failures"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DISMISSED = "dismissed"


class GuidedStep(StrEnum):
    """Where a person is with an import of the guided path, before it is started (`imports.imports.guided_step`)."""

    MAP = "map"
    """Saying what its columns mean. Its rows are kept, and cut into chunks when that is said."""
    REVIEW = "review"
    """Looking at its values, replacing them; its rows are validated meanwhile."""
    PREVIEW = "preview"
    """Looking at what a start will do."""


class Standing(StrEnum):
    """How an import stands, as people are shown it: its status, with what it waits for or what has become of it since."""

    QUEUED = "queued"
    """It waits for a parser."""
    READING = "reading"
    """Its file is being read, and nobody knows yet how many rows it has."""
    CHECKING = "checking"
    """Held, and its rows are still being checked."""
    WAITING = "waiting"
    """Held, and ready to be started."""
    IMPORTING = "importing"
    ENDING = "ending"
    """Cancelled or broken off, and a stage still has rows of it in hand."""
    COMPLETED = "completed"
    REPAIRED = "repaired"
    """All that was handed back is in production by now."""
    COMPLETED_WITH_FAILURES = "completed_with_failures"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DISMISSED = "dismissed"
    UNDONE = "undone"
    """It was taken back, as a whole."""


class UploadState(StrEnum):
    """How far a file is on its way in (`gateway.uploads.state`)."""

    RECEIVING = "receiving"
    COMPLETE = "complete"
    """It lies in storage, whole; from then on an import may be made of it, once."""


class ChunkState(StrEnum):
    """What has been done to a chunk, or that nothing more will be."""

    STAGED = "staged"
    VALIDATED = "validated"
    COMMITTED = "committed"
    QUARANTINED = "quarantined"
    """Given up: its rows are reported as failed with a reference."""
    CANCELLED = "cancelled"
    """Its import was cancelled before it was committed: its rows are unprocessed."""


class GroupStatus(StrEnum):
    """What becomes of a group of rows between validator and committer (`staging.groups.status`)."""

    PENDING = "pending"
    FAILED = "failed"


class RowStatus(StrEnum):
    """How far a row is, as users of its import know it; it follows from its chunk and from whether its group has errors."""

    PENDING = "pending"
    COMMITTED = "committed"
    FAILED = "failed"
    UNPROCESSED = "unprocessed"
    """Neither imported nor refused: its import was cancelled, or failed, before its turn."""


class Action(StrEnum):
    """What a group that is not failed, or one of its rows, asks of production (`action` in schema `staging`)."""

    CREATE = "create"
    UPDATE = "update"
    SKIP = "skip"
    REMOVE = "remove"
    """Of a record alone: a group that takes records away is one that changes what is there."""


class Record(StrEnum):
    """What a change is of (`catalog.changes.record`)."""

    PRODUCT = "product"
    VARIANT = "variant"
    COMPANY = "company"
    PERSON = "person"
    OPPORTUNITY = "opportunity"
    TASK = "task"
    NOTE = "note"


class DeliveryKind(StrEnum):
    """How somebody is told that an import has ended."""

    WEBHOOK = "webhook"
    EMAIL = "email"


class DeliveryState(StrEnum):
    """What has become of a delivery (`gateway.deliveries.state`)."""

    WAITING = "waiting"
    """To be sent, or being sent, or to be sent again at its next time."""
    DELIVERED = "delivered"
    FAILED = "failed"
    """Given up: every try failed, the receiver refuses it for good, or nobody is there any more. It can be sent again."""


ITSELF, ATTRIBUTES_ANEW = "itself", "attributes_anew"
"""What a staged row may say beside columns and kinds (`said`): of a record that is taken away, all of it; of a variant, that
it has no attributes but those that are staged."""

WAS = "_was"
"""What `before` of a change has beside fields: those that a reader sees otherwise than they are kept, as they were kept."""

UNDO = "undo"
"""The mode of an import that takes another one back. No sender can ask for it: there is no file."""

OPEN = (ImportStatus.UPLOADING, ImportStatus.PREVIEWING, ImportStatus.IMPORTING)
"""Imports of the automatic path, held ones included, that have not ended."""

READING = (ImportStatus.PREVIEWING, ImportStatus.IMPORTING)
"""Imports whose file is (or was) being read; rows may be staged for them."""

ENDED = (
    ImportStatus.COMPLETED,
    ImportStatus.COMPLETED_WITH_FAILURES,
    ImportStatus.FAILED,
    ImportStatus.CANCELLED,
    ImportStatus.DISMISSED,
)
"""Imports whose numbers are final."""

OPEN_CHUNKS = (ChunkState.STAGED, ChunkState.VALIDATED)
"""Chunks a stage still has to act on, or, of a held import, may have to."""


PROCESSED_CHUNKS = (ChunkState.COMMITTED, ChunkState.QUARANTINED)
"""Chunks whose rows are in production or failed; the rows of every other one are unprocessed when its import ends."""


def sql_list(states: Iterable[StrEnum]) -> str:
    """States as SQL literals, separated by commas. Only for the names of this module: nothing is escaped."""
    return ", ".join(f"'{state}'" for state in states)
