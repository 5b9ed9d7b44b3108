"""What is wrong with a text in a field, told before its rows are validated: as the validator will say it. Pure."""

from collections.abc import Mapping
from typing import Any

from services.gateway.imports.guided.found import GuidedImport
from shared.api.guided import ValueProblem
from shared.entities.declaration import EntityType, Field, Kind
from shared.entities.errors import CellError
from shared.entities.own_fields import FAMILY
from shared.values import How, read_value

_BY_LOOK_UP = frozenset({Kind.RECORD, Kind.ID})


def problem_of(found: GuidedImport, field: Field, index: int, text: str | None) -> ValueProblem | None:
    """What is wrong with a text by itself, None where nothing is, or where only the validator can say."""
    if text is None:
        needed = field.required and (field.code,) in found.entity.required_columns(found.mode)
        return ValueProblem(code="required", message=f"{field.heading} is required") if needed else None
    if not says_itself(found.entity, field.kind):
        return None
    said = read_value(field, text, how_of(found.settings, found.layout, index))
    return ValueProblem(code=said.code, message=said.message) if isinstance(said, CellError) else None


def says_itself(entity: EntityType, kind: Kind) -> bool:
    """Whether a text says itself whether it fits a field of this kind, without a look at what is there."""
    return entity.family == FAMILY and kind not in _BY_LOOK_UP


def how_of(settings: Mapping[str, Any] | None, layout: Mapping[str, Any], index: int) -> How:
    """How a column's values are meant."""
    return How.of_settings(settings).of_column(layout, index)
