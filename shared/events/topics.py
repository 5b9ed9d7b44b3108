"""The topics: each name exists here and nowhere else."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from shared.events.model import (
    CorrectionsExported,
    Event,
    FileUploaded,
    ImportCompleted,
    RowsStaged,
    RowsValidated,
    UnprocessedExported,
)


@dataclass(frozen=True)
class Topic:
    """One topic: its name, the one class it carries, and how it is laid out.

    `group` is the consumer group of the stage that acts on it; None when no stage of ours does, and then the event
    is done with as soon as the broker has it. `others` are groups of ours that read it beside: no event waits for them in
    the outbox, so what each of them has not acted on is written down elsewhere. `partitions` is the most a stage can be
    scaled to. On a public topic others than ourselves publish.
    """

    name: str
    event: type[Event]
    group: str | None
    partitions: int
    is_public: bool = False
    others: tuple[str, ...] = ()

    @property
    def groups(self) -> tuple[str, ...]:
        """Every group of ours that reads it."""
        return (*(() if self.group is None else (self.group,)), *self.others)

    @property
    def dead_letter(self) -> str:
        """Where events go that this topic's stage cannot act on."""
        return f"{self.name}.dead-letter"


FILE_UPLOADED = Topic("file-uploaded", FileUploaded, "winnow-parser", 8, is_public=True)
ROWS_STAGED = Topic("rows-staged", RowsStaged, "winnow-validator", 16)
ROWS_VALIDATED = Topic("rows-validated", RowsValidated, "winnow-committer", 16)
IMPORT_COMPLETED = Topic("import-completed", ImportCompleted, "winnow-exporter", 8, others=("winnow-notifier",))
CORRECTIONS_EXPORTED = Topic("corrections-exported", CorrectionsExported, None, 8)
UNPROCESSED_EXPORTED = Topic("unprocessed-exported", UnprocessedExported, None, 8)

TOPICS: tuple[Topic, ...] = (
    FILE_UPLOADED,
    ROWS_STAGED,
    ROWS_VALIDATED,
    IMPORT_COMPLETED,
    CORRECTIONS_EXPORTED,
    UNPROCESSED_EXPORTED,
)
EVENTS: Mapping[type[Event], Topic] = MappingProxyType({topic.event: topic for topic in TOPICS})


def topic_of(event: Event | type[Event]) -> Topic:
    """The topic an event travels on."""
    return EVENTS[event if isinstance(event, type) else type(event)]
