"""What a good product is, in mode `create`: the rules of a group, and of a chunk of groups.

Every error in a group is found, each at its own row and column; a product with a bad row fails whole.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from services.validator.errors import GroupErrors, asked_for_totals, repeated, required
from services.validator.outcomes import Duplicate, Notice
from services.validator.products.barcodes import UnusualBarcodes
from services.validator.products.categories import Categories
from services.validator.products.comma_lists import CommaLists
from services.validator.products.ignored import IgnoredValues
from services.validator.products.overrides import overriding_facts, overriding_presentation
from services.validator.products.product import (
    NO_FACTS,
    NO_PRESENTATION,
    CheckedProduct,
    Facts,
    FailedProduct,
    FailedRow,
    Known,
    Presentation,
    Product,
    Variant,
)
from services.validator.products.variants import RowRules
from services.validator.rows import Groups, ReadRow
from shared.entities.columns import Columns
from shared.entities.errors import CellError, belongs_to, group_exists, shown
from shared.entities.products import BY_HANDLE, PRODUCTS

_REQUIRED = [field for field in PRODUCTS.fields if field.required]


@dataclass(frozen=True, slots=True)
class References:
    """What a chunk is checked against: the tenant's catalogue, the category tree, the rest of the file."""

    known: Known
    categories: Categories
    duplicates: Sequence[Duplicate] = ()


@dataclass(frozen=True, slots=True)
class Named:
    """What has to be looked up in the tenant's catalogue before a chunk can be decided."""

    handles: frozenset[str]
    barcodes: frozenset[str]
    skus: frozenset[str]


@dataclass(frozen=True, slots=True)
class CheckedProducts:
    """Every group of a chunk, in its order, and what the sender should know besides."""

    products: Sequence[CheckedProduct]
    notices: Sequence[Notice] = ()


def named(groups: Groups) -> Named:
    """Every handle, barcode and SKU the rows give."""
    found: dict[str, set[str]] = {"handle": set(), "barcode": set(), "sku": set()}
    for group in groups:
        for row in group:
            for code, texts in found.items():
                if (text := row.text(code)) is not None:
                    texts.add(text)
    return Named(frozenset(found["handle"]), frozenset(found["barcode"]), frozenset(found["sku"]))


def check(groups: Groups, columns: Columns, references: References) -> CheckedProducts:
    """The products these groups are, or why they are none."""
    remarks = _Remarks(IgnoredValues(columns), UnusualBarcodes(columns), CommaLists(columns))
    duplicates: dict[int, list[Duplicate]] = {}
    for duplicate in references.duplicates:
        duplicates.setdefault(duplicate.row, []).append(duplicate)
    products: list[CheckedProduct] = []
    above: ReadRow | None = None
    for rows in groups:
        products.append(_Group(rows, columns, references, duplicates, remarks, above).checked())
        if rows[0].says("handle"):
            above = rows[0]
    return CheckedProducts(products, [notice for remark in remarks for notice in remark.notices()])


class _Remarks(NamedTuple):
    """What the sender should know of a chunk that is no error."""

    ignored: IgnoredValues
    barcodes: UnusualBarcodes
    lists: CommaLists


class _Group:
    """One group on its way to its outcome."""

    def __init__(
        self,
        rows: Sequence[ReadRow],
        columns: Columns,
        references: References,
        duplicates: Mapping[int, Sequence[Duplicate]],
        remarks: _Remarks,
        above: ReadRow | None,
    ) -> None:
        self._rows = rows
        self._above = above
        self._references = references
        self._duplicates = duplicates
        self._remarks = remarks
        self._errors = GroupErrors(columns, rows[0].row)
        self._rules = RowRules(columns, self._errors, remarks.lists)
        self._handle = rows[0].text("handle")

    def checked(self) -> CheckedProduct:
        """The product when nothing speaks against it, else the group with every error."""
        if not self._rows[0].says("handle"):
            self._refuse_orphans()
            return self._failed()
        product = self._product()
        if self._errors:
            return self._failed()
        for variant in product.variants:
            self._remarks.barcodes.note(variant.row, variant.barcode)
        return product

    def _refuse_orphans(self) -> None:
        for row in self._rows:
            if self._above is None:
                self._errors.add(row.row, "handle", CellError("orphan_variant", BY_HANDLE.orphan_message))
            self._variant(row)
            self._rules.presentation(row)
            self._rules.facts(row)

    def _product(self) -> Product:
        first, rules = self._rows[0], self._rules
        self._check_handle(first)
        presentation = rules.presentation(first)
        for field in _REQUIRED:
            if not first.says(field.code):
                self._errors.add(first.row, field.code, required(field))
        facts = rules.facts(first)
        variants = [self._variant(first)]
        variants.extend(self._child(row, presentation, facts) for row in self._rows[1:])
        return self._described(first, presentation, facts, tuple(variants))

    def _described(
        self, first: ReadRow, presentation: Presentation, facts: Facts, variants: tuple[Variant, ...]
    ) -> Product:
        rules = self._rules
        return Product(
            row=first.row,
            handle=self._handle or "",
            title=presentation.title or "",
            description=presentation.description,
            image_url=presentation.image_url,
            status=rules.choice(first, "status") or "",
            manufacturer=rules.name(first, "manufacturer"),
            category_id=self._category(first),
            season=rules.name(first, "season"),
            tags=rules.names(first, "tags"),
            facts=facts,
            variants=variants,
        )

    def _child(self, row: ReadRow, presentation: Presentation, facts: Facts) -> Variant:
        parent = self._rows[0]
        self._remarks.ignored.note(row, parent)
        return self._variant(
            row,
            overriding_presentation(self._rules.presentation(row), presentation),
            overriding_facts(self._rules.facts(row, parent), facts),
        )

    def _variant(self, row: ReadRow, presentation: Presentation = NO_PRESENTATION, facts: Facts = NO_FACTS) -> Variant:
        self._rules.unreadable(row)
        barcode, sku = self._rules.identifiers(row, self._rest_of(row))
        self._check_taken(row, "barcode", barcode, self._references.known.barcodes)
        self._check_taken(row, "sku", sku, self._references.known.skus)
        for duplicate in self._duplicates.get(row.row, ()):
            self._errors.add(row.row, duplicate.field, self._repeated(row, duplicate))
        return Variant(row.row, barcode, sku, self._rules.attributes(row), presentation, facts)

    def _rest_of(self, row: ReadRow) -> str:
        """What is said of a row without barcode and SKU besides that it needs one."""
        asked = asked_for_totals(PRODUCTS, row) if len(self._rows) == 1 else ""
        if asked or self._above is None or self._rows[0].says("handle"):
            return asked
        handle = shown(self._above.text("handle") or "")
        return f'; without one the row is no {PRODUCTS.record_noun} of {PRODUCTS.group_noun} "{handle}"'

    def _check_handle(self, first: ReadRow) -> None:
        handle = self._rules.identifier(first, "handle")
        if handle is not None and handle in self._references.known.handles:
            self._errors.add(first.row, "handle", group_exists(PRODUCTS, "handle", handle))

    def _check_taken(self, row: ReadRow, code: str, text: str | None, owners: Mapping[str, str]) -> None:
        owner = None if text is None else owners.get(text)
        if text is None or owner is None or owner == self._handle:
            return
        self._errors.add(row.row, code, belongs_to(PRODUCTS, code, text, owner))

    def _category(self, first: ReadRow) -> int | None:
        text = first.text("category")
        found = None if text is None else self._references.categories.find(text)
        if isinstance(found, CellError):
            self._errors.add(first.row, "category", found)
            return None
        return found

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
