"""Where the fields of an entity type are in one file."""

from collections.abc import Mapping, Sequence

from shared.entities.declaration import EntityType
from shared.entities.errors import CellError, RowError
from shared.entities.names import column_letter


class Columns:
    """The file's own headings, and the column of each field that has one.

    Args:
        entity: what the file describes.
        headings: the file's, in its order.
        fields: field code → 0-based column.
    """

    def __init__(self, entity: EntityType, headings: Sequence[str], fields: Mapping[str, int]) -> None:
        self.entity = entity
        self.fields = fields
        self.headings = headings
        self.width = len(headings)
        """How many columns of the file have a heading."""
        self._found: Mapping[str, tuple[int | None, str]] = {
            field.code: (index, str(headings[index]) if index is not None else field.heading)
            for field in entity.fields
            for index in (fields.get(field.code),)
        }

    def has(self, code: str) -> bool:
        """Whether the file has a column for the field."""
        return code in self.fields

    def heading(self, code: str) -> str:
        """The field's heading in the file; the template's when the file has no column for it."""
        return self._found[code][1]

    def error_at(self, row: int, group_row: int, index: int, error: CellError) -> RowError:
        """The error at a cell of the file's, whether its column means a field or not."""
        heading = self.headings[index] if index < self.width else f"Column {column_letter(index)}"
        return RowError(row, group_row, index, heading, error.code, error.message)

    def error(self, row: int, group_row: int, code: str, error: CellError) -> RowError:
        """The error at its row, under the file's own heading."""
        index, heading = self._found[code]
        return RowError(row, group_row, index, heading, error.code, error.message)
