"""A file that is handed back and sent again as it is creates nothing, whatever was in it: every stage but servers."""

import csv
import datetime as dt
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.exporter.corrections import FailedRow, HandedBackColumns, Origin
from services.exporter.failed_rows import FailedRowsFile
from services.exporter.workbook import CorrectionWorkbook
from services.parser.mapping.chunks import Chunk, ChunkCutter, ChunkSizes
from services.parser.reading import frames
from services.parser.reading.contents import read
from services.parser.reading.limits import Limits
from services.parser.reading.request import Request
from services.parser.refusals import FileRefused
from services.validator.asked import Asked
from services.validator.outcomes import Duplicate
from services.validator.products.categories import Categories
from services.validator.products.groups import References
from services.validator.products.product import FailedProduct, Known, Product
from services.validator.products.rules import check
from services.validator.rows import RawRow, RowReader
from shared.entities import PRODUCTS
from shared.entities.cells import read_cells
from shared.entities.columns import Columns
from shared.entities.decimals import ColumnSign
from shared.entities.errors import UNIDENTIFIED

TREE = Categories([(1, ["Clothing"]), (2, ["Clothing", "Jeans"])])
HEADINGS = PRODUCTS.headings
ORIGIN = Origin(UUID(int=7), "autumn", datetime(2026, 1, 31, tzinfo=UTC))
SIZES = ChunkSizes(first_rows=3, rows=3)


@dataclass
class Catalogue:
    """What has been created so far."""

    handles: set[str] = field(default_factory=set)
    barcodes: dict[str, str] = field(default_factory=dict)
    skus: dict[str, str] = field(default_factory=dict)

    def add(self, product: Product) -> None:
        self.handles.add(product.handle)
        self.barcodes |= {variant.barcode: product.handle for variant in product.variants if variant.barcode}
        self.skus |= {variant.sku: product.handle for variant in product.variants if variant.sku}

    @property
    def known(self) -> Known:
        return Known(frozenset(self.handles), self.barcodes, self.skus)


@dataclass(frozen=True)
class Outcome:
    """What became of a file: products that were created, rows that failed, and how they are handed back."""

    created: int
    failed: Sequence[FailedRow]
    columns: HandedBackColumns | None = None
    decimals: Mapping[str, ColumnSign] = field(default_factory=dict)


def imported(path: Path, catalogue: Catalogue) -> Outcome:
    """Read, cut and check a file, against the catalogue as it was before; what is good is in it then."""
    request = Request(path, path.name, PRODUCTS, "create", {}, Limits())
    headings: Sequence[str] = ()
    fields: Mapping[str, int] = {}
    sheet = None
    detected: dict[str, Any] = {}
    cutter = ChunkCutter(PRODUCTS, SIZES)
    chunks: list[Chunk] = []
    for said in read(request):
        _, kind = frames.read_header(said[: frames.HEADER])
        payload = said[frames.HEADER :]
        if kind == frames.LAYOUT:
            layout = json.loads(payload)
            headings, fields, detected = layout["headings"], layout["fields"], layout["detected"]
            sheet = detected.get("sheet")
        elif kind == frames.ROWS:
            chunks += (chunk for row in frames.read_rows(payload) for cut in cutter.add(row) for chunk in cut)
    chunks += cutter.finish()
    columns = Columns(PRODUCTS, headings, fields)
    known, created = catalogue.known, 0
    failed: list[FailedRow] = []
    for chunk in chunks:
        raws = [RawRow(row, group, read_cells(cells)) for row, group, cells in chunk.rows]
        duplicates = [Duplicate(**duplicate) for duplicate in json.loads(json.dumps(chunk.duplicates))]
        groups = RowReader(columns, detected).read_all(raws)
        for product in check(groups, columns, References(known, TREE, Asked(duplicates=duplicates))).products:
            if isinstance(product, Product):
                catalogue.add(product)
                created += 1
            else:
                assert isinstance(product, FailedProduct)
                failed += _handed_back(product, raws, fields)
    width = max((len(row.cells) for row in failed), default=0)
    decimals = {code: ColumnSign.of_layout(detected, fields[code]) for code in fields}
    handed_back = HandedBackColumns(
        PRODUCTS, headings, fields, width, sheet=sheet, decimals=decimals, import_id=ORIGIN.import_id
    )
    return Outcome(created, sorted(failed, key=lambda row: row.row), handed_back, decimals)


def _handed_back(product: FailedProduct, raws: Sequence[RawRow], fields: Mapping[str, int]) -> Iterator[FailedRow]:
    """As the exporter's statement has it."""
    bad = min(error.row_no for error in product.errors)
    key_column = fields["handle"]
    key = None
    for raw in raws:
        keys = raw.cells[key_column : key_column + 1]
        if raw.group_row == raw.row and keys and keys[0] is not None and raw.row <= product.row:
            key = keys[0]
        if raw.group_row == product.row:
            errors = [error for error in product.errors if error.row_no == raw.row]
            alone = any(error.code == UNIDENTIFIED for error in errors)
            yield FailedRow(raw.row, raw.group_row, bad, raw.cells, errors, key if alone else None)


def handed_back(outcome: Outcome, folder: Path, kind: str) -> Path:
    """The file that is handed back."""
    assert outcome.columns is not None
    path = folder / f"corrections.{kind}"
    if kind == "xlsx":
        with CorrectionWorkbook(
            path, outcome.columns, replace(ORIGIN, decimals=outcome.decimals), comments=100
        ) as workbook:
            workbook.add(outcome.failed)
    else:
        with FailedRowsFile(path, outcome.columns) as file:
            file.add(outcome.failed)
    return path


def written(folder: Path, kind: str, rows: Sequence[Mapping[str, Any]]) -> Path:
    """A file of these rows."""
    path = folder / f"autumn.{kind}"
    # So much UTF-8 in a column of no meaning that a byte which is none is a stray one.
    remark = "\u00e9" * 400
    table: list[list[Any]] = [
        [*HEADINGS, "Remark"],
        *([*(row.get(code) for code in PRODUCTS.by_code), remark] for row in rows),
    ]
    if kind == "xlsx":
        with xlsxwriter.Workbook(str(path), {"strings_to_urls": False}) as book:
            page, day = book.add_worksheet("Products"), book.add_format({"num_format": "d-mmm"})
            for number, cells in enumerate(table):
                for column, cell in enumerate(cells):
                    if isinstance(cell, dt.date):
                        page.write_datetime(number, column, cell, day)
                    elif isinstance(cell, str):
                        page.write_string(number, column, cell)
                    elif cell is not None:
                        page.write_number(number, column, cell)
    else:
        with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            csv.writer(file).writerows([["" if cell is None else str(cell) for cell in cells] for cells in table])
    return path


def unmended(rows: Sequence[Mapping[str, Any]], kind: str, again: str) -> tuple[Outcome, Outcome]:
    """What becomes of a file, and of what is handed back of it when it is sent again as it is."""
    with tempfile.TemporaryDirectory() as name:
        folder, catalogue = Path(name), Catalogue()
        first = imported(written(folder, kind, rows), catalogue)
        if not first.failed:
            return first, replace(first, created=0)
        return first, imported(handed_back(first, folder, again), catalogue)


def product(number: int, **cells: Any) -> dict[str, Any]:
    return {"title": f"Shirt {number}", "handle": f"shirt-{number}", "sku": f"S-{number}", **cells}


BAD: Mapping[str, Sequence[Any]] = {
    "title": ["", "\u00ad", "Bl\ufffdte", "Bl\udcfcte", "#REF!", "x\x01y", "x" * 40_000, "#NAME?"],
    "handle": ["a\nb", "h" * 3_000, "\ufffd", "#N/A", "bl\udcfcte"],
    "barcode": ["4.0E+12", "4,00638E+12", "115243746.0", "1234\t5678", "#VALUE!", 1.5],
    "sku": ["s" * 3_000, "S\ufffd", "S\rX", "Err:502", "S-\udce9", "8-Jun", "08. Jun", "1.98E17"],
    "image_url": ["ftp://a.example/x", "a.example/x.png", "https://a.example/1,https://a.example/2", "https://", "-"],
    "status": ["new", "published;archived", "@live", 7],
    "category": ["Jeans", "Nowhere > At all", ">", "+Clothing"],
    "season": ["#BEZUG!", "\udcff", "n" * 3_000],
    "tags": ["50% off, sale", ";".join(map(str, range(1_001))), "a;\ufffd"],
    "attribute_value_1": ["S", "#REF!"],
    "carbon_kg": ["twelve", "-1", "1e3", "NaN", "99999999999", "1.23456", -3],
    "weight_g": ["250 g", "1,5,0", "\u22125", "=A1", "1.234", "1½", "５-"],
    "materials": ["80% Cotton, 20% Elastane", "Cotton 80%", "Cotton:80, Elastane:20", "Cotton:", ":80", "A:60;B:60"],
    "percentages": ["80;20;30", "0", "101", "ten", "60;;40"],
    "description": ["\ufffd", "cut \udce4", "a\x0bb", "#N/A", "d" * 33_000],
}


def fits_workbook(cell: Any) -> bool:
    """Whether a workbook can hold it: no byte that is no text, and no more text than a cell has room for."""
    return not isinstance(cell, str) or (len(cell) <= 32_767 and not any("\ud800" <= char <= "\udfff" for char in cell))


CASES = [(code, cell) for code, cells in BAD.items() for cell in cells]


@pytest.mark.parametrize("again", ["xlsx", "csv"])
@pytest.mark.parametrize(("code", "cell"), CASES, ids=[f"{code}-{number}" for number, (code, _) in enumerate(CASES)])
def test_every_kind_of_bad_cell_is_refused_again(code: str, cell: Any, again: str) -> None:
    bad = product(1, **{"percentages": None, code: cell})
    if code == "percentages":
        bad["materials"] = "Cotton"
    for kind in ["xlsx", "csv"] if fits_workbook(cell) else ["csv"]:
        first, second = unmended([product(2), bad, {"sku": "S-1b"}, product(3)], kind, again)
        assert (first.created, len(first.failed)) == (2, 2), (kind, [row.errors for row in first.failed])
        assert (second.created, len(second.failed)) == (0, 2), kind


WEIGHTS = {
    "a minority with a decimal comma": ["1,25", "2.5", "3.5"],
    "a minority with a decimal point": ["1.25", "2,5", "3,5"],
    "one that may be either, beside both": ["1,250", "2.5", "3,5"],
    "one that may be either, and a plain one": ["1,250", "2"],
    "a number of a workbook beside a decimal comma": [1.125, "2,5"],
}


@pytest.mark.parametrize("again", ["xlsx", "csv"])
@pytest.mark.parametrize("kind", ["xlsx", "csv"])
@pytest.mark.parametrize("weights", WEIGHTS.values(), ids=WEIGHTS)
def test_a_part_of_a_column_does_not_decide_its_decimal_sign_anew(weights: list[Any], kind: str, again: str) -> None:
    first, second = unmended([product(number, weight_g=weight) for number, weight in enumerate(weights)], kind, again)
    assert second.created == 0
    assert len(second.failed) == len(first.failed)


LONE = st.sampled_from(
    [
        {"title": "Total", "weight_g": 12},
        {"title": "Blue", "attribute_1": "Color", "attribute_value_1": "Blue"},
        {"status": "published"},
        {"description": "All prices without VAT", "tags": "a"},
        dict(zip(PRODUCTS.by_code, HEADINGS, strict=True)),
    ]
)
ROW = st.one_of(
    st.builds(product, st.integers(1, 4)),
    st.builds(lambda number, sku: product(number, sku=f"S-{sku}"), st.integers(1, 4), st.integers(1, 9)),
    st.builds(lambda sku: {"sku": f"S-{sku}"}, st.integers(1, 9)),
    st.builds(lambda number: {"handle": f"shirt-{number}"}, st.integers(1, 4)),
    st.builds(lambda sku, bad: {"sku": f"S-{sku}", bad[0]: bad[1]}, st.integers(1, 9), st.sampled_from(CASES)),
    st.builds(lambda number, bad: product(number, **{bad[0]: bad[1]}), st.integers(1, 4), st.sampled_from(CASES)),
    LONE,
)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ROW, min_size=1, max_size=9), st.sampled_from(["xlsx", "csv"]), st.sampled_from(["xlsx", "csv"]))
def test_whatever_rows_a_file_has_what_is_handed_back_creates_nothing(
    rows: list[dict[str, Any]], kind: str, again: str
) -> None:
    if kind == "xlsx":
        rows = [{code: cell for code, cell in row.items() if fits_workbook(cell)} for row in rows]
    try:
        first, second = unmended(rows, kind, again)
    except FileRefused as refused:
        assert refused.code == "no_data_rows", refused.message
        return
    assert second.created == 0
    assert len(second.failed) == len(first.failed)
