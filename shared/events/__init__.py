"""What the stages tell each other: one frozen class a topic, refused when a field is missing or wrong.

An event is a claim (ids, ranges, object keys, counts), never data. The classes here are the public contract; a
golden schema for each is checked in under `shared/events/schemas` and a test fails when one changes by accident.
"""

from shared.events.model import (
    CorrectionsExported,
    Event,
    FailureNotice,
    FileOptions,
    FileUploaded,
    ImportCompleted,
    RowsStaged,
    RowsValidated,
    UnprocessedExported,
)
from shared.events.topics import EVENTS, TOPICS, Topic, topic_of

__all__ = [
    "EVENTS",
    "TOPICS",
    "CorrectionsExported",
    "Event",
    "FailureNotice",
    "FileOptions",
    "FileUploaded",
    "ImportCompleted",
    "RowsStaged",
    "RowsValidated",
    "Topic",
    "UnprocessedExported",
    "topic_of",
]
