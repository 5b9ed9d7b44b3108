"""Values as a reader sees them: names in the place of ids. Pure."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from shared.entities import EntityType
from shared.entities.declaration import Kind


class Shown:
    """Shows values of one entity type."""

    def __init__(self, entity: EntityType) -> None:
        self._options: Mapping[str, Mapping[str, str]] = {
            field.code: {option.id: option.name for option in (*field.past_options, *field.options)}
            for field in entity.fields
            if field.kind is Kind.SELECT
        }

    def value(self, code: str, value: Any) -> Any:
        """A value in terms of JSON; None for nothing."""
        names = self._options.get(code)
        if names is None:
            return _plain(value)
        if isinstance(value, list | tuple):
            return [names.get(part, part) for part in value]
        return names.get(value, value)


def _plain(value: Any) -> Any:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        plain = format(value, "f")
        return plain.rstrip("0").rstrip(".") if "." in plain else plain
    if isinstance(value, int):
        return str(value)
    return list(value) if isinstance(value, tuple) else value
