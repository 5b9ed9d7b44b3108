"""What becomes of the records that an import made and changed when it is taken back. Pure.

A record goes, or gets back what it was, as a whole: with the first chunk that made or changed it. What was changed since, or is
linked to by others, is refused by the name of the import that did it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from services.validator.crm.groups import Change, Group, Link
from services.validator.crm.kinds import NAMED, Key, kind_of
from services.validator.crm.said import keys_of
from services.validator.crm.stored import StoredRecord
from services.validator.outcomes import Failed
from shared.entities import EntityType
from shared.entities.declaration import Kind
from shared.entities.errors import RowError, shown
from shared.entities.names import name_key
from shared.states import WAS

CHANGED_SINCE = "changed_since"


@dataclass(frozen=True, slots=True)
class MadeRecord:
    """A record that a row made, as it is now; `linked_by` is an import whose rows link to it."""

    row: int
    record: StoredRecord
    linked_by: UUID | None = None


@dataclass(frozen=True, slots=True)
class MadeChange:
    """What a row of a chunk changed of a record that is still there; `writer` had written it last by then.

    `is_made` is whether the import made the record as well.
    """

    row: int
    chunk_no: int
    record: StoredRecord
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    writer: tuple[UUID | None, int | None]
    is_made: bool


@dataclass(frozen=True, slots=True)
class Traces:
    """What is left of the rows of a chunk, in the order of the file; `linked` are the links that the import added (from, code, to)."""

    made: Sequence[MadeRecord] = ()
    changes: Sequence[MadeChange] = ()
    linked: frozenset[tuple[UUID, str, UUID]] = frozenset()

    @property
    def writers(self) -> set[UUID]:
        """Every import whose name may be told."""
        found = {made.linked_by for made in self.made}
        found |= {made.record.import_id for made in self.made}
        found |= {change.record.import_id for change in self.changes}
        return {import_id for import_id in found if import_id is not None}


class Owner(NamedTuple):
    """Who is known by something now; `goes` is whether that is of the import that is taken back, and goes with it."""

    id: UUID
    name: str
    goes: bool = False


@dataclass(slots=True)
class Restored:
    """The changes of one record that are taken back, and what it gets back."""

    group: Group
    changes: list[MadeChange]
    wanted: dict[str, list[UUID]] = field(default_factory=dict)
    """By field code, what it was linked to."""


class TakingBack:
    """Works out what becomes of the rows of a chunk.

    Args:
        entity: what its rows are.
        undone: the import that is taken back, and the number of the chunk.
        files: the file names of imports.
    """

    def __init__(self, entity: EntityType, undone: tuple[UUID, int], files: Mapping[UUID, str]) -> None:
        self._entity = entity
        self._import_id, self._chunk_no = undone
        self._files = files
        self._names = kind_of(entity.name, "name") if entity.name in NAMED else None

    def removed(self, traces: Traces) -> list[Group | Failed]:
        """What becomes of the records that the chunk made, with the rows of it that changed them since."""
        rows: dict[UUID, list[int]] = {}
        for change in traces.changes:
            if change.is_made and change.chunk_no == self._chunk_no:
                rows.setdefault(change.record.id, []).append(change.row)
        # One that a row above had named before is made by a row that changed it.
        return [
            self._removed(made, list(dict.fromkeys([made.row, *rows.get(made.record.id, ())]))) for made in traces.made
        ]

    def restored(self, traces: Traces) -> list[Restored]:
        """The records that were there before, and that this chunk was the first to change, as they were."""
        by_record: dict[UUID, list[MadeChange]] = {}
        for change in traces.changes:
            if not change.is_made:
                by_record.setdefault(change.record.id, []).append(change)
        return [
            self._restored(changes, traces.linked)
            for changes in by_record.values()
            if changes[0].chunk_no == self._chunk_no
        ]

    def with_links(self, restored: Restored, there: Mapping[UUID, str], owners: Mapping[Key, Owner]) -> Group | Failed:
        """The record with the links it had to what is still there; refused where others have what it was known by."""
        group = restored.group
        rows, record = group.rows, group.record
        if record.import_id != self._import_id:
            return self._refused(rows, record, "was changed since by", record.import_id)
        for key in group.added:
            owner = owners.get(key)
            if owner is None or owner.id == record.id or key.kind == self._names:
                continue
            if not owner.goes:
                return self._taken(rows, record, key, owner.name)
            # Whichever chunk is first: the other one finds that it has it no longer.
            group.taken[key] = owner.id
        for code, ids in restored.wanted.items():
            for id_ in ids:
                if id_ in there and id_ not in record.links.get(code, {}):
                    group.add_link(Link(rows[0], code, id_, there[id_]))
        return group

    def _removed(self, made: MadeRecord, rows: list[int]) -> Group | Failed:
        record = made.record
        if record.import_id != self._import_id:
            return self._refused(rows, record, "was changed since by", record.import_id)
        if made.linked_by is not None:
            return self._refused(rows, record, "was linked since by", made.linked_by)
        return Group(record, rows, updates=len(rows), is_removed=True)

    def _restored(self, changes: list[MadeChange], linked: frozenset[tuple[UUID, str, UUID]]) -> Restored:
        now = changes[0].record
        fields = dict(now.fields or {})
        before: dict[str, Any] = {}
        was: dict[str, Any] = {}
        for change in changes:
            for code, value in change.before.items():
                if code != WAS and code not in before:
                    before[code] = value
                    was[code] = change.before.get(WAS, {}).get(code, value)
        group = Group(
            replace(now, fields=fields, links={code: dict(of) for code, of in now.links.items()}),
            [change.row for change in changes if change.chunk_no == self._chunk_no],
            writer=changes[0].writer,
        )
        group.updates = len(group.rows)
        group.changes = [
            Change(each.row, dict(each.after), {code: of for code, of in each.before.items() if code != WAS}, {})
            for each in changes
        ]
        restored = Restored(group, changes)
        for code in before:
            self._put_back(restored, code, was[code], now)
        self._unlink(group, linked)
        return restored

    def _put_back(self, restored: Restored, code: str, value: Any, now: StoredRecord) -> None:
        group, declared = restored.group, self._entity.by_code.get(code)
        if declared is None:
            return
        if code == self._entity.native:
            group.said["name"] = None
            self._rename(group, str(value))
        elif declared.kind is Kind.RECORD:
            # Of a field of many, what was there is there still.
            if not declared.multi and value:
                restored.wanted[code] = [UUID(id_) for id_ in value]
        else:
            group.said[code] = None
            old, fields = (now.fields or {}).get(code), group.record.fields
            assert fields is not None
            new = _number(value) if declared.kind is Kind.NUMBER else value
            if new is None:
                fields.pop(code, None)
            else:
                fields[code] = new
            if code in self._entity.matches or declared.is_unique:
                self._know_by(group, declared, old, new)

    def _know_by(self, group: Group, declared: Any, old: Any, new: Any) -> None:
        known = () if old is None else keys_of(self._entity.name, declared, old)
        wanted = () if new is None else keys_of(self._entity.name, declared, new)
        for key in known:
            if key not in wanted:
                group.remove_key(key)
        for key in wanted:
            if key not in known:
                group.add_key(key)

    def _rename(self, group: Group, name: str) -> None:
        if self._names is not None and name_key(name) != name_key(group.record.name):
            group.remove_key(Key(self._names, name_key(group.record.name)))
            group.add_key(Key(self._names, name_key(name)))
        group.record.name = name

    def _unlink(self, group: Group, linked: Iterable[tuple[UUID, str, UUID]]) -> None:
        record = group.record
        for from_id, code, to_id in linked:
            if from_id == record.id and (name := record.links.get(code, {}).pop(to_id, None)) is not None:
                group.remove_link(Link(group.rows[0], code, to_id, name))

    def _taken(self, rows: Sequence[int], record: StoredRecord, key: Key, owner: str) -> Failed:
        noun = self._entity.record_noun
        return self._failed(
            rows,
            f'"{shown(key.value)}" was of {noun} "{shown(record.name)}" and is of {noun} "{shown(owner)}" by now, so both are left '
            f"as they are. Take it away from that one first, then undo this import again",
        )

    def _refused(self, rows: Sequence[int], record: StoredRecord, what: str, by: UUID | None) -> Failed:
        name = f'"{shown(self._files[by])}" (import {by})' if by is not None and by in self._files else "another import"
        noun = self._entity.record_noun.capitalize()
        return self._failed(
            rows,
            f'{noun} "{shown(record.name)}" {what} {name}, so it is left as it is. Undo that import first, then this one again',
        )

    def _failed(self, rows: Sequence[int], message: str) -> Failed:
        # Every row is a group of its own where rows are counted.
        errors = [RowError(row, row, None, None, CHANGED_SINCE, message) for row in rows]
        return Failed(rows[0], len(rows), errors)


def _number(value: Any) -> Any:
    if isinstance(value, list):
        return [_number(part) for part in value]
    return Decimal(value) if isinstance(value, str) else value
