"""The rules of one row by itself: its identifiers, its attributes, its presentation and its facts."""

from typing import TypeVar

from services.validator.errors import GroupErrors
from services.validator.products.comma_lists import CommaLists
from services.validator.products.composition import (
    NO_COMPOSITION,
    Composition,
    percentages_errors,
    read_composition,
    same_percentages,
)
from services.validator.products.product import NO_FACTS, NO_PRESENTATION, Facts, Presentation
from services.validator.rows import ReadRow
from services.validator.values.choices import read_choice
from services.validator.values.lists import NO_NAMES, Name, read_name, read_names
from services.validator.values.text import read_identifier
from shared.entities.columns import Columns
from shared.entities.declaration import Decimals, Level
from shared.entities.errors import UNIDENTIFIED, CellError, shown
from shared.entities.products import JOURNEY_STEPS, PRODUCTS
from shared.values.addresses import read_address
from shared.values.numbers import read_decimal

_T = TypeVar("_T")

_PRESENTATION_CODES = frozenset({"title", "description", "image_url"})
_COMPOSITION_CODES = frozenset({"materials", "percentages"})
_FACT_CODES = frozenset({"carbon_kg", "water_l", "eco_claims", "weight_g", *JOURNEY_STEPS}) | _COMPOSITION_CODES


def _decimals(code: str) -> Decimals:
    decimals = PRODUCTS.by_code[code].decimals
    assert decimals is not None
    return decimals


_ATTRIBUTES = [pair for pair in PRODUCTS.pairs if PRODUCTS.by_code[pair[0]].level is Level.VARIANT]
_UNIDENTIFIED = f"{' or '.join(PRODUCTS.by_code[code].heading for code in ('barcode', 'sku'))} is required"
_CARBON, _WATER, _WEIGHT = _decimals("carbon_kg"), _decimals("water_l"), _decimals("weight_g")


class RowRules:
    """Reads one row after another, noting every error of it."""

    def __init__(self, columns: Columns, errors: GroupErrors, lists: CommaLists) -> None:
        self._columns = columns
        self._errors = errors
        self._lists = lists

    def unreadable(self, row: ReadRow) -> None:
        """Note the cells that cannot be read at all, and what is wrong with the row as a whole."""
        self._errors.add_flaws(row)
        for code, error in row.unreadable.items():
            self._errors.add(row.row, code, error)

    def identifiers(self, row: ReadRow, besides: str = "") -> tuple[str | None, str | None]:
        """Barcode and SKU, of which a row needs at least one; `besides` is said of one without."""
        if not row.says("barcode") and not row.says("sku"):
            code = "required" if row.says("handle") else UNIDENTIFIED
            for column in ("barcode", "sku"):
                if self._columns.has(column):
                    self._errors.add(row.row, column, CellError(code, f"{_UNIDENTIFIED}{besides}"))
            return None, None
        return self.identifier(row, "barcode"), self.identifier(row, "sku")

    def identifier(self, row: ReadRow, code: str) -> str | None:
        """A text that has to be unique."""
        text = row.text(code)
        return None if text is None else self._accepted(row, code, read_identifier(text, PRODUCTS.by_identifier[code]))

    def choice(self, row: ReadRow, code: str) -> str | None:
        """One of the choices of the field; the first when blank."""
        return self._accepted(row, code, read_choice(row.text(code), PRODUCTS.by_code[code]))

    def attributes(self, row: ReadRow) -> tuple[tuple[Name, Name], ...]:
        """The attributes with their values, in order; each may be given once in a row."""
        pairs: dict[str, tuple[Name, Name]] = {}
        for attribute, value in _ATTRIBUTES:
            says_attribute, says_value = row.says(attribute), row.says(value)
            if not says_attribute and not says_value:
                continue
            if says_attribute != says_value:
                self._incomplete(row, *((attribute, value) if says_attribute else (value, attribute)))
            named, valued = self.name(row, attribute), self.name(row, value)
            if named is not None and named.key in pairs:
                error = CellError(
                    "duplicate_attribute",
                    f'"{shown(named.text)}" is given twice in this row; keep one of them',
                )
                self._errors.add(row.row, attribute, error)
            elif named is not None and valued is not None:
                pairs[named.key] = (named, valued)
        return tuple(pairs.values())

    def presentation(self, row: ReadRow) -> Presentation:
        """Title, description and image."""
        if _PRESENTATION_CODES.isdisjoint(row.values):
            return NO_PRESENTATION
        image = row.text("image_url")
        if image is not None:
            image = self._accepted(row, "image_url", read_address(image))
        return Presentation(row.text("title"), row.text("description"), image)

    def facts(self, row: ReadRow, parent: ReadRow | None = None) -> Facts:
        """Environment, claims, weight, composition and journey; `parent` is the product's first row."""
        if _FACT_CODES.isdisjoint(row.values):
            return NO_FACTS
        values = row.values
        carbon, water, weight = (
            self._accepted(row, code, read_decimal(values[code], decimals)) if code in values else None
            for code, decimals in (("carbon_kg", _CARBON), ("water_l", _WATER), ("weight_g", _WEIGHT))
        )
        composition = self._composition(row, parent)
        return Facts(
            environment=None if carbon is None and water is None else (carbon, water),
            eco_claims=self.names(row, "eco_claims"),
            weight_g=weight,
            materials=composition.materials,
            journey=self._journey(row),
        )

    def name(self, row: ReadRow, code: str) -> Name | None:
        """The name of one entity."""
        text = row.text(code)
        return None if text is None else self._accepted(row, code, read_name(text))

    def names(self, row: ReadRow, code: str) -> tuple[Name, ...]:
        """A list of names."""
        text = row.text(code)
        if text is None:
            return NO_NAMES
        names = self._accepted(row, code, read_names(text))
        if names is None:
            return NO_NAMES
        self._lists.note(row.row, code, text)
        return names

    def _composition(self, row: ReadRow, parent: ReadRow | None) -> Composition:
        materials, percentages = row.text("materials"), row.values.get("percentages")
        if "materials" in row.unreadable:
            composition = Composition(percentages_errors=percentages_errors(percentages))
        elif (
            materials is None and parent is not None and same_percentages(percentages, parent.values.get("percentages"))
        ):
            return NO_COMPOSITION
        else:
            composition = read_composition(materials, percentages)
            if materials is not None and not composition.materials_errors:
                self._lists.note(row.row, "materials", materials)
        for error in composition.materials_errors:
            self._errors.add(row.row, "materials", error)
        for error in composition.percentages_errors:
            self._errors.add(row.row, "percentages", error)
        return composition

    def _journey(self, row: ReadRow) -> tuple[tuple[str, tuple[Name, ...]], ...]:
        steps = ((step, self.names(row, step)) for step in JOURNEY_STEPS if step in row.values)
        return tuple((step, operators) for step, operators in steps if operators)

    def _incomplete(self, row: ReadRow, given: str, missing: str) -> None:
        headings = PRODUCTS.by_code
        message = f"{headings[given].heading} needs {headings[missing].heading}"
        at = missing if self._columns.has(missing) else given
        self._errors.add(row.row, at, CellError("incomplete_pair", message))

    def _accepted(self, row: ReadRow, code: str, value: _T | CellError) -> _T | None:
        if isinstance(value, CellError):
            self._errors.add(row.row, code, value)
            return None
        return value
