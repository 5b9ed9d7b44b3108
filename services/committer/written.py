"""What is written to production in one go, and what comes of it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID


class Run(NamedTuple):
    """The pending groups of one chunk from the one that starts at row `first` to the one that starts at row `last`."""

    tenant_id: str
    import_id: UUID
    chunk_no: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Written:
    """What a family wrote: how many rows of the file made or changed something, and how many records were, by table."""

    rows: int
    records: Mapping[str, int] = field(default_factory=dict)
    entities: Mapping[str, int] = field(default_factory=dict)
    changed: Mapping[str, int] = field(default_factory=dict)
    removed: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Committed:
    """What became of the groups of a run: rows by what was done with each (`create`, `update`, `skip`)."""

    rows: Mapping[str, int]
    written: Written


def total(parts: Iterable[Committed]) -> Committed:
    """Several runs as one."""
    rows, records, entities, changed, removed = (Counter[str]() for _ in range(5))
    in_production = 0
    for part in parts:
        rows.update(part.rows)
        records.update(part.written.records)
        entities.update(part.written.entities)
        changed.update(part.written.changed)
        removed.update(part.written.removed)
        in_production += part.written.rows
    return Committed(rows, Written(in_production, records, entities, changed, removed))
