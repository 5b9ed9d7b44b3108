from decimal import Decimal
from typing import Any

import pytest

from services.validator.outcomes import Duplicate
from services.validator.products.groups import References
from services.validator.products.product import NO_FACTS, NO_PRESENTATION, FailedProduct, Known, Product
from services.validator.products.rules import check
from services.validator.rows import RawRow, RowReader
from shared.entities import PRODUCTS
from shared.entities.errors import shown
from tests.unit.validator.products.sheets import TREE, checked, columns_of, errors, good, product


def test_a_product_is_its_parent_row_and_the_variant_rows_below_it() -> None:
    found = good(
        product(
            manufacturer="Brand Inc.",
            category="Clothing > Jeans",
            season="SS26",
            tags="mens; t-shirt",
            status="Published",
            weight_g=230,
        ),
        {"sku": "T-2"},
        {"barcode": 115243746},
    )
    assert (found.title, found.handle, found.status, found.category_id) == ("Tee", "tee", "published", 2)
    assert found.manufacturer is not None
    assert found.manufacturer.text == "Brand Inc."
    assert [tag.text for tag in found.tags] == ["mens", "t-shirt"]
    assert found.facts.weight_g == Decimal(230)
    assert [(variant.row, variant.barcode, variant.sku) for variant in found.variants] == [
        (2, None, "T-1"),
        (3, None, "T-2"),
        (4, "115243746", None),
    ]


def test_values_are_trimmed_and_white_space_is_blank() -> None:
    found = good(product(title="  Tee ", handle=" tee", description=" \t ", season="\u00a0"))
    assert (found.title, found.handle, found.description, found.season) == ("Tee", "tee", None, None)


def test_zero_is_a_value() -> None:
    assert good(product(carbon_kg=0, water_l="0")).facts.environment == (Decimal(0), Decimal(0))
    assert good(product(title="0", sku=0)).variants[0].sku == "0"


def test_status_is_unpublished_when_blank() -> None:
    assert good(product()).status == "unpublished"


def test_long_titles_and_descriptions_pass() -> None:
    found = good(product(title="t" * 500, description="line\n\tline\n" + "d" * 10_000))
    assert len(found.title) == 500


def test_every_reason_in_a_group_is_reported_at_its_own_row_and_column() -> None:
    assert errors(
        product(title=None, status="new", weight_g="12abc"),
        {"handle": "tee", "image_url": "brand.com/x.png"},
        {"sku": "T-3", "attribute_1": "Size", "attribute_value_1": None},
    ) == [
        (2, "Product Title", "required", "Product Title is required"),
        (
            2,
            "Status",
            "invalid_choice",
            '"new" is not a status; choose unpublished, published, archived or scheduled',
        ),
        (2, "Grams Weight", "invalid_number", '"12abc" is more than a number; type 12'),
        (3, "Barcode", "required", "Barcode or SKU is required"),
        (3, "SKU", "required", "Barcode or SKU is required"),
        (
            3,
            "Image",
            "invalid_url",
            '"brand.com/x.png" is not a full web address; start with https:// or http://, without spaces',
        ),
        (4, "Attribute Value 1", "incomplete_pair", "Attribute 1 needs Attribute Value 1"),
    ]


def test_one_bad_row_fails_its_product_and_no_other() -> None:
    chunk = checked([product(), {"sku": "T-2", "weight_g": "x"}, product(handle="cap", sku="C-1")])
    bad, fine = chunk.products
    assert isinstance(bad, FailedProduct)
    assert [row.row for row in bad.rows] == [2, 3]
    assert isinstance(fine, Product)
    assert len(bad.rows) == 2


@pytest.mark.parametrize(
    "row",
    [
        {"title": "Total", "weight_g": 300},
        {"title": "Total", "weight_g": "#UNCALCULATED!"},
        {"title": "Total", "status": "unpublished", "weight_g": 12},
        {"description": "All prices without VAT"},
        {"weight_g": "1,250.00", "water_l": 12, "tags": "3"},
    ],
)
def test_a_totals_row_fails_alone_and_is_asked_about(row: dict[str, Any]) -> None:
    chunk = checked([product(), row, {"sku": "T-2"}, product(handle="cap", sku="C-1"), row])
    tee, total, cap, other = chunk.products
    assert isinstance(tee, Product)
    assert [variant.row for variant in tee.variants] == [2, 4]
    assert isinstance(cap, Product)
    assert isinstance(total, FailedProduct)
    assert isinstance(other, FailedProduct)
    said = {(error.row_no, error.code, error.message) for error in total.errors if error.heading in {"Barcode", "SKU"}}
    assert said == {(3, "unidentified_row", "Barcode or SKU is required. Is this a totals row? Delete it")}
    assert "orphan_variant" not in {error.code for error in total.errors}


@pytest.mark.parametrize(
    "row",
    [
        {"title": "Blue", "attribute_1": "Color", "attribute_value_1": "Blue"},
        {"image_url": "https://a.example/2.jpg"},
        {"title": "Blue", "materials": "Cotton", "weight_g": 3},
    ],
)
def test_a_variant_without_identifiers_fails_alone_and_names_its_product(row: dict[str, Any]) -> None:
    tee, alone = checked([product(), row]).products
    assert isinstance(tee, Product)
    assert isinstance(alone, FailedProduct)
    message = 'Barcode or SKU is required; without one the row is no variant of product "tee"'
    assert {error.message for error in alone.errors} == {message}


def test_a_row_that_nothing_identifies_above_every_product_has_none() -> None:
    alone, tee = checked([{"title": "Blue", "attribute_1": "Color", "attribute_value_1": "Blue"}, product()]).products
    assert isinstance(tee, Product)
    assert isinstance(alone, FailedProduct)
    assert {error.code for error in alone.errors} == {"orphan_variant", "unidentified_row"}


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("tags", "summer, linen, men"),
        ("materials", "Cotton, Elastane"),
        ("weaving", "Weavers Co., Ltd"),
        ("tags", "a\nb"),
    ],
)
def test_commas_separate_nothing_and_the_sender_is_shown_what_was_made_of_them(code: str, text: str) -> None:
    chunk = checked([product(**{code: text}), product(handle="cap", sku="C-1", **{code: text})])
    assert all(isinstance(found, Product) for found in chunk.products)
    (notice,) = chunk.notices
    assert (notice.code, notice.row, notice.count) == ("comma_list", 2, 2)
    assert f'"{shown(text)}" was taken as one name' in notice.message


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("materials", "80% Cotton, 20% Elastane"),
        ("materials", "Cotton 80%; Elastane 20%"),
        ("materials", "100 % wool"),
        ("materials", "Cotton:80, Elastane:20"),
        ("materials", "80% Cotton\n20% Elastane"),
        ("tags", "50% off, sale"),
        ("image_url", "https://a.example/1.jpg,https://a.example/2.jpg"),
        ("image_url", "https://a.example/1.jpg; https://a.example/2.jpg"),
        ("image_url", "https://a.example/1.jpg\nwww.a.example/2.jpg"),
    ],
)
def test_a_list_in_another_form_is_refused_rather_than_taken_for_one_value(code: str, text: str) -> None:
    found = errors(product(**{code: text}))
    assert {error[0] for error in found} == {2}
    assert {error[1] for error in found} == {PRODUCTS.by_code[code].heading}


@pytest.mark.parametrize("text", ["https://a.example/x?of=https://b.example/y", "https://a.example/a,b.jpg"])
def test_an_address_may_hold_another_one_and_commas(text: str) -> None:
    assert good(product(image_url=text)).image_url == text


@pytest.mark.parametrize("hidden", ["\u200b", "\u00ad", "\ufeff", "\u2060", "\u200e", "\u200d"])
def test_what_nobody_sees_is_taken_out_of_identifiers_and_names(hidden: str) -> None:
    found = good(
        product(
            handle=f"t{hidden}ee", sku=f"{hidden}T-1", title=f"Te{hidden}e", barcode=f"1234{hidden}5678",
            season=f"SS{hidden}26", tags=f"a{hidden}b; ab", category=f"Shoes >{hidden} Boots", status=f"pub{hidden}lished",
            materials=f"Cot{hidden}ton:80",
        )
    )  # fmt: skip
    assert (found.handle, found.title, found.status, found.category_id) == ("tee", "Tee", "published", 9)
    assert (found.variants[0].sku, found.variants[0].barcode) == ("T-1", "12345678")
    assert found.season == ("SS26", "ss26")
    assert [tag.text for tag in found.tags] == ["ab"]
    assert [material.name.text for material in found.facts.materials] == ["Cotton"]


@pytest.mark.parametrize("blank", ["\u00a0", "\u2009", "\u3000", "\u202f"])
def test_odd_blanks_are_plain_ones_in_identifiers_and_names(blank: str) -> None:
    found = good(product(handle=f"my{blank}tee", title=f"My{blank}Tee", manufacturer=f"{blank}Big{blank}Co"))
    assert (found.handle, found.title, found.manufacturer) == ("my tee", "My Tee", ("Big Co", "big co"))


@pytest.mark.parametrize("text", ["\u00ad", "\u200b \ufeff", "\u3164", "\u2800"])
def test_a_title_of_which_nothing_is_seen_is_blank(text: str) -> None:
    assert errors(product(title=text)) == [(2, "Product Title", "required", "Product Title is required")]


@pytest.mark.parametrize(
    ("text", "shows"),
    [
        ("Bl\ufffdte", '"Bl\ufffdte" has a character'),
        ("Bl\udcfcte", '"Bl?te" (byte FC is not UTF-8)'),
        ("\ufffd", '"\ufffd"'),
    ],
)
@pytest.mark.parametrize("code", ["title", "sku", "description", "tags", "handle"])
def test_what_could_not_be_decoded_is_refused_wherever_it_stands(code: str, text: str, shows: str) -> None:
    ((_, heading, refused, message),) = errors(product(**{code: text}))
    assert (heading, refused) == (PRODUCTS.by_code[code].heading, "invalid_cell")
    assert message.startswith(shows)


def test_a_failed_group_keeps_what_a_preview_shows() -> None:
    (outcome,) = checked([product(weight_g="x"), {"barcode": "123"}]).products
    assert isinstance(outcome, FailedProduct)
    assert [(row.handle, row.title, row.barcode, row.sku) for row in outcome.rows] == [
        ("tee", "Tee", None, "T-1"),
        (None, None, "123", None),
    ]


def test_variant_rows_before_any_product_fail_each_by_itself() -> None:
    found = errors({"sku": "X-1"}, {"sku": "X-2", "weight_g": "1,5"}, product())
    assert found == [
        (2, "Product Handle", "orphan_variant", "Variant row found before any product row"),
        (3, "Product Handle", "orphan_variant", "Variant row found before any product row"),
        (
            3,
            "Grams Weight",
            "invalid_number",
            '"1,5" has a decimal comma, and this column is read with a decimal point; type 1.5',
        ),
    ]


@pytest.mark.parametrize("barcode", ["12345678", "00012345678905", 115243746])
def test_barcodes_are_8_to_14_digits_kept_as_text(barcode: str | int) -> None:
    assert good(product(barcode=barcode)).variants[0].barcode == str(barcode)


@pytest.mark.parametrize("barcode", ["1234567", "123456789012345", "ABC12345", "4006381 333931"])
def test_other_barcodes_are_imported_and_the_sender_is_told(barcode: str) -> None:
    chunk = checked([product(barcode=barcode)])
    (outcome,) = chunk.products
    assert isinstance(outcome, Product)
    assert outcome.variants[0].barcode == barcode
    assert [(notice.code, notice.column, notice.row) for notice in chunk.notices] == [("unusual_barcode", "Barcode", 2)]


@pytest.mark.parametrize("barcode", ["115243746.0", "4.00636E+12", "4,00636E+12", 1.5])
def test_a_barcode_that_a_program_has_made_a_number_of_is_refused(barcode: str | float) -> None:
    ((row, heading, code, message),) = errors(product(barcode=barcode))
    assert (row, heading, code) == (2, "Barcode", "invalid_barcode")
    assert message.startswith(f'"{barcode}" is a barcode that a program has made a number of')


def test_what_an_earlier_row_has_is_refused_naming_that_row() -> None:
    duplicates = [Duplicate(3, "sku", 2), Duplicate(4, "handle", 2), Duplicate(4, "barcode", 2)]
    found = errors(
        product(),
        {"sku": "T-1"},
        product(handle="cap", barcode="12345678", sku="C-1"),
        duplicates=duplicates,
    )
    assert found == [
        (3, "SKU", "duplicate_in_file", 'SKU "T-1" was used in row 2 already; give each variant its own'),
        (
            4,
            "Product Handle",
            "duplicate_in_file",
            'Rows of product "cap" stand in two places (2 and 4); put them together',
        ),
        (4, "Barcode", "duplicate_in_file", 'Barcode "12345678" was used in row 2 already; give each variant its own'),
    ]


def test_a_handle_the_catalogue_has_is_refused() -> None:
    assert errors(product(), known=Known(handles=frozenset({"tee"}))) == [
        (
            2,
            "Product Handle",
            "already_exists",
            'Product handle "tee" already exists; use enrich or upsert to change it',
        )
    ]


def test_handles_that_differ_in_case_are_two() -> None:
    assert good(product(handle="Tee"), known=Known(handles=frozenset({"tee"}))).handle == "Tee"


def test_identifiers_of_another_products_variant_are_refused_naming_the_product() -> None:
    known = Known(barcodes={"12345678": "cap"}, skus={"T-1": "cap", "T-2": "tee"})
    assert errors(product(barcode="12345678"), {"sku": "T-2"}, known=known) == [
        (2, "Barcode", "already_exists", 'Barcode "12345678" belongs to product "cap"'),
        (2, "SKU", "already_exists", 'SKU "T-1" belongs to product "cap"'),
    ]


def test_attributes_keep_their_order_and_may_leave_a_gap() -> None:
    found = good(product(attribute_1="Color", attribute_value_1="White", attribute_3="Size", attribute_value_3="M"))
    assert [(name.text, value.text) for name, value in found.variants[0].attributes] == [
        ("Color", "White"),
        ("Size", "M"),
    ]


def test_an_attribute_without_value_and_a_value_without_attribute_are_refused() -> None:
    cells = {"attribute_1": "Color", "attribute_value_1": None, "attribute_2": None, "attribute_value_2": "M"}
    assert errors(product(**cells)) == [
        (2, "Attribute Value 1", "incomplete_pair", "Attribute 1 needs Attribute Value 1"),
        (2, "Attribute 2", "incomplete_pair", "Attribute Value 2 needs Attribute 2"),
    ]


def test_half_a_pair_without_the_other_column_is_marked_where_it_stands() -> None:
    assert [reason[1] for reason in errors(product(attribute_1="Color"))] == ["Attribute 1"]


def test_the_same_attribute_twice_in_a_row_is_refused() -> None:
    cells = {"attribute_1": "Size", "attribute_value_1": "M", "attribute_2": "size", "attribute_value_2": "L"}
    assert [(code, heading) for _, heading, code, _ in errors(product(**cells))] == [
        ("duplicate_attribute", "Attribute 2")
    ]


@pytest.mark.parametrize("cell", ["#REF!", "#N/A", "bad\x00cell", "bell\x07", "half\ud800", "x" * 32_768])
def test_cells_that_cannot_be_read_are_refused_and_reported_once(cell: str) -> None:
    for code in ("title", "handle", "sku", "season", "weight_g", "materials", "attribute_1", "status"):
        cells = product(**({"attribute_value_1": "M"} if code == "attribute_1" else {})) | {code: cell}
        found = errors(cells)
        assert [reason[2] for reason in found] == ["invalid_cell"], code
        assert found[0][3].isprintable()
        found[0][3].encode()


def test_a_line_break_in_a_key_is_refused() -> None:
    assert [reason[2] for reason in errors(product(sku="T\n1"))] == ["invalid_cell"]


def test_an_unreadable_cell_on_a_variant_row_fails_even_where_its_value_would_be_ignored() -> None:
    assert [reason[:3] for reason in errors(product(), {"sku": "T-2", "season": "#REF!"})] == [
        (3, "Season", "invalid_cell")
    ]


def test_the_parent_row_overrides_nothing() -> None:
    (first,) = good(product(description="d", weight_g=1, materials="Cotton")).variants
    assert first.presentation is NO_PRESENTATION
    assert first.facts is NO_FACTS


def test_a_variant_row_overrides_only_the_kinds_it_gives() -> None:
    found = good(
        product(materials="Cotton; Wool", percentages="80; 20", weaving="Weaving Inc.", weight_g=230),
        {"sku": "T-2", "materials": "Silk", "title": "Silk tee"},
    )
    own = found.variants[1]
    assert [material.name.text for material in own.facts.materials] == ["Silk"]
    assert (own.facts.journey, own.facts.weight_g, own.facts.environment) == ((), None, None)
    assert (own.presentation.title, own.presentation.description) == ("Silk tee", None)


def test_a_file_that_repeats_the_product_on_every_row_has_plain_variants() -> None:
    repeated = product(
        description="d",
        manufacturer="Brand",
        status="Published",
        category="Clothing > Jeans",
        season="SS26",
        tags="a; b",
        carbon_kg=6.55,
        water_l="10",
        eco_claims="Fair; Local",
        weight_g=230,
        materials="Cotton; Wool",
        percentages="80; 20",
        weaving="Weaving Inc.",
        stitching="Stitching Inc.",
    )
    again = repeated | {
        "sku": "T-2",
        "manufacturer": "BRAND",
        "tags": "B;a",
        "category": "clothing>jeans",
        "carbon_kg": "6.550",
        "status": "published",
        "eco_claims": "local|fair",
    }
    chunk = checked([repeated, again])
    (found,) = chunk.products
    assert isinstance(found, Product)
    assert found.variants[1].presentation == NO_PRESENTATION
    assert found.variants[1].facts == NO_FACTS
    assert chunk.notices == []


def test_repeated_percentages_without_their_materials_say_nothing_new() -> None:
    found = good(product(materials="A; B", percentages="80; 20"), {"sku": "T-2", "percentages": "80; 20"})
    assert found.variants[1].facts == NO_FACTS


def test_percentages_of_a_variant_need_its_materials() -> None:
    found = errors(product(materials="A; B", percentages="80; 20"), {"sku": "T-2", "percentages": "70; 30"})
    assert [reason[:3] for reason in found] == [(3, "Percentages", "invalid_percentage")]


def test_a_kind_that_differs_in_one_figure_is_kept_whole() -> None:
    found = good(product(carbon_kg=1, water_l=2), {"sku": "T-2", "carbon_kg": 1, "water_l": 3})
    assert found.variants[1].facts.environment == (Decimal(1), Decimal(3))


def test_values_of_the_product_alone_are_ignored_on_variant_rows_with_one_notice_a_column() -> None:
    chunk = checked(
        [
            product(season="SS26", tags=None),
            {"sku": "T-2", "season": "AW27", "tags": "x"},
            {"sku": "T-3", "season": "ss26"},
            {"sku": "T-4", "season": "NOS", "status": "rubbish"},
        ]
    )
    assert all(isinstance(found, Product) for found in chunk.products)
    assert [(notice.column, notice.row, notice.count) for notice in chunk.notices] == [
        ("Status", 5, 1),
        ("Season", 3, 2),
        ("Tags", 3, 1),
    ]
    assert {notice.code for notice in chunk.notices} == {"ignored_on_variant_row"}


def test_unknown_categories_fail_the_product() -> None:
    assert [reason[1:3] for reason in errors(product(category="Straight"))] == [("Category", "not_found")]


def test_without_a_barcode_column_only_the_sku_is_marked() -> None:
    columns = columns_of(["Product Title", "Product Handle", "sku"])
    groups = RowReader(columns).read_all([RawRow(2, 2, ["Tee", "tee"])])
    (outcome,) = check(groups, columns, References(Known(), TREE)).products
    assert isinstance(outcome, FailedProduct)
    assert [(error.heading, error.column_index) for error in outcome.errors] == [("sku", 2)]


def test_a_chunk_as_realistic_as_the_template_is_good() -> None:
    found = good(
        product(
            image_url=None,
            category="Clothing > T-shirts & Polos > Printed T-shirts",
            eco_claims="Recycled Polyester; Handmande in Portugal",
            stitching="(footwear only)\nStitching Inc.",
        )
    )
    assert found.facts.journey[0][1][0].text == "(footwear only)\nStitching Inc."
