"""Failed rows as a sheet: the sender's own columns with their letters, mistakes marked, the reason beside each row."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import urlencode

from shared.entities import EntityType
from shared.entities.declaration import Kind
from shared.entities.names import column_letter
from shared.intake.reading import ReadColumn
from shared.intake.rows import ImportRow, RowPage

ROWS: Final = 50
"""Failed rows of a page, as many as a person reads; it ends with a group all the same."""

_RAW = frozenset(
    {Kind.KEY, Kind.BARCODE, Kind.DECIMAL, Kind.PERCENTAGES, Kind.URL}
    | {Kind.ID, Kind.EMAIL, Kind.PHONE, Kind.LINK, Kind.NUMBER, Kind.DATE, Kind.MOMENT, Kind.COLOUR}
)
_MOST_NAMED = 2


class HasReason(Protocol):
    """What has a code, and the heading it is about."""

    @property
    def code(self) -> str:
        """The code."""

    @property
    def heading(self) -> str | None:
        """The heading."""


@dataclass(frozen=True)
class SheetColumn:
    """A column that is shown: where it stands in the file, and how its cells are set."""

    index: int
    letter: str
    heading: str
    cls: str


@dataclass(frozen=True)
class SheetCell:
    """A cell; `bad` where a mistake is. `cls` is what its look follows from."""

    text: str
    heading: str
    bad: bool
    cls: str


@dataclass(frozen=True)
class SheetRow:
    """A row with its number in the file, and why it was not imported: a heading, or none, and a sentence each."""

    number: int
    cls: str
    repaired: bool
    why: tuple[tuple[str, str], ...]
    cells: tuple[SheetCell, ...]


@dataclass(frozen=True)
class Sheet:
    """A page of failed rows. `previous` and `next` are what the pages beside it begin behind; None where there is none."""

    address: str
    asked: Mapping[str, str | None]
    columns: tuple[SheetColumn, ...]
    rows: tuple[SheetRow, ...]
    column_count: int
    all_columns: bool
    previous: int | None
    next: int | None
    expired: bool
    says: str

    def href(self, **changed: object) -> str:
        """The address of the same sheet, with some of what is asked for changed; None takes it out."""
        asked = {**self.asked, **{name: None if value is None else str(value) for name, value in changed.items()}}
        return f"{self.address_of(self.address, asked)}#details"

    @staticmethod
    def address_of(address: str, asked: Mapping[str, str | None]) -> str:
        """An address with all that is asked for; what is None is not."""
        return f"{address}?{urlencode({name: value for name, value in asked.items() if value is not None})}"

    @staticmethod
    def key(reason: HasReason) -> str:
        """What a reason is called in an address."""
        return reason_key(reason.code, reason.heading)


def reason_key(code: str, heading: str | None) -> str:
    """A reason as an address names it: its code, and the heading it is about."""
    return code if heading is None else f"{code}:{heading}"


def record_keys(entity: EntityType | None) -> set[str]:
    """The headings of the fields that a row is known by: what names its record, and what finds it."""
    if entity is None:
        return set()
    codes = {*entity.names_record, *entity.matches, entity.native}
    return {field.heading for field in entity.fields if field.code in codes}


def reason_of(key: str | None) -> tuple[str, str | None] | None:
    """Code and heading of a reason that an address names; None when it names none."""
    if not key:
        return None
    code, colon, heading = key.partition(":")
    return code, heading if colon else None


def sheet_of(
    page: RowPage,
    columns: Sequence[ReadColumn],
    entity: EntityType | None,
    *,
    address: str,
    asked: Mapping[str, str | None],
    previous: int | None,
    total: int,
    repaired: AbstractSet[int] = frozenset(),
) -> Sheet:
    """The sheet of a page of failed rows. `columns` say what each heading was read as, where that is known.

    The rows `repaired` are in production by now.
    """
    places = _places(page.headings, columns)
    all_columns = asked.get("columns") == "all"
    shown = _shown(page, columns, entity, places, all_columns=all_columns)
    named = next((column.index for column in shown if "id" in column.cls), None)
    return Sheet(
        address=address,
        asked=asked,
        columns=shown,
        rows=tuple(_rows(page.rows, shown, places, repaired)),
        column_count=len(page.headings),
        all_columns=all_columns or (named is None and not shown),
        previous=previous,
        next=page.next,
        expired=page.expired,
        says=_says(page.rows, total, of_reason=bool(asked.get("reason"))),
    )


def _says(rows: Sequence[ImportRow], total: int, *, of_reason: bool) -> str:
    if not rows:
        return ""
    first, last = rows[0].row, rows[-1].row
    where = f"Row {first:,}" if first == last else f"Rows {first:,}–{last:,}"
    if of_reason:
        return f"{where} · {len(rows):,} {'row' if len(rows) == 1 else 'rows'} with this mistake"
    return f"{where} · {len(rows):,} of {total:,} failed {'row' if total == 1 else 'rows'}"


def _places(headings: Sequence[str], columns: Sequence[ReadColumn]) -> dict[str, int]:
    """Where what an error names stands: by the file's heading, else by what the column was read as."""
    places = {column.field: index for index, column in enumerate(columns) if column.field is not None}
    return places | {heading: index for index, heading in reversed(list(enumerate(headings)))}


def _shown(
    page: RowPage,
    columns: Sequence[ReadColumn],
    entity: EntityType | None,
    places: Mapping[str, int],
    *,
    all_columns: bool,
) -> tuple[SheetColumn, ...]:
    """The columns a row is known by and those with mistakes on this page; or all."""
    by_heading = {} if entity is None else {field.heading: field for field in entity.fields}
    mistaken = set().union(*(_bad(row, places) for row in page.rows))
    beyond = max((len(row.cells) for row in page.rows), default=0)
    shown = []
    titled = False
    for index in range(max(len(page.headings), beyond)):
        heading = page.headings[index] if index < len(page.headings) else ""
        said = columns[index].field if index < len(columns) else None
        field = by_heading.get(said if said is not None else heading)
        is_key = field is not None and (field.required or field.heading in record_keys(entity))
        is_beyond = index >= len(page.headings)
        if not (all_columns or is_key or index in mistaken or is_beyond):
            continue
        is_title = is_key and not titled and field is not None and field.kind in {Kind.TEXT, Kind.NAME}
        titled = titled or is_title
        raw = field is not None and (field.kind in _RAW or (entity is not None and field.code in entity.by_identifier))
        cls = "id" if is_title else "mono" if raw else ""
        shown.append(SheetColumn(index, column_letter(index), heading or "No heading", cls))
    return tuple(shown)


def _rows(
    rows: Sequence[ImportRow], columns: Sequence[SheetColumn], places: Mapping[str, int], repaired: AbstractSet[int]
) -> Iterable[SheetRow]:
    to_repair: dict[int, list[int]] = {}
    for row in rows:
        if row.errors:
            to_repair.setdefault(row.group_row, []).append(row.row)
    before = None
    for row in rows:
        bad = _bad(row, places)
        begins = row.group_row != before or row.row == row.group_row
        before = row.group_row
        yield SheetRow(
            number=row.row,
            repaired=row.row in repaired,
            cls=" ".join(name for name, on in (("first", begins), ("held", not row.errors)) if on),
            why=()
            if not row.errors and row.row in repaired
            else _why(row, to_repair.get(row.group_row, [row.group_row])),
            cells=tuple(_cell(row, column, is_bad=column.index in bad) for column in columns),
        )


def _bad(row: ImportRow, places: Mapping[str, int]) -> set[int]:
    """The columns in which a row has a mistake."""
    return {places[error.heading] for error in row.errors if error.heading is not None and error.heading in places}


def _cell(row: ImportRow, column: SheetColumn, *, is_bad: bool) -> SheetCell:
    text = row.cells[column.index] if column.index < len(row.cells) else ""
    cls = " ".join(name for name in ("bad" if is_bad else "", column.cls) if name)
    return SheetCell(text, column.heading, is_bad, cls)


def _why(row: ImportRow, to_repair: Sequence[int]) -> tuple[tuple[str, str], ...]:
    """One sentence a reason; headings that share one stand together. A row without any waits for those of its group."""
    if not row.errors:
        return (("", f"Fine by itself; waits for {_named(to_repair)}"),)
    headings: dict[str, list[str]] = {}
    for error in row.errors:
        headings.setdefault(error.message, []).append(error.heading or "")
    return tuple(_said(", ".join(filter(None, names)), message) for message, names in headings.items())


def _said(heading: str, message: str) -> tuple[str, str]:
    """A heading and what is said of it; a sentence that begins with it does not say it twice."""
    return heading, message.removeprefix(f"{heading} ") if heading else message


def _named(rows: Sequence[int]) -> str:
    if len(rows) == 1:
        return f"row {rows[0]:,}"
    if len(rows) <= _MOST_NAMED:
        return "rows " + " and ".join(f"{row:,}" for row in rows)
    return f"{len(rows):,} rows from row {rows[0]:,} on"
