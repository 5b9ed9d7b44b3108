"""The frames of a file: what it was found to be, its rows, its end."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple
from functools import partial
from itertools import chain
from typing import Any
from uuid import UUID

from services.parser.formats.encodings import encoding_notices
from services.parser.formats.file_types import file_type
from services.parser.formats.prescan import Prescanned, prescan
from services.parser.formats.text import TextReader
from services.parser.formats.workbook import WorkbookReader
from services.parser.mapping.decisions import (
    date_decisions,
    decimal_decisions,
    encoding_decision,
    heading_decision,
    quotation_decision,
    samples,
    separator_decision,
    sheet_decision,
)
from services.parser.mapping.layout import FIRST_ROWS, Layout, find_layout
from services.parser.mapping.open_layout import find_open_layout
from services.parser.mapping.survey import Told, has_texts_to_read, survey
from services.parser.reading import frames
from services.parser.reading.request import Request
from services.parser.reading.sheet_rows import row_frames, too_many_columns
from services.parser.refusals import FileRefused
from shared.corrections import decimal_signs_of, first_origin, import_id_of, is_decimals_heading, said_decimal_signs
from shared.entities.cells import Cell, cell_text, is_blank
from shared.entities.dates import ColumnDates, DateFormat
from shared.entities.decimals import ColumnSign
from shared.entities.decisions import Decision
from shared.entities.names import column_letter
from shared.entities.separators import USUAL_SEPARATORS

# Further ones are refused as well; the ledger keeps so many with their lines.
_MOST_SWALLOWED = 1_000


def read(request: Request) -> Iterator[bytes]:
    """The frames of a file: its layout, its rows, the end.

    Raises:
        FileRefused: it cannot be imported, or not to its end.
    """
    if file_type(request.path, request.name) == "workbook":
        yield from _read_workbook(request, prescan(request.path, request.name, request.limits))
    else:
        yield from _read_text(request)


def _read_workbook(request: Request, seen: Prescanned) -> Iterator[bytes]:
    with WorkbookReader(request.path, request.name, seen) as reader:
        sheet, others = reader.choose_sheet(request.entity, request.options.get("sheet"))
        where = f'"{request.name}", sheet "{sheet}"'
        first = reader.first_rows(sheet, request.entity)
        # Programs that know no properties of documents drop them on saving; the rows say it as well.
        parent = import_id_of(request.path) or _origin(first)
        yield from _origin_frame(parent)
        layout = _layout(request, first, where, handed_back=parent is not None, notices=others)
        # A column of numbers or dates without a text has nothing to be decided; so the rows need not be gone through twice.
        has_texts = layout.is_open or has_texts_to_read(request.entity, layout, first)
        looked_at = _readable(reader.rows(sheet)) if has_texts else first
        surveyed = survey(
            request.entity,
            layout,
            looked_at,
            is_text=False,
            is_all=has_texts or len(first) < FIRST_ROWS,
            told=_told_of(request, decimal_signs_of(request.path)),
        )
        layout = surveyed.layout
        chosen = sheet_decision(sheet, asked=_asked(request, "sheet"), sheets=reader.sheets)
        detected = {
            "format": "xlsx",
            "sheet": sheet,
            **surveyed.detected,
            **_told(request, layout, first, [chosen], surveyed.detected),
        }
        yield _layout_frame(request, layout, detected)
        yield from row_frames(request, layout, reader.rows(sheet), hidden=reader.hidden_rows(sheet))


def _readable(rows: Iterable[Sequence[Cell]]) -> Iterator[Sequence[Cell]]:
    """Rows up to where they cannot be read on, which is said when they are read for good."""
    with contextlib.suppress(FileRefused):
        yield from rows


def _read_text(request: Request) -> Iterator[bytes]:
    reader = TextReader(
        request.path,
        request.name,
        request.entity,
        encoding=request.options.get("encoding"),
        delimiter=request.options.get("delimiter"),
    )
    encoding = reader.writing.encoding
    first = reader.first_rows()
    yield from _origin_frame(_origin(first))
    layout = _layout(request, first, f'"{request.name}"', notices=encoding_notices(encoding, request.name))
    rows = reader.rows()
    head, rest = reader.head(rows)
    surveyed = survey(
        request.entity,
        layout,
        _readable(chain[Sequence[Cell]](head, () if rest is None else reader.rows_from(len(head)))),
        is_text=True,
        is_all=True,
        told=_told_of(request, _decimals_told(layout, head)),
    )
    layout = surveyed.layout
    decided = [
        encoding_decision(
            encoding.name, asked=_asked(request, "encoding"), is_guess=encoding.is_guess, piece=encoding.piece
        ),
        separator_decision(reader.writing.delimiter, layout, asked=_asked(request, "delimiter")),
        *quotation_decision(reader.writing.dialect.quote),
    ]
    detected = {
        "format": "text",
        "encoding": encoding.name,
        # What is handed back is separated by it: by one that can be read again.
        "delimiter": reader.writing.delimiter if reader.writing.delimiter in USUAL_SEPARATORS else ",",
        **surveyed.detected,
        **_told(request, layout, head[:FIRST_ROWS], decided, surveyed.detected),
        "swallowed": [list(astuple(part)) for part in reader.swallowed()[:_MOST_SWALLOWED]],
    }
    yield _layout_frame(request, layout, detected)
    yield from row_frames(request, layout, chain(head, rest or ()))


def _origin(rows: Sequence[Sequence[Cell]]) -> UUID | None:
    """The import whose correction file these rows are of, by what they say themselves."""
    found = first_origin(rows)
    return None if found is None else found.import_id


def _origin_frame(parent: UUID | None) -> Iterator[bytes]:
    if parent is not None:
        yield frames.json_frame(frames.ORIGIN, str(parent))


def _layout(
    request: Request,
    first: Sequence[Sequence[Cell]],
    where: str,
    *,
    handed_back: bool = False,
    notices: Sequence[Mapping[str, Any]] = (),
) -> Layout:
    find = find_open_layout if request.is_open else partial(find_layout, chosen=_chosen(request))
    return find(
        request.entity,
        request.mode,
        first,
        where,
        handed_back=handed_back,
        notices=notices,
        wanted_row=request.options.get("heading_row"),
    )


def _chosen(request: Request) -> Callable[[Sequence[str]], Mapping[str, int] | None] | None:
    """What a person has let the columns of the parent mean; None where nobody has."""
    return None if request.parent is None else request.parent.fields


def _told_of(request: Request, signs: Mapping[str, ColumnSign]) -> Told:
    """What is known of how values are written; `signs` are those that the file itself says."""
    parent = request.parent
    return Told(
        decimal=request.options.get("decimal"),
        dates=request.options.get("dates"),
        signs={**({} if parent is None else said_decimal_signs(parent.decimals)), **signs},
        forms={} if parent is None else {code: _form(form) for code, form in parent.dates.items()},
        usual=request.how,
    )


def _form(kept: Mapping[str, Any]) -> ColumnDates:
    return ColumnDates(DateFormat(kept["format"]), decided=True, contested=kept["contested"])


def _decimals_told(layout: Layout, rows: Sequence[Sequence[Cell]]) -> Mapping[str, ColumnSign]:
    """What a CSV that was handed back says of its decimal signs: in every row the same, so the first will do."""
    if not layout.handed_back:
        return {}
    columns = [index for index, heading in enumerate(layout.headings) if is_decimals_heading(heading)]
    below = (cells[index] for cells in rows[layout.heading_row :] for index in columns if index < len(cells))
    return said_decimal_signs(next((cell_text(cell) for cell in below if not is_blank(cell)), ""))


def _told(
    request: Request,
    layout: Layout,
    first: Sequence[Sequence[Cell]],
    decided: Sequence[Decision],
    surveyed: Mapping[str, Any],
) -> dict[str, Any]:
    """What the sender can see of how the file was read: all that was decided, and a cell of each column."""
    decisions = [
        *decided,
        heading_decision(layout, asked=_asked(request, "heading_row")),
        *decimal_decisions(layout, surveyed["decimals"], asked=_asked(request, "decimal")),
        *date_decisions(layout, surveyed.get("dates", {}), asked=_asked(request, "dates")),
    ]
    return {"decisions": decisions, "samples": samples(layout, first)}


def _asked(request: Request, option: str) -> bool:
    return request.options.get(option) is not None


def _layout_frame(request: Request, layout: Layout, detected: Mapping[str, Any]) -> bytes:
    if len(layout.headings) > request.limits.columns:
        raise FileRefused("too_large", too_many_columns(request, len(layout.headings), layout.heading_row))
    longest = max(range(len(layout.headings)), key=lambda column: len(layout.headings[column]), default=0)
    if len(layout.headings[longest]) > request.limits.heading_characters:
        raise FileRefused(
            "heading_too_long",
            f'"{request.name}": the heading in column {column_letter(longest)} has more than '
            f"{request.limits.heading_characters:,} characters; shorten it and send the file again",
        )
    return frames.json_frame(
        frames.LAYOUT,
        {
            "headings": layout.headings,
            "fields": dict(layout.mapping.fields),
            "notices": list(layout.notices),
            "detected": {
                **detected,
                "heading_row": layout.heading_row,
                "example_rows": sorted(layout.examples),
                "blank_headings": layout.blank,
                "handed_back": layout.handed_back,
            },
        },
    )
