"""What is said of rows that cannot be imported, and of those that are left alone. Pure."""

from collections.abc import Sequence

from services.validator.crm.kinds import Key
from services.validator.crm.stored import StoredRecord
from services.validator.outcomes import Notice
from shared.entities.columns import Columns
from shared.entities.errors import CellError, shown


def conflicting(
    columns: Columns, first: tuple[str, Key, StoredRecord], other: tuple[str, Key, StoredRecord]
) -> CellError:
    """What a row is known by is of two records; each as the code of a field, what it says, and whose that is."""
    noun = columns.entity.record_noun
    (code, key, record), (other_code, other_key, other_record) = first, other
    return CellError(
        "conflict",
        f'{columns.heading(code)} "{shown(key.value)}" is of {noun} "{shown(record.name)}", and '
        f'{columns.heading(other_code)} "{shown(other_key.value)}" of {noun} "{shown(other_record.name)}". '
        f"Clear what is not this {noun}'s own, or make one of the two first",
    )


def taken(columns: Columns, code: str, value: str, owner: StoredRecord, row: int | None) -> CellError:
    """A record has this value of a field in which no two records may have the same; `row` of this file gave it to it."""
    noun, heading = columns.entity.record_noun, columns.heading(code)
    if row is not None:
        return CellError(
            "duplicate_in_file",
            f'{heading} "{shown(value)}" was used in row {row} already; give each {noun} its own',
        )
    return CellError(
        "already_exists",
        f'{heading} "{shown(value)}" belongs to {noun} "{shown(owner.name)}"; give this {noun} its own',
    )


class Remarks:
    """Rows of a chunk of which the sender should know something, by what it is."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._rows: dict[tuple[str, str], list[int]] = {}

    def note(self, code: str, field: str, row: int) -> None:
        """Note what there is to say of a row, and which field shows it."""
        self._rows.setdefault((code, field), []).append(row)

    def notices(self) -> list[Notice]:
        """One for each reason and column."""
        return [
            Notice(code, self._message(code, field, rows), self._columns.heading(field), rows[0], len(rows))
            for (code, field), rows in self._rows.items()
        ]

    def _message(self, code: str, field: str, rows: Sequence[int]) -> str:
        noun, heading = self._columns.entity.record_noun, self._columns.heading(field)
        are = "row was" if len(rows) == 1 else "rows were"
        if code == NO_MATCH:
            return f"{len(rows)} {are} skipped: no {noun} has this {heading}. Clear it, and the {noun} is made"
        if code == ALREADY_THERE:
            return f"{len(rows)} {are} skipped: the {noun} is there already. Use upsert or enrich to change it"
        if code == LOCAL_PHONE:
            has = "row has a number" if len(rows) == 1 else "rows have numbers"
            return f"{heading}: {len(rows)} {has} without an area code, kept as typed; no {noun} is found by it"
        return f"{len(rows)} {are} skipped: no such {noun} is there. Use upsert or create to have it made"


NO_MATCH, ALREADY_THERE, NOT_THERE = "no_match", "already_there", "not_there"
"""Codes of the notices about rows that are skipped."""

LOCAL_PHONE = "local_phone"
"""Code of the notice about phone numbers that can only be dialled where they are."""
