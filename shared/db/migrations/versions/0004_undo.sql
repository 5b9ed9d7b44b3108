-- Frozen once released: imports that take another one back.

-- What an import made is found by it; a product by its variants.
CREATE INDEX product_variants_created_import_id_created_row_no_idx
    ON catalog.product_variants (created_import_id, created_row_no);

-- Whoever wrote a record last before it was changed is that again once the change is taken back.
ALTER TABLE catalog.changes ADD COLUMN writer_import_id UUID, ADD COLUMN writer_row_no INTEGER, ADD COLUMN undone_by UUID;
ALTER TABLE staging.products ADD COLUMN writer_import_id UUID, ADD COLUMN writer_row_no INTEGER;
ALTER TABLE staging.product_variants ADD COLUMN writer_import_id UUID, ADD COLUMN writer_row_no INTEGER;

GRANT INSERT ON imports.import_chunks TO winnow_intake;
-- Nothing else of a change is ever written anew.
GRANT UPDATE (undone_by) ON catalog.changes TO winnow_committer;
GRANT DELETE ON
    catalog.products, catalog.product_variants, catalog.product_variant_attributes,
    catalog.manufacturers, catalog.seasons, catalog.tags, catalog.attributes, catalog.attribute_values,
    catalog.materials, catalog.eco_claims, catalog.facilities
    TO winnow_committer;
