"""The category tree: full paths that are known, and the nearest ones to a path that is not. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from itertools import islice
from typing import TypeAlias

from shared.entities.names import name_key

Path: TypeAlias = tuple[str, ...]
"""The keys of a category's names, from the top of the tree down to it."""

_CLOSE = 0.6
_COMPARED_LENGTH = 100
_SUGGESTED = 3


class CategoryTree:
    """All categories of the tree; any of them can be named, by its full path, not only the leaves.

    Paths are compared segment by segment, trimmed and without case. `paths` gives each category's id and the
    names from the top of the tree down to it.
    """

    def __init__(self, paths: Iterable[tuple[int, Sequence[str]]]) -> None:
        self._ids: dict[Path, int] = {}
        self._shown: dict[Path, str] = {}
        self._by_id: dict[int, str] = {}
        self._children: dict[Path, dict[str, Path]] = {}
        self._by_name: dict[str, list[Path]] = {}
        for category_id, names in paths:
            path = tuple(map(name_key, names))
            self._ids[path] = category_id
            self._shown[path] = self._by_id[category_id] = " > ".join(names)
            self._children.setdefault(path[:-1], {})[path[-1]] = path
            self._by_name.setdefault(path[-1], []).append(path)

    def id_of(self, path: Path) -> int | None:
        """The category's id; None when there is none of this path."""
        return self._ids.get(path)

    def path(self, category_id: int | None) -> str | None:
        """The full path of a category as it is written in a file; None for none, and for one that is not known."""
        return None if category_id is None else self._by_id.get(category_id)

    def shown(self, path: Path) -> str:
        """A known path as it is written in a file."""
        return self._shown[path]

    def ending_with(self, path: Path) -> Sequence[Path]:
        """The known paths of which this one is the end: what is meant by a path that does not begin at the top."""
        return [known for known in self._by_name.get(path[-1], ()) if known[-len(path) :] == path]

    def nearest(self, path: Path) -> Path:
        """Down the tree from the top, at each step the child of the closest name; () when none is close."""
        reached: Path = ()
        for segment in path:
            child = _closest(segment, self._children.get(reached, {}))
            if child is None:
                break
            reached = child
        return reached

    def named(self, name: str) -> Path | None:
        """The only category of this name; None when there is none, or another one has it too."""
        known = self._by_name.get(name, ())
        return known[0] if len(known) == 1 else None

    def suggestions(self, text: str, limit: int = _SUGGESTED) -> list[str]:
        """The known paths that a text most likely means, the likeliest first; at most so many, none when nothing is near."""
        likely = (self._shown[path] for path in dict.fromkeys(self._likely(path_of(text))))
        return list(islice(likely, limit))

    def _likely(self, path: Path) -> Iterator[Path]:
        if ends := self.ending_with(path):
            yield from ends
            return
        nearest = self.nearest(path)
        if len(nearest) == len(path):
            yield nearest
        yield from self._by_name.get(path[-1], ())
        if len(path[-1]) <= _COMPARED_LENGTH:
            for name in get_close_matches(path[-1], self._by_name, n=_SUGGESTED, cutoff=_CLOSE):
                yield from self._by_name[name]
        if nearest:
            yield nearest


def path_of(text: str) -> Path:
    """What a text says of a category: the keys of its segments, which `>` separates."""
    return tuple(name_key(segment) for segment in text.split(">"))


def _closest(segment: str, children: Mapping[str, Path]) -> Path | None:
    exact = children.get(segment)
    if exact is not None or len(segment) > _COMPARED_LENGTH:
        return exact
    close = get_close_matches(segment, children, n=1, cutoff=_CLOSE)
    return children[close[0]] if close else None
