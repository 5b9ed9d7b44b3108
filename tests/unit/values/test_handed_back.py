"""A cell of a record that is handed back in a text file says the same when it comes again, or is refused again."""

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.exporter.corrections import HandedBackColumns
from services.validator.rows import RawRow, RowReader
from shared.corrections import restore
from shared.entities.cells import Cell
from shared.entities.columns import Columns
from shared.entities.crm import COMPANIES, OPPORTUNITIES, PEOPLE, TASKS
from shared.entities.dates import DateFormat
from shared.entities.decimals import ColumnSign, Sign
from shared.entities.declaration import EntityType, Field, Kind, Option, Origin
from shared.entities.errors import CellError
from shared.values import How, read_value
from shared.values.keys import linked_parts


def own(code: str, kind: Kind, **more: Any) -> Field:
    return Field(code=code, heading=code.title(), kind=kind, section="", about="", origin=Origin.OWN, **more)


OWN = [
    own("size", Kind.SELECT, multi=True, options=(Option("s", "8-Jun"), Option("m", "1"))),
    own("tag", Kind.TAGS, multi=True),
    own("shade", Kind.COLOUR),
    own("score", Kind.NUMBER),
    own("seen_at", Kind.MOMENT),
]
FIELDS: list[tuple[EntityType, Field]] = [
    (entity.with_fields(OWN), field)
    for entity in (PEOPLE, COMPANIES, OPPORTUNITIES, TASKS)
    for field in (*entity.fields, *OWN)
    if field.kind is not Kind.ID
]
DATES = st.sampled_from(["2026-06-08", "2026-06-08T00:00:00", "2026-06-08T10:30:00", "2026-03-29T02:30:00"])
CODES = st.sampled_from(
    ["d-mmm", "dd/mm/yyyy", "mm-dd-yy", "h:mm", "0%", "0.00", "00 00 00 00", "$#,##0.00", ";;;", '0 "kg"', "0,"]
)
CELLS: st.SearchStrategy[Cell] = st.one_of(
    st.sampled_from(
        [*("4/5/2026", "27/3/2026", "12,5", "1.250", "1,250", "yes", "+45 32123456", "a@x.example; b@y.example", "acme.example"),
         *("#REF!", "'=1+1", "=1+1", "-5", "@x", "8-Jun", "115243746.0", "4.5E+11", "#DATE! 8-Jun", "\u200b1", "#1A7", "+1")]
    ),
    st.text(max_size=12),
    st.booleans(),
    st.integers(-(10**17), 10**17),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.builds(lambda at, code: {"date": at, "as": code}, DATES, CODES),
    st.builds(lambda at: {"date": at}, DATES),
    st.just({"time": "10:00:00"}),
    st.builds(lambda number, code: {"number": number, "as": code}, st.floats(-1e6, 1e9, width=32), CODES),
    st.builds(
        lambda text, link: {"text": text, "link": link},
        st.sampled_from(["Ada", "acme", "ada@x.example"]),
        st.sampled_from(["https://a.example/x", "mailto:ada@acme.example?subject=x", "file:///c:/x"]),
    ),
)  # fmt: skip


def said(entity: EntityType, field: Field, cell: Cell, how: How) -> object:
    """What the cell says, or None where it is refused."""
    layout = {
        "decimals": {"0": how.sign.kept},
        "dates": {"0": {"format": str(how.date), "contested": how.date_contested}},
    }
    reader = RowReader(Columns(entity, [field.heading], {field.code: 0}), layout)
    row = reader.read(RawRow(2, 2, [cell]))
    if row.unreadable:
        return None
    if field.code not in row.values:
        return "blank"
    found = row.values[field.code]
    if field.kind is Kind.RECORD:
        return linked_parts(field, str(found))
    value = read_value(field, found, how)
    return None if isinstance(value, CellError) else value


@settings(max_examples=400)
@given(
    st.sampled_from(FIELDS),
    CELLS,
    st.sampled_from(list(DateFormat)),
    st.sampled_from([ColumnSign(sign, decided=True) for sign in Sign]),
)
@example(
    (TASKS, TASKS.by_code["due_date"]), {"date": "2026-06-08", "as": "dd/mm/yyyy"}, DateFormat.AMERICAN, ColumnSign()
)
@example((OPPORTUNITIES, OPPORTUNITIES.by_code["amount"]), 12.5, DateFormat.ISO, ColumnSign(Sign.COMMA, decided=True))
def test_a_cell_means_the_same_when_it_comes_again(
    of: tuple[EntityType, Field], cell: Cell, date: DateFormat, sign: ColumnSign
) -> None:
    entity, field = of
    how = How(region="DK", time_zone="Europe/Berlin", date=date, date_decided=True, sign=sign)
    columns = HandedBackColumns(entity, [field.heading], {field.code: 0}, 1, decimals={field.code: sign})
    again = restore(columns.in_text_file(0, cell))
    first, second = said(entity, field, cell, how), said(entity, field, again, how)
    if first is None:
        assert second is None, (cell, again)
    else:
        assert second == first, (cell, again)
