"""What a variant has in place of its product's: whole kinds, and only where the row says something else.

A value equal to the product's own is no override, so that a file which repeats the product on every row
(Shopify's habit) makes plain variants.
"""

from collections.abc import Iterable

from services.validator.products.composition import Material
from services.validator.products.product import NO_FACTS, NO_PRESENTATION, Facts, Presentation
from services.validator.values.lists import Name


def overriding_presentation(own: Presentation, product: Presentation) -> Presentation:
    """Title, description and image of a variant, each where it differs from the product's."""
    if own is NO_PRESENTATION or own == product:
        return NO_PRESENTATION
    return Presentation(
        title=None if own.title == product.title else own.title,
        description=None if own.description == product.description else own.description,
        image_url=None if own.image_url == product.image_url else own.image_url,
    )


def overriding_facts(own: Facts, product: Facts) -> Facts:
    """A variant's own facts: a kind is there whole, as its row says it, when anything in it differs."""
    if own is NO_FACTS or own == product:
        return NO_FACTS
    return Facts(
        environment=None if _repeats_environment(own, product) else own.environment,
        eco_claims=() if _keys(own.eco_claims) == _keys(product.eco_claims) else own.eco_claims,
        weight_g=None if own.weight_g == product.weight_g else own.weight_g,
        materials=() if _repeats_materials(own.materials, product.materials) else own.materials,
        journey=() if _repeats_journey(own, product) else own.journey,
    )


def _repeats_environment(own: Facts, product: Facts) -> bool:
    theirs = product.environment or (None, None)
    return all(metric is None or metric == other for metric, other in zip(own.environment or (), theirs, strict=False))


def _repeats_materials(own: Iterable[Material], product: Iterable[Material]) -> bool:
    mine = {material.name.key: material.percentage for material in own}
    theirs = {material.name.key: material.percentage for material in product}
    return mine.keys() == theirs.keys() and (mine == theirs or not any(mine.values()))


def _repeats_journey(own: Facts, product: Facts) -> bool:
    theirs = dict(product.journey)
    return all(_keys(operators) == _keys(theirs.get(step, ())) for step, operators in own.journey)


def _keys(names: Iterable[Name]) -> set[str]:
    return {name.key for name in names}
