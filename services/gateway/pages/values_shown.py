"""The values of a column as a page of them shows them: what is asked for, each value with what is to be said of it, what is empty."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, get_args
from urllib.parse import urlencode

from services.gateway.pages.figures import counted, number
from services.gateway.pages.words import State
from shared.api.guided import ColumnValue, ColumnValuePage, GuidedColumn, ValueSort

NEEDS_REVIEW: Final = "needs_review"
FILTERS: Final[Mapping[str, str]] = {
    "all": "All",
    NEEDS_REVIEW: "Needs review",
    "modified": "Modified",
    "skipped": "Skipped",
}
MOST_FREQUENT: Final = "-rows"
"""The order where none is said."""

_CHECKING: Final = State("", "circle-notch", "Being checked")


@dataclass(frozen=True)
class Asked:
    """What an address asks for of a column's values; what makes no sense is taken as not said."""

    place: str
    show: str = ""
    q: str = ""
    sort: str = ""
    page: str = ""

    def href(self, beyond: str = "", **changed: str) -> str:
        """The address of the same with some of it changed, or of what lies beyond its place."""
        said = {**self.__dict__, **changed}
        place = f"{said.pop('place')}{beyond}"
        asked = {name: value for name, value in said.items() if value}
        return f"{place}?{urlencode(asked)}" if asked else place


class ValueShown(NamedTuple):
    """A value as a row of the page; `n` is its number there."""

    n: int
    value: str
    rows: int
    state: State | None
    replacement: str
    changed: bool
    still_wrong: bool
    hint: str


def asked_by(place: str, said: Mapping[str, str]) -> Asked:
    """What an address asks for."""
    show, sort = said.get("show", ""), said.get("sort", "")
    return Asked(
        place,
        show=show if show in FILTERS else "",
        q="".join(letter for letter in said.get("q", "") if letter.isprintable())[:200],
        sort=sort if sort in get_args(ValueSort) and sort != MOST_FREQUENT else "",
        page=said.get("page", "")[:3_000],
    )


def shown_value(n: int, value: ColumnValue, *, at_once: bool = True) -> ValueShown:
    """A value with what is to be said of it. `at_once`: what is wrong with a replacement is known before its rows are checked."""
    changed = value.skipped or value.replacement is not None
    state: State | None = None
    if value.problem is not None:
        state = State("bad", "x-circle", _beside(value.value, value.problem.message))
    elif value.skipped:
        state = State("", "minus-circle", "Skipped, counts as blank")
    elif value.pending and not at_once:
        state = _CHECKING
    elif changed:
        state = State("ok", "check-circle", "Fits now")
    return ValueShown(
        n=n,
        value=value.value,
        rows=value.rows,
        state=state,
        replacement=value.replacement or "",
        changed=changed,
        still_wrong=value.replacement is not None and value.problem is not None,
        hint=f"Right value, for {'its row' if value.rows == 1 else f'all {number(value.rows)} rows'}",
    )


class Head(NamedTuple):
    """The head of a column; with an address where it sorts."""

    title: str
    cls: str = ""
    href: str = ""
    sorted: str = ""


def heads(asked: Asked) -> list[Head]:
    """The heads of the table; those of the value and of its rows sort."""
    sort = asked.sort or MOST_FREQUENT

    def sorting(title: str, by: str, cls: str, *, down_first: bool) -> Head:
        current, down = sort.lstrip("-") == by, sort.startswith("-")
        down_next = not down if current else down_first
        order = f"{'-' if down_next else ''}{by}"
        href = asked.href(sort="" if order == MOST_FREQUENT else order, page="")
        return Head(title, cls, href, ("descending" if down else "ascending") if current else "")

    return [
        sorting("Value in your file", "value", "", down_first=False),
        sorting("Rows", "rows", "num", down_first=True),
        Head("Problem"),
        Head("Use instead"),
    ]


def shown_words(asked: Asked, found: ColumnValuePage) -> str:
    """How many values are on the page: `1–100 of 1,187 values`."""
    total = getattr(found.counts, asked.show)
    if asked.q or asked.page:
        return f"{counted(len(found.items), 'value')} on this page"
    return (
        counted(total, "value")
        if total == len(found.items)
        else f"1–{number(len(found.items))} of {number(total)} values"
    )


def nothing_words(asked: Asked, column: GuidedColumn, found: ColumnValuePage) -> dict[str, str]:
    """What is said where no value is shown: why, and what would be there."""
    if asked.q:
        return {"icon": "magnifying-glass", "title": "No value fits", "words": f"Nothing like “{asked.q}” among these values of {column.heading}."}  # fmt: skip
    if asked.show == NEEDS_REVIEW and found.undecided_rows:
        return {"icon": "clock", "title": "The values are being checked", "words": "What does not fit will be listed here."}  # fmt: skip
    words = {
        "all": ("tray", "This column is blank", "No row has a value in it."),
        NEEDS_REVIEW: ("check-circle", "Every value fits", f"There is nothing to put right in {column.heading}."),
        "modified": ("pencil-simple", "Nothing is modified", "Values that you put right are listed here."),
        "skipped": ("minus-circle", "Nothing is skipped", "Values that you skip are listed here."),
    }
    icon, title, said = words[asked.show]
    return {"icon": icon, "title": title, "words": said}


def _beside(value: str, message: str) -> str:
    """What is wrong with a value, said beside it: a sentence that begins with the value does not say it again."""
    said = message.removeprefix(f'"{value}" ')
    return f"{said[:1].upper()}{said[1:]}"
