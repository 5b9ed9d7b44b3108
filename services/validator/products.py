"""What a good product is, in mode `create`: the rules of a group, and of a chunk of groups.

Every reason in a group is found, each at its own row and column; a product with a bad row fails whole.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from services.validator.barcodes import UnusualBarcodes
from services.validator.categories import Categories
from services.validator.ignored import IgnoredValues
from services.validator.overrides import overriding_facts, overriding_presentation
from services.validator.problems import Problem, Reasons
from services.validator.rows import Layout, ReadRow
from services.validator.variants import RowRules
from services.validator.verdicts import (
    NO_FACTS,
    NO_PRESENTATION,
    Duplicate,
    Facts,
    FailedGroup,
    FailedRow,
    GoodProduct,
    Known,
    Outcome,
    Presentation,
    Variant,
    Verdict,
)
from shared.entities.products import BY_HANDLE, PRODUCTS, STATUSES
from shared.entities.reasons import handle_exists, identifier_belongs, shown

_LABELS = {identifier.field: identifier.label for identifier in PRODUCTS.identifiers}


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


def named(groups: Iterable[Sequence[ReadRow]]) -> Named:
    """Every handle, barcode and SKU the rows give."""
    found: dict[str, set[str]] = {"handle": set(), "barcode": set(), "sku": set()}
    for group in groups:
        for row in group:
            for code, texts in found.items():
                if (text := row.text(code)) is not None:
                    texts.add(text)
    return Named(frozenset(found["handle"]), frozenset(found["barcode"]), frozenset(found["sku"]))


def decide(groups: Iterable[Sequence[ReadRow]], layout: Layout, references: References) -> Verdict:
    """The outcome of every group of a chunk, in its order, and what the sender should know besides."""
    remarks = _Remarks(IgnoredValues(layout), UnusualBarcodes(layout))
    duplicates: dict[int, list[Duplicate]] = {}
    for duplicate in references.duplicates:
        duplicates.setdefault(duplicate.row, []).append(duplicate)
    outcomes = [_Group(rows, layout, references, duplicates, remarks).outcome() for rows in groups]
    return Verdict(outcomes, [*remarks.ignored.notices(), *remarks.barcodes.notices()])


class _Remarks(NamedTuple):
    """What the sender should know of a chunk that is no reason to refuse a row."""

    ignored: IgnoredValues
    barcodes: UnusualBarcodes


class _Group:
    """One group on its way to its outcome."""

    def __init__(
        self,
        rows: Sequence[ReadRow],
        layout: Layout,
        references: References,
        duplicates: Mapping[int, Sequence[Duplicate]],
        remarks: _Remarks,
    ) -> None:
        self._rows = rows
        self._references = references
        self._duplicates = duplicates
        self._remarks = remarks
        self._reasons = Reasons(layout.places)
        self._rules = RowRules(layout, self._reasons)
        self._handle = rows[0].text("handle")

    def outcome(self) -> Outcome:
        """The product when nothing speaks against it, else the group with every reason."""
        if not self._rows[0].says("handle"):
            self._refuse_orphans()
            return self._failed()
        product = self._product()
        if self._reasons:
            return self._failed()
        for variant in product.variants:
            self._remarks.barcodes.note(variant.row, variant.barcode)
        return product

    def _refuse_orphans(self) -> None:
        problem = Problem("orphan_variant", BY_HANDLE.orphan_message)
        for row in self._rows:
            self._reasons.add(row.row, "handle", problem)
            self._variant(row)
            self._rules.presentation(row)
            self._rules.facts(row)

    def _product(self) -> GoodProduct:
        first, rules = self._rows[0], self._rules
        self._check_handle(first)
        presentation = rules.presentation(first)
        if not first.says("title"):
            self._reasons.add(first.row, "title", Problem("required", "Product Title is required"))
        facts = rules.facts(first)
        variants = [self._variant(first)]
        variants.extend(self._child(row, presentation, facts) for row in self._rows[1:])
        return self._described(first, presentation, facts, tuple(variants))

    def _described(
        self, first: ReadRow, presentation: Presentation, facts: Facts, variants: tuple[Variant, ...]
    ) -> GoodProduct:
        rules = self._rules
        return GoodProduct(
            row=first.row,
            handle=self._handle or "",
            title=presentation.title or "",
            description=presentation.description,
            image_url=presentation.image_url,
            status=self._status(first),
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
        barcode, sku = self._rules.identifiers(row)
        self._check_taken(row, "barcode", barcode, self._references.known.barcodes)
        self._check_taken(row, "sku", sku, self._references.known.skus)
        for duplicate in self._duplicates.get(row.row, ()):
            self._reasons.add(row.row, duplicate.field, self._repeated(row, duplicate))
        return Variant(row.row, barcode, sku, self._rules.attributes(row), presentation, facts)

    def _check_handle(self, first: ReadRow) -> None:
        handle = self._rules.key(first, "handle")
        if handle in self._references.known.handles:
            self._reasons.add(first.row, "handle", Problem("already_exists", handle_exists(handle)))

    def _check_taken(self, row: ReadRow, code: str, text: str | None, owners: Mapping[str, str]) -> None:
        owner = None if text is None else owners.get(text)
        if text is None or owner is None or owner == self._handle:
            return
        message = identifier_belongs(_LABELS[code], text, owner)
        self._reasons.add(row.row, code, Problem("already_exists", message))

    def _status(self, first: ReadRow) -> str:
        text = first.text("status")
        status = STATUSES[0] if text is None else text.lower()
        if status not in STATUSES:
            choices = f"{', '.join(STATUSES[:-1])} or {STATUSES[-1]}"
            problem = Problem("invalid_choice", f'"{shown(text or "")}" is not a status; choose {choices}')
            self._reasons.add(first.row, "status", problem)
        return status

    def _category(self, first: ReadRow) -> int | None:
        text = first.text("category")
        found = None if text is None else self._references.categories.find(text)
        if isinstance(found, Problem):
            self._reasons.add(first.row, "category", found)
            return None
        return found

    def _repeated(self, row: ReadRow, duplicate: Duplicate) -> Problem:
        said = f'{_LABELS[duplicate.field]} "{shown(row.text(duplicate.field) or "")}" was used in row {duplicate.first_row}'
        if duplicate.first_row >= self._rows[0].row:
            # Of one product none is imported without the other.
            return Problem("duplicate_in_file", f"{said} of the same product; give each variant its own")
        return Problem("duplicate_in_file", f"{said}; the first one is imported")

    def _failed(self) -> FailedGroup:
        rows = tuple(
            FailedRow(row.row, row.text("handle"), row.text("title"), row.text("barcode"), row.text("sku"))
            for row in self._rows
        )
        return FailedGroup(self._rows[0].row, rows, tuple(self._reasons.sorted()))
