"""Which records the links of a row lead to. Pure."""

from collections.abc import Mapping
from typing import NamedTuple

from services.validator.crm.kinds import Key
from services.validator.crm.said import Named, names_nobody
from services.validator.crm.stored import Known, StoredRecord, Target
from shared.entities.declaration import USERS, Field
from shared.entities.errors import CellError


class Led(NamedTuple):
    """Where a link leads: to a record, or to one that is made on the way; and what it is called."""

    target: Target
    name: str


class Links:
    """Finds what links name among the records that are there and those that rows before make.

    Args:
        known: what production has.
        by_key: the records that there are by now, by what they are known by.
    """

    def __init__(self, known: Known, by_key: Mapping[Key, StoredRecord]) -> None:
        self._known = known
        self._by_key = by_key

    def found(self, field: Field, named: Named) -> Led | CellError:
        """What a part of a cell names."""
        if field.target == USERS:
            return self._user(field, named)
        if named.id is not None:
            record = self._known.by_id.get(named.id)
            if record is None or record.entity_type != field.target:
                return names_nobody(field, named.typed)
            return Led(record.id, record.name)
        record = self._by_key.get(named.key)
        if record is not None:
            return Led(record.id if record.pending is None else record.pending, record.name)
        return Led(named.key, named.typed) if field.creates_target else names_nobody(field, named.typed)

    def _user(self, field: Field, named: Named) -> Led | CellError:
        id_ = named.id if named.id is not None else self._known.user_ids.get(named.key.value)
        if id_ is None or (name := self._known.users.get(id_)) is None:
            return names_nobody(field, named.typed)
        return Led(id_, name)
