"""CRM records without a database: rows as they are decided, and a production in memory that what was decided is applied to."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any
from uuid import UUID

from services.validator.asked import Asked
from services.validator.crm.deciding import Deciding, Decision, FailedRow
from services.validator.crm.groups import Group
from services.validator.crm.kinds import Key, kind_of
from services.validator.crm.said import SaidReader, needs_of
from services.validator.crm.stored import Known, StoredRecord
from services.validator.outcomes import Failed, Notice, Planned
from services.validator.rows import RawRow, RowReader
from shared.entities import EntityType
from shared.entities.cells import Cell
from shared.entities.columns import Columns
from shared.entities.crm import PEOPLE
from shared.entities.names import name_key
from shared.values import How

IMPORT = UUID(int=1)
_ids = count(1_000)


def new_id() -> UUID:
    """An id that nobody has had."""
    return UUID(int=next(_ids))


@dataclass
class Tenant:
    """What a tenant has: records, what they are known by, their links, its users."""

    records: dict[UUID, StoredRecord] = field(default_factory=dict)
    keys: dict[Key, UUID] = field(default_factory=dict)
    users: dict[str, tuple[UUID, str]] = field(default_factory=dict)
    made_on_the_way: int = 0

    def user(self, email: str, name: str) -> UUID:
        """Somebody who works there."""
        self.users[email] = new_id(), name
        return self.users[email][0]

    def named(self, name: str, entity_type: str = "people") -> StoredRecord:
        """The one record of this name."""
        (found,) = (r for r in self.records.values() if r.name == name and r.entity_type == entity_type)
        return found

    def links(self, record: StoredRecord, code: str) -> list[str]:
        """What a record is linked to, by name."""
        names = dict(self.users.values())
        return sorted(
            self.records[to].name if to in self.records else names[to]  # type: ignore[index]
            for to in record.links.get(code, {})
        )

    def known(self, needs: Any) -> Known:
        """What there is of what a chunk names, as the statements would find it."""
        ids = {self.keys[key] for key in needs.keys if key in self.keys} | (needs.ids & self.records.keys())
        records = {id_: self._as_asked(self.records[id_], needs.entity_type) for id_ in ids}
        return Known(
            needs=needs,
            by_key={key: records[self.keys[key]] for key in needs.keys if key in self.keys},
            by_id=records,
            users=dict(self.users.values()),
            user_ids={email: id_ for email, (id_, _) in self.users.items()},
        )

    def _as_asked(self, record: StoredRecord, entity_type: str) -> StoredRecord:
        if record.entity_type != entity_type:
            return replace(record, fields=None, links={})
        return replace(
            record,
            fields=dict(record.fields or {}),
            links={code: dict(of) for code, of in record.links.items()},
        )

    def apply(self, decisions: Sequence[Decision], targets: Mapping[str, str | None]) -> None:
        """Write what was decided, as the committer does."""
        groups = [
            decision
            for decision in decisions
            if isinstance(decision, Group) and (decision.record.pending is None or decision.updates)
        ]
        for group in groups:
            for key in group.removed:
                if self.keys.get(key) == group.record.id:
                    del self.keys[key]
        for group in groups:
            self._write(group)
        for group in groups:
            self._link(group, targets)

    def _write(self, group: Group) -> None:
        record = group.record
        there = self.records.get(record.id)
        assert (there is None) == group.makes
        assert there is None or there.version == record.version, "decided against another version"
        self.records[record.id] = replace(
            record,
            fields=dict(record.fields or {}),
            links={} if there is None else {code: dict(of) for code, of in there.links.items()},
            version=record.version + bool(group.creates or group.updates),
            import_id=IMPORT,
            is_new=False,
            pending=None,
        )
        for key in group.added:
            owner = self.keys.setdefault(key, record.id)
            assert owner == record.id or key.kind.endswith(".name"), f"{key} is somebody else's"

    def _link(self, group: Group, targets: Mapping[str, str | None]) -> None:
        links = self.records[group.record.id].links
        for link in (*group.unlinked.values(), *group.links.values()):
            if isinstance(link.target, Key) and link.target not in self.keys:
                self._make(link.target, link.name, targets[link.code] or "")
        for link in group.unlinked.values():
            links.get(link.code, {}).pop(self._id(link.target), None)
        for link in group.links.values():
            links.setdefault(link.code, {})[self._id(link.target)] = link.name

    def _make(self, key: Key, name: str, entity_type: str) -> None:
        id_ = new_id()
        code = key.kind.partition(".")[2]
        self.records[id_] = StoredRecord(
            id_, entity_type, name, 1, {} if code == "name" else {code: [key.value]}, {}, IMPORT
        )
        self.keys[key] = id_
        self.keys.setdefault(Key(kind_of(entity_type, "name"), name_key(name)), id_)
        self.made_on_the_way += 1

    def _id(self, target: Any) -> UUID:
        return self.keys[target] if isinstance(target, Key) else target

    def seen(self) -> list[Any]:
        """All there is, in words that do not depend on ids or on the order of records."""
        return sorted(
            (
                [
                    record.entity_type,
                    record.name,
                    sorted((record.fields or {}).items()),
                    sorted((code, self.links(record, code)) for code in record.links if record.links[code]),
                    sorted(key for key, owner in self.keys.items() if owner == record.id),
                ]
                for record in self.records.values()
            ),
            key=lambda each: json.dumps(each, default=str),
        )


@dataclass
class Outcome:
    """What became of a chunk."""

    decisions: Sequence[Decision]
    notices: Sequence[Notice]

    @property
    def errors(self) -> list[tuple[int, str, str]]:
        """Row, code and heading of each error."""
        return [
            (error.row_no, error.code, error.heading or "")
            for decision in self.decisions
            if isinstance(decision, FailedRow)
            for error in decision[1].errors
        ]

    @property
    def messages(self) -> list[str]:
        """What is said of rows that failed."""
        return [
            error.message
            for decision in self.decisions
            if isinstance(decision, FailedRow)
            for error in decision[1].errors
        ]

    @property
    def counts(self) -> dict[str, int]:
        """How many rows create, update, are skipped and failed."""
        found = dict.fromkeys(("created", "updated", "skipped", "failed"), 0)
        for decision in self.decisions:
            outcome = decision.outcome if isinstance(decision, Group) else decision
            if isinstance(outcome, FailedRow):
                outcome = outcome[1]
            if isinstance(outcome, Failed):
                found["failed"] += outcome.row_count
            elif isinstance(outcome, Planned):
                found["created"] += outcome.creates
                found["updated"] += outcome.updates
                found["skipped"] += outcome.skips
        return found


@dataclass
class Importing:
    """A file of one entity type on its way into a tenant: `headings` by field code, in the order of its columns."""

    tenant: Tenant
    codes: Sequence[str]
    entity: EntityType = PEOPLE
    mode: str = "upsert"
    clears_blanks: bool = False
    how: How = field(default_factory=How)

    def columns(self) -> Columns:
        """Where its fields are."""
        headings = [self.entity.by_code[code].heading for code in self.codes]
        return Columns(self.entity, headings, {code: place for place, code in enumerate(self.codes)})

    def decide(self, rows: Mapping[int, Sequence[Cell]] | Sequence[Sequence[Cell]]) -> Outcome:
        """Decide rows as one chunk; from row 2 on, where they have no numbers."""
        numbered = rows if isinstance(rows, Mapping) else dict(enumerate(rows, start=2))
        columns = self.columns()
        groups = RowReader(columns).read_all(RawRow(row, row, list(cells)) for row, cells in numbered.items())
        hows = dict.fromkeys(self.codes, self.how)
        needs = needs_of(SaidReader(columns, hows).read_all(groups), columns)
        asked = Asked(mode=self.mode, import_id=IMPORT, clears_blanks=self.clears_blanks)
        deciding = Deciding(columns, self.tenant.known(needs), asked, new_id)
        notices = deciding.decide(needs.said)
        return Outcome(deciding.decisions, notices)

    def commit(self, rows: Mapping[int, Sequence[Cell]] | Sequence[Sequence[Cell]]) -> Outcome:
        """Decide rows as one chunk, and write what was decided."""
        outcome = self.decide(rows)
        self.tenant.apply(outcome.decisions, {each.code: each.target for each in self.entity.fields})
        return outcome
