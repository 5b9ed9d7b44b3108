"""What a category cell means: the category of its full path, or what to type instead."""

from collections.abc import Iterable, Sequence

from shared.entities.categories import CategoryTree, Path, path_of
from shared.entities.errors import CellError, shown

_NAMED_PATHS = 3
_REMEMBERED = 4_096
_REMEMBERED_LENGTH = 1_024


class Categories(CategoryTree):
    """The category tree, asked for the texts of cells; what was answered is remembered."""

    def __init__(self, paths: Iterable[tuple[int, Sequence[str]]]) -> None:
        super().__init__(paths)
        self._answers: dict[str, int | CellError] = {}

    def find(self, text: str) -> int | CellError:
        """The id of the category with this full path, or `not_found` with the nearest path known."""
        answer = self._answers.get(text)
        if answer is None:
            answer = self._find(text)
            if len(self._answers) >= _REMEMBERED:
                self._answers.clear()
            if len(text) <= _REMEMBERED_LENGTH:
                self._answers[text] = answer
        return answer

    def _find(self, text: str) -> int | CellError:
        path = path_of(text)
        found = self.id_of(path)
        if found is not None:
            return found
        named = " > ".join(segment.strip() for segment in text.split(">"))
        return CellError("not_found", f'Category "{shown(named)}" not found{self._way_out(path)}')

    def _way_out(self, path: Path) -> str:
        if ends := self.ending_with(path):
            paths = " or ".join(f'"{self.shown(end)}"' for end in ends[:_NAMED_PATHS])
            return f"; the full path is needed: {paths}{', for example' if ends[_NAMED_PATHS:] else ''}"
        named = self.named(path[-1])
        nearest = named or self.nearest(path)
        if named is None and len(nearest) < len(path):
            known = f'; as far as "{self.shown(nearest)}" the path is known' if nearest else ""
            return f"{known}; use the full path of a known category, A > B > C"
        return f'; did you mean "{self.shown(nearest)}"?'
