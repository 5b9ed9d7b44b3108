"""What is decided from many rows before the first is handed on: decimal signs, forms of dates, columns without a heading. Pure.

The first `MOST_ROWS` are looked at whole; of later ones the columns of numbers and dates, for a sign that only they have makes
what may be either uncertain above as well. So it is the same however the rows are cut.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from services.parser.mapping.date_votes import DATES, DateVotes, date_notice, has_dates, kept, with_dates
from services.parser.mapping.layout import Layout
from shared.entities import EntityType
from shared.entities.cells import BLANKS, Cell, cell_text, is_blank
from shared.entities.dates import ColumnDates, DateFormat
from shared.entities.decimals import ColumnSign, Sign, figures, written
from shared.entities.declaration import NUMERIC, Kind
from shared.entities.names import column_letter
from shared.values import How

MOST_ROWS, MOST_CELLS = 20_000, 1_000_000
_SAMPLE_ROWS = 200
_REMEMBERED = 8_000
_SEPARATING = frozenset(";|%")
_TO_READ = DATES | {Kind.DECIMAL, Kind.NUMBER}
_MOST_EXAMPLE = 40


@dataclass
class _Votes:
    """What a column's texts say of its decimal sign: how many for each, how many for neither, and the first of each."""

    is_list: bool = False
    count: dict[Sign, int] = field(default_factory=lambda: dict.fromkeys(Sign, 0))
    first: dict[Sign, tuple[int, str]] = field(default_factory=dict)
    first_open: tuple[int, str] | None = None

    _known: dict[str, Sign | None] = field(default_factory=dict)

    def note(self, row: int, text: str) -> None:
        """Count what a text says."""
        if text in self._known:
            if (sign := self._known[text]) is not None:
                self.count[sign] += 1
            return
        before = dict(self.count)
        self._note(row, text)
        if len(self._known) < _REMEMBERED and sum(self.count.values()) - sum(before.values()) <= 1:
            self._known[text] = next((sign for sign in Sign if self.count[sign] > before[sign]), None)

    def _note(self, row: int, text: str) -> None:
        for part in figures(text).replace("|", ";").split(";") if self.is_list else (text,):
            number = written(part.strip(BLANKS).removesuffix("%").strip(BLANKS))
            if number is None:
                continue
            if number.is_open and self.first_open is None:
                self.first_open = (row, text)
            if number.sign is None or (self.is_list and "," in text and _SEPARATING.isdisjoint(text)):
                continue
            self.count[number.sign] += 1
            self.first.setdefault(number.sign, (row, text))

    def sign(self, *, seen_all: bool) -> ColumnSign:
        comma, point = self.count[Sign.COMMA], self.count[Sign.POINT]
        if not comma and not point:
            return ColumnSign(contested=not seen_all)
        return ColumnSign(Sign.COMMA if comma > point else Sign.POINT, decided=True, contested=bool(comma and point))


@dataclass(frozen=True)
class Told:
    """What is known of a file before it is looked at.

    Attributes:
        decimal: the decimal sign that the sender names, for every column.
        dates: the form of dates that the sender names, for every column.
        signs: by field, the decimal signs that a correction file says it was written with.
        forms: by field, the forms of dates that its parent was read with.
        usual: how the tenant writes values, where nothing else decides.
    """

    decimal: str | None = None
    dates: str | None = None
    signs: Mapping[str, ColumnSign] = field(default_factory=dict)
    forms: Mapping[str, ColumnDates] = field(default_factory=dict)
    usual: How = field(default_factory=How)


_NOTHING = Told()


@dataclass(frozen=True)
class Surveyed:
    """What the rows of a file say together. `detected` is kept with the import."""

    layout: Layout
    detected: Mapping[str, Any]


def survey(
    entity: EntityType,
    layout: Layout,
    rows: Iterable[Sequence[Cell]],
    *,
    is_text: bool,
    is_all: bool,
    told: Told = _NOTHING,
) -> Surveyed:
    """Look at the rows of a sheet, from row 1.

    Args:
        entity: what a row describes.
        layout: what the first rows were found to be.
        rows: all of them, or the first; those beyond `MOST_ROWS` are taken only where something is to be found.
        is_text: of a text file, in which every number and date is a text.
        is_all: whether these are all rows of the file.
        told: what is known already.
    """
    kinds = {layout.mapping.fields[code]: entity.by_code[code].kind for code in layout.mapping.fields}
    fields = {index: code for code, index in layout.mapping.fields.items()}
    votes = {index: _Votes(kind is Kind.PERCENTAGES) for index, kind in kinds.items() if kind in NUMERIC}
    dates = {index: DateVotes() for index, kind in kinds.items() if kind in DATES}
    extent = _Extent(len(layout.headings))
    asked = {index for code, index in layout.mapping.fields.items() if code in told.signs}
    if told.decimal is not None:
        counted: Mapping[int, _Votes] = {}
    elif layout.is_open:
        counted = votes
    else:
        counted = {index: column for index, column in votes.items() if index not in asked}
    to_end = None if layout.is_open else frozenset(dates) if told.dates is None else frozenset()
    looking = _Looking(votes, dates, extent, counted, may_have_dates=has_dates(entity), dates_to_end=to_end)
    rows_seen = _look(layout, rows, looking)
    signs = {
        index: _sign(found, told, fields.get(index), seen_all=is_all, handed_back=layout.handed_back)
        for index, found in sorted(votes.items())
    }
    forms = {
        index: _form(
            found,
            told,
            fields.get(index),
            seen_all=is_all and looking.was_seen(index, rows_seen),
            handed_back=layout.handed_back,
        )
        for index, found in sorted(dates.items())
    }
    notices = [
        notice
        for index, sign in signs.items()
        if kinds.get(index) in NUMERIC and (notice := _decimal_notice(layout.headings[index], sign, votes[index], told))
    ]
    notices += [
        notice
        for index, form in forms.items()
        if kinds.get(index) in DATES
        and (
            notice := date_notice(
                layout.headings[index], form, dates[index], usual=told.usual.date, named=told.dates is not None
            )
        )
    ]
    layout, more = _with_unnamed_columns(layout, extent, is_text=is_text)
    layout = replace(layout, notices=(*layout.notices, *notices, *more))
    detected: dict[str, Any] = {"decimals": {str(index): sign.kept for index, sign in signs.items()}}
    if looking.may_have_dates:
        detected["dates"] = {str(index): kept(form, dates[index]) for index, form in forms.items()}
    return Surveyed(layout, detected)


def _sign(found: _Votes, told: Told, code: str | None, *, seen_all: bool, handed_back: bool) -> ColumnSign:
    if told.decimal is not None:
        return ColumnSign(Sign(told.decimal), decided=True)
    if code is not None and code in told.signs:
        return told.signs[code]
    sign = found.sign(seen_all=seen_all)
    # What is handed back is a part of a file: alone it may look different.
    return replace(sign, contested=True) if handed_back else sign


def _form(found: DateVotes, told: Told, code: str | None, *, seen_all: bool, handed_back: bool) -> ColumnDates:
    if told.dates is not None:
        return ColumnDates(DateFormat(told.dates), decided=True)
    if code is not None and code in told.forms:
        return told.forms[code]
    form = found.dates(seen_all=seen_all and not handed_back)
    return replace(form, contested=True) if handed_back else form


def has_texts_to_read(entity: EntityType, layout: Layout, rows: Iterable[Sequence[Cell]]) -> bool:
    """Whether any of these rows has a text where a number or a date is expected."""
    columns = [index for code, index in layout.mapping.fields.items() if entity.by_code[code].kind in _TO_READ]
    below = list(rows)[layout.heading_row :]
    return any(
        isinstance(cells[index], str) and not is_blank(cells[index])
        for cells in below
        for index in columns
        if index < len(cells)
    )


@dataclass(frozen=True)
class _Looking:
    """What is looked for: votes by column, and of those the ones that are counted to the end of the file."""

    votes: dict[int, _Votes]
    dates: dict[int, DateVotes]
    extent: "_Extent"
    counted: Mapping[int, _Votes]
    may_have_dates: bool
    dates_to_end: frozenset[int] | None
    """Of the columns of dates those that are; None for all of them."""

    def find_more(self, cells: Sequence[Cell]) -> None:
        """Look for it in further columns, where a row has such a text."""
        self.votes.update((index, _Votes()) for index in _with_signs(cells) if index not in self.votes)
        if self.may_have_dates:
            self.dates.update((index, DateVotes()) for index in with_dates(cells) if index not in self.dates)

    def on(self) -> list[tuple[int, "_Votes | DateVotes"]]:
        """The columns that are looked at to the end."""
        last = self.dates_to_end
        dates = [(index, votes) for index, votes in self.dates.items() if last is None or index in last]
        return [*self.counted.items(), *dates]

    def was_seen(self, index: int, rows: int) -> bool:
        """Whether all of a column of dates was looked at, in a file of so many rows."""
        return rows <= MOST_ROWS or self.dates_to_end is None or index in self.dates_to_end


class _Extent:
    """Which columns beyond the last heading are filled: in how many of the data rows, and what with first."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.rows = 0
        self.filled: dict[int, int] = {}
        self.only_figures: dict[int, bool] = {}

    def note(self, cells: Sequence[Cell]) -> None:
        self.rows += 1
        if len(cells) <= self.width:
            return
        for index in range(self.width, len(cells)):
            if not is_blank(cells[index]):
                self.filled[index] = self.filled.get(index, 0) + 1
                text = cell_text(cells[index]).strip(BLANKS)
                self.only_figures[index] = self.only_figures.get(index, True) and text.isdecimal()

    def throughout(self, *, is_text: bool) -> list[int]:
        """Columns in which every data row says something, one that has no heading; none when it may be half a number."""
        if self.rows < 2:  # noqa: PLR2004 - of one row nothing can be said
            return []
        found = [index for index in sorted(self.filled) if self.filled[index] == self.rows]
        # The decimals behind an unquoted decimal comma stand in a column of their own, too.
        return [] if is_text and any(self.only_figures[index] for index in found) else found


def _look(layout: Layout, rows: Iterable[Sequence[Cell]], looking: _Looking) -> int:
    """Count, also in columns that a person may yet call numbers or dates; far below only those that have something to decide.

    Returns the number of the last row that was looked at, or of the first of which nothing was to be decided.
    """
    votes, dates, extent = looking.votes, looking.dates, looking.extent
    mapped = range(len(layout.headings)) if layout.is_open else sorted(layout.mapping.fields.values())
    number = 0
    numbered = enumerate(rows, start=1)
    for number, cells in numbered:
        if number > MOST_ROWS:
            _look_on(number, cells, looking.on())
            break
        if number <= layout.heading_row or number in layout.examples:
            continue
        width = len(cells)
        if not any(cells[index] for index in mapped if index < width):
            continue
        extent.note(cells)
        if extent.rows <= _SAMPLE_ROWS:
            looking.find_more(cells)
        for index, column in votes.items():
            if index < width and isinstance(text := cells[index], str) and not text.isdigit():
                column.note(number, text.strip(BLANKS))
        if dates:
            _look_on(number, cells, dates.items())
    if counted := looking.on():
        for number, cells in numbered:
            _look_on(number, cells, counted)
    return number


def _look_on(number: int, cells: Sequence[Cell], counted: Iterable[tuple[int, _Votes | DateVotes]]) -> None:
    """Count in these columns alone."""
    width = len(cells)
    for index, column in counted:
        if index < width and (text := cells[index]) and isinstance(text, str) and not text.isdigit():
            column.note(number, text.strip(BLANKS))


def _with_signs(cells: Sequence[Cell]) -> Iterator[int]:
    """The columns in which a row has a number that says, or asks, what its decimal sign is."""
    for index, cell in enumerate(cells):
        if isinstance(cell, str) and cell[-1:].isdigit() and not cell.isalnum():
            number = written(cell.strip(BLANKS))
            if number is not None and (number.is_open or number.sign is not None):
                yield index


def _with_unnamed_columns(layout: Layout, extent: _Extent, *, is_text: bool) -> tuple[Layout, list[Mapping[str, Any]]]:
    """The layout with the columns beyond its headings that are filled throughout, and a notice of each."""
    if layout.is_open:
        return _with_all_columns(layout, extent), []
    beyond = [] if layout.handed_back else extent.throughout(is_text=is_text)
    if not beyond:
        return layout, []
    more = [f"Column_{index + 1}" for index in range(len(layout.headings), beyond[-1] + 1)]
    notices: list[Mapping[str, Any]] = [
        {
            "code": "blank_heading",
            "message": f"Column {column_letter(index)} has no heading and was ignored",
            "column": f"Column_{index + 1}",
        }
        for index in beyond
    ]
    return replace(layout, headings=(*layout.headings, *more)), notices


def _with_all_columns(layout: Layout, extent: _Extent) -> Layout:
    """The layout with every column in which a row says something: a person says what it means."""
    width = max(extent.filled, default=-1) + 1
    beyond = range(len(layout.headings), width)
    more = [f"Column_{index + 1}" for index in beyond]
    return replace(layout, headings=(*layout.headings, *more), blank=(*layout.blank, *beyond))


def _decimal_notice(heading: str, sign: ColumnSign, votes: _Votes, told: Told) -> Mapping[str, Any] | None:
    """What the sender is told of a column whose numbers are not all plain; None when there is nothing to tell."""
    about = {"code": "decimal_sign", "column": heading}
    named, usual = told.decimal is not None, told.usual.sign
    if sign.contested and sign.decided and len(votes.first) > 1:
        other = Sign.POINT if sign.sign is Sign.COMMA else Sign.COMMA
        (row, text), (minority_row, minority) = votes.first[sign.sign], votes.first[other]
        message = (
            f'{heading}: numbers were read with a decimal {sign.sign}, as "{text[:_MOST_EXAMPLE]}" in row {row}; '
            f'"{minority[:_MOST_EXAMPLE]}" in row {minority_row} has a decimal {other}, and was not imported'
        )
        return {**about, "message": message, "row": minority_row}
    if sign.sign is Sign.COMMA:
        row, text = votes.first.get(Sign.COMMA) or votes.first_open or (0, "")
        why = "as you said" if named else f'as "{text[:_MOST_EXAMPLE]}" in row {row}'
        return {**about, "message": f"{heading}: numbers were read with a decimal comma, {why}", "row": row or None}
    if votes.first_open is not None and not named:
        row, text = votes.first_open
        read = "with a decimal point" if sign.decided else "only where they can mean one thing"
        if usual.decided and not sign.decided and not sign.contested:
            read = f"with a decimal {usual.sign}, as is usual with you"
        return {
            **about,
            "message": f'{heading}: numbers such as "{text[:_MOST_EXAMPLE]}" (row {row}) were read {read}; if that is wrong, '
            f"name the decimal sign and send the file again",
            "row": row,
        }
    return None
