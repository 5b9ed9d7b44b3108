"""In which order the dates of a file are written is found for each column, and told; nothing is guessed."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import openpyxl
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.exporter.corrections import FailedRow, HandedBackColumns, Origin
from services.exporter.failed_rows import FailedRowsFile
from services.parser.mapping import survey as surveys
from services.parser.mapping.date_votes import DateVotes
from shared.entities import ENTITY_TYPES
from shared.entities.errors import CellError, RowError
from shared.values import How, read_value
from tests.harness.said_rows import SaidRows, said_rows

DEALS = ENTITY_TYPES["opportunities"]
ORIGIN = Origin(UUID("0190f2f0-0000-7000-8000-000000000001"), "deals.csv", datetime(2026, 6, 8, tzinfo=UTC))


def deals(path: Path, *dates: str) -> Path:
    lines = [f'Deal {number},"{date}"' for number, date in enumerate(dates, start=2)]
    path.write_text("\n".join(["Name,Close Date", *lines, ""]), encoding="utf-8")
    return path


def closes(said: SaidRows, **settings: Any) -> dict[int, str]:
    """By row, the date or what is wrong with it."""
    how = How.of_settings(settings).of_column(said.layout, said.fields["close_date"])
    read = {
        row: read_value(DEALS.by_code["close_date"], values["close_date"], how)
        for row, values in said.values.items()
        if "close_date" in values
    }
    return {row: value.message if isinstance(value, CellError) else str(value) for row, value in read.items()}


def decided(said: SaidRows) -> dict[str, str]:
    return {decision["name"]: decision["value"] for decision in said.layout["decisions"]}


@pytest.mark.parametrize(
    ("typed", "form", "read"),
    [
        (["4/5/2026", "27/3/2026"], "european", ["2026-05-04", "2026-03-27"]),
        (["4/5/2026", "3/27/2026"], "american", ["2026-04-05", "2026-03-27"]),
        (["4.5.2026", "27. 3. 2026", "2026-01-02"], "european", ["2026-05-04", "2026-03-27", "2026-01-02"]),
        (["2026-05-04", "2026-3-7"], "iso", ["2026-05-04", "2026-03-07"]),
    ],
)
def test_a_day_over_twelve_decides_for_its_column(tmp_path: Path, typed: list[str], form: str, read: list[str]) -> None:
    said = said_rows(deals(tmp_path / "deals.csv", *typed), entity="opportunities")
    assert said.layout["dates"]["1"]["format"] == form
    assert list(closes(said).values()) == read


def test_what_decided_is_shown(tmp_path: Path) -> None:
    said = said_rows(deals(tmp_path / "deals.csv", "4/5/2026", "27/3/2026"), entity="opportunities")
    assert said.layout["dates"]["1"] == {"format": "european", "contested": False, "row": 3, "text": "27/3/2026"}
    assert said.notice("date_format") == 'Close Date: dates were read with the day first, as "27/3/2026" in row 3'
    assert decided(said)["dates"] == "the day first"


def test_a_day_far_below_decides_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surveys, "MOST_ROWS", 10)
    said = said_rows(deals(tmp_path / "deals.csv", *["4/5/2026"] * 30, "27/3/2026"), entity="opportunities")
    assert set(closes(said).values()) == {"2026-05-04", "2026-03-27"}


def test_a_column_that_is_not_imported_is_not_looked_through_to_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surveys, "MOST_ROWS", 10)
    path = tmp_path / "deals.csv"
    path.write_text("\n".join(["Name,Made", *(f"Deal {n},4/5/2026" for n in range(30)), ""]), encoding="utf-8")
    said = said_rows(path, entity="opportunities")
    assert said.layout["dates"]["1"] == {"format": None, "contested": True, "row": 2, "text": "4/5/2026"}
    # Where a person will say what it is, it is.
    guided = said_rows(path, entity="opportunities", guided=True)
    assert guided.layout["dates"]["1"]["contested"] is False


def test_where_nothing_decides_the_habit_of_the_tenant_does_and_it_is_told(tmp_path: Path) -> None:
    path = deals(tmp_path / "deals.csv", "4/5/2026", "1/2/2026")
    said = said_rows(path, entity="opportunities", settings={"date_format": "american"})
    assert said.layout["dates"]["1"]["format"] is None
    assert list(closes(said, date_format="american").values()) == ["2026-04-05", "2026-01-02"]
    assert 'dates such as "4/5/2026" (row 2) were read with the month first, as is usual' in said.notice("date_format")


def test_who_has_no_habit_is_asked(tmp_path: Path) -> None:
    said = said_rows(deals(tmp_path / "deals.csv", "4/5/2026", "5/5/2026"), entity="opportunities")
    assert "can be read in two ways and were not imported" in said.notice("date_format")
    first, second = closes(said).values()
    assert "type 2026-05-04 or 2026-04-05" in first
    assert second == "2026-05-05"


def test_the_senders_word_comes_first(tmp_path: Path) -> None:
    path = deals(tmp_path / "deals.csv", "4/5/2026", "27/3/2026")
    said = said_rows(path, entity="opportunities", dates="american")
    assert closes(said)[2] == "2026-04-05"
    assert "this column is read with the month first; type 2026-03-27" in closes(said)[3]
    assert said.notice("date_format") == "Close Date: dates were read with the month first, as you said"


def test_in_a_column_of_both_the_fewer_and_what_may_be_either_are_refused(tmp_path: Path) -> None:
    path = deals(tmp_path / "deals.csv", "27/3/2026", "28/3/2026", "3/29/2026", "4/5/2026", "2026-01-02")
    said = said_rows(path, entity="opportunities", settings={"date_format": "american"})
    read = closes(said, date_format="american")
    assert [read[2], read[3], read[6]] == ["2026-03-27", "2026-03-28", "2026-01-02"]
    assert "type 2026-03-29" in read[4]
    assert "type 2026-05-04 or 2026-04-05" in read[5]
    assert '"3/29/2026" in row 4 has the month first' in said.notice("date_format")


def test_real_dates_of_a_workbook_need_no_vote_and_texts_beside_them_do(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in (
        ["Name", "Close Date"],
        ["A", datetime(2026, 5, 4)],  # noqa: DTZ001 - as spreadsheets have them
        ["B", "4/5/2026"],
        ["C", "27/3/2026"],
    ):
        sheet.append(row)
    book.save(tmp_path / "deals.xlsx")
    said = said_rows(tmp_path / "deals.xlsx", entity="opportunities")
    assert list(closes(said, date_format="american").values()) == ["2026-05-04", "2026-05-04", "2026-03-27"]


def test_a_column_that_nobody_has_looked_at_is_asked_about(tmp_path: Path) -> None:
    said = said_rows(deals(tmp_path / "deals.csv", "27/3/2026"), entity="opportunities")
    how = How.of_settings({"date_format": "american"}).of_column(said.layout, 7)
    assert isinstance(read_value(DEALS.by_code["close_date"], "4/5/2026", how), CellError)


def test_files_without_dates_are_not_looked_through_for_them(tmp_path: Path) -> None:
    path = tmp_path / "shirts.csv"
    path.write_text("Product Title,Product Handle,SKU\nTee,tee,27/3/2026\n", encoding="utf-8")
    assert "dates" not in said_rows(path).layout


@pytest.mark.parametrize("mend", ["2026-03-27", "4/5/2026"])
def test_what_is_handed_back_is_read_in_the_same_form(tmp_path: Path, mend: str) -> None:
    """Alone, the rows that are handed back might look different: the form is the parent's."""
    said = said_rows(deals(tmp_path / "deals.csv", "27/3/2026", "soon"), entity="opportunities")
    columns = HandedBackColumns(DEALS, said.headings, said.fields, 2, import_id=ORIGIN.import_id)
    path = tmp_path / "failed.csv"
    with FailedRowsFile(path, columns) as file:
        error = RowError(3, 3, 1, "Close Date", "invalid_date", closes(said)[3])
        file.add([FailedRow(3, 3, 3, said.cells[3], [error])])
    mended = path.read_text(encoding="utf-8-sig").replace("soon", mend)
    path.write_text(mended, encoding="utf-8")
    again = said_rows(
        path, entity="opportunities", parent_dates={"close_date": {"format": "european", "contested": False}}
    )
    assert list(closes(again, date_format="american").values()) == [
        {"2026-03-27": "2026-03-27", "4/5/2026": "2026-05-04"}[mend]
    ]
    # Without its parent, what may be either is asked about.
    alone = said_rows(path, entity="opportunities", settings={"date_format": "american"})
    assert ("in two ways" in closes(alone, date_format="american")[2]) is (mend == "4/5/2026")


@given(
    st.lists(st.sampled_from(["4/5/2026", "27/3/2026", "3/27/2026", "2026-03-27", "x", "5/5/2026", "27 Mar 2026"])),
    st.randoms(),
)
def test_the_order_of_rows_decides_nothing(texts: list[str], random: Any) -> None:
    shuffled = list(texts)
    random.shuffle(shuffled)
    found = []
    for column in (texts, shuffled):
        votes = DateVotes()
        for row, text in enumerate(column):
            votes.note(row, text)
        found.append(votes.dates(seen_all=True))
    assert found[0] == found[1]
    assert orjson.loads(orjson.dumps(found[0].kept)) == found[0].kept
