"""Products and variants as production has them: what rows are compared with. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from services.validator.products.composition import Material
from services.validator.products.product import NO_FACTS, NO_PRESENTATION, Facts, Presentation
from services.validator.values.lists import NO_NAMES, Name
from shared.entities.existing import KnownProducts
from shared.entities.products import JOURNEY_STEPS


def stored_facts(
    figures: tuple[Decimal | None, Decimal | None, Decimal | None],
    materials: Sequence[Material] = (),
    eco_claims: Sequence[Name] = NO_NAMES,
    steps: Iterable[tuple[str, Name]] = (),
) -> Facts:
    """The facts of a record by what is stored of each kind: `figures` are carbon, water and weight, `steps` each with an operator."""
    operators: dict[str, list[Name]] = {}
    for step, operator in steps:
        operators.setdefault(step, []).append(operator)
    carbon, water, weight = figures
    facts = Facts(
        environment=None if carbon is None and water is None else (carbon, water),
        eco_claims=tuple(eco_claims),
        weight_g=weight,
        materials=tuple(materials),
        journey=tuple((step, tuple(operators[step])) for step in JOURNEY_STEPS if step in operators),
    )
    return NO_FACTS if facts == NO_FACTS else facts


@dataclass(frozen=True, slots=True)
class ProductLevel:
    """What is said of a product as a whole, for all its variants."""

    presentation: Presentation = NO_PRESENTATION
    status: str = ""
    manufacturer: Name | None = None
    category_id: int | None = None
    season: Name | None = None
    tags: tuple[Name, ...] = NO_NAMES
    facts: Facts = NO_FACTS


@dataclass(frozen=True, slots=True)
class VariantLevel:
    """What is said of one variant: what it is known by, its attributes, and what it has in its product's place."""

    barcode: str | None = None
    sku: str | None = None
    attributes: tuple[tuple[Name, Name], ...] = ()
    presentation: Presentation = NO_PRESENTATION
    facts: Facts = NO_FACTS


@dataclass(frozen=True, slots=True)
class StoredProduct:
    """A product, at the version at which it was read; `next_position` is that of a variant that would be added."""

    id: UUID
    handle: str
    version: int
    next_position: int
    level: ProductLevel
    created_import_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class StoredVariant:
    """A variant of a product; `import_id` and `import_row_no` say who wrote it last."""

    id: UUID
    product: StoredProduct
    position: int
    level: VariantLevel
    import_id: UUID
    import_row_no: int
    created_import_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """The products a chunk names by their handles or variants, and of their variants those it names."""

    products: Mapping[str, StoredProduct] = field(default_factory=dict)
    barcodes: Mapping[str, StoredVariant] = field(default_factory=dict)
    skus: Mapping[str, StoredVariant] = field(default_factory=dict)

    @staticmethod
    def of(products: Mapping[str, StoredProduct], variants: Iterable[StoredVariant]) -> "Stored":
        """These products, by handle, and these variants by what each is known by."""
        variants = list(variants)
        return Stored(
            products=products,
            barcodes={variant.level.barcode: variant for variant in variants if variant.level.barcode is not None},
            skus={variant.level.sku: variant for variant in variants if variant.level.sku is not None},
        )

    def by(self, code: str, text: str | None) -> StoredVariant | None:
        """The variant with this barcode or SKU."""
        return None if text is None else (self.barcodes if code == "barcode" else self.skus).get(text)

    def known_to(self, import_id: UUID) -> KnownProducts:
        """Who has what a product that is made would be known by, but for what this import has made itself."""
        return KnownProducts(
            barcodes=_owners(self.barcodes, import_id),
            skus=_owners(self.skus, import_id),
        )


def _owners(variants: Mapping[str, StoredVariant], import_id: UUID) -> dict[str, str]:
    return {
        text: variant.product.handle for text, variant in variants.items() if variant.created_import_id != import_id
    }


NOTHING_STORED = Stored()
