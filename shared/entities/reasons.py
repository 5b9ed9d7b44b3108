"""Every reason for which a row or a file is not imported, in one place: its code, what it means, what to do about it."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Reason(NamedTuple):
    """One reason. `code` may end in `*` where a field's code follows; `example` is a message as its reader gets it."""

    code: str
    title: str
    example: str
    to_do: str


ROW_REASONS: tuple[Reason, ...] = (
    Reason("required", "A cell that must be filled is blank", "Product Title is required", "Fill the cell."),
    Reason(
        "unidentified_row",
        "A row that nothing identifies",
        "Barcode or SKU is required. Is this a totals row? Delete it",
        "Give the row a barcode or an SKU; delete it if it is a total or a note.",
    ),
    Reason(
        "orphan_variant",
        "A variant without a product",
        "Variant row found before any product row",
        "Put the row below its product, or give it the product's handle.",
    ),
    Reason(
        "duplicate_in_file",
        "An earlier row has the value",
        'SKU "T-1" was used in row 2 already; give each variant its own',
        "Change or delete one of the two rows; put the rows of one product together.",
    ),
    Reason(
        "already_exists",
        "The value is taken by what was imported before",
        'Barcode "4006381333931" belongs to product "tee"',
        "Delete the rows if they were imported before; else give them values of their own.",
    ),
    Reason(
        "not_found",
        "A category, a user or a record that is not known; in `enrich`, a variant",
        'Category "Jeans" not found; the full path is needed: "Clothing > Jeans"',
        "Use the full path of a known category, the e-mail address of a user. Correct the barcode or SKU, or send the row in `upsert`, which adds variants.",
    ),
    Reason(
        "conflict",
        "What a row is known by is of different records",
        'Barcode "4006381333931" and SKU "T-2" belong to different variants',
        "Correct or clear the one that is not the record's own; give a variant's row the handle of its product.",
    ),
    Reason(
        "first_rows_failed",
        "A row of a product whose first rows failed",
        'The rows of product "tee" that begin in row 2 were not imported; correct them, and this row comes with them',
        "Correct the rows that the message names, and send all of them again.",
    ),
    Reason(
        "invalid_number",
        "No number that can be kept as it is",
        '"12abc" is not a number; use a point for decimals',
        "Type the number alone, without unit or exponent.",
    ),
    Reason(
        "invalid_percentage",
        "Percentages that make no sense",
        "The percentages add up to 120; together they may be at most 100",
        "Give each material one number above 0, in the order of the materials.",
    ),
    Reason("invalid_boolean", "Neither yes nor no", '"maybe" is neither yes nor no; type yes or no', "Type yes or no."),
    Reason(
        "invalid_date",
        "No date, or one that can be read in two ways",
        '"4/5/2026" can be read in two ways; type 2026-05-04 or 2026-04-05 (or name the date format when you send the file)',
        "Type the year first, as in 2027-03-31. Where a column has the day first here and the month first there, that is needed in all of it.",
    ),
    Reason(
        "invalid_email",
        "No e-mail address",
        '"Ada <ada@acme.example>" has more than an e-mail address; type ada@acme.example',
        "Type the address alone; several are separated by commas where the column may have them.",
    ),
    Reason(
        "invalid_link",
        "No web address",
        '"acme" is no web address; type it as https://www.company.com/page or company.com',
        "Type an address that begins with https:// or http://, or the domain alone.",
    ),
    Reason(
        "invalid_phone",
        "No phone number",
        '"123" has too few digits; type it with its country\'s code, such as +45 32 12 34 56, or as it is dialled in DK',
        "Type all digits, with the country's code. Format the column as text where digits were lost.",
    ),
    Reason(
        "invalid_colour",
        "No colour",
        '"blue" is no colour; type it as #RGB or #RRGGBB, such as #1A73E8',
        "Type the colour's digits behind #.",
    ),
    Reason(
        "too_many_values",
        "More values than are kept",
        "Emails has 6 values; at most 5 are kept",
        "Take some of them out.",
    ),
    Reason(
        "incomplete_pair",
        "One of two cells that go together is blank",
        "Attribute 1 needs Attribute Value 1",
        "Fill both, or neither.",
    ),
    Reason(
        "duplicate_attribute",
        "An attribute twice in a row",
        '"Color" is given twice in this row; keep one of them',
        "Keep one of them.",
    ),
    Reason(
        "invalid_list",
        "A list that is separated by commas",
        '"50% off, sale" is a list with percentages, but commas do not separate lists; use ; and only names',
        "Put ; between the names.",
    ),
    Reason(
        "invalid_url",
        "No full web address, or more than one",
        '"brand.com/x.png" is not a full web address; start with https:// or http://, without spaces',
        "Give one whole address.",
    ),
    Reason(
        "invalid_choice",
        "A word that is none of the choices",
        '"new" is not a status; choose unpublished, published, archived or scheduled',
        "Choose one of them.",
    ),
    Reason(
        "invalid_cell",
        "A cell that cannot be read or kept",
        "#REF! is a spreadsheet error; put a value in its place",
        "Type the value again.",
    ),
    Reason(
        "invalid_*",
        "An identifier that a program has made a number of",
        '"4.0E+12" is a barcode that a program has made a number of; format the column as text and enter all digits',
        "Format the column as text and type all digits.",
    ),
    Reason(
        "cells_beyond_headings",
        "A value too many in the row",
        '"Fjord" stands in a column without heading: the row has a value too many, and those before it may have moved',
        "Put each value under its heading, and leave nothing beyond; quote a value that has a separator in it.",
    ),
    Reason(
        "other_table",
        "A row of another table",
        "Row 12 of the file has other headings, so this row belongs to another table: send that as a file of its own",
        "Send the other table as a file of its own; if the row belongs here, put each value under its heading.",
    ),
    Reason(
        "swallowed_row",
        "A row within quotation marks of another",
        "A quotation mark is opened in line 3 of the file and is closed only in line 6",
        "Check the row, and remove the quotation mark at the beginning of the cell that has one.",
    ),
    Reason(
        "open_quotation_mark",
        "A quotation mark that is not closed",
        'The quotation mark at the beginning of "Tee is not closed; remove it, or close it',
        "Remove the quotation mark, or close it.",
    ),
    Reason(
        "record_in_one_cell",
        "A whole row in one cell",
        'The whole row stands in one cell; put each value in a cell of its own: "Tee" | "tee" | "T-1"',
        "Put each value in a cell of its own.",
    ),
    Reason(
        "changed_since",
        "Of an import that is taken back: somebody else changed the record since",
        'The variant with SKU "T-1" was changed since by "prices.xlsx" (import 0197-…), so it is left as it is. Undo that import first, '
        "then this one again",
        "Undo the import that is named and then this one again, or leave the record as it is.",
    ),
    Reason(
        "changed_meanwhile",
        "Other imports changed what the rows are about, each time they were to be written",
        "What was there of this product was changed by other imports again and again while this file was imported",
        "Send the rows again when the other imports have ended.",
    ),
    Reason(
        "rejected",
        "The database refuses it although every rule was kept",
        "The database refuses this product: value too long (SQLSTATE 22001). Change what this says and send the product again",
        "Change what the message says.",
    ),
    Reason(
        "internal",
        "An unexpected error on our side",
        "Not imported because of an unexpected error on our side, not because of what this row says: quote reference W-3F09A1C2",
        "Quote the reference to whoever runs Winnow, or send it again later.",
    ),
)

FILE_REASONS: tuple[Reason, ...] = (
    Reason("empty", "A file of no bytes", '"a.xlsx" is empty: it has no bytes at all', "Export it once more."),
    Reason("damaged", "A file that cannot be unpacked, or read to its end", '"a.xlsx" is damaged', "Open it in a spreadsheet program, save it under a new name, and send that."),
    Reason("not_a_spreadsheet", "Another kind of file", '"a.xlsx" is a PDF document', "Send a workbook or text file."),
    Reason("encrypted", "A password protects it", '"a.xlsx" is protected with a password', "Save it without a password and send that."),
    Reason("old_format", "An .xls", '"a.xls" is an old Excel file (.xls)', "Save it as .xlsx."),
    Reason("binary_workbook", "An .xlsb", '"a.xlsb" is a binary workbook (.xlsb)', "Save it as .xlsx."),
    Reason("opendocument", "An .ods", '"a.ods" is an OpenDocument file (.ods)', "Save it as .xlsx."),
    Reason("macros", "An .xlsm", '"a.xlsm" is a workbook with macros (.xlsm)', "Save it as .xlsx."),
    Reason("too_large", "More than is read", '"a.xlsx" has more than 1,048,576 rows', "Split it into several files and send those."),
    Reason("too_many_parts", "A workbook of too many parts", '"a.xlsx" consists of 2,400 parts', "Copy the rows into a new workbook and send that."),
    Reason("suspicious", "A workbook that contradicts itself", '"a.xlsx" announces 9 texts and has not the size', "Open it in a spreadsheet program, save it under a new name, and send that."),
    Reason("xml_entities", "XML that no spreadsheet program writes", '"a.xlsx" defines XML entities', "Copy the rows into a new workbook and send that."),
    Reason("unusual_xml", "XML in which text could get lost", '"a.xlsx" keeps text in a way no program writes it', "Open it in a spreadsheet program, save it under a new name, and send that."),
    Reason("wrong_encoding", "Text in no known encoding", '"a.csv" is not written in utf-8', 'Save it as "CSV UTF-8".'),
    Reason("unknown_encoding", "An option that names no encoding", '"utf-9" is not a character encoding we know', "Name another encoding, such as utf-8, or none to have it found."),
    Reason("no_sheet", "A workbook without a sheet", '"a.xlsx" has no sheet', "Send a workbook that has a sheet."),
    Reason("no_such_sheet", "An option that names no sheet of it", '"a.xlsx" has no sheet "May"', "Name a sheet that it has, or none to have it found."),
    Reason("no_headings", "No row of known headings", '"a.xlsx" has no row of headings we know', "Put the headings of the template into one row above the data."),
    Reason(
        "missing_headings",
        "Columns that must be there are not",
        'Missing: Barcode or SKU. "Variant SKU": did you mean SKU? The file has: Name, Handle, Variant SKU',
        "Name the columns as in the template.",
    ),
    Reason(
        "one_column",
        "A table saved as one column",
        '"autumn.csv": row 1 was split into one column: "Title;Handle;SKU"',
        "Name the separator, or save the file again with commas, semicolons or tabs.",
    ),
    Reason(
        "other_parent",
        "A correction file of another import",
        '"corrections.xlsx" is the correction file of another import than `parent_import_id` says',
        "Send the file with the parent it has, or without `parent_import_id`, as the entity type it was handed back of.",
    ),
    Reason(
        "duplicate_headings",
        "Two columns of one meaning",
        'Columns D ("Barcode") and E ("EAN") both mean Barcode; remove or rename all but one',
        "Remove or rename all but one of the columns.",
    ),
    Reason("heading_too_long", "Headings of too much text", "the heading in column C has 5,000 characters", "Shorten the heading."),
    Reason("no_data_rows", "Headings and nothing below", '"a.xlsx" has headings but no data rows', "Put the records below the headings and send the file again."),
    Reason("group_too_large", "Too many rows of one product", "The product that begins in row 2 has more than 20,000 rows", "Split it into several files and send those."),
    Reason("reader_died", "Reading ended before the file did", '"a.xlsx" needed more memory than it may', "Copy the rows into a new workbook and send that."),
    Reason("reader_too_slow", "Reading took too long", '"a.xlsx" was given up after 900 seconds of reading', "Split it into several files and send those."),
    Reason("reader_killed", "Reading was ended from outside", '"a.xlsx" could not be read to its end', "Send it again."),
    Reason("size_mismatch", "Another size than the event says", '"a.xlsx" has 9 bytes in storage', "Upload it again."),
    Reason("checksum_mismatch", "Another sha256 than the event says", '"a.xlsx" is not the file that was announced', "Upload it again."),
    Reason("file_changed", "Replaced while it was being read", '"a.xlsx" was replaced in storage', "Upload it under another key."),
    Reason(
        "imported_before",
        "The same file once more",
        '"a.xlsx" was imported before, as import 0199d3c5-7a51-7e1a-a2f4-53f1c9f0a1b2, which ended at 2026-03-01 12:00 UTC with 9 rows '
        "in production; ana sent it",
        "Leave it; or send it with `allow_repeat` (`winnow import --allow-repeat`).",
    ),
    Reason("object_missing", "No such object", 'There is no object "acme/a.xlsx" in the uploads bucket', "Upload the file first."),
    Reason("abandoned", "A held import that nobody started", "Nobody started this import within 24 hours", "Send the file again."),
    Reason("foreign_object", "An object of another tenant", "The object key does not lie in the tenant's own part", "Upload the file under the tenant's own prefix and name that key."),
    Reason("invalid_object_key", "A key longer than storage has room for", "The object key has 2,000 bytes", "Upload the file under a shorter key."),
    Reason("unknown_entity_type", "Nothing of this kind is imported", '"shoes" is not an entity type', "Name an entity type that there is."),
    Reason("option_of_another_mode", "An option the mode has not", "The option blanks: clear has no meaning in mode create", "Leave the option out."),
    Reason("not_moved", "Marked as failed, because nothing of it moved", "It had not moved for 41 minutes, and Olga marked it as failed", "Send the rows that are handed back again."),
    Reason("export_failed", "What is handed back could not be written", "The files with the rows that are handed back could not be written", "Quote the reference to whoever runs Winnow: the rest is imported."),
    Reason("invalid_event", "An event that says something impossible", "The upload event is not valid: import_id is no UUIDv7", "Correct what the event says and send it again."),
    Reason("contradicts_another", "A repeat that says something else", "This is known as a repeat of another import, which has another content", "Give the event another import_id or idempotency_key, if it is another import."),
    Reason("unknown_parent", "The correction file of no import of this tenant", "parent_import_id 0199d3c5-7a51-7e1a-a2f4-53f1c9f0a1b2 is no import that this tenant has", "Name the import whose correction file this is, or none."),
    Reason("object_unreadable", "An object that storage does not hand out", 'The storage does not let Winnow read the object "acme/a.xlsx"', "Store it so that Winnow's key can read it."),
    Reason("unknown_mode", "A mode there is not", 'Mode "merge" is unknown for products', "Name a mode that the entity type has."),
)  # fmt: skip


_TITLES = {reason.code: reason.title for reason in (*FILE_REASONS, *ROW_REASONS)}


def title_of(code: str, *, otherwise: str | None = None) -> str:
    """The short title of a reason, the same for all of its code; of a code nobody knows `otherwise`, or what it says itself."""
    known = _TITLES.get(code)
    if known is not None:
        return known
    family = next(
        (reason for reason in ROW_REASONS if reason.code.endswith("*") and code.startswith(reason.code[:-1])), None
    )
    if family is not None:
        return family.title
    return otherwise or code.replace("_", " ").capitalize()


def reasons_page() -> str:
    """docs/reasons.md."""
    lines = [
        "# Reasons",
        "",
        "Generated from `shared/entities/reasons.py` by `make docs`; do not edit. Programs go by the code; messages are for people, and",
        "name the values they are about.",
        "",
        "## Of rows",
        "",
        *_table(ROW_REASONS),
        "",
        "## Of files",
        "",
        *_table(FILE_REASONS),
    ]
    return "\n".join(lines) + "\n"


def _table(reasons: Iterable[Reason]) -> Iterator[str]:
    yield from ("| code | what it is | for example | what to do |", "|---|---|---|---|")
    for reason in reasons:
        code = f"`{reason.code}`" + (" (the field follows)" if reason.code.endswith("*") else "")
        yield f"| {code} | {reason.title} | {reason.example.replace('|', '&#124;')} | {reason.to_do} |"
