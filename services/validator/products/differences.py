"""What has changed between a record as it is and as it will be: what of it is written, and both as a reader sees them. Pure."""

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any, NamedTuple

from services.validator.products.categories import Categories
from services.validator.products.composition import Material
from services.validator.products.product import Facts, Presentation
from services.validator.products.stored import ProductLevel, VariantLevel
from services.validator.values.lists import Name


class Difference(NamedTuple):
    """One thing that changed.

    Attributes:
        said: as `staging.products.said` and `staging.product_variants.said` name it: a column, or a kind of what a record
            owns, which is written whole.
        code: as `catalog.changes` names it: a field, `journey_steps` or `attributes`.
        before: as a reader sees it, in terms of JSON; None for nothing.
        after: as it will be.
    """

    said: str
    code: str
    before: Any
    after: Any


def product_differences(before: ProductLevel, after: ProductLevel, categories: Categories) -> list[Difference]:
    """What changes of a product."""
    if before is after:
        return []
    scalars = (
        ("status", "status", before.status, after.status),
        ("manufacturer_id", "manufacturer", _text(before.manufacturer), _text(after.manufacturer)),
        ("category_id", "category", categories.path(before.category_id), categories.path(after.category_id)),
        ("season_id", "season", _text(before.season), _text(after.season)),
        ("tags", "tags", _names(before.tags), _names(after.tags)),
    )
    return [
        *_presentation(before.presentation, after.presentation),
        *_differing(scalars),
        *_facts(before.facts, after.facts),
    ]


def variant_differences(before: VariantLevel, after: VariantLevel) -> list[Difference]:
    """What changes of a variant."""
    if before is after:
        return []
    identifiers = (("barcode", "barcode", before.barcode, after.barcode), ("sku", "sku", before.sku, after.sku))
    attributes = ("attributes", "attributes", _pairs(before.attributes), _pairs(after.attributes))
    return [
        *_differing(identifiers),
        *_presentation(before.presentation, after.presentation),
        *_facts(before.facts, after.facts),
        *_differing((attributes,) if before.attributes != after.attributes else ()),
    ]


def _presentation(before: Presentation, after: Presentation) -> Iterator[Difference]:
    return _differing(
        (
            ("title", "title", before.title, after.title),
            ("description", "description", before.description, after.description),
            ("image_url", "image_url", before.image_url, after.image_url),
        )
    )


def _facts(before: Facts, after: Facts) -> Iterator[Difference]:
    if before == after:
        return iter(())
    (carbon, water), (new_carbon, new_water) = before.environment or (None, None), after.environment or (None, None)
    # Compared as they are, not as they are shown: an order that changed is a change, a zero behind the point is none.
    differing: tuple[tuple[str, str, Any, Any, Callable[[Any], Any]], ...] = (
        ("environment", "carbon_kg", carbon, new_carbon, _figure),
        ("environment", "water_l", water, new_water, _figure),
        ("eco_claims", "eco_claims", before.eco_claims, after.eco_claims, _names),
        ("weight", "weight_g", before.weight_g, after.weight_g, _figure),
        ("materials", "materials", before.materials, after.materials, _shares),
        ("journey_steps", "journey_steps", before.journey, after.journey, _steps),
    )
    return (Difference(said, code, shown(old), shown(new)) for said, code, old, new, shown in differing if old != new)


def _differing(compared: Iterable[tuple[str, str, Any, Any]]) -> Iterator[Difference]:
    return (Difference(said, code, old, new) for said, code, old, new in compared if old != new)


def _text(name: Name | None) -> str | None:
    return None if name is None else name.text


def _figure(figure: Decimal | None) -> str | None:
    if figure is None:
        return None
    plain = format(figure, "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def _names(names: Iterable[Name]) -> list[dict[str, str]]:
    return [{"name": name.text} for name in names]


def _shares(materials: Iterable[Material]) -> list[dict[str, str | None]]:
    return [{"name": material.name.text, "percentage": _figure(material.percentage)} for material in materials]


def _steps(journey: Iterable[tuple[str, tuple[Name, ...]]]) -> dict[str, list[str]]:
    return {step: [operator.text for operator in operators] for step, operators in journey}


def _pairs(attributes: Iterable[tuple[Name, Name]]) -> list[dict[str, str]]:
    return [{"name": attribute.text, "value": value.text} for attribute, value in attributes]
