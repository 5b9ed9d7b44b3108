"""The category tree: full paths that are known, and the nearest one to a path that is not."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import TypeAlias

from shared.entities.errors import CellError, shown
from shared.entities.names import name_key

_Path: TypeAlias = tuple[str, ...]

_CLOSE = 0.6
_COMPARED_LENGTH = 100
_NAMED_PATHS = 3
_REMEMBERED = 4_096
_REMEMBERED_LENGTH = 1_024


class Categories:
    """All categories of the tree; any of them can be named, by its full path, not only the leaves.

    Paths are compared segment by segment, trimmed and without case. `paths` gives each category's id and the
    names from the top of the tree down to it.
    """

    def __init__(self, paths: Iterable[tuple[int, Sequence[str]]]) -> None:
        self._ids: dict[_Path, int] = {}
        self._shown: dict[_Path, str] = {}
        self._paths: dict[int, str] = {}
        self._children: dict[_Path, dict[str, _Path]] = {}
        self._by_name: dict[str, list[_Path]] = {}
        for category_id, names in paths:
            path = tuple(map(name_key, names))
            self._ids[path] = category_id
            self._shown[path] = " > ".join(names)
            self._paths[category_id] = self._shown[path]
            self._children.setdefault(path[:-1], {})[path[-1]] = path
            self._by_name.setdefault(path[-1], []).append(path)
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

    def path(self, category_id: int | None) -> str | None:
        """The full path of a category; None for none."""
        return None if category_id is None else self._paths.get(category_id)

    def _find(self, text: str) -> int | CellError:
        path = tuple(name_key(segment) for segment in text.split(">"))
        found = self._ids.get(path)
        if found is not None:
            return found
        named = " > ".join(segment.strip() for segment in text.split(">"))
        return CellError("not_found", f'Category "{shown(named)}" not found{self._way_out(path)}')

    def _way_out(self, path: _Path) -> str:
        if ends := self._ending_with(path):
            paths = " or ".join(f'"{self._shown[end]}"' for end in ends[:_NAMED_PATHS])
            return f"; the full path is needed: {paths}{', for example' if ends[_NAMED_PATHS:] else ''}"
        named = self._nearest_name(path[-1])
        nearest = named or self._nearest(path)
        if named is None and len(nearest) < len(path):
            known = f'; as far as "{self._shown[nearest]}" the path is known' if nearest else ""
            return f"{known}; use the full path of a known category, A > B > C"
        return f'; did you mean "{self._shown[nearest]}"?'

    def _ending_with(self, path: _Path) -> Sequence[_Path]:
        return [known for known in self._by_name.get(path[-1], ()) if known[-len(path) :] == path]

    def _nearest(self, path: _Path) -> _Path:
        """Down the tree from the top, at each step the child of the closest name; () when none is close."""
        reached: _Path = ()
        for segment in path:
            child = _closest(segment, self._children.get(reached, {}))
            if child is None:
                break
            reached = child
        return reached

    def _nearest_name(self, name: str) -> _Path | None:
        known = self._by_name.get(name, ())
        return known[0] if len(known) == 1 else None


def _closest(segment: str, children: Mapping[str, _Path]) -> _Path | None:
    exact = children.get(segment)
    if exact is not None or len(segment) > _COMPARED_LENGTH:
        return exact
    close = get_close_matches(segment, children, n=1, cutoff=_CLOSE)
    return children[close[0]] if close else None
