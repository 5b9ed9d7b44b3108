"""What was decided as rows of the staging tables: the one place that knows their columns. Pure."""

from collections.abc import Iterable
from uuid import UUID

import orjson

from services.validator.crm.deciding import Decision, FailedRow
from services.validator.crm.groups import Group, Link
from services.validator.crm.kinds import Key
from services.validator.outcomes import Failed, Outcome, Planned, StagedRecords
from shared.entities import EntityType
from shared.states import Action, GroupStatus, Record
from shared.values import to_json

_POSITION = ("row_no", "group_row", "row_status")
RECORDS = (
    *_POSITION,
    *("action", "id", "entity_type", "name", "fields", "said", "kinds", "keys", "rows", "errors"),
    *("writer_import_id", "writer_row_no"),
)
IDENTIFIERS = (*_POSITION, "record_id", "kind", "value")
LINKS = (*_POSITION, "from_id", "code", "to_id", "target", "key_kind", "key_value", "key_name", "is_removed")
CHANGES = (*_POSITION, "record", "record_id", "before", "after")

_Rows = list[tuple[object, ...]]


def outcome_of(decision: Decision) -> Outcome:
    """What becomes of the rows of a decision."""
    if isinstance(decision, Planned | Failed):
        return decision
    return decision.outcome if isinstance(decision, Group) else decision[1]


class StagedRows:
    """Collects the rows of a chunk by table.

    Args:
        entity: what its rows are.
        import_id: the import.
    """

    def __init__(self, entity: EntityType, import_id: UUID) -> None:
        self._entity = entity
        self._type = entity.name
        self._native = entity.native or ""
        self._import_id = import_id
        self._record = Record(entity.record_noun)
        self._targets = {field.code: field.target for field in entity.fields}
        self._records: _Rows = []
        self._identifiers: _Rows = []
        self._links: _Rows = []
        self._changes: _Rows = []

    def of(self, decisions: Iterable[Decision]) -> list[StagedRecords]:
        """The typed rows of all decisions; tables without rows are left out."""
        for decision in decisions:
            if isinstance(decision, Group):
                self._add(decision)
            elif isinstance(decision, FailedRow):
                self._add_failed(decision)
        found = (
            StagedRecords("crm_records", RECORDS, self._records),
            StagedRecords("crm_identifiers", IDENTIFIERS, self._identifiers),
            StagedRecords("crm_links", LINKS, self._links),
            StagedRecords("changes", CHANGES, self._changes),
        )
        return [records for records in found if records.rows]

    def _add(self, group: Group) -> None:
        record, first = group.record, group.rows[0]
        if record.pending is not None and not group.updates:
            # Made by the link that names it, and left as it is.
            return
        place = (first, first, GroupStatus.PENDING)
        id_ = record.id
        action = Action.CREATE if group.makes else Action.REMOVE if group.is_removed else Action.UPDATE
        writer = group.writer
        if writer is None:
            writer = (None, None) if group.last_row == first else (self._import_id, group.last_row)
        self._records.append(
            (
                *place,
                action,
                id_,
                self._type,
                record.name,
                to_json(record.fields),
                None if group.makes else list(group.said),
                [key.kind for key in group.added],
                [key.value for key in group.added],
                group.rows,
                None,
                *writer,
            )
        )
        for key in group.removed:
            self._identifiers.append((*place, id_, key.kind, key.value))
        for key, owner in group.taken.items():
            self._identifiers.append((*place, owner, key.kind, key.value))
        for link in group.links.values():
            self._add_link(group, link, is_removed=False)
        for link in group.unlinked.values():
            self._add_link(group, link, is_removed=True)
        for change in group.changes:
            self._changes.append(
                (
                    *(change.row, first, GroupStatus.PENDING, self._record, id_),
                    *(to_json(change.before), to_json(change.after)),
                )
            )

    def _add_link(self, group: Group, link: Link, *, is_removed: bool) -> None:
        target = link.target
        by_key = isinstance(target, Key)
        self._links.append(
            (
                *(link.row, group.rows[0], GroupStatus.PENDING, group.record.id, link.code),
                None if by_key else target,
                self._targets[link.code],
                *((target.kind, target.value, link.name) if isinstance(target, Key) else (None, None, None)),
                is_removed,
            )
        )

    def _add_failed(self, failed: FailedRow) -> None:
        said, outcome = failed
        row = said.row
        values = dict(said.values)
        name = values.pop(self._native, None)
        errors = [{"column": error.heading, "code": error.code, "message": error.message} for error in outcome.errors]
        self._records.append(
            (
                *(row, row, GroupStatus.FAILED, Action.CREATE, None, self._type, name, to_json(values)),
                *(None, None, None, [row]),
                orjson.dumps(errors).decode(),
                None,
                None,
            )
        )
