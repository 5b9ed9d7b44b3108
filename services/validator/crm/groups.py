"""What the rows of a chunk make of one record: a group, for they are written together. Pure."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from services.validator.crm.kinds import Key
from services.validator.crm.stored import StoredRecord, Target
from services.validator.outcomes import Planned
from shared.states import Action


class Change(NamedTuple):
    """What a row changed of a record: as it was and as it is since, by field code, as a reader sees it.

    `was` has of the former what a reader sees otherwise than it is kept.
    """

    row: int
    before: dict[str, Any]
    after: dict[str, Any]
    was: dict[str, Any]


class Link(NamedTuple):
    """A link that a row adds, or takes away; `name` is what the record it leads to is called, as typed where it is to be made."""

    row: int
    code: str
    target: Target
    name: str


@dataclass(slots=True)
class Group:
    """Rows of a chunk that are about one record, and what is written for them.

    Attributes:
        record: as the rows make it; a record that is there is changed in place.
        rows: all of them, in the order of the file.
        creates: whether the first of them makes it.
        updates: how many change it.
        said: the codes of what is changed.
        last_row: the last one that made or changed something.
        added: what it is known by from now on.
        removed: what it is no longer known by.
        links: those that are added.
        unlinked: those that are taken away.
        taken: what others are no longer known by, and the record of each: it is taken back from them.
        changes: of each row that changes something.
        writer: who counts as its last writer then, where that is not the last row: of a change that is taken back.
        is_removed: whether the record is taken away.
    """

    record: StoredRecord
    rows: list[int]
    creates: bool = False
    updates: int = 0
    said: dict[str, None] = field(default_factory=dict)
    last_row: int = 0
    added: dict[Key, None] = field(default_factory=dict)
    removed: dict[Key, None] = field(default_factory=dict)
    taken: dict[Key, UUID] = field(default_factory=dict)
    links: dict[tuple[str, Target], Link] = field(default_factory=dict)
    unlinked: dict[tuple[str, Target], Link] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    writer: tuple[UUID | None, int | None] | None = None
    is_removed: bool = False

    @property
    def makes(self) -> bool:
        """Whether the record is not there before: a row makes it, or one that named it did."""
        return self.creates or self.record.pending is not None

    @property
    def skips(self) -> int:
        """How many rows change nothing."""
        return len(self.rows) - self.updates - self.creates

    @property
    def action(self) -> Action:
        """What is asked of production."""
        if self.creates or (self.makes and self.updates):
            return Action.CREATE
        return Action.UPDATE if self.updates else Action.SKIP

    @property
    def outcome(self) -> Planned:
        """What becomes of its rows."""
        record = self.record
        return Planned(
            row=self.rows[0],
            row_count=len(self.rows),
            action=self.action,
            target=None if self.makes else record.id,
            seen_version=None if self.makes else record.version,
            updates=self.updates,
            skips=self.skips,
        )

    def add_key(self, key: Key) -> None:
        """Have the record known by this from now on."""
        if key in self.removed:
            del self.removed[key]
        else:
            self.added[key] = None

    def remove_key(self, key: Key) -> None:
        """Have it no longer known by this."""
        if key in self.added:
            del self.added[key]
        else:
            self.removed[key] = None

    def add_link(self, link: Link) -> None:
        """Link the record."""
        was_there = self.unlinked.pop((link.code, link.target), None)
        if was_there is None or isinstance(link.target, Key):
            self.links[link.code, link.target] = link

    def remove_link(self, link: Link) -> None:
        """Take a link away. What it would have made on the way is made all the same."""
        added = self.links.pop((link.code, link.target), None)
        if added is None or isinstance(link.target, Key):
            self.unlinked[link.code, link.target] = added or link
