"""How fast the reading process reads workbooks, as ratios measured in one run: `make bench`.

The floor is what no reader can do without: the library's rows as JSON, unlooked at. A workbook without formats must stay
near it (before cells had formats it was 0.36); one in which every number has a format may cost half as much again.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import orjson
import xlsxwriter
from python_calamine_plus import CalamineWorkbook

from services.parser.reading.contents import read
from services.parser.reading.limits import Limits
from services.parser.reading.request import Request
from shared.entities import PRODUCTS

_ROUNDS = 3


def main() -> None:
    """Write the workbooks, read each a few times, say the best."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=50_000)
    rows: int = arguments.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        plain, formatted = Path(folder, "plain.xlsx"), Path(folder, "formatted.xlsx")
        _write(plain, rows, "General")
        _write(formatted, rows, "0.00")
        floor = _rate(rows, lambda: _floor(plain))
        ours = _rate(rows, lambda: _read(plain))
        with_formats = _rate(rows, lambda: _read(formatted))
    print(f"floor       {floor:>9,.0f} rows/s")
    print(f"plain       {ours:>9,.0f} rows/s   {ours / floor:.2f} of the floor")
    print(f"with formats{with_formats:>9,.0f} rows/s   {with_formats / ours:.2f} of plain")


def _write(path: Path, rows: int, code: str) -> None:
    codes = (
        "title",
        "handle",
        "description",
        "barcode",
        "sku",
        "materials",
        "percentages",
        "tags",
        "season",
        "weight_g",
    )
    with xlsxwriter.Workbook(str(path)) as book:
        page = book.add_worksheet(PRODUCTS.sheet)
        look = book.add_format({"num_format": code})
        page.write_row(0, 0, [PRODUCTS.by_code[name].heading for name in codes])
        for number in range(1, rows + 1):
            page.write_row(
                number,
                0,
                [f"Tee {number}", f"tee-{number}", "Of organic cotton", f"{4006381000000 + number}", f"SKU-{number}"],
            )
            page.write_row(number, 5, ["Cotton; Linen", "80; 20", "mens; tee", "SS26"])
            page.write_number(number, 9, number % 400 + 0.5, look)


def _rate(rows: int, once: Callable[[], None]) -> float:
    seconds = []
    for _ in range(_ROUNDS):
        began = time.process_time()
        once()
        seconds.append(time.process_time() - began)
    return rows / min(seconds)


def _floor(path: Path) -> None:
    for values in CalamineWorkbook.from_path(str(path)).stream_sheet_by_name(PRODUCTS.sheet):
        orjson.dumps(values)


def _read(path: Path) -> None:
    for _ in read(Request(path, path.name, PRODUCTS, "create", {}, Limits())):
        pass


if __name__ == "__main__":
    main()
