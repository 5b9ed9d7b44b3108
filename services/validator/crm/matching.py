"""Which record a row is about: the strongest of what it says that somebody is known by decides. Pure."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple
from uuid import UUID

from services.validator.crm.kinds import Key
from services.validator.crm.said import Said
from services.validator.crm.stored import StoredRecord
from services.validator.crm.words import conflicting
from shared.entities.columns import Columns
from shared.entities.declaration import Kind
from shared.entities.errors import CellError


class Matched(NamedTuple):
    """The record a row is about, by the field of this code; or what contradicts that, at the field that does."""

    record: StoredRecord | None = None
    code: str = ""
    error: CellError | None = None


NOBODY = Matched()


class Matching:
    """Finds the record of each row among those there are by now; both mappings are looked at as they are then."""

    def __init__(
        self, columns: Columns, by_key: Mapping[Key, StoredRecord], by_id: Mapping[UUID, StoredRecord]
    ) -> None:
        entity = columns.entity
        self._columns = columns
        self._by_key = by_key
        self._by_id = by_id
        self._entity_type = entity.name
        self._id = next((code for code in entity.matches if entity.by_code[code].kind is Kind.ID), "")
        self._codes = tuple(code for code in entity.matches if code != self._id and columns.has(code))

    @property
    def id_code(self) -> str:
        """The code of the field that says the id of a record."""
        return self._id

    def match(self, said: Said) -> Matched:
        """The record a row is about; `NOBODY` where there is none."""
        if said.id is None and not said.keys:
            return NOBODY
        first: tuple[str, Key, StoredRecord] | None = None
        for found in self._found(said):
            if first is None:
                first = found
            elif found[2] is not first[2]:
                return Matched(None, found[0], conflicting(self._columns, first, found))
        return NOBODY if first is None else Matched(first[2], first[0])

    def _found(self, said: Said) -> Iterator[tuple[str, Key, StoredRecord]]:
        if said.id is not None:
            record = self._by_id.get(said.id)
            if record is None or record.entity_type != self._entity_type:
                return
            yield self._id, Key(self._id, str(record.id)), record
        by_key = self._by_key
        for code in self._codes:
            for key in said.keys.get(code, ()):
                if (record := by_key.get(key)) is not None:
                    yield code, key, record
