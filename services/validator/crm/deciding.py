"""What becomes of each row of a chunk, one after another: each is decided against what the rows above it made. Pure.

A row that fails changes nothing: those below it are decided as if it were not there.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias
from uuid import UUID

from services.validator.asked import Asked
from services.validator.crm.changing import Changing, Plan
from services.validator.crm.groups import Group, Link
from services.validator.crm.kinds import NAMED, Key, kind_of
from services.validator.crm.links import Links
from services.validator.crm.matching import Matching
from services.validator.crm.said import Said
from services.validator.crm.stored import Known, StoredRecord
from services.validator.crm.words import ALREADY_THERE, LOCAL_PHONE, NO_MATCH, NOT_THERE, Remarks
from services.validator.errors import GroupErrors
from services.validator.outcomes import Failed, Notice, Planned
from shared.entities.columns import Columns
from shared.entities.declaration import Kind
from shared.entities.errors import CellError
from shared.entities.names import name_key
from shared.states import Action
from shared.values.phones import is_local


class FailedRow(tuple[Said, Failed]):
    """A row that is not imported, as what it says and what is wrong with it."""

    __slots__ = ()


Decision: TypeAlias = Group | FailedRow | Failed | Planned
"""What becomes of rows. Of a `Failed` nothing is shown; a `Planned` is about nothing that is there, and makes nothing."""


class Deciding:
    """Decides the rows of one chunk, in their order.

    Args:
        columns: where the fields are.
        known: what production has of what the rows name.
        asked: what the import asks for.
        new_id: makes the ids of new records.
    """

    def __init__(self, columns: Columns, known: Known, asked: Asked, new_id: Callable[[], UUID]) -> None:
        entity = columns.entity
        self._columns = columns
        self._mode = asked.mode
        self._new_id = new_id
        self._entity_type = entity.name
        self._own = f"{entity.name}."
        # Copies: rows are applied to them.
        self._by_id: dict[UUID, StoredRecord] = {id_: _own(record) for id_, record in known.by_id.items()}
        self._by_key: dict[Key, StoredRecord] = {key: self._by_id[record.id] for key, record in known.by_key.items()}
        self._matching = Matching(columns, self._by_key, self._by_id)
        self._changing = Changing(columns, asked, self._by_key, Links(known, self._by_key))
        self._names = kind_of(entity.name, "name") if entity.name in NAMED else None
        self._remarks = Remarks(columns)
        self._groups: dict[UUID, Group] = {}
        self._shows_no_match = next((code for code in entity.matches if columns.has(code)), entity.native or "")
        self._phones = [field.code for field in entity.fields if field.kind is Kind.PHONE and columns.has(field.code)]
        self.decisions: list[Decision] = []
        """In the order of their first rows."""

    def decide(self, rows: Sequence[Said]) -> Sequence[Notice]:
        """Decide all rows; what the sender should know."""
        for said in rows:
            self._decide(said)
        return self._remarks.notices()

    def _decide(self, said: Said) -> None:
        matched = self._matching.match(said)
        errors = said.errors
        if matched.error is not None and self._mode != "create":
            errors = [*errors, (matched.code, matched.error)]
        if errors or said.read.flaws:
            # What else is wrong with it is said as well.
            plan = self._changing.plan(said, matched.record)
            self._fail(said, [*errors, *plan.errors])
            return
        record = matched.record
        if said.id is not None and record is None:
            self._skip(said, NO_MATCH, self._matching.id_code)
        elif self._mode == "create" and (record is not None or matched.error is not None):
            self._leave(said, record, matched.code)
        elif self._mode == "enrich" and record is None:
            self._skip(said, NOT_THERE, self._shows_no_match)
        else:
            self._note_local_phones(said)
            self._write(said, record)

    def _note_local_phones(self, said: Said) -> None:
        for code in self._phones:
            numbers = said.values.get(code)
            if any(map(is_local, [numbers] if isinstance(numbers, str) else numbers or ())):
                self._remarks.note(LOCAL_PHONE, code, said.row)

    def _write(self, said: Said, record: StoredRecord | None) -> None:
        plan = self._changing.plan(said, record)
        if plan.errors:
            self._fail(said, plan.errors)
        elif record is None:
            self._make(said, plan)
        else:
            group = self._group_of(record, said.row)
            if plan.changes_anything:
                self._change(group, said, plan)

    def _make(self, said: Said, plan: Plan) -> None:
        assert plan.name is not None
        record = StoredRecord(
            self._new_id(), self._entity_type, plan.name, fields=plan.fields, import_row=said.row, is_new=True
        )
        group = Group(record, [said.row], creates=True, last_row=said.row)
        self._groups[record.id] = group
        self._by_id[record.id] = record
        self.decisions.append(group)
        for key in plan.added:
            group.added[key] = None
            self._by_key[key] = record
        if self._names is not None:
            self._name(group, record)
        self._link(group, plan)

    def _change(self, group: Group, said: Said, plan: Plan) -> None:
        record = group.record
        group.updates += 1
        group.last_row = said.row
        group.said.update(dict.fromkeys(plan.said))
        group.changes.append(plan.change(said.row))
        for key in plan.removed:
            group.remove_key(key)
            if self._by_key.get(key) is record:
                del self._by_key[key]
        for key in plan.added:
            group.add_key(key)
            self._by_key[key] = record
        if plan.name is not None and plan.name != record.name:
            self._rename(group, record, plan.name)
        record.fields = plan.fields
        record.import_row = said.row
        for link in plan.unlinked:
            del record.links[link.code][link.target]
            group.remove_link(link)
        self._link(group, plan)

    def _link(self, group: Group, plan: Plan) -> None:
        record = group.record
        for link in plan.links:
            if isinstance(link.target, Key) and self._by_key.get(link.target) is record:
                # It names what it has just made of itself.
                link = link._replace(target=record.id, name=record.name)  # noqa: PLW2901
            record.links.setdefault(link.code, {})[link.target] = link.name
            group.add_link(link)
            self._await(link)

    def _await(self, link: Link) -> None:
        """Have rows below find the record of the type itself that a link makes on the way."""
        key = link.target
        if not isinstance(key, Key) or key in self._by_key or not key.kind.startswith(self._own):
            return
        code = key.kind.removeprefix(self._own)
        fields = {} if code == "name" else {code: [key.value]}
        record = StoredRecord(self._new_id(), self._entity_type, link.name, fields=fields, is_new=True, pending=key)
        self._by_key[key] = self._by_id[record.id] = record

    def _rename(self, group: Group, record: StoredRecord, name: str) -> None:
        if self._names is not None:
            key = Key(self._names, name_key(record.name))
            if key.value != name_key(name):
                group.remove_key(key)
                if self._by_key.get(key) is record:
                    del self._by_key[key]
        record.name = name
        if self._names is not None:
            self._name(group, record)

    def _name(self, group: Group, record: StoredRecord) -> None:
        """Have it found by its name, unless another one is."""
        key = Key(self._names or "", name_key(record.name))
        if self._by_key.setdefault(key, record) is record:
            group.add_key(key)

    def _group_of(self, record: StoredRecord, row: int) -> Group:
        group = self._groups.get(record.id)
        if group is not None:
            group.rows.append(row)
            return group
        group = self._groups[record.id] = Group(record, [row], last_row=row)
        if record.pending is not None:
            group.added[record.pending] = None
        self.decisions.append(group)
        return group

    def _leave(self, said: Said, record: StoredRecord | None, code: str) -> None:
        self._remarks.note(ALREADY_THERE, code, said.row)
        group = None if record is None else self._groups.get(record.id)
        if group is None:
            self.decisions.append(_skipped(said.row))
        else:
            group.rows.append(said.row)

    def _skip(self, said: Said, why: str, code: str) -> None:
        self._remarks.note(why, code, said.row)
        self.decisions.append(_skipped(said.row))

    def _fail(self, said: Said, errors: Sequence[tuple[str, CellError]]) -> None:
        found = GroupErrors(self._columns, said.row)
        found.add_flaws(said.read)
        for code, error in dict.fromkeys(errors):
            found.add(said.row, code, error)
        self.decisions.append(FailedRow((said, Failed(said.row, 1, found.sorted()))))


def _own(record: StoredRecord) -> StoredRecord:
    if record.fields is None:
        return record
    links = {code: dict(targets) for code, targets in record.links.items()}
    return replace(record, fields=dict(record.fields), links=links)


def _skipped(row: int) -> Planned:
    return Planned(row, 1, Action.SKIP, skips=1)
