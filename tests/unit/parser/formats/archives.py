"""Workbooks written part by part, so that a test can spoil one of them."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import quoteattr

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"

TYPES = "[Content_Types].xml"
BOOK = "xl/workbook.xml"
SHEET = "xl/worksheets/sheet1.xml"
STRINGS = "xl/sharedStrings.xml"
STYLES = "xl/styles.xml"
RELATIONS_OF_BOOK = "xl/_rels/workbook.xml.rels"

Parts = Mapping[str, str | bytes]


def sheet_xml(rows: str, *, dimension: str = "A1:C2") -> str:
    """A worksheet with these rows."""
    return f'<worksheet {MAIN}><dimension ref="{dimension}"/><sheetData>{rows}</sheetData></worksheet>'


def strings_xml(*texts: str, count: int | None = None, unique: int | None = None) -> str:
    """Shared strings, announced as many as there are unless told otherwise."""
    items = "".join(f"<si><t>{text}</t></si>" for text in texts)
    announced = f'count="{len(texts) if count is None else count}" '
    announced += f'uniqueCount="{len(texts) if unique is None else unique}"'
    return f"<sst {MAIN} {announced}>{items}</sst>"


def styles_xml(*codes: str) -> str:
    """Styles of which number 0 is General, number 1 the first of these formats, and so on."""
    formats = "".join(
        f'<numFmt numFmtId="{number}" formatCode={quoteattr(code)}/>' for number, code in enumerate(codes, start=170)
    )
    styles = "".join(f'<xf numFmtId="{number}"/>' for number in range(170, 170 + len(codes)))
    return (
        f'<styleSheet {MAIN}><numFmts count="{len(codes)}">{formats}</numFmts><fonts><font/></fonts><fills><fill><patternFill/></fill></fills>'
        f'<borders><border/></borders><cellStyleXfs><xf numFmtId="9"/></cellStyleXfs><cellXfs><xf numFmtId="0"/>{styles}'
        '</cellXfs><cellStyles><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
    )


def row_xml(number: int, *texts: str) -> str:
    """A row of texts."""
    cells = "".join(
        f'<c r="{chr(65 + column)}{number}" t="inlineStr"><is><t>{text}</t></is></c>'
        for column, text in enumerate(texts)
    )
    return f'<row r="{number}">{cells}</row>'


def parts(**replaced: str | bytes) -> dict[str, str | bytes]:
    """The parts of an ordinary workbook of one product; `sheet`, `strings`, `styles`, `types` and `book` replace one."""
    rows = row_xml(1, "Product Title", "Product Handle", "SKU") + row_xml(2, "Tee", "tee", "T-1")
    whole: dict[str, str | bytes] = {
        TYPES: replaced.pop(
            "types",
            f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/>'
            + "".join(
                f'<Override PartName="/{part}" ContentType="{SPREADSHEET}.{kind}+xml"/>'
                for part, kind in ((BOOK, "sheet.main"), (SHEET, "worksheet"), (STRINGS, "sharedStrings"))
            )
            + "</Types>",
        ),
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="r1" Type="{RELATIONS}/officeDocument" Target="{BOOK}"/></Relationships>',
        BOOK: replaced.pop(
            "book",
            f'<workbook {MAIN} xmlns:r="{RELATIONS}"><sheets><sheet name="Products" sheetId="1" r:id="r1"/></sheets>'
            "</workbook>",
        ),
        RELATIONS_OF_BOOK: f'<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="r1" Type="{RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="r2" Type="{RELATIONS}/sharedStrings" Target="sharedStrings.xml"/>'
        f'<Relationship Id="r3" Type="{RELATIONS}/styles" Target="styles.xml"/></Relationships>',
        SHEET: replaced.pop("sheet", sheet_xml(rows)),
        STRINGS: replaced.pop("strings", strings_xml("a", "b")),
        STYLES: replaced.pop("styles", styles_xml()),
    }
    assert not replaced, replaced
    return whole


def archive(path: Path, content: Parts, *, compression: int = zipfile.ZIP_DEFLATED) -> Path:
    """Write a ZIP archive of these parts."""
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, part in content.items():
            file.writestr(name, part)
    return path
