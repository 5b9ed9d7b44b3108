"""Files dropped on a page as a desktop does it, and repaired as a person does it."""

from pathlib import Path

import openpyxl

from services.gateway.pages.example import FILE_NAME, example_workbook
from tests.harness.browsing import Visitor


def example(folder: Path) -> Path:
    """The example file of the import page: 40 products with 3 variants each; three products have a mistake."""
    path = folder / FILE_NAME
    path.write_bytes(example_workbook())
    return path


async def drop(visitor: Visitor, path: Path) -> None:
    """Drag a file from the desktop onto the zone, and let go of it."""
    box = await visitor.page.locator(".drop").bounding_box()
    assert box is not None
    session = await visitor.context.new_cdp_session(visitor.page)
    place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        await session.send("Input.dispatchDragEvent", {"type": kind, **place, "data": data})
    await session.detach()


def repair(corrections: Path) -> Path:
    """Put right what is red in the corrections of the example file; the same file, as another."""
    book = openpyxl.load_workbook(corrections)
    sheet = book.worksheets[0]
    places = {cell.value: index for index, cell in enumerate(sheet[1])}
    for row in sheet.iter_rows(min_row=2):
        category, barcode = row[places["Category"]], row[places["Barcode"]]
        percentages = row[places["Percentages"]]
        if category.value == "Tops > Shirts":
            category.value = "Clothing > Shirts"
        if barcode.value == "4.0E+12":
            barcode.value = "5701234599999"
        if percentages.value == "80; 40":
            percentages.value = "60; 40"
    repaired = corrections.with_name(f"repaired-{corrections.name}")
    book.save(repaired)
    return repaired
