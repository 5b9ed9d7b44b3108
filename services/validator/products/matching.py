"""Which variant a row is about, and what is wrong with how it names it. Pure.

By its barcode, else its SKU, within the tenant where nothing may be added (`enrich`), else within the product.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from services.validator.asked import Asked
from services.validator.products.stored import Stored, StoredProduct, StoredVariant
from shared.entities.errors import CellError, belongs_to, shown
from shared.entities.products import PRODUCTS

_IDENTIFIERS = ("barcode", "sku")


class Identifiers(NamedTuple):
    """What a row names its variant by; None for what it does not say, or what an earlier row has."""

    row: int
    barcode: str | None
    sku: str | None

    def given(self) -> list[tuple[str, str]]:
        """Field and text of those there are."""
        given = [] if self.barcode is None else [("barcode", self.barcode)]
        if self.sku is not None:
            given.append(("sku", self.sku))
        return given

    def without(self, code: str) -> "Identifiers":
        """The same but for what is given of this field."""
        if code == "barcode":
            return self._replace(barcode=None)
        return self._replace(sku=None) if code == "sku" else self


class Match(NamedTuple):
    """The variant that is there, None when there is none; and errors by the field at whose cell they are."""

    variant: StoredVariant | None
    errors: tuple[tuple[str, CellError], ...] = ()


def _label(code: str) -> str:
    """An identifier within a sentence."""
    label = PRODUCTS.by_identifier[code].label
    return label if label.isupper() else label.lower()


class Matching:
    """Finds the variants that the rows of one chunk are about; no two rows are about one."""

    def __init__(self, stored: Stored, asked: Asked) -> None:
        self._stored = stored
        self._asked = asked
        self._rows: dict[UUID, int] = {}

    def anywhere(self, named: Identifiers, handle: str | None) -> Match:
        """The variant that has to be there; `handle` is that of the product it has to be of, where the file says one."""
        found = self._found(named)
        if not found:
            errors = ((code, CellError("not_found", f"No {_named(code, text)}")) for code, text in named.given())
            return Match(None, tuple(errors))
        if (error := _of_two(named, found)) is not None:
            return Match(None, error)
        ((by, variant),) = list(found.items())[:1]
        elsewhere = None if handle is None or variant.product.handle == handle else _elsewhere(by, variant, handle)
        foreign = None if elsewhere is not None else _foreign(named, found, variant)
        return self._once(named, by, variant, elsewhere or foreign)

    def within(self, named: Identifiers, product: StoredProduct) -> Match:
        """The variant of this product that is there, if one is; else it is to be added."""
        found = self._found(named)
        others = [
            (code, belongs_to(PRODUCTS, code, text, found[code].product.handle))
            for code, text in named.given()
            if code in found and found[code].product.id != product.id
        ]
        if others or not found:
            return Match(None, tuple(others))
        if (error := _of_two(named, found)) is not None:
            return Match(None, error)
        ((by, variant),) = list(found.items())[:1]
        return self._once(named, by, variant, None)

    def has_all(self, rows: Sequence[Identifiers], product: StoredProduct) -> bool:
        """Whether each of these rows names a variant of this product, and none of another."""
        found = [self._found(named) for named in rows]
        return all(by and all(variant.product.id == product.id for variant in by.values()) for by in found)

    def _found(self, named: Identifiers) -> dict[str, StoredVariant]:
        found = {}
        for code, text in named.given():
            if (variant := self._stored.by(code, text)) is not None:
                found[code] = variant
        return found

    def _once(self, named: Identifiers, by: str, variant: StoredVariant, error: tuple[str, CellError] | None) -> Match:
        first = self._rows.setdefault(variant.id, named.row)
        if first == named.row and variant.import_id == self._asked.import_id:
            # Written by another row of this file: one above, or one below whose chunk was committed before this one.
            first = variant.import_row_no
        if first != named.row:
            message = (
                f"The {_named(by, getattr(named, by))} is the one of row {first} already; keep one of the two rows"
            )
            return Match(None, ((by, CellError("duplicate_in_file", message)),))
        return Match(variant, () if error is None else (error,))


def _named(code: str, text: str) -> str:
    return f'variant with {_label(code)} "{shown(text)}"'


def _of_two(named: Identifiers, found: dict[str, StoredVariant]) -> tuple[tuple[str, CellError], ...] | None:
    if len({variant.id for variant in found.values()}) < len(_IDENTIFIERS):
        return None
    barcode, sku = shown(named.barcode or ""), shown(named.sku or "")
    error = CellError("conflict", f'Barcode "{barcode}" and SKU "{sku}" belong to different variants')
    return tuple((code, error) for code in _IDENTIFIERS)


def _elsewhere(code: str, variant: StoredVariant, handle: str) -> tuple[str, CellError]:
    text = getattr(variant.level, code)
    said = belongs_to(PRODUCTS, code, text, variant.product.handle).message
    return code, CellError("conflict", f'{said}, not to "{shown(handle)}"')


def _foreign(
    named: Identifiers, found: dict[str, StoredVariant], variant: StoredVariant
) -> tuple[str, CellError] | None:
    """An identifier beside the one the variant was found by that is not its own, nor anybody's."""
    for code, text in named.given():
        if code in found:
            continue
        (by,) = found
        own = getattr(variant.level, code)
        has = f"no {_label(code)}" if own is None else f'{_label(code)} "{shown(own)}"'
        message = f'The {_named(by, getattr(named, by))} has {has}, not "{shown(text)}"; mode enrich changes neither'
        return code, CellError("conflict", message)
    return None
