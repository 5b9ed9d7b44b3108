"""What a reader is told: which file, what it describes, how it is to be read, within which limits."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.parser.reading.limits import Limits
from shared.entities import ENTITY_TYPES, EntityType


@dataclass(frozen=True)
class Request:
    """What the child is told."""

    path: Path
    name: str
    entity: EntityType
    mode: str
    options: Mapping[str, Any]
    limits: Limits

    @staticmethod
    def of(said: Mapping[str, Any]) -> "Request":
        """Read what the parser says."""
        return Request(
            path=Path(said["path"]),
            name=said["name"],
            entity=ENTITY_TYPES[said["entity_type"]],
            mode=said["mode"],
            options=said["options"],
            limits=Limits(**said["limits"]),
        )
