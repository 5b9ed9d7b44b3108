"""Products: 29 headings in template order, as a fashion brand's catalogue says them.

A row with a handle starts a product and is its first variant; rows without one are further variants.
"""

from shared.entities.declaration import (
    Decimals,
    EntityType,
    Field,
    GroupKey,
    Identifier,
    Kind,
    Level,
    RequiredColumns,
)
from shared.entities.not_imported import ToleratedHeading

PERCENTAGE = Decimals(precision=6, scale=2)

JOURNEY_STEPS = ("raw_material", "weaving", "dyeing_printing", "stitching", "assembly", "finishing")
"""The steps of the production journey, in its order; each is also the code of its field."""

_PRODUCT = (
    Field(
        code="title",
        heading="Product Title",
        level=Level.BOTH,
        kind=Kind.TEXT,
        section="Product",
        about="Required on the product's first row; on another row the name of that variant.",
        aliases=("title", "name", "product name"),
        required=True,
        is_name=True,
        example="Organic Cotton T-Shirt",
    ),
    Field(
        code="handle",
        heading="Product Handle",
        level=Level.PRODUCT,
        kind=Kind.KEY,
        section="Product",
        about="No two products have the same.",
        aliases=("handle",),
        example="organic-cotton-tshirt",
    ),
    Field(
        code="manufacturer",
        heading="Manufacturer",
        level=Level.PRODUCT,
        kind=Kind.NAME,
        section="Product",
        about="Usually the brand, unless another supplier makes the product.",
        aliases=("brand",),
        creates="manufacturers",
        example="Brand Inc.",
    ),
    Field(
        code="description",
        heading="Description",
        level=Level.BOTH,
        kind=Kind.TEXT,
        section="Product",
        about="Shown on the product passport.",
        aliases=("desc", "product description"),
        example="Great organic t-shirt...",
    ),
    Field(
        code="image_url",
        heading="Image",
        level=Level.BOTH,
        kind=Kind.URL,
        section="Product",
        about="Of one picture.",
        aliases=("image url",),
        example="https://brand.com/image.png",
    ),
)

_PUBLISHING = (
    Field(
        code="status",
        heading="Status",
        level=Level.PRODUCT,
        kind=Kind.CHOICE,
        section="Publishing",
        about="Of the product passport.",
        aliases=("image status", "publication status"),
        choices=("unpublished", "published", "archived", "scheduled"),
        example="Unpublished",
    ),
)

_ORGANIZATION = (
    Field(
        code="category",
        heading="Category",
        level=Level.PRODUCT,
        kind=Kind.PATH,
        section="Organization",
        about="Categories are never created.",
        aliases=("product category",),
        example="Clothing > T-shirts & Polos > Printed T-shirts",
    ),
    Field(
        code="season",
        heading="Season",
        level=Level.PRODUCT,
        kind=Kind.NAME,
        section="Organization",
        about="For example NOS, SS26, AW27.",
        creates="seasons",
        example="NOS",
    ),
    Field(
        code="tags",
        heading="Tags",
        level=Level.PRODUCT,
        kind=Kind.NAMES,
        section="Organization",
        about="Names for internal order.",
        aliases=("tag",),
        creates="tags",
        example="mens; t-shirt; example",
    ),
)


def _attribute_pair(number: int, name: str, value: str) -> tuple[Field, Field]:
    name_code, value_code = f"attribute_{number}", f"attribute_value_{number}"
    return (
        Field(
            code=name_code,
            heading=f"Attribute {number}",
            level=Level.VARIANT,
            kind=Kind.NAME,
            section="Variants",
            about="What tells the variants apart, for example Color or Size.",
            creates="attributes",
            partner=value_code,
            is_label=True,
            example=name,
        ),
        Field(
            code=value_code,
            heading=f"Attribute Value {number}",
            level=Level.VARIANT,
            kind=Kind.NAME,
            section="Variants",
            about=f"This variant's value of Attribute {number}.",
            aliases=(f"attribute {number} value",),
            creates="attribute_values",
            partner=name_code,
            example=value,
        ),
    )


_VARIANTS = (
    Field(
        code="barcode",
        heading="Barcode",
        level=Level.VARIANT,
        kind=Kind.BARCODE,
        section="Variants",
        about="Kept as text; every row needs a barcode or an SKU.",
        aliases=("ean", "upc", "gtin"),
        example=115243746,
    ),
    Field(
        code="sku",
        heading="SKU",
        level=Level.VARIANT,
        kind=Kind.TEXT,
        section="Variants",
        about="Stock keeping unit; every row needs a barcode or an SKU.",
        aliases=("stock keeping unit",),
        example="SKU-OCT-001",
    ),
    *_attribute_pair(1, "Color", "White"),
    *_attribute_pair(2, "Size", "M"),
    *_attribute_pair(3, "Gender", "Men's"),
)

_ENVIRONMENT = (
    Field(
        code="carbon_kg",
        heading="kgCO2e Carbon Footprint",
        level=Level.BOTH,
        kind=Kind.DECIMAL,
        section="Environment",
        about="Carbon footprint in kgCO2e.",
        aliases=("kilograms co2", "kg co2", "carbon kg"),
        decimals=Decimals(precision=12, scale=4),
        units=("kg", "kgCO2e", "kg CO2", "kg CO2 eq", "kg CO2-equivalent"),
        example=6.55,
    ),
    Field(
        code="water_l",
        heading="Liters Water Used",
        level=Level.BOTH,
        kind=Kind.DECIMAL,
        section="Environment",
        about="Water used, in liters.",
        aliases=("water liters", "water usage"),
        decimals=Decimals(precision=12, scale=2),
        units=("l", "ltr", "liter", "liters", "litre", "litres"),
        example=4223,
    ),
    Field(
        code="eco_claims",
        heading="Eco-claims",
        level=Level.BOTH,
        kind=Kind.NAMES,
        section="Environment",
        about="The brand's own claims about the product.",
        aliases=("eco claims",),
        creates="eco_claims",
        example="Recycled Polyester; Handmande in Portugal",
    ),
)

_COMPOSITION = (
    Field(
        code="weight_g",
        heading="Grams Weight",
        level=Level.BOTH,
        kind=Kind.DECIMAL,
        section="Composition",
        about="Weight in grams.",
        aliases=("weight", "weight grams"),
        decimals=Decimals(precision=10, scale=2),
        units=("g", "gr", "gram", "grams", "gramme"),
        example=230,
    ),
    Field(
        code="materials",
        heading="Materials",
        level=Level.BOTH,
        kind=Kind.MATERIALS,
        section="Composition",
        about="What it is made of.",
        aliases=("materials percentages",),
        creates="materials",
        partner="percentages",
        example="Recycled Polyester; Organic Cotton",
    ),
    Field(
        code="percentages",
        heading="Percentages",
        level=Level.BOTH,
        kind=Kind.PERCENTAGES,
        section="Composition",
        about="One for each material.",
        decimals=PERCENTAGE,
        partner="materials",
        units=("%", "percent", "pct"),
        example="80; 20",
    ),
)


def _step(code: str, heading: str, example: str, aliases: tuple[str, ...] = ()) -> Field:
    return Field(
        code=code,
        heading=heading,
        level=Level.BOTH,
        kind=Kind.NAMES,
        section="Production Journey",
        about="The operators of this step.",
        aliases=aliases,
        creates="facilities",
        example=example,
    )


_JOURNEY = (
    _step("raw_material", "Raw Material", "Material Inc."),
    _step("weaving", "Weaving", "Weaving Inc."),
    _step("dyeing_printing", "Dyeing / Printing", "Dyeing Inc.", aliases=("dyeing", "printing")),
    _step("stitching", "Stitching", "(footwear only)\nStitching Inc."),
    _step("assembly", "Assembly", "Assembly Inc."),
    _step("finishing", "Finishing", "Finishing Inc."),
)

BY_HANDLE = GroupKey(
    "handle",
    noun="product",
    orphan_message="Variant row found before any product row",
    members=("barcode", "sku"),
)

PRODUCTS = EntityType(
    name="products",
    family="products",
    sheet="Products",
    record_noun="variant",
    fields=(
        *_PRODUCT,
        *_PUBLISHING,
        *_ORGANIZATION,
        *_VARIANTS,
        *_ENVIRONMENT,
        *_COMPOSITION,
        *_JOURNEY,
    ),
    can_be_undone=True,
    modes=("create", "enrich", "upsert"),
    grouping=BY_HANDLE,
    identifiers=(
        Identifier("handle", "Product handle"),
        Identifier("barcode", "Barcode", refuse_mangled_number=True),
        Identifier("sku", "SKU"),
    ),
    tolerated=(
        ToleratedHeading("UPID", notice="a product's passport id is given by the system, never imported"),
        ToleratedHeading(
            "Carbon Footprint", notice="free text is not imported; use kgCO2e Carbon Footprint for the figure"
        ),
    ),
    required=(
        RequiredColumns(("handle",), modes=("create", "upsert")),
        RequiredColumns(("barcode", "sku"), modes=("create", "enrich", "upsert")),
    ),
)
