"""What a product or a variant is once a row has been applied to it: what the row does not say stays as it is. Pure.

A list replaces the list of its level; environment figures and journey steps stand each for themselves. Where a row says
what is there already, the result is what was there: results are compared by plain equality.
"""

from collections.abc import Set as AbstractSet
from decimal import Decimal
from typing import TypeAlias

from services.validator.products.composition import Material
from services.validator.products.product import NO_FACTS, NO_PRESENTATION, Facts, Presentation
from services.validator.products.stored import ProductLevel
from services.validator.values.lists import NO_NAMES, Name
from shared.entities.products import JOURNEY_STEPS, PRODUCTS

_Environment: TypeAlias = tuple[Decimal | None, Decimal | None]
_Journey: TypeAlias = tuple[tuple[str, tuple[Name, ...]], ...]

_NO_ENVIRONMENT: _Environment = (None, None)
_METRICS = ("carbon_kg", "water_l")
FACT_CODES = frozenset({*_METRICS, "eco_claims", "weight_g", "materials", "percentages", *JOURNEY_STEPS})
PRESENTATION_CODES = frozenset({"title", "description", "image_url"})
NOTHING_CLEARED: AbstractSet[str] = frozenset()


def merged_level(stored: ProductLevel, said: ProductLevel, clears: AbstractSet[str] = NOTHING_CLEARED) -> ProductLevel:
    """A product once its row has been applied to it. `clears` are the codes of blank cells that clear what is there."""
    status = said.status or (PRODUCTS.by_code["status"].choices[0] if "status" in clears else stored.status)
    category = said.category_id
    if category is None and "category" not in clears:
        category = stored.category_id
    merged = ProductLevel(
        presentation=merged_presentation(stored.presentation, said.presentation, clears),
        status=status,
        manufacturer=_name(stored.manufacturer, said.manufacturer, clears=clears, code="manufacturer"),
        category_id=category,
        season=_name(stored.season, said.season, clears=clears, code="season"),
        tags=_names(stored.tags, said.tags, clears=clears, code="tags"),
        facts=merged_facts(stored.facts, said.facts, clears),
    )
    return stored if merged == stored else merged


def merged_presentation(
    stored: Presentation, said: Presentation, clears: AbstractSet[str] = NOTHING_CLEARED
) -> Presentation:
    """Title, description and image, each for itself."""
    if said is NO_PRESENTATION and clears.isdisjoint(PRESENTATION_CODES):
        return stored
    return Presentation(
        title=said.title or stored.title,
        description=said.description or (None if "description" in clears else stored.description),
        image_url=said.image_url or (None if "image_url" in clears else stored.image_url),
    )


def merged_facts(stored: Facts, said: Facts, clears: AbstractSet[str] = NOTHING_CLEARED) -> Facts:
    """The facts of a level."""
    if said is NO_FACTS and clears.isdisjoint(FACT_CODES):
        return stored
    weight = said.weight_g
    if weight is None and "weight_g" not in clears:
        weight = stored.weight_g
    return Facts(
        environment=_environment(stored, said, clears),
        eco_claims=_names(stored.eco_claims, said.eco_claims, clears=clears, code="eco_claims"),
        weight_g=weight,
        materials=_materials(stored.materials, said.materials, clears),
        journey=_journey(stored.journey, said.journey, clears),
    )


def merged_attributes(
    stored: tuple[tuple[Name, Name], ...], said: tuple[tuple[Name, Name], ...]
) -> tuple[tuple[Name, Name], ...]:
    """A variant's attributes with the values a row gives some of them; others are added behind them, none is removed."""
    if [(attribute.key, value.key) for attribute, value in said] == [
        (attribute.key, value.key) for attribute, value in stored
    ]:
        return stored
    values = {attribute.key: value for attribute, value in said}
    known = {attribute.key for attribute, _ in stored}
    kept = ((attribute, _same_or(value, values.get(attribute.key))) for attribute, value in stored)
    added = (pair for pair in said if pair[0].key not in known)
    return (*kept, *added)


def same_names(one: tuple[Name, ...], other: tuple[Name, ...]) -> bool:
    """Whether two lists name the same, in whatever order."""
    return {name.key for name in one} == {name.key for name in other}


def _same_or(stored: Name, said: Name | None) -> Name:
    return stored if said is None or said.key == stored.key else said


def _name(stored: Name | None, said: Name | None, *, clears: AbstractSet[str], code: str) -> Name | None:
    if said is None:
        return None if code in clears else stored
    return said if stored is None else _same_or(stored, said)


def _names(
    stored: tuple[Name, ...], said: tuple[Name, ...], *, clears: AbstractSet[str], code: str
) -> tuple[Name, ...]:
    if not said:
        return NO_NAMES if code in clears else stored
    is_same = len(said) == len(stored) and all(a.key == b.key for a, b in zip(said, stored, strict=True))
    return stored if is_same else said


def _environment(stored: Facts, said: Facts, clears: AbstractSet[str]) -> _Environment | None:
    there, given = stored.environment or _NO_ENVIRONMENT, said.environment or _NO_ENVIRONMENT
    carbon, water = (
        figure if figure is not None else (None if code in clears else kept)
        for code, figure, kept in zip(_METRICS, given, there, strict=True)
    )
    return None if carbon is None and water is None else (carbon, water)


def _materials(
    stored: tuple[Material, ...], said: tuple[Material, ...], clears: AbstractSet[str]
) -> tuple[Material, ...]:
    if not said:
        return () if "materials" in clears else stored
    mine = [(material.name.key, material.percentage) for material in said]
    theirs = [(material.name.key, material.percentage) for material in stored]
    if mine == theirs:
        return stored
    if "percentages" in clears or any(percentage is not None for _, percentage in mine):
        return said
    # Blank percentages keep those that are there, as long as they are of the same materials.
    shares = dict(theirs)
    if {key for key, _ in mine} != shares.keys():
        return said
    if [key for key, _ in mine] == [key for key, _ in theirs]:
        return stored
    return tuple(Material(material.name, shares[material.name.key]) for material in said)


def _journey(stored: _Journey, said: _Journey, clears: AbstractSet[str]) -> _Journey:
    there, given = dict(stored), dict(said)
    steps = (
        (step, _names(there.get(step, NO_NAMES), given.get(step, NO_NAMES), clears=clears, code=step))
        for step in JOURNEY_STEPS
    )
    return tuple((step, operators) for step, operators in steps if operators)
