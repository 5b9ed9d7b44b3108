"""What a row makes of its record, or of a new one: worked out whole before any of it is done. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from services.validator.asked import Asked
from services.validator.crm.groups import Change, Link
from services.validator.crm.kinds import Key
from services.validator.crm.links import Links
from services.validator.crm.merging import has_parts, merged, same
from services.validator.crm.said import Said, keys_of
from services.validator.crm.shown import Shown
from services.validator.crm.stored import StoredRecord
from services.validator.crm.words import taken
from services.validator.errors import required
from shared.entities.columns import Columns
from shared.entities.declaration import Field, Kind
from shared.entities.errors import CellError
from shared.states import WAS
from shared.values import too_many


@dataclass(slots=True)
class Plan:
    """What a row does.

    Attributes:
        name: what the record is called then; None where the row does not say.
        fields: all it has then.
        said: the codes of what changes.
        added: what it is known by from now on.
        removed: what it is no longer known by.
        links: those it gets.
        unlinked: those that another one takes the place of.
        before: what changes, as a reader saw it.
        after: as a reader will see it.
        was: of the former what is kept otherwise.
        errors: what is wrong, by field code; then nothing of the rest is done.
    """

    name: str | None
    fields: dict[str, Any] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    added: list[Key] = field(default_factory=list)
    removed: list[Key] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    unlinked: list[Link] = field(default_factory=list)
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    was: dict[str, Any] = field(default_factory=dict)
    errors: list[tuple[str, CellError]] = field(default_factory=list)

    @property
    def changes_anything(self) -> bool:
        """Whether the record is another one afterwards."""
        return bool(self.said or self.links)

    def change(self, row: int) -> Change:
        """What is told of it."""
        return Change(row, {**self.before, WAS: self.was} if self.was else self.before, self.after, self.was)


class _Rule(NamedTuple):
    """Whether a field has parts, and whether they are what a record is known by."""

    field: Field
    has_parts: bool
    is_keyed: bool


class Changing:
    """Works out what rows of a chunk do.

    Args:
        columns: where the fields are.
        asked: what the import asks for.
        by_key: the records that there are by now, by what they are known by.
        links: finds what links name.
    """

    def __init__(self, columns: Columns, asked: Asked, by_key: Mapping[Key, StoredRecord], links: Links) -> None:
        entity = columns.entity
        self._columns = columns
        self._entity = entity
        self._import_id = asked.import_id
        self._native = entity.native or ""
        self._by_key = by_key
        self._links = links
        self._shown = Shown(entity)
        self._rules = {
            each.code: _Rule(
                each,
                has_parts(each),
                each.code in entity.matches or each.is_unique,
            )
            for each in entity.fields
        }
        self._required = [each for each in entity.fields if each.required]
        self._unique = [each.code for each in entity.fields if each.is_unique and columns.has(each.code)]
        self._cleared = [
            each.code
            for each in entity.fields
            if asked.clears_blanks
            and columns.has(each.code)
            and not each.required
            and each.code != self._native
            and each.kind not in {Kind.ID, Kind.RECORD}
        ]

    def plan(self, said: Said, record: StoredRecord | None) -> Plan:
        """What a row does with its record; with a new one where there is none."""
        plan = Plan(said.values.get(self._native))
        if record is None:
            self._make(plan, said)
        else:
            self._change(plan, said, record)
        if self._unique:
            self._check_unique(plan, said, record)
        if said.links:
            self._link(plan, said, record)
        return plan

    def _make(self, plan: Plan, said: Said) -> None:
        values = plan.fields = dict(said.values)
        values.pop(self._native, None)
        for each in self._required:
            if each.code not in said.values and not said.read.says(each.code):
                plan.errors.append((each.code, required(each)))
        for keys in said.keys.values():
            plan.added += keys

    def _change(self, plan: Plan, said: Said, record: StoredRecord) -> None:
        there = record.fields or {}
        fields = plan.fields = dict(there)
        for code, value in said.values.items():
            if code == self._native:
                if value != record.name:
                    plan.said.append("name")
                    plan.before[code], plan.after[code] = record.name, value
                continue
            rule = self._rules[code]
            old = there.get(code)
            new = self._merged(plan, rule, old, value)
            if new is old:
                continue
            fields[code] = new
            self._note(plan, code, old, new)
            if rule.is_keyed:
                self._know_by(plan, rule, old, said.keys.get(code, ()))
        for code in self._cleared:
            if code in there and not said.read.says(code):
                old = fields.pop(code)
                self._note(plan, code, old, None)
                rule = self._rules[code]
                if rule.is_keyed:
                    plan.removed += keys_of(self._entity.name, rule.field, old)

    def _merged(self, plan: Plan, rule: _Rule, old: Any, value: Any) -> Any:
        """The value of a field then; the very same where nothing changes."""
        if not rule.has_parts:
            return old if old is not None and same(rule.field, old, value) else value
        if old is None:
            return value
        # A field that had one part before it could have several.
        there = old if isinstance(old, list) else [old]
        new = merged(rule.field, there, value)
        if new is there:
            return old
        if (error := too_many(rule.field, len(new))) is not None:
            plan.errors.append((rule.field.code, _beside(error, len(there))))
        return new

    def _know_by(self, plan: Plan, rule: _Rule, old: Any, said: tuple[Key, ...]) -> None:
        there = () if old is None else keys_of(self._entity.name, rule.field, old)
        plan.added += [key for key in said if key not in there]
        if not rule.has_parts:
            plan.removed += [key for key in there if key not in said]

    def _note(self, plan: Plan, code: str, old: Any, new: Any) -> None:
        plan.said.append(code)
        before = plan.before[code] = self._shown.value(code, old)
        plan.after[code] = self._shown.value(code, new)
        if old is not None and (type(before) is not type(old) or before != old):
            plan.was[code] = old

    def _check_unique(self, plan: Plan, said: Said, record: StoredRecord | None) -> None:
        for code in self._unique:
            for key in said.keys.get(code, ()):
                owner = self._by_key.get(key)
                if owner is not None and owner is not record:
                    of_file = owner.is_new or owner.import_id == self._import_id
                    row = owner.import_row if of_file else None
                    value = said.read.text(code) or key.value
                    plan.errors.append((code, taken(self._columns, code, value, owner, row)))
                    break

    def _link(self, plan: Plan, said: Said, record: StoredRecord | None) -> None:
        for code, named in said.links.items():
            declared = self._rules[code].field
            there = {} if record is None else record.links.get(code, {})
            added: dict[Any, Link] = {}
            for each in named:
                led = self._links.found(declared, each)
                if isinstance(led, CellError):
                    plan.errors.append((code, led))
                elif led.target not in there:
                    added.setdefault(led.target, Link(said.row, code, led.target, led.name))
            if not added:
                continue
            plan.links += added.values()
            replaced = there if not declared.multi else {}
            plan.unlinked += (Link(said.row, code, target, name) for target, name in replaced.items())
            if record is not None:
                self._tell(plan, declared, there, added)

    def _tell(self, plan: Plan, declared: Field, there: Mapping[Any, str], added: Mapping[Any, Link]) -> None:
        names, new = list(there.values()), [link.name for link in added.values()]
        if declared.multi:
            plan.before[declared.code], plan.after[declared.code] = names or None, [*names, *new]
        else:
            plan.before[declared.code], plan.after[declared.code] = (names[0] if names else None), new[0]
            if there:
                plan.was[declared.code] = [str(target) for target in there if not isinstance(target, Key)]


def _beside(error: CellError, there: int) -> CellError:
    return CellError(error.code, f"{error.message}, and {there} of them are there already; leave out what is too much")
