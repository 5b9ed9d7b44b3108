"""What a variant has in place of its product's: whole kinds, and only where the row says something else.

A value equal to the product's own is no override, so that a file which repeats the product on every row
(Shopify's habit) makes plain variants.
"""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from decimal import Decimal

from services.validator.products.composition import Material
from services.validator.products.merging import (
    FACT_CODES,
    NOTHING_CLEARED,
    PRESENTATION_CODES,
    merged_facts,
    same_names,
)
from services.validator.products.product import NO_FACTS, NO_PRESENTATION, Facts, Presentation


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
        eco_claims=() if same_names(own.eco_claims, product.eco_claims) else own.eco_claims,
        weight_g=None if own.weight_g == product.weight_g else own.weight_g,
        materials=() if _repeats_materials(own.materials, product.materials) else own.materials,
        journey=() if _repeats_journey(own, product) else own.journey,
    )


def own_presentation(
    stored: Presentation, said: Presentation, product: Presentation, clears: AbstractSet[str] = NOTHING_CLEARED
) -> Presentation:
    """What a variant has of its own once its row has been applied: what repeats the product is taken away."""
    if said is NO_PRESENTATION and clears.isdisjoint(PRESENTATION_CODES):
        return stored

    def own(code: str, there: str | None, given: str | None, products: str | None) -> str | None:
        if given is None:
            return None if code in clears else there
        return None if given == products else given

    return Presentation(
        title=own("title", stored.title, said.title, product.title),
        description=own("description", stored.description, said.description, product.description),
        image_url=own("image_url", stored.image_url, said.image_url, product.image_url),
    )


def own_facts(stored: Facts, said: Facts, product: Facts, clears: AbstractSet[str] = NOTHING_CLEARED) -> Facts:
    """A variant's own facts once its row has been applied: of the kinds it says, what repeats the product is taken away.

    Kinds that the row does not say are left as they are, whatever its product's are by now.
    """
    if said is NO_FACTS and clears.isdisjoint(FACT_CODES):
        return stored
    merged = merged_facts(stored, said, clears)
    repeats_claims = said.eco_claims and same_names(merged.eco_claims, product.eco_claims)
    repeats_weight = said.weight_g is not None and said.weight_g == product.weight_g
    repeats_materials = said.materials and _repeats_materials(merged.materials, product.materials)
    repeats_journey = said.journey and _repeats_journey(merged, product)
    return Facts(
        environment=merged.environment if said.environment is None else _own_environment(stored, said, merged, product),
        eco_claims=() if repeats_claims else merged.eco_claims,
        weight_g=None if repeats_weight else merged.weight_g,
        materials=() if repeats_materials else merged.materials,
        journey=() if repeats_journey else merged.journey,
    )


def _own_environment(
    stored: Facts, said: Facts, merged: Facts, product: Facts
) -> tuple[Decimal | None, Decimal | None] | None:
    nothing = (None, None)
    figures = zip(*(facts.environment or nothing for facts in (stored, said, merged, product)), strict=True)
    carbon, water = (
        None if given is not None and given != there and given == products else own
        for there, given, own, products in figures
    )
    if _repeats_environment(Facts(environment=(carbon, water)), product):
        return None
    return carbon, water


def _repeats_environment(own: Facts, product: Facts) -> bool:
    theirs = product.environment or (None, None)
    return all(metric is None or metric == other for metric, other in zip(own.environment or (), theirs, strict=False))


def _repeats_materials(own: Iterable[Material], product: Iterable[Material]) -> bool:
    mine = {material.name.key: material.percentage for material in own}
    theirs = {material.name.key: material.percentage for material in product}
    return mine.keys() == theirs.keys() and (mine == theirs or not any(mine.values()))


def _repeats_journey(own: Facts, product: Facts) -> bool:
    theirs = dict(product.journey)
    return all(same_names(operators, theirs.get(step, ())) for step, operators in own.journey)
