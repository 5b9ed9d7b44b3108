"""What production has of what a chunk names. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from uuid import UUID

from services.validator.crm.kinds import Key
from services.validator.crm.said import Needs

Target: TypeAlias = UUID | Key
"""What a link leads to: a record, or, before it is made, what it will be known by."""


@dataclass(slots=True)
class StoredRecord:
    """A record as it is; as rows of a chunk make it, while they are decided.

    `fields` has values in terms of JSON, numbers as `Decimal` or `int`; None of a record of another type than the file's, of which
    no more is known than its name. `links` has by field code what it is linked to, with the name of each.
    """

    id: UUID
    entity_type: str
    name: str
    version: int = 0
    fields: dict[str, Any] | None = None
    links: dict[str, dict[Target, str]] = field(default_factory=dict)
    import_id: UUID | None = None
    import_row: int | None = None
    is_new: bool = False
    pending: Key | None = None
    """Of one that the chunk makes on the way: what it will be known by."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a chunk is decided against; `users` by id and by e-mail address, each as id and name."""

    needs: Needs = field(default_factory=Needs)
    by_key: Mapping[Key, StoredRecord] = field(default_factory=dict)
    by_id: Mapping[UUID, StoredRecord] = field(default_factory=dict)
    users: Mapping[UUID, str] = field(default_factory=dict)
    user_ids: Mapping[str, UUID] = field(default_factory=dict)
