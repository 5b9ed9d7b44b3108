"""What every group of rows goes through, whatever is to become of it: its rows are read, and every error is noted."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from services.validator.asked import Asked
from services.validator.errors import GroupErrors, asked_for_totals, repeated
from services.validator.outcomes import Duplicate, Notice
from services.validator.products.attributes import UnchangedAttributes
from services.validator.products.barcodes import UnusualBarcodes
from services.validator.products.categories import Categories
from services.validator.products.comma_lists import CommaLists
from services.validator.products.ignored import IgnoredValues
from services.validator.products.matching import Identifiers, Matching
from services.validator.products.product import FailedProduct, FailedRow, Known
from services.validator.products.stored import NOTHING_STORED, ProductLevel, Stored, StoredProduct
from services.validator.products.variants import RowRules
from services.validator.rows import ReadRow
from shared.entities.columns import Columns
from shared.entities.declaration import Level
from shared.entities.errors import CellError, shown
from shared.entities.existing import taken
from shared.entities.products import BY_HANDLE, PRODUCTS

_NEVER_CLEARED = frozenset({"title", PRODUCTS.group_key})


@dataclass(frozen=True, slots=True)
class References:
    """What a chunk is checked against: the tenant's catalogue, the category tree, and what is asked of it.

    `known` is who has what a new product or variant would be known by; `stored` what products are that may be changed.
    """

    known: Known
    categories: Categories
    asked: Asked = field(default_factory=Asked)
    stored: Stored = NOTHING_STORED
    same: Mapping[int, StoredProduct] = field(default_factory=dict)
    """Products that were applied from the very rows of a group and have not changed since, by the group's first row."""


class Remarks:
    """What the sender should know of a chunk that is no error."""

    def __init__(self, columns: Columns) -> None:
        self.ignored = IgnoredValues(columns)
        self.barcodes = UnusualBarcodes(columns)
        self.lists = CommaLists(columns)
        self.attributes = UnchangedAttributes(columns)

    @property
    def told(self) -> int:
        """How many there are."""
        return self.ignored.told + self.barcodes.told + self.lists.told + self.attributes.told

    def notices(self) -> list[Notice]:
        """All of them."""
        remarks = (self.ignored, self.barcodes, self.lists, self.attributes)
        return [notice for remark in remarks for notice in remark.notices()]


class ChunkRules:
    """What the groups of one chunk have in common."""

    def __init__(self, columns: Columns, references: References) -> None:
        self.columns = columns
        self.references = references
        self.asked = references.asked
        self.remarks = Remarks(columns)
        self.matching = Matching(references.stored, references.asked)
        self.added: dict[str, int] = {}
        """How many variants groups before have added, by the product's handle."""
        self._duplicates: dict[int, list[Duplicate]] = {}
        for duplicate in references.asked.duplicates:
            self._duplicates.setdefault(duplicate.row, []).append(duplicate)
        self._clearable = frozenset(_clearable(columns)) if references.asked.clears_blanks else frozenset()

    def duplicates(self, row: int) -> Sequence[Duplicate]:
        """What earlier rows have of what this row is to be known by; which product a row goes on with is none."""
        found = self._duplicates.get(row, ())
        return [each for each in found if each.field != PRODUCTS.group_key] if self.asked.wave else found

    def first_row(self, row: int) -> int | None:
        """Where the rows begin that this one goes on with."""
        found = self._duplicates.get(row, ())
        return next((each.first_row for each in found if each.field == PRODUCTS.group_key), None)

    def cleared(self, row: ReadRow) -> AbstractSet[str]:
        """The codes of the row's blank cells that clear what is there."""
        if not self._clearable:
            return self._clearable
        return {code for code in self._clearable if not row.says(code)}


class GroupRules:
    """One group on its way to its outcome. `above` is the row that last started a product."""

    def __init__(self, rows: Sequence[ReadRow], chunk: ChunkRules, above: ReadRow | None) -> None:
        self._rows = rows
        self._chunk = chunk
        self._above = above
        self._errors = GroupErrors(chunk.columns, rows[0].row)
        self._rules = RowRules(chunk.columns, self._errors, chunk.remarks.lists)
        self._handle = rows[0].text("handle")

    def _identifiers(self, row: ReadRow) -> Identifiers:
        """What the row's variant is known by; what is wrong with that, and with the row as such, is noted."""
        self._rules.unreadable(row)
        barcode, sku = self._rules.identifiers(row, self._rest_of(row))
        return Identifiers(row.row, barcode, sku)

    def _note_repeated(self, row: ReadRow) -> None:
        """Note what earlier rows of the file have of what this row is to be known by."""
        for duplicate in self._chunk.duplicates(row.row):
            self._errors.add(row.row, duplicate.field, self._repeated(row, duplicate))

    def _note_taken(self, row: ReadRow, named: Identifiers) -> None:
        """Note which products have what the row's variant is to be known by, and which rows."""
        for code, text in named.given():
            self._taken(row, code, text)
        self._note_repeated(row)

    def _level(self, first: ReadRow) -> ProductLevel:
        """What the row says of its product; a status only where it says one."""
        rules = self._rules
        return ProductLevel(
            presentation=rules.presentation(first),
            status=(rules.choice(first, "status") or "") if first.says("status") else "",
            manufacturer=rules.name(first, "manufacturer"),
            category_id=self._category(first),
            season=rules.name(first, "season"),
            tags=rules.names(first, "tags"),
            facts=rules.facts(first),
        )

    def _taken(self, row: ReadRow, code: str, text: str | None) -> None:
        """Note that a product has this value, if one has."""
        known = self._chunk.references.known
        if text is not None and (owner := known.owner(code, text, self._handle)) is not None:
            self._errors.add(row.row, code, taken(code, text, owner))

    def _category(self, first: ReadRow) -> int | None:
        text = first.text("category")
        found = None if text is None else self._chunk.references.categories.find(text)
        if isinstance(found, CellError):
            self._errors.add(first.row, "category", found)
            return None
        return found

    def _rest_of(self, row: ReadRow) -> str:
        """What is said of a row without barcode and SKU besides that it needs one."""
        asked = asked_for_totals(PRODUCTS, row) if len(self._rows) == 1 else ""
        if asked or self._above is None or self._rows[0].says("handle"):
            return asked
        handle = shown(self._above.text("handle") or "")
        return f'; without one the row is no {PRODUCTS.record_noun} of {PRODUCTS.group_noun} "{handle}"'

    def _repeated(self, row: ReadRow, duplicate: Duplicate) -> CellError:
        value = shown(row.text(duplicate.field) or "")
        if duplicate.field == PRODUCTS.group_key:
            places = f"({duplicate.first_row} and {row.row})"
            return CellError(
                "duplicate_in_file",
                f'Rows of {PRODUCTS.group_noun} "{value}" stand in two places {places}; put them together',
            )
        return repeated(PRODUCTS, duplicate, value)

    def _failed(self) -> FailedProduct:
        rows = tuple(
            FailedRow(row.row, row.text("handle"), row.text("title"), row.text("barcode"), row.text("sku"))
            for row in self._rows
        )
        return FailedProduct(self._rows[0].row, rows, self._errors.sorted())


class RefusedGroup(GroupRules):
    """Rows that are of no product: everything else that is wrong with them is said as well."""

    def checked(self, code: str, error: CellError | None) -> FailedProduct:
        """The group with every error; `error` at each of its rows, in the column of `code`."""
        for row in self._rows:
            if error is not None:
                self._errors.add(row.row, code, error)
            named = self._identifiers(row)
            # Where what is there may change, whose it is depends on the product that the row is of.
            if self._handle is not None or self._chunk.asked.mode == "create":
                self._note_taken(row, named)
            else:
                self._note_repeated(row)
            self._rules.attributes(row)
            self._rules.presentation(row)
            self._rules.facts(row)
        return self._failed()


def orphan() -> CellError:
    """A row that no product stands above."""
    return CellError("orphan_variant", BY_HANDLE.orphan_message)


def _clearable(columns: Columns) -> Iterator[str]:
    for code in columns.fields:
        if code not in _NEVER_CLEARED and PRODUCTS.by_code[code].level is not Level.VARIANT:
            yield code
