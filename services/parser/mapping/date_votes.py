"""In which order the dates of a column are written, as all of its texts say. Real dates of a workbook have no say: they are clear. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.entities.cells import BLANKS, Cell
from shared.entities.dates import ColumnDates, DateFormat, written_date
from shared.entities.declaration import EntityType, Kind

DATES = frozenset({Kind.DATE, Kind.MOMENT})
_REMEMBERED = 8_000
_MOST_EXAMPLE = 40
_SHORTEST, _LONGEST = len("1/1/2026"), 40
_TWO_ORDERS = (DateFormat.EUROPEAN, DateFormat.AMERICAN)


@dataclass
class DateVotes:
    """What a column's texts say: how many for each order, and the first of each; the first that can be either."""

    count: dict[DateFormat, int] = field(default_factory=lambda: dict.fromkeys(DateFormat, 0))
    first: dict[DateFormat, tuple[int, str]] = field(default_factory=dict)
    first_open: tuple[int, str] | None = None

    _known: dict[str, DateFormat | None] = field(default_factory=dict)

    def note(self, row: int, text: str) -> None:
        """Count what a text says."""
        if text[4:5] == "-" and text[:4].isdigit():
            # Of moments hardly one comes twice: the year first is enough to know them by.
            self.count[DateFormat.ISO] += 1
            return
        known = self._known
        if text not in known:
            if len(known) >= _REMEMBERED:
                known.clear()
            known[text] = self._order(row, text)
        order = known[text]
        if order is not None:
            self.count[order] += 1
            if order not in self.first:
                self.first[order] = (row, text)

    def dates(self, *, seen_all: bool) -> ColumnDates:
        """What follows for the column; nothing is decided where every date can be either, or only some of it was seen."""
        european, american = self.count[DateFormat.EUROPEAN], self.count[DateFormat.AMERICAN]
        if not european and not american:
            is_iso = bool(self.count[DateFormat.ISO]) and self.first_open is None and seen_all
            return ColumnDates(decided=is_iso, contested=not seen_all)
        more = DateFormat.EUROPEAN if european >= american else DateFormat.AMERICAN
        return ColumnDates(more, decided=True, contested=bool(european and american))

    def proof(self, dates: ColumnDates) -> tuple[int, str] | None:
        """The first cell that decided, or that can be either where nothing did."""
        return self.first.get(dates.format) if dates.decided else self.first_open

    def _order(self, row: int, text: str) -> DateFormat | None:
        written = written_date(text.strip(BLANKS))
        if written is None:
            return None
        if written.is_open and self.first_open is None:
            self.first_open = (row, text.strip(BLANKS))
        return written.order


def has_dates(entity: EntityType) -> bool:
    """Whether a column of such a file can be one of dates."""
    return any(field.kind in DATES for field in entity.fields)


def with_dates(cells: Sequence[Cell]) -> Iterator[int]:
    """The columns in which a row has a text that is a date."""
    for index, cell in enumerate(cells):
        if (
            isinstance(cell, str)
            and _SHORTEST <= len(cell) <= _LONGEST
            and written_date(cell.strip(BLANKS)) is not None
        ):
            yield index


def kept(dates: ColumnDates, votes: DateVotes) -> Mapping[str, Any]:
    """What the ledger keeps of a column: its order, and the cell that shows it."""
    row, text = votes.proof(dates) or (None, None)
    return {**dates.kept, "row": row, "text": None if text is None else text[:_MOST_EXAMPLE]}


def date_notice(
    heading: str, dates: ColumnDates, votes: DateVotes, *, usual: DateFormat, named: bool
) -> Mapping[str, Any] | None:
    """What the sender is told of a column whose dates do not all say their order; None when there is nothing to tell.

    `usual` is how the tenant writes dates; `named` whether the sender has said it of this file.
    """
    about = {"code": "date_format", "column": heading}
    fewer = next((order for order in _TWO_ORDERS if order is not dates.format and order in votes.first), None)
    if dates.decided and dates.contested and not named and fewer is not None and dates.format in votes.first:
        (row, text), (other_row, other) = votes.first[dates.format], votes.first[fewer]
        message = (
            f'{heading}: dates were read with {dates.format.says}, as "{_cut(text)}" in row {row}; "{_cut(other)}" in row '
            f"{other_row} has {fewer.says}. Such dates, and those that can be either, were not imported"
        )
        return {**about, "message": message, "row": other_row}
    if dates.decided:
        if dates.format is DateFormat.ISO:
            return None
        found = votes.first.get(dates.format)
        why = (
            "as you said"
            if named
            else f'as "{_cut(found[1])}" in row {found[0]}'
            if found
            else "as in the file it corrects"
        )
        shown_in = found[0] if found and not named else None
        return {**about, "message": f"{heading}: dates were read with {dates.format.says}, {why}", "row": shown_in}
    if votes.first_open is None:
        return None
    row, text = votes.first_open
    if dates.contested or usual is DateFormat.ISO:
        message = f'{heading}: dates such as "{_cut(text)}" (row {row}) can be read in two ways and were not imported'
        return {**about, "message": f"{message}; name the date format and send the file again", "row": row}
    message = f'{heading}: dates such as "{_cut(text)}" (row {row}) were read with {usual.says}, as is usual with you'
    return {
        **about,
        "message": f"{message}; if that is wrong, name the date format and send the file again",
        "row": row,
    }


def _cut(text: str) -> str:
    return text[:_MOST_EXAMPLE]
