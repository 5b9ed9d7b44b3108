"""A product as the rules read it, what is left of one that failed, and what production has of those a chunk names."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from services.validator.products.composition import Material
from services.validator.values.lists import Name
from shared.entities.errors import RowError
from shared.entities.existing import KnownProducts


@dataclass(frozen=True, slots=True)
class Facts:
    """What a product or, in its place, a variant says of itself by kind; an empty kind says nothing.

    `environment` is (carbon in kg CO2e, water in l), `journey` the operators by step in the steps' order.
    """

    environment: tuple[Decimal | None, Decimal | None] | None = None
    eco_claims: tuple[Name, ...] = ()
    weight_g: Decimal | None = None
    materials: tuple[Material, ...] = ()
    journey: tuple[tuple[str, tuple[Name, ...]], ...] = ()


NO_FACTS = Facts()


@dataclass(frozen=True, slots=True)
class Presentation:
    """Title, description and image: the product's, or what a variant has in their place."""

    title: str | None = None
    description: str | None = None
    image_url: str | None = None


NO_PRESENTATION = Presentation()


@dataclass(frozen=True, slots=True)
class Variant:
    """One row of a product. `presentation` and `facts` are what it overrides: only where it differs."""

    row: int
    barcode: str | None
    sku: str | None
    attributes: tuple[tuple[Name, Name], ...]
    presentation: Presentation = NO_PRESENTATION
    facts: Facts = NO_FACTS


@dataclass(frozen=True, slots=True)
class Product:
    """A group in which every row is good; the first variant is the parent row and overrides nothing."""

    row: int
    handle: str
    title: str
    description: str | None
    image_url: str | None
    status: str
    manufacturer: Name | None
    category_id: int | None
    season: Name | None
    tags: tuple[Name, ...]
    facts: Facts
    variants: tuple[Variant, ...]


@dataclass(frozen=True, slots=True)
class FailedRow:
    """What a preview shows of a row whose group failed: as much of it as could be read."""

    row: int
    handle: str | None
    title: str | None
    barcode: str | None
    sku: str | None


@dataclass(frozen=True, slots=True)
class FailedProduct:
    """A group with at least one bad row: nothing of it is imported; every error is here."""

    row: int
    rows: tuple[FailedRow, ...]
    errors: Sequence[RowError]


Known: TypeAlias = KnownProducts
"""What the tenant's catalogue has of what a chunk names."""
