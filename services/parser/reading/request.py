"""What a reader is told: which file, what it describes, how it is to be read, within which limits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.parser.reading.limits import Limits
from shared.entities import ENTITY_TYPES, EntityType
from shared.entities.own_fields import entity_of
from shared.values import How


@dataclass(frozen=True)
class ParentReading:
    """How the import was read whose correction file this is.

    `meanings` has the headings of its file, in their order, with what a person has let them mean (a field's code, or None);
    it is None where the headings speak for themselves. `decimals` is what was decided of its decimal signs, by field, as
    `shared.corrections.decimal_signs` writes it; `dates` the form its dates were read in, by field.
    """

    meanings: Sequence[tuple[str, str | None]] | None
    decimals: str
    dates: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def fields(self, headings: Sequence[str]) -> Mapping[str, int] | None:
        """By field, the 0-based column of a file with these headings; None where they speak for themselves."""
        if self.meanings is None:
            return None
        columns: dict[str, list[int]] = {}
        for index, heading in enumerate(headings):
            columns.setdefault(heading, []).append(index)
        found: dict[str, int] = {}
        for heading, code in self.meanings:
            # Of headings that are the same, the first is the first again.
            there = columns.get(heading)
            column = there.pop(0) if there else None
            if code is not None and column is not None:
                found[code] = column
        return found


@dataclass(frozen=True)
class Request:
    """What the child is told."""

    path: Path
    name: str
    entity: EntityType
    mode: str
    options: Mapping[str, Any]
    limits: Limits
    parent: ParentReading | None = None
    how: How = field(default_factory=How)
    """How its tenant writes values."""

    @property
    def is_open(self) -> bool:
        """Whether a person will say what its columns mean: every row is kept, and none is data yet."""
        return bool(self.options.get("guided"))

    @staticmethod
    def of(said: Mapping[str, Any]) -> "Request":
        """Read what the parser says."""
        return Request(
            path=Path(said["path"]),
            name=said["name"],
            entity=entity_of(said["entity_type"], said.get("own")),
            mode=said["mode"],
            options=said["options"],
            limits=Limits(**said["limits"]),
            parent=ParentReading(**said["parent"]) if said.get("parent") else None,
            how=How.of_settings((said.get("own") or {}).get("settings")),
        )


@dataclass(frozen=True)
class LookRequest:
    """What the child is told of a file of which only the first rows are wanted, whatever it describes."""

    path: Path
    name: str
    limits: Limits
    entities: Sequence[EntityType]
    """What it may describe."""

    @staticmethod
    def of(said: Mapping[str, Any]) -> "LookRequest":
        """Read what the parser says."""
        own = said.get("own", {})
        return LookRequest(
            path=Path(said["path"]),
            name=said["name"],
            limits=Limits(**said["limits"]),
            entities=[entity_of(name, own.get(name)) for name in ENTITY_TYPES],
        )
